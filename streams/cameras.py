"""From a camera of the deployment file to the reader that watches it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import TypedDict
from urllib.parse import urlsplit

from config import Camera, SecretSource
from streams.capture_clock import CaptureClock
from streams.frame import Frame
from streams.live import LiveReader
from streams.opencv import OpenCvSource
from streams.paced import PacedSource
from streams.packet_source import FootageWatch, PacketSource
from streams.play_url import ask_for_play_url, is_question
from streams.preset_reader import PresetReader
from streams.preset_watch import PresetWatch
from streams.recorded import open_recorded
from streams.snapshot import SnapshotSource
from streams.source import LiveConnection
from streams.tap import PacketTap, QuietTap


def connector(
    camera: Camera, *, wanted_interval_s: float = 2.0, tap: PacketTap | None = None
) -> Callable[[], LiveConnection]:
    """A function that makes a new connection to the camera; sequence and clock go on across connections."""
    sequence, clock, footage = count(1), CaptureClock(), FootageWatch()
    stream, source = camera.stream, camera.watched_source

    def connect() -> LiveConnection:
        if not source.scheme:
            path = source.reveal()
            return PacedSource(
                lambda: open_recorded(path, camera.id),
                camera.id,
                wanted_interval_s=wanted_interval_s,
                sequence=sequence,
            )
        url = ask_for_play_url(camera) if is_question(source) else source
        common = _Common(
            open_timeout_s=stream.open_timeout_s,
            read_timeout_s=stream.read_timeout_s,
            wanted_interval_s=wanted_interval_s,
            clock=clock,
            sequence=sequence,
        )
        if stream.decoder == "opencv":
            return OpenCvSource(url, camera.id, **common)
        if is_snapshot(url, stream.kind):
            return SnapshotSource(url, camera.id, **common)
        return PacketSource(
            url,
            camera.id,
            transport=stream.transport,
            format_name="mpjpeg" if stream.kind == "mjpeg" else None,
            footage=footage,
            tap=tap,
            **common,
        )

    return connect


def main_picture(camera: Camera) -> Frame:
    """One picture of the camera's main stream, whichever it is watched on. Waits until it has come.

    Raises SourceError and BadPicture.
    """
    stream = camera.stream.model_copy(update={"looks_from": "main"})
    with connector(camera.model_copy(update={"stream": stream}))() as connection:
        return next(iter(connection.frames()))


def is_snapshot(url: SecretSource, kind: str) -> bool:
    """Whether a URL is asked for single pictures.

    >>> [is_snapshot(SecretSource(url), "auto") for url in ("http://h/cgi/snap?ch=1", "http://h/a.live.flv?t=1")]
    [True, False]
    """
    if not url.scheme.startswith("http") or kind != "auto":
        return kind == "snapshot"
    return not urlsplit(url.reveal()).path.endswith((".flv", ".m3u8", ".ts", ".mp4"))


class _Common(TypedDict):
    """What all connections are made with."""

    open_timeout_s: float
    read_timeout_s: float
    wanted_interval_s: float
    clock: CaptureClock
    sequence: Iterator[int]


def reader(
    camera: Camera,
    *,
    wanted_interval_s: float,
    on_frame: Callable[[], None] = lambda: None,
    tap: PacketTap | None = None,
) -> LiveReader:
    """The reader of a camera, not started yet; `tap` receives its packets."""
    quiet = QuietTap(camera.id, tap) if tap is not None else None
    connect = connector(camera, wanted_interval_s=wanted_interval_s, tap=quiet)
    options = _ReaderOptions(
        wanted_interval_s=wanted_interval_s,
        open_timeout_s=camera.stream.open_timeout_s,
        read_timeout_s=camera.stream.read_timeout_s,
        retry_max_s=camera.stream.retry_max_s,
        on_frame=on_frame,
    )
    if camera.ptz is None:
        return LiveReader(camera.id, connect, **options)
    return PresetReader(camera.id, connect, PresetWatch(camera, camera.ptz), **options)


class _ReaderOptions(TypedDict):
    """What all readers are made with."""

    wanted_interval_s: float
    open_timeout_s: float
    read_timeout_s: float
    retry_max_s: float
    on_frame: Callable[[], None]
