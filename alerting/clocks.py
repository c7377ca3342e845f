"""The clocks of incidents as rows: set by every change (`settle`), and what happens when one has run out
(`ring`).

They lie in the store, so a restart forgets none. Called inside the transaction of the change. Who watches
them is `alerting.keeper`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerting import calling, journal, policy
from alerting.journal import MACHINE
from alerting.lifecycle import MachineAct, Stage, Status
from alerting.policy import Clock, Rules, Situation
from alerting.reading import state_of
from alerting.records import Level
from alerting.tables import ClockRow, IncidentRow, PermittedBurnRow

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Running:
    """What somebody has to do, and until when."""

    kind: Clock
    set_at: datetime
    due_at: datetime


def running(session: Session, incident_id: str) -> Running | None:
    """The clock of an incident, for those who look at it."""
    row = session.scalars(select(ClockRow).filter_by(incident_id=incident_id)).first()
    return Running(Clock(row.kind), row.set_at, row.due_at) if row is not None else None


def settle(session: Session, row: IncidentRow, rules: Rules, now: datetime) -> None:
    """Let the clock run that the incident's situation wants, and no other. A clock that runs already is
    kept: news of a fire gives nobody more time. A drill has none: it calls nobody out of bed."""
    if row.exercise:
        return
    wanted = policy.wanted_clock(_situation(row))
    if wanted is Clock.ACCEPT and row.escalated_to is None:
        call_next(
            session, row, rules, now, "dispatched" if row.stage == Stage.DISPATCH else "nobody has judged it"
        )
        wanted = policy.wanted_clock(_situation(row))
    step = policy.LADDER.index(_called(row)) if wanted is Clock.ACCEPT else 0
    for clock in session.scalars(select(ClockRow).filter_by(incident_id=row.incident_id)).all():
        if (clock.kind, clock.step) == (wanted, step):
            return
        session.delete(clock)
    session.flush()
    if wanted is not None:
        due_at = _due_at(session, row, wanted, rules, now)
        session.add(
            ClockRow(incident_id=row.incident_id, kind=wanted.value, step=step, set_at=now, due_at=due_at)
        )


def ring(session: Session, clock: ClockRow, rules: Rules, now: datetime) -> None:
    """The time is up, nobody has acted."""
    row = session.scalars(select(IncidentRow).filter_by(incident_id=clock.incident_id)).one()
    kind = Clock(clock.kind)
    waited_s = round((clock.due_at - clock.set_at).total_seconds())
    session.delete(clock)
    session.flush()
    match kind:
        case Clock.ACCEPT:
            call_next(
                session, row, rules, now, f"the {row.escalated_to} has not accepted within {waited_s} s"
            )
        case Clock.BURN:
            raise_again(session, row, now, "the time of the permitted burn is over")
        case _:
            done = {
                Clock.ACKNOWLEDGE: "taken it in hand",
                Clock.JUDGE: "judged it",
                Clock.DISPATCH: "dispatched it",
            }
            _nobody_acted(session, row, rules, now, f"nobody has {done[kind]} within {waited_s} s")
    settle(session, row, rules, now)


def raise_again(session: Session, row: IncidentRow, now: datetime, why: str) -> None:
    """It is not taken for a permitted burn any longer."""
    before = state_of(row)
    row.permitted_burn_id = None
    journal.write(
        session,
        row,
        before,
        by=MACHINE,
        action=MachineAct.RAISE_AGAIN,
        why=why,
        now=now,
        news=True,
        tell=[f"raised again: {why}"],
    )


def call_next(session: Session, row: IncidentRow, rules: Rules, now: datetime, why: str) -> None:
    """Call the next level of the grid chain: a notice to its contacts, as far as gateways reach them;
    operators see it in the history and may have to telephone."""
    levels = _levels(row)
    level = policy.next_level(_called(row), levels)
    if level is None:
        log.error("nobody is left to call: incident=%s: %s", row.incident_id, why)
        return
    row.escalated_to = level
    log.warning("calling level=%s incident=%s: %s", level, row.incident_id, why)
    said = f"{level} called: {why}"
    journal.write(session, row, state_of(row), by=MACHINE, action=MachineAct.CALL, why=said, now=now)
    calling.call(
        session,
        row,
        level,
        key=f"call-{row.incident_id}-{level}-{now:%Y%m%dT%H%M%S}",
        why=why,
        now=now,
        gateways=rules.gateways,
        roster=rules.roster,
        trouble=rules.trouble,
    )


def _nobody_acted(session: Session, row: IncidentRow, rules: Rules, now: datetime, why: str) -> None:
    before = state_of(row)
    if rules.settings.after_deadline == "dispatch":
        row.stage = Stage.DISPATCH.value
        action, change = MachineAct.AUTO_DISPATCH, f"dispatched by itself: {why}"
    else:
        row.stage = Stage.NOTIFY.value
        action, change = MachineAct.ESCALATE, f"escalated: {why}"
    journal.write(session, row, before, by=MACHINE, action=action, why=why, now=now, tell=[change])
    if row.escalated_to is None:
        call_next(session, row, rules, now, why)


def _due_at(session: Session, row: IncidentRow, clock: Clock, rules: Rules, now: datetime) -> datetime:
    if clock is Clock.BURN:
        return session.get_one(PermittedBurnRow, row.permitted_burn_id).ends_at
    return now + timedelta(seconds=policy.allowed_s(clock, _called(row), rules.settings))


def _situation(row: IncidentRow) -> Situation:
    return Situation(
        status=Status(row.status),
        stage=Stage(row.stage),
        acknowledged=row.acknowledged_by is not None,
        accepted=row.accepted_by is not None,
        called=_called(row),
        levels=_levels(row),
        permitted_burn=row.permitted_burn_id is not None,
    )


def _called(row: IncidentRow) -> Level | None:
    return cast("Level | None", row.escalated_to)


def _levels(row: IncidentRow) -> tuple[Level, ...]:
    """Where no grid is known, the district is called."""
    return tuple(area["level"] for area in row.grid_chain) or ("district",)
