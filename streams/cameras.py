"""From a camera of the deployment file to the reader that watches it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from config import Camera
from streams.capture_clock import CaptureClock
from streams.live import LiveReader
from streams.opencv import OpenCvSource
from streams.paced import PacedSource
from streams.packet_source import FootageWatch, PacketSource
from streams.recorded import open_recorded
from streams.source import LiveConnection
from streams.tap import PacketTap, QuietTap


def connector(
    camera: Camera, *, wanted_interval_s: float = 2.0, tap: PacketTap | None = None
) -> Callable[[], LiveConnection]:
    """A function that makes a new connection to the camera; sequence and clock go on across connections."""
    sequence, clock, footage = count(1), CaptureClock(), FootageWatch()
    stream = camera.stream

    def connect() -> LiveConnection:
        if not camera.source.scheme:
            path = camera.source.reveal()
            return PacedSource(
                lambda: open_recorded(path, camera.id),
                camera.id,
                wanted_interval_s=wanted_interval_s,
                sequence=sequence,
            )
        if stream.decoder == "opencv":
            return OpenCvSource(
                camera.source,
                camera.id,
                open_timeout_s=stream.open_timeout_s,
                read_timeout_s=stream.read_timeout_s,
                wanted_interval_s=wanted_interval_s,
                clock=clock,
                sequence=sequence,
            )
        return PacketSource(
            camera.source,
            camera.id,
            open_timeout_s=stream.open_timeout_s,
            read_timeout_s=stream.read_timeout_s,
            wanted_interval_s=wanted_interval_s,
            clock=clock,
            footage=footage,
            sequence=sequence,
            tap=tap,
        )

    return connect


def reader(
    camera: Camera,
    *,
    wanted_interval_s: float,
    on_frame: Callable[[], None] = lambda: None,
    tap: PacketTap | None = None,
) -> LiveReader:
    """The reader of a camera, not started yet; `tap` receives its packets."""
    quiet = QuietTap(camera.id, tap) if tap is not None else None
    return LiveReader(
        camera.id,
        connector(camera, wanted_interval_s=wanted_interval_s, tap=quiet),
        wanted_interval_s=wanted_interval_s,
        open_timeout_s=camera.stream.open_timeout_s,
        read_timeout_s=camera.stream.read_timeout_s,
        retry_max_s=camera.stream.retry_max_s,
        on_frame=on_frame,
    )
