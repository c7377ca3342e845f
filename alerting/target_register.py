"""Receivers of alerts, changed in the console: what was saved takes the place of the deployment file's
receiver of that id, whatever the file says of it later, until it is given back to the file.

Every change is a new version (`target_versions`), never an old one rewritten. A receiver of the file has no
rows until somebody changes it: then the file's word becomes its first version, so that there is a way back to
it.

Addresses (a robot's holds its key), signing keys, tokens and passwords are sealed (`alerting.secret_box`);
what is shown of a receiver has them masked. What a change does not say stays as it is, secrets too.

Nothing that waits for a receiver is lost by a change of it: switched off, it hears of no new fire and nothing
is sent, but what waits and how the fires end that it knows of is kept and goes out when it is switched on;
none is removed while something is owed to it. Who is told is read by `alerting.receivers`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import SecretStr, ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerting import audit, claims, receivers
from alerting.journal import By
from alerting.lifecycle import OPEN
from alerting.secret_box import SecretBox, SecretsError, opened_with, sealed_for
from alerting.store import ConflictError, NotFoundError, Store, add_event
from alerting.tables import DeliveryRow, IncidentRow, TargetVersionRow
from alerting.versions import SEEDED, seen_number
from config import Deployment, DispatchTarget, Tls
from config.explain import explain
from config.outline import host_of

_log = logging.getLogger(__name__)

REMOVED = "removed"
MOST_TARGETS = 50
"""As in a deployment file: each has a thread of its own."""
_FILE = By("deployment file")
_OPEN = [status.value for status in OPEN]


class TargetError(ValueError):
    """A receiver that cannot be so; says which field and how to mend it, never a secret."""


@dataclass(frozen=True)
class TargetVersion:
    """A receiver as somebody said it is. `target`: with what is secret masked; None: the file counts
    again."""

    version: int
    target_id: str
    target: DispatchTarget | None
    action: str
    who: str
    source: str
    why: str
    at: datetime

    @property
    def is_saved(self) -> bool:
        """It holds in place of the deployment file's."""
        return self.target is not None and self.action != SEEDED


class TargetFiles(NamedTuple):
    """Files of this machine, by what receivers need them for."""

    template: tuple[Path, ...] = ()
    authority: tuple[Path, ...] = ()
    certificate: tuple[Path, ...] = ()
    key: tuple[Path, ...] = ()


