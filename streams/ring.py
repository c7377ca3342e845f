"""The last half minute of a camera's packets, as it sent them: what a clip's lead-up is cut from.

The ring is a tap (`streams.tap`) on the one connection a camera has. It begins and is shortened at key
frames, so that what it holds can always be decoded; it is bounded in seconds and in bytes, whichever comes
first, over reconnections. Packets are numbered without gaps: who records follows with `after`. Their bytes
are copied into memory of the ring's own (`streams.packet_memory`).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import cast

from av.packet import Packet
from av.video.stream import VideoStream

from streams.packet_memory import PacketMemory, Place

SECONDS = 30.0
MOST_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class RingPacket:
    """One packet. Those of one `connection` have one `template` and one time base."""

    number: int
    connection: int
    packet: Packet[VideoStream]
    """A copy: it may be changed."""
    captured_at: datetime


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a `RingPacket` is made of."""

    number: int
    connection: int
    captured_at: datetime
    place: Place
    is_keyframe: bool
    pts: int | None
    dts: int | None
    time_base: Fraction | None


class PacketRing:
    """A `PacketTap` that remembers. Written by the reader's thread, read by any."""

    def __init__(self, seconds: float = SECONDS, most_bytes: int = MOST_BYTES) -> None:
        self._length = timedelta(seconds=seconds)
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._memory = PacketMemory()
        self._packets: deque[_Kept] = deque()
        self._keys: deque[_Kept] = deque()
        """The key frames among them."""
        self._bytes = 0
        self._next_number = 0
        self._connection = 0
        self._templates: dict[int, VideoStream] = {}
        self._begun = False
        """A key frame of this connection has come."""

    # The tap

    def opened(self, template: VideoStream) -> None:
        with self._lock:
            self._connection += 1
            self._templates[self._connection] = template
            self._begun = False

    def packet(self, packet: Packet[VideoStream], captured_at: datetime) -> None:
        with self._lock:
            self._begun = self._begun or packet.is_keyframe
            if not self._begun:
                return
            kept = _Kept(
                self._next_number,
                self._connection,
                captured_at,
                self._memory.keep(bytes(packet)),
                packet.is_keyframe,
                packet.pts,
                packet.dts,
                packet.time_base,
            )
            self._next_number += 1
            self._packets.append(kept)
            self._bytes += packet.size
            if packet.is_keyframe:
                self._keys.append(kept)
            self._shorten(captured_at)

    def closed(self) -> None:
        pass  # what was recorded up to the break is what evidence needs

    # For who records

    def after(self, number: int) -> Iterator[RingPacket]:
        """What came after packet `number` (-1: everything), as far as it is still here when it is asked for.

        One by one: half a minute of video is never held twice, and the reader waits for one copy at most.
        """
        while (found := self._copy_after(number)) is not None:
            yield found
            number = found.number

    def _copy_after(self, number: int) -> RingPacket | None:
        with self._lock:
            if not self._packets or self._packets[-1].number <= number:
                return None
            kept = self._packets[max(0, number + 1 - self._packets[0].number)]
            copy = self._memory.read(kept.place)
        packet = cast("Packet[VideoStream]", Packet(copy))
        packet.pts, packet.dts, packet.is_keyframe = kept.pts, kept.dts, kept.is_keyframe
        if kept.time_base is not None:
            packet.time_base = kept.time_base
        return RingPacket(kept.number, kept.connection, packet, kept.captured_at)

    def template(self, connection: int) -> VideoStream | None:
        """What a file with packets of this connection is made of; None when they are long gone."""
        with self._lock:
            return self._templates.get(connection)

    @property
    def is_used(self) -> bool:
        """Whether the camera sends packets at all."""
        return self._connection > 0

    @property
    def newest_at(self) -> datetime | None:
        with self._lock:
            return self._packets[-1].captured_at if self._packets else None

    @property
    def bytes(self) -> int:
        return self._bytes

    @property
    def seconds(self) -> float:
        with self._lock:
            if not self._packets:
                return 0.0
            return (self._packets[-1].captured_at - self._packets[0].captured_at).total_seconds()

    def _shorten(self, now: datetime) -> None:
        """Drop whole groups from the front: too many bytes, or enough seconds without them."""
        while len(self._keys) > 1 and (
            self._bytes > self._most_bytes or now - self._keys[1].captured_at >= self._length
        ):
            self._drop_before(self._keys[1].number)
        if self._bytes > self._most_bytes:  # one endless group: of no use without its beginning
            self._drop_before(self._next_number)
            self._begun = False
        if len(self._templates) > 1:
            held = {self._connection, *(key.connection for key in self._keys)}
            self._templates = {one: made for one, made in self._templates.items() if one in held}

    def _drop_before(self, number: int) -> None:
        while self._packets and self._packets[0].number < number:
            gone = self._packets.popleft()
            self._memory.forget(gone.place)
            self._bytes -= gone.place.size
        while self._keys and self._keys[0].number < number:
            self._keys.popleft()
