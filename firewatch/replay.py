"""The production pipeline over recorded footage, on the footage's own clock.

The same schedule of looks, pipeline and masks as a live worker, with time taken from the frames: the same
footage, weights and settings give the same decisions every time, as fast as the machine can or at a chosen
speed. What is made of it (video, events, snapshots, alerts) is for the observers.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from config import LookSettings, Mask
from detector.errors import FootageError
from detector.pipeline import LookResult, Pipeline
from firewatch.masks import is_ignored, without_private_parts
from firewatch.schedule import LookSchedule
from streams.frame import Frame
from streams.source import Source


class ReplayObserver(Protocol):
    """Is told everything a replay sees, in the order of the footage."""

    def frame(self, frame: Frame, footage_s: float, latest: LookResult | None) -> None:
        """Each frame, with the latest look (of this frame or an earlier one)."""
        ...

    def look(self, frame: Frame, footage_s: float, result: LookResult) -> None:
        """Each look, before the frame it was made on is told; ignored sightings are taken out already."""
        ...


@dataclass
class ReplayCounts:
    """What a replay met."""

    frames: int = 0
    looks: int = 0
    bad_pictures: int = 0
    sightings: int = 0
    footage_s: float = 0.0


def replay(
    source: Source,
    pipeline: Pipeline,
    looks: LookSettings,
    observers: Sequence[ReplayObserver],
    *,
    masks: Sequence[Mask] = (),
    speed: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> ReplayCounts:
    """Pass all frames of the opened `source` through `pipeline`; `speed` None is as fast as possible."""
    counts = ReplayCounts()
    schedule = LookSchedule([source.camera_id], looks, now_s=0.0)
    first_at: datetime | None = None
    latest: LookResult | None = None
    started_s = monotonic()
    for raw in source.frames():
        frame = without_private_parts(raw, masks)
        first_at = first_at or frame.captured_at
        footage_s = (frame.captured_at - first_at).total_seconds()
        if speed is not None:
            sleep(max(0.0, started_s + footage_s / speed - monotonic()))
        if schedule.next([source.camera_id], footage_s) is not None:
            latest = _without_ignored(pipeline.look(frame), frame, masks)
            schedule.looked(source.camera_id, footage_s, suspicious=latest.suspicious)
            counts.looks += 1
            counts.bad_pictures += latest.look.bad_picture is not None
            counts.sightings += len(latest.sightings)
            for observer in observers:
                observer.look(frame, footage_s, latest)
        for observer in observers:
            observer.frame(frame, footage_s, latest)
        counts.frames += 1
        counts.footage_s = footage_s
    return counts


def speed_of(text: str) -> float | None:
    """The factor a `--speed` asks for; None for `max`. Raises FootageError.

    >>> speed_of("max"), speed_of("1x"), speed_of("2.5x")
    (None, 1.0, 2.5)
    """
    if text == "max":
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)x", text)
    factor = float(found[1]) if found else 0.0
    if factor <= 0:
        raise FootageError(f"--speed {text}: give max, 1x, or a multiple such as 4x")
    return factor


def _without_ignored(result: LookResult, frame: Frame, masks: Sequence[Mask]) -> LookResult:
    kept = tuple(sighting for sighting in result.sightings if not is_ignored(sighting.box, frame, masks))
    if len(kept) == len(result.sightings):
        return result
    return LookResult(result.look, result.tracks, kept, result.suspicious)
