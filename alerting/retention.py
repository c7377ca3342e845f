"""Keeps the room that evidence takes within its bounds, and never takes what an incident still needs.

Evidence is *protected* while its incident is open, and after that until somebody releases it; dismissed
incidents need no release. Unprotected files go, oldest first: those older than `keep_days`, those above the
quota of their kind, and, when the disk that holds them runs full, as many as make room again. Their rows
stay, with the time of removal: what there was can still be told.

Files are named by their content, so one may belong to several rows; it goes when the last of them went.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from alerting.evidence import EvidenceError, EvidenceStore
from alerting.lifecycle import Status
from alerting.store import Store, add_event, find_incident
from alerting.tables import EvidenceRow, IncidentRow
from config.evidence import EvidenceSettings

log = logging.getLogger(__name__)

CLIPS = ("clip", "original")
PICTURES = ("snapshot", "annotated", "thumbnail", "lead_up")
_BATCH = 100
GB, MB = 1_000_000_000, 1_000_000


@dataclass(frozen=True)
class Kept:
    """What a round of keeping did. `short_bytes`: room still missing, with nothing left to take."""

    removed: int
    removed_bytes: int
    free_bytes: int | None
    """None where nobody can say (remote stores)."""
    short_bytes: int = 0


def release(store: Store, incident_id: str, who: str) -> None:
    """The incident's evidence is needed no more. Raises NotFoundError; ValueError for an open incident."""
    with store.writing() as session:
        incident = find_incident(session, incident_id)
        if incident.status not in (Status.CLOSED.value, Status.DISMISSED.value):
            raise ValueError(f"incident {incident_id} is {incident.status}: close it first")
        if incident.evidence_released_at is None:
            incident.evidence_released_at = store.clock()
            incident.evidence_released_by = who
            data = {
                "action": "release_evidence",
                "status": incident.status,
                "version": incident.version,
                "who": who,
            }
            add_event(session, store.clock(), "incident", incident_id=incident_id, data=data)


class Keeper:
    """Applies the settings; several may run at once."""

    def __init__(
        self,
        store: Store,
        evidence: EvidenceStore,
        settings: EvidenceSettings,
        free_bytes: Callable[[], int | None] | None = None,
    ) -> None:
        self._store = store
        self._evidence = evidence
        self._settings = settings
        self._free_bytes = free_bytes or evidence.free_bytes

    def keep(self) -> Kept:
        """One round: age, quotas, room. Raises what the store raises."""
        settings, removed = self._settings, _Tally()
        oldest = self._store.clock() - timedelta(days=settings.keep_days)
        self._remove(_unprotected().where(EvidenceRow.captured_at < oldest), None, removed)
        for kinds, quota_gb in ((CLIPS, settings.quota_gb), (PICTURES, settings.picture_quota_gb)):
            excess = self._size(kinds) - quota_gb * GB
            if excess > 0:
                self._remove(_unprotected().where(EvidenceRow.kind.in_(kinds)), excess, removed)
        short = self._make_room(removed)
        return Kept(removed.files, removed.bytes, self._free_bytes(), short)

    def _make_room(self, removed: _Tally) -> int:
        """Remove the oldest until the reserve is free; how many bytes are missing in the end."""
        while True:
            free = self._free_bytes()
            missing = 0 if free is None else round(self._settings.reserve_mb * MB) - free
            if missing <= 0:
                return 0
            before = removed.files
            self._remove(_unprotected(), missing, removed)
            if removed.files == before:
                return missing

    def _size(self, kinds: Collection[str]) -> int:
        with self._store.reading() as session:
            query = select(func.sum(EvidenceRow.size_bytes)).where(
                EvidenceRow.kind.in_(kinds), EvidenceRow.removed_at.is_(None)
            )
            return int(session.scalar(query) or 0)

    def _remove(self, candidates: Select[EvidenceRow], enough_bytes: float | None, removed: _Tally) -> None:
        """Remove candidates, oldest first, until `enough_bytes` went (None: all of them)."""
        until = None if enough_bytes is None else removed.bytes + enough_bytes
        query = candidates.order_by(EvidenceRow.captured_at, EvidenceRow.evidence_id).limit(_BATCH)
        while until is None or removed.bytes < until:
            unused: list[str] = []
            with self._store.writing() as session:
                rows = session.scalars(query).all()
                for row in rows:
                    if until is not None and removed.bytes >= until:
                        break
                    row.removed_at = self._store.clock()
                    session.flush()
                    removed.bytes += row.size_bytes
                    removed.files += 1
                    if not _is_used(session, row.path):
                        unused.append(row.path)
            for path in unused:
                try:
                    self._evidence.remove(path)
                except EvidenceError as error:  # it costs room, nothing else
                    log.error("evidence file not removed path=%s: %s", path, error)
            if len(rows) < _BATCH:
                return


@dataclass
class _Tally:
    files: int = 0
    bytes: int = 0


def _unprotected() -> Select[EvidenceRow]:
    return (
        select(EvidenceRow)
        .join(IncidentRow, IncidentRow.incident_id == EvidenceRow.incident_id)
        .where(
            EvidenceRow.removed_at.is_(None),
            or_(
                IncidentRow.status == Status.DISMISSED.value,
                and_(
                    IncidentRow.status == Status.CLOSED.value,
                    IncidentRow.evidence_released_at.is_not(None),
                ),
            ),
        )
    )


def _is_used(session: Session, path: str) -> bool:
    query = select(EvidenceRow.evidence_id).where(EvidenceRow.path == path, EvidenceRow.removed_at.is_(None))
    return session.scalars(query.limit(1)).one_or_none() is not None
