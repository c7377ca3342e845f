"""What goes wrong with cameras, for real: each fault on a real server, the camera beside it never notices.

One server, one worker and two cameras in it for all tests: `sick`, which has the faults, and `steady`. The
network is left out: a scripted pipeline notes what is looked at.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import av
import numpy as np
import pytest
from at_work import at_work
from camera_peers import Babbler, Link
from ports import own_port

from alerting.latest import LatestPictures
from alerting.store import Store
from config import Camera, LookSettings, load
from detector.detection import Look
from detector.pipeline import LookResult
from firewatch.dead_workers import tell_of_dead_workers
from firewatch.plan import Plan
from firewatch.supervision import Supervisor
from firewatch.worker import Worker
from simulator.rtsp import RtspServer
from streams.condition import Condition
from streams.frame import Frame

LIMIT_S = 60.0
USERS = {"viewer": "s3cret-word"}
IMPATIENT = {"read_timeout_s": 1, "stale_after_s": 2}
"""Not for the camera that is well: a loaded machine may hold up its pictures for a moment."""
LOOKS = LookSettings(patrol_interval_s=0.5, dense_interval_s=0.5)


def write_video(path: Path, *, fps: int = 10, size: tuple[int, int] = (320, 240), seconds: int = 4) -> Path:
    """A key frame every half second (or every picture, when they are rarer), each with its own pattern."""
    chance = np.random.default_rng(1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.options = {"preset": "ultrafast", "g": str(max(1, fps // 2)), "bf": "0"}
        for _ in range(fps * seconds):
            picture = np.kron(chance.integers(0, 255, (15, 20, 3)), np.ones((16, 16, 1))).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, "bgr24").reformat(*size, "yuv420p")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


class Seen:
    """Pipelines, store and console at once: keeps what the worker finds and tells."""

    def __init__(self) -> None:
        self.frames: dict[str, Frame] = {}
        self.looks: Counter[str] = Counter()
        self.states: dict[str, tuple[str, str]] = {}
        self.history: list[tuple[str, str]] = []

    def look(self, frame: Frame) -> LookResult:
        frame.scaled(320, 192)
        self.frames[frame.camera_id] = frame
        self.looks[frame.camera_id] += 1
        size = (frame.width_px, frame.height_px)
        return LookResult(Look(frame.camera_id, None, frame.captured_at, frame.sequence, *size, (), "none"))

    def accept(self, *_: object) -> None:
        raise AssertionError("nothing is sighted here")

    def set_camera_state(
        self, camera_id: str, state: str, since: datetime, reason: str, *, counts: bool = True
    ) -> None:
        assert counts
        assert since.tzinfo is not None
        self.states[camera_id] = (state, reason)
        self.history.append((camera_id, state))

    def write(self, camera_id: str, jpeg: bytes, captured_at: datetime) -> None: ...

    def condition(self, camera_id: str) -> str:
        return self.states.get(camera_id, ("", ""))[0]


def camera(camera_id: str, source: str) -> Camera:
    return Camera.model_validate(
        {
            "id": camera_id,
            "name": camera_id,
            "source": source,
            "lat_deg": 23.1,
            "lon_deg": 116.4,
            "mast_height_m": 20,
            "pose": {"azimuth_deg": 0, "tilt_deg": 0, "hfov_deg": 50},
            "stream": {
                "open_timeout_s": 3,
                "retry_max_s": 0.3,
                **(IMPATIENT if camera_id != "steady" else {}),
            },
        }
    )


def until(condition: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + LIMIT_S
    while not condition() and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return condition()


@contextmanager
def watching(cameras: list[Camera], seen: Seen) -> Iterator[Worker]:
    worker = Worker(cameras, LOOKS, lambda _camera: seen, seen, seen, seen)
    with at_work(worker):
        yield worker


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("footage")
    write_video(folder / "view.mp4")
    write_video(folder / "larger.mp4", size=(640, 480))
    write_video(folder / "rare.mp4", fps=1)
    return folder


class Ward:
    """The server, the link to it, the worker and what was seen."""

    def __init__(self, server: RtspServer, link: Link, worker: Worker, seen: Seen, folder: Path) -> None:
        self.server, self.link, self.worker, self.seen, self.folder = server, link, worker, seen, folder

    def connections(self) -> int:
        return self.worker.readers["sick"].connections

    def sick_is_live(self) -> bool:
        before = self.seen.looks["sick"]
        return until(
            lambda: self.seen.condition("sick") == Condition.LIVE and self.seen.looks["sick"] > before
        )


@pytest.fixture(scope="module")
def built(footage: Path) -> Iterator[Ward]:
    view = f"~{footage / 'view.mp4'}*100000"
    seen = Seen()
    with (
        RtspServer({"sick": view, "steady": view, "other": view}, users=USERS) as server,
        Link(server.port) as link,
    ):
        login = "viewer:s3cret-word@127.0.0.1"
        cameras = [
            camera("sick", f"rtsp://{login}:{link.port}/sick"),
            camera("steady", f"rtsp://{login}:{server.port}/steady"),
        ]
        with watching(cameras, seen) as worker:
            yield Ward(server, link, worker, seen, footage)


@pytest.fixture
def ward(built: Ward, caplog: pytest.LogCaptureFixture) -> Iterator[Ward]:
    """Healthy before the test; after it, `steady` must have been looked at all the time and the log be fit to
    read."""
    built.server.clear("sick")
    assert built.sick_is_live()
    steady = built.worker.readers["steady"]
    looks, replaced, connections = built.seen.looks["steady"], steady.replaced, steady.connections
    caplog.clear()
    with caplog.at_level(logging.INFO):
        yield built
    built.server.clear("sick")
    assert until(lambda: built.seen.looks["steady"] >= looks + 3)
    assert steady.connections == connections
    assert built.seen.condition("steady") == Condition.LIVE
    looked = built.seen.looks["steady"] - looks
    assert steady.replaced - replaced <= looked, "key frames of the camera beside it went by unseen"
    records = [record for record in caplog.records if record.name.startswith(("streams", "firewatch"))]
    assert not any("s3cret" in record.getMessage() for record in records)
    assert not any(record.exc_info for record in records)
    assert sum(record.levelno >= logging.WARNING for record in records) <= 10


def test_freeze_the_same_picture_is_looked_at_again_and_again(ward: Ward) -> None:
    ward.server.fault("sick", "freeze")
    before = ward.seen.looks["sick"]
    assert until(lambda: ward.seen.looks["sick"] > before + 4)
    first = ward.seen.frames["sick"]
    assert until(lambda: ward.seen.frames["sick"].sequence > first.sequence + 1)
    assert np.array_equal(first.image, ward.seen.frames["sick"].image)


def test_stall_the_camera_is_stale_and_comes_back(ward: Ward) -> None:
    ward.server.fault("sick", "stall")
    assert until(lambda: ward.seen.condition("sick") == Condition.STALE)
    assert until(lambda: ward.worker.readers["sick"].vitals().problem != "")
    ward.server.clear("sick")
    assert ward.sick_is_live()


def test_drop_the_camera_is_connected_again_and_was_never_called_blind(ward: Ward) -> None:
    before, told = ward.connections(), len(ward.seen.history)
    ward.server.fault("sick", "drop")
    assert until(lambda: ward.connections() > before)
    assert ward.sick_is_live()
    assert ("sick", Condition.OFF) not in ward.seen.history[told:]


@pytest.mark.parametrize(
    ("status", "reason"), [(401, "password"), (503, "refuses"), ("close", "")], ids=["401", "503", "close"]
)
def test_refuse_the_reason_is_told_and_the_camera_comes_back(
    ward: Ward, status: int | str, reason: str
) -> None:
    ward.server.fault("sick", "refuse", status=status)
    ward.server.fault("sick", "drop")
    assert until(lambda: ward.seen.condition("sick") == Condition.STALE)
    assert until(lambda: reason in ward.worker.readers["sick"].vitals().problem)
    ward.server.clear("sick")
    assert ward.sick_is_live()


def test_redirect_the_camera_is_read_where_it_went(ward: Ward) -> None:
    location = ward.server.url("other").replace("//", "//viewer:s3cret-word@")
    ward.server.fault("sick", "refuse", status=302, location=location)
    ward.server.fault("sick", "drop")
    assert until(lambda: ward.server.state("other").readers == 1)
    assert ward.sick_is_live()
    ward.server.clear("sick")
    ward.server.fault("other", "drop")
    assert until(lambda: ward.server.state("sick").readers == 1)


def test_half_open_the_dead_connection_is_given_up_and_a_new_one_made(ward: Ward) -> None:
    before = ward.connections()
    ward.link.cut()
    assert until(lambda: ward.seen.condition("sick") == Condition.STALE)
    ward.link.mend()
    assert until(lambda: ward.connections() > before)
    assert ward.sick_is_live()


def test_corrupt_packets_damaged_pictures_are_counted_not_looked_at(ward: Ward) -> None:
    before = ward.worker.readers["sick"].vitals().bad_pictures
    ward.server.fault("sick", "corrupt", share=1.0)
    assert until(lambda: ward.worker.readers["sick"].vitals().bad_pictures > before + 3)
    ward.server.clear("sick")
    assert ward.sick_is_live()
    assert ward.worker.readers["sick"].vitals().bad_since_good == 0


def test_a_stream_that_changes_size_is_looked_at_in_its_new_size(ward: Ward) -> None:
    ward.server.fault("sick", "resolution", file=str(ward.folder / "larger.mp4"))
    assert until(lambda: ward.seen.frames["sick"].width_px == 640)
    assert ward.seen.frames["sick"].image.shape == (480, 640, 3)
    ward.server.clear("sick")
    assert until(lambda: ward.seen.frames["sick"].width_px == 320)


def test_a_stream_that_comes_back_in_another_size_is_looked_at_in_its_new_size(ward: Ward) -> None:
    ward.server.fault("sick", "resolution", file=str(ward.folder / "larger.mp4"))
    before = ward.connections()
    ward.server.fault("sick", "drop")
    assert until(lambda: ward.connections() > before and ward.seen.frames["sick"].width_px == 640)


def test_a_camera_with_one_picture_a_second_is_live(ward: Ward) -> None:
    ward.server.fault("sick", "resolution", file=str(ward.folder / "rare.mp4"))
    assert ward.sick_is_live()
    before = ward.seen.looks["sick"]
    assert until(lambda: ward.seen.looks["sick"] >= before + 3)
    assert ward.seen.condition("sick") == Condition.LIVE


def test_a_clock_that_jumps_a_day_is_reported_and_not_believed(ward: Ward) -> None:
    ward.server.fault("sick", "clock", offset_s=86400)
    assert until(lambda: (ward.worker.readers["sick"].vitals().clock_skew_s or 0) > 80000)
    assert until(lambda: any("NTP" in text for text in ward.worker.readers["sick"].vitals().warnings))
    assert ward.sick_is_live()
    assert abs((datetime.now(UTC) - ward.seen.frames["sick"].captured_at).total_seconds()) < LIMIT_S


# Cameras that never were cameras


def test_garbage_and_unknown_hosts_are_told_apart_and_hurt_nobody(
    footage: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seen = Seen()
    with (
        RtspServer({"steady": f"~{footage / 'view.mp4'}*100000"}) as server,
        Babbler() as babbler,
        caplog.at_level(logging.INFO),
    ):
        cameras = [
            camera("garbage", f"rtsp://u:s3cret@127.0.0.1:{babbler.port}/x"),
            camera("nowhere", "rtsp://u:s3cret@no-such-host.invalid/x"),
            camera("steady", server.url("steady")),
        ]
        with watching(cameras, seen) as worker:

            def problem(camera_id: str) -> str:
                return worker.readers[camera_id].vitals().problem

            assert until(
                lambda: seen.looks["steady"] >= 4 and problem("garbage") != "" and problem("nowhere") != ""
            )
            assert "name" in problem("nowhere")
            assert seen.condition("garbage") == seen.condition("nowhere") == Condition.CONNECTING
    assert "s3cret" not in caplog.text
    assert "Traceback" not in caplog.text


def test_fifty_cameras_that_vanish_at_once_all_come_back(footage: Path) -> None:
    names = [f"c{number:02d}" for number in range(50)]
    view = f"~{footage / 'view.mp4'}*100000"
    seen = Seen()
    port = own_port()
    with RtspServer(dict.fromkeys(names, view), port=port) as server:
        cameras = [camera(name, server.url(name)) for name in names]
        with watching(cameras, seen) as worker:
            assert until(lambda: all(seen.looks[name] for name in names))
            server.stop()
            assert until(lambda: all(live.vitals().problem for live in worker.readers.values()))
            seen.looks.clear()
            with RtspServer(dict.fromkeys(names, view), port=port):
                assert until(lambda: all(seen.looks[name] for name in names))


# Slow and full disks


class SlowDisk(Seen):
    """Writing a picture or a state takes for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.freed = threading.Event()
        self.waiting = threading.Event()

    def set_camera_state(
        self, camera_id: str, state: str, since: datetime, reason: str, *, counts: bool = True
    ) -> None:
        assert counts
        self.waiting.set()
        self.freed.wait(LIMIT_S)
        super().set_camera_state(camera_id, state, since, reason)


