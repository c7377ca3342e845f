"""One connection to a camera through PyAV: reads every packet, decodes what is looked at.

On patrol that is a key frame now and then (one in 25 to 100 pictures: most of the CPU a camera costs). When
frames are wanted more often than key frames come (suspicion, or a camera with long groups of pictures), it
is every picture from the newest key frame on. See `streams.group_decoder`.
"""

from __future__ import annotations

import logging
import math
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

import av
import av.error
import av.logging
from av.packet import Packet
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
from streams.group_decoder import GroupDecoder
from streams.new_footage import footage_mark
from streams.picture import DecodedPicture, check_size
from streams.source import Arrival, SourceCounts, pictures_of
from streams.tap import PacketTap, lasting_template

_log = logging.getLogger(__name__)
av.logging.set_level(None)  # FFmpeg's own messages repeat the URL with its password

# Not `nobuffer`: it throws away what came while FFmpeg watched, and often the first key frame with it.
_RTSP_OPTIONS = {
    "allowed_media_types": "video",
    "analyzeduration": "500000",  # microseconds; the SDP tells codec and size, FFmpeg would watch for 5 s
    "fpsprobesize": "0",
}
_HTTP_OPTIONS = {
    "analyzeduration": "2000000",
    "fpsprobesize": "0",
    "live_start_index": "-1",  # HLS: begin at the newest segment
    "protocol_whitelist": "http,https,tls,tcp,crypto,httpproxy",  # a playlist must not name files of ours
}
KEY_FRAME_TOLERANCE = 1.5
"""Key frames a little farther apart than wanted still do: decoding everything costs ten times as much."""


def slot_length_s(key_frame_spacing_s: float | None, wanted_interval_s: float) -> float:
    """Seconds between pictures that are offered when key frames come too rarely.

    A group of pictures is cut into equal slots that begin with its key frame: what comes after its last slot
    began is never decoded. Free-running looks would decode nearly all of it.

    >>> slot_length_s(2.0, 1.0), slot_length_s(3.5, 2.0), slot_length_s(None, 2.0)
    (1.0, 1.75, 2.0)
    """
    if not key_frame_spacing_s:
        return wanted_interval_s
    return key_frame_spacing_s / max(1, math.ceil(key_frame_spacing_s / wanted_interval_s - 0.05))


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


def _is_known_host(url: SecretSource) -> bool:
    """FFmpeg says the same for a host without an address and for one that cannot be reached."""
    try:
        socket.getaddrinfo(urlsplit(url.reveal()).hostname, None)
    except (OSError, ValueError):
        return False
    return True


@dataclass(frozen=True)
class _Undecoded:
    """An arrival that is decoded when it is looked at, with all that came after it."""

    source: PacketSource
    decoder: GroupDecoder
    key_only: bool

    def frame(self) -> Frame | None:
        return self.source.decode(self.decoder, key_only=self.key_only)


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


