"""The memory of a view: what a reference may hold, and what the network is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest

from detector.view import (
    DEFAULT_AGES_S,
    NO_CHANGE,
    ViewMemory,
    difference_channel,
    look_size,
    mirror,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
SMOKE = slice(200, 230)


def view(seed: int = 0) -> np.ndarray:
    """A hillside of smooth texture, 640 x 480."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 160, (30, 40, 3)).astype(np.uint8)
    return cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_CUBIC)


def with_smoke(picture: np.ndarray, lighter: int = 20) -> np.ndarray:
    """The same view with a patch of smoke."""
    smoky = picture.copy()
    smoky[SMOKE, 300:340] = np.clip(smoky[SMOKE, 300:340].astype(int) + lighter, 0, 255)
    return smoky


def seconds(value: float) -> datetime:
    return START + timedelta(seconds=value)


def test_the_first_look_has_no_history_and_every_difference_channel_is_empty() -> None:
    channels = ViewMemory().observe(view(), START)
    assert channels.shape == (480, 640, 3 + len(DEFAULT_AGES_S))
    assert (channels[..., 3:] == NO_CHANGE).all()


def test_the_colour_channels_are_the_picture_itself() -> None:
    assert (ViewMemory().observe(view(), START)[..., :3] == view()).all()


def test_smoke_that_was_not_there_before_stands_out_in_every_age_with_history() -> None:
    memory = ViewMemory()
    for minute in range(40):
        memory.observe(view(), seconds(60 * minute))
    channels = memory.observe(with_smoke(view()), seconds(60 * 40))
    # looks a minute apart hold nothing 10-30 s old, so the youngest age stays empty
    assert (channels[..., 3] == NO_CHANGE).all()
    for channel in (4, 5, 6):
        assert channels[SMOKE, 300:340, channel].mean() > NO_CHANGE + 40
        assert abs(float(channels[:100, :, channel].mean()) - NO_CHANGE) < 1


@pytest.mark.parametrize("interval_s", [4.0, 10.0])
def test_a_reference_means_the_same_at_any_look_interval(interval_s: float) -> None:
    memory = ViewMemory()
    at = 0.0
    while at < 2400:
        memory.observe(view() if at < 1200 else with_smoke(view()), seconds(at))
        at += interval_s
    clean, smoky = view(), with_smoke(view())
    expected = {20.0: smoky, 120.0: smoky, 600.0: smoky, 1800.0: clean}
    for age_s, picture in expected.items():
        reference = memory.reference(age_s, seconds(2400))
        assert reference is not None
        assert np.abs(reference.astype(int) - cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)).max() <= 1


def test_the_reference_never_contains_the_present_picture() -> None:
    memory = ViewMemory()
    memory.observe(view(), START)
    memory.observe(with_smoke(view(), 60), seconds(60))
    reference = memory.reference(120.0, seconds(60))
    assert reference is not None
    assert (reference == cv2.cvtColor(view(), cv2.COLOR_BGR2GRAY)).all()


def test_a_young_history_stands_in_for_an_older_age_after_ten_seconds() -> None:
    memory = ViewMemory()
    memory.observe(view(), START)
    assert memory.reference(600.0, seconds(9)) is None
    assert memory.reference(600.0, seconds(11)) is not None


def test_a_change_of_light_over_the_whole_view_is_not_local_change() -> None:
    grey = cv2.cvtColor(view(), cv2.COLOR_BGR2GRAY)
    brighter = np.clip(grey.astype(int) + 25, 0, 255).astype(np.uint8)
    assert np.abs(difference_channel(brighter, grey).astype(int) - NO_CHANGE).max() <= 6


def test_new_footage_empties_the_memory() -> None:
    memory = ViewMemory()
    memory.observe(view(), START)
    channels = memory.observe(view(1), seconds(60), new_footage=True)
    assert (channels[..., 3:] == NO_CHANGE).all()
    assert memory.reference(600.0, seconds(90)) is not None


def test_a_change_of_resolution_empties_the_memory_instead_of_failing() -> None:
    memory = ViewMemory()
    memory.observe(view(), START)
    wide = cv2.resize(view(), (1280, 720))
    assert (memory.observe(wide, seconds(60))[..., 3:] == NO_CHANGE).all()


def test_a_clock_that_steps_back_empties_the_memory_so_that_no_later_picture_is_a_reference() -> None:
    memory = ViewMemory()
    memory.observe(view(), seconds(3600))
    memory.observe(with_smoke(view(), 60), START)
    assert memory.reference(120.0, seconds(5)) is None


def test_a_history_older_than_its_age_is_forgotten_after_a_gap() -> None:
    memory = ViewMemory()
    memory.observe(view(), START)
    assert memory.reference(120.0, seconds(3600)) is None


def test_the_memory_stays_bounded_at_many_looks_a_second() -> None:
    memory, picture = ViewMemory(look_width_px=64), view()[::8, ::8]
    for look in range(2000):
        memory.observe(picture, seconds(look * 2))
    assert sum(len(samples) for samples in memory._samples) <= 7 * len(DEFAULT_AGES_S)


@pytest.mark.parametrize(
    ("frame", "look"),
    [((640, 480), (640, 480)), ((3072, 2048), (640, 416)), ((1, 1), (640, 640)), ((7680, 4320), (640, 352))],
)
def test_looks_are_640_wide_with_sides_that_the_network_can_divide(
    frame: tuple[int, int], look: tuple[int, int]
) -> None:
    assert look_size(*frame) == look


def test_the_difference_prepared_once_a_look_is_that_of_two_pictures_to_the_last_value():
    """As it was first defined and the shipped network was trained: each step on the pictures themselves."""
    chance = np.random.default_rng(7)

    def defined(grey, reference):
        change = grey.astype(np.int16) - reference
        coarse = cv2.resize(change, (40, 22), interpolation=cv2.INTER_AREA)
        coarse = cv2.medianBlur(np.clip(coarse // 2 + 128, 0, 255).astype(np.uint8), 11)
        coarse = (coarse.astype(np.int16) - 128) * 2
        local = change - cv2.resize(coarse, (640, 352), interpolation=cv2.INTER_LINEAR)
        return np.clip(local * 3 + 128, 0, 255).astype(np.uint8)

    for _ in range(20):
        light, noise = (chance.integers(0, 256, size, np.uint8) for size in ((3, 5), (352, 640)))
        grey = cv2.addWeighted(cv2.resize(light, (640, 352)), 0.8, noise, 0.2, 0)
        reference = cv2.addWeighted(grey, chance.random(), noise, 0.3, 0)
        assert (difference_channel(grey, reference) == defined(grey, reference)).all()


def test_an_input_is_mirrored_left_to_right_in_every_channel_where_it_lies() -> None:
    seen = ViewMemory().observe(np.random.default_rng(3).integers(0, 256, (72, 128, 3), np.uint8), START)
    before = seen.copy()

    mirror(seen)

    assert np.array_equal(seen, before[:, ::-1])
