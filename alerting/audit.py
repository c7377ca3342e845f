"""Who did what: one row each, never changed.

Decisions about incidents, by people and by the machine, are the incidents' own history (`rows`). What was
done to accounts, tokens, permitted burns, masks, cameras, rosters, receivers and deliveries, and who signed
in, is noted here in the transaction that does it (`note`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from alerting.journal import By
from alerting.reading import history_row
from alerting.records import HistoryRow
from alerting.store import Store
from alerting.tables import AuditRow, HistoryTableRow, IncidentRow

_PAGE = 500
_Made = TypeVar("_Made")


def rows(store: Store, since: datetime, until: datetime) -> Iterator[tuple[int, HistoryRow]]:
    """Number of the incident and what was done, oldest first, from `since` up to `until`."""
    query = (
        select(IncidentRow.number, HistoryTableRow)
        .join(IncidentRow, IncidentRow.incident_id == HistoryTableRow.incident_id)
        .where(HistoryTableRow.at >= since, HistoryTableRow.at < until)
    )
    number = HistoryTableRow.history_id
    return _by_pages(store, query, number, lambda found: (found[0], history_row(found[1])))


@dataclass(frozen=True)
class AuditEntry:
    """`subject` is the user, token, burn, mask or delivery it was done to; `source` from where."""

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
    """Oldest first, from `since` up to `until`."""
    query = select(AuditRow).where(AuditRow.at >= since, AuditRow.at < until)
    return _by_pages(store, query, AuditRow.audit_id, lambda found: _entry(found[0]))


def _entry(row: AuditRow) -> AuditEntry:
    return AuditEntry(row.audit_id, row.at, row.who, row.source, row.action, row.subject, row.detail)


def _by_pages(
    store: Store, query: Any, number: InstrumentedAttribute[int], made: Callable[[Any], _Made]
) -> Iterator[_Made]:
    """What is made of the rows of `query`, in the order of `number`; no transaction is open between pages."""
    after = 0
    while True:
        with store.reading() as session:
            found = session.execute(
                query.add_columns(number).where(number > after).order_by(number).limit(_PAGE)
            ).all()
            page = [made(one) for one in found]
        yield from page
        if len(page) < _PAGE:
            return
        after = found[-1][-1]
