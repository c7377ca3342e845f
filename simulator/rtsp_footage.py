"""A video file as the access units a camera would send: demuxed once, kept in memory, never decoded.

Every time is an integer count of RTP video clock ticks (90 kHz), zero at the first picture, so that a
loop of hours adds up exactly. NAL units are kept without start codes, ready to be packetised.
"""

from __future__ import annotations

import statistics
import threading
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import av
from av.bitstream import BitStreamFilterContext
from av.packet import Packet
from av.video.stream import VideoStream

from simulator.rtsp_jpeg import UnsendableJpeg, scan_of

if TYPE_CHECKING:
    from simulator.rtsp_packets import PacketTemplate

CLOCK_HZ = 90_000
"""RTP clock of H.264, H.265 and JPEG (RFC 6184, RFC 7798, RFC 2435)."""

Codec = Literal["h264", "h265", "mjpeg"]

_CODECS: dict[str, Codec] = {"h264": "h264", "hevc": "h265", "mjpeg": "mjpeg"}
_ANNEX_B_FILTER = {"h264": "h264_mp4toannexb", "h265": "hevc_mp4toannexb"}
"""MJPEG has no NAL units: a whole picture stands for one."""
_PARAMETER_SETS = {"h264": (7, 8), "h265": (32, 33, 34), "mjpeg": ()}
_DELIMITERS = {"h264": (9, 12), "h265": (35, 38)}  # access unit delimiter, filler: nothing a reader needs


class FootageError(Exception):
    """A file that cannot be served as a camera: missing, unreadable, or in a codec no camera sends."""


@dataclass(frozen=True)
class AccessUnit:
    """One coded picture with the NAL units that belong to it, in decoding order."""

    nals: tuple[bytes, ...]
    pts_ticks: int
    send_ticks: int
    """When to send it: never before its presentation time, as a camera cannot know the future."""
    is_key: bool


@dataclass(frozen=True, repr=False)
class Footage:
    """A whole file, ready to be sent again and again."""

    path: Path
    codec: Codec
    width_px: int
    height_px: int
    parameter_sets: tuple[bytes, ...]
    """SPS and PPS, or VPS, SPS and PPS, in this order; none of MJPEG."""
    units: tuple[AccessUnit, ...]
    duration_ticks: int
    key_interval_ticks: int
    """Largest gap between key frames: how long a reader may have to wait for its first picture."""

    @property
    def frames_per_second(self) -> float:
        return len(self.units) * CLOCK_HZ / self.duration_ticks

    def __repr__(self) -> str:
        size = f"{self.width_px}x{self.height_px}"
        return f"Footage({self.path.name}, {self.codec}, {size}, {len(self.units)} pictures)"


def nal_type(codec: Codec, nal: bytes) -> int:
    """`nal_unit_type` of a NAL unit without start code."""
    return nal[0] & 0x1F if codec == "h264" else (nal[0] >> 1) & 0x3F


def is_picture(codec: Codec, nal: bytes) -> bool:
    """Whether a NAL unit holds coded picture data (a slice), not metadata."""
    if codec == "mjpeg":
        return True
    kind = nal_type(codec, nal)
    return 1 <= kind <= 5 if codec == "h264" else kind < 32


def split_nals(annex_b: bytes) -> list[bytes]:
    """NAL units of an Annex B byte stream.

    >>> split_nals(b"\\0\\0\\0\\1AB\\0\\0\\1C")
    [b'AB', b'C']
    """
    # A NAL unit never holds 00 00 01 nor ends in 00, so zeros before a start code belong to it.
    return [nal for part in annex_b.split(b"\0\0\1")[1:] if (nal := part.rstrip(b"\0"))]


class FootageLibrary:
    """Opens each file once and shares it between all cameras and readers; safe to use from any thread."""

    def __init__(self) -> None:
        self.templates: dict[tuple[int, int], PacketTemplate] = {}
        """For the cameras that play it (`simulator.rtsp_channel`), all in one thread."""
        self._footage: dict[tuple[Path, int], Footage] = {}
        self._lock = threading.Lock()

    def open(self, path: Path) -> Footage:
        try:
            path = path.resolve(strict=True)
            key = (path, path.stat().st_mtime_ns)
        except OSError as error:
            raise FootageError(f"{path}: cannot be read ({error.strerror}); check the path") from None
        with self._lock:
            if key not in self._footage:
                self._footage[key] = read_footage(path)
            return self._footage[key]


