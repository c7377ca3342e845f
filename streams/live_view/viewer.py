"""One browser's video: a WebRTC track that hands out a feed's packets as they are."""

from __future__ import annotations

import asyncio
from fractions import Fraction

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av.packet import Packet
from av.stream import Stream

from streams.live_view.feed import Feed
from streams.live_view.packets import TICKS_PER_S, PacketQueue, VideoPacket

_TIME_BASE = Fraction(1, TICKS_PER_S)


class ViewerTrack(MediaStreamTrack):
    """Begins with the newest key frame at the first `recv`, that is once the browser is connected."""

    kind = "video"

    def __init__(self, feed: Feed) -> None:
        super().__init__()
        self.queue = PacketQueue()
        self.sent = 0
        self._feed = feed
        self._first: list[VideoPacket] | None = None
        self._news = asyncio.Event()
        self._last_ticks: int | None = None

    def push(self, packet: VideoPacket) -> None:
        self.queue.push(packet)
        self._news.set()

    async def recv(self) -> Packet[Stream]:
        if self._first is None:
            self._first = self._feed.add_viewer(self)[::-1]
            if not self._first:
                self.queue.clear()  # nothing before the next key frame is of use
        if self._first:
            return self._packet(self._first.pop())
        while not len(self.queue):
            if self.readyState != "live":
                raise MediaStreamError
            self._news.clear()
            await self._news.wait()
        return self._packet(self.queue.pop())

    def stop(self) -> None:
        self._feed.remove_viewer(self)
        self._first = []
        super().stop()
        self._news.set()

    def _packet(self, packet: VideoPacket) -> Packet[Stream]:
        ticks = packet.ticks if self._last_ticks is None else max(packet.ticks, self._last_ticks + 1)
        self._last_ticks = ticks
        made = Packet(packet.data)
        made.pts, made.time_base = ticks, _TIME_BASE
        self.sent += 1
        return made
