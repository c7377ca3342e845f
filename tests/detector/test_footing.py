"""What stands on the ground and what hangs in the sky, and that the rule can doubt but never blind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import cv2
import numpy as np

from detector.detection import Box, Detection
from detector.footing import Ground, doubt_the_sky, ground_of, hangs_in_the_sky
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


def clear_ground() -> Ground:
    ground = ground_of([hill()] * 3)
    assert ground is not None
    return ground


def test_a_box_that_ends_in_the_sky_hangs_and_one_that_reaches_the_ground_does_not() -> None:
    ground = clear_ground()
    assert hangs_in_the_sky(in_sky(), ground)
    assert not hangs_in_the_sky(on_ground(), ground)


def test_a_drifting_cloud_is_no_ground_and_what_is_below_it_neither() -> None:
    ground = ground_of([hill(100), hill(330), hill(560)])
    assert ground is not None
    assert hangs_in_the_sky(Box(290, 90, 370, 145), ground)


def test_a_plume_on_a_far_ridge_stands_on_it_even_at_half_the_contrast() -> None:
    hazy = [(150 + hill().astype(np.float32) * 0.25).astype(np.uint8)] * 3
    hazy[0][400:] = hazy[1][400:] = hazy[2][400:] = hill()[400:]
    ground = ground_of(hazy)
    assert ground is not None
    assert not hangs_in_the_sky(on_ground(), ground)


def smooth_slope(brightness: int) -> list[np.ndarray]:
    """A far slope without any texture under a skyline, over near ground; three pictures, grey."""
    picture = hill()
    picture[HORIZON_PX:400] = brightness
    picture[HORIZON_PX - 4 : HORIZON_PX] = 120  # trees on the ridge
    return [picture] * 3


def test_a_smooth_far_slope_under_its_skyline_is_ground() -> None:
    plume_on_the_slope = Box(300, 200, 330, 290)
    ground = ground_of(smooth_slope(165))
    assert ground is not None
    assert not hangs_in_the_sky(plume_on_the_slope, ground)
    assert hangs_in_the_sky(in_sky(), ground)


def test_bright_sky_under_a_cloud_bank_that_stood_still_is_no_ground() -> None:
    ground = ground_of(smooth_slope(195))
    assert ground is not None
    assert hangs_in_the_sky(Box(300, 230, 330, 290), ground)


def test_dark_sky_beside_a_mast_is_no_ground() -> None:
    """What a mast's arm crosses is not a slope, though it is darker than the sky above the arm."""
    picture = hill()
    picture[20:HORIZON_PX, 300:340] = 100
    ground = ground_of([picture] * 3)
    assert ground is not None
    assert hangs_in_the_sky(Box(270, 100, 340, 140), ground)


def test_by_night_and_in_dense_fog_nothing_is_said() -> None:
    dark = np.full((480, 640), 8, np.uint8)
    dark[400:404, 100:104] = 255  # a village lamp is not the ground
    fog = np.full((480, 640), 200, np.uint8)
    for picture in (dark, fog):
        assert ground_of([picture] * 3) is None
    assert doubt_the_sky((Detection("smoke", 0.5, in_sky()),), None, 1.0, 0.1)[0].confidence == 0.5


def test_a_box_at_the_lower_edge_of_the_picture_is_not_doubted() -> None:
    assert not hangs_in_the_sky(Box(300, 300, 340, 478), clear_ground() * 0)


def test_a_detection_in_the_sky_is_doubted_and_a_strong_one_still_counts() -> None:
    ground = clear_ground()
    found = (
        Detection("smoke", 0.9, in_sky()),
        Detection("smoke", 0.5, on_ground()),
        Detection("smoke", 0.3, in_sky()),
    )
    judged = doubt_the_sky(found, ground, 1.0, 0.2)
    assert [(round(d.confidence, 3), d.box) for d in judged] == [(0.5, on_ground()), (0.225, in_sky())]


def test_boxes_in_frame_pixels_are_held_against_the_line_in_look_pixels() -> None:
    ground = clear_ground()
    large = Box(*(3 * v for v in (300.0, 200.0, 330.0, 260.0)))
    assert doubt_the_sky((Detection("smoke", 0.5, large),), ground, 1 / 3, 0.1)[0].confidence == 0.5


def test_the_ground_is_unknown_until_five_minutes_are_remembered() -> None:
    memory = ViewMemory()
    colour = cv2.cvtColor(hill(), cv2.COLOR_GRAY2BGR)
    known = []
    for minute in range(9):
        memory.observe(colour, START + timedelta(minutes=minute))
        known.append(memory.ground is not None)
    assert known[:5] == [False] * 5
    assert known[-1]


def test_ground_that_fog_or_smoke_covers_stays_ground_for_hours() -> None:
    memory = ViewMemory()
    clear, foggy = hill(), hill()
    foggy[:400] = 200
    at = START
    for picture in [clear] * 20 + [foggy] * 60:
        memory.observe(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), at)
        ground = memory.ground  # asked at every look, as the pipeline does
        at += timedelta(minutes=1)
    assert ground is not None
    assert not hangs_in_the_sky(on_ground(), ground)
    assert hangs_in_the_sky(in_sky(), ground)
