"""What is known about a camera's picture: connecting, live, stale or off, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
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


def camera_state(
    now: datetime,
    *,
    started_at: datetime,
    live_since: datetime | None,
    last_picture_at: datetime | None,
    stale_after_s: float,
    stopped_at: datetime | None = None,
    problem: str = "",
) -> CameraState:
    """The state that follows from the times; `problem` is the last connection error."""
    if stopped_at is not None:
        return CameraState(Condition.OFF, stopped_at, "the worker has stopped watching it")
    if last_picture_at is None or live_since is None:
        return CameraState(Condition.CONNECTING, started_at, problem)
    if now - last_picture_at > timedelta(seconds=stale_after_s):
        return CameraState(Condition.STALE, last_picture_at, problem or "no picture comes")
    return CameraState(Condition.LIVE, live_since)
