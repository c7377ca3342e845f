"""What is known about a camera's picture: connecting, live, stale or off, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Condition(StrEnum):
    """Connecting: no picture yet. Live: pictures come. Stale: they came and do no longer. Off: not "
    "watched."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"
    OFF = "off"


@dataclass(frozen=True)
class CameraState:
    """A condition, since when it holds, and why in words (never with a password)."""

    condition: Condition
    since: datetime
    reason: str = ""


class CameraStateSink(Protocol):
    """Who keeps camera states (the store); the worker writes every change to it."""

    def set_camera_state(self, camera_id: str, state: str, since: datetime, reason: str) -> None: ...
