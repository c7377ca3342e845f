"""Receivers of alerts, and changing them. The deployment file has the first word; what is saved here takes
the place of its receiver of that id until it is given back.

Addresses, keys, tokens and passwords come in and never go out: scheme and host are all that is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from pydantic import AfterValidator, Field, SecretStr

from alerting.deliveries import open_counts
from alerting.formats import MessageError, Origin, format_of
from alerting.samples import parcel_of, sample_alert
from alerting.secret_box import SecretsError
from alerting.target_register import TargetError, TargetVersion
from alerting.targets import Answer, Outcome, open_line
from alerting.versions import seen_number
from config import DispatchTarget
from config.base import Identifier, Name
from config.outline import host_of
from console.auth import Acting, Admin
from console.context import Centre, InCentre
from console.problems import Problem
from console.routes.changes import ChangeBody, Seen, Why, address_itself
from console.views import View

router = APIRouter(prefix="/api/v1/targets", tags=["receivers of alerts"])


def _word_itself(secret: SecretStr) -> SecretStr:
    if "${" in secret.get_secret_value():
        raise ValueError("must be the word itself: ${...} is for the deployment file")
    return secret


Id = Annotated[str, InPath(min_length=1, max_length=128)]
Address = Annotated[
    str,
    AfterValidator(address_itself),
    Field(
        min_length=8,
        max_length=2000,
        json_schema_extra={"writeOnly": True},
        examples=["https://dispatch.example.gov.cn/api/alerts"],
        description="http://, https://, mqtt:// or mqtts:// address, without user and password. Of it only "
        "scheme and host are shown again.",
    ),
]
Word = Annotated[
    SecretStr,
    AfterValidator(_word_itself),
    Field(min_length=8, max_length=2000, json_schema_extra={"writeOnly": True}),
]
Format = Literal["json", "cap", "geojson", "template"]
Stage = Literal["notify", "dispatch"]
File = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1000,
        description="A file of the centre's machine, of those that `GET /api/v1/targets/-/files` lists.",
    ),
]


class BasicBody(ChangeBody):
    user: str = Field(min_length=1, max_length=200)
    password: Annotated[SecretStr, AfterValidator(_word_itself)] | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        json_schema_extra={"writeOnly": True},
        description="Left out: the one that is known.",
    )


class TlsBody(ChangeBody):
    authority: File | None = None
    certificate: File | None = None
    key: File | None = None


class NewTarget(ChangeBody):
    id: Identifier
    name: Name
    url: Address
    enabled: bool = True
    format: Format = "json"
    template: File | None = None
    media_type: str = Field(default="application/json", max_length=200)
    secret: Word | None = Field(default=None, description="Key of the HMAC signature.")
    bearer: Word | None = Field(default=None, description="Sent as 'Authorization: Bearer ...'.")
    basic: BasicBody | None = None
    tls: TlsBody | None = None
    from_stage: Stage = "notify"
    timeout_s: float = Field(default=10.0, ge=0.5, le=120)
    heartbeat: bool = False
    notices: bool = False
    why: Why = ""


class TargetChange(ChangeBody):
    """Only what is given changes: secrets that are left out stay. Null takes away a secret, a certificate, a
    template."""

    name: Name | None = None
    url: Address | None = None
    enabled: bool | None = Field(
        default=None,
        description="false: hears of no new fire, and nothing is sent; what waits for it is kept.",
    )
    format: Format | None = None
    template: File | None = None
    media_type: str | None = Field(default=None, max_length=200)
    secret: Word | None = Field(default=None, description="Key of the HMAC signature.")
    bearer: Word | None = Field(default=None, description="Sent as 'Authorization: Bearer ...'.")
    basic: BasicBody | None = None
    tls: TlsBody | None = None
    from_stage: Stage | None = None
    timeout_s: float | None = Field(default=None, ge=0.5, le=120)
    heartbeat: bool | None = None
    notices: bool | None = None
    seen: Seen = None
    why: Why = ""


class TargetRevert(ChangeBody):
    version: int = Field(ge=1, le=2**31 - 1)
    seen: Seen = None
    why: Why = ""


class TlsView(View):
    authority: str | None
    certificate: str | None
    key: str | None


class TargetDefinitionView(View):
    """A receiver as it was said to be, without what is secret."""

    id: str
    name: str
    enabled: bool
    address: str = Field(description="Scheme and host; `***` stands for the rest.")
    format: Format
    template: str | None
    media_type: str
    signed: bool = Field(description="Messages carry an HMAC signature.")
    bearer: bool = Field(description="A bearer token is sent.")
    user: str | None = Field(description="Of basic authentication, or at the MQTT broker.")
    tls: TlsView | None
    from_stage: Stage
    timeout_s: float
    heartbeat: bool
    notices: bool


class TargetView(TargetDefinitionView):
    version: int = Field(description="Send it back as `seen`; 0: the file's, never changed here.")
    saved: bool = Field(description="Saved here, in place of the deployment file's, if that has it.")
    in_file: bool = Field(description="The deployment file has a receiver of this id.")
    waiting: int = Field(description="Messages that it has not acknowledged yet.")
    refused: int = Field(description="Messages that it has refused for good.")


class TargetFilesView(View):
    template: tuple[Path, ...]
    authority: tuple[Path, ...]
    certificate: tuple[Path, ...]
    key: tuple[Path, ...]


class TargetVersionView(View):
    version: int = Field(description="0: as the deployment file says, never changed here.")
    target: TargetDefinitionView | None = Field(description="Null: the deployment file's, if it has one.")
    action: str
    who: str
    why: str
    at: datetime | None


class TestView(View):
    accepted: bool
    answer: str = Field(description="What the receiver said, or why there is no answer.")


@router.get("")
def targets(_session: Admin, centre: InCentre) -> tuple[TargetView, ...]:
    """All that there are, those that are switched off too: the deployment file's in its order, then those
    that were added."""
    return _listed(centre)


@router.post("", status_code=201)
def add(given: NewTarget, _session: Admin, centre: InCentre, by: Acting) -> TargetView:
    """It is told of fires from now on, and of those that burn already with their next message."""
    with _changing():
        centre.targets.add(given.model_dump(exclude_unset=True, exclude={"why"}), by=by, why=given.why)
    return _one(centre, given.id)


@router.get("/-/files")
def files(_session: Admin, centre: InCentre) -> TargetFilesView:
    """The files of the centre's machine that may be chosen: those that receivers of the deployment file name,
    each for what it names them for. No receiver has the id `-`."""
    return TargetFilesView.model_validate(centre.targets.named_files())


@router.get("/{target_id}")
def target(target_id: Id, _session: Admin, centre: InCentre) -> TargetView:
    """One of them."""
    return _one(centre, target_id)


@router.patch("/{target_id}")
def change(target_id: Id, given: TargetChange, _session: Admin, centre: InCentre, by: Acting) -> TargetView:
    """A new version, in force within seconds. 409 when somebody else was faster: look again."""
    changes = {
        name: value
        for name, value in given.model_dump(exclude_unset=True, exclude={"seen", "why"}).items()
        if value is not None or name in _MAY_BE_NONE
    }
    if not changes:
        raise Problem(422, "invalid-request", "nothing to change was given")
    with _changing():
        centre.targets.change(target_id, changes, by=by, why=given.why, seen=given.seen)
    return _one(centre, target_id)


@router.delete("/{target_id}", status_code=204)
def give_back(
    target_id: Id,
    _session: Admin,
    centre: InCentre,
    by: Acting,
    seen: Annotated[
        int | None, Query(ge=0, le=2**31 - 1, description="The version looked at; 0: the file's.")
    ] = None,
    why: Annotated[str, Query(max_length=500)] = "",
) -> None:
    """The deployment file counts again for it; one that the file has not is removed. 409 while something is
    owed to one that would be removed: switch it off instead. The versions stay."""
    with _changing():
        centre.targets.give_back(target_id, by=by, why=why, seen=seen)


@router.get("/{target_id}/versions")
def versions(target_id: Id, _session: Admin, centre: InCentre) -> tuple[TargetVersionView, ...]:
    """Newest first: how the receiver is and was said to be, by whom and why."""
    found = centre.targets.versions(target_id)
    if found:
        return tuple(_version(one) for one in found)
    shown = _definition(_shown(centre, target_id))
    return (TargetVersionView(version=0, target=shown, action="", who="", why="", at=None),)


@router.post("/{target_id}/revert")
def revert(target_id: Id, given: TargetRevert, _session: Admin, centre: InCentre, by: Acting) -> TargetView:
    """The receiver as it was then, secrets too, as a new version."""
    with _changing():
        centre.targets.revert(target_id, given.version, by=by, why=given.why, seen=given.seen)
    return _one(centre, target_id)


@router.post("/{target_id}/test")
def send_test(target_id: Id, session: Admin, centre: InCentre) -> TestView:
    """Sends an alert that is marked as an exercise, and its cancellation; says what the receiver answered.
    Nothing of it is kept. `firewatch dispatch test` asks more."""
    wait_s = centre.probes.attempt(session.user.username)
    if wait_s:
        raise Problem(
            429, "too-many-probes", "too many at once; wait a little", {"Retry-After": f"{wait_s:.0f}"}
        )
    with _changing():
        answer = _try_out(centre, centre.targets.opened_one(target_id))
    return TestView(accepted=answer.outcome is Outcome.ACKNOWLEDGED, answer=answer.reason)


_MAY_BE_NONE = frozenset({"template", "secret", "bearer", "basic", "tls"})


@contextmanager
def _changing() -> Iterator[None]:
    """What the register refuses becomes a problem detail."""
    try:
        yield
    except TargetError as error:
        raise Problem(422, "invalid-request", str(error)) from None
    except SecretsError as error:
        raise Problem(409, "no-key", str(error)) from None


def _try_out(centre: Centre, target: DispatchTarget) -> Answer:
    """The first answer that is none of acceptance, or the last."""
    deployment, now = centre.deployment, centre.store.clock()
    incident_id = f"inc-test-{now:%Y%m%d%H%M%S}"
    origin = Origin(deployment.name, deployment.sender, ZoneInfo(deployment.time_zone))
    try:
        make, line = format_of(target, origin), open_line(target)
    except (MessageError, OSError) as error:
        return Answer(Outcome.REFUSED, f"its template or certificate is not usable: {error}")
    try:
        answer = line.send(parcel_of(make, sample_alert(incident_id, 1, "Alert", now)))
        if answer.outcome is Outcome.ACKNOWLEDGED:
            answer = line.send(parcel_of(make, sample_alert(incident_id, 2, "Cancel", now)))
    except MessageError as error:
        return Answer(Outcome.REFUSED, f"its template does not fit: {error}")
    finally:
        line.close()
    return answer


def _listed(centre: Centre) -> tuple[TargetView, ...]:
    current = centre.targets.current()
    counts = open_counts(centre.store)
    return tuple(
        TargetView(
            **_definition(one).model_dump(),
            version=seen_number(current.get(one.id)),
            saved=one.id in current and current[one.id].is_saved,
            in_file=centre.targets.is_in_file(one.id),
            waiting=counts.get((one.id, "pending"), 0),
            refused=counts.get((one.id, "dead"), 0),
        )
        for one in centre.targets.shown()
    )


def _one(centre: Centre, target_id: str) -> TargetView:
    for view in _listed(centre):
        if view.id == target_id:
            return view
    raise Problem(404, "not-found", f"no receiver {target_id!r}")


def _shown(centre: Centre, target_id: str) -> DispatchTarget:
    return next(one for one in centre.targets.shown() if one.id == target_id)


def _definition(target: DispatchTarget) -> TargetDefinitionView:
    tls: dict[str, Any] = target.tls.model_dump(mode="json") if target.tls is not None else {}
    return TargetDefinitionView(
        id=target.id,
        name=target.name,
        enabled=target.enabled,
        address=host_of(target.url),
        format=target.format,
        template=str(target.template) if target.template is not None else None,
        media_type=target.media_type,
        signed=target.secret is not None,
        bearer=target.bearer is not None,
        user=target.basic.user if target.basic is not None else None,
        tls=TlsView(**tls) if tls else None,
        from_stage=target.from_stage,
        timeout_s=target.timeout_s,
        heartbeat=target.heartbeat,
        notices=target.notices,
    )


def _version(one: TargetVersion) -> TargetVersionView:
    return TargetVersionView(
        version=one.version,
        target=_definition(one.target) if one.target is not None else None,
        action=one.action,
        who=one.who,
        why=one.why,
        at=one.at,
    )
