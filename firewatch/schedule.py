"""Whose turn it is: when each camera is due for its next look. A pure function of the times given to it.

Every camera has a due time on a grid of its own: the next one is an interval after the last *due* time, not
after the last look, so that a look that was late once does not stay late. Where pictures come with key frames
only, one that comes a little early (`slack`, a share of the interval) is taken: waiting for the grid would
make it old. Cameras start at different phases.

Among the cameras that have a fresh frame the one that is latest, measured in its own intervals, is next, and
suspicion counts as a quarter of one: suspicious cameras go first, but nobody starves however slow the machine
is. Under overload all intervals stretch alike, `stretch` says by how much, and nothing queues.

A suspicious camera is due at the dense interval; when suspicion lasts longer than `dense_max_s` it rests
on patrol for as long, so that one restless view cannot eat the machine.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from config import LookSettings

SLACK = 0.25
"""Share of the interval by which live pictures may come early."""
SUSPICION = 0.25
"""Intervals by which a suspicious camera comes before others that are as late. Its intervals are short, so it
is late sooner; with a whole interval its dense looks, which decode every picture, made all others wait."""
_GOLDEN = (math.sqrt(5) - 1) / 2  # multiples of it, modulo one, never bunch together
_STRETCH_LOOKS = 20.0
"""The stretch is a mean over about so many looks of each camera."""


@dataclass
class _Turn:
    due_s: float
    phase: float
    interval_s: float
    looks: int = 0
    looked_s: float = float("inf")
    dense_since_s: float | None = None
    rests_until_s: float = float("-inf")
    stretch: float = 1.0


class LookSchedule:
    """Due times of the cameras of one worker, on a monotonic clock in seconds.

    >>> schedule = LookSchedule(["a", "b"], LookSettings(patrol_interval_s=2, dense_interval_s=0.5), now_s=0)
    >>> schedule.next(["a", "b"], now_s=0)
    'a'
    >>> schedule.looked("a", now_s=0, suspicious=True), schedule.next(["a", "b"], now_s=0)
    (0.5, 'b')
    """

    def __init__(
        self, camera_ids: Iterable[str], looks: LookSettings, *, now_s: float, slack: float = 0.0
    ) -> None:
        self._looks = looks
        self._slack = slack
        self._turns: dict[str, _Turn] = {}
        self._had = 0
        for camera_id in camera_ids:
            self.add(camera_id, now_s)

    def add(self, camera_id: str, now_s: float) -> None:
        """One more camera, due at once; the turns of the others stay as they are."""
        self._turns[camera_id] = _Turn(now_s, (self._had * _GOLDEN) % 1, self._looks.patrol_interval_s)
        self._had += 1

    def remove(self, camera_id: str) -> None:
        del self._turns[camera_id]

    def next(self, ready: Collection[str], now_s: float) -> str | None:
        """The camera to look at now, among those with a frame; None when nobody is due."""
        return max(
            (camera_id for camera_id in ready if self._lateness(camera_id, now_s) >= 0),
            key=lambda camera_id: self._urgency(camera_id, now_s),
            default=None,
        )

    def looked(
        self, camera_id: str, now_s: float, *, suspicious: bool, ready_since_s: float | None = None
    ) -> float:
        """Record a look; the answer is the camera's interval from now on, in seconds.

        `ready_since_s`: since when its frame could have been looked at; what it waited is the machine's
        doing.
        """
        turn = self._turns[camera_id]
        if ready_since_s is not None:
            waited_s = now_s - max(ready_since_s, turn.due_s - self._slack * turn.interval_s)
            late_s = max(0.0, min(waited_s, now_s - turn.looked_s - turn.interval_s))
            turn.stretch += (1 + late_s / turn.interval_s - turn.stretch) / _STRETCH_LOOKS
        interval_s = self._interval_s(turn, now_s, suspicious)
        if interval_s != turn.interval_s:
            turn.due_s = now_s + interval_s
        else:
            step_s = interval_s
            if turn.looks == 0 and self._slack:
                step_s *= 0.5 + turn.phase  # from now on it keeps its own phase
            turn.due_s = max(turn.due_s + step_s, now_s + interval_s / 2)
        turn.interval_s = interval_s
        turn.looked_s = now_s
        turn.looks += 1
        return interval_s

    def overdue_s(self, now_s: float, ready: Collection[str]) -> float:
        """By how many seconds the most overdue camera with a frame is late."""
        return max((now_s - self._turns[camera_id].due_s for camera_id in ready), default=0.0)

    @property
    def stretch(self) -> float:
        """How much longer than wanted the look intervals are for want of processor time; 1 is as wanted."""
        if not self._turns:
            return 1.0
        return sum(turn.stretch for turn in self._turns.values()) / len(self._turns)

    def _lateness(self, camera_id: str, now_s: float) -> float:
        """In intervals of its own; negative before it is due."""
        turn = self._turns[camera_id]
        return (now_s - turn.due_s) / turn.interval_s + self._slack

    def _urgency(self, camera_id: str, now_s: float) -> float:
        suspicious = self._turns[camera_id].dense_since_s is not None
        return self._lateness(camera_id, now_s) + (SUSPICION if suspicious else 0.0)

    def _interval_s(self, turn: _Turn, now_s: float, suspicious: bool) -> float:
        looks = self._looks
        if not suspicious or now_s < turn.rests_until_s:
            turn.dense_since_s = None
            return looks.patrol_interval_s
        if turn.dense_since_s is None:
            turn.dense_since_s = now_s
        if now_s - turn.dense_since_s > looks.dense_max_s:
            turn.dense_since_s = None
            turn.rests_until_s = now_s + looks.dense_max_s
            return looks.patrol_interval_s
        return min(looks.dense_interval_s, looks.patrol_interval_s)
