"""Encoded pictures on their way to a viewer, and the bounded queue that a slow viewer falls off.

Times are ticks of 1/90000 s, as in RTP. A queue that is full forgets everything up to its newest key frame,
and, when that is not in it any more, everything until the next one comes: whoever is slow sees a jump, never
a growing delay, and never a picture built on one that was left out.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

TICKS_PER_S = 90_000
MOST_PACKETS = 250
MOST_BYTES = 8_000_000


@dataclass(frozen=True, slots=True)
class VideoPacket:
    """One encoded picture. A key frame carries all that is needed to begin with it."""

    data: bytes
    ticks: int
    is_key: bool


class PacketQueue:
    """A first-in first-out queue of packets with a limit. Not thread-safe.

    >>> queue = PacketQueue(most_packets=3)
    >>> for ticks, key in enumerate([True, False, False, False, False, True, False]):
    ...     queue.push(VideoPacket(b"", ticks, key))
    >>> [queue.pop().ticks for _ in range(len(queue))], queue.dropped
    ([5, 6], 5)
    """

    def __init__(self, most_packets: int = MOST_PACKETS, most_bytes: int = MOST_BYTES) -> None:
        self.dropped = 0
        self._most_packets = most_packets
        self._most_bytes = most_bytes
        self._packets: deque[VideoPacket] = deque()
        self._bytes = 0
        self._broken = False
        """A picture was left out: what follows is of no use before the next key frame."""

    def __len__(self) -> int:
        return len(self._packets)

    def push(self, packet: VideoPacket) -> None:
        if self._broken and not packet.is_key:
            self.dropped += 1
            return
        self._broken = False
        self._packets.append(packet)
        self._bytes += len(packet.data)
        if len(self._packets) > self._most_packets or self._bytes > self._most_bytes:
            self._fall_back()

    def pop(self) -> VideoPacket:
        packet = self._packets.popleft()
        self._bytes -= len(packet.data)
        return packet

    def clear(self) -> None:
        self.dropped += len(self._packets)
        self._packets.clear()
        self._bytes, self._broken = 0, True

    def _fall_back(self) -> None:
        """Keep what begins with the newest key frame, unless that is all there is."""
        newest = max((index for index, packet in enumerate(self._packets) if packet.is_key), default=0)
        if newest == 0:
            self.clear()
            return
        for _ in range(newest):
            self.pop()
        self.dropped += newest


class PictureGroup:
    """The packets since the newest key frame: a newcomer begins with them. Bounded; empty when too long.

    >>> group = PictureGroup()
    >>> for ticks, key in [(0, True), (9, False), (18, True), (27, False), (36, False)]:
    ...     group.add(VideoPacket(b"", ticks, key))
    >>> [(packet.ticks, packet.is_key) for packet in group.caught_up()]
    [(-144, True), (-54, False), (36, False)]
    """

    CATCH_UP_TICKS = TICKS_PER_S // 1000
    """Pictures of the past are shown this far apart: a newcomer sees the present at once."""

    def __init__(self) -> None:
        self._packets: list[VideoPacket] = []
        self._bytes = 0

    def add(self, packet: VideoPacket) -> None:
        if packet.is_key:
            self._packets, self._bytes = [], 0
        elif not self._packets:
            return
        self._packets.append(packet)
        self._bytes += len(packet.data)
        if len(self._packets) > 2 * MOST_PACKETS or self._bytes > 2 * MOST_BYTES:
            self.clear()

    def clear(self) -> None:
        self._packets, self._bytes = [], 0

    def caught_up(self) -> list[VideoPacket]:
        """The group with its times moved together up to the present."""
        if not self._packets:
            return []
        last, count = self._packets[-1].ticks, len(self._packets)
        return [
            VideoPacket(packet.data, last - (count - 1 - index) * self.CATCH_UP_TICKS, packet.is_key)
            for index, packet in enumerate(self._packets)
        ]


class StreamClock:
    """Ticks of our monotonic clock that follow a camera's and always rise, over reconnections and jumps.

    >>> clock = StreamClock()
    >>> [clock.ticks(t, now) for t, now in [(5000, 1.0), (8600, 1.04), (100, 3.04), (3700, 3.08)]]
    [90000, 93600, 273600, 277200]
    """

    LARGEST_STEP_TICKS = 10 * TICKS_PER_S

    def __init__(self) -> None:
        self._offset: int | None = None
        self._last, self._last_s = 0, 0.0

    def ticks(self, camera_ticks: int | None, now_s: float) -> int:
        """`camera_ticks` is the packet's own time; `now_s` a monotonic time, for where that fails."""
        expected = self._last + max(1, round((now_s - self._last_s) * TICKS_PER_S))
        if camera_ticks is None:
            result = expected
        else:
            if (
                self._offset is None
                or not 0 < camera_ticks + self._offset - self._last < self.LARGEST_STEP_TICKS
            ):
                self._offset = expected - camera_ticks
            result = camera_ticks + self._offset
        self._last, self._last_s = result, now_s
        return result


class PictureOrder:
    """Whether pictures come in another order than they are shown in (B-frames), which browsers cannot play.

    >>> order = PictureOrder(False)
    >>> for pts in (0, 9, 3, 6):
    ...     order.saw(pts)
    >>> order.is_reordered, order.is_known
    (True, True)
    """

    ENOUGH = 8
    """B-frames show within four pictures."""
    LARGEST_STEP_BACK = 5 * TICKS_PER_S
    """A larger one is a camera that jumps in time."""

    def __init__(self, declared: bool) -> None:
        self.is_reordered = declared
        self._seen = 0
        self._last: int | None = None

    @property
    def is_known(self) -> bool:
        return self.is_reordered or self._seen >= self.ENOUGH

    def saw(self, pts: int | None) -> None:
        """The next packet's time, in RTP's ticks."""
        self._seen += 1
        if pts is not None and self._last is not None and 0 < self._last - pts < self.LARGEST_STEP_BACK:
            self.is_reordered = True
        self._last = pts
