"""The camera register: adding a camera, changing what is said of it, going back.

Beside it are its presets (`console.routes.presets`) and what it reports while it learns
(`console.routes.learning_cameras`).

A camera's address comes in and never goes out: scheme and host are all that is shown of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import AfterValidator, Field

from alerting.camera_register import CameraError, CameraVersion, checked, shown_address
from alerting.secret_box import SecretsError
from config import Camera, Mask, Pose, SecretSource, StreamSettings
from config.base import Identifier, Name
from config.camera import SOURCE_SCHEMES
from console.auth import Acting, Admin, Supervisor, require_role
from console.context import Centre, InCentre, require_camera
from console.problems import CONTENT, Problem
from console.roles import Role
from console.routes.changes import ChangeBody, Seen, Why, address_itself
from console.views import MaskView, View

router = APIRouter(prefix="/api/v1/cameras", tags=["camera register"])

PROBES = 10
PROBES_WITHIN_S = 60.0


def _in_the_network(address: str) -> str:
    """No files of this machine, no references to its environment. What is wrong is said without the value."""
    if SecretSource(address).scheme not in SOURCE_SCHEMES:
        raise ValueError("must begin with " + ", ".join(f"{one}://" for one in SOURCE_SCHEMES))
    return address_itself(address)


Address = Annotated[
    str,
    AfterValidator(_in_the_network),
    Field(
        min_length=8,
        max_length=2000,
        json_schema_extra={"writeOnly": True},
        examples=["rtsp://viewer:PASSWORD@10.2.0.11:554/Streaming/Channels/101"],
        description="With user and password; '/', '@' or '#' in them percent-encoded. Never shown again.",
    ),
]


class ProbeBody(ChangeBody):
    source: Address
    stream: StreamSettings = StreamSettings()
    channel_id: str | None = Field(default=None, pattern=r"^\d{20}$")


class NewCamera(ChangeBody):
    id: Identifier
    name: Name
    source: Address
    sub_source: Address | None = None
    channel_id: str | None = Field(default=None, pattern=r"^\d{20}$")
    lat_deg: float = Field(ge=-90, le=90, description="WGS 84, as all positions here.")
    lon_deg: float = Field(ge=-180, le=180)
    ground_height_m: float | None = Field(default=None, ge=-500, le=9000)
    mast_height_m: float = Field(ge=0, le=500)
    pose: Pose
    masks: tuple[Mask, ...] = Field(default=(), max_length=100)
    stream: StreamSettings = StreamSettings()
    learning_h: float | None = Field(
        default=None, ge=0, le=720, description="Hours; without it, as the deployment says. 0: live at once."
    )
    why: Why = ""


class CameraChange(ChangeBody):
    """Only what is given changes."""

    name: Name | None = None
    enabled: bool | None = None
    source: Address | None = Field(default=None, description="Needs the role admin.")
    sub_source: Address | None = Field(default=None, description="Needs the role admin.")
    lat_deg: float | None = Field(default=None, ge=-90, le=90)
    lon_deg: float | None = Field(default=None, ge=-180, le=180)
    ground_height_m: float | None = Field(default=None, ge=-500, le=9000)
    mast_height_m: float | None = Field(default=None, ge=0, le=500)
    pose: Pose | None = None
    preset: Identifier | None = Field(default=None, description="Whose pose it is; without it, the camera's.")
    masks: tuple[Mask, ...] | None = Field(
        default=None, max_length=100, description="Those of the definition; drawn ones are beside them."
    )
    profile: Literal["sensitive", "balanced", "quiet"] | None = None
    stream: StreamSettings | None = None
    seen: Seen = None
    why: Why = ""


class Reason(ChangeBody):
    why: Why = ""


class Revert(Reason):
    version: int = Field(ge=1, le=2**31 - 1)


class PresetView(View):
    id: str
    name: str
    pose: Pose
    onvif_token: str | None = Field(description="The camera's own name of it; None: it is never recognised.")


class PtzView(View):
    """How a turning camera is asked where it stands."""

    address: str = Field(description="Scheme and host of its ONVIF service.")
    poll_s: float
    settle_s: float
    tolerance: float
    profile: str | None


class DefinitionView(View):
    """A camera as it was said to be, without what is secret."""

    id: str
    name: str
    address: str = Field(description="Scheme and host.")
    lat_deg: float
    lon_deg: float
    ground_height_m: float | None
    mast_height_m: float
    pose: Pose
    presets: tuple[PresetView, ...]
    ptz: PtzView | None = Field(description="None: all its pictures count as one view.")
    masks: tuple[MaskView, ...]
    profile: str | None
    enabled: bool


class CameraVersionView(View):
    version: int = Field(description="0: as the deployment file says, never changed here.")
    state: Literal["learning", "live", "off"]
    learning_until: datetime | None
    action: str
    who: str
    why: str
    at: datetime | None
    camera: DefinitionView


class ProbeView(View):
    """With a `problem` the other fields mean nothing."""

    problem: str
    codec: str
    width_px: int
    height_px: int
    fps: float | None
    key_frame_spacing_s: float | None
    clock: str
    remarks: tuple[str, ...]
    picture_jpeg: str = Field(description="Base64; empty where no picture could be decoded.")


@router.post("/probe", responses={503: {"description": "The live view does not run.", "content": CONTENT}})
async def probe(given: ProbeBody, session: Admin, centre: InCentre) -> ProbeView:
    """Opens the address for some seconds, in a process that is ended when that takes too long."""
    allow_probe(centre, session.user.username)
    return ProbeView.model_validate(
        await centre.live.probe(
            {
                **_SOMEWHERE,
                "source": given.source,
                "channel_id": given.channel_id,
                "stream": _with_tokens(given.stream),
            }
        )
    )


@router.post("", status_code=201)
def add(given: NewCamera, _session: Admin, centre: InCentre, by: Acting) -> CameraVersionView:
    """Watched within seconds. It learns first: what it sees is shown to supervisors and told to nobody."""
    fields = given.model_dump(exclude_unset=True, exclude={"learning_h", "why"})
    hours = centre.deployment.response.learning_h if given.learning_h is None else given.learning_h
    with changing(centre):
        camera = checked(fields)
        made = centre.register.add(camera, by=by, why=given.why, learn_for=timedelta(hours=hours))
    return version_view(made, centre)


@router.get("/{camera_id}/versions")
def versions(camera_id: str, _session: Supervisor, centre: InCentre) -> tuple[CameraVersionView, ...]:
    """Newest first: how the camera is and was said to be, by whom and why."""
    found = centre.register.versions(camera_id)
    if found:
        return tuple(version_view(one, centre) for one in found)
    camera = require_camera(camera_id, centre)
    state: Literal["live", "off"] = "live" if camera.enabled else "off"
    return (
        CameraVersionView(
            version=0, state=state, learning_until=None, action="", who="", why="", at=None,
            camera=_definition(camera),
        ),
    )  # fmt: skip


@router.patch("/{camera_id}")
def change(
    camera_id: str, given: CameraChange, session: Supervisor, centre: InCentre, by: Acting
) -> CameraVersionView:
    """A new version, in force within seconds. A new address needs the role admin."""
    changes = {
        name: value
        for name, value in given.model_dump(exclude_unset=True, exclude={"seen", "why", "preset"}).items()
        if value is not None or name in _MAY_BE_NONE
    }
    if changes.keys() & {"source", "sub_source", "stream"}:
        require_role(session, Role.ADMIN)
    if given.preset is not None:
        changes = _of_preset(require_camera(camera_id, centre), given.preset, changes)
    if not changes:
        raise Problem(422, "invalid-request", "nothing to change was given")
    with changing(centre):
        made = centre.register.change(camera_id, changes, by=by, why=given.why, seen=given.seen)
    return version_view(made, centre)


@router.post("/{camera_id}/revert")
def revert(
    camera_id: str, given: Revert, _session: Supervisor, centre: InCentre, by: Acting
) -> CameraVersionView:
    """The camera as it was then, as a new version."""
    with changing(centre):
        return version_view(centre.register.revert(camera_id, given.version, by=by, why=given.why), centre)


@router.delete("/{camera_id}")
def remove(camera_id: str, _session: Admin, centre: InCentre, by: Acting) -> CameraVersionView:
    """Out of service; its history stays, and a revert brings it back."""
    with changing(centre):
        return version_view(centre.register.remove(camera_id, by=by), centre)


_MAY_BE_NONE = frozenset({"sub_source", "ground_height_m", "profile"})
_SOMEWHERE: dict[str, Any] = {
    "id": "probe",
    "name": "probe",
    "lat_deg": 0,
    "lon_deg": 0,
    "mast_height_m": 0,
    "pose": {"azimuth_deg": 0, "tilt_deg": 0, "hfov_deg": 50},
}


def allow_probe(centre: Centre, username: str) -> None:
    """Addresses are tried some times a minute, by whatever question. Raises Problem."""
    wait_s = centre.probes.attempt(username)
    if wait_s:
        raise Problem(
            429, "too-many-probes", "too many at once; wait a little", {"Retry-After": f"{wait_s:.0f}"}
        )


@contextmanager
def changing(centre: Centre) -> Iterator[None]:
    """What the register refuses becomes a problem detail; what it takes is in the next list of cameras."""
    try:
        yield
        centre.camera_list.forget()
    except CameraError as error:
        raise Problem(422, "invalid-request", str(error)) from None
    except SecretsError as error:
        raise Problem(409, "no-key", str(error)) from None


def _of_preset(camera: Camera, preset_id: str, changes: dict[str, Any]) -> dict[str, Any]:
    """The pose belongs to one of its presets."""
    if preset_id not in {one.id for one in camera.presets}:
        raise Problem(422, "invalid-request", f"camera {camera.id!r} has no preset {preset_id!r}")
    pose = changes.pop("pose", None)
    if pose is None:
        raise Problem(422, "invalid-request", "a preset was named, but no pose given")
    stored = [one.model_dump(exclude_unset=True) for one in camera.presets]
    return {
        **changes,
        "presets": [{**one, "pose": pose} if one["id"] == preset_id else one for one in stored],
    }


def _with_tokens(stream: StreamSettings) -> dict[str, Any]:
    """As JSON for the process that probes; a token shows only there."""
    found = stream.model_dump(mode="json", exclude_unset=True)
    token = stream.play_url.token
    if token is not None:
        found["play_url"]["token"] = token.get_secret_value()
    return found


def _definition(camera: Camera) -> DefinitionView:
    return DefinitionView(
        id=camera.id,
        name=camera.name,
        address=shown_address(camera.source),
        lat_deg=camera.lat_deg,
        lon_deg=camera.lon_deg,
        ground_height_m=camera.ground_height_m,
        mast_height_m=camera.mast_height_m,
        pose=camera.pose,
        presets=tuple(PresetView.model_validate(one) for one in camera.presets),
        ptz=_ptz(camera),
        masks=tuple(MaskView.model_validate(one) for one in camera.masks),
        profile=camera.profile,
        enabled=camera.enabled,
    )


def _ptz(camera: Camera) -> PtzView | None:
    ptz = camera.ptz
    if ptz is None:
        return None
    return PtzView(address=shown_address(ptz.onvif), **ptz.model_dump(exclude={"onvif"}))


def newest_of(camera_id: str, centre: Centre) -> tuple[Camera, int]:
    """The camera as it is said to be now, without secrets, and the number of that version (0: the file's)."""
    found = centre.register.versions(camera_id)
    return (found[0].camera, found[0].version) if found else (require_camera(camera_id, centre), 0)


def version_view(one: CameraVersion, centre: Centre) -> CameraVersionView:
    return CameraVersionView(
        version=one.version,
        state=one.state_at(centre.store.clock()),
        learning_until=one.learning_until,
        action=one.action,
        who=one.who,
        why=one.why,
        at=one.at,
        camera=_definition(one.camera),
    )
