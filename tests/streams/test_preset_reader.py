"""A reader of a turning camera hands out frames with their preset, and none that was taken in between.

The device is the simulator's, over real HTTP; only the pictures' times and the clock's jumps are scripted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from ports import own_port

from config import Camera
from simulator.onvif import OnvifDevice
from streams.cameras import reader
from streams.frame import Frame
from streams.preset_reader import PresetReader
from streams.preset_watch import NoPlace, Place, PresetWatch

LIMIT_S = 60.0
PRESETS = {"1": (-0.5, 0.0, 0.0), "2": (0.5, 0.0, 0.0), "9": (0.9, 0.9, 0.0)}
PANORAMA = np.hstack([np.full((90, 160, 3), grey, np.uint8) for grey in (40, 120, 200)])
POLL_S = 0.2


def until(condition: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + LIMIT_S
    while not condition() and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return condition()


def camera(onvif: str, source: str = "http://127.0.0.1:9/none", **tokens: str) -> Camera:
    pose = {"azimuth_deg": 0, "tilt_deg": 0, "hfov_deg": 50}
    named = tokens or {"west": "1", "east": "2"}
    presets = [{"id": id_, "name": id_, "pose": pose, "onvif_token": one} for id_, one in named.items()]
    return Camera.model_validate(
        {
            "id": "ptz", "name": "云台", "source": source, "lat_deg": 23.1, "lon_deg": 116.4,
            "mast_height_m": 20, "pose": pose,
            "presets": presets,
            "ptz": {"onvif": onvif, "poll_s": POLL_S, "settle_s": 0.4},
        }
    )  # fmt: skip


@contextmanager
def watching(one: Camera, **more: float) -> Iterator[PresetWatch]:
    assert one.ptz is not None
    watch = PresetWatch(one, one.ptz, longest_pause_s=0.2, **more)  # type: ignore[arg-type]
    watch.start()
    try:
        yield watch
    finally:
        watch.stop()
        assert watch.join(LIMIT_S)


def now_shown(watch: PresetWatch) -> Place | NoPlace:
    """What a picture of this moment shows, once that is known."""
    taken_at = datetime.now(UTC)
    assert until(lambda: watch.place(taken_at, taken_at) is not NoPlace.PENDING)
    return watch.place(taken_at, taken_at)


def test_a_picture_waits_until_the_camera_was_asked_once_more() -> None:
    with OnvifDevice(PRESETS) as device, watching(camera(device.url)) as watch:
        assert until(lambda: now_shown(watch) == Place("west", True))
        soon = datetime.now(UTC) + timedelta(seconds=30)
        assert watch.place(soon, soon) is NoPlace.PENDING


def test_what_was_taken_while_the_camera_turned_shows_no_preset_and_after_it_settled_the_new_one() -> None:
    with OnvifDevice(PRESETS, travel_s=2.5) as device, watching(camera(device.url)) as watch:
        assert until(lambda: now_shown(watch) == Place("west", True))
        device.go_to("2")
        assert now_shown(watch) is NoPlace.BETWEEN
        assert until(lambda: now_shown(watch) == Place("east", True))
        device.go_to("9")  # a preset of the camera that is none of ours
        assert until(lambda: not device.moving)
        assert now_shown(watch) is NoPlace.BETWEEN


def test_a_camera_that_tells_no_movement_is_watched_by_its_position() -> None:
    with OnvifDevice(PRESETS, travel_s=2.5) as device, watching(camera(device.url)) as watch:
        device.faults.says_moving = False
        assert until(lambda: now_shown(watch) == Place("west", True))
        device.go_to("2")
        assert now_shown(watch) is NoPlace.BETWEEN
        assert until(lambda: now_shown(watch) == Place("east", True))


def test_while_the_camera_is_silent_the_preset_known_last_is_assumed_until_it_speaks_again() -> None:
    with (
        OnvifDevice(PRESETS) as device,
        watching(camera(device.url), silent_after_s=1) as watch,
    ):
        assert until(lambda: now_shown(watch) == Place("west", True))
        assert watch.whereabouts(None).silent_since is None
        device.faults.silent = True
        assert until(lambda: now_shown(watch) == Place("west", False))
        assert until(lambda: "did not answer" in watch.whereabouts(None).problem)
        assert watch.whereabouts(None).silent_since is not None
        device.faults.silent = False
        assert until(lambda: now_shown(watch) == Place("west", True))
        assert watch.whereabouts(None).silent_since is None


def test_a_camera_that_was_restarted_is_found_again() -> None:
    port = own_port()
    with OnvifDevice(PRESETS, port=port) as device:
        url = device.url
        with watching(camera(url), silent_after_s=1) as watch:
            assert until(lambda: now_shown(watch) == Place("west", True))
            device.__exit__(None, None, None)
            assert until(lambda: now_shown(watch) == Place("west", False))
            with OnvifDevice(PRESETS, port=port) as again:
                again.go_to("2")
                assert until(lambda: now_shown(watch) == Place("east", True))


@pytest.mark.parametrize("broken", ["refuses", "doctype", "mute"])
def test_a_camera_that_never_says_where_it_stands_is_looked_at_all_the_same(broken: str) -> None:
    with OnvifDevice(PRESETS) as device:
        device.faults.refuses = broken == "refuses"
        device.faults.doctype = broken == "doctype"
        device.faults.says_position = broken != "mute"
        with watching(camera(device.url), silent_after_s=0.5) as watch:
            assert until(lambda: now_shown(watch) == Place(None, False))
            assert until(lambda: watch.whereabouts(None).problem.startswith("http://127.0.0.1"))


def test_presets_that_the_camera_does_not_have_are_named_and_the_others_work() -> None:
    with OnvifDevice(PRESETS) as device:
        with watching(camera(device.url, west="1", gone="77")) as watch:
            assert until(lambda: now_shown(watch) == Place("west", True))
            assert watch.whereabouts(None).missing == ("gone",)
        with watching(camera(device.url, gone="77"), silent_after_s=0.5) as watch:
            assert until(lambda: now_shown(watch) == Place(None, False))
            assert until(lambda: "no preset" in watch.whereabouts(None).problem)


@contextmanager
def reading(device: OnvifDevice) -> Iterator[PresetReader]:
    made = reader(camera(device.url, device.picture_url), wanted_interval_s=0.1)
    assert isinstance(made, PresetReader)
    made.start()
    try:
        yield made
    finally:
        made.stop()
        assert made.join(LIMIT_S)


def frames_of(running: PresetReader, wanted: Callable[[list[Frame]], bool]) -> list[Frame]:
    taken: list[Frame] = []

    def take() -> bool:
        frame = running.take() if running.has_frame else None
        if frame is not None:
            taken.append(frame)
        return wanted(taken)

    assert until(take), "frames came"
    return taken


def test_every_frame_that_is_handed_out_carries_its_preset_and_shows_it() -> None:
    with OnvifDevice(PRESETS, travel_s=1.5, panorama=PANORAMA) as device, reading(device) as running:
        seen = frames_of(running, lambda frames: len(frames) >= 3)
        device.go_to("2")
        seen += frames_of(running, lambda frames: sum(one.preset == "east" for one in frames) >= 3)
        device.go_to("1")
        seen += frames_of(
            running, lambda frames: bool(frames) and frames[-1].preset == "west" and len(frames) > 3
        )
        grey = {
            preset: [one.image.mean() for one in seen if one.preset == preset] for preset in ("west", "east")
        }
        assert max(grey["west"]) < min(grey["east"]) - 50, "no picture of one view was taken for the other"
        assert len(grey["west"]) + len(grey["east"]) == len(seen)
        assert np.ptp(grey["west"]) < 3, "none was taken on the way"
        assert np.ptp(grey["east"]) < 3
        assert not any(one.place_unsure for one in seen)


def test_a_reader_of_a_camera_that_turns_all_the_time_hands_out_nothing_and_says_since_when() -> None:
    with OnvifDevice(PRESETS, travel_s=600, panorama=PANORAMA) as device, reading(device) as running:
        frames_of(running, lambda frames: len(frames) >= 1)
        device.go_to("2")
        assert until(lambda: running.take() is None and _between_since(running) is not None)
        since = _between_since(running)
        assert until(lambda: (running.vitals().last_picture_at or since) > since + timedelta(seconds=1))  # type: ignore[operator]
        assert running.take() is None
        assert _between_since(running) == since


def _between_since(running: PresetReader) -> datetime | None:
    where = running.vitals().whereabouts
    assert where is not None
    return where.between_since


def test_a_camera_that_does_not_turn_is_asked_nothing() -> None:
    plain = camera("http://h/onvif").model_copy(update={"ptz": None})
    assert not isinstance(reader(plain, wanted_interval_s=1), PresetReader)


def test_one_lost_answer_is_no_news_and_silence_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "streams.preset_watch")
    with OnvifDevice(PRESETS) as device, watching(camera(device.url), silent_after_s=6.0) as watch:
        assert until(lambda: now_shown(watch) == Place("west", True))
        device.faults.refuses = True
        assert until(lambda: "refuses" in watch.whereabouts(None).problem)
        device.faults.refuses = False
        assert until(lambda: "refuses" not in watch.whereabouts(None).problem)
        assert "position" not in caplog.text
        device.faults.refuses = True
        assert until(lambda: "position not known" in caplog.text)
        time.sleep(1.5)  # it is asked several times more
        device.faults.refuses = False
        assert until(lambda: "position known again" in caplog.text)
        assert caplog.text.count("position not known") == 1
