"""Packets of the one connection reach whoever taps it, and a broken tap blinds nobody."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import av
from av.packet import Packet
from av.video.stream import VideoStream
from footage_files import FootageFiles

import config
from simulator.rtsp import RtspServer
from streams.cameras import reader
from streams.tap import PacketTap

LIMIT_S = 60.0


class Kept:
    """A tap that keeps everything."""

    def __init__(self) -> None:
        self.templates: list[VideoStream] = []
        self.packets: list[tuple[Packet[VideoStream], datetime]] = []
        self.closings = 0

    def opened(self, template: VideoStream) -> None:
        self.templates.append(template)

    def packet(self, packet: Packet[VideoStream], captured_at: datetime) -> None:
        self.packets.append((packet, captured_at))

    def closed(self) -> None:
        self.closings += 1


class Broken(Kept):
    def packet(self, packet: Packet[VideoStream], captured_at: datetime) -> None:
        super().packet(packet, captured_at)
        raise OSError("the disk is full")


def until(condition: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + LIMIT_S
    while not condition() and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return condition()


def watched(server: RtspServer, tap: PacketTap, while_watching: Callable[[], bool]) -> bool:
    camera = config.Camera.model_validate(
        {
            "id": "ridge",
            "name": "山脊",
            "source": server.url("quick"),
            "lat_deg": 23.1,
            "lon_deg": 116.4,
            "mast_height_m": 20,
            "pose": {"azimuth_deg": 0, "tilt_deg": 0, "hfov_deg": 50},
            "stream": {"retry_max_s": 0.2},
        }
    )
    live = reader(camera, wanted_interval_s=1.0, tap=tap)
    live.start()
    try:
        return until(lambda: live.has_frame and while_watching())
    finally:
        live.stop()
        assert live.join(LIMIT_S)


def test_tapped_packets_make_a_playable_clip_after_the_connection_is_gone(
    files: FootageFiles, tmp_path: Path
) -> None:
    kept = Kept()
    with RtspServer({"quick": files.quick}) as server:
        assert watched(server, kept, lambda: len(kept.packets) >= 15)
    clip = tmp_path / "clip.mp4"
    with av.open(str(clip), "w") as out:
        stream = out.add_stream_from_template(kept.templates[0])
        for packet, _ in kept.packets:
            if packet.pts is not None:  # FFmpeg gives the very first packet none
                packet.stream = stream
                out.mux(packet)
    with av.open(str(clip)) as again:
        assert sum(1 for _ in again.decode(video=0)) >= 9
    times = [captured_at for _, captured_at in kept.packets]
    assert times == sorted(times)


def test_each_connection_is_opened_and_closed_to_the_tap(files: FootageFiles) -> None:
    kept = Kept()
    with RtspServer({"quick": files.quick}) as server:

        def dropped_once() -> bool:
            if len(kept.templates) == 1 and len(kept.packets) > 5:
                server.fault("quick", "drop")
            return len(kept.templates) >= 2

        assert watched(server, kept, dropped_once)
    assert kept.closings == len(kept.templates)


def test_a_tap_that_fails_blinds_nobody(files: FootageFiles) -> None:
    broken = Broken()
    with RtspServer({"quick": files.quick}) as server:
        assert watched(server, broken, lambda: len(broken.packets) >= 30)
    assert len(broken.templates) == 1
