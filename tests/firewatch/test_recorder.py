"""Recordings of real cameras: begun before the fire is known, finished whatever happens, never in the way."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import av
import numpy as np
import pytest
from at_work import at_work
from PIL import Image
from test_worker import LOOKS, Kept, camera, sighting_in, until

from config import Camera, EvidenceSettings
from detector.detection import Look
from detector.pipeline import LookResult
from firewatch.recorder import ClipRecorder
from firewatch.recording import About, Product
from firewatch.worker import Worker
from simulator.rtsp import RtspServer
from streams.frame import Frame

SETTINGS = EvidenceSettings(before_s=1.5, after_s=2.0, ring_s=6.0, ring_mb=4.0)
FPS = 10


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return brightening(tmp_path_factory.mktemp("video") / "v.mp4", 320, 240)


def brightening(path: Path, width_px: int, height_px: int, codec: str = "libx264") -> Path:
    """Four seconds, a key frame every half, that brighten from picture to picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FPS)
        stream.width, stream.height, stream.pix_fmt = width_px, height_px, "yuv420p"
        stream.options = {"g": "5", "bf": "0", "preset": "ultrafast", "x265-params": "log-level=none"}
        for number in range(40):
            picture = np.full((height_px, width_px, 3), 60 + 4 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
        container.mux(stream.encode(None))
    return path


class Script:
    """Suspects and confirms at the looks it is told."""

    def __init__(self, *, suspicious_from: int, suspicious_until: int = 10**9, sighting_at: int = 0) -> None:
        self.looks = 0
        self._suspicious = range(suspicious_from, suspicious_until)
        self._sighting_at = sighting_at

    def look(self, frame: Frame) -> LookResult:
        self.looks += 1
        look = Look(frame.camera_id, None, frame.captured_at, frame.sequence, 320, 240, (), "scripted")
        found = (sighting_in(frame),) if self.looks == self._sighting_at else ()
        return LookResult(look, (), found, self.looks in self._suspicious)


class GivenSink:
    """Keeps what recordings became; refuses as often as told."""

    def __init__(self, folder: Path, refusals: int = 0) -> None:
        self.given: list[tuple[About, list[Product]]] = []
        self.refused = 0
        self._refusals = refusals
        self._folder = folder

    def add(self, about: About, products: Sequence[Product]) -> None:
        if self.refused < self._refusals:
            self.refused += 1
            raise OSError("the store is away")
        self._folder.mkdir(exist_ok=True)
        kept = []
        for one in products:
            path = self._folder / f"{about.camera_id}-{one.path.name}"
            shutil.copy(one.path, path)
            kept.append(Product(one.kind, path, one.media_type, one.captured_at, one.incomplete))
        self.given.append((about, kept))

    @property
    def clips(self) -> list[Product]:
        return [one for _, products in self.given for one in products if one.kind == "clip"]


@contextlib.contextmanager
def recording(
    cameras: list[Camera],
    script: Script,
    sink: GivenSink,
    folder: Path,
    troubles: list[str] | None = None,
    kept: Kept | None = None,
    settings: EvidenceSettings = SETTINGS,
) -> Iterator[ClipRecorder]:
    """A worker at work, with a recorder."""
    recorder = ClipRecorder(
        cameras,
        settings,
        folder,
        sink,
        on_trouble=(troubles if troubles is not None else []).append,
        retry_s=0.1,
    )
    recorder.start()
    kept = kept or Kept()
    worker = Worker(
        cameras,
        LOOKS,
        lambda _camera: script,
        kept,
        kept,
        kept,
        tap_for=recorder.tap_for,
        observers=(recorder,),
    )
    try:
        with at_work(worker):
            yield recorder
    finally:
        recorder.stop()


def seconds(path: Path) -> float:
    with av.open(str(path)) as container:
        times = [float(packet.pts * packet.time_base) for packet in container.demux(video=0) if packet.size]
    return max(times) - min(times)


def test_a_clip_of_h265_is_told_in_h264_and_as_the_camera_sent_it(tmp_path: Path) -> None:
    video = brightening(tmp_path / "h265.mp4", 320, 240, "libx265")
    sink = GivenSink(tmp_path / "given")
    with RtspServer({"ridge": video}) as server:
        script = Script(suspicious_from=6, sighting_at=10)
        with recording([camera("ridge", server.url("ridge"))], script, sink, tmp_path / "rec"):
            assert until(lambda: bool(sink.clips))
    ((_, products),) = sink.given
    kinds = [one.kind for one in products]
    assert kinds[-2:] == ["clip", "original"]
    shown, original = products[-2:]
    codecs = [av.open(str(one.path)).streams.video[0].codec_context.name for one in (shown, original)]
    assert codecs == ["h264", "hevc"]
    assert shown.captured_at == original.captured_at
    assert seconds(shown.path) == pytest.approx(seconds(original.path), abs=0.25)


def test_the_clip_begins_before_the_first_sign_and_ends_after_the_confirmation(
    video: Path, tmp_path: Path
) -> None:
    sink = GivenSink(tmp_path / "given")
    with RtspServer({"ridge": video}) as server:
        script = Script(suspicious_from=6, sighting_at=10)
        with recording([camera("ridge", server.url("ridge"))], script, sink, tmp_path / "rec"):
            assert until(lambda: bool(sink.clips))
    ((about, products),) = sink.given
    (seen,) = about.sightings
    (clip,) = sink.clips
    assert not clip.incomplete
    ends_at = clip.captured_at + timedelta(seconds=seconds(clip.path))
    assert clip.captured_at <= seen.first_seen_at - timedelta(seconds=SETTINGS.before_s - 0.3)
    assert ends_at >= seen.confirmed_at + timedelta(seconds=SETTINGS.after_s - 0.3)
    lead_up = [one for one in products if one.kind == "lead_up"]
    assert lead_up
    assert all(one.captured_at < seen.first_seen_at for one in lead_up)
    assert list((tmp_path / "rec").iterdir()) == [], "the recording is still there"


def test_a_suspicion_that_comes_to_nothing_leaves_nothing(video: Path, tmp_path: Path) -> None:
    sink, folder = GivenSink(tmp_path / "given"), tmp_path / "rec"
    with RtspServer({"ridge": video}) as server:
        script = Script(suspicious_from=2, suspicious_until=6)
        with recording([camera("ridge", server.url("ridge"))], script, sink, folder):
            assert until(lambda: any(folder.iterdir()))
            assert until(lambda: not any(folder.iterdir()))
    assert sink.given == []


def test_a_clip_waits_until_the_store_takes_it(video: Path, tmp_path: Path) -> None:
    sink = GivenSink(tmp_path / "given", refusals=2)
    with RtspServer({"ridge": video}) as server:
        script = Script(suspicious_from=2, sighting_at=3)
        with recording([camera("ridge", server.url("ridge"))], script, sink, tmp_path / "rec"):
            assert until(lambda: bool(sink.clips))
    assert sink.refused == 2


def test_a_camera_that_breaks_off_leaves_an_incomplete_clip(video: Path, tmp_path: Path) -> None:
    sink, script = GivenSink(tmp_path / "given"), Script(suspicious_from=3, sighting_at=6)
    with (
        RtspServer({"ridge": video}) as server,
        recording([camera("ridge", server.url("ridge"))], script, sink, tmp_path / "rec"),
    ):
        assert until(lambda: script.looks >= 6)
        server.fault("ridge", "stall")
        assert until(lambda: bool(sink.clips))
    assert sink.clips[0].incomplete


def test_a_camera_of_single_pictures_has_a_time_lapse(video: Path, tmp_path: Path) -> None:
    sink, script = GivenSink(tmp_path / "given"), Script(suspicious_from=4, sighting_at=6)
    with recording([camera("ridge", video)], script, sink, tmp_path / "rec"):
        assert until(lambda: bool(sink.clips))
    (clip,) = sink.clips
    with av.open(str(clip.path)) as container:
        assert len(list(container.decode(video=0))) >= 6


def test_a_camera_watched_on_its_smaller_stream_is_photographed_on_the_main_one(
    video: Path, tmp_path: Path
) -> None:
    sink, script = GivenSink(tmp_path / "given"), Script(suspicious_from=2, sighting_at=4)
    main, patient = brightening(tmp_path / "main.mp4", 640, 480), SETTINGS.model_copy(update={"after_s": 10})
    mask = {"kind": "private", "polygon": [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]}
    with RtspServer({"main": main, "sub": video}) as server:
        watched = camera(
            "ridge",
            server.url("main"),
            sub_source=server.url("sub"),
            stream={"looks_from": "sub"},
            masks=[mask],
        )
        with recording([watched], script, sink, tmp_path / "rec", settings=patient):
            assert until(lambda: bool(sink.clips))
    (picture,) = [one for _, products in sink.given for one in products if one.kind == "snapshot"]
    with Image.open(picture.path) as image:
        assert image.size == (640, 480)
        assert image.crop((330, 0, 640, 480)).convert("L").getextrema()[1] < 25
        assert image.crop((0, 0, 310, 480)).convert("L").getextrema()[0] > 30


def test_nothing_private_reaches_the_disk(video: Path, tmp_path: Path) -> None:
    mask = {"kind": "private", "polygon": [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]}
    sink, script = GivenSink(tmp_path / "given"), Script(suspicious_from=4, sighting_at=6)
    parts: list[Path] = []
    with RtspServer({"ridge": video}) as server:
        masked = camera("ridge", server.url("ridge"), masks=[mask])
        with recording([masked], script, sink, tmp_path / "rec"):
            assert until(lambda: bool(parts) or bool(parts.extend((tmp_path / "rec").glob("*/part-1.mp4"))))
            assert until(lambda: bool(sink.clips))
    for product in sink.given[0][1]:
        with av.open(str(product.path)) as container:
            for picture in container.decode(video=0):
                image = picture.to_ndarray(format="bgr24")
                assert image[:, 180:].max() < 25
                assert image[:, :140].min() > 30


def test_a_full_disk_costs_the_clip_and_nothing_else(video: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no permission to mount a tmpfs")
    try:
        with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))
        sink, kept, troubles = GivenSink(tmp_path / "given"), Kept(), list[str]()
        script = Script(suspicious_from=2, sighting_at=4)
        with RtspServer({"ridge": video}) as server:
            cameras = [camera("ridge", server.url("ridge"))]
            with recording(cameras, script, sink, disk / "rec", troubles, kept):
                assert until(lambda: bool(troubles) and bool(kept.sightings))
                looks = script.looks
                assert until(lambda: script.looks > looks + 3), "detection stopped"
        assert "No space left" in troubles[0]
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_killed_workers_recording_is_finished_at_the_next_start(video: Path, tmp_path: Path) -> None:
    folder = tmp_path / "rec"
    with RtspServer({"ridge": video}) as server:
        helper = Path(__file__).with_name("recorder_process.py")
        command = [sys.executable, str(helper), server.url("ridge"), str(folder)]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            assert until(
                # The last fragment may be cut off in the middle: the one before it is whole.
                lambda: any("sighting_id" in one for one in abouts(folder)) and fragments(folder) > 1
            )
        finally:
            process.kill()
            process.wait()
        (folder / "torn").mkdir()  # killed before it wrote anything
        sink, script = GivenSink(tmp_path / "given"), Script(suspicious_from=10**8)
        with recording([camera("ridge", server.url("ridge"))], script, sink, folder):
            assert until(lambda: bool(sink.clips) and not any(folder.iterdir()))
    (clip,) = sink.clips
    assert clip.incomplete
    assert seconds(clip.path) >= 0.3  # at least what was one whole fragment


def test_recordings_of_other_workers_are_left_alone(video: Path, tmp_path: Path) -> None:
    other = tmp_path / "rec" / "other"
    other.mkdir(parents=True)
    (other / "about.json").write_text(
        json.dumps({"camera_id": "elsewhere", "began_at": "2026-05-01T04:00:00Z"}), encoding="utf-8"
    )
    sink, script = GivenSink(tmp_path / "given"), Script(suspicious_from=2, sighting_at=3)
    with (
        RtspServer({"ridge": video}) as server,
        recording([camera("ridge", server.url("ridge"))], script, sink, tmp_path / "rec"),
    ):
        assert until(lambda: bool(sink.clips))
    assert other.exists()


def abouts(folder: Path) -> list[str]:
    found = []
    for path in folder.glob("*/about.json"):
        with contextlib.suppress(OSError):
            found.append(path.read_text())
    return found


def fragments(folder: Path) -> int:
    """Pieces of film on the disk, the last perhaps not whole."""
    return sum(path.read_bytes().count(b"moof") for path in folder.glob("*/part-*.mp4"))
