"""Adds to a sighting the evidence that was not there yet when its alert left: the clip above all.

The alert never waits for a clip. When the clip closes, its files are written to the evidence store and then
named in one transaction, together with the Update that tells the receivers. Safe to repeat.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from alerting.evidence import StoredFile
from alerting.lifecycle import OPEN
from alerting.publishing import publish
from alerting.records import EvidenceKind
from alerting.store import NotFoundError, Store, StoreError, add_event
from alerting.tables import AlertRow, EvidenceRow, IncidentRow, LearningSightingRow, SightingRow

EVIDENCE_KEEPER = "evidence"
"""Who stands in the event log for it."""


@dataclass(frozen=True)
class LaterEvidence:
    """A stored file that belongs to a sighting. `incomplete`: its end, or a part of it, is missing."""

    kind: EvidenceKind
    file: StoredFile
    captured_at: datetime
    incomplete: bool = False


def add_later(store: Store, sighting_id: str, evidence: Sequence[LaterEvidence]) -> str | None:
    """Name the files in the store; the id of the Update, if there was somebody to tell.

    Raises NotFoundError while the store does not know the sighting (it may still be on its way), StoreError
    when nothing could be written.
    """
    try:
        with store.writing() as session:
            return _add(session, store.clock(), sighting_id, evidence)
    except SQLAlchemyError as error:
        raise StoreError(f"evidence of {sighting_id} was not recorded, try again: {error}") from error


def camera_of(store: Store, sighting_id: str) -> str:
    """The camera of a sighting. Raises NotFoundError while the store does not know it."""
    learnt = select(LearningSightingRow).filter_by(sighting_id=sighting_id)
    with store.reading() as session:
        found = session.get(SightingRow, sighting_id) or session.scalars(learnt).one_or_none()
        if found is None:
            raise NotFoundError(f"no sighting {sighting_id!r}")
        return found.camera_id


def _add(session: Session, now: datetime, sighting_id: str, evidence: Sequence[LaterEvidence]) -> str | None:
    sighting = session.get(SightingRow, sighting_id)
    if sighting is None:
        raise NotFoundError(f"no sighting {sighting_id!r}")
    query = select(EvidenceRow.kind, EvidenceRow.sha256).where(EvidenceRow.sighting_id == sighting_id)
    known = {(kind, sha256) for kind, sha256 in session.execute(query)}
    new = [one for one in evidence if (one.kind, one.file.sha256) not in known]
    if not new:
        return None
    for one in new:
        session.add(
            EvidenceRow(
                incident_id=sighting.incident_id,
                sighting_id=sighting_id,
                kind=one.kind,
                path=one.file.path,
                sha256=one.file.sha256,
                size_bytes=one.file.size_bytes,
                media_type=one.file.media_type,
                captured_at=one.captured_at,
                incomplete=one.incomplete,
            )
        )
    incident = session.scalars(
        select(IncidentRow).where(IncidentRow.incident_id == sighting.incident_id)
    ).one()
    incident.version += 1
    incident.updated_at = now
    data = {
        "action": "evidence",
        "status": incident.status,
        "version": incident.version,
        "who": EVIDENCE_KEEPER,
    }
    add_event(session, now, "incident", incident_id=incident.incident_id, data=data)
    clips = [one for one in new if one.kind == "clip"]
    if not clips or not _is_told(session, incident):
        return None
    what = "incomplete clip" if any(one.incomplete for one in clips) else "clip"
    return publish(session, incident.incident_id, changes=[f"{what} of {sighting.camera_name}"], now=now)


def _is_told(session: Session, incident: IncidentRow) -> bool:
    """Whether receivers know the incident as going on: a message after a Cancel would raise it anew."""
    last = session.scalars(
        select(AlertRow.type)
        .where(AlertRow.incident_id == incident.incident_id)
        .order_by(AlertRow.sequence.desc())
        .limit(1)
    ).one_or_none()
    return last not in (None, "Cancel") and incident.status in {status.value for status in OPEN}
