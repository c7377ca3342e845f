"""Opens a camera and reports what it sends: for commissioning, in the console.

A camera can hold FFmpeg longer than any time-out: who cannot wait runs this in a process of its own
(`firewatch.processes.probe`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import cv2

from config import Camera
from streams.cameras import connector
from streams.errors import BadPicture, SourceError
from streams.frame import Frame
from streams.group_decoder import GroupDecoder
from streams.packet_source import PacketSource
from streams.recorded import open_recorded
from streams.source import LiveConnection

WATCH_S = 12.0
"""Long enough to see two key frames of a camera that sends one every five seconds."""
FAR_APART_S = 5.0
LARGE_SKEW_S = 1.0
PICTURE_WIDTH_PX = 640


@dataclass(frozen=True)
class CameraProbe:
    """What was found. With a `problem` the other fields mean nothing."""

    camera_id: str
    codec: str = ""
    width_px: int = 0
    height_px: int = 0
    fps: float | None = None
    key_frame_spacing_s: float | None = None
    clock: str = ""
    remarks: tuple[str, ...] = ()
    problem: str = ""
    picture_jpeg: bytes = field(default=b"", repr=False)
    """What it shows, at most `PICTURE_WIDTH_PX` wide; empty where none could be decoded."""


def probe_camera(camera: Camera, watch_s: float = WATCH_S) -> CameraProbe:
    """Never raises for a camera's fault: it becomes the probe's `problem`."""
    try:
        if not camera.watched_source.scheme:
            return _probe_recorded(camera)
        connection = connector(camera)()
        if isinstance(connection, PacketSource):
            return _probe_stream(camera.id, connection, watch_s)
        return _probe_pictures(camera.id, connection)
    except SourceError as error:
        return CameraProbe(camera.id, problem=str(error))


def _probe_recorded(camera: Camera) -> CameraProbe:
    with open_recorded(camera.watched_source.reveal(), camera.id) as source:
        frame = next(iter(source.frames()))
        return CameraProbe(
            camera.id,
            "file",
            frame.width_px,
            frame.height_px,
            clock="none (recorded footage, played in real time)",
            picture_jpeg=_small_jpeg(frame),
        )


def _probe_pictures(camera_id: str, connection: LiveConnection) -> CameraProbe:
    """One picture of a camera that sends no packets (snapshots, OpenCV)."""
    with connection:
        frame = next(iter(connection.frames()))
        skew_s = connection.counts.clock_skew_s
        return CameraProbe(
            camera_id,
            "pictures",
            frame.width_px,
            frame.height_px,
            clock="none: time of arrival is used"
            if skew_s is None
            else f"HTTP, {skew_s:+.0f} s against ours",
            picture_jpeg=_small_jpeg(frame),
        )


def _probe_stream(camera_id: str, connection: PacketSource, watch_s: float) -> CameraProbe:
    with connection as source:
        until_s = time.monotonic() + watch_s
        first_s: float | None = None
        last_s = 0.0
        spacing_s: float | None = None
        decoder = GroupDecoder(source.stream)
        for packet, captured_at in source.packets():
            decoder.add(packet, captured_at)
            last_s = time.monotonic()
            if source.counts.key_frame_spacing_s is not None:
                spacing_s = max(spacing_s or 0.0, source.counts.key_frame_spacing_s)
            first_s = first_s or last_s
            key_frames_seen = spacing_s is not None and source.counts.packets > 50
            if last_s > until_s or (key_frames_seen and packet.is_keyframe and last_s - first_s > 3):
                break
        context = source.stream.codec_context
        declared = source.stream.average_rate
        measured = source.counts.packets / (last_s - first_s) if first_s and last_s > first_s else None
        skew_s = source.clock.skew_s
        remarks = []
        if spacing_s is None:
            remarks.append(
                f"fewer than two key frames in {watch_s:g} s: set a shorter I-frame interval (1-4 s)"
            )
        elif spacing_s > FAR_APART_S:
            remarks.append("key frames far apart: every picture must be decoded; set 1-4 s")
        if skew_s is not None and abs(skew_s) > LARGE_SKEW_S:
            remarks.append(f"camera clock differs by {skew_s:+.1f} s: set NTP in the camera")
        return CameraProbe(
            camera_id,
            context.name,
            context.width,
            context.height,
            float(declared) if declared else measured,
            spacing_s,
            "no sender reports: time of arrival is used"
            if skew_s is None
            else f"RTCP, {skew_s:+.2f} s against ours",
            tuple(remarks),
            picture_jpeg=_newest_jpeg(source, decoder),
        )


def _newest_jpeg(source: PacketSource, decoder: GroupDecoder) -> bytes:
    try:
        frame = source.decode(decoder, key_only=True)
    except BadPicture:
        return b""
    return _small_jpeg(frame) if frame is not None else b""


def _small_jpeg(frame: Frame) -> bytes:
    width, height = frame.width_px, frame.height_px
    if width > PICTURE_WIDTH_PX:
        width, height = PICTURE_WIDTH_PX, max(1, round(height * PICTURE_WIDTH_PX / width))
    _, encoded = cv2.imencode(".jpg", frame.scaled(width, height), [cv2.IMWRITE_JPEG_QUALITY, 80])
    return encoded.tobytes()
