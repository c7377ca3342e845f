"""What people decide about incidents: each decision is one transaction of status, history, event and alert.

Two people may act on one incident at once. Each says which `version` of it they saw; the first wins, the
second gets a ConflictError that says what happened meanwhile.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from alerting import lifecycle
from alerting.lifecycle import Action, Decision, LifecycleError, State, Status
from alerting.publishing import publish
from alerting.records import HistoryRow, IncidentDetail
from alerting.store import ConflictError, NotFoundError, Store, add_event, find_incident, read_incident
from alerting.tables import HistoryTableRow, IncidentRow

UNDO = "undo"
_DECISIONS = frozenset(str(action) for action in Action)


def decide(store: Store, incident_id: str, decision: Decision, *, who: str, version: int) -> IncidentDetail:
    """Apply `decision` of the user `who`, who saw the incident at `version`; returns it as it now stands.

    Raises LifecycleError when the decision is not possible, ConflictError when somebody was faster,
    NotFoundError for an unknown incident.
    """
    now = store.clock()
    with store.writing() as session:
        row = _find_unchanged(session, incident_id, version)
        before = State(Status(row.status), _verdict(row), _cause(row))
        after = lifecycle.decide(before, decision)
        _apply(session, row, after, action=str(decision.action), who=who, why=decision.why, now=now)
        return read_incident(session, incident_id)


def undo(
    store: Store, incident_id: str, history_id: int, *, who: str, version: int, why: str = ""
) -> IncidentDetail:
    """Return to the state before the decision `history_id`, which must be the latest one.

    Nothing is deleted: the undo is a history row of its own and receivers are told.
    """
    now = store.clock()
    with store.writing() as session:
        row = _find_unchanged(session, incident_id, version)
        history = read_incident(session, incident_id).history
        state = _state_before(history, history_id)
        _apply(session, row, state, action=UNDO, who=who, why=why, now=now, undoes=history_id)
        return read_incident(session, incident_id)


def undoable(history: tuple[HistoryRow, ...]) -> HistoryRow | None:
    """The decision that `undo` would take back now, if there is one."""
    for row in reversed(history):
        if row.action in _DECISIONS:
            return row
        if row.action == UNDO:
            return None
    return None


def _state_before(history: tuple[HistoryRow, ...], history_id: int) -> State:
    ids = [row.history_id for row in history]
    if history_id not in ids:
        raise NotFoundError(f"this incident has no history row {history_id}")
    latest = undoable(history)
    if latest is None or latest.history_id != history_id:
        raise LifecycleError("only the latest decision can be undone, and only once")
    before = history[ids.index(history_id) - 1]
    return State(before.status_after, before.verdict, before.cause)


def _apply(
    session: Session,
    row: IncidentRow,
    after: State,
    *,
    action: str,
    who: str,
    why: str,
    now: datetime,
    undoes: int | None = None,
) -> None:
    before = row.status
    row.status, row.verdict, row.cause = after.status.value, _text(after.verdict), _text(after.cause)
    row.version += 1
    row.updated_at = now
    session.add(
        HistoryTableRow(
            incident_id=row.incident_id,
            at=now,
            who=who,
            action=action,
            why=why,
            status_before=before,
            status_after=row.status,
            verdict=row.verdict,
            cause=row.cause,
            undoes=undoes,
        )
    )
    data = {"action": action, "status": row.status, "version": row.version, "who": who}
    add_event(session, now, "incident", incident_id=row.incident_id, data=data)
    publish(
        session,
        row.incident_id,
        changes=[f"status {before} -> {row.status}" + (f": {why}" if why else "")],
        now=now,
        cancel=after.status is Status.DISMISSED,
    )


def _find_unchanged(session: Session, incident_id: str, version: int) -> IncidentRow:
    row = find_incident(session, incident_id)
    if row.version != version:
        last = read_incident(session, incident_id).history[-1]
        raise ConflictError(
            f"incident {row.number} has changed since you saw it: {last.who} did '{last.action}' at"
            f" {last.at.isoformat(timespec='seconds')}, it is {row.status} now; look again and decide again"
        )
    return row


def _verdict(row: IncidentRow) -> lifecycle.Verdict | None:
    return lifecycle.Verdict(row.verdict) if row.verdict else None


def _cause(row: IncidentRow) -> lifecycle.Cause | None:
    return lifecycle.Cause(row.cause) if row.cause else None


def _text(value: lifecycle.Verdict | lifecycle.Cause | None) -> str | None:
    return value.value if value is not None else None
