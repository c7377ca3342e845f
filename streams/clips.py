"""Clips: MP4 files made of a camera's own packets, without encoding, and what must be encoded all the same.

A clip is written while it happens as a *fragmented* MP4, which can be played up to the last whole second
whatever happens to the writer (`RemuxWriter`). `cut` makes the final file of it: from the key frame before
the wanted beginning, with its index in front. A camera with private masks cannot be copied as it is: the
masks must be in every picture that is stored, so its pictures are decoded, masked and encoded at a few a
second before anything reaches the disk (`MaskedWriter`). Sources that send single pictures have a time-lapse
(`encode_pictures`). Browsers cannot be relied on to play anything but H.264: what another camera sent is
encoded once more, to be shown (`encode_clip`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import av
import av.error
import cv2
import numpy as np
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from config import Mask
from streams.errors import BadPicture
from streams.frame import Image
from streams.picture import DecodedPicture
from streams.privacy import blacked_out
from streams.ring import RingPacket

ENCODED_PER_S = 5
"""Pictures a second in clips that are encoded: smoke moves slowly, decoding and encoding cost."""
LONGEST_SIDE_PX = 1280
TIME_LAPSE_PER_S = 4
_FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "flush_packets": "1"}
_INDEX_IN_FRONT = {"movflags": "faststart"}
_ENCODING = {"preset": "veryfast", "crf": "24"}


class ClipError(Exception):
    """A clip cannot be written or read; the message says why."""


class ClipWriter(Protocol):
    """Takes packets of one connection, from a key frame on. Raises ClipError, OSError."""

    def write(self, one: RingPacket) -> None: ...

    def close(self) -> None: ...


class RemuxWriter:
    """Writes packets as they come into a fragmented MP4."""

    def __init__(self, path: Path, template: VideoStream) -> None:
        self._file = _Growing(path)
        try:
            self._stream: VideoStream = self._file.container.add_stream_from_template(template)
        except (av.error.FFmpegError, ValueError) as error:
            self._file.close()
            raise ClipError(f"{template.codec_context.name} does not fit into MP4") from error
        self._base: int | None = None
        self._last_dts = -1

    def write(self, one: RingPacket) -> None:
        packet = one.packet
        if packet.pts is None or packet.time_base is None:
            return
        decoded_at = packet.dts if packet.dts is not None else packet.pts
        if self._base is None:
            self._base = decoded_at
        packet.dts = max(decoded_at - self._base, self._last_dts + 1)
        # Where the camera's time went back, the file's must not.
        packet.pts = max(packet.pts - self._base, packet.dts)
        self._last_dts = packet.dts
        packet.stream = self._stream
        _mux(self._file.container, [packet])

    def close(self) -> None:
        self._file.close()


class MaskedWriter:
    """Decodes, masks and encodes, at `ENCODED_PER_S` and `LONGEST_SIDE_PX`; into a fragmented MP4."""

    def __init__(self, path: Path, template: VideoStream, masks: Sequence[Mask]) -> None:
        self._decoder = decoder_of(template)
        self._file = _Growing(path)
        self._shown = _FewPictures(self._file.container, masks)
        self._began: datetime | None = None

    def write(self, one: RingPacket) -> None:
        for picture in decoded(self._decoder, one.packet):
            self._began = self._began or one.captured_at
            self._shown.add(picture, one.captured_at - self._began)

    def close(self) -> None:
        try:
            self._shown.finish()
        finally:
            self._file.close()


@dataclass(frozen=True)
class Cut:
    """A finished clip: where in time it begins (its first picture), how long it is."""

    begins_at: datetime
    seconds: float


def cut(source: Path, target: Path, source_begins_at: datetime, begin: datetime, end: datetime) -> Cut:
    """Copy from the key frame at or before `begin` up to `end` into an MP4 with its index in front.

    `source` may lack its end (a crash, a full disk): what is whole is copied. Raises ClipError when
    nothing is.
    """
    begin_s = (begin - source_begins_at).total_seconds()
    end_s = (end - source_begins_at).total_seconds()
    first_s = _key_frame_before(source, begin_s)
    last_s = first_s
    try:
        with (
            av.open(str(source)) as read,
            av.open(str(target), "w", format="mp4", options=_INDEX_IN_FRONT) as made,
        ):
            stream: VideoStream = made.add_stream_from_template(read.streams.video[0])
            base: int | None = None
            for packet in _whole_packets(read):
                if packet.pts is None or packet.dts is None or packet.time_base is None:
                    continue
                at_s = float(packet.pts * packet.time_base)
                if base is None and (not packet.is_keyframe or at_s < first_s):
                    continue
                if at_s > end_s and base is not None:
                    break
                base = packet.dts if base is None else base
                packet.pts, packet.dts = packet.pts - base, packet.dts - base
                packet.stream = stream
                made.mux(packet)
                last_s = max(last_s, at_s)
            if base is None:
                raise ClipError(f"{source.name} holds no picture")
    except av.error.FFmpegError as error:
        _raise_if_disk(error)
        raise ClipError(f"{source.name} cannot be read ({type(error).__name__})") from error
    return Cut(source_begins_at + timedelta(seconds=first_s), last_s - first_s)


def key_pictures(
    source: Path, source_begins_at: datetime, before: datetime, most: int
) -> list[tuple[datetime, Image]]:
    """Up to `most` key frames of a clip before a moment, evenly spaced, at full size, oldest first."""
    try:
        with av.open(str(source)) as read:
            stream = read.streams.video[0]
            stream.codec_context.skip_frame = "NONKEY"
            stream.codec_context.thread_count = 1
            wanted_s = (before - source_begins_at).total_seconds()
            times = [at_s for at_s in _key_frame_times(source) if at_s < wanted_s]
            step = max(1.0, len(times) / most)
            chosen = {times[int(index * step)] for index in range(min(most, len(times)))}
            found: list[tuple[datetime, Image]] = []
            for packet in _whole_packets(read):
                if packet.pts is None or packet.time_base is None or not packet.is_keyframe:
                    continue
                at_s = float(packet.pts * packet.time_base)
                if at_s >= wanted_s:
                    break
                if at_s in chosen:
                    for picture in _alone(stream.codec_context, packet):
                        full_px = max(picture.width, picture.height)
                        at = source_begins_at + timedelta(seconds=at_s)
                        found.append((at, scaled_bgr(picture, full_px)))
            return found
    except (av.error.FFmpegError, BadPicture, IndexError):
        return []  # a clip without its lead-up pictures is still a clip


def plays_everywhere(clip: Path) -> bool:
    """Whether any browser shows it. Raises ClipError when it cannot be read."""
    try:
        with av.open(str(clip)) as read:
            return bool(read.streams.video[0].codec_context.codec.canonical_name == "h264")
    except (av.error.FFmpegError, IndexError) as error:
        raise ClipError(f"{clip.name} cannot be read ({type(error).__name__})") from error


def encode_clip(source: Path, target: Path) -> None:
    """The same clip in H.264, at `ENCODED_PER_S` and `LONGEST_SIDE_PX`. Raises ClipError, OSError."""
    try:
        with (
            av.open(str(source)) as read,
            av.open(str(target), "w", format="mp4", options=_INDEX_IN_FRONT) as made,
        ):
            read.streams.video[0].thread_count = 1
            shown, first_s = _FewPictures(made), None
            for picture in _pictures(read):
                first_s = picture.time or 0.0 if first_s is None else first_s
                at_s = (picture.time or 0.0) - first_s
                shown.add(picture, timedelta(milliseconds=round(at_s * 1000)))  # ticks are not even
            if not shown.finish():
                raise ClipError(f"{source.name} holds no picture")
    except av.error.FFmpegError as error:
        _raise_if_disk(error)
        raise ClipError(f"{source.name} cannot be encoded ({type(error).__name__})") from error


def encode_pictures(target: Path, pictures: Iterable[bytes]) -> int:
    """A time-lapse of JPEGs; returns how many it shows. Raises ClipError when none can be read."""
    count = 0
    encoder: _PictureEncoder | None = None
    with av.open(str(target), "w", format="mp4", options=_INDEX_IN_FRONT) as container:
        for jpeg in pictures:
            image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
            if image is None:
                continue
            image = _fitted(np.asarray(image, np.uint8), LONGEST_SIDE_PX)
            encoder = encoder or _PictureEncoder(container, image, TIME_LAPSE_PER_S)
            encoder.add(image, timedelta(seconds=count / TIME_LAPSE_PER_S))
            count += 1
        if encoder is None:
            raise ClipError("there are no pictures for a time-lapse")
        encoder.finish()
    return count


def decoder_of(template: VideoStream) -> VideoCodecContext:
    """A decoder of its own for a stream's packets."""
    given = template.codec_context
    context = av.CodecContext.create(given.codec.canonical_name, "r")
    assert isinstance(context, VideoCodecContext)
    context.extradata = given.extradata
    context.thread_count = 1
    return context


