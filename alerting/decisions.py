"""What people decide about incidents: each decision is one transaction of status, history, event, alert,
clock.

Two people may act on one incident at once. Each says which `version` of it they saw; the first wins, the
second gets a ConflictError that says what happened meanwhile. Steps (acknowledge, assign, accept, found)
change no status and need no version: they do not contradict what happened meanwhile.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerting import clocks, journal, lifecycle, policy
from alerting.journal import By, Undo
from alerting.lifecycle import ENDED, Action, Decision, LifecycleError, Stage, State, Status, Step
from alerting.policy import Rules
from alerting.reading import state_of
from alerting.records import HistoryRow, IncidentDetail
from alerting.store import ConflictError, NotFoundError, Store, find_incident, read_incident
from alerting.tables import HistoryTableRow, IncidentRow, SightingRow, VerdictDayRow

UNDO = "undo"
MERGE, SPLIT = "merge", "split"
"""Decisions that `alerting.regroup` carries out, and takes back."""

_DECISIONS = frozenset([*(str(action) for action in Action), MERGE, SPLIT])
_RETRACTABLE = frozenset({str(Step.ACKNOWLEDGE), str(Step.ASSIGN)})
_VERDICTS = frozenset({Action.CONFIRM, Action.DISMISS})


def decide(
    store: Store,
    incident_id: str,
    decision: Decision,
    *,
    who: str,
    version: int | None,
    source: str = "",
    rules: Rules = policy.DEFAULT,
) -> IncidentDetail:
    """Apply `decision` of the user `who`, who saw the incident at `version`; returns it as it now stands.

    Without a version the decision counts whatever happened meanwhile (a crew reports that it has arrived).
    Raises LifecycleError when the decision is not possible, ConflictError when somebody was faster,
    NotFoundError for an unknown incident.
    """
    now = store.clock()
    with store.writing() as session:
        row = find_unchanged(session, incident_id, version)
        if row.merged_into is not None:
            raise LifecycleError(f"this incident was merged into {row.merged_into}; undo that first")
        before = state_of(row)
        after = lifecycle.decide(before, decision)
        if decision.action is Action.REOPEN:
            _begin_anew(row)
        if decision.action in _VERDICTS:
            if not row.exercise:
                _note_verdict(session, incident_id, now)
            row.permitted_burn_id = None
        _apply(session, row, before, after, str(decision.action), By(who, source), decision.why, now)
        clocks.settle(session, row, rules, now)
        return read_incident(session, incident_id)


def take_step(
    store: Store,
    incident_id: str,
    step: Step,
    *,
    who: str,
    source: str = "",
    to: str = "",
    why: str = "",
    rules: Rules = policy.DEFAULT,
) -> IncidentDetail:
    """Acknowledge, assign (`to` whom), accept, or say (`why`) what was found. The same twice changes nothing.

    Raises LifecycleError for an incident that has ended, NotFoundError for an unknown one.
    """
    now = store.clock()
    with store.writing() as session:
        row = find_incident(session, incident_id)
        if Status(row.status) in ENDED:
            raise LifecycleError(f"'{step}' is not possible: the incident is {row.status}")
        if step is Step.ASSIGN and not to.strip():
            raise LifecycleError("assigning needs a name: to whom?")
        if step is Step.FOUND and not why.strip():
            raise LifecycleError("say in words what was found")
        tell: list[str] = []
        before = {"assigned_before": row.assigned_to} if step is Step.ASSIGN else None
        match step:
            case Step.ACKNOWLEDGE if row.acknowledged_by is None:
                row.acknowledged_by, row.acknowledged_at = who, now
            case Step.ASSIGN if row.assigned_to != to:
                row.assigned_to = to
            case Step.ACCEPT if row.accepted_by is None:
                row.accepted_by, row.accepted_at = who, now
                row.stage = Stage.DISPATCH.value  # whoever asked them: they go
                tell = [f"accepted by {who}"]
            case Step.FOUND if not _said_already(session, incident_id, who, why):
                tell = [f"found: {why}"]
            case _:
                return read_incident(session, incident_id)
        said = "; ".join(part for part in (f"to {to}" if step is Step.ASSIGN else "", why) if part)
        by, undo = By(who, source), Undo(detail=before)
        action = str(step)
        journal.write(
            session, row, state_of(row), by=by, action=action, why=said, now=now, tell=tell, undo=undo
        )
        clocks.settle(session, row, rules, now)
        return read_incident(session, incident_id)


def _said_already(session: Session, incident_id: str, who: str, why: str) -> bool:
    """Whether the last finding is this one: sent again, because its answer got lost on the way."""
    rows = select(HistoryTableRow).filter_by(incident_id=incident_id, action=str(Step.FOUND))
    last = session.scalars(rows.order_by(HistoryTableRow.history_id.desc()).limit(1)).first()
    return last is not None and (last.who, last.why) == (who, why)


def take_back(
    store: Store,
    incident_id: str,
    history_id: int,
    *,
    who: str,
    why: str = "",
    source: str = "",
    rules: Rules = policy.DEFAULT,
) -> IncidentDetail:
    """Return to before somebody acknowledged or assigned, as if they had not: the clock starts anew.

    Raises LifecycleError when a person has done something since, NotFoundError for what is unknown.
    """
    now = store.clock()
    with store.writing() as session:
        row = find_incident(session, incident_id)
        step = retractable(read_incident(session, incident_id).history)
        if step is None or step.history_id != history_id or Status(row.status) in ENDED:
            raise LifecycleError("this can be taken back only until somebody does something else")
        if step.action == Step.ACKNOWLEDGE:
            row.acknowledged_by = row.acknowledged_at = None
        else:
            detail = session.get_one(HistoryTableRow, history_id).detail or {}
            row.assigned_to = detail.get("assigned_before")
        by, undone = By(who, source), Undo(history_id)
        journal.write(session, row, state_of(row), by=by, action=UNDO, why=why, now=now, undo=undone)
        clocks.settle(session, row, rules, now)
        return read_incident(session, incident_id)


def undo(
    store: Store,
    incident_id: str,
    history_id: int,
    *,
    who: str,
    version: int,
    why: str = "",
    source: str = "",
    rules: Rules = policy.DEFAULT,
) -> IncidentDetail:
    """Return to the state before the decision `history_id`, which must be the latest one.

    Nothing is deleted: the undo is a history row of its own and receivers are told.
    """
    now = store.clock()
    with store.writing() as session:
        row = find_unchanged(session, incident_id, version)
        history = read_incident(session, incident_id).history
        state = _state_before(session, history, history_id)
        if not state.stage.includes(Stage.DISPATCH):
            row.escalated_to = None  # nobody has to go after all
        _apply(session, row, state_of(row), state, UNDO, By(who, source), why, now, undoes=history_id)
        clocks.settle(session, row, rules, now)
        return read_incident(session, incident_id)


def undoable(history: tuple[HistoryRow, ...]) -> HistoryRow | None:
    """The decision that `undo` would take back now, if there is one."""
    steps = {row.history_id for row in history if row.action in _RETRACTABLE}
    for row in reversed(history):
        if row.action in _DECISIONS:
            return row
        if row.action == UNDO and row.undoes not in steps:
            return None
    return None


def retractable(history: tuple[HistoryRow, ...]) -> HistoryRow | None:
    """The step that `take_back` would take back now: the last thing that a person did, if it is one."""
    by_people = [row for row in history if row.who != journal.MACHINE.who]
    return by_people[-1] if by_people and by_people[-1].action in _RETRACTABLE else None


def find_unchanged(session: Session, incident_id: str, version: int | None) -> IncidentRow:
    """The incident, if it still is as somebody saw it at `version`. Raises ConflictError, NotFoundError."""
    row = find_incident(session, incident_id)
    if version is not None and row.version != version:
        last = read_incident(session, incident_id).history[-1]
        raise ConflictError(
            f"incident {row.number} has changed since you saw it: {last.who} did '{last.action}' at"
            f" {last.at.isoformat(timespec='seconds')}, it is {row.status} now; look again and decide again"
        )
    return row


def _state_before(session: Session, history: tuple[HistoryRow, ...], history_id: int) -> State:
    ids = [row.history_id for row in history]
    if history_id not in ids:
        raise NotFoundError(f"this incident has no history row {history_id}")
    latest = undoable(history)
    if latest is None or latest.history_id != history_id or latest.action in (MERGE, SPLIT):
        raise LifecycleError("only the latest decision can be undone, and only once")
    before = history[ids.index(history_id) - 1]
    detail = session.get_one(HistoryTableRow, history_id).detail or {}
    stage = Stage(detail.get("stage_before", Stage.NOTIFY))
    return State(before.status_after, before.verdict, before.cause, stage)


def _begin_anew(row: IncidentRow) -> None:
    row.acknowledged_by = row.acknowledged_at = row.accepted_by = row.accepted_at = None
    row.assigned_to = row.escalated_to = None


def _note_verdict(session: Session, incident_id: str, now: datetime) -> None:
    """Remember that people judge what this model raises (see `policy.stage_of`)."""
    models = session.scalars(select(SightingRow.model_id).filter_by(incident_id=incident_id).distinct())
    for model_id in models.all():
        session.merge(VerdictDayRow(model_id=model_id, day=now.astimezone(UTC).date()))


def _apply(
    session: Session,
    row: IncidentRow,
    before: State,
    after: State,
    action: str,
    by: By,
    why: str,
    now: datetime,
    *,
    undoes: int | None = None,
) -> None:
    journal.put_state(row, after)
    journal.write(
        session,
        row,
        before,
        by=by,
        action=action,
        why=why,
        now=now,
        tell=[f"status {before.status} -> {row.status}" + (f": {why}" if why else "")],
        news=True,
        cancel=after.status is Status.DISMISSED,
        undo=Undo(undoes, {"stage_before": before.stage.value}),
    )
