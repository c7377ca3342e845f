"""From the packets of one connection to the newest picture, with the least decoding.

Packets are added as they arrive; nothing is decoded until somebody wants a picture. A patrol look decodes the
newest key frame by itself (one picture in 25 to 100). A dense look, or a camera whose key frames are rare,
decodes on from where the last one stopped, or from the newest key frame when that came since. What nobody
asks for is never decoded: under overload looks become rarer and cost nothing in between.

A decoder holds some 4 MB of pictures. Key frames stand alone, so cameras that send alike share the decoder of
key frames; one of its own has a camera only while all its pictures are wanted.

FFmpeg hides damage: it paints over what it cannot decode. The decoder is therefore told to refuse damaged
pictures. Some cameras send every picture with small errors; after `LENIENT_AFTER` refused key frames in a row
they are shown as FFmpeg can (and the health of the camera says so).
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import datetime

import av.error
from av.codec.context import CodecContext
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from streams.errors import BadPicture

LONGEST_GROUP_BYTES = 16_000_000
LONGEST_GROUP_PACKETS = 1500
LENIENT_AFTER = 30
KEPT_DECODERS = 4
ANYWHERE_AFTER = 250
"""So many packets without a key frame: the camera refreshes its picture bit by bit ("intra refresh")."""


@dataclass(frozen=True)
class Decoded:
    """A picture and when it was captured."""

    picture: VideoFrame
    captured_at: datetime


@dataclass(frozen=True)
class _Kept:
    packet: Packet[VideoStream]
    captured_at: datetime
    begins: bool
    """Decoding can begin here."""


class GroupDecoder:
    """`add` is for the thread that reads, `key_frame` and `newest` for the thread that looks."""

    def __init__(self, stream: VideoStream) -> None:
        self.lenient = False
        self.errors = 0
        self._codec = stream.codec_context.name
        self._extradata = stream.codec_context.extradata
        self._lock = threading.Lock()
        self._group: deque[_Kept] = deque()  # since the newest key frame, not fed to the decoder yet
        self._key: _Kept | None = None
        self._key_number = 0
        self._before_first_key = 0
        self._bytes = 0
        self._whole = False  # nothing of the group is missing from its key frame on
        self._context: VideoCodecContext | None = None
        self._fed_number = 0  # of the key frame whose group the decoder is in; 0: in none
        self._refused_keys = 0

    def add(self, packet: Packet[VideoStream], captured_at: datetime) -> None:
        """One more packet, in the order of arrival."""
        with self._lock:
            if not packet.is_keyframe and self._key_number == 0:
                self._before_first_key += 1
            refreshed = self._before_first_key == ANYWHERE_AFTER and not self._whole
            kept = _Kept(packet, captured_at, begins=packet.is_keyframe or refreshed)
            if kept.begins:
                self._group.clear()
                self._bytes = 0
                self._key_number += 1
                self._whole = True
                if packet.is_keyframe:
                    self._key = kept
                else:
                    self.lenient = True
            if not self._whole:
                return
            self._group.append(kept)
            self._bytes += packet.size
            if self._bytes > LONGEST_GROUP_BYTES or len(self._group) > LONGEST_GROUP_PACKETS:
                self._group.clear()
                self._whole = False

    def key_frame(self) -> Decoded | None:
        """The newest key frame, decoded by itself; None before the first one. Raises BadPicture."""
        with self._lock:
            key = self._key
        if key is None:
            return None
        self._context, self._fed_number = None, 0
        context = _key_decoder(self._codec, self._extradata, self.lenient)
        pictures = self._feed(context, [key])
        try:  # a decoder that reorders pictures holds the key frame back until it is drained
            pictures += [p for p in context.decode(None) if isinstance(p, VideoFrame)]
        except av.error.FFmpegError:
            self.errors += 1
        context.flush_buffers()
        if not pictures:
            self._refused()
            raise BadPicture("a key frame is damaged or cannot be decoded")
        self._refused_keys = 0
        return Decoded(self._usable(pictures[-1]), key.captured_at)

    def newest(self) -> Decoded | None:
        """The newest picture; decodes all that came since the last one. Raises BadPicture.

        None when nothing new can be had: the beginning of the group is missing, or nothing came.
        """
        with self._lock:
            waiting, number, whole = list(self._group), self._key_number, self._whole
            self._group.clear()  # the decoder has them from here on
            self._bytes = 0
        if not whole:
            return None
        context = self._open_context()
        if waiting and waiting[0].begins:
            context.flush_buffers()
            self._fed_number = number
        elif self._fed_number != number:
            self._lose(number)
            return None
        times = {kept.packet.pts: kept.captured_at for kept in waiting}
        errors = self.errors
        pictures = self._feed(context, waiting)
        if self.errors > errors:
            self._refused()
            self._lose(number)  # what follows would be painted on the damage
            raise BadPicture("a packet is damaged or cannot be decoded")
        if not pictures:
            return None
        picture = pictures[-1]
        return Decoded(self._usable(picture), times.get(picture.pts, waiting[-1].captured_at))

    def _lose(self, number: int) -> None:
        """Wait for the next key frame."""
        self._fed_number = 0
        with self._lock:
            if self._key_number == number:
                self._whole = False
                self._group.clear()

    def _feed(self, context: VideoCodecContext, kept: list[_Kept]) -> list[VideoFrame]:
        pictures: list[VideoFrame] = []
        for one in kept:
            try:
                pictures = context.decode(one.packet) or pictures
            except av.error.FFmpegError:
                self.errors += 1
        return pictures

    def _usable(self, picture: VideoFrame) -> VideoFrame:
        if picture.is_corrupt:
            self.errors += 1
            raise BadPicture("a picture is damaged")
        return picture

    def _refused(self) -> None:
        self._refused_keys += 1
        if self._refused_keys >= LENIENT_AFTER and not self.lenient:
            self.lenient = True
            self._context = None

    def _open_context(self) -> VideoCodecContext:
        if self._context is None:
            self._context = _decoder(self._codec, self._extradata, self.lenient)
            self._fed_number = 0
        return self._context


def _decoder(codec: str, extradata: bytes | None, lenient: bool) -> VideoCodecContext:
    context = CodecContext.create(codec, "r")
    assert isinstance(context, VideoCodecContext)  # made from a video stream
    context.extradata = extradata
    # One thread: dozens of cameras share the machine, and frame threads hold pictures back.
    context.thread_count = 1
    if not lenient:
        context.options = {"err_detect": "explode"}
    return context


_of_this_thread = threading.local()


def _key_decoder(codec: str, extradata: bytes | None, lenient: bool) -> VideoCodecContext:
    """This thread's decoder for key frames of cameras that send alike; a few are kept."""
    if not hasattr(_of_this_thread, "decoders"):
        _of_this_thread.decoders = OrderedDict()
    decoders: OrderedDict[tuple[str, bytes | None, bool], VideoCodecContext] = _of_this_thread.decoders
    kind = (codec, extradata, lenient)
    if kind not in decoders:
        decoders[kind] = _decoder(*kind)
    decoders.move_to_end(kind)
    while len(decoders) > KEPT_DECODERS:
        decoders.popitem(last=False)
    return decoders[kind]
