"""Merging and splitting incidents by an operator: two were one fire, one were two. Both can be undone.

Sightings and their evidence move; nothing else does. What was told about an incident stays with it:
receivers get a Cancel for the one that ends and an Update, or an Alert, for the one that has the sightings
now. A merged incident is closed, refers to the one it went into, and is opened again by undoing only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from alerting import clocks, journal, policy
from alerting.decisions import MERGE, SPLIT, UNDO, find_unchanged, undoable
from alerting.journal import By, Undo
from alerting.lifecycle import ENDED, LifecycleError, State, Status
from alerting.placement import Placement
from alerting.policy import Rules
from alerting.reading import state_from, state_of
from alerting.records import IncidentDetail
from alerting.sighting_rows import choose_representatives, observations
from alerting.store import Store, find_incident, read_incident
from alerting.tables import EvidenceRow, HistoryTableRow, IncidentRow, SightingRow


class Regrouping:
    """Merges and splits the incidents of a store."""

    def __init__(self, store: Store, placement: Placement, rules: Rules = policy.DEFAULT) -> None:
        self._store = store
        self._placement = placement
        self._rules = rules

    def merge(self, incident_id: str, into_id: str, *, version: int, by: By, why: str = "") -> IncidentDetail:
        """The incident was the same fire as `into_id`; returns that one. Raises LifecycleError,
        ConflictError."""
        now = self._store.clock()
        with self._store.writing() as session:
            row, into = find_unchanged(session, incident_id, version), find_incident(session, into_id)
            if row is into:
                raise LifecycleError("an incident cannot be merged into itself")
            _require_open(row, into)
            moved = session.scalars(select(SightingRow.sighting_id).filter_by(incident_id=incident_id)).all()
            self._fold(session, row, into, moved, MERGE, by, why, now)
            return read_incident(session, into_id)

    def split(
        self, incident_id: str, sighting_ids: Collection[str], *, version: int, by: By, why: str = ""
    ) -> IncidentDetail:
        """These sightings were another fire; returns its incident. Raises LifecycleError, ConflictError."""
        now = self._store.clock()
        with self._store.writing() as session:
            row = find_unchanged(session, incident_id, version)
            _require_open(row)
            has = set(session.scalars(select(SightingRow.sighting_id).filter_by(incident_id=incident_id)))
            moved = sorted(set(sighting_ids))
            if not moved or not set(moved) < has:
                raise LifecycleError("choose some of the incident's sightings, and not all of them")
            new = _like(row, moved, now)
            session.add(new)
            session.flush()
            detail = {"from": row.incident_id, "into": new.incident_id, "sightings": moved}
            before = state_of(row)
            self._move(session, row, new, moved)
            what = f"{len(moved)} sightings of incident {row.number} are another fire, {new.number}"
            for one, was in ((new, None), (row, before)):
                self._note(session, one, was, SPLIT, by, f"{what}: {why}" if why else what, now, detail)
            return read_incident(session, new.incident_id)

    def undo(
        self, incident_id: str, history_id: int, *, version: int, by: By, why: str = ""
    ) -> IncidentDetail:
        """Take back the merging or splitting `history_id` of the incident, which must be its latest
        decision."""
        now = self._store.clock()
        with self._store.writing() as session:
            row = find_unchanged(session, incident_id, version)
            latest = undoable(read_incident(session, incident_id).history)
            if latest is None or latest.history_id != history_id or latest.action not in (MERGE, SPLIT):
                raise LifecycleError("only the latest decision can be undone, and only once")
            detail = session.get_one(HistoryTableRow, history_id).detail or {}
            source, into = find_incident(session, detail["from"]), find_incident(session, detail["into"])
            if latest.action == SPLIT:
                _require_open(source, into)
                self._fold(
                    session, into, source, _still(session, into, None), UNDO, by, why, now, undoes=history_id
                )
            else:
                self._unfold(session, source, into, detail, by, why, now, history_id)
            return read_incident(session, row.incident_id)

    def _fold(
        self,
        session: Session,
        row: IncidentRow,
        into: IncidentRow,
        moved: Collection[str],
        action: str,
        by: By,
        why: str,
        now: datetime,
        *,
        undoes: int | None = None,
    ) -> None:
        """End `row` by moving its sightings `into` another."""
        before, into_before = state_of(row), state_of(into)
        detail = {
            "from": row.incident_id,
            "into": into.incident_id,
            "sightings": sorted(moved),
            "state": {name: value for name, value in asdict(before).items() if value is not None},
        }
        row.status, row.merged_into = Status.CLOSED.value, into.incident_id
        into.repeats += row.repeats
        what = f"incident {row.number} is the same fire as {into.number}" + (f": {why}" if why else "")
        # Its last message still says what was seen: afterwards it has no sightings.
        self._note(session, row, before, action, by, what, now, detail, cancel=True, undoes=undoes)
        self._move(session, row, into, moved)
        self._note(session, into, into_before, action, by, what, now, detail, undoes=undoes)

    def _unfold(
        self,
        session: Session,
        row: IncidentRow,
        into: IncidentRow,
        detail: dict[str, Any],
        by: By,
        why: str,
        now: datetime,
        history_id: int,
    ) -> None:
        if row.merged_into != into.incident_id:
            raise LifecycleError("the incidents have been separated already")
        back = _still(session, into, detail["sightings"])
        if not back or set(back) == set(_still(session, into, None)):
            raise LifecycleError("the sightings have moved on since; split the incident instead")
        before, into_before = state_of(row), state_of(into)
        row.merged_into = None
        into.repeats = max(0, into.repeats - row.repeats)
        journal.put_state(row, state_from(detail["state"]))
        self._move(session, into, row, back)
        what = f"incidents {row.number} and {into.number} are two fires after all" + (
            f": {why}" if why else ""
        )
        self._note(session, row, before, UNDO, by, what, now, None, undoes=history_id)
        self._note(session, into, into_before, UNDO, by, what, now, None, undoes=history_id)

    def _move(
        self, session: Session, source: IncidentRow, into: IncidentRow, sighting_ids: Collection[str]
    ) -> None:
        session.flush()
        moved = SightingRow.sighting_id.in_(sighting_ids)
        values = {"incident_id": into.incident_id, "representative": True}
        session.execute(update(SightingRow).where(moved).values(values))
        files = EvidenceRow.sighting_id.in_(sighting_ids)
        session.execute(update(EvidenceRow).where(files).values(incident_id=into.incident_id))
        session.expire_all()
        for one in (into, source):
            self._gather(session, one)

    def _gather(self, session: Session, row: IncidentRow) -> None:
        """Make the incident say what its sightings say."""
        seen = session.scalars(
            select(SightingRow).filter_by(incident_id=row.incident_id).order_by(SightingRow.confirmed_at)
        ).all()
        if not seen:  # merged: it keeps what it said last
            return
        for camera_id, preset in dict.fromkeys((one.camera_id, one.preset) for one in seen):
            choose_representatives(session, row.incident_id, camera_id, preset)
        session.flush()
        row.camera_ids = list(dict.fromkeys(one.camera_id for one in seen))
        row.label = "fire" if any(one.label == "fire" for one in seen) else "smoke"
        row.confidence = max(one.confidence for one in seen)
        row.first_seen_at = min(one.first_seen_at for one in seen)
        row.confirmed_at = min(one.confirmed_at for one in seen)
        row.last_seen_at = max(one.confirmed_at for one in seen)
        row.picture_evidence_id = session.scalar(
            select(EvidenceRow.evidence_id)
            .filter_by(incident_id=row.incident_id)
            .order_by(EvidenceRow.evidence_id.desc())
            .limit(1)
        )
        self._placement.place(session, row, observations(session, row))

    def _note(
        self,
        session: Session,
        row: IncidentRow,
        before: State | None,
        action: str,
        by: By,
        what: str,
        now: datetime,
        detail: dict[str, Any] | None,
        *,
        cancel: bool = False,
        undoes: int | None = None,
    ) -> None:
        journal.write(
            session,
            row,
            before,
            by=by,
            action=action,
            why=what,
            now=now,
            news=True,
            tell=[what],
            cancel=cancel,
            undo=Undo(undoes, detail),
        )
        clocks.settle(session, row, self._rules, now)


def _require_open(*rows: IncidentRow) -> None:
    for row in rows:
        if Status(row.status) in ENDED:
            raise LifecycleError(
                f"incident {row.number} is {row.status}; only open ones are merged and split"
            )


def _still(session: Session, row: IncidentRow, sighting_ids: Collection[str] | None) -> list[str]:
    """Those of the sightings that the incident has now; all it has, if none are named."""
    has = session.scalars(select(SightingRow.sighting_id).filter_by(incident_id=row.incident_id)).all()
    return [one for one in has if sighting_ids is None or one in sighting_ids]


def _like(row: IncidentRow, sighting_ids: Collection[str], now: datetime) -> IncidentRow:
    """A new incident for some sightings of `row`, to be told to the same receivers at the same stage."""
    if row.exercise:
        raise LifecycleError("an exercise is not split")
    name = f"split {row.incident_id} {row.version} {' '.join(sighting_ids)}"
    columns = {column.key for column in IncidentRow.__mapper__.column_attrs}
    own = {
        "number", "acknowledged_by", "acknowledged_at", "assigned_to", "accepted_by", "accepted_at",
        "escalated_to", "permitted_burn_id", "merged_into", "picture_evidence_id",
    }  # fmt: skip
    values = {key: getattr(row, key) for key in columns - own}
    return IncidentRow(
        **values
        | {
            "incident_id": "inc-" + hashlib.sha256(name.encode()).hexdigest()[:16],
            "raised_at": now,
            "updated_at": now,
            "version": 0,
            "repeats": 0,
        }
    )