def decoded(decoder: VideoCodecContext, packet: Packet[VideoStream]) -> list[VideoFrame]:
    """The pictures a packet yields; a damaged one yields none."""
    try:
        return [one for one in decoder.decode(packet) if isinstance(one, VideoFrame)]
    except av.error.FFmpegError:
        return []


def scaled_bgr(picture: VideoFrame, longest_side_px: int) -> Image:
    """BGR with even sides, no larger than this."""
    shrink = min(1.0, longest_side_px / max(picture.width, picture.height))
    width, height = (max(2, round(side * shrink) // 2 * 2) for side in (picture.width, picture.height))
    return DecodedPicture(picture).bgr(width, height)


# Private


class _Growing:
    """A fragmented MP4 that is written as it comes.

    The file is opened and closed here, because PyAV leaves its own open for ever when a header or the last
    packets cannot be written."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self.container = av.open(self._file, "w", format="mp4", options=_FRAGMENTED)

    def close(self) -> None:
        """Raises ClipError, OSError; the file is closed all the same."""
        try:
            self.container.close()
        except av.error.FFmpegError as error:
            _raise_if_disk(error)
            raise ClipError(f"the clip cannot be closed ({type(error).__name__})") from error
        finally:
            self._file.close()


class _FewPictures:
    """Of pictures shown to it those that are due, at `ENCODED_PER_S` and `LONGEST_SIDE_PX`, masked."""

    def __init__(self, container: av.container.OutputContainer, masks: Sequence[Mask] = ()) -> None:
        self._container = container
        self._masks = masks
        self._encoder: _PictureEncoder | None = None
        self._due = timedelta(0)

    def add(self, picture: VideoFrame, at: timedelta) -> None:
        if at < self._due:
            return
        self._due = at + timedelta(seconds=1 / ENCODED_PER_S)
        image = blacked_out(scaled_bgr(picture, LONGEST_SIDE_PX), self._masks)
        self._encoder = self._encoder or _PictureEncoder(self._container, image, ENCODED_PER_S)
        self._encoder.add(image, at)

    def finish(self) -> bool:
        """Whether there was any."""
        if self._encoder is not None:
            self._encoder.finish()
        return self._encoder is not None


class _PictureEncoder:
    """H.264 of BGR pictures that all come out in the size of the first."""

    def __init__(self, container: av.container.OutputContainer, first: Image, per_s: int) -> None:
        self._container = container
        self._stream = container.add_stream("libx264", rate=per_s)
        self._stream.height, self._stream.width = first.shape[:2]
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = {**_ENCODING, "g": str(2 * per_s), "bf": "0"}
        self._stream.time_base = self._stream.codec_context.time_base = Fraction(1, 1000)
        self._stream.thread_count = 1
        self._last = -1

    def add(self, image: Image, at: timedelta) -> None:
        frame = VideoFrame.from_ndarray(image, format="bgr24")
        frame = frame.reformat(self._stream.width, self._stream.height, "yuv420p")
        self._last = max(self._last + 1, round(at / timedelta(milliseconds=1)))
        frame.pts, frame.time_base = self._last, Fraction(1, 1000)
        _mux(self._container, self._stream.encode(frame))

    def finish(self) -> None:
        _mux(self._container, self._stream.encode(None))


def _pictures(read: av.container.InputContainer) -> Iterator[VideoFrame]:
    """All that can be decoded: a damaged packet costs its own pictures."""
    for packet in read.demux(read.streams.video[0]):
        with contextlib.suppress(av.error.InvalidDataError):
            yield from packet.decode()


def _mux(container: av.container.OutputContainer, packets: Iterable[Packet[Any]]) -> None:
    try:
        for packet in packets:
            container.mux(packet)
    except av.error.FFmpegError as error:
        _raise_if_disk(error)
        raise ClipError(f"a packet does not fit into the clip ({type(error).__name__})") from error


def _raise_if_disk(error: av.error.FFmpegError) -> None:
    if isinstance(error, OSError) and error.errno:
        raise OSError(error.errno, error.strerror) from error


def _whole_packets(container: av.container.InputContainer) -> Iterable[Packet[VideoStream]]:
    """Packets up to the first that is damaged or cut off."""
    packets = container.demux(container.streams.video[0])
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.FFmpegError):
            return
        if packet.size and not packet.is_corrupt:
            yield packet


def _key_frame_times(source: Path) -> list[float]:
    with av.open(str(source)) as container:
        return [
            float(packet.pts * packet.time_base)
            for packet in _whole_packets(container)
            if packet.is_keyframe and packet.pts is not None and packet.time_base is not None
        ]


def _key_frame_before(source: Path, at_s: float) -> float:
    try:
        times = _key_frame_times(source)
    except (av.error.FFmpegError, IndexError) as error:
        raise ClipError(f"{source.name} cannot be read ({type(error).__name__})") from error
    if not times:
        raise ClipError(f"{source.name} holds no picture")
    return max((one for one in times if one <= at_s), default=times[0])


def _alone(decoder: VideoCodecContext, packet: Packet[VideoStream]) -> list[VideoFrame]:
    """A key frame decoded by itself, drained at once: a decoder that reorders would hold it back."""
    pictures = [*decoder.decode(packet), *decoder.decode(None)]
    decoder.flush_buffers()
    return [one for one in pictures if isinstance(one, VideoFrame)]


def _fitted(image: Image, longest_side_px: int) -> Image:
    height, width = image.shape[:2]
    shrink = min(1.0, longest_side_px / max(width, height))
    size = (max(2, round(width * shrink) // 2 * 2), max(2, round(height * shrink) // 2 * 2))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
