"""A drill: an exercise sighting through the whole chain, each step timed.

It goes the way of a real one (location, grids, store, outbox, every receiver and person who hears of
incidents), marked everywhere: `exercise` in our messages, status Exercise in CAP, 演练 in every headline. It
joins no real incident, is counted nowhere, teaches nothing and calls no grid staff. When everybody has
acknowledged, or patience is at its end, it is closed and receivers get a Cancel.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

import config
from alerting import journal
from alerting.intake import Evidence, Intake
from alerting.journal import MACHINE
from alerting.lifecycle import OPEN, MachineAct, Status
from alerting.reading import state_of
from alerting.records import DeliveryRecord
from alerting.store import Store, find_incident
from alerting.tables import IncidentRow
from detector.detection import Box, Detection, Sighting

PATIENCE_S = 60.0
POLL_S = 0.2
LEFT_BEHIND = timedelta(hours=1)


@dataclass(frozen=True)
class Step:
    """One step of a drill; `took_s` since the step before it began, None when it did not happen."""

    name: str
    took_s: float | None
    problem: str = ""


@dataclass(frozen=True)
class DrillReport:
    """How a drill went."""

    incident_id: str
    steps: tuple[Step, ...]

    @property
    def passed(self) -> bool:
        return not any(step.problem for step in self.steps)


def exercise_sighting(
    camera: config.Camera, at: datetime, width_px: int, height_px: int, sighting_id: str
) -> Sighting:
    """A plume that stands a little below the middle of the picture, where the ground usually is."""
    size = height_px / 12
    x, y = width_px / 2, height_px * 0.6
    box = Box(x - size / 2, y - size, x + size / 2, y)
    return Sighting(
        sighting_id=sighting_id,
        camera_id=camera.id,
        preset=None,
        label="smoke",
        confidence=0.5,
        first_seen_at=at,
        confirmed_at=at,
        box=box,
        width_px=width_px,
        height_px=height_px,
        history=((at, Detection("smoke", 0.5, box)),),
        model_id="exercise",
        profile="exercise",
        reason="exercise 演练",
    )


def run(
    store: Store,
    intake: Intake,
    camera: config.Camera,
    sighting: Sighting,
    evidence: Evidence,
    *,
    before: tuple[Step, ...] = (),
    patience_s: float = PATIENCE_S,
    wait: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> DrillReport:
    """Send the exercise through the chain and wait until everybody has acknowledged it. Needs a running
    sender."""
    close_what_was_left_behind(store)
    steps = list(before)
    began_s = monotonic()
    ref = intake.accept(sighting, evidence, camera, exercise=True)
    steps.append(Step("recorded", round(monotonic() - began_s, 3)))
    steps += _deliveries(store, ref.incident_id, "alert", 1, patience_s, wait, monotonic)
    close(store, ref.incident_id, "the exercise is over")
    steps += _deliveries(store, ref.incident_id, "cancel", 2, patience_s, wait, monotonic)
    return DrillReport(ref.incident_id, tuple(steps))


def close(store: Store, incident_id: str, why: str) -> None:
    """End an exercise; receivers get a Cancel. Ending it twice does nothing."""
    now = store.clock()
    with store.writing() as session:
        row = find_incident(session, incident_id)
        if not row.exercise or Status(row.status) not in OPEN:
            return
        before = state_of(row)
        row.status = Status.CLOSED.value
        journal.write(
            session,
            row,
            before,
            by=MACHINE,
            action=MachineAct.END_DRILL,
            why=why,
            now=now,
            news=True,
            tell=[why],
            cancel=True,
        )


def close_what_was_left_behind(store: Store) -> None:
    """Exercises whose drill was killed before it could end them."""
    with store.reading() as session:
        left = session.scalars(
            select(IncidentRow.incident_id).where(
                IncidentRow.exercise.is_(True),
                IncidentRow.status.in_([status.value for status in OPEN]),
                IncidentRow.raised_at < store.clock() - LEFT_BEHIND,
            )
        ).all()
    for incident_id in left:
        close(store, incident_id, "the exercise was cut short")


def _deliveries(
    store: Store,
    incident_id: str,
    what: str,
    sequence: int,
    patience_s: float,
    wait: Callable[[float], None],
    monotonic: Callable[[], float],
) -> list[Step]:
    """One step for each receiver of that message, once all are done or patience is at its end."""
    deadline_s = monotonic() + patience_s
    while True:
        deliveries = [one for one in store.incident(incident_id).deliveries if one.sequence == sequence]
        if all(one.state != "pending" for one in deliveries) or monotonic() >= deadline_s:
            break
        wait(POLL_S)
    if not deliveries:
        return [Step(f"{what}: nobody is told", None, "no target and no person hears of incidents")]
    return [_step(what, one, patience_s) for one in deliveries]


def _step(what: str, delivery: DeliveryRecord, patience_s: float) -> Step:
    name = f"{what}: {delivery.target_id}"
    if delivery.state == "delivered" and delivery.acknowledged_at is not None:
        return Step(name, round((delivery.acknowledged_at - delivery.created_at).total_seconds(), 3))
    waiting = f"not acknowledged within {patience_s:g} s"
    if delivery.attempts == 0 and delivery.state == "pending":
        waiting += "; no attempt was made: does the sender run?"
    return Step(name, None, delivery.last_error or waiting)
