"""The thread that decodes a camera for its viewers, while any of them needs that."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

import av
import av.error
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from config import Mask
from streams.frame import Image
from streams.live_view.packets import TICKS_PER_S, PacketQueue, VideoPacket
from streams.live_view.rendering import ENCODED_PER_S, H264Encoder, jpeg_of, shown_image

_log = logging.getLogger(__name__)

KEY_FRAMES_SUFFICE_TICKS = TICKS_PER_S
"""JPEG viewers of a camera with a key frame a second or more see those only: a tenth of the decoding."""


class RenderThread:
    """Decodes what is pushed and hands out JPEGs and re-encoded packets; both callbacks run in its thread.

    `with` starts and ends the thread. Pushing never waits: a thread that falls behind goes on with the newest
    key frame.
    """

    def __init__(
        self,
        camera_id: str,
        masks: Sequence[Mask],
        pictures_per_s: float,
        *,
        on_packet: Callable[[VideoPacket], None],
        on_jpeg: Callable[[bytes], None],
    ) -> None:
        self.encodes = False
        self.wants_jpegs = False
        self._camera_id = camera_id
        self._masks = masks
        self._jpeg_interval_s = 1 / pictures_per_s
        self._on_packet = on_packet
        self._on_jpeg = on_jpeg
        self._news = threading.Condition()
        self._packets = PacketQueue()
        self._image: Image | None = None
        self._codec: tuple[str, bytes | None] | None = None
        self._ends = False
        self._thread: threading.Thread | None = None
        # Of the thread alone
        self._decoder: VideoCodecContext | None = None
        self._encoder: H264Encoder | None = None
        self._jpeg_due_s = self._packet_due_s = float("-inf")
        self._last_key: int | None = None
        self._key_spacing: int | None = None

    @property
    def is_wanted(self) -> bool:
        return self.encodes or self.wants_jpegs

    def __enter__(self) -> Self:
        self._ends = False
        self._thread = threading.Thread(target=self._run, name=f"render-{self._camera_id}", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._news:
            self._ends = True
            self._news.notify()
        if self._thread is not None:
            self._thread.join()

    def begin(self, codec: str, extradata: bytes | None) -> None:
        """A new connection: what follows is in this codec."""
        with self._news:
            self._packets.clear()
            self._codec = codec, extradata

    def push(self, packet: VideoPacket) -> None:
        with self._news:
            self._packets.push(packet)
            self._news.notify()

    def show(self, image: Image) -> None:
        """A picture that is decoded already; one not shown yet is replaced."""
        with self._news:
            self._image = image
            self._news.notify()

    def _run(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._ends or self._image is not None or len(self._packets) > 0)
                if self._ends:
                    return
                image, self._image = self._image, None
                packet = self._packets.pop() if image is None else None
                codec, self._codec = self._codec, None
            if codec is not None:
                self._decoder = _decoder(*codec)
                self._last_key = self._key_spacing = None
            try:
                if image is not None:
                    self._render(image)
                elif packet is not None:
                    self._decode(packet)
            except (av.error.FFmpegError, ValueError) as error:
                # FFmpeg's errors hold no URL here: nothing is opened.
                _log.debug("picture not shown camera=%s reason=%s", self._camera_id, error)

    def _decode(self, packet: VideoPacket) -> None:
        if packet.is_key:
            if self._last_key is not None:
                self._key_spacing = packet.ticks - self._last_key
            self._last_key = packet.ticks
        elif (
            not self.encodes
            and (self._key_spacing or KEY_FRAMES_SUFFICE_TICKS + 1) <= KEY_FRAMES_SUFFICE_TICKS
        ):
            return
        if self._decoder is not None:
            for picture in self._decoder.decode(Packet(packet.data)):
                self._render(picture)

    def _render(self, picture: VideoFrame | Image) -> None:
        now_s = time.monotonic()
        if self.wants_jpegs and now_s >= self._jpeg_due_s:
            self._jpeg_due_s = now_s + self._jpeg_interval_s
            self._on_jpeg(jpeg_of(shown_image(picture, self._masks)))
        if not self.encodes:
            self._encoder = None
        elif now_s >= self._packet_due_s:
            # Half an interval early is still due: cameras at 25/s would otherwise come down to every third.
            self._packet_due_s = max(self._packet_due_s + 1 / ENCODED_PER_S, now_s + 0.5 / ENCODED_PER_S)
            self._encoder = self._encoder or H264Encoder()
            for packet in self._encoder.encode(picture, self._masks, round(now_s * TICKS_PER_S)):
                self._on_packet(packet)


def _decoder(codec: str, extradata: bytes | None) -> VideoCodecContext:
    context = av.CodecContext.create(codec, "r")
    assert isinstance(context, VideoCodecContext)
    context.extradata = extradata
    context.thread_count = 1
    return context