class PacketSource:
    """Frames of a camera that sends a stream (RTSP, HTTP-FLV, HLS), until it breaks (SourceError)."""

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
        transport: Literal["tcp", "udp"] = "tcp",
        format_name: str | None = None,
        tap: PacketTap | None = None,
    ) -> None:
        self.camera_id = camera_id
        self.wanted_interval_s = wanted_interval_s
        self.counts = SourceCounts()
        self.clock = clock or CaptureClock()
        self._tap = tap
        self._format_name = format_name
        rtsp = url.scheme in ("rtsp", "rtsps")
        self._options = {**_RTSP_OPTIONS, "rtsp_transport": transport} if rtsp else _HTTP_OPTIONS
        self._url = url
        self._open_timeout_s = open_timeout_s
        self._read_timeout_s = read_timeout_s
        self._footage = footage or FootageWatch()
        self._sequence = sequence or count(1)
        self._container: av.container.InputContainer | None = None
        self._abandoned = False
        self._last_key_at: datetime | None = None
        self._reported: tuple[datetime, int] | None = None  # the camera's time of a time stamp
        self._jumped_at: datetime | None = None  # other footage from here on, not said yet
        self._last_given: datetime | None = None
        self._first_at: datetime | None = None
        self._slot = -1

    def __enter__(self) -> Self:
        began_s = time.monotonic()
        try:
            container = av.open(
                self._url.reveal(),
                format=self._format_name,
                options=dict(self._options),
                timeout=(self._open_timeout_s, self._read_timeout_s),
            )
        except (av.error.FFmpegError, OSError) as error:
            timed_out = time.monotonic() - began_s >= self._open_timeout_s
            cause = TimeoutError() if timed_out else error  # FFmpeg may call a time-out "invalid data"
            if isinstance(cause, OSError) and not timed_out and not _is_known_host(self._url):
                raise SourceUnreachable(
                    f"there is no host of the name in {self._url}; check it, and the DNS server"
                ) from None
            raise self._explained(cause, opening=True) from None
        if not container.streams.video:
            container.close()
            raise SourceUnreadable(f"{self._url} sends no video; check the path in its URL")
        self._container = container
        if self._tap is not None and not self._abandoned:
            self._tap.opened(lasting_template(container.streams.video[0]))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._container is not None:
            self._container.close()
            self._container = None
            if self._tap is not None and not self._abandoned:
                self._tap.closed()

    def abandon(self) -> None:
        """FFmpeg may hang for a while yet; whatever comes after that reaches nobody."""
        if self._tap is not None and self._container is not None and not self._abandoned:
            self._tap.closed()
        self._abandoned = True

    @property
    def stream(self) -> VideoStream:
        """The open video stream, for probing."""
        if self._container is None:
            raise RuntimeError("open the source first: `with source: ...`")
        return self._container.streams.video[0]

    def frames(self) -> Iterator[Frame]:
        """Every picture that is wanted, decoded as it comes."""
        return pictures_of(self.arrivals())

    def arrivals(self) -> Iterator[Arrival]:
        """Says when there is something new to look at; decoding is left to who looks."""
        decoder = GroupDecoder(self.stream)
        for packet, captured_at in self.packets():
            decoder.add(packet, captured_at)
            if decoder.lenient:
                self.counts.remark = (
                    "its pictures are damaged or refreshed bit by bit; shown as well as can be"
                )
            if self._wants_all():
                if self._begins_slot(packet, captured_at):
                    yield _Undecoded(self, decoder, key_only=False)
            elif packet.is_keyframe:
                yield _Undecoded(self, decoder, key_only=True)

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
            if self._abandoned:
                raise SourceTimeout(f"{self._url} was given up")
            if packet.size == 0:  # PyAV's flush packet: the camera closed the connection
                raise SourceTimeout(f"{self._url} ended the stream")
            self.counts.packets += 1
            self.counts.bytes += packet.size
            self.counts.last_packet_at = arrived_at = datetime.now(UTC)
            self.counts.last_packet_s = time.monotonic()
            captured_at = self.clock.stamp(self._camera_time(packet), arrived_at)
            self.counts.clock_skew_s = self.clock.skew_s
            if self._tap is not None:
                self._tap.packet(packet, captured_at)
            if packet.is_keyframe:
                self._last_key_at = captured_at
                if packet.pts is not None and packet.time_base is not None:
                    time_s = float(packet.pts * packet.time_base)
                    if last_key_s is not None and time_s > last_key_s:
                        self.counts.key_frame_spacing_s = time_s - last_key_s
                    last_key_s = time_s
                if self._footage.jumped(bytes(packet)):
                    self._jumped_at = captured_at
            yield packet, captured_at

    def _camera_time(self, packet: Packet[VideoStream]) -> datetime | None:
        """The camera's own time; read off key frames, counted on by time stamps from there (it is dear)."""
        pts, base = packet.pts, packet.time_base
        if packet.is_keyframe or self._reported is None or pts is None or base is None:
            told = producer_time(packet)
            self._reported = (told, pts) if told is not None and pts is not None else None
            return told
        told, at_pts = self._reported
        return told + timedelta(seconds=(pts - at_pts) * base.numerator / base.denominator)

    def _wants_all(self) -> bool:
        """Whether key frames alone come too rarely for what is wanted."""
        spacing_s = self.counts.key_frame_spacing_s or 0.0
        if self._last_key_at is not None and self.clock.last is not None:
            spacing_s = max(spacing_s, (self.clock.last - self._last_key_at).total_seconds())
        return spacing_s > self.wanted_interval_s * KEY_FRAME_TOLERANCE

    def _begins_slot(self, packet: Packet[VideoStream], captured_at: datetime) -> bool:
        """Whether a picture is wanted from this packet on, where key frames alone come too rarely."""
        self._first_at = self._first_at or captured_at
        since = self._last_key_at or self._first_at
        slot_s = slot_length_s(self.counts.key_frame_spacing_s, self.wanted_interval_s)
        slot = int((captured_at - since).total_seconds() / slot_s)
        begins = packet.is_keyframe or slot != self._slot
        self._slot = slot
        return begins

    def decode(self, decoder: GroupDecoder, *, key_only: bool) -> Frame | None:
        """The newest picture as a frame, once; None when it was given before. Raises BadPicture."""
        errors = decoder.errors
        try:
            found = decoder.key_frame() if key_only else decoder.newest()
            if found is not None:
                check_size(found.picture.width, found.picture.height)
        except BadPicture as error:
            self.counts.bad(str(error), max(1, decoder.errors - errors))
            raise
        if found is None or (self._last_given is not None and found.captured_at <= self._last_given):
            return None
        self.counts.decoded += 1
        self._last_given = found.captured_at
        new_footage = self._jumped_at is not None and found.captured_at >= self._jumped_at
        if new_footage:
            self._jumped_at = None
        return Frame(
            DecodedPicture(found.picture),
            self.camera_id,
            found.captured_at,
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
