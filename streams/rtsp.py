"""One RTSP connection through PyAV: reads every packet, decodes as little as is wanted.

On patrol only key frames are decoded (one in 25 to 100 pictures: most of the CPU a camera costs). When
frames are wanted more often than key frames come, every picture is decoded, beginning with the current
group of pictures, which is kept for that purpose. Pictures nobody wants are not converted to BGR.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from types import TracebackType
from typing import Self

import av
import av.error
import av.logging
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from config import SecretSource
from streams.capture_clock import CaptureClock, producer_time
from streams.errors import (
    BadPicture,
    SourceError,
    SourceRefused,
    SourceTimeout,
    SourceUnreachable,
    SourceUnreadable,
)
from streams.frame import Frame
from streams.new_footage import footage_mark
from streams.picture import DecodedPicture, check_size
from streams.source import SourceCounts
from streams.tap import PacketTap, lasting_template

_log = logging.getLogger(__name__)
av.logging.set_level(None)  # FFmpeg's own messages repeat the URL with its password

LONGEST_GROUP_BYTES = 16_000_000
LONGEST_GROUP_PACKETS = 1500
_OPTIONS = {
    "rtsp_transport": "tcp",
    "allowed_media_types": "video",
    "fflags": "nobuffer",
    "analyzeduration": "500000",  # microseconds; the SDP tells codec and size, FFmpeg would watch for 5 s
    "fpsprobesize": "0",
}
KEY_FRAME_TOLERANCE = 1.5
"""Key frames a little farther apart than wanted still do: decoding everything costs ten times as much."""


_Explanation = tuple[tuple[type[Exception], ...], bool | None, type[SourceError], str]
_EXPLANATIONS: tuple[_Explanation, ...] = (
    # kinds of FFmpeg error; only while opening (True), only while reading (False); ours; in words
    (
        (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError),
        None,
        SourceRefused,
        "{url} refuses the user or password; check them in the deployment file",
    ),
    (
        (av.error.HTTPNotFoundError,),
        None,
        SourceRefused,
        "{url} does not know this path; check the channel in the URL",
    ),
    (
        (av.error.HTTPOtherClientError, av.error.HTTPBadRequestError, av.error.HTTPServerError),
        None,
        SourceRefused,
        "{url} refuses the connection",
    ),
    (
        (av.error.ExitError, TimeoutError),
        True,
        SourceUnreachable,
        "{url} did not answer within {silent_s} s; check address, port and network",
    ),
    ((av.error.ExitError, TimeoutError), False, SourceTimeout, "{url} sent nothing for {silent_s} s"),
    ((ConnectionRefusedError,), None, SourceUnreachable, "nothing listens at {url}; check address and port"),
    (
        (av.error.InvalidDataError,),
        None,
        SourceUnreadable,
        "{url} sends something that is not a video we can read",
    ),
    ((Exception,), False, SourceTimeout, "{url} broke the connection"),
    (
        (OSError,),
        True,
        SourceUnreachable,
        "{url} cannot be reached; check address, port and network",
    ),
)


class FootageWatch:
    """Remembers which footage a camera played last, across connections (see `streams.new_footage`)."""

    def __init__(self) -> None:
        self._number: int | None = None

    def jumped(self, packet: bytes) -> bool:
        """True when this key frame belongs to other footage than the one before."""
        mark = footage_mark(packet)
        if mark is None:
            return False
        before, self._number = self._number, mark.number
        return before is not None and before != mark.number


class RtspSource:
    """Frames of an RTSP camera over TCP, until the connection breaks (SourceError)."""

    def __init__(
        self,
        url: SecretSource,
        camera_id: str,
        *,
        open_timeout_s: float = 10.0,
        read_timeout_s: float = 10.0,
        wanted_interval_s: float = 2.0,
        clock: CaptureClock | None = None,
        footage: FootageWatch | None = None,
        sequence: Iterator[int] | None = None,
        tap: PacketTap | None = None,
    ) -> None:
        self.camera_id = camera_id
        self.wanted_interval_s = wanted_interval_s
        self.counts = SourceCounts()
        self.clock = clock or CaptureClock()
        self._tap = tap
        self._url = url
        self._open_timeout_s = open_timeout_s
        self._read_timeout_s = read_timeout_s
        self._footage = footage or FootageWatch()
        self._sequence = sequence or count(1)
        self._container: av.container.InputContainer | None = None
        self._group: list[Packet[VideoStream]] = []
        self._group_bytes = 0
        self._decoding_all = False
        self._times: dict[int, datetime] = {}
        self._jumped_at: datetime | None = None  # other footage from here on, not said yet
        self._last_given: datetime | None = None

    def __enter__(self) -> Self:
        began_s = time.monotonic()
        try:
            container = av.open(
                self._url.reveal(),
                options=_OPTIONS,
                timeout=(self._open_timeout_s, self._read_timeout_s),
            )
        except (av.error.FFmpegError, OSError) as error:
            timed_out = time.monotonic() - began_s >= self._open_timeout_s
            cause = TimeoutError() if timed_out else error  # FFmpeg may call a time-out "invalid data"
            raise self._explained(cause, opening=True) from None
        if not container.streams.video:
            container.close()
            raise SourceUnreadable(f"{self._url} sends no video; check the path in its URL")
        # One thread: dozens of cameras share the machine, and frame threads hold pictures back.
        container.streams.video[0].codec_context.thread_count = 1
        self._container = container
        if self._tap is not None:
            self._tap.opened(lasting_template(container.streams.video[0]))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._container is not None:
            self._container.close()
            self._container = None
            if self._tap is not None:
                self._tap.closed()

    @property
    def stream(self) -> VideoStream:
        """The open video stream, for probing."""
        if self._container is None:
            raise RuntimeError("open the source first: `with source: ...`")
        return self._container.streams.video[0]

    def frames(self) -> Iterator[Frame]:
        for packet, captured_at in self.packets():
            for picture in self._decode(packet):
                frame = self._frame(picture, captured_at)
                if frame is not None:
                    yield frame

    def packets(self) -> Iterator[tuple[Packet[VideoStream], datetime]]:
        """Every packet with its capture time; ends by raising SourceError."""
        stream = self.stream
        assert self._container is not None
        demuxed = self._container.demux(stream)
        last_key_s: float | None = None
        while True:
            try:
                packet = next(demuxed)
            except StopIteration:
                raise SourceTimeout(f"{self._url} ended the stream") from None
            except (av.error.FFmpegError, OSError) as error:
                raise self._explained(error, opening=False) from None
            if packet.size == 0:  # PyAV's flush packet: the camera closed the connection
                raise SourceTimeout(f"{self._url} ended the stream")
            self.counts.packets += 1
            self.counts.bytes += packet.size
            self.counts.last_packet_at = arrived_at = datetime.now(UTC)
            captured_at = self.clock.stamp(producer_time(packet), arrived_at)
            self.counts.clock_skew_s = self.clock.skew_s
            if self._tap is not None:
                self._tap.packet(packet, captured_at)
            if packet.is_keyframe:
                if packet.pts is not None and packet.time_base is not None:
                    time_s = float(packet.pts * packet.time_base)
                    if last_key_s is not None and time_s > last_key_s:
                        self.counts.key_frame_spacing_s = time_s - last_key_s
                    last_key_s = time_s
                if self._footage.jumped(bytes(packet)):
                    self._jumped_at = captured_at
            yield packet, captured_at

    def _wants_all(self) -> bool:
        spacing_s = self.counts.key_frame_spacing_s
        return spacing_s is not None and spacing_s > self.wanted_interval_s * KEY_FRAME_TOLERANCE

    def _decode(self, packet: Packet[VideoStream]) -> list[VideoFrame]:
        if packet.pts is not None:
            self._remember_time(packet.pts)
        if packet.is_keyframe:
            self._group, self._group_bytes = [], 0
            self._decoding_all = self._wants_all()
            if not self._decoding_all:
                self._keep(packet)
                return self._decode_alone(packet)
            return self._decode_packets([packet])
        if self._decoding_all:
            return self._decode_packets([packet])
        self._keep(packet)
        if self._group and self._wants_all():
            group, self._group = self._group, []
            self._decoding_all = True
            return self._decode_packets(group)[-1:]  # the earlier ones are history
        return []

    def _keep(self, packet: Packet[VideoStream]) -> None:
        if not packet.is_keyframe and not self._group:
            return  # the group's beginning is not there: it cannot be decoded
        self._group.append(packet)
        self._group_bytes += packet.size
        if self._group_bytes > LONGEST_GROUP_BYTES or len(self._group) > LONGEST_GROUP_PACKETS:
            self._group = []

    def _decode_alone(self, packet: Packet[VideoStream]) -> list[VideoFrame]:
        """A key frame by itself, drained at once: a decoder that reorders would hold it back."""
        pictures = self._decode_packets([packet])
        context = self._context
        try:
            pictures += [picture for picture in context.decode(None) if isinstance(picture, VideoFrame)]
        except av.error.FFmpegError:
            self.counts.bad("a key frame cannot be decoded")
        context.flush_buffers()
        return pictures[-1:]

    @property
    def _context(self) -> VideoCodecContext:
        return self.stream.codec_context

    def _decode_packets(self, packets: list[Packet[VideoStream]]) -> list[VideoFrame]:
        pictures: list[VideoFrame] = []
        for packet in packets:
            try:
                pictures += self._context.decode(packet)
            except av.error.FFmpegError:
                self.counts.bad("a packet cannot be decoded")
        return pictures

    def _remember_time(self, pts: int) -> None:
        assert self.clock.last is not None
        self._times[pts] = self.clock.last
        if len(self._times) > 2000:
            for old in list(self._times)[:1000]:
                del self._times[old]

    def _frame(self, picture: VideoFrame, packet_time: datetime) -> Frame | None:
        self.counts.decoded += 1
        captured_at = self._times.get(picture.pts, packet_time) if picture.pts is not None else packet_time
        if self._last_given is not None:
            since_s = (captured_at - self._last_given).total_seconds()
            if since_s <= 0 or (self._decoding_all and since_s < self.wanted_interval_s / 2):
                return None
        if picture.is_corrupt:
            self.counts.bad("a picture is damaged")
            return None
        try:
            check_size(picture.width, picture.height)
        except BadPicture as error:
            self.counts.bad(str(error))
            return None
        self._last_given = captured_at
        new_footage = self._jumped_at is not None and captured_at >= self._jumped_at
        if new_footage:
            self._jumped_at = None
        return Frame(
            DecodedPicture(picture),
            self.camera_id,
            captured_at,
            next(self._sequence),
            new_footage=new_footage,
        )

    def _explained(self, error: Exception, *, opening: bool) -> SourceError:
        """`error` as one of ours. FFmpeg's text is not used: it repeats the URL."""
        silent_s = self._open_timeout_s if opening else self._read_timeout_s
        for kinds, in_opening, ours, text in _EXPLANATIONS:
            if in_opening in (None, opening) and isinstance(error, kinds):
                return ours(text.format(url=self._url, silent_s=f"{silent_s:g}"))
        return SourceUnreadable(f"{self._url} cannot be opened")
