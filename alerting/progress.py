"""What has been done about an incident, by whom and when, read from its history. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alerting.lifecycle import Action, MachineAct, Step
from alerting.records import HistoryRow

DONE = {
    str(Step.ACKNOWLEDGE): "acknowledged",
    str(Action.CONFIRM): "confirmed",
    str(MachineAct.AUTO_DISPATCH): "dispatched",
    str(Action.DISPATCH): "dispatched",
    str(Step.ASSIGN): "assigned",
    str(Step.ACCEPT): "accepted",
    str(Action.ARRIVE): "arrived",
    str(Action.CONTROL): "controlled",
    str(Action.CLOSE): "closed",
}
"""The word for an action of the history that is done."""


@dataclass(frozen=True)
class Done:
    by: str
    at: datetime


def progress_of(history: Sequence[HistoryRow]) -> dict[str, Done]:
    """The last time each was done since the incident was last opened; what was taken back does not count."""
    undone = {row.undoes for row in history if row.undoes is not None}
    done: dict[str, Done] = {}
    for row in history:
        if row.history_id in undone:
            continue
        if row.action == Action.REOPEN:
            done.clear()
        elif row.action in DONE:
            done[DONE[row.action]] = Done(row.who, row.at)
    return done
