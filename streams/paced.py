"""Recorded footage as if it were live: in real time, over and over, captured "now"."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from types import TracebackType
from typing import Self

from streams.frame import Frame
from streams.source import Arrival, Ready, Source, SourceCounts


class PacedSource:
    """A file or folder in a deployment's camera list: a stand-in for a camera, e.g. for a demonstration.

    Frames carry the present as their capture time; the first one of each round says `new_footage`.
    """

    def __init__(
        self,
        open_footage: Callable[[], Source],
        camera_id: str,
        *,
        wanted_interval_s: float = 2.0,
        sequence: Iterator[int] | None = None,
    ) -> None:
        self.camera_id = camera_id
        self.wanted_interval_s = wanted_interval_s
        self.counts = SourceCounts()
        self._open_footage = open_footage
        self._sequence = sequence or count(1)
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        with self._open_footage():
            return self  # opening it is the check

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()

    def arrivals(self) -> Iterator[Arrival]:
        return map(Ready, self.frames())

    def abandon(self) -> None:
        """Nothing to do: what comes late is dropped by the reader."""

    def frames(self) -> Iterator[Frame]:
        while not self._closed.is_set():
            yield from self._once()

    def _once(self) -> Iterator[Frame]:
        began = datetime.now(UTC)
        first: datetime | None = None
        with self._open_footage() as footage:
            self.counts = footage.counts
            for frame in footage.frames():
                opens = first is None
                first = first or frame.captured_at
                due = began + (frame.captured_at - first)
                if self._closed_before(due):
                    return
                yield dataclasses.replace(
                    frame, captured_at=datetime.now(UTC), sequence=next(self._sequence), new_footage=opens
                )

    def _closed_before(self, due: datetime) -> bool:
        """Wait until `due`; a pause in the recording is not a silent camera."""
        while True:
            self.counts.last_packet_s = time.monotonic()
            wait_s = (due - datetime.now(UTC)).total_seconds()
            if wait_s <= 0:
                return self._closed.is_set()
            if self._closed.wait(min(wait_s, 1.0)):
                return True