class TargetRegister:
    """The receivers of a deployment over a store; several processes may share the store. Changes are one
    transaction each; they raise TargetError, ConflictError, NotFoundError, SecretsError."""

    def __init__(self, store: Store, deployment: Deployment, box: SecretBox | None = None) -> None:
        self._store = store
        self._deployment = deployment
        self._seeds = {target.id: target for target in deployment.dispatch}
        self._box = box

    def shown(self) -> tuple[DispatchTarget, ...]:
        """All that there are, those that are switched off too, with the secrets of the saved ones masked."""
        with self._store.reading() as session:
            return receivers.in_force(session, self._deployment)

    def opened(self) -> tuple[DispatchTarget, ...]:
        """All that there are, with their secrets. One whose secrets cannot be opened is left out: what waits
        for it goes on waiting, the others are served."""
        with self._store.reading() as session:
            rows = receivers.newest_rows(session)
            ids = [target.id for target in receivers.in_force(session, self._deployment)]
        return tuple(self._each_opened(ids, rows))

    def opened_one(self, target_id: str) -> DispatchTarget:
        """One of them, with its secrets. Raises NotFoundError, SecretsError."""
        with self._store.reading() as session:
            row = receivers.newest_rows(session).get(target_id)
        if row is not None and row.definition is not None:
            return self._opened(row)
        if target_id not in self._seeds:
            raise NotFoundError(f"no receiver {target_id!r}")
        return self._seeds[target_id]

    def newest(self) -> int:
        """Another number after every change."""
        with self._store.reading() as session:
            return session.scalar(select(func.max(TargetVersionRow.version_id))) or 0

    def current(self) -> dict[str, TargetVersion]:
        """The newest version of every receiver that was ever changed here; those given back, too."""
        with self._store.reading() as session:
            return {key: _version(row) for key, row in receivers.newest_rows(session).items()}

    def versions(self, target_id: str) -> tuple[TargetVersion, ...]:
        """Newest first; none for one that is as the deployment file says. Raises NotFoundError."""
        with self._store.reading() as session:
            query = select(TargetVersionRow).filter_by(target_id=target_id)
            rows = session.scalars(query.order_by(TargetVersionRow.version.desc())).all()
        if not rows and target_id not in self._seeds:
            raise NotFoundError(f"no receiver {target_id!r}")
        return tuple(_version(row) for row in rows)

    def is_in_file(self, target_id: str) -> bool:
        return target_id in self._seeds

    def add(self, fields: Mapping[str, Any], *, by: By, why: str = "") -> TargetVersion:
        """A receiver that there was not: told of fires from now on."""
        target = self._checked(fields)
        with self._store.writing() as session:
            known = {one.id for one in receivers.in_force(session, self._deployment)}
            if target.id in known:
                raise ConflictError(
                    f"there is a receiver {target.id!r} already; choose another id, or change it"
                )
            if len(known) >= MOST_TARGETS:
                raise ConflictError(f"there are {MOST_TARGETS} receivers already: give one back first")
            before = _newest_of(session, target.id)
            number = before.version + 1 if before is not None else 1
            return self._save(session, target, number, "added", by, why)

    def change(
        self, target_id: str, changes: Mapping[str, Any], *, by: By, why: str = "", seen: int | None = None
    ) -> TargetVersion:
        """Fields of `config.DispatchTarget` by name, each replaced whole; null takes away what may be
        missing. `seen`: the version that was looked at (0: the file's); somebody was faster:
        ConflictError."""
        if "id" in changes:
            raise TargetError("id: a receiver's id never changes; add another instead")
        with self._store.writing() as session:
            before = self._begun(session, target_id, seen)
            known = self._fields_of(before, changes)
            target = self._checked({**known, **_whole(changes, known)})
            action = "changed"
            if changes.keys() == {"enabled"}:
                action = "switched on" if target.enabled else "switched off"
            anew = "url" in changes
            return self._save(session, target, before.version + 1, action, by, why, anew=anew)

    def revert(
        self, target_id: str, version: int, *, by: By, why: str = "", seen: int | None = None
    ) -> TargetVersion:
        """The receiver as it was at `version`, as a new one, its secrets too."""
        with self._store.writing() as session:
            before = self._begun(session, target_id, seen, gone_too=True)
            found = session.scalars(
                select(TargetVersionRow).filter_by(target_id=target_id, version=version)
            ).one_or_none()
            if found is None:
                raise NotFoundError(f"receiver {target_id!r} has no version {version}")
            if found.definition is None:
                raise ConflictError(f"at version {version} the deployment file counted: give it back instead")
            target = self._opened(found)
            self._require_named_files(target)
            return self._save(session, target, before.version + 1, f"reverted to {version}", by, why)

    def give_back(self, target_id: str, *, by: By, why: str = "", seen: int | None = None) -> TargetVersion:
        """The receiver of the deployment file from now on, as it is and as it will be; one that the file has
        not is there no more, unless something is still owed to it: ConflictError."""
        with self._store.writing() as session:
            before = self._begun(session, target_id, seen)
            in_file = target_id in self._seeds
            if before.definition is None or before.action == SEEDED:
                raise ConflictError(f"receiver {target_id!r} is the deployment file's already")
            if not in_file:
                _require_nothing_owed(session, target_id)
            row = TargetVersionRow(
                target_id=target_id, version=before.version + 1, definition=None, secrets=""
            )
            action = "given back" if in_file else REMOVED
            return self._write(session, row, self._seeds.get(target_id), action, by, why)

    # Private

    def _begun(
        self, session: Session, target_id: str, seen: int | None, *, gone_too: bool = False
    ) -> TargetVersionRow:
        """The newest version; a receiver of the file gets its first, which is the file's word."""
        found = _newest_of(session, target_id)
        seed = self._seeds.get(target_id)
        is_there = seed is not None or (found is not None and (gone_too or found.definition is not None))
        if not is_there:
            raise NotFoundError(f"no receiver {target_id!r}")
        if seen is not None and seen != seen_number(found):
            last = (
                f"was {found.action} by {found.who} meanwhile" if found is not None else "was never changed"
            )
            raise ConflictError(f"receiver {target_id!r} {last}; look again")
        if found is None:
            assert seed is not None
            found = self._row(session, seed, 1)
            found.action, found.who, found.source, found.why = SEEDED, _FILE.who, "", ""
            found.at = self._store.clock()
            session.add(found)
            session.flush()
        return found

    def _save(
        self,
        session: Session,
        target: DispatchTarget,
        version: int,
        action: str,
        by: By,
        why: str,
        *,
        anew: bool = False,
    ) -> TargetVersion:
        row = self._row(session, target, version, anew=anew)
        return self._write(session, row, target, action, by, why)

    def _write(
        self,
        session: Session,
        row: TargetVersionRow,
        holds: DispatchTarget | None,
        action: str,
        by: By,
        why: str,
    ) -> TargetVersion:
        """`holds`: the receiver from now on, if there is one."""
        now = self._store.clock()
        row.action, row.who, row.source, row.why, row.at = action, by.who, by.source, why, now
        session.add(row)
        session.flush()
        _tell_of_open_fires(session, row.target_id, holds)
        claims.try_now(session, row.target_id)
        audit.note(session, by, f"receiver {action}", row.target_id, now, version=row.version, why=why)
        add_event(
            session,
            now,
            "target",
            data={"target_id": row.target_id, "target": action, "version": row.version},
        )
        return _version(row)

    def _row(
        self, session: Session, target: DispatchTarget, version: int, *, anew: bool = False
    ) -> TargetVersionRow:
        definition = target.model_dump(mode="json", exclude_unset=True)  # keys and passwords: ***
        definition["url"] = host_of(target.url)
        sealed = sealed_for(session, self._box, json.dumps(_secrets_of(target)), anew=anew)
        return TargetVersionRow(target_id=target.id, version=version, definition=definition, secrets=sealed)

    def _fields_of(self, row: TargetVersionRow, changes: Mapping[str, Any]) -> dict[str, Any]:
        """What is said of a receiver before a change, as `config.DispatchTarget` takes it, secrets
        included."""
        if row.definition is None:
            return _with_secrets(*_said(self._seeds[row.target_id]))
        try:
            return _with_secrets(row.definition, self._open(row))
        except SecretsError:
            if "url" not in changes:
                raise
        fields = dict(row.definition)  # the key is lost: what is secret must be entered anew
        for name in ("secret", "bearer", "basic"):
            fields.pop(name, None)
        return fields

    def _opened(self, row: TargetVersionRow) -> DispatchTarget:
        assert row.definition is not None
        return DispatchTarget.model_validate(_with_secrets(row.definition, self._open(row)))

    def _open(self, row: TargetVersionRow) -> dict[str, str | None]:
        found: dict[str, str | None] = json.loads(opened_with(self._box, row.secrets))
        return found

    def _each_opened(
        self, ids: Iterable[str], rows: Mapping[str, TargetVersionRow]
    ) -> Iterator[DispatchTarget]:
        for target_id in ids:
            row = rows.get(target_id)
            if row is None or row.definition is None:
                yield self._seeds[target_id]
                continue
            try:
                yield self._opened(row)
            except (SecretsError, ValidationError) as error:
                _log.critical(
                    "receiver not usable, its messages wait: target=%s: %s",
                    target_id,
                    error if isinstance(error, SecretsError) else "its definition is not readable",
                )

    def _checked(self, fields: Mapping[str, Any]) -> DispatchTarget:
        target = checked(fields)
        self._require_named_files(target)
        return target

    def named_files(self) -> TargetFiles:
        """What may be chosen: the files that receivers of the deployment file name, each for what it names
        them for."""
        of_seeds = [TargetFiles(), *(files_of(seed) for seed in self._seeds.values())]
        return TargetFiles(*(tuple(sorted(set(chain(*each)))) for each in zip(*of_seeds, strict=True)))

    def _require_named_files(self, target: DispatchTarget) -> None:
        """Which files of this machine are read, and for what, is the deployment file's word: a template of
        any other, or made of a private key, would be a way to send that file's content away."""
        known = self.named_files()
        for field, files, named in zip(TargetFiles._fields, files_of(target), known, strict=True):
            for file in set(files) - set(named):
                raise TargetError(
                    f"{field}: {file}: only files that a receiver of the deployment file names for this can"
                    f" be used here; there are: {', '.join(map(str, named)) or 'none'}"
                )