def read_footage(path: Path) -> Footage:
    """Demux a whole file; raises FootageError, which says what to do."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise FootageError(f"{path}: holds no video stream; give a video file")
            stream = container.streams.video[0]
            codec = _CODECS.get(stream.codec_context.name)
            if codec is None:
                raise FootageError(
                    f"{path}: is {stream.codec_context.name}; cameras send H.264, H.265 or MJPEG, convert it "
                    "(ffmpeg -i IN -c:v libx264 OUT.mp4)"
                )
            width_px, height_px = stream.codec_context.width, stream.codec_context.height
            packets = list(container.demux(stream))
            if codec in _ANNEX_B_FILTER:
                to_annex_b = BitStreamFilterContext(_ANNEX_B_FILTER[codec], in_stream=stream)
                packets = [out for packet in packets for out in to_annex_b.filter(packet)]
            units, frame_ticks = _units(packets, stream, codec)
            if codec == "mjpeg":
                for unit in units:
                    scan_of(unit.nals[0])
    except UnsendableJpeg as error:
        raise FootageError(f"{path}: cannot be sent over RTP, a picture {error}") from error
    except (av.FFmpegError, OSError) as error:
        raise FootageError(f"{path}: cannot be read as video ({error}); is the file whole?") from error
    if not units or not units[0].is_key:
        raise FootageError(f"{path}: does not begin with a key frame; cut it at one or encode it again")
    sets = tuple(
        nal
        for kind in _PARAMETER_SETS[codec]
        for nal in dict.fromkeys(nal for nal in units[0].nals if nal_type(codec, nal) == kind)
    )
    if len(sets) < len(_PARAMETER_SETS[codec]):
        raise FootageError(f"{path}: parameter sets are missing at its first key frame; encode it again")
    units = [_with_parameter_sets(unit, sets, codec) for unit in units]
    duration_ticks = max(unit.pts_ticks for unit in units) + frame_ticks
    keys = [*(unit.pts_ticks for unit in units if unit.is_key), duration_ticks]
    return Footage(
        path=path,
        codec=codec,
        width_px=width_px,
        height_px=height_px,
        parameter_sets=sets,
        units=tuple(units),
        duration_ticks=duration_ticks,
        key_interval_ticks=max(later - earlier for earlier, later in pairwise(keys)),
    )


def _units(
    packets: list[Packet[VideoStream]], stream: VideoStream, codec: Codec
) -> tuple[list[AccessUnit], int]:
    """Access units in decoding order, times from zero, and the length of one frame."""
    ticks_per_unit = (stream.time_base or 1) * CLOCK_HZ
    timed: list[tuple[int, int, Packet[VideoStream]]] = []
    for packet in packets:
        pts, dts = packet.pts, packet.dts
        pts = dts if pts is None else pts
        dts = pts if dts is None else dts
        if pts is not None and dts is not None and packet.size:
            timed.append((round(pts * ticks_per_unit), round(dts * ticks_per_unit), packet))
    if not timed:
        return [], 0
    first = min(pts for pts, _, _ in timed)
    reorder = max(pts - dts for pts, dts, _ in timed)
    units = []
    for pts, dts, packet in timed:
        nals = _nals(codec, bytes(packet))
        if any(is_picture(codec, nal) for nal in nals):
            units.append(AccessUnit(nals, pts - first, dts - first + reorder, packet.is_keyframe))
    times = sorted(unit.pts_ticks for unit in units)
    steps = [later - earlier for earlier, later in pairwise(times)]
    return units, max(1, round(statistics.median(steps))) if steps else CLOCK_HZ // 25


def _nals(codec: Codec, coded: bytes) -> tuple[bytes, ...]:
    if codec == "mjpeg":
        return (coded,)
    return tuple(nal for nal in split_nals(coded) if nal_type(codec, nal) not in _DELIMITERS[codec])


def _with_parameter_sets(unit: AccessUnit, sets: tuple[bytes, ...], codec: Codec) -> AccessUnit:
    """Key frames carry their parameter sets, so that a reader may begin at any of them."""
    if not unit.is_key or any(nal_type(codec, nal) in _PARAMETER_SETS[codec] for nal in unit.nals):
        return unit
    return AccessUnit((*sets, *unit.nals), unit.pts_ticks, unit.send_ticks, unit.is_key)
