"""One camera's live connection, shared by all who watch it.

The connection lives in a thread of its own, from the first viewer until `LINGER_S` after the last one left,
and is made again when it breaks, for as long as somebody watches. What it brings reaches the viewers in the
event loop through one bounded queue; nothing here waits for a viewer.

How a camera is shown is known once it is connected (`Showing`): its packets are passed through where every
browser can play them, otherwise its pictures are re-encoded once for all viewers. Pictures (JPEG) are made
only while somebody wants them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from random import random
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from av.packet import Packet
from av.video.stream import VideoStream

from config import Camera
from streams.errors import SourceError
from streams.live import pause_s
from streams.live_view.h264 import with_parameter_sets
from streams.live_view.packets import (
    TICKS_PER_S,
    PacketQueue,
    PictureGroup,
    PictureOrder,
    StreamClock,
    VideoPacket,
)
from streams.live_view.render_thread import RenderThread
from streams.live_view.rendering import shown_size
from streams.privacy import private_masks
from streams.source import LiveConnection

_log = logging.getLogger(__name__)

LINGER_S = 3.0
"""Who changes from the wall to one camera, or reloads the page, finds the connection still open."""
LONGEST_PAUSE_S = 5.0
STEADY_S = 10.0
PICTURE_INTERVAL_S = 0.2
"""Spacing of pictures asked of sources that give pictures, not packets."""


class Showing(StrEnum):
    """How a camera reaches the browser."""

    OPENING = "opening"
    PASSED_THROUGH = "passed_through"
    ENCODED = "encoded"


@runtime_checkable
class PacketConnection(Protocol):
    """A camera connection that yields encoded packets (`streams.packet_source.PacketSource`)."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @property
    def stream(self) -> VideoStream: ...

    def packets(self) -> Iterator[tuple[Packet[VideoStream], datetime]]: ...


class VideoViewer(Protocol):
    """Takes packets; must not wait."""

    def push(self, packet: VideoPacket) -> None: ...


@dataclass(frozen=True)
class FeedState:
    """What can be said about a live connection. `problem` never holds a secret."""

    showing: Showing
    video_viewers: int
    picture_viewers: int
    silent_s: float | None
    """Seconds since the camera's last picture; None before the first."""
    problem: str


class EncodingSlots:
    """How many cameras may be re-encoded at the same time. Thread-safe."""

    def __init__(self, most: int) -> None:
        self._free = threading.BoundedSemaphore(most) if most else None

    def take(self) -> bool:
        return self._free is not None and self._free.acquire(blocking=False)

    def give_back(self) -> None:
        assert self._free is not None
        self._free.release()


class NoEncodingSlotError(Exception):
    """The camera would have to be re-encoded, and too many are already."""


