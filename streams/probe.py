"""Opens a camera and reports what it sends: for commissioning, `firewatch check --probe`."""

from __future__ import annotations

import time
from dataclasses import dataclass

from config import Camera
from streams.errors import SourceError
from streams.packet_source import PacketSource
from streams.recorded import open_recorded

WATCH_S = 12.0
"""Long enough to see two key frames of a camera that sends one every five seconds."""
FAR_APART_S = 5.0
LARGE_SKEW_S = 1.0


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


def probe_camera(camera: Camera, watch_s: float = WATCH_S) -> CameraProbe:
    """Never raises for a camera's fault: it becomes the probe's `problem`."""
    try:
        if camera.source.scheme:
            return _probe_rtsp(camera, watch_s)
        return _probe_recorded(camera)
    except SourceError as error:
        return CameraProbe(camera.id, problem=str(error))


def _probe_recorded(camera: Camera) -> CameraProbe:
    with open_recorded(camera.source.reveal(), camera.id) as source:
        frame = next(iter(source.frames()))
        return CameraProbe(
            camera.id,
            "file",
            frame.width_px,
            frame.height_px,
            clock="none (recorded footage, played in real time)",
        )


def _probe_rtsp(camera: Camera, watch_s: float) -> CameraProbe:
    stream = camera.stream
    with PacketSource(
        camera.source, camera.id, open_timeout_s=stream.open_timeout_s, read_timeout_s=stream.read_timeout_s
    ) as source:
        until_s = time.monotonic() + watch_s
        first_s: float | None = None
        last_s = 0.0
        spacing_s: float | None = None
        for packet, _ in source.packets():
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
            camera.id,
            context.name,
            context.width,
            context.height,
            float(declared) if declared else measured,
            spacing_s,
            "no sender reports: time of arrival is used"
            if skew_s is None
            else f"RTCP, {skew_s:+.2f} s against ours",
            tuple(remarks),
        )
