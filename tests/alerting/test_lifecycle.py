"""The state machine alone: every action from every status, and the rules of verdicts."""

from __future__ import annotations

import doctest
import itertools
from types import ModuleType

import pytest

from alerting import backoff, lifecycle, message, policy
from alerting.lifecycle import (
    OPEN,
    Action,
    Cause,
    Decision,
    LifecycleError,
    Stage,
    State,
    Status,
    Verdict,
    allowed_actions,
    decide,
)

GOOD = {
    Action.CONFIRM: Decision(Action.CONFIRM),
    Action.DISMISS: Decision(Action.DISMISS, Verdict.FALSE_ALARM, Cause.FOG),
    Action.REOPEN: Decision(Action.REOPEN, why="smoke again"),
}

LEADS_TO = {
    (Status.SUSPECTED, Action.CONFIRM): Status.CONFIRMED,
    (Status.CONFIRMED, Action.DISPATCH): Status.DISPATCHED,
    (Status.DISPATCHED, Action.ARRIVE): Status.ON_SCENE,
    (Status.ON_SCENE, Action.CONTROL): Status.CONTROLLED,
    (Status.CONTROLLED, Action.CLOSE): Status.CLOSED,
    (Status.DISMISSED, Action.REOPEN): Status.SUSPECTED,
    (Status.CLOSED, Action.REOPEN): Status.SUSPECTED,
    **{(status, Action.DISMISS): Status.DISMISSED for status in OPEN},
}


@pytest.mark.parametrize(("status", "action"), list(itertools.product(Status, Action)))
def test_each_action_from_each_status_leads_where_the_diagram_says_or_is_refused(
    status: Status, action: Action
) -> None:
    decision = GOOD.get(action, Decision(action))
    expected = LEADS_TO.get((status, action))
    verdict = None if status is Status.SUSPECTED else Verdict.WILDFIRE
    state = State(status, verdict)
    assert (action in allowed_actions(state)) == (expected is not None)
    if expected is not None:
        assert decide(state, decision).status is expected
    else:
        with pytest.raises(LifecycleError, match=f"not possible while the incident is {status}; possible: "):
            decide(state, decision)


@pytest.mark.parametrize("status", [Status.SUSPECTED, Status.CONFIRMED])
def test_a_crew_sent_by_the_machine_may_arrive_before_anybody_has_judged(status: Status) -> None:
    there = decide(State(status, stage=Stage.DISPATCH), Decision(Action.ARRIVE))
    assert there == State(Status.ON_SCENE, stage=Stage.DISPATCH)


def test_confirming_what_the_machine_has_dispatched_leads_straight_to_dispatched() -> None:
    confirmed = decide(State(Status.SUSPECTED, stage=Stage.DISPATCH), Decision(Action.CONFIRM))
    assert confirmed == State(Status.DISPATCHED, Verdict.WILDFIRE, stage=Stage.DISPATCH)


def test_a_verdict_may_follow_the_crew_and_is_given_once() -> None:
    on_scene = State(Status.ON_SCENE, stage=Stage.DISPATCH)
    judged = decide(on_scene, Decision(Action.CONFIRM))
    assert judged == State(Status.ON_SCENE, Verdict.WILDFIRE, stage=Stage.DISPATCH)
    with pytest.raises(LifecycleError, match="not possible"):
        decide(judged, Decision(Action.CONFIRM))


def test_dispatching_raises_the_stage_and_reopening_takes_it_back() -> None:
    dispatched = decide(State(Status.CONFIRMED, Verdict.WILDFIRE), Decision(Action.DISPATCH))
    assert dispatched.stage is Stage.DISPATCH
    closed = State(Status.CLOSED, Verdict.WILDFIRE, stage=Stage.DISPATCH)
    assert decide(closed, GOOD[Action.REOPEN]).stage is Stage.NOTIFY


def test_the_verdict_wildfire_stays_through_the_fight() -> None:
    state = State(Status.SUSPECTED)
    for action in (Action.CONFIRM, Action.DISPATCH, Action.ARRIVE, Action.CONTROL, Action.CLOSE):
        state = decide(state, Decision(action))
        assert state.verdict is Verdict.WILDFIRE
    assert decide(state, GOOD[Action.REOPEN]) == State(Status.SUSPECTED)


@pytest.mark.parametrize("verdict", [Verdict.PERMITTED_BURN, Verdict.OTHER_SMOKE])
def test_a_real_smoke_that_is_no_wildfire_is_dismissed_without_a_cause(verdict: Verdict) -> None:
    state = decide(State(Status.SUSPECTED), Decision(Action.DISMISS, verdict))
    assert state == State(Status.DISMISSED, verdict)


@pytest.mark.parametrize(
    ("status", "decision", "message"),
    [
        (Status.SUSPECTED, Decision(Action.DISMISS), "needs a verdict"),
        (Status.SUSPECTED, Decision(Action.DISMISS, Verdict.WILDFIRE), "needs a verdict"),
        (Status.SUSPECTED, Decision(Action.DISMISS, Verdict.FALSE_ALARM), "needs its cause: cloud, fog"),
        (
            Status.SUSPECTED,
            Decision(Action.DISMISS, Verdict.FALSE_ALARM, Cause.OTHER, why=" "),
            "'other' needs a reason",
        ),
        (
            Status.SUSPECTED,
            Decision(Action.DISMISS, Verdict.PERMITTED_BURN, Cause.FOG),
            "only a false alarm has a cause",
        ),
        (Status.SUSPECTED, Decision(Action.CONFIRM, Verdict.OTHER_SMOKE), "dismiss the incident"),
        (Status.SUSPECTED, Decision(Action.CONFIRM, cause=Cause.FOG), "no cause of a false alarm"),
        (Status.CONFIRMED, Decision(Action.DISPATCH, Verdict.WILDFIRE), "carries no verdict"),
        (Status.CLOSED, Decision(Action.REOPEN), "needs a reason"),
    ],
)
def test_a_decision_that_contradicts_itself_is_refused_with_the_way_out(
    status: Status, decision: Decision, message: str
) -> None:
    with pytest.raises(LifecycleError, match=message):
        decide(State(status), decision)


@pytest.mark.parametrize("module", [lifecycle, message, backoff, policy], ids=lambda module: module.__name__)
def test_the_examples_in_the_documentation_of_functions_hold(module: ModuleType) -> None:
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0
