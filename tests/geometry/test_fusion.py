"""Several lines of sight to one fire: which of them is left out, and when it cannot be told."""

from __future__ import annotations

import math

import pytest

from geometry.camera import Ray, refraction_m
from geometry.fusion import Line, fuse
from geometry.position import Position, distance_m, enu_m, from_enu
from geometry.terrain import FlatTerrain

FIRE = Position(23.1, 116.4, 100.0)
PLAIN = FlatTerrain(100.0)


def line(from_deg: float, away_m: float, *, above_m: float = 300.0, off_deg: float = 0.0) -> Line:
    """From a camera in this direction of the fire, which sees it `off_deg` beside where it is."""
    azimuth = math.radians(from_deg)
    camera = from_enu(FIRE, away_m * math.sin(azimuth), away_m * math.cos(azimuth), above_m)
    east, north, up = enu_m(camera, FIRE)
    level_m = math.hypot(east, north)
    ray = Ray(
        (math.degrees(math.atan2(east, north)) + off_deg) % 360,
        math.degrees(math.atan2(up + float(refraction_m(level_m)), level_m)),
    )
    return Line(camera, ray, 0.15, 0.08)


@pytest.mark.parametrize("wrong", range(4))
def test_of_four_lines_the_one_that_does_not_fit_is_left_out(wrong: int) -> None:
    lines = [line(70 * i + 10, 4_000 + 500 * i, off_deg=3.0 if i == wrong else 0.0) for i in range(4)]
    fix = fuse(lines, PLAIN, 8.0, [])
    assert fix is not None
    assert fix.used == tuple(i for i in range(4) if i != wrong)
    assert distance_m(fix.position, FIRE) < 5


@pytest.mark.parametrize("wrong", range(3))
def test_of_three_the_wrong_one_is_told_by_elevations_for_any_two_bearings_cross(wrong: int) -> None:
    lines = [line(60 * i + 10, 4_000, off_deg=8.0 if i == wrong else 0.0) for i in range(3)]
    fix = fuse(lines, PLAIN, 8.0, [])
    assert fix is not None
    assert fix.used == tuple(i for i in range(3) if i != wrong)
    assert distance_m(fix.position, FIRE) < 5


def test_three_lines_whose_crossings_are_all_as_likely_have_no_place_together() -> None:
    """Nearly level lines: their elevations do not say which of the three crossings is the fire."""
    lines = [line(120 * i, 5_000, above_m=30.0, off_deg=1.5) for i in range(3)]
    assert fuse(lines, PLAIN, 8.0, []) is None


def test_two_lines_that_do_not_meet_have_no_place_together() -> None:
    beside = line(100, 5_000, off_deg=170)
    assert fuse([line(90, 5_000), beside], PLAIN, 8.0, []) is None
