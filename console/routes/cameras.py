"""Cameras: what they do, where they look, and their newest picture. Never their address."""

from __future__ import annotations

from fastapi import APIRouter, Response

from config import Camera
from console import views
from console.auth import SignedIn
from console.context import InCentre
from console.problems import Problem

router = APIRouter(prefix="/api/v1/cameras", tags=["cameras"])


@router.get("")
def cameras(_session: SignedIn, centre: InCentre) -> tuple[views.CameraView, ...]:
    states = {state.camera_id: state for state in centre.store.camera_states()}

    def view(camera: Camera) -> views.CameraView:
        state = states.get(camera.id)
        return views.CameraView(
            id=camera.id,
            name=camera.name,
            lat_deg=camera.lat_deg,
            lon_deg=camera.lon_deg,
            mast_height_m=camera.mast_height_m,
            pose=views.PoseView.model_validate(camera.pose),
            enabled=camera.enabled,
            state="off" if not camera.enabled else state.state if state else "connecting",
            since=state.since if state else None,
            reason=state.reason if state else "",
            picture_at=centre.latest.captured_at(camera.id),
        )

    return tuple(view(camera) for camera in centre.deployment.cameras)


@router.get(
    "/{camera_id}/picture",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, 404: {"description": "No picture yet."}},
)
def picture(camera_id: str, _session: SignedIn, centre: InCentre) -> Response:
    """The newest picture. `X-Captured-At` says when it was taken."""
    if camera_id not in {camera.id for camera in centre.deployment.cameras}:
        raise Problem(404, "not-found", f"no camera {camera_id!r}")
    latest = centre.latest.read(camera_id)
    if latest is None:
        raise Problem(404, "no-picture", f"the camera {camera_id!r} has sent no picture yet")
    headers = {"X-Captured-At": latest.captured_at.isoformat(), "Cache-Control": "private, max-age=60"}
    return Response(latest.jpeg, media_type="image/jpeg", headers=headers)
