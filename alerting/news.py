"""What of a sighting is news about a fire that is known: it grew, moved, flared up again, flames or another
camera saw it. Pure. Everything else is a quiet repeat: one fire does not alarm again and again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerting.association import Observation
from detector.detection import Box, Label

GROWN = 2.0
"""A box this many times the largest that receivers know of is worth telling them again."""

SEEN_AGAIN_AFTER_S = 600.0
"""Seen again after this long: it flared up anew."""

GROWING = "has grown"

MOVED = 0.5
"""The foot has left the boxes receivers know of, each made so much larger: it moved."""

CALM_AFTER_NEWS = timedelta(seconds=60)
"""Growing and moving are told once in so long; what was left untold is told then."""


@dataclass(frozen=True)
class KnownFire:
    """What is known of the fire. `told`: the observations that receivers were told about."""

    label: Label
    camera_ids: Collection[str]
    last_seen_at: datetime
    told: Sequence[Observation]


def news_of(known: KnownFire, seen: Observation, label: Label, camera_name: str) -> list[str]:
    """In words; empty for a quiet repeat."""
    news = []
    if label == "fire" and known.label != "fire":
        news.append("flames seen")
    if seen.camera_id not in known.camera_ids:
        news.append(f"also seen by {camera_name}")
    quiet_s = (seen.first_seen_at - known.last_seen_at).total_seconds()
    if quiet_s >= SEEN_AGAIN_AFTER_S:
        news.append(f"seen again after {quiet_s / 60:.0f} min")
    same_view = [one for one in known.told if (one.camera_id, one.preset) == (seen.camera_id, seen.preset)]
    if same_view and all(abs(seen.confirmed_at - one.confirmed_at) >= CALM_AFTER_NEWS for one in same_view):
        if seen.box.area_px2 >= GROWN * max(one.box.area_px2 for one in same_view):
            news.append(GROWING)
        if not any(_stands_in(seen.box, one.box.widened(MOVED)) for one in same_view):
            news.append("has moved")
    return news


def _stands_in(box: Box, around: Box) -> bool:
    """Whether the foot of `box`, the middle of its lower edge, lies within `around`."""
    return around.x1 <= (box.x1 + box.x2) / 2 <= around.x2 and around.y1 <= box.y2 <= around.y2