def test_a_disk_that_hangs_holds_up_no_look(footage: Path) -> None:
    seen = SlowDisk()
    with (
        RtspServer({"steady": f"~{footage / 'view.mp4'}*100000"}) as server,
        watching([camera("steady", server.url("steady"))], seen),
    ):
        assert until(seen.waiting.is_set)
        before = seen.looks["steady"]
        assert until(lambda: seen.looks["steady"] > before + 4)
        assert seen.states == {}
        seen.freed.set()
        assert until(lambda: seen.condition("steady") == Condition.LIVE)


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 64 kB with nothing free."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small tmpfs needs root")
    try:
        with suppress(OSError), (tmp_path / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))
        yield tmp_path
    finally:
        subprocess.run(["umount", str(tmp_path)], check=False)


class FullDisk(Seen):
    """Keeps the console's pictures where nothing fits."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._pictures = LatestPictures(str(folder))

    def write(self, camera_id: str, jpeg: bytes, captured_at: datetime) -> None:
        self._pictures.write(camera_id, jpeg, captured_at)


def test_a_full_disk_is_told_once_and_looks_and_states_go_on(
    footage: Path, full_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seen = FullDisk(full_disk)
    with (
        RtspServer({"steady": f"~{footage / 'view.mp4'}*100000"}) as server,
        caplog.at_level(logging.INFO),
        watching([camera("steady", server.url("steady"))], seen),
    ):
        assert until(lambda: "picture not stored" in caplog.text)
        before = seen.looks["steady"]
        assert until(lambda: seen.looks["steady"] > before + 4)
        assert until(lambda: seen.condition("steady") == Condition.LIVE)
    assert caplog.text.count("picture not stored") == 1


# Killed workers


def test_cameras_of_a_killed_worker_are_blind_in_the_store_and_soon_watched_again(
    footage: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with RtspServer({"steady": f"~{footage / 'view.mp4'}*100000"}) as server:
        config_file = tmp_path / "centre.yaml"
        settings = {
            "name": "centre",
            "storage": {
                "database_url": f"sqlite:///{tmp_path}/store.db",
                "evidence": str(tmp_path / "evidence"),
            },
            "cameras": [camera("steady", server.url("steady")).model_dump(mode="json", exclude_none=True)],
        }
        config_file.write_text(json.dumps(settings))
        plan = Plan(config_file, load(config_file), tmp_path, 0, "http://127.0.0.1:1", tmp_path / "key", 1)
        worker = next(spec for spec in plan.processes() if spec.name == "worker-1")
        supervisor = Supervisor([worker], on_death=tell_of_dead_workers(plan), grace_s=20)
        store = Store.open(f"sqlite:///{tmp_path}/store.db")

        def state() -> tuple[str, str]:
            supervisor.check()
            return next(((one.state, one.reason) for one in store.camera_states()), ("", ""))

        try:
            assert until(lambda: state()[0] == Condition.LIVE)
            os.kill(supervisor.process_ids()["worker-1"], signal.SIGKILL)
            assert until(lambda: "worker process ended" in state()[1])
            assert until(lambda: state()[0] == Condition.LIVE)
            assert worker.heartbeat is not None
            figures = json.loads(worker.heartbeat.read_text())
            assert figures["cameras"] == 1
            assert figures["stretch"] >= 1
            server.fault("steady", "stall")  # a reader that hangs in a silent camera must not hold up the end
        finally:
            supervisor.stop()
            store.close()
        assert "does not stop" not in caplog.text
