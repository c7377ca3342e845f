"""Decisions of people in the store: history, messages, undo, and two people at once."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from alerting_samples import BOWL, NORTH, PICTURES, intake_into, sighting_of

from alerting import clocks, decisions
from alerting.intake import Intake
from alerting.lifecycle import Action, Cause, Decision, LifecycleError, Status, Step, Verdict
from alerting.records import IncidentDetail
from alerting.store import ConflictError, NotFoundError, Store

CONFIRM = Decision(Action.CONFIRM, why="flames on the live picture")
CLOUD = Decision(Action.DISMISS, Verdict.FALSE_ALARM, Cause.CLOUD, why="drifts over the ridge")


@pytest.fixture
def incident_id(store_with_incident: Store) -> str:
    return store_with_incident.list_incidents().incidents[0].incident_id


def test_confirming_writes_history_event_and_update_together(store: Store, incident_id: str) -> None:
    before = store.last_event_id()
    detail = decisions.decide(store, incident_id, CONFIRM, who="li", version=1)
    assert detail == store.incident(incident_id)
    assert (detail.summary.status, detail.summary.verdict) == (Status.CONFIRMED, Verdict.WILDFIRE)
    assert detail.summary.version == 2
    row = detail.history[-1]
    assert (row.who, row.action, row.why) == ("li", "confirm", "flames on the live picture")
    assert (row.status_before, row.status_after) == (Status.SUSPECTED, Status.CONFIRMED)
    update = detail.alerts[-1]
    assert (update.type, update.sequence) == ("Update", 2)
    assert update.content["certainty"] == "Observed"
    assert update.content["changes"] == ["status suspected -> confirmed: flames on the live picture"]
    assert update.content["picture"] == detail.alerts[0].content["picture"]
    assert [(one.target_id, one.sequence) for one in detail.deliveries] == [("dispatch", 1), ("dispatch", 2)]
    kinds = [(one.kind, one.data.get("status")) for one in store.events_since(before)]
    assert kinds == [("incident", "confirmed"), ("alert", None)]


def test_dismissing_cancels_and_reopening_alerts_anew(store: Store, incident_id: str) -> None:
    dismissed = decisions.decide(store, incident_id, CLOUD, who="li", version=1)
    assert (dismissed.alerts[-1].type, dismissed.alerts[-1].content["certainty"]) == ("Cancel", "Unlikely")
    assert (dismissed.summary.verdict, dismissed.summary.cause) == (Verdict.FALSE_ALARM, Cause.CLOUD)
    reopen = Decision(Action.REOPEN, why="it grows")
    reopened = decisions.decide(store, incident_id, reopen, who="wang", version=2)
    assert reopened.alerts[-1].type == "Alert"
    assert reopened.summary.verdict is None
    assert [row.action for row in reopened.history] == ["raise", "dismiss", "reopen"]


def test_only_those_who_were_told_of_the_incident_are_told_of_decisions(
    store: Store, tmp_path: object, noon: datetime
) -> None:
    intake = intake_into(store, f"{tmp_path}/evidence", targets=("county", "town"))
    ref = intake.accept(sighting_of(BOWL.at(23.105, 116.4), NORTH, noon), PICTURES, NORTH)
    detail = decisions.decide(store, ref.incident_id, CLOUD, who="li", version=1)
    assert [one.target_id for one in detail.deliveries if one.sequence == 2] == ["county", "town"]


def test_an_undo_restores_the_state_tells_receivers_and_keeps_the_history(
    store: Store, incident_id: str
) -> None:
    decisions.decide(store, incident_id, CONFIRM, who="li", version=1)
    dismissed = decisions.decide(store, incident_id, CLOUD, who="li", version=2)
    latest = decisions.undoable(dismissed.history)
    assert latest is not None
    detail = decisions.undo(store, incident_id, latest.history_id, who="li", version=3, why="wrong key")
    assert (detail.summary.status, detail.summary.verdict) == (Status.CONFIRMED, Verdict.WILDFIRE)
    assert detail.summary.cause is None
    assert [row.action for row in detail.history] == ["raise", "confirm", "dismiss", "undo"]
    assert detail.history[-1].undoes == latest.history_id
    assert detail.alerts[-1].type == "Alert"  # the receivers had been told to forget it


def test_only_the_latest_decision_can_be_undone_and_only_once(store: Store, incident_id: str) -> None:
    confirmed = decisions.decide(store, incident_id, CONFIRM, who="li", version=1)
    dispatched = decisions.decide(store, incident_id, Decision(Action.DISPATCH), who="li", version=2)
    with pytest.raises(LifecycleError, match="only the latest"):
        decisions.undo(store, incident_id, confirmed.history[-1].history_id, who="li", version=3)
    with pytest.raises(LifecycleError, match="only the latest"):
        decisions.undo(store, incident_id, confirmed.history[0].history_id, who="li", version=3)
    latest = decisions.undoable(dispatched.history)
    assert latest is not None
    last = latest.history_id
    undone = decisions.undo(store, incident_id, last, who="li", version=3)
    assert undone.summary.status is Status.CONFIRMED
    with pytest.raises(LifecycleError, match="only once"):
        decisions.undo(store, incident_id, last, who="li", version=4)


def test_taking_in_hand_and_handing_over_are_taken_back_and_the_clock_starts_anew(
    store: Store, incident_id: str
) -> None:
    def back(detail: IncidentDetail) -> IncidentDetail:
        latest = decisions.retractable(detail.history)
        assert latest is not None
        return decisions.take_back(store, incident_id, latest.history_id, who="li")

    taken = decisions.take_step(store, incident_id, Step.ACKNOWLEDGE, who="li")
    given_back = back(taken)
    assert given_back.summary.response.acknowledged_by is None
    assert given_back.history[-1].undoes == taken.history[-1].history_id
    with store.reading() as session:
        running = clocks.running(session, incident_id)
    assert running is not None
    assert running.kind == "acknowledge"

    decisions.take_step(store, incident_id, Step.ASSIGN, who="li", to="night shift")
    handed = decisions.take_step(store, incident_id, Step.ASSIGN, who="li", to="wrong shift")
    assert back(handed).summary.response.assigned_to == "night shift"


def test_a_step_is_taken_back_only_until_somebody_does_something_else(store: Store, incident_id: str) -> None:
    taken = decisions.take_step(store, incident_id, Step.ACKNOWLEDGE, who="li")
    step = taken.history[-1].history_id
    confirmed = decisions.decide(store, incident_id, CONFIRM, who="wang", version=1)
    assert decisions.retractable(confirmed.history) is None
    with pytest.raises(LifecycleError, match="until somebody does something else"):
        decisions.take_back(store, incident_id, step, who="li")


def test_a_step_that_was_taken_back_does_not_stand_before_the_decision_that_can_be_undone(
    store: Store, incident_id: str
) -> None:
    confirmed = decisions.decide(store, incident_id, CONFIRM, who="li", version=1)
    taken = decisions.take_step(store, incident_id, Step.ACKNOWLEDGE, who="li")
    step = decisions.retractable(taken.history)
    assert step is not None
    detail = decisions.take_back(store, incident_id, step.history_id, who="li")
    assert decisions.undoable(detail.history) == confirmed.history[-1]


def test_an_impossible_decision_changes_nothing(store: Store, incident_id: str) -> None:
    before = store.incident(incident_id)
    with pytest.raises(LifecycleError, match="possible: confirm, dismiss"):
        decisions.decide(store, incident_id, Decision(Action.CLOSE), who="li", version=1)
    assert store.incident(incident_id) == before


def test_of_two_operators_deciding_at_once_one_wins_and_the_other_is_told_what_happened(
    store: Store, incident_id: str
) -> None:
    barrier = threading.Barrier(2)
    outcomes: list[object] = []

    def act(who: str, decision: Decision) -> None:
        barrier.wait()
        try:
            outcomes.append(decisions.decide(store, incident_id, decision, who=who, version=1))
        except ConflictError as error:
            outcomes.append(error)

    threads = [
        threading.Thread(target=act, args=("li", CONFIRM)),
        threading.Thread(target=act, args=("wang", CLOUD)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (conflict,) = [one for one in outcomes if isinstance(one, ConflictError)]
    row = store.incident(incident_id).history[-1]
    assert f"{row.who} did '{row.action}'" in str(conflict)
    assert len(store.incident(incident_id).history) == 2


def test_a_quiet_repeat_of_the_machine_does_not_take_the_decision_from_an_operator(
    store: Store, intake: Intake, incident_id: str, noon: datetime
) -> None:
    later = noon + timedelta(seconds=20)
    intake.accept(sighting_of(BOWL.at(23.105, 116.4), NORTH, later), PICTURES, NORTH)
    detail = decisions.decide(store, incident_id, CONFIRM, who="li", version=1)
    assert len(detail.sightings) == 2


def test_news_of_the_fire_makes_an_operator_look_again_before_dismissing(
    store: Store, intake: Intake, incident_id: str, noon: datetime
) -> None:
    intake.accept(sighting_of(BOWL.at(23.105, 116.4), NORTH, noon, label="fire"), PICTURES, NORTH)
    with pytest.raises(ConflictError, match="machine did 'join'"):
        decisions.decide(store, incident_id, CLOUD, who="li", version=1)


def test_an_unknown_incident_is_said_to_be_unknown(store: Store) -> None:
    with pytest.raises(NotFoundError, match="no incident 'inc-0'"):
        decisions.decide(store, "inc-0", CONFIRM, who="li", version=1)
