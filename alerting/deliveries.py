"""What becomes of a delivery, written down: its end, its revival, and the event that tells the pages."""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerting import audit
from alerting.journal import MACHINE, By
from alerting.store import NotFoundError, Store, add_event
from alerting.tables import DeliveryRow

log = logging.getLogger(__name__)


def redeliver(store: Store, delivery_id: int, *, by: By = MACHINE) -> None:
    """Try a dead delivery again, now, from the first pause on. Raises NotFoundError unless it is dead."""
    now = store.clock()
    with store.writing() as session:
        row = session.get(DeliveryRow, delivery_id)
        if row is None or row.state != "dead":
            raise NotFoundError(f"no dead delivery {delivery_id}")
        _revive(session, row, now)
        audit.note(session, by, "delivered again", delivery_id, now, target=row.target_id)


def redeliver_all(store: Store, target_id: str) -> int:
    """As `redeliver`, for everything a target has refused; returns how many."""
    now = store.clock()
    with store.writing() as session:
        rows = session.scalars(select(DeliveryRow).filter_by(target_id=target_id, state="dead")).all()
        for row in rows:
            _revive(session, row, now)
        return len(rows)


def open_counts(store: Store) -> dict[tuple[str, str], int]:
    """How many messages wait for each target (`pending`), and how many it has refused (`dead`)."""
    query = select(DeliveryRow.target_id, DeliveryRow.state, func.count())
    query = query.where(DeliveryRow.state.in_(("pending", "dead")))
    with store.reading() as session:
        rows = session.execute(query.group_by(DeliveryRow.target_id, DeliveryRow.state))
        return {(target_id, state): count for target_id, state, count in rows}


def end_delivery(session: Session, row: DeliveryRow, state: str, error: str | None, now: datetime) -> None:
    """Write down how a delivery ended."""
    row.state, row.last_error = state, error
    row.leased_by = row.leased_until = None
    log.log(
        logging.ERROR if state == "dead" else logging.INFO,
        "delivery %s: key=%s target=%s attempts=%d%s",
        state,
        row.alert_id or row.notice_id,
        row.target_id,
        row.attempts,
        f": {error}" if error else "",
    )
    add_delivery_event(session, row, now)


def _revive(session: Session, row: DeliveryRow, now: datetime) -> None:
    row.state, row.attempts, row.next_attempt_at = "pending", 0, now
    add_delivery_event(session, row, now)


def add_delivery_event(session: Session, row: DeliveryRow, now: datetime) -> None:
    data = {
        "delivery_id": row.delivery_id,
        "alert_id": row.alert_id,
        "notice_id": row.notice_id,
        "target_id": row.target_id,
        "state": row.state,
        "attempts": row.attempts,
        "last_error": row.last_error,
    }
    add_event(session, now, "delivery", incident_id=row.incident_id, data=data)
