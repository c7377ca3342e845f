"""The one interface of everything frames come from.

A source is a context manager: entering opens it (or raises SourceError), `frames()` yields until it ends,
leaving closes it. Recorded sources (`streams.recorded`) end; live connections (`streams.rtsp`,
`streams.opencv`) end only by raising SourceError. `streams.live.LiveReader` keeps a live camera connected.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from streams.frame import Frame


@dataclass
class SourceCounts:
    """What a source met since it was opened; read by anyone, written by the source."""

    packets: int = 0
    bytes: int = 0
    decoded: int = 0
    bad_pictures: int = 0
    last_bad_picture: str = ""

    def bad(self, reason: str) -> None:
        self.bad_pictures += 1
        self.last_bad_picture = reason


class Source(Protocol):
    """Frames of one camera, in capture order, sequence numbers rising."""

    camera_id: str
    counts: SourceCounts

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def frames(self) -> Iterator[Frame]: ...


class LiveConnection(Source, Protocol):
    """One connection to a live camera."""

    wanted_interval_s: float
    """Seconds between the frames somebody wants; may be changed at any time. A wish shorter than the spacing
    of key frames makes the source decode every picture instead of key frames only."""
