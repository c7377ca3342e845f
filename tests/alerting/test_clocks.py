"""What happens when nobody acts in time: who is called, in which order, whatever restarts or clocks do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alerting_samples import BOWL, NORTH, PICTURES, WEST, intake_into, sighting_of
from sqlalchemy import select

from alerting import decisions
from alerting.keeper import ClockKeeper
from alerting.lifecycle import Action, Cause, Decision, Stage, Status, Step, Verdict
from alerting.policy import Rules
from alerting.store import Store, find_incident
from alerting.tables import ClockRow, HistoryTableRow
from config import ResponseSettings

FIRE = BOWL.at(23.105, 116.395)
CLOUD = Decision(Action.DISMISS, Verdict.FALSE_ALARM, Cause.CLOUD)
CHAIN = [
    {"level": level, "code": f"{level}-1", "name": level, "contacts": []}
    for level in ("grid", "village", "town", "district")
]


@dataclass
class Time:
    """The wall and the monotonic clock of a centre, to be moved by hand."""

    wall: datetime
    monotonic_s: float = 1000.0

    def passes(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.monotonic_s += seconds


@pytest.fixture
def time(noon: datetime) -> Time:
    return Time(noon)


@pytest.fixture
def store(database_url: str, time: Time) -> Iterator[Store]:
    opened = Store.open(database_url, clock=lambda: time.wall)
    yield opened
    opened.close()


@dataclass
class Centre:
    store: Store
    time: Time
    rules: Rules
    folder: Path

    def raise_incident(self, *, with_chain: bool = True, targets: tuple[str, ...] = ("dispatch",)) -> str:
        intake = intake_into(self.store, self.folder, targets=targets, rules=self.rules)
        incident_id = intake.accept(sighting_of(FIRE, NORTH, self.time.wall), PICTURES, NORTH).incident_id
        if with_chain:
            self.give_chain(incident_id)
        return incident_id

    def give_chain(self, incident_id: str) -> None:
        with self.store.writing() as session:
            find_incident(session, incident_id).grid_chain = CHAIN

    def keeper(self) -> ClockKeeper:
        """A keeper that has just started."""
        return ClockKeeper(self.store, self.rules, monotonic=lambda: self.time.monotonic_s)

    def running(self) -> list[tuple[str, int]]:
        """The clocks that run, with the seconds they were given."""
        with self.store.reading() as session:
            return [
                (row.kind, round((row.due_at - row.set_at).total_seconds()))
                for row in session.scalars(select(ClockRow))
            ]

    def called(self) -> list[str]:
        with self.store.reading() as session:
            query = select(HistoryTableRow.why).filter_by(action="call").order_by(HistoryTableRow.history_id)
            return [why.partition(" called")[0] for why in session.scalars(query)]


MakeCentre = Callable[..., Centre]


@pytest.fixture
def centre(store: Store, time: Time, tmp_path: Path) -> MakeCentre:
    def make(**settings: object) -> Centre:
        return Centre(store, time, Rules(ResponseSettings.model_validate(settings)), tmp_path / "evidence")

    return make


def test_an_incident_nobody_takes_in_hand_is_escalated_level_by_level_and_then_no_further(
    centre: MakeCentre,
) -> None:
    here = centre()
    incident_id = here.raise_incident()
    keeper = here.keeper()
    expected = [
        ("acknowledge", 60, []),
        ("accept", 120, ["grid"]),
        ("accept", 180, ["grid", "village"]),
        ("accept", 300, ["grid", "village", "town"]),
    ]
    for kind, seconds, called in expected:
        assert here.running() == [(kind, seconds)]
        assert here.called() == called
        here.time.passes(seconds - 1)
        assert keeper.ring_due() == 0
        here.time.passes(1)
        assert keeper.ring_due() == 1
    assert here.running() == []
    assert here.called()[-1] == "district"
    actions = [row.action for row in here.store.incident(incident_id).history]
    assert actions == ["raise", "escalate", "call", "call", "call", "call"]
    assert here.store.incident(incident_id).summary.status is Status.SUSPECTED


def test_taking_in_hand_judging_and_dispatching_each_have_their_time(centre: MakeCentre) -> None:
    here = centre()
    incident_id = here.raise_incident()
    decisions.take_step(here.store, incident_id, Step.ACKNOWLEDGE, who="li")
    assert here.running() == [("judge", 300)]
    detail = here.store.incident(incident_id)
    assert detail.summary.response.acknowledged_by == "li"
    version = detail.summary.version
    decisions.decide(here.store, incident_id, Decision(Action.CONFIRM), who="li", version=version)
    assert here.running() == [("dispatch", 300)]
    decisions.decide(here.store, incident_id, Decision(Action.DISPATCH), who="li", version=version + 1)
    assert here.running() == [("accept", 120)]
    assert here.called() == ["grid"]
    decisions.take_step(here.store, incident_id, Step.ACCEPT, who="ranger chen", source="token 7")
    assert here.running() == []
    last = here.store.incident(incident_id).history[-1]
    assert (last.who, last.source, last.action) == ("ranger chen", "token 7", "accept")


@pytest.mark.parametrize("decision", [CLOUD, Decision(Action.DISMISS, Verdict.PERMITTED_BURN)])
def test_a_dismissal_stops_the_clock_and_reopening_starts_it_anew(
    centre: MakeCentre, decision: Decision
) -> None:
    here = centre()
    incident_id = here.raise_incident()
    decisions.decide(here.store, incident_id, decision, who="li", version=1)
    assert here.running() == []
    here.time.passes(3600)
    reopen = Decision(Action.REOPEN, why="smoke again")
    decisions.decide(here.store, incident_id, reopen, who="wang", version=2)
    assert here.running() == [("acknowledge", 60)]


def test_undoing_a_dispatch_calls_nobody_else(centre: MakeCentre) -> None:
    here = centre()
    incident_id = here.raise_incident()
    decisions.decide(here.store, incident_id, Decision(Action.CONFIRM), who="li", version=1)
    sent = decisions.decide(here.store, incident_id, Decision(Action.DISPATCH), who="li", version=2)
    latest = decisions.undoable(sent.history)
    assert latest is not None
    version = sent.summary.version
    undone = decisions.undo(here.store, incident_id, latest.history_id, who="li", version=version)
    assert undone.summary.response.stage is Stage.NOTIFY
    assert here.running() == [("dispatch", 300)]


def test_clocks_survive_a_restart_and_ring_late_rather_than_never(
    centre: MakeCentre, database_url: str
) -> None:
    here = centre()
    here.raise_incident()
    here.store.close()
    here.time.passes(7200)
    here.store = Store.open(database_url, clock=lambda: here.time.wall)
    assert here.keeper().ring_due() == 1
    assert here.called() == ["grid"]


@pytest.mark.parametrize("restarted", [False, True])
def test_a_wall_clock_set_back_an_hour_makes_nobody_wait_an_hour(centre: MakeCentre, restarted: bool) -> None:
    here = centre()
    here.raise_incident()
    keeper = here.keeper()
    assert keeper.ring_due() == 0
    here.time.wall -= timedelta(hours=1)
    if restarted:
        keeper = here.keeper()
        assert keeper.ring_due() == 0
    here.time.passes(60)
    assert keeper.ring_due() == 1
    assert here.called() == ["grid"]


def test_two_keepers_call_once(centre: MakeCentre) -> None:
    here = centre()
    here.raise_incident()
    keepers = [here.keeper(), here.keeper()]
    here.time.passes(60)
    assert [keeper.ring_due() for keeper in keepers] == [1, 0]
    assert here.called() == ["grid"]


def test_news_of_the_fire_gives_nobody_more_time(centre: MakeCentre) -> None:
    here = centre()
    here.raise_incident()
    here.time.passes(50)
    again = sighting_of(FIRE, NORTH, here.time.wall, label="fire")
    intake_into(here.store, here.folder).accept(again, PICTURES, NORTH)
    here.time.passes(10)
    assert here.keeper().ring_due() == 1


def test_where_no_grid_is_known_the_district_is_called(centre: MakeCentre) -> None:
    here = centre()
    here.raise_incident(with_chain=False)
    here.time.passes(60)
    here.keeper().ring_due()
    assert here.called() == ["district"]
    assert here.running() == []


def test_two_cameras_that_agree_are_dispatched_at_once_and_stay_before_the_operators(
    centre: MakeCentre,
) -> None:
    here = centre()
    incident_id = here.raise_incident()
    intake_into(here.store, here.folder).accept(sighting_of(FIRE, WEST, here.time.wall), PICTURES, WEST)
    summary = here.store.incident(incident_id).summary
    assert (summary.status, summary.response.stage) == (Status.SUSPECTED, Stage.DISPATCH)
    assert [row.action for row in here.store.incident(incident_id).history] == [
        "raise", "join", "auto_dispatch", "call",
    ]  # fmt: skip
    assert here.called() == ["district"]
    confirm = Decision(Action.CONFIRM)
    told = decisions.decide(here.store, incident_id, confirm, who="li", version=summary.version)
    assert told.summary.status is Status.DISPATCHED


def test_one_sure_camera_dispatches_only_after_enough_days_of_verdicts(centre: MakeCentre) -> None:
    here = centre()
    intake = intake_into(here.store, here.folder)
    stages = []
    for day in range(16):
        sure = sighting_of(FIRE, NORTH, here.time.wall, probability=0.95)
        summary = here.store.incident(intake.accept(sure, PICTURES, NORTH).incident_id).summary
        stages.append(summary.response.stage)
        who, version = f"operator {day}", summary.version
        decisions.decide(here.store, summary.incident_id, CLOUD, who=who, version=version)
        here.time.passes(86_400)
    assert stages == [Stage.NOTIFY] * 14 + [Stage.DISPATCH] * 2


def test_without_calibration_or_with_a_new_model_no_probability_dispatches(centre: MakeCentre) -> None:
    here = centre()
    intake = intake_into(here.store, here.folder)

    def stage_of(**seen: Any) -> Stage:
        sighting = replace(sighting_of(FIRE, NORTH, here.time.wall, confidence=0.99), **seen)
        summary = here.store.incident(intake.accept(sighting, PICTURES, NORTH).incident_id).summary
        decisions.decide(here.store, summary.incident_id, CLOUD, who="li", version=summary.version)
        here.time.passes(86_400)
        return summary.response.stage

    for _ in range(15):
        assert stage_of(probability=None) is Stage.NOTIFY
    assert stage_of(probability=None) is Stage.NOTIFY
    assert stage_of(probability=0.89) is Stage.NOTIFY
    assert stage_of(probability=0.95, model_id="the next model") is Stage.NOTIFY
    assert stage_of(probability=0.95) is Stage.DISPATCH


def test_operator_first_tells_nobody_outside_before_the_deadline(centre: MakeCentre) -> None:
    here = centre(policy="operator_first")
    incident_id = here.raise_incident()
    assert here.store.deliveries() == ()
    here.time.passes(60)
    here.keeper().ring_due()
    detail = here.store.incident(incident_id)
    assert [(one.target_id, one.sequence) for one in detail.deliveries] == [("dispatch", 2)]
    assert detail.alerts[-1].type == "Alert"  # the first that anybody hears of it
    assert here.called() == ["grid"]


def test_operator_first_may_dispatch_by_itself_after_the_deadline(centre: MakeCentre) -> None:
    here = centre(policy="operator_first", after_deadline="dispatch")
    incident_id = here.raise_incident()
    here.time.passes(60)
    here.keeper().ring_due()
    assert here.store.incident(incident_id).summary.response.stage is Stage.DISPATCH


def test_confirming_first_tells_the_outside(centre: MakeCentre) -> None:
    here = centre(policy="operator_first")
    incident_id = here.raise_incident()
    confirm = Decision(Action.CONFIRM)
    detail = decisions.decide(here.store, incident_id, confirm, who="li", version=1, rules=here.rules)
    assert [one.target_id for one in detail.deliveries] == ["dispatch"]


def test_the_policy_automatic_dispatches_what_the_machine_confirms(centre: MakeCentre) -> None:
    here = centre(policy="automatic")
    detail = here.store.incident(here.raise_incident(with_chain=False))
    assert detail.summary.response.stage is Stage.DISPATCH
    assert "dispatched by itself: this is the policy here" in detail.alerts[0].content["changes"]


def test_a_step_said_twice_is_noted_once_and_none_is_taken_after_the_end(centre: MakeCentre) -> None:
    here = centre()
    incident_id = here.raise_incident()
    decisions.take_step(here.store, incident_id, Step.ACKNOWLEDGE, who="li")
    again = decisions.take_step(here.store, incident_id, Step.ACKNOWLEDGE, who="wang")
    assert [row.action for row in again.history] == ["raise", "acknowledge"]
    assigned = decisions.take_step(here.store, incident_id, Step.ASSIGN, who="li", to="青溪镇半专业队")
    assert assigned.summary.response.assigned_to == "青溪镇半专业队"
    with pytest.raises(ValueError, match="to whom"):
        decisions.take_step(here.store, incident_id, Step.ASSIGN, who="li")
    version = assigned.summary.version
    decisions.decide(here.store, incident_id, CLOUD, who="li", version=version)
    with pytest.raises(ValueError, match="is dismissed"):
        decisions.take_step(here.store, incident_id, Step.ACCEPT, who="chen")
