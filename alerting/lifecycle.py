"""The life of an incident as a pure state machine: which decision is allowed when, and what it leads to.

    suspected -> confirmed -> dispatched -> on_scene -> controlled -> closed
        any open status -> dismissed          dismissed | closed -> suspected (reopened)

The stage says how far the outside was asked to act, whoever asked: `ask` (operators only), `notify`
(receivers know), `dispatch` (they are asked to go). The machine may dispatch what nobody has judged yet: the
incident then stays `suspected`, in front of the operators, while crews are on their way; they may arrive
before the verdict, and confirming it leads straight to `dispatched`.

A person's verdict travels with the decision: confirming says `wildfire`; dismissing says which of the others
it was, and a false alarm must name its cause, because that is what the site memory learns from. A crew that
arrives and finds dust dismisses from `on_scene`: dismissal is allowed from every open status. Undoing is not
a deletion: it is one more decision that returns to the state before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Status(StrEnum):
    SUSPECTED = "suspected"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    DISPATCHED = "dispatched"
    ON_SCENE = "on_scene"
    CONTROLLED = "controlled"
    CLOSED = "closed"


class Verdict(StrEnum):
    WILDFIRE = "wildfire"
    PERMITTED_BURN = "permitted_burn"
    OTHER_SMOKE = "other_smoke"
    FALSE_ALARM = "false_alarm"


class Cause(StrEnum):
    """What fooled the detector."""

    CLOUD = "cloud"
    FOG = "fog"
    DUST = "dust"
    GLARE = "glare"
    LIGHT = "light"
    WATER = "water"
    LENS = "lens"
    """Insect or rain on the lens."""
    OTHER = "other"


class Action(StrEnum):
    CONFIRM = "confirm"
    DISMISS = "dismiss"
    DISPATCH = "dispatch"
    ARRIVE = "arrive"
    CONTROL = "control"
    CLOSE = "close"
    REOPEN = "reopen"


class Step(StrEnum):
    """Who deals with it; changes no status."""

    ACKNOWLEDGE = "acknowledge"
    """An operator has it in hand."""
    ASSIGN = "assign"
    """An operator names who shall go."""
    ACCEPT = "accept"
    """They say that they go."""
    FOUND = "found"
    """They say what they found. A person judges it: it decides nothing by itself."""


class MachineAct(StrEnum):
    """What the machine notes in an incident's history as done by itself."""

    RAISE = "raise"
    JOIN = "join"
    STORM = "storm"
    """One camera reports fire everywhere; the rest is only counted."""
    AUTO_DISPATCH = "auto_dispatch"
    ESCALATE = "escalate"
    """Nobody acted in time: receivers are told."""
    CALL = "call"
    """The next level of the grid chain is called."""
    RAISE_AGAIN = "raise_again"
    """Not taken for a permitted burn any longer."""
    END_DRILL = "end_drill"


class Stage(StrEnum):
    ASK = "ask"
    NOTIFY = "notify"
    DISPATCH = "dispatch"

    def includes(self, other: Stage) -> bool:
        """
        >>> Stage.NOTIFY.includes(Stage.ASK), Stage.NOTIFY.includes(Stage.DISPATCH)
        (True, False)
        """
        order = list(Stage)
        return order.index(self) >= order.index(other)


ENDED = frozenset({Status.DISMISSED, Status.CLOSED})
OPEN = frozenset(Status) - ENDED

_UNDER_WAY = frozenset({Status.DISPATCHED, Status.ON_SCENE, Status.CONTROLLED})

_ALLOWED: dict[Action, tuple[frozenset[Status], Status]] = {
    Action.CONFIRM: (frozenset({Status.SUSPECTED}), Status.CONFIRMED),
    Action.DISMISS: (OPEN, Status.DISMISSED),
    Action.DISPATCH: (frozenset({Status.CONFIRMED}), Status.DISPATCHED),
    Action.ARRIVE: (frozenset({Status.DISPATCHED}), Status.ON_SCENE),
    Action.CONTROL: (frozenset({Status.ON_SCENE}), Status.CONTROLLED),
    Action.CLOSE: (frozenset({Status.CONTROLLED}), Status.CLOSED),
    Action.REOPEN: (ENDED, Status.SUSPECTED),
}


class LifecycleError(ValueError):
    """A decision that the incident's status, or the decision itself, does not allow."""


