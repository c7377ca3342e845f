"""What happens by itself, and when. Pure: the store's rows and clocks are others' business.

Stages (`stage_of`): under the policy `judged` receivers are notified at once; the machine dispatches when
two cameras agree, or when its probability is high and its model has been judged on enough days. Otherwise
people have time: an operator to take the incident in hand, then to judge it, then to dispatch it. Nobody
did: the grid chain is called (`wanted_clock` says which time runs, `LADDER` who comes next), each level with
a time of its own, until somebody accepts. A permitted burn waits for its end instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from alerting.calling import Roster, contacts_of
from alerting.duty import roster_of
from alerting.lifecycle import Stage, Status
from alerting.records import Level
from alerting.trouble import Trouble
from config import Deployment, ResponseSettings

LADDER: tuple[Level, ...] = ("grid", "village", "town", "district")


@dataclass(frozen=True)
class Rules:
    """The deployment's policy, who is on duty, and by which gateways people can be reached."""

    settings: ResponseSettings = field(default_factory=ResponseSettings)
    gateways: tuple[str, ...] = ()
    trouble: Trouble = field(default_factory=Trouble)
    """Who is told when nobody can be called."""
    roster: Roster = contacts_of

    @classmethod
    def of(cls, deployment: Deployment) -> Rules:
        gateways = tuple(gateway.id for gateway in deployment.notify.gateways)
        return cls(deployment.response, gateways, Trouble.of(deployment), roster_of(deployment))


DEFAULT = Rules()


class Clock(StrEnum):
    """What somebody has to do before the time is up; at most one runs for an incident."""

    ACKNOWLEDGE = "acknowledge"
    JUDGE = "judge"
    DISPATCH = "dispatch"
    ACCEPT = "accept"
    BURN = "burn"
    """The permitted burn ends; its time is the burn's, not the policy's."""


@dataclass(frozen=True)
class Seen:
    """What decides about automatic dispatch."""

    cameras_agree: bool
    probability: float | None
    """Calibrated; None for weights that were never calibrated: they dispatch nothing alone."""
    days_of_verdicts: int
    """On how many days people have judged what this model raises."""


@dataclass(frozen=True)
class Situation:
    """What decides about the clocks."""

    status: Status
    stage: Stage
    acknowledged: bool = False
    accepted: bool = False
    called: Level | None = None
    """The level of the ladder called last."""
    levels: tuple[Level, ...] = LADDER
    """The levels that this incident's ground has."""
    permitted_burn: bool = False


def stage_of(seen: Seen, settings: ResponseSettings) -> Stage:
    """How far the machine goes by itself.

    >>> judged = ResponseSettings()
    >>> stage_of(Seen(cameras_agree=True, probability=0.6, days_of_verdicts=0), judged).value
    'dispatch'
    >>> stage_of(Seen(cameras_agree=False, probability=0.95, days_of_verdicts=13), judged).value
    'notify'
    >>> stage_of(Seen(cameras_agree=False, probability=0.95, days_of_verdicts=14), judged).value
    'dispatch'
    """
    match settings.policy:
        case "automatic":
            return Stage.DISPATCH
        case "operator_first":
            return Stage.ASK
    trusted = seen.days_of_verdicts >= settings.auto_dispatch_after_days
    sure = trusted and (seen.probability or 0.0) >= settings.auto_dispatch_min
    return Stage.DISPATCH if seen.cameras_agree or sure else Stage.NOTIFY


def wanted_clock(now: Situation) -> Clock | None:
    """Which time runs for an incident in this situation.

    >>> wanted_clock(Situation(Status.SUSPECTED, Stage.NOTIFY)).value
    'acknowledge'
    >>> wanted_clock(Situation(Status.DISPATCHED, Stage.DISPATCH, accepted=True)) is None
    True
    """
    if now.status not in (Status.SUSPECTED, Status.CONFIRMED, Status.DISPATCHED):
        return None
    if now.permitted_burn and now.status is Status.SUSPECTED:
        return Clock.BURN
    if now.stage is Stage.DISPATCH or now.called is not None:
        at_the_top = now.called is not None and next_level(now.called, now.levels) is None
        return None if now.accepted or at_the_top else Clock.ACCEPT
    if now.status is Status.CONFIRMED:
        return Clock.DISPATCH
    return Clock.JUDGE if now.acknowledged else Clock.ACKNOWLEDGE


def allowed_s(clock: Clock, called: Level | None, settings: ResponseSettings) -> float:
    """How long people have, in seconds."""
    match clock:
        case Clock.ACKNOWLEDGE:
            return settings.acknowledge_s
        case Clock.ACCEPT:
            times = {"grid": settings.grid_s, "village": settings.village_s, "town": settings.town_s}
            return times.get(called or "", settings.grid_s)
        case _:
            return settings.judge_s


def next_level(called: Level | None, levels: Sequence[Level]) -> Level | None:
    """Who is called after `called`, passing by levels this ground has not; None above the highest.

    >>> next_level(None, LADDER), next_level("grid", ("grid", "town")), next_level("district", LADDER)
    ('grid', 'town', None)
    """
    above = LADDER if called is None else LADDER[LADDER.index(called) + 1 :]
    return next((level for level in above if level in levels), None)
