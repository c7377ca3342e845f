"""The health judges of a worker's cameras, made from the deployment and told what looks find."""

from __future__ import annotations

from config import Camera, Deployment
from detector.pipeline import LookResult
from detector.view import look_size
from streams.frame import Frame
from streams.health import CameraHealth


class HealthJudges:
    """Makes a judge for each camera (`Worker(judge_for=...)`) and tells it of damage (`observers=`)."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._judges: dict[str, CameraHealth] = {}

    def judge_for(self, camera: Camera) -> CameraHealth:
        judge = CameraHealth(
            self._deployment.health_of(camera),
            stale_after_s=camera.stream.stale_after_s,
            hfov_of=lambda preset: camera.pose_at(preset).hfov_deg,
            look_size=look_size,
        )
        self._judges[camera.id] = judge
        return judge

    def looked(self, camera: Camera, frame: Frame, result: LookResult) -> None:
        self._judges[camera.id].damaged(result.look.bad_picture, frame.captured_at)