class Feed:
    """One camera for its viewers. Everything public is called in the event loop that made it.

    `connect` makes a connection that yields packets, or one that yields frames.
    """

    def __init__(
        self,
        camera: Camera,
        connect: Callable[[], PacketConnection | LiveConnection],
        slots: EncodingSlots,
        pictures_per_s: float,
    ) -> None:
        self.camera = camera
        self.connections = 0
        self._connect = connect
        self._slots = slots
        self._loop = asyncio.get_running_loop()
        self._settled = asyncio.Event()
        """The first attempt to connect has succeeded or failed."""
        self._holders = 0
        self._closing: asyncio.TimerHandle | None = None
        self._viewers: set[VideoViewer] = set()
        self._group = PictureGroup()
        self._video_claims = 0
        self._has_slot = False
        self._jpeg: bytes | None = None
        self._jpeg_number = 0
        self._jpeg_news = asyncio.Event()
        self._jpeg_viewers = 0
        # Shared with the thread, under the lock
        self._lock = threading.Lock()
        self._wanted = False
        self._thread: threading.Thread | None = None
        self._mailbox = PacketQueue()
        self._mail_waits = False
        self._showing = Showing.OPENING
        self._problem = ""
        self._last_packet_s: float | None = None
        # Of the thread
        self._interrupted = threading.Event()
        self._clock = StreamClock()
        self._renderer = RenderThread(
            camera.id,
            private_masks(camera.masks, None),
            pictures_per_s,
            on_packet=self._post,
            on_jpeg=lambda jpeg: self._in_loop(lambda: self._new_jpeg(jpeg)),
        )

    # For the hub

    def hold(self) -> None:
        """Somebody watches, or is about to: connect, if not connected."""
        self._holders += 1
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        with self._lock:
            self._wanted = True
            self._interrupted.clear()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"live-{self.camera.id}", daemon=True)
                self._thread.start()

    def release(self) -> None:
        self._holders -= 1
        if self._holders == 0:
            self._closing = self._loop.call_later(LINGER_S, self.shut_down)

    async def wait_settled(self, timeout_s: float) -> Showing:
        """How the camera is shown. Raises SourceError when the attempt to connect failed."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._settled.wait(), timeout_s)
        with self._lock:
            if self._showing is Showing.OPENING and self._problem:
                raise SourceError(self._problem)
            return self._showing

    def claim_video(self) -> None:
        """Before a video viewer is added. Raises NoEncodingSlotError."""
        if self._showing is Showing.ENCODED:
            self._start_encoding()
        self._video_claims += 1

    def give_video_back(self) -> None:
        """What was claimed is needed no more."""
        self._video_claims -= 1
        if self._video_claims == 0:
            self._stop_encoding()

    def add_viewer(self, viewer: VideoViewer) -> list[VideoPacket]:
        """The viewer gets every packet from now on; what it should begin with is returned."""
        self._viewers.add(viewer)
        return self._group.caught_up()

    def remove_viewer(self, viewer: VideoViewer) -> None:
        self._viewers.discard(viewer)

    async def next_jpeg(self, after: int) -> tuple[int, bytes]:
        """The newest picture and its number, once that is above `after`."""
        while self._jpeg is None or self._jpeg_number <= after:
            await self._jpeg_news.wait()
        return self._jpeg_number, self._jpeg

    @contextlib.contextmanager
    def wanting_jpegs(self) -> Iterator[None]:
        self._jpeg_viewers += 1
        self._renderer.wants_jpegs = True
        try:
            yield
        finally:
            self._jpeg_viewers -= 1
            if self._jpeg_viewers == 0:
                self._renderer.wants_jpegs = False
                self._jpeg = None  # the next one who comes must not be shown an old picture

    def state(self) -> FeedState:
        with self._lock:
            silent_s = None if self._last_packet_s is None else time.monotonic() - self._last_packet_s
            return FeedState(self._showing, len(self._viewers), self._jpeg_viewers, silent_s, self._problem)

    @property
    def is_open(self) -> bool:
        return self._thread is not None

    async def joined(self, timeout_s: float) -> None:
        """Wait for the thread after `shut_down`; one that hangs in a silent camera ends with the process."""
        thread = self._thread
        if thread is not None:
            await asyncio.to_thread(thread.join, timeout_s)

    def shut_down(self) -> None:
        """Ask the thread to end. It does at the next packet, or when the camera's time-out has passed."""
        with self._lock:
            self._wanted = False
            self._interrupted.set()
        self._group.clear()
        self._settled.clear()

    # In the event loop

    def _deliver(self) -> None:
        with self._lock:
            self._mail_waits = False
            packets = [self._mailbox.pop() for _ in range(len(self._mailbox))]
        for packet in packets:
            self._group.add(packet)
            for viewer in self._viewers:
                viewer.push(packet)

    def _new_jpeg(self, jpeg: bytes) -> None:
        self._jpeg, self._jpeg_number = jpeg, self._jpeg_number + 1
        news, self._jpeg_news = self._jpeg_news, asyncio.Event()
        news.set()

    def _start_encoding(self) -> None:
        if not self._has_slot:
            if not self._slots.take():
                raise NoEncodingSlotError
            self._has_slot = True
            self._renderer.encodes = True

    def _stop_encoding(self) -> None:
        if self._has_slot:
            self._has_slot = False
            self._renderer.encodes = False
            self._group.clear()
            self._slots.give_back()

    def _showing_changed(self) -> None:
        """Connected, connected again, or found out that the camera needs encoding, while people watch."""
        self._settled.set()
        if self._showing is Showing.PASSED_THROUGH:
            self._stop_encoding()
        elif self._showing is Showing.ENCODED and self._video_claims:
            self._group.clear()
            with contextlib.suppress(NoEncodingSlotError):  # they see nothing and fall back to pictures
                self._start_encoding()

    # In the threads

    def _in_loop(self, call: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(call)

    def _post(self, packet: VideoPacket) -> None:
        with self._lock:
            self._mailbox.push(packet)
            if self._mail_waits:
                return
            self._mail_waits = True
        self._in_loop(self._deliver)

    def _run(self) -> None:
        failures = 0
        with self._renderer:
            while True:
                began_s = time.monotonic()
                try:
                    self._read_until_it_breaks()
                except SourceError as error:
                    self._failed(str(error))
                except Exception as error:  # what one camera sends must not end the view of the others
                    _log.exception("live connection failed camera=%s", self.camera.id)
                    self._failed(f"unexpected {type(error).__name__}")
                failures = 1 if time.monotonic() - began_s > STEADY_S else failures + 1
                self._interrupted.wait(pause_s(failures, LONGEST_PAUSE_S, random()))
                with self._lock:
                    if not self._wanted:
                        self._thread = None
                        self._showing, self._problem, self._last_packet_s = Showing.OPENING, "", None
                        return

    def _read_until_it_breaks(self) -> None:
        if not self._wanted:
            return
        with self._connect() as connection:
            self.connections += 1
            _log.info("live connection opened camera=%s", self.camera.id)
            try:
                if isinstance(connection, PacketConnection):
                    self._read_packets(connection)
                else:
                    self._read_frames(connection)
            finally:
                _log.info("live connection closed camera=%s", self.camera.id)

    def _read_packets(self, connection: PacketConnection) -> None:
        context = connection.stream.codec_context
        codec, extradata = context.name, context.extradata
        self._renderer.begin(codec, extradata)
        order = PictureOrder(context.has_b_frames)
        plays_everywhere = codec == "h264" and not private_masks(self.camera.masks, None)
        showing = Showing.OPENING if plays_everywhere else Showing.ENCODED
        if showing is Showing.ENCODED:
            self._connected(showing)
        group = PictureGroup()
        rendering = False
        for packet, _captured_at in connection.packets():
            if not self._wanted:
                return
            now_s = self._last_packet_s = time.monotonic()
            order.saw(packet.pts)
            if showing is not Showing.ENCODED:
                now_showing = showing_of(order)
                if now_showing is not showing:
                    showing = now_showing
                    self._connected(showing)
            data = bytes(packet)
            if codec == "h264" and packet.is_keyframe:
                data = with_parameter_sets(data, extradata)
            video = VideoPacket(data, self._clock.ticks(_ticks(packet), now_s), packet.is_keyframe)
            group.add(video)
            if showing is not Showing.ENCODED:
                self._post(video)
            if self._renderer.is_wanted:
                for one in [video] if rendering else group.caught_up():
                    self._renderer.push(one)
            rendering = self._renderer.is_wanted

    def _read_frames(self, connection: LiveConnection) -> None:
        connection.wanted_interval_s = PICTURE_INTERVAL_S
        self._connected(Showing.ENCODED)
        for frame in connection.frames():
            if not self._wanted:
                return
            self._last_packet_s = time.monotonic()
            if self._renderer.is_wanted:
                self._renderer.show(frame.scaled(*shown_size(frame.width_px, frame.height_px)))

    def _connected(self, showing: Showing) -> None:
        with self._lock:
            self._showing, self._problem = showing, ""
        self._in_loop(self._showing_changed)

    def _failed(self, problem: str) -> None:
        with self._lock:
            news, self._problem = problem != self._problem, problem
            self._showing = Showing.OPENING
        self._in_loop(self._settled.set)
        if news and self._wanted:
            _log.warning("no live connection camera=%s reason=%s", self.camera.id, problem)


def showing_of(order: PictureOrder) -> Showing:
    if order.is_reordered:
        return Showing.ENCODED
    return Showing.PASSED_THROUGH if order.is_known else Showing.OPENING


def _ticks(packet: Packet[VideoStream]) -> int | None:
    if packet.pts is None or packet.time_base is None:
        return None
    return round(packet.pts * packet.time_base * TICKS_PER_S)
