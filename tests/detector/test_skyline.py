"""Where the sky ends, and that the rule can doubt but never blind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import cv2
import numpy as np

from detector.detection import Box, Detection
from detector.skyline import doubt_the_sky, find_skyline, hangs_in_the_sky
from detector.view import ViewMemory

HORIZON_PX = 240
START = datetime(2026, 1, 1, tzinfo=UTC)


def hill(cloud_x: int | None = None, seed: int = 0) -> np.ndarray:
    """Smooth sky over textured ground, grey, 640 x 480; a cloud at `cloud_x`."""
    rng = np.random.default_rng(seed)
    picture = np.full((480, 640), 190, np.uint8)
    picture[HORIZON_PX:] = cv2.resize(rng.integers(30, 130, (120, 320)).astype(np.uint8), (640, 240))
    if cloud_x is not None:
        cv2.ellipse(picture, (cloud_x, 120), (60, 25), 0, 0, 360, 240, -1)
    return picture


def in_sky() -> Box:
    return Box(300, 60, 360, 140)


def on_ground() -> Box:
    return Box(300, 200, 330, 260)


def test_the_line_lies_on_the_horizon_and_drifting_clouds_do_not_raise_it() -> None:
    skyline = find_skyline([hill(100), hill(300), hill(500)])
    assert (np.abs(skyline - HORIZON_PX) <= 16).all()


def test_a_box_that_ends_in_the_sky_hangs_and_one_that_reaches_the_ground_does_not() -> None:
    skyline = find_skyline([hill()] * 3)
    assert hangs_in_the_sky(in_sky(), skyline)
    assert not hangs_in_the_sky(on_ground(), skyline)


def test_by_night_and_in_dense_fog_no_column_has_a_skyline() -> None:
    dark = np.full((480, 640), 8, np.uint8)
    dark[400:404, 100:104] = 255  # a village lamp is not the ground's upper edge
    fog = np.full((480, 640), 200, np.uint8)
    for picture in (dark, fog):
        assert (find_skyline([picture] * 3) == 0).all()
        assert not hangs_in_the_sky(in_sky(), find_skyline([picture] * 3))


def test_a_detection_in_the_sky_is_doubted_and_a_strong_one_still_counts() -> None:
    skyline = find_skyline([hill()] * 3)
    found = (
        Detection("smoke", 0.9, in_sky()),
        Detection("smoke", 0.5, on_ground()),
        Detection("smoke", 0.3, in_sky()),
    )
    judged = doubt_the_sky(found, skyline, 1.0, 0.2)
    assert [(round(d.confidence, 3), d.box) for d in judged] == [(0.5, on_ground()), (0.225, in_sky())]


def test_boxes_in_frame_pixels_are_held_against_the_line_in_look_pixels() -> None:
    skyline = find_skyline([hill()] * 3)
    large = Box(*(3 * v for v in (300.0, 200.0, 330.0, 260.0)))
    assert doubt_the_sky((Detection("smoke", 0.5, large),), skyline, 1 / 3, 0.1)[0].confidence == 0.5


def test_the_skyline_is_unknown_until_five_minutes_are_remembered() -> None:
    memory = ViewMemory()
    colour = cv2.cvtColor(hill(), cv2.COLOR_GRAY2BGR)
    known = []
    for minute in range(9):
        memory.observe(colour, START + timedelta(minutes=minute))
        known.append(memory.skyline is not None)
    assert known[:5] == [False] * 5
    assert known[-1]


def test_after_fog_in_the_foreground_lifts_the_line_does_not_stay_low() -> None:
    memory = ViewMemory()
    clear, foggy = hill(), hill()
    foggy[:400] = 200
    at = START
    for picture in [clear] * 20 + [foggy] * 20:
        memory.observe(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), at)
        skyline = memory.skyline  # asked at every look, as the pipeline does
        at += timedelta(minutes=1)
    assert skyline is not None
    assert (skyline <= HORIZON_PX + 16).all()
