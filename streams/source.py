"""The one interface of everything frames come from.

A source is a context manager: entering opens it (or raises SourceError), `frames()` yields until it ends,
leaving closes it. Recorded sources (`streams.recorded`) end; live connections (`streams.rtsp`,
`streams.opencv`) end only by raising SourceError. `streams.live.LiveReader` keeps a live camera connected.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
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
    last_packet_at: datetime | None = None
    clock_skew_s: float | None = None
    key_frame_spacing_s: float | None = None

    def bad(self, reason: str) -> None:
        self.bad_pictures += 1
        self.last_bad_picture = reason

    def plus(self, later: SourceCounts) -> SourceCounts:
        """Both together: sums, and the newest of what is no sum."""
        return SourceCounts(
            self.packets + later.packets,
            self.bytes + later.bytes,
            self.decoded + later.decoded,
            self.bad_pictures + later.bad_pictures,
            later.last_bad_picture or self.last_bad_picture,
            later.last_packet_at or self.last_packet_at,
            self.clock_skew_s if later.clock_skew_s is None else later.clock_skew_s,
            later.key_frame_spacing_s or self.key_frame_spacing_s,
        )


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
