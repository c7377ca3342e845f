"""Everything that was decided about any incident, by people and by the machine: one row each, never changed.

Not in it: changes to accounts and tokens, which the store keeps as they are now only.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select

from alerting.reading import history_row
from alerting.records import HistoryRow
from alerting.store import Store
from alerting.tables import HistoryTableRow, IncidentRow

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
