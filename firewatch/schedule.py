"""Whose turn it is: when each camera is due for its next look. A pure function of the times given to it.

Every camera has a due time. Among the cameras that have a fresh frame the one most overdue is next, so
that none starves however slow the machine is: under overload the intervals stretch, the order stays fair.
A suspicious camera is due at the dense interval; when suspicion lasts longer than `dense_max_s` it rests
on patrol for as long, so that one restless view cannot eat the machine.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from config import LookSettings


@dataclass
class _Turn:
    due_s: float
    dense_since_s: float | None = None
    rests_until_s: float = float("-inf")


class LookSchedule:
    """Due times of the cameras of one worker, on a monotonic clock in seconds.

    >>> schedule = LookSchedule(["a", "b"], LookSettings(patrol_interval_s=2, dense_interval_s=0.5), now_s=0)
    >>> schedule.next(["a", "b"], now_s=0)
    'a'
    >>> schedule.looked("a", now_s=0, suspicious=True), schedule.next(["a", "b"], now_s=0)
    (0.5, 'b')
    """

    def __init__(self, camera_ids: Iterable[str], looks: LookSettings, *, now_s: float) -> None:
        self._looks = looks
        self._turns = {camera_id: _Turn(now_s) for camera_id in camera_ids}

    def next(self, ready: Collection[str], now_s: float) -> str | None:
        """The camera to look at now, among those with a frame; None when nobody is due."""
        due = [camera_id for camera_id in ready if self._turns[camera_id].due_s <= now_s]
        return min(due, key=lambda camera_id: self._turns[camera_id].due_s, default=None)

    def looked(self, camera_id: str, now_s: float, *, suspicious: bool) -> float:
        """Record a look; the answer is the camera's interval from now on, in seconds."""
        turn = self._turns[camera_id]
        interval_s = self._interval_s(turn, now_s, suspicious)
        turn.due_s = now_s + interval_s
        return interval_s

    def overdue_s(self, now_s: float, ready: Collection[str]) -> float:
        """By how many seconds the most overdue camera with a frame is late: the measure of overload."""
        return max((now_s - self._turns[camera_id].due_s for camera_id in ready), default=0.0)

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
