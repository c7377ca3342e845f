"""The reader of a turning camera: every frame it hands out carries its preset, and what was taken in between
is handed out to nobody.

This is the one place where a live frame gets its preset. A picture waits until the camera has been asked once
more: only then it is known that the camera had not begun to turn. What is thrown away here is not looked at,
not judged by health and not remembered.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from streams.capture_clock import LARGEST_SKEW_S
from streams.frame import Frame
from streams.live import LiveReader
from streams.preset_watch import NoPlace, Place, PresetWatch
from streams.source import LiveConnection
from streams.vitals import Vitals


class PresetReader(LiveReader):
    """As `LiveReader`, with the preset in each frame."""

    def __init__(
        self, camera_id: str, connect: Callable[[], LiveConnection], watch: PresetWatch, **options: Any
    ) -> None:
        super().__init__(camera_id, connect, **options)
        self._preset_watch = watch
        self._held: Frame | None = None
        self._between_since: datetime | None = None

    def start(self) -> None:
        self._preset_watch.start()
        super().start()

    def stop(self) -> None:
        self._preset_watch.stop()
        super().stop()

    def join(self, timeout_s: float) -> bool:
        deadline_s = time.monotonic() + timeout_s
        ended = super().join(timeout_s)
        return self._preset_watch.join(max(0.0, deadline_s - time.monotonic())) and ended

    def take(self) -> Frame | None:
        frame, self._held = self._held or super().take(), None
        if frame is None:
            return None
        place = self._place(frame)
        if place is NoPlace.PENDING:
            self._held = frame
            return None
        if isinstance(place, NoPlace):
            self._between_since = self._between_since or datetime.now(UTC)
            if frame.new_footage:
                with self._lock:
                    self._new_footage = True  # the mark must not be lost with the frame that carries it
            return None
        self._between_since = None
        return dataclasses.replace(frame, preset=place.preset, place_unsure=not place.sure)

    @property
    def has_frame(self) -> bool:
        if self._held is None:
            return super().has_frame
        return self._place(self._held) is not NoPlace.PENDING

    @property
    def ready_since_s(self) -> float | None:
        """None for a picture that waited for the camera's word: the machine was not too slow for it."""
        return super().ready_since_s if self._held is None else None

    def vitals(self) -> Vitals:
        where = self._preset_watch.whereabouts(self._between_since)
        return dataclasses.replace(super().vitals(), whereabouts=where)

    def _place(self, frame: Frame) -> Place | NoPlace:
        """By the camera's clock and by ours, whichever is the harder: its positions are told on ours."""
        skew_s = self._counts().clock_skew_s or 0.0
        trusted = abs(skew_s) <= LARGEST_SKEW_S
        arrived_at = frame.captured_at - timedelta(seconds=skew_s if trusted else 0.0)
        return self._preset_watch.place(
            min(frame.captured_at, arrived_at), max(frame.captured_at, arrived_at)
        )