@dataclass(frozen=True)
class State:
    """Where an incident stands."""

    status: Status
    verdict: Verdict | None = None
    cause: Cause | None = None
    stage: Stage = Stage.NOTIFY


@dataclass(frozen=True)
class Decision:
    """What a person wants done. `why` is free text; for a dismissal or a reopening it must not be empty
    unless the verdict's cause already says it."""

    action: Action
    verdict: Verdict | None = None
    cause: Cause | None = None
    why: str = ""


SUSPECTED = State(Status.SUSPECTED)


def allowed_actions(state: State) -> tuple[Action, ...]:
    """What may be decided now, for buttons and error messages.

    >>> [str(action) for action in allowed_actions(SUSPECTED)]
    ['confirm', 'dismiss']
    >>> [str(action) for action in allowed_actions(State(Status.SUSPECTED, stage=Stage.DISPATCH))]
    ['confirm', 'dismiss', 'arrive']
    """
    return tuple(action for action in Action if _target(state, action) is not None)


def decide(state: State, decision: Decision) -> State:
    """The state after `decision`, or LifecycleError saying what is wrong and what is possible.

    >>> decide(SUSPECTED, Decision(Action.CONFIRM)).status.value
    'confirmed'
    >>> decide(SUSPECTED, Decision(Action.DISMISS, Verdict.FALSE_ALARM))
    Traceback (most recent call last):
    ...
    alerting.lifecycle.LifecycleError: a false alarm needs its cause: cloud, fog, dust, glare, light, water, \
lens, other
    """
    target = _target(state, decision.action)
    if target is None:
        possible = ", ".join(allowed_actions(state))
        raise LifecycleError(
            f"'{decision.action}' is not possible while the incident is {state.status}; possible: {possible}"
        )
    match decision.action:
        case Action.CONFIRM:
            stage = state.stage if state.stage.includes(Stage.NOTIFY) else Stage.NOTIFY
            return State(target, *_confirming_verdict(decision), stage)
        case Action.DISMISS:
            return State(target, *_dismissing_verdict(decision), state.stage)
        case Action.REOPEN:
            _refuse_verdict(decision)
            if not decision.why.strip():
                raise LifecycleError("reopening needs a reason: say why the incident is not over")
            return State(target)
        case Action.DISPATCH:
            _refuse_verdict(decision)
            return replace(state, status=target, stage=Stage.DISPATCH)
        case _:
            _refuse_verdict(decision)
            return replace(state, status=target)


def _target(state: State, action: Action) -> Status | None:
    """The status that `action` leads to; None: it is not possible now."""
    sources, target = _ALLOWED[action]
    crews_go = state.stage is Stage.DISPATCH
    match action:
        case Action.CONFIRM if state.verdict is None and state.status in _UNDER_WAY:
            return state.status  # the crew was faster than the operator
        case Action.CONFIRM if crews_go and state.status in sources:
            return Status.DISPATCHED
        case Action.ARRIVE if crews_go and state.status in (Status.SUSPECTED, Status.CONFIRMED):
            return target
    return target if state.status in sources else None


def _confirming_verdict(decision: Decision) -> tuple[Verdict, None]:
    if decision.verdict not in (None, Verdict.WILDFIRE):
        raise LifecycleError(
            f"confirming means verdict 'wildfire'; to record '{decision.verdict}' dismiss the incident"
        )
    if decision.cause is not None:
        raise LifecycleError("a confirmed wildfire has no cause of a false alarm; leave the cause out")
    return Verdict.WILDFIRE, None


def _dismissing_verdict(decision: Decision) -> tuple[Verdict, Cause | None]:
    if decision.verdict in (None, Verdict.WILDFIRE):
        raise LifecycleError(
            "dismissing needs a verdict: permitted_burn, other_smoke or false_alarm with its cause"
        )
    if decision.verdict is Verdict.FALSE_ALARM:
        if decision.cause is None:
            raise LifecycleError("a false alarm needs its cause: " + ", ".join(Cause))
        if decision.cause is Cause.OTHER and not decision.why.strip():
            raise LifecycleError("cause 'other' needs a reason in words")
        return Verdict.FALSE_ALARM, decision.cause
    if decision.cause is not None:
        raise LifecycleError(f"only a false alarm has a cause, '{decision.verdict}' has none")
    return decision.verdict, None


def _refuse_verdict(decision: Decision) -> None:
    if decision.verdict is not None or decision.cause is not None:
        raise LifecycleError(f"'{decision.action}' carries no verdict; confirm or dismiss instead")
