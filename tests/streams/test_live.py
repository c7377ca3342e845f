"""A reader keeps its camera for ever and holds the latest frame only."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pytest
from footage_files import FootageFiles
from ports import own_port

import config
from config import SecretSource
from simulator.rtsp import RtspServer
from streams.cameras import reader
from streams.condition import CameraState, Condition
from streams.errors import SourceTimeout, SourceUnreachable
from streams.frame import Frame
from streams.live import LiveReader
from streams.paced import PacedSource
from streams.packet_source import PacketSource
from streams.probe import probe_camera
from streams.recorded import open_recorded
from streams.source import Arrival, LiveConnection, Ready, SourceCounts
from streams.vitals import AgeJudge, Vitals

LIMIT_S = 60.0
START = datetime(2026, 5, 1, tzinfo=UTC)


def until(condition: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + LIMIT_S
    while not condition() and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return condition()


def camera(source: str, **stream: object) -> config.Camera:
    return config.Camera.model_validate(
        {
            "id": "ridge",
            "name": "山脊",
            "source": source,
            "lat_deg": 23.1,
            "lon_deg": 116.4,
            "mast_height_m": 20,
            "pose": {"azimuth_deg": 0, "tilt_deg": 0, "hfov_deg": 50},
            "stream": {"open_timeout_s": 3, "read_timeout_s": 1, "retry_max_s": 0.3, **stream},
        }
    )


def judged(running: LiveReader, stale_after_s: float = 30.0) -> Callable[[], CameraState]:
    judge = AgeJudge(stale_after_s)
    return lambda: judge.state(running.vitals(), datetime.now(UTC))


class Scripted:
    """A connection that gives the frames of a script and then breaks."""

    def __init__(self, frames: list[Frame], error: Exception) -> None:
        self.camera_id = "ridge"
        self.counts = SourceCounts()
        self.wanted_interval_s = 2.0
        self._frames = frames
        self._error = error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def frames(self) -> Iterator[Frame]:
        yield from self._frames
        raise self._error

    def arrivals(self) -> Iterator[Arrival]:
        return map(Ready, self.frames())

    def abandon(self) -> None: ...


def frame(sequence: int, *, new_footage: bool = False) -> Frame:
    image = np.zeros((64, 64, 3), np.uint8)
    return Frame(image, "ridge", START + timedelta(seconds=sequence), sequence, new_footage=new_footage)


@pytest.fixture
def live() -> Iterator[Callable[..., LiveReader]]:
    made: list[LiveReader] = []

    def start(connect: Callable[[], LiveConnection]) -> LiveReader:
        made.append(LiveReader("ridge", connect, retry_max_s=0.1))
        made[-1].start()
        return made[-1]

    yield start
    for one in made:
        one.stop()
        assert one.join(LIMIT_S)


@pytest.fixture
def watch() -> Iterator[Callable[..., LiveReader]]:
    made: list[LiveReader] = []

    def start(source: str, **stream: object) -> LiveReader:
        made.append(reader(camera(source, **stream), wanted_interval_s=1.0))
        made[-1].start()
        return made[-1]

    yield start
    for one in made:
        one.stop()
        assert one.join(LIMIT_S)


def test_the_latest_frame_wins(live: Callable[..., LiveReader]) -> None:
    running = live(lambda: Scripted([frame(1), frame(2), frame(3)], SourceTimeout("silent")))
    assert until(lambda: running.replaced >= 2)
    running.stop()
    running.join(LIMIT_S)
    taken = running.take()
    assert taken is not None
    assert taken.sequence == 3
    assert running.take() is None


def test_the_mark_of_new_footage_outlives_the_frame_that_carried_it(live: Callable[..., LiveReader]) -> None:
    running = live(
        lambda: Scripted([frame(1), frame(2, new_footage=True), frame(3)], SourceTimeout("silent"))
    )
    assert until(lambda: running.replaced >= 2)
    running.stop()
    running.join(LIMIT_S)
    taken = running.take()
    assert taken is not None
    assert (taken.sequence, taken.new_footage) == (3, True)


def test_a_reader_outlives_errors_it_was_not_made_for(live: Callable[..., LiveReader]) -> None:
    errors = iter([ZeroDivisionError(), MemoryError(), SourceUnreachable("away")])

    def connect() -> LiveConnection:
        error = next(errors, None)
        if error is not None:
            raise error
        return Scripted([frame(1)], SourceTimeout("silent"))

    running = live(connect)
    assert until(lambda: running.has_frame)


def test_a_camera_that_is_away_at_the_start_is_connecting_and_then_live(
    watch: Callable[..., LiveReader], files: FootageFiles
) -> None:
    port = own_port()
    with RtspServer({"quick": files.quick}, port=port) as server:
        url = server.url("quick")
    state = judged(watch(url))
    assert until(lambda: state().reason != "")
    assert state().condition is Condition.CONNECTING
    assert "nothing listens" in state().reason
    with RtspServer({"quick": files.quick}, port=port):
        assert until(lambda: state().condition is Condition.LIVE)


def test_a_reader_reconnects_after_a_break_and_its_sequence_goes_on(
    watch: Callable[..., LiveReader], files: FootageFiles
) -> None:
    with RtspServer({"quick": files.quick}) as server:
        running = watch(server.url("quick"))
        assert until(lambda: running.has_frame)
        first = running.take()
        server.fault("quick", "drop")
        assert until(lambda: running.connections >= 2 and running.has_frame)
        second = running.take()
    assert first is not None
    assert second is not None
    assert second.sequence > first.sequence
    assert second.captured_at > first.captured_at


def test_a_silent_camera_becomes_stale_and_live_again(
    watch: Callable[..., LiveReader], files: FootageFiles
) -> None:
    with RtspServer({"quick": files.quick}) as server:
        state = judged(watch(server.url("quick")), stale_after_s=1.5)
        assert until(lambda: state().condition is Condition.LIVE)
        server.fault("quick", "stall")
        assert until(lambda: state().condition is Condition.STALE)
        server.clear("quick")
        assert until(lambda: state().condition is Condition.LIVE)


def test_a_silent_connection_is_given_up_without_waiting_for_ffmpeg(files: FootageFiles) -> None:
    with RtspServer({"quick": files.quick}) as server:
        running = LiveReader(
            "ridge",
            lambda: PacketSource(SecretSource(server.url("quick")), "ridge", read_timeout_s=60),
            read_timeout_s=0.5,
        )
        running.start()
        assert until(lambda: running.has_frame)
        before = running.take()
        server.fault("quick", "stall")

        def given_up() -> bool:
            running.watch()
            return running.abandoned > 0 and running.connections > 1

        assert until(given_up)
        assert "sent nothing" in running.vitals().problem
        server.clear("quick")
        assert until(lambda: running.has_frame)
        after = running.take()
        running.stop()
    assert running.join(LIMIT_S)
    assert before is not None
    assert after is not None
    assert after.sequence > before.sequence or after.captured_at > before.captured_at


def test_a_machine_that_slept_does_not_blame_its_cameras(files: FootageFiles) -> None:
    ahead_s = [0.0]
    with RtspServer({"quick": files.quick}) as server:
        running = LiveReader(
            "ridge",
            lambda: PacketSource(SecretSource(server.url("quick")), "ridge"),
            monotonic=lambda: time.monotonic() + ahead_s[0],
        )
        running.start()
        assert until(lambda: running.has_frame)
        running.watch()
        running.watch()
        ahead_s[0] = 3600.0
        running.watch()
        assert running.abandoned == 0
        running.watch()  # but silence that lasts after waking is silence
        assert running.abandoned == 1
        running.stop()
    assert running.join(LIMIT_S)


def test_what_nobody_looks_at_is_not_decoded(files: FootageFiles) -> None:
    made: list[PacketSource] = []
    with RtspServer({"quick": files.quick}) as server:

        def connect() -> PacketSource:
            made.append(PacketSource(SecretSource(server.url("quick")), "ridge"))
            return made[-1]

        running = LiveReader("ridge", connect)
        running.start()
        assert until(lambda: running.replaced >= 3)
        assert made[0].counts.decoded == 0
        assert running.take() is not None
        assert made[0].counts.decoded == 1
        running.stop()
    assert running.join(LIMIT_S)


def test_a_camera_with_rare_key_frames_is_noticed_at_once_and_looked_at_as_often_as_others(
    files: FootageFiles,
) -> None:
    with RtspServer({"slow": files.slow}) as server:
        running = LiveReader(
            "ridge",
            lambda: PacketSource(SecretSource(server.url("slow")), "ridge", wanted_interval_s=0.5),
            wanted_interval_s=0.5,
        )
        running.start()
        taken: list[Frame] = []

        def look() -> bool:
            frame = running.take()
            if frame is not None:
                taken.append(frame)
            return len(taken) >= 8

        assert until(look)
        running.stop()
    assert running.join(LIMIT_S)
    steps_s = [(b.captured_at - a.captured_at).total_seconds() for a, b in itertools.pairwise(taken)]
    assert steps_s[0] < 4  # the group of pictures is four seconds long: nobody waited for the next
    assert sorted(steps_s)[len(steps_s) // 2] < 4


def test_a_stopped_reader_is_off(watch: Callable[..., LiveReader], files: FootageFiles) -> None:
    with RtspServer({"quick": files.quick}) as server:
        running = watch(server.url("quick"))
        assert until(lambda: running.has_frame)
        running.stop()
        assert running.join(LIMIT_S)
    assert judged(running)().condition is Condition.OFF


def test_a_video_file_as_a_camera_repeats_in_real_time_and_says_where_it_jumps(files: FootageFiles) -> None:
    source = PacedSource(lambda: open_recorded(files.quick, "ridge"), "ridge")
    frames: list[Frame] = []
    with source:
        for one in source.frames():
            frames.append(one)
            if len(frames) == 25:
                break
    assert [number for number, one in enumerate(frames) if one.new_footage] == [0, 20]
    assert (frames[19].captured_at - frames[0].captured_at).total_seconds() >= 1.5
    assert [one.sequence for one in frames] == list(range(1, 26))


# States, as a function of times


def state_after(seconds: float, last_picture_s: float | None, problem: str = "") -> CameraState:
    """As `AgeJudge` says it to one who asked when the last picture came, and asks again."""

    def vitals() -> Vitals:
        last = None if last_picture_s is None else START + timedelta(seconds=last_picture_s)
        return Vitals("ridge", START, None, None, 1, last, last, 0, 0, 0, "", 0, problem, None, None)

    judge = AgeJudge(30)
    judge.state(vitals(), START + timedelta(seconds=last_picture_s or 0))
    return judge.state(vitals(), START + timedelta(seconds=seconds))


def test_a_camera_that_never_sent_a_picture_is_connecting_since_the_start() -> None:
    assert state_after(900, None, "away") == CameraState(Condition.CONNECTING, START, "away")


def test_a_short_pause_leaves_a_camera_live() -> None:
    assert state_after(40, 12, "broke").condition is Condition.LIVE


def test_a_long_pause_makes_a_camera_stale_since_its_last_picture() -> None:
    assert state_after(60, 12, "broke") == CameraState(
        Condition.STALE, START + timedelta(seconds=12), "broke"
    )


# Probing


def test_a_probe_reports_what_a_camera_sends(files: FootageFiles) -> None:
    with RtspServer({"quick": files.quick}) as server:
        found = probe_camera(camera(server.url("quick")))
    assert (found.codec, found.width_px, found.height_px, found.problem) == ("h264", 320, 240, "")
    assert found.fps == pytest.approx(10, abs=0.5)
    assert found.key_frame_spacing_s == pytest.approx(0.5, abs=0.01)
    assert found.clock.startswith("RTCP")
    assert found.remarks == ()


def test_a_probe_remarks_on_a_wrong_clock(files: FootageFiles) -> None:
    with RtspServer({"quick": files.quick}) as server:
        server.fault("quick", "clock", offset_s=3600)
        found = probe_camera(camera(server.url("quick")))
    assert any("NTP" in remark for remark in found.remarks)


def test_a_probe_of_a_camera_that_is_away_is_a_problem_not_an_error(tmp_path: Path) -> None:
    assert "nothing listens" in probe_camera(camera("rtsp://u:secret@127.0.0.1:9/x")).problem
    assert "secret" not in probe_camera(camera("rtsp://u:secret@127.0.0.1:9/x")).problem
    assert "no video file" in probe_camera(camera(str(tmp_path / "none.mp4"))).problem
