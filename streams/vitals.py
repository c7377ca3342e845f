"""What a reader knows of its camera from the outside: connection, packets, ages, errors, clock.

Values only. What they mean for the camera's state (stale, frozen, damaged ...) is for the health judge,
which the worker asks once a second for each camera, and tells of every picture that is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from streams.condition import CameraState, Condition
from streams.frame import Frame
from streams.ptz import Whereabouts


@dataclass(frozen=True)
class Vitals:
    """One camera at one moment. Counts run from the reader's start, over all its connections."""

    camera_id: str
    started_at: datetime
    stopped_at: datetime | None
    connected_since: datetime | None
    """None while there is no connection."""
    connections: int
    last_packet_at: datetime | None
    """Arrival of the newest packet (of the newest picture where a source has no packets)."""
    last_picture_at: datetime | None
    """Arrival of the newest picture that could be looked at: its age is what "stale" is about."""
    packets: int
    bytes: int
    bad_pictures: int
    """Pictures and packets the decoder refused, or that came out damaged."""
    last_bad_picture: str
    bad_since_good: int
    """Bad pictures since the last good one."""
    problem: str
    """Why the last connection failed or broke, in words without secrets; empty while pictures come."""
    clock_skew_s: float | None
    """Camera clock minus ours, delay included; None for cameras that do not tell their time."""
    key_frame_spacing_s: float | None
    warnings: tuple[str, ...] = ()
    """What makes the camera dearer or worse than it need be: key frames far apart, a wrong clock ..."""
    whereabouts: Whereabouts | None = None
    """None for a camera that is not asked where it stands."""

    def picture_age_s(self, now: datetime) -> float | None:
        """Seconds since the newest picture came; None before the first."""
        return None if self.last_picture_at is None else (now - self.last_picture_at).total_seconds()

    def packet_age_s(self, now: datetime) -> float | None:
        """Seconds since the newest packet came; None before the first."""
        return None if self.last_packet_at is None else (now - self.last_packet_at).total_seconds()


class HealthJudge(Protocol):
    """Says how one camera is. Both calls come from the worker's looking thread and must be quick."""

    def saw(self, frame: Frame) -> None:
        """A picture that was taken for a look, before masks. Use `frame.scaled(...)`: full size is dear."""
        ...

    def state(self, vitals: Vitals, now: datetime) -> CameraState:
        """The camera's state now; asked about once a second, whether pictures come or not."""
        ...


class AgeJudge:
    """A health judge that knows only whether pictures come."""

    def __init__(self, stale_after_s: float) -> None:
        self._stale_after = timedelta(seconds=stale_after_s)
        self._live_since: datetime | None = None

    def saw(self, frame: Frame) -> None:
        """Looks at no picture."""

    def state(self, vitals: Vitals, now: datetime) -> CameraState:
        if vitals.stopped_at is not None:
            return CameraState(Condition.OFF, vitals.stopped_at, "the worker has stopped watching it")
        if vitals.last_picture_at is None:
            return CameraState(Condition.CONNECTING, vitals.started_at, vitals.problem)
        if now - vitals.last_picture_at > self._stale_after:
            self._live_since = None
            reason = vitals.problem or "no picture comes"
            return CameraState(Condition.STALE, vitals.last_picture_at, reason)
        self._live_since = self._live_since or vitals.last_picture_at
        return CameraState(Condition.LIVE, self._live_since)
