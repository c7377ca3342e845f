"""The health judge: every way to be blind is found in time, and nothing else is called blind.

The picture tests play a still as a live camera (`benchmarks.health_footage`): a rendered one always, real
ones where the data is. `python -m benchmarks.health` does the same with every still there is.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

import sample_videos
from benchmarks.health_footage import (
    HARMLESS,
    MISHAPS,
    Mishap,
    played,
    sequences,
    stills,
    taken_at,
    unchanged,
)
from config import HealthSettings
from streams.condition import BLIND, Condition
from streams.frame import Frame, Image
from streams.health import CameraHealth, Sustained
from streams.ptz import Whereabouts
from streams.vitals import Vitals

SETTINGS = HealthSettings()
NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
CALM_S = 20.0
SOUND = Vitals(
    camera_id="ridge",
    started_at=NOON,
    stopped_at=None,
    connected_since=NOON,
    connections=1,
    last_packet_at=NOON,
    last_picture_at=NOON,
    packets=1,
    bytes=1,
    bad_pictures=0,
    last_bad_picture="",
    bad_since_good=0,
    problem="",
    clock_skew_s=None,
    key_frame_spacing_s=None,
)


def judge(settings: HealthSettings = SETTINGS) -> CameraHealth:
    return CameraHealth(settings, stale_after_s=30, hfov_of=lambda _preset: 50.0)


def vitals_at(at: datetime, **more: object) -> Vitals:
    return replace(SOUND, **{"last_packet_at": at, "last_picture_at": at, **more})  # type: ignore[arg-type]


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def conditions(health: CameraHealth, frames: list[Frame]) -> list[tuple[float, Condition]]:
    """What the judge says after each picture, with seconds since the first."""
    said = []
    for frame in frames:
        health.saw(frame)
        at = frame.captured_at
        state = health.state(vitals_at(at), at)
        said.append(((at - frames[0].captured_at).total_seconds(), state.condition))
    return said


def found_after_s(said: list[tuple[float, Condition]], condition: Condition) -> float | None:
    return next((at_s - CALM_S for at_s, one in said if one is condition), None)


@pytest.fixture(scope="module")
def rendered() -> Image:
    capture = cv2.VideoCapture(str(Path(sample_videos.__file__).parent / "chimney.mp4"))
    read, image = capture.read()
    capture.release()
    assert read
    return image  # type: ignore[no-any-return]


def check(still: Image, mishap: Mishap) -> None:
    expected = Condition(mishap.expected)
    moved = expected is Condition.MOVED
    dwell_s = SETTINGS.moved_after_s if moved else SETTINGS.frozen_after_s
    frames = list(played(still, mishap, calm_s=CALM_S, altered_s=60 if moved else dwell_s + 10))
    said = conditions(judge(), frames)
    assert {one for at_s, one in said if at_s < CALM_S} == {Condition.LIVE}
    found = found_after_s(said, expected)
    assert found is not None
    assert found <= (60 if moved else dwell_s + 10)
    assert {one for at_s, one in said} == {Condition.LIVE, expected}


@pytest.mark.parametrize("mishap", MISHAPS, ids=lambda one: one.name)
def test_what_befalls_a_camera_is_found_in_time_and_called_by_its_name(
    rendered: Image, mishap: Mishap
) -> None:
    check(rendered, mishap)


@pytest.mark.data
@pytest.mark.parametrize("mishap", MISHAPS, ids=lambda one: one.name)
def test_it_is_found_on_real_hills_too(shared_data: Path, mishap: Mishap) -> None:
    for path in stills(shared_data)[36:37]:
        check(cv2.imread(str(path)), mishap)  # type: ignore[arg-type]


@pytest.mark.parametrize("weather", HARMLESS, ids=lambda one: one.name)
def test_weather_and_night_are_no_fault_of_the_camera(rendered: Image, weather: Mishap) -> None:
    said = conditions(judge(), list(played(rendered, weather, calm_s=CALM_S, altered_s=60)))
    assert {one for _, one in said} == {Condition.LIVE}


@pytest.mark.data
def test_two_real_cameras_in_their_true_time_raise_no_false_alarm(shared_data: Path) -> None:
    for _, pictures in sequences(shared_data)[5:8:2]:
        health = judge(HealthSettings())
        said = set()
        for number, path in enumerate(pictures):
            at = taken_at(path)
            health.saw(Frame(cv2.imread(str(path)), "hill", at, number))  # type: ignore[arg-type]
            said.add(health.state(vitals_at(at), at).condition)
        assert not said & {Condition.OBSTRUCTED, Condition.DEFOCUSED, Condition.MOVED}


def test_a_camera_that_sees_again_is_live_after_the_recovery_time_and_not_before(rendered: Image) -> None:
    blur = next(one for one in MISHAPS if one.expected == "defocused")
    frames = list(played(rendered, blur, calm_s=20, altered_s=20))
    frames += [
        replace(one, captured_at=one.captured_at + timedelta(seconds=40), sequence=one.sequence + 1000)
        for one in frames[:30]
    ]
    said = conditions(judge(), frames)
    blind = [at_s for at_s, one in said if one is Condition.DEFOCUSED]
    assert 30 <= blind[0] <= 40
    assert 40 + SETTINGS.recover_after_s <= blind[-1] + 1 <= 50
    assert said[-1][1] is Condition.LIVE


def test_a_shift_is_measured_in_pixels_and_degrees_and_ends_when_the_view_is_back(rendered: Image) -> None:
    turned = next(one for one in MISHAPS if one.name == "turned 5 %")
    health = judge()
    frames = list(played(rendered, turned, calm_s=20, altered_s=40))
    conditions(health, frames)
    assert health.shift is not None
    assert health.shift.x == pytest.approx(-0.05, abs=0.003)
    assert health.shift.y == pytest.approx(0, abs=0.003)
    azimuth_deg, tilt_deg = health.shift.degrees(50)
    assert azimuth_deg == pytest.approx(2.67, abs=0.2)
    assert tilt_deg == pytest.approx(0, abs=0.2)
    state = health.state(vitals_at(frames[-1].captured_at), frames[-1].captured_at)
    assert state.condition is Condition.MOVED
    assert "% of its width" in state.reason
    back = [
        replace(one, captured_at=one.captured_at + timedelta(seconds=60), sequence=one.sequence + 1000)
        for one in frames[:40]
    ]
    assert conditions(health, back)[-1][1] is Condition.LIVE
    assert health.shift is None


def test_a_slow_turn_is_not_learned_away(rendered: Image) -> None:
    """A pole that leans more every minute is compared with where it stood, not with the last look."""
    height, width = rendered.shape[:2]
    health, said = judge(), []
    for minute in range(120):
        x = 0.1 * width + 0.0004 * width * minute
        there = np.array([[0.8, 0, -0.8 * x], [0, 0.8, -0.8 * 0.1 * height]])
        image = np.asarray(cv2.warpAffine(rendered, there, (640, 360)), np.uint8)
        at = after(60 * minute)
        health.saw(Frame(image, "ridge", at, minute))
        said.append(health.state(vitals_at(at), at).condition)
    assert said[-1] is Condition.MOVED


def test_a_camera_that_turned_while_nobody_looked_is_found_turned(rendered: Image) -> None:
    """The reference outlives the process; here by way of `references`, on disk by `firewatch.health`."""
    before = judge()
    calm = Mishap("calm", "live", unchanged)
    conditions(before, list(played(rendered, calm, calm_s=20, altered_s=0)))
    known = before.references()
    for turn, limit_s, expected in ((0.0, 60, Condition.LIVE), (0.05, 60, Condition.MOVED)):
        health = CameraHealth(SETTINGS, stale_after_s=30, reference_of=known.get)
        turned = Mishap("turned", "moved", unchanged, turn=(turn, 0.0))
        said = conditions(health, list(played(rendered, turned, calm_s=0, altered_s=limit_s)))
        assert said[-1][1] is expected
    health = CameraHealth(SETTINGS, stale_after_s=30, reference_of=known.get)
    elsewhere = next(one for one in MISHAPS if one.name == "turned right away")
    few = played(rendered, elsewhere, calm_s=0, altered_s=85)
    said = conditions(health, [replace(one, captured_at=after(4 * number)) for number, one in enumerate(few)])
    assert said[-1][1] is Condition.MOVED
    assert health.shift is None


def test_each_preset_is_a_view_of_its_own(rendered: Image) -> None:
    health, said = judge(), set()
    views = {"east": rendered, "west": cv2.flip(rendered, 1)}
    for second in range(0, 240, 2):
        preset = "east" if second // 30 % 2 else "west"
        noise = np.random.default_rng(second).normal(0, 2, rendered.shape)
        image = np.clip(views[preset] + noise, 0, 255).astype(np.uint8)
        health.saw(Frame(image, "ptz", after(second), second, preset=preset))
        said.add(health.state(vitals_at(after(second)), after(second)).condition)
    assert said == {Condition.LIVE}


def test_a_view_of_a_tour_that_was_found_moved_counts_until_the_next_visit(rendered: Image) -> None:
    """Its state does not change at every turn, and says which view it is."""
    health, said, moved_from = judge(), [], 240
    east = cv2.resize(rendered, (640, 360), interpolation=cv2.INTER_AREA)
    views = {"east": east, "west": cv2.flip(east, 1)}
    for second in range(0, 480, 2):
        preset = "east" if second // 30 % 2 else "west"
        noise = np.random.default_rng(second).normal(0, 2, east.shape)
        image = np.clip(views[preset] + noise, 0, 255).astype(np.uint8)
        if preset == "east" and second >= moved_from:
            image = np.roll(image, image.shape[1] // 12, axis=1)
        health.saw(Frame(image, "ptz", after(second), second, preset=preset))
        said.append(health.state(vitals_at(after(second)), after(second)))
    turns = [one for one, later in itertools.pairwise(said) if one.condition is not later.condition]
    assert [one.condition for one in turns] == [Condition.LIVE]
    assert said[-1].condition is Condition.MOVED
    assert said[-1].reason.startswith("the view has moved by 8.")
    assert said[-1].reason.endswith("(preset east)")


def test_recorded_footage_that_jumps_is_another_view(rendered: Image) -> None:
    health, said = judge(), set()
    for second in range(0, 120, 2):
        noise = np.random.default_rng(second).normal(0, 2, rendered.shape)
        view = rendered if second < 60 else cv2.flip(rendered, 0)
        image = np.clip(view + noise, 0, 255).astype(np.uint8)
        health.saw(Frame(image, "demo", after(second), second, new_footage=second == 60))
        said.add(health.state(vitals_at(after(second)), after(second)).condition)
    assert said == {Condition.LIVE}


def test_a_camera_without_a_first_picture_is_connecting_with_the_reason() -> None:
    vitals = replace(SOUND, last_picture_at=None, last_packet_at=None, problem="nothing listens there")
    state = judge().state(vitals, after(5))
    assert (state.condition, state.since, state.reason) == (
        Condition.CONNECTING,
        NOON,
        "nothing listens there",
    )


def test_stale_is_judged_on_the_age_of_the_picture_and_dates_from_the_last_one() -> None:
    health = judge()
    assert health.state(vitals_at(NOON), after(29)).condition is Condition.LIVE
    state = health.state(vitals_at(NOON), after(31))
    assert (state.condition, state.since) == (Condition.STALE, NOON)


def test_one_picture_does_not_end_staleness_but_pictures_for_the_recovery_time_do() -> None:
    health = judge()
    health.state(vitals_at(NOON), after(31))
    assert health.state(vitals_at(after(40)), after(41)).condition is Condition.STALE
    assert health.state(vitals_at(after(40)), after(50)).condition is Condition.STALE
    assert health.state(vitals_at(after(52)), after(52)).condition is Condition.LIVE


def test_a_camera_that_gives_a_picture_now_and_then_does_not_flap() -> None:
    health, said = judge(), []
    for second in range(200):
        last = second - second % 40  # one picture every 40 s, stale after 30
        said.append(health.state(vitals_at(after(last)), after(second)).condition)
    assert sum(one is not before for before, one in itertools.pairwise(said)) == 1


def test_damage_told_by_looks_is_a_bad_picture_after_its_dwell(rendered: Image) -> None:
    health = judge()
    for second in range(0, 16, 2):
        noise = np.random.default_rng(second).normal(0, 2, rendered.shape)
        health.saw(Frame(np.clip(rendered + noise, 0, 255).astype(np.uint8), "ridge", after(second), second))
        health.damaged("decoder damage (flat grey or green areas)", after(second))
        state = health.state(vitals_at(after(second)), after(second))
        assert (state.condition is Condition.BAD_PICTURE) == (second >= 10)
    assert "decoder damage" in state.reason


def test_a_stream_whose_pictures_cannot_be_decoded_is_a_bad_picture_not_a_live_camera() -> None:
    health, said = judge(), []
    for second in range(20):
        vitals = vitals_at(after(second), bad_pictures=second, last_bad_picture="a packet cannot be decoded")
        said.append(health.state(vitals, after(second)).condition)
    assert said[-1] is Condition.BAD_PICTURE
    assert said[5] is Condition.LIVE


def test_a_stopped_worker_leaves_its_camera_off() -> None:
    assert judge().state(replace(SOUND, stopped_at=after(9)), after(10)).condition is Condition.OFF


def test_a_reason_that_keeps_changing_is_news_once_a_minute() -> None:
    health, reasons = judge(), []
    for second in range(120):
        vitals = replace(SOUND, last_picture_at=None, problem=("refused", "silent")[second % 2])
        reasons.append(health.state(vitals, after(second)).reason)
    assert sum(one != before for before, one in itertools.pairwise(reasons)) <= 2


def test_evidence_that_comes_and_goes_raises_nothing_and_lowers_nothing() -> None:
    wavering, raised = Sustained(10, 5), Sustained(10, 5)
    for second in range(12):
        raised.tell(True, after(second))
    for second in range(60):
        wavering.tell(second % 8 != 0, after(second))
        raised.tell(second % 4 == 0, after(20 + second))
    assert not wavering.raised
    assert raised.raised


def test_a_moved_camera_still_sees_and_every_other_condition_is_blindness() -> None:
    assert set(Condition) - BLIND == {Condition.MOVED, Condition.LIVE}


def test_a_camera_may_have_dwell_times_of_its_own() -> None:
    own = HealthSettings(moved_after_s=90)
    both = HealthSettings(frozen_after_s=30).overridden_by(own)
    assert (both.frozen_after_s, both.moved_after_s, both.dark_after_s) == (30, 90, 10)


def placed_at(at: datetime, **more: object) -> Vitals:
    where = {"silent_since": None, "problem": "", "between_since": None, **more}
    return vitals_at(at, whereabouts=Whereabouts(**where))  # type: ignore[arg-type]


def test_a_camera_that_turns_is_not_blind_by_that_but_one_that_never_stands_at_a_preset_is() -> None:
    health = judge()
    assert health.state(placed_at(NOON), NOON).condition is Condition.LIVE
    turning_since = after(10)
    for second in (20, 120, 300):
        at = after(second)
        assert health.state(placed_at(at, between_since=turning_since), at).condition is Condition.LIVE
    at = after(311)
    lost = health.state(placed_at(at, between_since=turning_since), at)
    assert (lost.condition, lost.since) == (Condition.STALE, turning_since)
    assert "none of its presets" in lost.reason
    assert health.state(placed_at(after(320)), after(320)).condition is Condition.LIVE


def test_a_camera_that_does_not_say_where_it_stands_sees_but_its_places_are_unreliable() -> None:
    health = judge()
    silent = placed_at(
        after(30), silent_since=after(5), problem="http://10.2.0.11/onvif did not answer within 5 s"
    )
    state = health.state(silent, after(30))
    assert (state.condition, state.since) == (Condition.MOVED, after(5))
    assert state.condition not in BLIND
    assert "did not answer within 5 s" in state.reason


def test_pictures_of_no_sure_place_are_compared_with_no_view(rendered: Image) -> None:
    health = judge()
    turned = np.ascontiguousarray(rendered[:, ::-1])
    for second in range(0, 120, 2):
        noise = np.random.default_rng(second).normal(0, 2, rendered.shape)
        sure = second < 60
        image = np.clip((rendered if sure else turned) + noise, 0, 255).astype(np.uint8)
        health.saw(Frame(image, "ptz", after(second), second, preset="east", place_unsure=not sure))
        assert health.state(vitals_at(after(second)), after(second)).condition is Condition.LIVE
    for second in range(120, 150, 2):
        health.saw(Frame(np.zeros_like(rendered), "ptz", after(second), second, place_unsure=True))
    assert health.state(vitals_at(after(150)), after(150)).condition is Condition.DARK, (
        "it is blind all the same"
    )


def test_a_preset_that_the_camera_does_not_have_is_told_while_the_camera_is_live() -> None:
    state = judge().state(placed_at(NOON, missing=("gate",)), NOON)
    assert state.condition is Condition.LIVE
    assert "gate" in state.reason