def checked(fields: Mapping[str, Any]) -> DispatchTarget:
    """A receiver from its fields, by the rules of the deployment file. Raises TargetError."""
    try:
        target = DispatchTarget.model_validate(fields)
    except ValidationError as error:
        said = []
        for details in error.errors(include_url=False, include_input=False):
            what, mend = explain({**details, "loc": ("dispatch", 0, *details["loc"])})
            field = ".".join(str(part) for part in details["loc"] if not str(part).startswith("function-"))
            said.append((f"{field}: " if field else "") + what + (f"; {mend}" if mend else ""))
        raise TargetError("; ".join(said)) from None
    return target


def files_of(target: DispatchTarget) -> TargetFiles:
    """The files of this machine that a receiver needs, at most one of each."""
    tls = target.tls or Tls()
    found = (target.template, tls.authority, tls.certificate, tls.key)
    return TargetFiles(*(() if file is None else (file,) for file in found))


def _newest_of(session: Session, target_id: str) -> TargetVersionRow | None:
    query = select(TargetVersionRow).filter_by(target_id=target_id)
    return session.scalars(query.order_by(TargetVersionRow.version.desc()).limit(1)).one_or_none()


def _require_nothing_owed(session: Session, target_id: str) -> None:
    """What waits for it would be lost, and how the fires end that it was told of could not be told."""
    pending = select(func.count(DeliveryRow.delivery_id)).filter_by(target_id=target_id, state="pending")
    told_of = select(DeliveryRow.incident_id).filter_by(target_id=target_id)
    fires = select(func.count(IncidentRow.number)).where(
        IncidentRow.status.in_(_OPEN), IncidentRow.incident_id.in_(told_of)
    )
    waiting, open_fires = session.scalar(pending), session.scalar(fires)
    if waiting or open_fires:
        raise ConflictError(
            f"{waiting} messages wait for {target_id!r}, and it was told of {open_fires} fires that are still"
            " open: remove it when that is over, or switch it off: what it is owed then waits until it is"
            " switched on again"
        )


