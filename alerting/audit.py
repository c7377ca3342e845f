"""Who did what: one row each, never changed.

Decisions about incidents, by people and by the machine, are the incidents' own history (`rows`). What was
done to accounts, tokens, permitted burns and deliveries, and who signed in, is noted here in the transaction
that does it (`note`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerting.journal import By
from alerting.reading import history_row
from alerting.records import HistoryRow
from alerting.store import Store
from alerting.tables import AuditRow, HistoryTableRow, IncidentRow

_PAGE = 500


def rows(store: Store, since: datetime, until: datetime) -> Iterator[tuple[int, HistoryRow]]:
    """Number of the incident and what was done, oldest first, from `since` up to `until`, by pages."""
    after = 0
    while True:
        query = (
            select(IncidentRow.number, HistoryTableRow)
            .join(IncidentRow, IncidentRow.incident_id == HistoryTableRow.incident_id)
            .where(
                HistoryTableRow.history_id > after, HistoryTableRow.at >= since, HistoryTableRow.at < until
            )
            .order_by(HistoryTableRow.history_id)
            .limit(_PAGE)
        )
        with store.reading() as session:
            page = [(number, history_row(row)) for number, row in session.execute(query)]
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1][1].history_id


@dataclass(frozen=True)
class AuditEntry:
    """`subject` is the user, token, burn or delivery it was done to; `source` from where."""

    audit_id: int
    at: datetime
    who: str
    source: str
    action: str
    subject: str
    detail: dict[str, Any] | None


def note(session: Session, by: By, action: str, subject: object, now: datetime, **detail: Any) -> None:
    """Written with the change itself, or not at all."""
    session.add(
        AuditRow(
            at=now,
            who=by.who,
            source=by.source,
            action=action,
            subject=str(subject)[:128],
            detail=detail or None,
        )
    )


def entries(store: Store, since: datetime, until: datetime) -> Iterator[AuditEntry]:
    """Oldest first, from `since` up to `until`, by pages."""
    after = 0
    while True:
        query = (
            select(AuditRow)
            .where(AuditRow.audit_id > after, AuditRow.at >= since, AuditRow.at < until)
            .order_by(AuditRow.audit_id)
            .limit(_PAGE)
        )
        with store.reading() as session:
            page = [
                AuditEntry(row.audit_id, row.at, row.who, row.source, row.action, row.subject, row.detail)
                for row in session.scalars(query)
            ]
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].audit_id
