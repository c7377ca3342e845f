"""What a camera is doing: the conditions, since when one holds and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Condition(StrEnum):
    """In the order in which they hide each other: the first that holds is the camera's."""

    OFF = "off"
    """Not watched."""
    CONNECTING = "connecting"
    """No picture yet."""
    BAD_PICTURE = "bad_picture"
    """What comes is damaged."""
    STALE = "stale"
    """Pictures came and do no longer."""
    FROZEN = "frozen"
    """Packets flow, the picture is the same."""
    DARK = "dark"
    OVEREXPOSED = "overexposed"
    OBSTRUCTED = "obstructed"
    DEFOCUSED = "defocused"
    MOVED = "moved"
    """It sees, but not what its pose says: positions are unreliable."""
    LIVE = "live"


BLIND = frozenset(Condition) - {Condition.MOVED, Condition.LIVE}
"""A fire in front of such a camera would not be seen."""


TAKEN_OUT = "taken out of service"
"""Why a camera is off that nobody is meant to watch."""


@dataclass(frozen=True)
class CameraState:
    """A condition, since when it holds, and why in words (never with a password)."""

    condition: Condition
    since: datetime
    reason: str = ""


class CameraStateSink(Protocol):
    """Who keeps camera states (the store); the worker writes every change to it."""

    def set_camera_state(
        self, camera_id: str, state: str, since: datetime, reason: str, *, counts: bool = True
    ) -> None:
        """Without `counts` it is meant to be so: no blind time."""
        ...