def _tell_of_open_fires(session: Session, target_id: str, target: DispatchTarget | None) -> None:
    """Fires that burn already are told to it from their next message on, or no more; who was told of a fire
    is told how it ends, whatever becomes of the receiver (`alerting.publishing`)."""
    told = {target_id: target.from_stage} if target is not None and target.enabled else {}
    open_now = select(IncidentRow).where(IncidentRow.status.in_(_OPEN), IncidentRow.exercise.is_(False))
    for row in session.scalars(open_now):
        others = {key: stage for key, stage in row.targets.items() if key != target_id}
        row.targets = {**others, **told}


def _whole(changes: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The changes with the password that they leave out."""
    found = dict(changes)
    basic, before = found.get("basic"), known.get("basic")
    if isinstance(basic, Mapping) and isinstance(before, Mapping) and basic.get("password") is None:
        found["basic"] = {**basic, "password": before["password"]}
    return found


def _said(target: DispatchTarget) -> tuple[dict[str, Any], dict[str, str | None]]:
    return target.model_dump(mode="json", exclude_unset=True), _secrets_of(target)


def _secrets_of(target: DispatchTarget) -> dict[str, str | None]:
    def plain(secret: SecretStr | None) -> str | None:
        return secret.get_secret_value() if secret is not None else None

    return {
        "url": target.url,
        "secret": plain(target.secret),
        "bearer": plain(target.bearer),
        "password": plain(target.basic.password) if target.basic is not None else None,
    }


def _with_secrets(definition: Mapping[str, Any], secrets: Mapping[str, str | None]) -> dict[str, Any]:
    found = {**definition, "url": secrets["url"]}
    for name in ("secret", "bearer"):
        if found.get(name) is not None:
            found[name] = secrets[name]
    if found.get("basic") is not None:
        found["basic"] = {**found["basic"], "password": secrets["password"]}
    return found


def _version(row: TargetVersionRow) -> TargetVersion:
    return TargetVersion(
        version=row.version,
        target_id=row.target_id,
        target=None if row.definition is None else DispatchTarget.model_validate(row.definition),
        action=row.action,
        who=row.who,
        source=row.source,
        why=row.why,
        at=row.at,
    )
