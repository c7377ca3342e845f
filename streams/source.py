"""The one interface of everything frames come from.

A source is a context manager: entering opens it (or raises SourceError), `frames()` yields until it ends,
leaving closes it. Recorded sources (`streams.recorded`) end; live connections (`streams.rtsp`,
`streams.opencv`) end only by raising SourceError. `streams.live.LiveReader` keeps a live camera connected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from streams.errors import BadPicture
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
    last_packet_s: float = 0.0
    """As `last_packet_at`, on the monotonic clock."""
    clock_skew_s: float | None = None
    key_frame_spacing_s: float | None = None
    remark: str = ""
    """What a person should mend at the camera, in words."""

    def bad(self, reason: str, times: int = 1) -> None:
        self.bad_pictures += times
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
            later.last_packet_s or self.last_packet_s,
            self.clock_skew_s if later.clock_skew_s is None else later.clock_skew_s,
            later.key_frame_spacing_s or self.key_frame_spacing_s,
            later.remark,
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


class Arrival(Protocol):
    """Something new to look at. What nobody looks at is never decoded."""

    def frame(self) -> Frame | None:
        """The picture, or a newer one if it came meanwhile; None when that was given already.

        Raises BadPicture. For the one thread that looks.
        """
        ...


@dataclass(frozen=True)
class Ready:
    """An arrival that is decoded already."""

    ready: Frame

    def frame(self) -> Frame:
        return self.ready


class LiveConnection(Source, Protocol):
    """One connection to a live camera."""

    wanted_interval_s: float
    """Seconds between the frames somebody wants; may be changed at any time. A wish shorter than the spacing
    of key frames makes the source decode every picture instead of key frames only."""

    def arrivals(self) -> Iterator[Arrival]:
        """As `frames`, without decoding. Pictures may be left out that are wanted by nobody."""
        ...

    def abandon(self) -> None:
        """From another thread: nobody waits for this connection any more; it must deliver nothing."""
        ...


def pictures_of(arrivals: Iterable[Arrival]) -> Iterator[Frame]:
    """Every picture that can be decoded, for those who look at all of them."""
    for arrival in arrivals:
        try:
            frame = arrival.frame()
        except BadPicture:
            continue
        if frame is not None:
            yield frame
