"""The worker's promises, with a scripted detector over real video files played as cameras."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from at_work import at_work

from config import Camera, LookSettings, Mask
from detector.detection import Box, Detection, Look, Sighting
from detector.pipeline import LookResult
from firewatch.masks import is_ignored, without_private_parts
from firewatch.plan import share_of
from firewatch.worker import DetectorBrokenError, Worker
from streams.condition import TAKEN_OUT
from streams.frame import Frame
from streams.vitals import AgeJudge

LIMIT_S = 60.0
LOOKS = LookSettings(patrol_interval_s=0.4, dense_interval_s=0.1)
BOX = Box(100, 100, 140, 140)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "v.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=20)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(40):
            picture = np.full((240, 320, 3), 200 - number, np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def camera(id_: str, source: Path | str, **more: object) -> Camera:
    return Camera.model_validate(
        {
            "id": id_,
            "name": id_,
            "source": str(source),
            "lat_deg": 23.1,
            "lon_deg": 116.4,
            "mast_height_m": 20,
            "pose": {"azimuth_deg": 0, "tilt_deg": 0, "hfov_deg": 50},
            **more,
        }
    )


def sighting_in(frame: Frame) -> Sighting:
    return Sighting(
        sighting_id=f"{frame.camera_id}-{frame.sequence}",
        camera_id=frame.camera_id,
        preset=None,
        label="smoke",
        confidence=0.9,
        first_seen_at=frame.captured_at,
        confirmed_at=frame.captured_at,
        box=BOX,
        width_px=frame.width_px,
        height_px=frame.height_px,
        history=((frame.captured_at, Detection("smoke", 0.9, BOX)),),
        model_id="scripted",
        profile="balanced",
    )


class ScriptedPipeline:
    """Keeps the frames it sees and answers as told."""

    def __init__(self, *, sightings: bool = False, suspicious: bool = False, fails: bool = False) -> None:
        self.seen: list[Frame] = []
        self.times_s: list[float] = []
        self._sightings, self._suspicious, self._fails = sightings, suspicious, fails

    def look(self, frame: Frame) -> LookResult:
        self.seen.append(frame)
        self.times_s.append(time.monotonic())
        if self._fails:
            raise RuntimeError("the network is broken")
        look = Look(frame.camera_id, None, frame.captured_at, frame.sequence, 320, 240, (), "scripted")
        found = (sighting_in(frame),) if self._sightings and len(self.seen) == 1 else ()
        return LookResult(look, (), found, self._suspicious)


class Kept:
    """A store that remembers what it was given, and fails as often as told."""

    def __init__(self, failures: int = 0) -> None:
        self.sightings: list[tuple[str, Frame]] = []
        self.states: list[tuple[str, str]] = []
        self.pictures: dict[str, bytes] = {}
        self.refused = 0
        self._failures = failures

    def accept(self, camera: Camera, sighting: Sighting, frame: Frame) -> None:
        if self.refused < self._failures:
            self.refused += 1
            raise OSError("the disk is full")
        assert sighting.camera_id == camera.id
        self.sightings.append((camera.id, frame))

    def set_camera_state(
        self, camera_id: str, state: str, since: datetime, reason: str, *, counts: bool = True
    ) -> None:
        assert counts == (reason != TAKEN_OUT)
        assert since.tzinfo is not None
        assert isinstance(reason, str)
        self.states.append((camera_id, state))

    def write(self, camera_id: str, jpeg: bytes, captured_at: datetime) -> None:
        assert captured_at.tzinfo is not None
        self.pictures[camera_id] = jpeg


@contextmanager
def working(
    cameras: list[Camera], pipelines: dict[str, ScriptedPipeline], kept: Kept, looks: LookSettings = LOOKS
) -> Iterator[Worker]:
    worker = Worker(cameras, looks, lambda one: pipelines[one.id], kept, kept, kept, retry_s=0.1)
    with at_work(worker):
        yield worker


def until(condition: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + LIMIT_S
    while not condition() and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return condition()


def test_a_confirmed_sighting_reaches_the_store_with_its_own_frame(video: Path) -> None:
    pipeline, kept = ScriptedPipeline(sightings=True), Kept()
    with working([camera("a", video)], {"a": pipeline}, kept):
        assert until(lambda: bool(kept.sightings))
    assert kept.sightings[0][0] == "a"
    assert kept.sightings[0][1].sequence == pipeline.seen[0].sequence


def test_a_sighting_the_store_refuses_is_offered_again(video: Path) -> None:
    kept = Kept(failures=3)
    with working([camera("a", video)], {"a": ScriptedPipeline(sightings=True)}, kept):
        assert until(lambda: bool(kept.sightings))
    assert kept.refused == 3
    assert len(kept.sightings) == 1


def test_a_broken_camera_and_a_broken_network_do_not_stop_the_others(video: Path) -> None:
    pipelines = {
        "good": ScriptedPipeline(),
        "broken": ScriptedPipeline(fails=True),
        "away": ScriptedPipeline(),
    }
    cameras = [
        camera("broken", video),
        camera("away", "rtsp://127.0.0.1:9/none"),
        camera("good", video),
    ]
    kept = Kept()
    with working(cameras, pipelines, kept) as worker:
        assert until(lambda: len(pipelines["good"].seen) > 3 and worker.counts.failed_looks > 3)
        assert until(lambda: {("good", "live"), ("away", "connecting")} <= set(kept.states))
    assert pipelines["away"].seen == []


def test_a_network_that_fails_on_everything_ends_the_worker(
    video: Path,
) -> None:
    pipeline, kept = ScriptedPipeline(fails=True), Kept()
    worker = Worker([camera("a", video)], LOOKS, lambda _: pipeline, kept, kept, kept, most_failures=5)
    with pytest.raises(DetectorBrokenError):
        worker.run(threading.Event())
    assert len(pipeline.seen) == 5
    assert kept.states[-1] == ("a", "off")


def test_suspicion_makes_the_worker_look_more_often(video: Path) -> None:
    calm, restless = ScriptedPipeline(), ScriptedPipeline(suspicious=True)
    looks = LookSettings(patrol_interval_s=1.0, dense_interval_s=0.1)
    with working(
        [camera("calm", video), camera("restless", video)],
        {"calm": calm, "restless": restless},
        Kept(),
        looks,
    ):
        assert until(lambda: len(calm.seen) >= 4)
    assert len(restless.seen) > 2 * len(calm.seen)


def test_cameras_are_off_when_the_worker_ends(video: Path) -> None:
    kept = Kept()
    with working([camera("a", video)], {"a": ScriptedPipeline()}, kept):
        assert until(lambda: ("a", "live") in kept.states)
    assert kept.states[-1] == ("a", "off")


def test_the_console_gets_a_picture_of_each_camera(video: Path) -> None:
    kept = Kept()
    with working([camera("a", video)], {"a": ScriptedPipeline()}, kept):
        assert until(lambda: "a" in kept.pictures)
    decoded = cv2.imdecode(np.frombuffer(kept.pictures["a"], np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == (240, 320, 3)


def test_a_camera_that_is_not_enabled_is_not_watched(video: Path) -> None:
    pipeline, kept = ScriptedPipeline(), Kept()
    with working([camera("a", video, enabled=False), camera("b", video)], {"b": pipeline}, kept):
        assert until(lambda: len(pipeline.seen) > 1)
    assert {camera_id for camera_id, _ in kept.states} == {"b"}


def test_an_ignored_part_raises_nothing(video: Path) -> None:
    mask = {"kind": "ignore", "polygon": [[0.2, 0.3], [0.6, 0.3], [0.6, 0.8], [0.2, 0.8]]}
    kept = Kept()
    with working([camera("a", video, masks=[mask])], {"a": ScriptedPipeline(sightings=True)}, kept) as worker:
        assert until(lambda: worker.counts.ignored_sightings == 1)
    assert kept.sightings == []


def test_private_parts_are_black_before_the_detector_sees_them(video: Path) -> None:
    mask = {"kind": "private", "polygon": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}
    pipeline, kept = ScriptedPipeline(sightings=True), Kept()
    with working([camera("a", video, masks=[mask])], {"a": pipeline}, kept):
        assert until(lambda: bool(kept.sightings))
    for frame in (pipeline.seen[0], kept.sightings[0][1]):
        assert frame.image[:, :150].max() == 0
        assert frame.image[:, 170:].min() > 100


def test_a_mask_of_a_preset_holds_for_that_view_only() -> None:
    polygon = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    masks = [
        Mask(kind="private", preset="east", polygon=polygon),
        Mask(kind="ignore", preset="east", polygon=polygon),
    ]
    image = np.full((240, 320, 3), 9, np.uint8)
    now = datetime.fromisoformat("2026-05-01T00:00:00+00:00")
    east, west = (Frame(image, "a", now, 1, preset=preset) for preset in ("east", "west"))
    assert without_private_parts(east, masks).image.max() == 0
    assert without_private_parts(west, masks) is west
    assert is_ignored(BOX, east, masks)
    assert not is_ignored(BOX, west, masks)


def test_where_nobody_knows_the_preset_every_private_part_is_black_and_no_smoke_is_ignored() -> None:
    polygon = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    masks = [
        Mask(kind="private", preset="east", polygon=polygon),
        Mask(kind="ignore", preset="east", polygon=polygon),
    ]
    now = datetime.fromisoformat("2026-05-01T00:00:00+00:00")
    somewhere = Frame(np.full((240, 320, 3), 9, np.uint8), "a", now, 1)
    assert without_private_parts(somewhere, masks).image.max() == 0
    assert not is_ignored(BOX, somewhere, masks)


def test_every_enabled_camera_is_in_exactly_one_share() -> None:
    cameras = [camera(f"c{number}", "rtsp://h/x", enabled=number != 3) for number in range(10)]
    shares = [share_of(cameras, index, 3) for index in range(3)]
    assert sorted(one.id for share in shares for one in share) == [f"c{n}" for n in range(10) if n != 3]
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@contextmanager
def following(
    now: list[Camera], pipelines: dict[str, ScriptedPipeline], kept: Kept, **more: Any
) -> Iterator[Worker]:
    """A worker that watches whatever stands in `now`."""
    worker = Worker(
        tuple(now), LOOKS, lambda one: pipelines[one.id], kept, kept, kept,
        cameras_now=lambda: tuple(now), retry_s=0.1, **more,
    )  # fmt: skip
    with at_work(worker):
        yield worker


def test_a_camera_that_is_added_is_looked_at_and_one_that_is_taken_away_is_off_and_the_others_go_on(
    video: Path,
) -> None:
    pipelines = {name: ScriptedPipeline() for name in ("old", "new")}
    now, kept, forgotten = [camera("old", video)], Kept(), list[str]()
    with following(now, pipelines, kept, forget=forgotten.append) as worker:
        assert until(lambda: len(pipelines["old"].seen) > 1)
        old = worker.readers["old"]
        now.append(camera("new", video))
        assert until(lambda: len(pipelines["new"].seen) > 2 and ("new", "live") in kept.states)
        now.pop()
        assert until(lambda: ("new", "off") in kept.states)
        looks = len(pipelines["new"].seen)
        before = len(pipelines["old"].seen)
        assert until(lambda: len(pipelines["old"].seen) > before + 3)
        assert worker.readers == {"old": old}
        assert old.connections == 1
        assert worker.figures().connections == 2, "counts run on"
    assert len(pipelines["new"].seen) == looks
    assert forgotten == ["new"]
    sequences = [frame.sequence for frame in pipelines["old"].seen]
    assert sequences == sorted(set(sequences)), "its frames go on as if nothing had happened"


def test_what_is_said_of_a_camera_changes_without_its_pictures_stopping(video: Path) -> None:
    pipeline, kept = ScriptedPipeline(), Kept()
    now = [camera("a", video)]
    judged: list[float] = []

    def judge_for(one: Camera) -> AgeJudge:
        judged.append(one.pose.azimuth_deg)
        return AgeJudge(30)

    class Named:
        def __init__(self) -> None:
            self.names: list[str] = []

        def looked(self, one: Camera, frame: Frame, result: LookResult) -> None:
            assert result.look.camera_id == frame.camera_id == one.id
            self.names.append(one.name)

    named = Named()
    with following(now, {"a": pipeline}, kept, judge_for=judge_for, observers=[named]) as worker:
        assert until(lambda: len(pipeline.seen) > 1)
        reader = worker.readers["a"]
        turned = now[0].pose.model_copy(update={"azimuth_deg": 77.0})
        now[0] = now[0].model_copy(update={"name": "山脊", "pose": turned})
        assert until(lambda: named.names[-1] == "山脊")
        assert worker.readers["a"] is reader
        assert reader.connections == 1
    assert judged[-1] == 77.0, "a pose measured anew is right where the camera looks now"


def test_a_camera_whose_address_changes_is_connected_to_anew(video: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.mp4"
    other.write_bytes(video.read_bytes())
    pipeline, now = ScriptedPipeline(), [camera("a", video)]
    with following(now, {"a": pipeline}, Kept()) as worker:
        assert until(lambda: len(pipeline.seen) > 1)
        before = worker.readers["a"]
        now[0] = camera("a", other)
        assert until(lambda: worker.readers["a"] is not before and worker.readers["a"].connections == 1)
        seen = len(pipeline.seen)
        assert until(lambda: len(pipeline.seen) > seen + 1)


def test_a_camera_that_cannot_be_built_does_not_stop_the_others_and_is_tried_again_when_it_changes(
    video: Path,
) -> None:
    pipelines = {"good": ScriptedPipeline()}
    now = [camera("good", video)]
    with following(now, pipelines, Kept()) as worker:
        now.append(camera("bad", video))
        assert until(lambda: len(pipelines["good"].seen) > 4)
        assert list(worker.readers) == ["good"]
        pipelines["bad"] = ScriptedPipeline()
        now[1] = camera("bad", video, name="mended")
        assert until(lambda: len(pipelines["bad"].seen) > 1)


def test_a_camera_that_is_added_or_switched_off_moves_no_other_to_another_worker() -> None:
    cameras = [camera(f"c{number}", "rtsp://h/x") for number in range(7)]
    before = {one.id: index for index in range(3) for one in share_of(cameras, index, 3)}
    cameras[1] = camera("c1", "rtsp://h/x", enabled=False)
    cameras.append(camera("c7", "rtsp://h/x"))
    after = {one.id: index for index in range(3) for one in share_of(cameras, index, 3)}
    assert after == {**{id_: index for id_, index in before.items() if id_ != "c1"}, "c7": 1}
