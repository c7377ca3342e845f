"""One change of an incident, written down: its history row, the event pages follow, and the alert it causes.

Called inside the transaction that makes the change. The history is the incident's memory of who did what,
when, why and from where; nothing here decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from alerting.lifecycle import State
from alerting.publishing import publish
from alerting.store import add_event
from alerting.tables import HistoryTableRow, IncidentRow


@dataclass(frozen=True)
class By:
    """Who does it, and from where (the address of a browser, a token, a process of the centre)."""

    who: str
    source: str = ""


MACHINE = By("machine")
"""Who raises incidents and keeps the clocks, in the history."""


@dataclass(frozen=True)
class Undo:
    """What a history row needs for being taken back, and what it takes back itself."""

    undoes: int | None = None
    detail: dict[str, Any] | None = None


def write(
    session: Session,
    row: IncidentRow,
    before: State | None,
    *,
    by: By,
    action: str,
    why: str,
    now: datetime,
    news: bool = False,
    tell: Sequence[str] = (),
    cancel: bool = False,
    undo: Undo = Undo(),
    picture_jpeg: bytes | None = None,
) -> str | None:
    """Note that `action` led from `before` (None: it is new) to what `row` says now.

    `news`: whoever saw the incident before must look again before deciding. With `tell`, receivers get an
    alert with these changes; its id is returned.
    """
    row.version += news
    row.updated_at = now
    session.add(
        HistoryTableRow(
            incident_id=row.incident_id,
            at=now,
            who=by.who,
            source=by.source,
            action=str(action),
            why=why,
            status_before=before.status.value if before is not None else None,
            status_after=row.status,
            verdict=row.verdict,
            cause=row.cause,
            undoes=undo.undoes,
            detail=undo.detail,
        )
    )
    data = {
        "action": str(action),
        "status": row.status,
        "stage": row.stage,
        "version": row.version,
        "who": by.who,
    }
    add_event(session, now, "incident", incident_id=row.incident_id, data=data)
    if not tell:
        return None
    return publish(session, row.incident_id, changes=tell, now=now, cancel=cancel, picture_jpeg=picture_jpeg)


def put_state(row: IncidentRow, state: State) -> None:
    """The inverse of `reading.state_of`."""
    row.status, row.stage = state.status.value, state.stage.value
    row.verdict = state.verdict.value if state.verdict is not None else None
    row.cause = state.cause.value if state.cause is not None else None
