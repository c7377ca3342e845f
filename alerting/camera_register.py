"""Which cameras there are: those of the deployment file, overlaid by what people have changed in the console.

Every change is a new version of one camera (`camera_versions`), never an old one rewritten; what there was
before is a version like any other, and going back to it makes a new one. A camera of the file has no rows
until somebody changes it: then the file's word becomes its first version, and the file's is not asked again.

Addresses and tokens are sealed (`alerting.secret_box`): with the box, cameras can be opened; without it,
their addresses are scheme and host only, which is enough for all who only name and place them.

A camera that was added *learns* for a while: see `alerting.learning`.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from alerting import audit
from alerting.journal import By
from alerting.secret_box import SecretBox, SecretsError, opened_with, sealed_for
from alerting.store import ConflictError, NotFoundError, Store, add_event, set_state
from alerting.tables import CameraVersionRow
from alerting.versions import SEEDED, seen_number
from config import Camera, Deployment, SecretSource
from config.explain import explain
from streams.condition import TAKEN_OUT, Condition

_log = logging.getLogger(__name__)

State = Literal["learning", "live", "off"]
LOOK_EVERY_S = 0.5
"""How old what is known may be; the own writes of a process are known at once."""
_FILE = By("deployment file")


class CameraError(ValueError):
    """A camera that cannot be so; says which field and how to mend it, never an address."""


@dataclass(frozen=True)
class CameraVersion:
    """A camera as somebody said it is; `camera` has no secrets, its address is scheme and host."""

    version: int
    camera: Camera
    state: State
    """As it was put: a time of learning may be over since."""
    learning_until: datetime | None
    action: str
    who: str
    source: str
    why: str
    at: datetime

    def state_at(self, now: datetime) -> State:
        return _state_at(self.state, self.learning_until, now)


class CameraRegister:
    """The cameras of a deployment over a store. Thread-safe; several processes may share the store.

    Reading asks the store at most every `look_every_s`; while that is away, what was known last holds.
    """

    def __init__(
        self,
        store: Store,
        deployment: Deployment,
        box: SecretBox | None = None,
        *,
        look_every_s: float = LOOK_EVERY_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._seed = deployment
        self._box = box
        self._look_every_s = look_every_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._looked_s = float("-inf")
        self._newest = 0
        self._known = deployment
        self._learning: dict[str, datetime] = {}

    @property
    def deployment(self) -> Deployment:
        """The deployment with the cameras that there are now: the file's in its order, then the added ones in
        theirs, those out of service too (a camera keeps its place whatever happens to the others)."""
        with self._lock:
            self._look()
            return self._known

    @property
    def cameras(self) -> tuple[Camera, ...]:
        return self.deployment.cameras

    def learning_until(self, camera_id: str) -> datetime | None:
        """Until when the camera learns; None: it does not (any more)."""
        with self._lock:
            self._look()
            until = self._learning.get(camera_id)
        return until if until is not None and self._store.clock() < until else None

    def versions(self, camera_id: str) -> tuple[CameraVersion, ...]:
        """Newest first; none for a camera that is as the deployment file says. Raises NotFoundError."""
        with self._store.reading() as session:
            query = select(CameraVersionRow).filter_by(camera_id=camera_id)
            rows = session.scalars(query.order_by(CameraVersionRow.version.desc())).all()
        if not rows and all(one.id != camera_id for one in self._seed.cameras):
            raise NotFoundError(f"no camera {camera_id!r}")
        return tuple(_version(row) for row in rows)

    # Changes: each is one transaction. They raise CameraError, ConflictError, NotFoundError, SecretsError.

    def add(self, camera: Camera, *, by: By, why: str = "", learn_for: timedelta) -> CameraVersion:
        """A camera that there was not; it learns for `learn_for` (none: it is live at once)."""
        with self._writing() as session:
            known = {one.id for one in self._seed.cameras}
            if camera.id in known or newest_version(session, camera.id) is not None:
                raise ConflictError(
                    f"there is a camera {camera.id!r} already; choose another id, or change it"
                )
            now = self._store.clock()
            until = now + learn_for if learn_for > timedelta(0) else None
            row = CameraVersionRow(
                camera_id=camera.id,
                version=1,
                definition=_definition(camera),
                secrets=self._sealed(session, camera),
                state="learning" if until is not None else "live",
                learning_until=until,
            )
            return self._write(session, row, "added", by, why, now)

    def change(
        self, camera_id: str, changes: Mapping[str, Any], *, by: By, why: str = "", seen: int | None = None
    ) -> CameraVersion:
        """Fields of `config.Camera` by name, each replaced whole. `seen`: the version that was looked at
        (0: the file's); somebody was faster: ConflictError."""
        with self._writing() as session:
            before = self._newest_of(session, camera_id)
            if seen is not None and seen != seen_number(before):
                raise ConflictError(
                    f"camera {camera_id!r} was {before.action} by {before.who} meanwhile; look again"
                )
            changed = _changed(before, changes)
            row = _following(before)
            row.definition = _definition(changed)
            if {"source", "sub_source", "stream", "ptz"} & changes.keys():
                whole = self._with_kept_secrets(changed, before, changes)
                row.secrets = self._sealed(session, whole, anew="source" in changes)
            if "enabled" in changes:
                row.state = _state_when(bool(changes["enabled"]), before)
            return self._write(session, row, "changed", by, why, self._store.clock())

    def revert(self, camera_id: str, version: int, *, by: By, why: str = "") -> CameraVersion:
        """The camera as it was at `version`, as a new one. Learning goes on or is over as it is now."""
        with self._writing() as session:
            before = self._newest_of(session, camera_id)
            found = session.scalars(
                select(CameraVersionRow).filter_by(camera_id=camera_id, version=version)
            ).one_or_none()
            if found is None:
                raise NotFoundError(f"camera {camera_id!r} has no version {version}")
            row = _following(before)
            row.definition, row.secrets = found.definition, found.secrets
            if "off" in (found.state, before.state):
                row.state = _state_when(found.state != "off", before)
            return self._write(session, row, f"reverted to {version}", by, why, self._store.clock())

    def end_learning(self, camera_id: str, *, by: By, why: str = "") -> CameraVersion:
        """Live from now on: what it sees is told."""
        with self._writing() as session:
            before, now = self._newest_of(session, camera_id), self._store.clock()
            if _state_at(before.state, before.learning_until, now) != "learning":
                raise ConflictError(f"camera {camera_id!r} does not learn")
            row = _following(before)
            row.state, row.learning_until = "live", None
            return self._write(session, row, "learning ended", by, why, now)

    def remove(self, camera_id: str, *, by: By, why: str = "") -> CameraVersion:
        """Out of service; nothing about it is forgotten, and a revert brings it back."""
        with self._writing() as session:
            before = self._newest_of(session, camera_id)
            if before.state == "off":
                raise ConflictError(f"camera {camera_id!r} is out of service already")
            row = _following(before)
            row.state = "off"
            return self._write(session, row, "removed", by, why, self._store.clock())

    # Private

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """A transaction after which this process reads again at once."""
        with self._store.writing() as session:
            yield session
        with self._lock:
            self._looked_s = float("-inf")

    def _write(
        self, session: Session, row: CameraVersionRow, action: str, by: By, why: str, now: datetime
    ) -> CameraVersion:
        row.action, row.who, row.source, row.why, row.at = action, by.who, by.source, why, now
        session.add(row)
        session.flush()
        audit.note(session, by, f"camera {action}", row.camera_id, now, version=row.version, why=why)
        data = {"register": action, "version": row.version}
        add_event(session, now, "camera", camera_id=row.camera_id, data=data)
        if row.state == "off":
            off = Condition.OFF.value
            set_state(session, row.camera_id, off, now, TAKEN_OUT, now=now, counts=False)
        return _version(row)

    def _newest_of(self, session: Session, camera_id: str) -> CameraVersionRow:
        """The newest version; a camera of the file gets its first, which is the file's word."""
        found = newest_version(session, camera_id)
        if found is not None:
            return found
        camera = next((one for one in self._seed.cameras if one.id == camera_id), None)
        if camera is None:
            raise NotFoundError(f"no camera {camera_id!r}")
        row = CameraVersionRow(
            camera_id=camera_id,
            version=1,
            definition=_definition(camera),
            secrets=self._sealed(session, camera),
            state="live" if camera.enabled else "off",
            learning_until=None,
            action=SEEDED,
            who=_FILE.who,
            source="",
            why="",
            at=self._store.clock(),
        )
        session.add(row)
        session.flush()
        return row

    def _sealed(self, session: Session, camera: Camera, *, anew: bool = False) -> str:
        """`anew`: the address has just been entered again."""
        token = camera.stream.play_url.token
        secrets = {
            "source": camera.source.reveal(),
            "sub_source": camera.sub_source.reveal() if camera.sub_source else None,
            "token": token.get_secret_value() if token else None,
            "onvif": camera.ptz.onvif.reveal() if camera.ptz else None,
        }
        return sealed_for(session, self._box, json.dumps(secrets), anew=anew)

    def _with_kept_secrets(
        self, changed: Camera, before: CameraVersionRow, changes: Mapping[str, Any]
    ) -> Camera:
        """What was not given anew is as it was; a token that was said to be none is none."""
        try:
            kept = json.loads(opened_with(self._box, before.secrets))
        except SecretsError:
            if "source" not in changes:
                raise
            return changed  # the key is lost
        given: dict[str, Any] = {
            name: SecretSource(kept[name])
            for name in ("source", "sub_source")
            if name not in changes and kept[name] is not None
        }
        play = changed.stream.play_url
        if "token" not in play.model_fields_set and kept["token"] is not None:
            play = play.model_copy(update={"token": SecretStr(kept["token"])})
            given["stream"] = changed.stream.model_copy(update={"play_url": play})
        onvif = kept.get("onvif")  # what was sealed before there were turning cameras has none
        if "ptz" not in changes and changed.ptz is not None and onvif is not None:
            given["ptz"] = changed.ptz.model_copy(update={"onvif": SecretSource(onvif)})
        return changed.model_copy(update=given)

    def _look(self) -> None:
        """Read again where there is something new."""
        now_s = self._monotonic()
        if now_s - self._looked_s < self._look_every_s:
            return
        try:
            with self._store.reading() as session:
                newest = session.scalar(select(func.max(CameraVersionRow.version_id))) or 0
                if newest != self._newest:
                    newest_each = select(func.max(CameraVersionRow.version_id))
                    query = select(CameraVersionRow).where(
                        CameraVersionRow.version_id.in_(newest_each.group_by(CameraVersionRow.camera_id))
                    )
                    first_each = select(CameraVersionRow.camera_id).filter_by(version=1)
                    order = list(session.scalars(first_each.order_by(CameraVersionRow.version_id)))
                    self._learn_of({row.camera_id: row for row in session.scalars(query)}, order)
                    self._newest = newest
        except SQLAlchemyError as error:
            _log.error("store unusable, cameras are as they were: %s", type(error).__name__)
        self._looked_s = now_s

    def _learn_of(self, rows: Mapping[str, CameraVersionRow], order: Sequence[str]) -> None:
        seeds = {one.id: one for one in self._seed.cameras}
        ids = [*seeds, *(id_ for id_ in order if id_ not in seeds)]
        cameras = tuple(self._opened(rows[id_]) if id_ in rows else seeds[id_] for id_ in ids)
        self._known = self._seed.model_copy(update={"cameras": cameras})
        self._learning = {
            id_: row.learning_until
            for id_, row in rows.items()
            if row.state == "learning" and row.learning_until is not None
        }

    def _opened(self, row: CameraVersionRow) -> Camera:
        """The camera with its secrets, where they can be opened: one that cannot blinds no other."""
        if self._box is None:
            return _camera(row)
        try:
            return _camera(row, json.loads(self._box.open(row.secrets)))
        except SecretsError as error:
            _log.error("address of a camera not readable camera=%s: %s", row.camera_id, error)
            return _camera(row)


def newest_version(session: Session, camera_id: str) -> CameraVersionRow | None:
    """Inside a transaction already open; None: the camera is as the deployment file says."""
    query = select(CameraVersionRow).filter_by(camera_id=camera_id)
    return session.scalars(query.order_by(CameraVersionRow.version.desc()).limit(1)).one_or_none()


def is_learning(session: Session, camera_id: str, now: datetime) -> bool:
    """Inside a transaction already open."""
    row = newest_version(session, camera_id)
    return row is not None and _state_at(row.state, row.learning_until, now) == "learning"


def shown_address(source: SecretSource) -> str:
    """Scheme and host, which tell people which camera it is and open none.

    >>> shown_address(SecretSource("rtsp://admin:s3cret@10.2.0.11:554/live/token-in-path?x=1"))
    'rtsp://10.2.0.11:554'
    >>> shown_address(SecretSource("rtsp://admin:a/b@10.2.0.11/live"))
    'rtsp://***'
    >>> shown_address(SecretSource("videos/near.mp4"))
    'videos/near.mp4'
    """
    if not source.scheme:
        return source.reveal()
    try:
        parts = urlsplit(source.reveal())
        host, port = parts.hostname or "***", parts.port
    except ValueError:
        return f"{source.scheme}://***"
    if "@" in parts.path + parts.query + parts.fragment:  # an unescaped password leaked there
        return f"{source.scheme}://***"
    host = f"[{host}]" if ":" in host else host
    return f"{source.scheme}://{host}" + (f":{port}" if port else "")


def checked(fields: Mapping[str, Any]) -> Camera:
    """A camera from its fields. Raises CameraError."""
    try:
        return Camera.model_validate(fields)
    except ValidationError as error:
        said = []
        for details in error.errors(include_url=False, include_input=False):
            what, mend = explain({**details, "loc": ("cameras", 0, *details["loc"])})
            field = ".".join(str(part) for part in details["loc"] if not str(part).startswith("function-"))
            said.append(f"{field}: {what}" + (f"; {mend}" if mend else ""))
        raise CameraError("; ".join(said)) from None


def _definition(camera: Camera) -> dict[str, Any]:
    """What was said of a camera, without its secrets; its state says whether it is enabled."""
    found = camera.model_dump(mode="json", exclude_unset=True, exclude={"enabled"})
    found["source"] = shown_address(camera.source)
    if camera.sub_source is not None:
        found["sub_source"] = shown_address(camera.sub_source)
    if camera.ptz is not None:
        found["ptz"]["onvif"] = shown_address(camera.ptz.onvif)
    found.get("stream", {}).get("play_url", {}).pop("token", None)
    return found


def _camera(row: CameraVersionRow, secrets: Mapping[str, str | None] | None = None) -> Camera:
    definition = dict(row.definition)
    if secrets is not None:
        definition["source"] = secrets["source"]
        if secrets["sub_source"] is not None:
            definition["sub_source"] = secrets["sub_source"]
        if secrets["token"] is not None:
            stream = dict(definition.get("stream", {}))
            stream["play_url"] = {**stream.get("play_url", {}), "token": secrets["token"]}
            definition["stream"] = stream
        onvif = secrets.get("onvif")
        if onvif is not None:
            definition["ptz"] = {**definition["ptz"], "onvif": onvif}
    return Camera.model_validate({**definition, "enabled": row.state != "off"})


def _changed(before: CameraVersionRow, changes: Mapping[str, Any]) -> Camera:
    if "id" in changes:
        raise CameraError("id: a camera's id never changes; add another camera instead")
    return checked({**before.definition, **changes})


def _following(before: CameraVersionRow) -> CameraVersionRow:
    """The next version, so far like the one before."""
    return CameraVersionRow(
        camera_id=before.camera_id,
        version=before.version + 1,
        definition=before.definition,
        secrets=before.secrets,
        state=before.state,
        learning_until=before.learning_until,
    )


def _state_when(enabled: bool, before: CameraVersionRow) -> State:
    if not enabled:
        return "off"
    return "learning" if before.learning_until is not None else "live"


def _state_at(state: str, learning_until: datetime | None, now: datetime) -> State:
    if state == "learning" and (learning_until is None or now >= learning_until):
        return "live"
    return cast(State, state)


def _version(row: CameraVersionRow) -> CameraVersion:
    return CameraVersion(
        version=row.version,
        camera=_camera(row),
        state=cast(State, row.state),
        learning_until=row.learning_until,
        action=row.action,
        who=row.who,
        source=row.source,
        why=row.why,
        at=row.at,
    )
