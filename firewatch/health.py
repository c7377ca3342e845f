"""The health judges of a worker's cameras, made from the deployment and told what looks find."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from config import Camera, Deployment
from detector.detection import Sighting
from detector.pipeline import LookResult
from detector.view import look_size
from firewatch.clerk import SightingSink
from firewatch.reference_views import ReferenceViews
from streams.frame import Frame
from streams.health import CameraHealth

_log = logging.getLogger(__name__)

HEARD_EVERY_S = 10.0
VIEWS_EVERY_S = 600.0
TURNED_AWAY_DEG = (180.0, 90.0)
"""A camera turned farther than can be measured, or that does not say where it stands, may look anywhere."""


class StateKeeper(Protocol):
    """The store, as far as it is told that cameras are watched."""

    def heard_from(self, states: Mapping[str, tuple[str, datetime, str]]) -> None: ...


class HealthJudges:
    """Makes a judge for each camera (`Worker(judge_for=...)`) and tells it of damage (`observers=`)."""

    def __init__(self, deployment: Deployment, views: ReferenceViews | None = None) -> None:
        self._deployment = deployment
        self._views = views
        self._judges: dict[str, CameraHealth] = {}
        self._cameras: dict[str, Camera] = {}

    def judge_for(self, camera: Camera) -> CameraHealth:
        judge = CameraHealth(
            self._deployment.health_of(camera),
            stale_after_s=camera.stream.stale_after_s,
            hfov_of=lambda preset: camera.pose_at(preset).hfov_deg,
            look_size=look_size,
            reference_of=lambda preset: self._views.load(camera, preset) if self._views else None,
        )
        self._judges[camera.id] = judge
        self._cameras[camera.id] = camera
        return judge

    def forget(self, camera_id: str) -> None:
        """It is not watched any more."""
        self._judges.pop(camera_id, None)
        self._cameras.pop(camera_id, None)

    def looked(self, camera: Camera, frame: Frame, result: LookResult) -> None:
        self._judges[camera.id].damaged(result.look.bad_picture, frame.captured_at)

    def states(self) -> dict[str, tuple[str, datetime, str]]:
        """What each judge said last: condition, since when, why."""
        shown = {camera_id: judge.shown for camera_id, judge in tuple(self._judges.items())}
        return {
            camera_id: (state.condition.value, state.since, state.reason)
            for camera_id, state in shown.items()
            if state is not None
        }

    def off_pose_deg(self, camera: Camera, preset: str | None) -> tuple[float, float] | None:
        """By how much the camera stands off its pose (azimuth, tilt), while it counts as moved."""
        judge = self._judges.get(camera.id)
        if judge is None or not judge.has_moved:
            return None
        return judge.shift.degrees(camera.pose_at(preset).hfov_deg) if judge.shift else TURNED_AWAY_DEG

    def keep_views(self) -> None:
        """Write where the views stand, for the next worker."""
        if self._views is None:
            return
        for camera_id, judge in tuple(self._judges.items()):
            camera = self._cameras.get(camera_id)
            for preset, edges in judge.references().items():
                if camera is not None:
                    self._views.save(camera, preset, edges)


class DoubtingSink:
    """Marks sightings of cameras that have moved, or did not say where they stood, on their way to the sink
    proper."""

    def __init__(self, sink: SightingSink, judges: HealthJudges) -> None:
        self._sink = sink
        self._judges = judges

    def accept(self, camera: Camera, sighting: Sighting, frame: Frame) -> None:
        off_pose_deg = self._judges.off_pose_deg(camera, sighting.preset)
        if frame.place_unsure:
            off_pose_deg = TURNED_AWAY_DEG
        self._sink.accept(camera, replace(sighting, off_pose_deg=off_pose_deg), frame)


class LifeSign:
    """Tells the store now and then that this worker watches its cameras, and keeps where their views stand;
    call it from the worker's loop.

    The time between the last sign and the next worker counts as blind.
    """

    def __init__(
        self, keeper: StateKeeper, judges: HealthJudges, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._keeper = keeper
        self._judges = judges
        self._monotonic = monotonic
        self._due_s = monotonic() + HEARD_EVERY_S
        self._views_due_s = monotonic() + VIEWS_EVERY_S

    def __call__(self) -> None:
        now_s = self._monotonic()
        if now_s >= self._views_due_s:
            self._views_due_s = now_s + VIEWS_EVERY_S
            self._judges.keep_views()
        if now_s < self._due_s:
            return
        self._due_s = now_s + HEARD_EVERY_S
        try:
            self._keeper.heard_from(self._judges.states())
        except Exception:  # the store may be locked or away; looking goes on
            _log.exception("life sign not stored")
