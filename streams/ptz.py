"""Which preset a picture of a turning camera shows, judged from what the camera said of its position.

A picture belongs to a preset only if the camera stood at it from some time before the picture was taken until
after: every reading from then to then must say so, and the readings must not be far apart. Anything else is
"in between", and a picture in between is not looked at: it shows no view that anything is remembered of.

No clock and no I/O here: readings and pictures carry their times (UTC). Positions are the camera's own
numbers (ONVIF's normalised spaces, pan and tilt -1 to 1, zoom 0 to 1). Pan does not wrap: -1 and 1 are the
same place on some cameras and the two ends on others, and a wrong place is worse than a view not looked at.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Position:
    """Where a camera stands; `zoom` is None for one that does not tell it."""

    pan: float
    tilt: float
    zoom: float | None = None

    def off(self, other: Position) -> float:
        """The largest difference in any axis; zoom counts where both tell it.

        >>> Position(0.5, 0.1, 0.2).off(Position(0.5, 0.1))
        0.0
        >>> Position(0.5, 0.1).off(Position(0.25, 0.0))
        0.25
        """
        zoom = abs(self.zoom - other.zoom) if self.zoom is not None and other.zoom is not None else 0.0
        return max(abs(self.pan - other.pan), abs(self.tilt - other.tilt), zoom)


@dataclass(frozen=True)
class Reading:
    """What the camera said between the moment it was asked and the moment its answer was there."""

    asked_at: datetime
    told_at: datetime
    position: Position
    moving: bool | None = None
    """None: it does not say; then its position alone counts."""


@dataclass(frozen=True)
class Standing:
    """What counts as standing at a preset."""

    settle_s: float
    tolerance: float
    farthest_apart_s: float
    """Readings farther apart than this say nothing of the time between them."""


@dataclass(frozen=True)
class Whereabouts:
    """What is known of where a turning camera stands, at one moment, for its health."""

    silent_since: datetime | None
    """Since when it has not said where it stands, once that is too long; looks go on at the last preset."""
    problem: str
    """Why it does not, in words without secrets."""
    between_since: datetime | None
    """Since when all its pictures were in between, and none was looked at."""
    missing: tuple[str, ...] = ()
    """Presets of ours that the camera does not know, or gives no position of: never recognised."""


def preset_of(reading: Reading, presets: Mapping[str, Position], tolerance: float) -> str | None:
    """The preset at which a reading finds the camera; None while it moves or is somewhere else.

    >>> now = datetime(2026, 11, 27)
    >>> presets = {"east": Position(0.5, 0.0), "west": Position(-0.5, 0.0)}
    >>> preset_of(Reading(now, now, Position(0.503, 0.0)), presets, 0.01)
    'east'
    >>> preset_of(Reading(now, now, Position(0.503, 0.0), moving=True), presets, 0.01) is None
    True
    """
    if reading.moving or not presets:
        return None
    nearest = min(presets, key=lambda one: reading.position.off(presets[one]))
    return nearest if reading.position.off(presets[nearest]) <= tolerance else None


def preset_during(
    readings: Sequence[Reading],
    presets: Mapping[str, Position],
    first: datetime,
    last: datetime,
    standing: Standing,
) -> str | None:
    """The preset at which the camera stood from `settle_s` before `first` until `last`; None: in between.

    `first` and `last` are the earliest and the latest moment at which the picture may have been taken.
    `readings` are in the order of their times. Whoever asks has made sure that one was asked for at `last` or
    later (`is_known`).
    """
    begin = first - timedelta(seconds=standing.settle_s)
    before = [index for index, one in enumerate(readings) if one.told_at <= begin]
    after = [index for index, one in enumerate(readings) if one.asked_at >= last]
    if not before or not after:
        return None
    span = readings[before[-1] : after[0] + 1]
    apart = timedelta(seconds=standing.farthest_apart_s)
    if any(later.told_at - sooner.told_at > apart for sooner, later in itertools.pairwise(span)):
        return None
    found = {preset_of(one, presets, standing.tolerance) for one in span}
    return found.pop() if len(found) == 1 else None


def is_known(readings: Sequence[Reading], last: datetime) -> bool:
    """Whether the camera has been asked since `last`: sooner nobody knows whether it stood still so long."""
    return bool(readings) and readings[-1].asked_at >= last
