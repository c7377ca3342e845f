"""Presets of a turning camera: views with a pose of their own, kept with the camera's versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query

from alerting import drawn_masks
from alerting.journal import By
from config import Pose
from config.base import Identifier, Name
from console.auth import Acting, Supervisor
from console.context import Centre, InCentre
from console.problems import Problem
from console.routes.changes import ChangeBody, Seen, Why
from console.routes.register import CameraVersionView, changing, newest_of, version_view

router = APIRouter(prefix="/api/v1/cameras", tags=["camera register"])


class NewPreset(ChangeBody):
    id: Identifier
    name: Name
    pose: Pose
    seen: Seen = None
    why: Why = ""


class PresetChange(ChangeBody):
    """Only what is given changes; a preset's id never does: masks and sightings name it."""

    name: Name | None = None
    pose: Pose | None = None
    seen: Seen = None
    why: Why = ""


@router.post("/{camera_id}/presets", status_code=201)
def add_preset(
    camera_id: str, given: NewPreset, _session: Supervisor, centre: InCentre, by: Acting
) -> CameraVersionView:
    """One more view of a turning camera, with a pose of its own; a new version of the camera."""
    made = given.model_dump(include={"id", "name", "pose"}, exclude_unset=True)
    return _change_presets(camera_id, lambda known: [*known, made], given, centre, by)


@router.patch("/{camera_id}/presets/{preset_id}")
def change_preset(
    camera_id: str, preset_id: str, given: PresetChange, _session: Supervisor, centre: InCentre, by: Acting
) -> CameraVersionView:
    """Another name or pose for a preset; a new version of the camera, in force within seconds."""
    said = given.model_dump(include={"name", "pose"}, exclude_unset=True)
    changes = {name: value for name, value in said.items() if value is not None}
    if not changes:
        raise Problem(422, "invalid-request", "nothing to change was given")

    def changed(known: list[dict[str, Any]]) -> list[dict[str, Any]]:
        _require_preset(camera_id, preset_id, known)
        return [{**one, **changes} if one["id"] == preset_id else one for one in known]

    return _change_presets(camera_id, changed, given, centre, by)


@router.delete("/{camera_id}/presets/{preset_id}")
def remove_preset(
    camera_id: str,
    preset_id: str,
    _session: Supervisor,
    centre: InCentre,
    by: Acting,
    seen: Annotated[int | None, Query(ge=0, le=2**31 - 1, description="The version looked at.")] = None,
) -> CameraVersionView:
    """The view is no more; a new version of the camera. Masks that are of this view alone must go first."""
    masks = drawn_masks.current(centre.store, camera_id)
    drawn = [one.mask.name for one in masks if one.mask.preset == preset_id]
    if drawn:
        names = ", ".join(drawn)
        raise Problem(409, "conflict", f"masks are drawn for this preset, remove them first: {names}")

    def without(known: list[dict[str, Any]]) -> list[dict[str, Any]]:
        _require_preset(camera_id, preset_id, known)
        return [one for one in known if one["id"] != preset_id]

    return _change_presets(camera_id, without, PresetChange(seen=seen), centre, by)


def _change_presets(
    camera_id: str,
    change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
    given: NewPreset | PresetChange,
    centre: Centre,
    by: By,
) -> CameraVersionView:
    """What there is, is read from the store and changed only if it still is the newest."""
    camera, newest = newest_of(camera_id, centre)
    presets = change([one.model_dump(exclude_unset=True) for one in camera.presets])
    seen = newest if given.seen is None else given.seen
    with changing(centre):
        made = centre.register.change(camera_id, {"presets": presets}, by=by, why=given.why, seen=seen)
    return version_view(made, centre)


def _require_preset(camera_id: str, preset_id: str, known: list[dict[str, Any]]) -> None:
    if preset_id not in {one["id"] for one in known}:
        raise Problem(404, "not-found", f"camera {camera_id!r} has no preset {preset_id!r}")
