"""How a turning camera is asked where it stands, and which of its own presets is which of ours.

An address comes in and never goes out: scheme and host are all that is shown of it.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AfterValidator, Field, ValidationError

from config import PtzSettings, SecretSource
from config.base import Identifier
from config.ptz import OnvifToken, PollS, SettleS, Tolerance
from console.auth import Acting, Admin
from console.context import Centre, InCentre, require_camera
from console.problems import Problem
from console.routes.changes import ChangeBody, Seen, Why, address_itself
from console.routes.register import CameraVersionView, allow_probe, changing, newest_of, version_view
from console.views import View
from streams.errors import SourceError
from streams.onvif import CameraPreset, OnvifCamera
from streams.ptz import preset_of

router = APIRouter(prefix="/api/v1/cameras", tags=["camera register"])

PATIENCE_S = 3.0
_USUAL = PtzSettings.model_fields


def _web_address(address: str) -> str:
    """What is wrong is said without the value."""
    try:
        PtzSettings(onvif=SecretSource(address_itself(address)))
    except ValidationError:
        raise ValueError("must be http(s)://USER:PASSWORD@HOST/PATH of an ONVIF service") from None
    return address


OnvifAddress = Annotated[
    str,
    AfterValidator(_web_address),
    Field(
        min_length=8,
        max_length=2000,
        json_schema_extra={"writeOnly": True},
        examples=["http://viewer:PASSWORD@10.2.0.11/onvif/device_service"],
        description="Of the camera's ONVIF device service, with user and password; '/', '@' or '#' in them "
        "percent-encoded. Never shown again. Without it, the one that is kept.",
    ),
]


class Question(ChangeBody):
    onvif: OnvifAddress | None = None
    profile: OnvifToken | None = None


class Turning(ChangeBody):
    """What is not given is as usual, but for the address."""

    onvif: OnvifAddress | None = None
    poll_s: PollS = Field(default=_USUAL["poll_s"].default, description="Asked so often.")
    settle_s: SettleS = Field(
        default=_USUAL["settle_s"].default, description="Pictures are used only so long after arrival."
    )
    tolerance: Tolerance = Field(
        default=_USUAL["tolerance"].default,
        description="So far off still counts, in the camera's normalised units.",
    )
    profile: OnvifToken | None = Field(
        default=None, description="Media profile; without it the first with PTZ."
    )
    tokens: dict[Identifier, OnvifToken | None] = Field(
        default={},
        max_length=300,
        description="For presets of ours, the camera's own name of each; those not named keep theirs.",
    )
    seen: Seen = None
    why: Why = ""


class CameraPresetView(View):
    token: str
    name: str
    pan: float | None = Field(description="-1 to 1; None where the camera does not tell it.")
    tilt: float | None
    zoom: float | None


class AnswerView(View):
    """With a `problem` the other fields mean nothing."""

    problem: str
    presets: tuple[CameraPresetView, ...] = ()
    stands_at: str | None = Field(default=None, description="The token of the preset where it stands now.")


@router.post("/{camera_id}/ptz/probe")
def ask(camera_id: str, given: Question, session: Admin, centre: InCentre) -> AnswerView:
    """Asks the camera which presets it has and where it stands; keeps nothing."""
    address = _address(centre, camera_id, given.onvif)
    allow_probe(centre, session.user.username)
    try:
        with OnvifCamera(address, profile=given.profile, timeout_s=PATIENCE_S) as device:
            theirs = device.presets()
            reading = device.reading()
    except SourceError as error:
        return AnswerView(problem=str(error))
    positions = {one.token: one.position for one in theirs if one.position is not None}
    return AnswerView(
        problem="",
        presets=tuple(_shown(one) for one in theirs),
        stands_at=preset_of(reading, positions, _USUAL["tolerance"].default),
    )


@router.put("/{camera_id}/ptz")
def say_how(
    camera_id: str, given: Turning, _session: Admin, centre: InCentre, by: Acting
) -> CameraVersionView:
    """From now on its pictures carry the preset they show; a new version of the camera."""
    camera, newest = newest_of(camera_id, centre)
    unknown = sorted(given.tokens.keys() - {one.id for one in camera.presets})
    if unknown:
        raise Problem(422, "invalid-request", f"camera {camera_id!r} has no preset {unknown[0]!r}")
    settings = given.model_dump(include={"poll_s", "settle_s", "tolerance", "profile"}, exclude_unset=True)
    presets = [
        {**one.model_dump(exclude_unset=True), "onvif_token": given.tokens.get(one.id, one.onvif_token)}
        for one in camera.presets
    ]
    seen = newest if given.seen is None else given.seen
    address = _address(centre, camera_id, given.onvif)
    changes: dict[str, Any] = {"ptz": {**settings, "onvif": address.reveal()}, "presets": presets}
    with changing(centre):
        made = centre.register.change(camera_id, changes, by=by, why=given.why, seen=seen)
    return version_view(made, centre)


@router.delete("/{camera_id}/ptz")
def ask_no_more(
    camera_id: str,
    _session: Admin,
    centre: InCentre,
    by: Acting,
    seen: Annotated[int | None, Query(ge=0, le=2**31 - 1, description="The version looked at.")] = None,
) -> CameraVersionView:
    """Its pictures count as one view again; a new version of the camera."""
    camera, newest = newest_of(camera_id, centre)
    if camera.ptz is None:
        raise Problem(404, "not-found", f"camera {camera_id!r} is not asked where it stands")
    with changing(centre):
        changes: dict[str, Any] = {"ptz": None}
        made = centre.register.change(camera_id, changes, by=by, seen=newest if seen is None else seen)
    return version_view(made, centre)


def _address(centre: Centre, camera_id: str, given: str | None) -> SecretSource:
    """The one that was given, or else the one that is kept."""
    kept = require_camera(camera_id, centre).ptz
    if given is not None:
        return SecretSource(given)
    if kept is None:
        raise Problem(422, "invalid-request", "give the address of the camera's ONVIF service: none is kept")
    return kept.onvif


def _shown(one: CameraPreset) -> CameraPresetView:
    at = one.position
    return CameraPresetView(
        token=one.token,
        name=one.name,
        pan=at.pan if at else None,
        tilt=at.tilt if at else None,
        zoom=at.zoom if at else None,
    )
