"""Cameras: what they do, where they look, and their newest picture. Never their address."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, TypeAdapter

from alerting import drawn_masks
from alerting.camera_periods import blind_minutes, days_until, minutes_per_day, span_of
from alerting.drawn_masks import DrawnMask
from config import Camera
from config.camera import Share
from console import views
from console.auth import Acting, SignedIn, Supervisor
from console.context import Centre, InCentre, require_camera
from console.problems import Problem
from console.small_pictures import Width

router = APIRouter(prefix="/api/v1/cameras", tags=["cameras"])


_LIST = TypeAdapter(tuple[views.CameraView, ...])


@router.get("", response_model=tuple[views.CameraView, ...])
def cameras(request: Request, _session: SignedIn, centre: InCentre) -> Response:
    """All cameras and how they are; up to half a second old."""
    return centre.camera_list.to(request, lambda: _LIST.dump_json(_views(centre)))


def _views(centre: Centre) -> tuple[views.CameraView, ...]:
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
            learning_until=centre.register.learning_until(camera.id),
        )

    return tuple(view(camera) for camera in centre.deployment.cameras)


@router.get("/blind")
def blind(
    _session: SignedIn, centre: InCentre, days: Annotated[int, Query(ge=1, le=92)] = 7
) -> dict[str, tuple[float, ...]]:
    """For every camera, in how many minutes of each of the last days it saw nothing; today last."""
    zone, now = ZoneInfo(centre.deployment.time_zone), datetime.now(UTC)
    wanted = days_until(now.astimezone(zone).date(), days)
    minutes = minutes_per_day(centre.store.camera_periods(*span_of(wanted, zone)), wanted, zone, now)
    return {
        camera.id: tuple(round(blind_minutes(minutes.get((camera.id, day), {})), 2) for day in wanted)
        for camera in centre.deployment.cameras
    }


@router.get("/{camera_id}/health")
def health(
    camera_id: str,
    _session: SignedIn,
    centre: InCentre,
    days: Annotated[int, Query(ge=1, le=92)] = 7,
) -> views.CameraHealthView:
    """How the camera is, and for how many minutes of the last days it was blind."""
    camera = require_camera(camera_id, centre)
    zone, now = ZoneInfo(centre.deployment.time_zone), datetime.now(UTC)
    wanted = days_until(now.astimezone(zone).date(), days)
    periods = centre.store.camera_periods(*span_of(wanted, zone), camera_id)
    minutes = minutes_per_day(periods, wanted, zone, now)
    state = next((one for one in centre.store.camera_states() if one.camera_id == camera_id), None)
    return views.CameraHealthView(
        id=camera_id,
        state=state.state if state else "connecting",
        since=state.since if state else None,
        reason=state.reason if state else "",
        heard_at=state.heard_at if state else None,
        patrol_interval_s=centre.deployment.looks.patrol_interval_s,
        dense_interval_s=centre.deployment.looks.dense_interval_s,
        masks=(
            *(views.MaskView.model_validate(mask) for mask in camera.masks),
            *(_drawn(one) for one in drawn_masks.current(centre.store, camera_id)),
        ),
        days=tuple(
            views.BlindDayView(day=day, blind_minutes=round(blind_minutes(found), 2), minutes=found)
            for day in wanted
            for found in (minutes.get((camera_id, day), {}),)
        ),
        periods=tuple(views.CameraPeriodView.model_validate(one) for one in periods),
    )


PICTURES = "multipart/form-data"
"""Browsers take it apart by themselves, and nothing grows by a third on its way, as in JSON."""
_BOUNDARY = secrets.token_hex(16)  # no camera can know it


@router.get(
    "/pictures",
    response_class=Response,
    responses={200: {"content": {PICTURES: {"schema": {"type": "string"}}}}},
)
def pictures(
    _session: SignedIn,
    centre: InCentre,
    camera: Annotated[list[str], Query(min_length=1, max_length=100, description="Of which cameras.")],
    width: Annotated[Width, Query(description="In pixels.")],
) -> Response:
    """Small pictures of many cameras at once, the newest of each: `multipart/form-data`, each part a file
    under the camera's id. What there is no picture of is left out."""
    known = {one.id for one in centre.deployment.cameras}
    parts = []
    for id_ in dict.fromkeys(camera):
        latest = centre.small_pictures.read(id_, width) if id_ in known else None
        if latest is not None:
            about = (
                f'Content-Disposition: form-data; name="{id_}"; filename="{latest.captured_at.isoformat()}"'
            )
            head = f"--{_BOUNDARY}\r\n{about}\r\nContent-Type: image/jpeg\r\n\r\n"
            parts += [head.encode(), latest.jpeg, b"\r\n"]
    parts.append(f"--{_BOUNDARY}--\r\n".encode())
    return Response(b"".join(parts), headers={"Content-Type": f"{PICTURES}; boundary={_BOUNDARY}"})


class NewMask(BaseModel):
    name: str = Field(min_length=1, max_length=64, description="Why nothing is to be reported there.")
    preset: str | None = Field(default=None, max_length=64)
    polygon: tuple[tuple[Share, Share], ...] = Field(
        min_length=3, max_length=200, description="Corners as shares of the frame from the left and the top."
    )


@router.post("/{camera_id}/masks", status_code=201)
def draw_mask(
    camera_id: str, given: NewMask, _session: Supervisor, centre: InCentre, by: Acting
) -> views.MaskView:
    """Nothing whose middle lies there is reported any more; the worker knows within seconds."""
    camera = require_camera(camera_id, centre)
    if given.preset is not None and given.preset not in {one.id for one in camera.presets}:
        raise Problem(422, "invalid-request", f"camera {camera_id!r} has no preset {given.preset!r}")
    try:
        drawn = drawn_masks.draw(
            centre.store, camera_id, name=given.name, polygon=given.polygon, preset=given.preset, by=by
        )
    except ValueError as error:  # what the deployment file would refuse, too
        raise Problem(422, "invalid-request", str(error)) from error
    return _drawn(drawn)


@router.delete("/{camera_id}/masks/{mask_id}", status_code=204)
def remove_mask(
    camera_id: str, mask_id: views.RowNumber, _session: Supervisor, centre: InCentre, by: Acting
) -> None:
    """Only drawn ones; those of the deployment file stay."""
    require_camera(camera_id, centre)
    drawn_masks.remove(centre.store, camera_id, mask_id, by=by)


def _drawn(one: DrawnMask) -> views.MaskView:
    shape = views.MaskView.model_validate(one.mask)
    return shape.model_copy(update={"mask_id": one.mask_id, "drawn_by": one.drawn_by})


@router.get(
    "/{camera_id}/picture",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, 404: {"description": "No picture yet."}},
)
def picture(
    camera_id: str,
    _session: SignedIn,
    centre: InCentre,
    width: Annotated[
        Width | None, Query(description="In pixels, of a small one; left out: the picture as it was sent.")
    ] = None,
) -> Response:
    """The newest picture. `X-Captured-At` says when it was taken."""
    require_camera(camera_id, centre)
    latest = centre.latest.read(camera_id) if width is None else centre.small_pictures.read(camera_id, width)
    if latest is None:
        raise Problem(404, "no-picture", f"the camera {camera_id!r} has sent no picture yet")
    headers = {"X-Captured-At": latest.captured_at.isoformat(), "Cache-Control": "private, max-age=60"}
    return Response(latest.jpeg, media_type="image/jpeg", headers=headers)
