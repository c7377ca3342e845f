"""Who answers for which area: the people of the grid file, until somebody saves others in the console.

A roster saved here takes the place of the file's for that area, whatever the file says of it later, until it
is given back to the file. Every change is a new version (`roster_versions`), never an old one rewritten. An
area has no rows until somebody changes it: then the file's word becomes its first version, so that there is a
way back to it.

What is read here is read in the transaction of whoever asks: a fire is told to whom the newest roster names,
in every process, without a delay. What the file has is `alerting.grids`; who is called when nobody is on duty
is decided in `alerting.duty`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerting import audit
from alerting.grids import Grids, ListedContact
from alerting.journal import By
from alerting.records import Level
from alerting.store import ConflictError, NotFoundError, Store, add_event
from alerting.tables import RosterVersionRow
from alerting.versions import SEEDED, seen_number

_log = logging.getLogger(__name__)

MOST_PEOPLE = 200
_FILE = By("grid file")
_PEOPLE = TypeAdapter(tuple[ListedContact, ...])

Contacts = tuple[ListedContact, ...]


@dataclass(frozen=True)
class RosterVersion:
    """A roster as somebody said it is. `contacts`: do not log; None: the grid file counts again."""

    version: int
    code: str
    level: Level
    name: str
    contacts: Contacts | None
    action: str
    who: str
    source: str
    why: str
    at: datetime

    @property
    def is_saved(self) -> bool:
        """It holds in place of the grid file's."""
        return self.contacts is not None and self.action != SEEDED


def save(
    store: Store,
    grids: Grids,
    code: str,
    contacts: Contacts,
    *,
    by: By,
    why: str = "",
    seen: int | None = None,
) -> RosterVersion:
    """These people from now on. `seen`: the version that was looked at (0: the file's); somebody was faster:
    ConflictError. NotFoundError: the file has no such area."""
    with store.writing() as session:
        before = _newest_of(session, store, grids, code)
        _require_seen(before, seen)
        _require_area(grids, code)
        return _write(session, before, contacts, "changed", by, why, store.clock())


def give_back(
    store: Store, grids: Grids, code: str, *, by: By, why: str = "", seen: int | None = None
) -> RosterVersion:
    """The people of the grid file from now on, as it is and as it will be."""
    with store.writing() as session:
        before = _newest_of(session, store, grids, code)
        _require_seen(before, seen)
        if _is_files(before):
            raise ConflictError(f"the roster of {code!r} is the grid file's already")
        return _write(session, before, None, "given back", by, why, store.clock())


def revert(store: Store, grids: Grids, code: str, version: int, *, by: By, why: str = "") -> RosterVersion:
    """The people as they were at `version`, as a new one."""
    with store.writing() as session:
        before = _newest_of(session, store, grids, code)
        found = session.scalars(select(RosterVersionRow).filter_by(code=code, version=version)).one_or_none()
        if found is None:
            raise NotFoundError(f"the roster of {code!r} has no version {version}")
        if found.contacts is not None:
            _require_area(grids, code)
        contacts = _contacts(found)
        return _write(session, before, contacts, f"reverted to {version}", by, why, store.clock())


def versions(store: Store, code: str) -> tuple[RosterVersion, ...]:
    """Newest first; none for an area that nobody has changed here."""
    with store.reading() as session:
        query = select(RosterVersionRow).filter_by(code=code)
        rows = session.scalars(query.order_by(RosterVersionRow.version.desc())).all()
        return tuple(_version(row) for row in rows)


def current(session: Session, codes: Iterable[str] | None = None) -> dict[str, RosterVersion]:
    """The newest version of every area that was ever changed here, or of these; those given back, too."""
    newest = select(func.max(RosterVersionRow.version_id)).group_by(RosterVersionRow.code)
    if codes is not None:
        newest = newest.where(RosterVersionRow.code.in_(list(codes)))
    rows = session.scalars(
        select(RosterVersionRow)
        .where(RosterVersionRow.version_id.in_(newest))
        .order_by(RosterVersionRow.code)
    )
    found: dict[str, RosterVersion] = {}
    for row in rows:
        try:
            found[row.code] = _version(row)
        except ValidationError:  # rules may grow stricter than an old row: a fire is called all the same
            _log.exception("saved roster not readable, the grid file counts: area=%s", row.code)
    return found


def saved(session: Session, codes: Iterable[str] | None = None) -> dict[str, Contacts]:
    """The people of the areas whose roster is not the grid file's."""
    return saved_of(current(session, codes))


def saved_of(newest: Mapping[str, RosterVersion]) -> dict[str, Contacts]:
    """The people of those that are not the grid file's."""
    return {code: one.contacts for code, one in newest.items() if one.contacts is not None and one.is_saved}


def checked(contacts: Sequence[Mapping[str, Any]]) -> Contacts:
    """Contacts from their fields, by the rules of the grid file. Raises ValidationError."""
    return _PEOPLE.validate_python(contacts)


def stored(contacts: Iterable[ListedContact]) -> list[dict[str, Any]]:
    """As a grid file has them."""
    return [one.model_dump(mode="json", by_alias=True, exclude_defaults=True) for one in contacts]


# Private


def _newest_of(session: Session, store: Store, grids: Grids, code: str) -> RosterVersionRow:
    """The newest version; an area that nobody has changed gets its first, which is the file's word."""
    query = select(RosterVersionRow).filter_by(code=code).order_by(RosterVersionRow.version.desc()).limit(1)
    found = session.scalars(query).one_or_none()
    if found is not None:
        return found
    area = grids.area(code)
    if area is None:
        raise NotFoundError(f"the grid file has no area {code!r}")
    row = RosterVersionRow(
        code=code,
        version=1,
        level=area.level,
        name=area.name,
        contacts=stored(area.contacts),
        action=SEEDED,
        who=_FILE.who,
        source="",
        why="",
        at=store.clock(),
    )
    session.add(row)
    session.flush()
    return row


def _write(
    session: Session,
    before: RosterVersionRow,
    contacts: Contacts | None,
    action: str,
    by: By,
    why: str,
    now: datetime,
) -> RosterVersion:
    row = RosterVersionRow(
        code=before.code,
        version=before.version + 1,
        level=before.level,
        name=before.name,
        contacts=None if contacts is None else stored(contacts),
        action=action,
        who=by.who,
        source=by.source,
        why=why,
        at=now,
    )
    session.add(row)
    session.flush()
    audit.note(session, by, f"roster {action}", row.code, now, version=row.version, why=why)
    add_event(session, now, "roster", data={"code": row.code, "roster": action, "version": row.version})
    return _version(row)


def _require_seen(newest: RosterVersionRow, seen: int | None) -> None:
    if seen is not None and seen != seen_number(newest):
        raise ConflictError(
            f"the roster of {newest.code!r} was {newest.action} by {newest.who} meanwhile; look again"
        )


def _require_area(grids: Grids, code: str) -> None:
    if grids.area(code) is None:
        raise NotFoundError(f"the grid file has no area {code!r} any more; its roster can only be given back")


def _is_files(row: RosterVersionRow) -> bool:
    return row.contacts is None or row.action == SEEDED


def _contacts(row: RosterVersionRow) -> Contacts | None:
    return None if row.contacts is None else checked(row.contacts)


def _version(row: RosterVersionRow) -> RosterVersion:
    return RosterVersion(
        version=row.version,
        code=row.code,
        level=cast(Level, row.level),
        name=row.name,
        contacts=_contacts(row),
        action=row.action,
        who=row.who,
        source=row.source,
        why=row.why,
        at=row.at,
    )
