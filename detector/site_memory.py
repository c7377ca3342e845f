"""What one view usually shows at this hour, and what operators said it was: chimney, glare, valley fog.

A thing that scores every afternoon at three is no news at three. The policy, in words:

1. The **usual score** of a place is the highest score seen there within an hour of this time of day on the
   last `DAYS` days. Yesterday's same hour is the youngest that counts, so that the last half day, and with
   it a fire that burns, never explains itself away. Fires that people confirmed are left out altogether.
2. A sighting that an operator dismissed (false alarm with its cause, or other smoke) is usual at its place
   with its own score at once: for `DISMISSED_FOR_S` after it, and within an hour of its time of day for
   `DISMISSED_DAYS` days; lights, water and other smoke, which keep no hours, all day long.
3. A new score must rise **clearly** above the usual one (`CLEARLY` times, and by `LEAST_RISE`), else it is
   doubted: a quarter of it counts, as for things that hang in the sky. Nothing is ever masked out, and a
   score of `SURE` is never doubted.

Pure state, asked by one thread and told by another (`judged`, `to_bytes`): times come with the calls,
`to_bytes` and `from_bytes` are all that keeping it needs, and a `SiteMemoryKeeper` is what keeps it. Bounded:
one grid of bytes an hour for `DAYS` days, 130 KB a view. Places are shares of the picture, so a change of
resolution changes nothing.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
import numpy.typing as npt

from detector.detection import LABELS, Box, Detection, Label, Sighting, Usual

COLUMNS, ROWS = 24, 16
DAYS = 7
DISMISSED_DAYS = 14
DISMISSED_FOR_S = 3 * 3600.0
ALL_DAY_CAUSES = frozenset({"light", "water", "other_smoke"})
CLEARLY = 1.25
LEAST_RISE = 0.03
SURE = 0.9
DOUBT_SHARE = 0.25
FIRE_LASTS_S = 24 * 3600.0

_HOUR_S = 3600
_Grid = npt.NDArray[np.uint8]
"""Class x row x column: the highest score there, 0..255."""


@dataclass(frozen=True)
class Dismissal:
    """A sighting somebody said was no wildfire. `box` in shares (0..1) of the picture."""

    label: Label
    box: Box
    at: datetime
    score: float
    cause: str


@dataclass(frozen=True)
class KnownFire:
    """A sighting somebody confirmed as a wildfire: its scores say nothing about what is usual."""

    box: Box
    since: datetime


class SiteMemoryKeeper(Protocol):
    """Keeps the memories of views between runs. Raises nothing: a memory that cannot be read is empty."""

    def load(self, camera_id: str, preset: str | None) -> bytes | None: ...

    def save(self, camera_id: str, preset: str | None, state: bytes) -> None: ...


class SiteMemory:
    """The memory of one camera and preset.

    >>> from datetime import UTC
    >>> memory, noon = SiteMemory(), datetime(2026, 5, 1, 12, tzinfo=UTC)
    >>> memory.record(noon, [Detection("smoke", 0.4, Box(100, 100, 120, 120))], (640, 480))
    >>> tomorrow = noon + timedelta(hours=24)
    >>> memory.usual("smoke", Box(0.16, 0.2, 0.18, 0.24), tomorrow)
    Usual(score=0.4, cause=None)
    >>> memory.usual("smoke", Box(0.16, 0.2, 0.18, 0.24), tomorrow + timedelta(hours=5)) is None
    True
    """

    def __init__(self) -> None:
        self._hours: dict[int, _Grid] = {}
        self._dismissals: tuple[Dismissal, ...] = ()
        self._fires: tuple[KnownFire, ...] = ()
        self._usual_at: tuple[int, _Grid] | None = None

    def record(self, at: datetime, detections: Sequence[Detection], size_px: tuple[int, int]) -> None:
        """Remember the scores of one look, before any doubt, on a picture of `size_px` (width, height)."""
        if not detections:
            return
        hour = _hour(at)
        grid = self._hours.get(hour)
        if grid is None:
            grid = self._hours[hour] = np.zeros((len(LABELS), ROWS, COLUMNS), np.uint8)
            self._hours = {h: g for h, g in self._hours.items() if hour - h <= DAYS * 24 + 1}
        for detection in detections:
            part = _part(grid, detection.label, _shares(detection.box, size_px))
            np.maximum(part, round(detection.confidence * 255), out=part)

    def judged(self, dismissals: Collection[Dismissal], fires: Collection[KnownFire]) -> None:
        """What operators decided about sightings of this view; replaces what was told before."""
        self._dismissals, self._fires = tuple(dismissals), tuple(fires)
        self._usual_at = None

    def usual(self, label: Label, box: Box, at: datetime) -> Usual | None:
        """What is usual at `box` (shares of the picture) at this hour, or None."""
        known = [d for d in self._dismissals if d.label == label and _counts(d, box, at)]
        strongest = max(known, key=lambda d: d.score, default=None)
        seen = round(float(_part(self._usual_grid(_hour(at)), label, box).max()) / 255, 2)
        if strongest is not None and strongest.score >= seen:
            return Usual(strongest.score, strongest.cause)
        return Usual(seen, known[0].cause if known else None) if seen > 0 else None

    def doubted(
        self, detections: Sequence[Detection], size_px: tuple[int, int], at: datetime
    ) -> tuple[Detection, ...]:
        """The detections, a quarter of the score for those that are nothing new here, strongest first."""

        def judge(detection: Detection) -> Detection:
            usual = self.usual(detection.label, _shares(detection.box, size_px), at)
            if usual is None or not is_usual(detection.confidence, usual):
                return detection
            return replace(detection, confidence=round(detection.confidence * DOUBT_SHARE, 4))

        return tuple(sorted(map(judge, detections), key=lambda d: -d.confidence))

    def to_bytes(self) -> bytes:
        """Everything that was seen. What people decided is not in it: that lives in the store."""
        grids = dict(self._hours)
        hours = sorted(grids)
        head = json.dumps({"version": 1, "columns": COLUMNS, "rows": ROWS, "hours": hours}).encode()
        return zlib.compress(head + b"\n" + b"".join(grids[hour].tobytes() for hour in hours))

    @staticmethod
    def from_bytes(state: bytes) -> SiteMemory:
        """What `to_bytes` wrote. Raises ValueError where it did not."""
        memory = SiteMemory()
        try:
            head, _, body = zlib.decompress(state).partition(b"\n")
            written = json.loads(head)
            grids = np.frombuffer(body, np.uint8).reshape(-1, len(LABELS), ROWS, COLUMNS)
            if (written["columns"], written["rows"], len(written["hours"])) != (COLUMNS, ROWS, len(grids)):
                raise ValueError("of another shape")
            memory._hours = {int(h): grid.copy() for h, grid in zip(written["hours"], grids, strict=True)}
        except (zlib.error, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not a site memory of this program ({error})") from None
        return memory

    def _usual_grid(self, hour: int) -> _Grid:
        """The highest score of each place within an hour of this time of day on the days before."""
        known = self._usual_at
        if known is None or known[0] != hour:
            grid = np.zeros((len(LABELS), ROWS, COLUMNS), np.uint8)
            for day in range(1, DAYS + 1):
                for near in (-1, 0, 1):
                    earlier = hour - 24 * day + near
                    if earlier in self._hours:
                        np.maximum(grid, self._without_fires(earlier), out=grid)
            known = self._usual_at = (hour, grid)
        return known[1]

    def _without_fires(self, hour: int) -> _Grid:
        grid = self._hours[hour]
        for fire in self._fires:
            if _hour(fire.since) <= hour <= _hour(fire.since + timedelta(seconds=FIRE_LASTS_S)):
                grid = grid.copy()
                for label in LABELS:
                    _part(grid, label, fire.box.widened(1.0))[:] = 0
        return grid


def is_usual(score: float, usual: Usual) -> bool:
    """Whether `score` is nothing new where `usual` is.

    >>> is_usual(0.45, Usual(0.4)), is_usual(0.6, Usual(0.4)), is_usual(0.95, Usual(0.9))
    (True, False, False)
    """
    return score < min(SURE, max(usual.score * CLEARLY, usual.score + LEAST_RISE))


def with_usual(sighting: Sighting, memory: SiteMemory | None) -> Sighting:
    """The sighting with what is usual at its place at this hour, which it has risen above."""
    if memory is None:
        return sighting
    share = _shares(sighting.box, (sighting.width_px, sighting.height_px))
    usual = memory.usual(sighting.label, share, sighting.confirmed_at)
    if usual is None:
        return sighting
    said = f", which people called {usual.cause}" if usual.cause else ""
    reason = f"{sighting.reason}; usual here at this hour: {usual.score:.2f}{said}"
    return replace(sighting, usual=usual, reason=reason)


def _hour(at: datetime) -> int:
    return int(at.timestamp() // _HOUR_S)


def _shares(box: Box, size_px: tuple[int, int]) -> Box:
    width, height = size_px
    return Box(box.x1 / width, box.y1 / height, box.x2 / width, box.y2 / height)


def _part(grid: _Grid, label: Label, box: Box) -> _Grid:
    """The cells that `box` (shares) touches, at least one."""
    left, right = (min(max(int(x * COLUMNS), 0), COLUMNS - 1) for x in (box.x1, box.x2))
    top, bottom = (min(max(int(y * ROWS), 0), ROWS - 1) for y in (box.y1, box.y2))
    return grid[LABELS.index(label), top : bottom + 1, left : right + 1]


def _counts(dismissal: Dismissal, box: Box, at: datetime) -> bool:
    """Whether a dismissal says something about `box` at `at`."""
    if dismissal.box.widened(0.5).intersection_px2(box.widened(0.5)) <= 0:
        return False
    since_s = (at - dismissal.at).total_seconds()
    if since_s < 0 or since_s > DISMISSED_DAYS * 24 * _HOUR_S:
        return False
    off_s = abs((since_s + 12 * _HOUR_S) % (24 * _HOUR_S) - 12 * _HOUR_S)  # from the same time of day
    return since_s <= DISMISSED_FOR_S or dismissal.cause in ALL_DAY_CAUSES or off_s <= _HOUR_S
