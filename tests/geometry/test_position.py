"""Positions, distances and bearings against published values and against each other."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import geometry.position
from geometry.position import (
    Position,
    bearing_deg,
    distance_m,
    enu_m,
    enu_of_geodetic,
    from_enu,
    geodetic_of_enu,
)

_offset = st.floats(-30_000, 30_000)
_origin = st.builds(Position, st.floats(-89, 89), st.floats(-180, 180), st.floats(-400, 5000))


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(geometry.position).failed == 0


def test_vincentys_flinders_peak_to_buninyong_line_is_reproduced() -> None:
    """The worked example of Geoscience Australia (GDA94): 54 972.271 m, azimuth 306 deg 52' 05.37''."""
    flinders = Position(-(37 + 57 / 60 + 3.72030 / 3600), 144 + 25 / 60 + 29.52440 / 3600, 0)
    buninyong = Position(-(37 + 39 / 60 + 10.15610 / 3600), 143 + 55 / 60 + 35.38390 / 3600, 0)
    assert distance_m(flinders, buninyong) == pytest.approx(54_972.271, abs=0.02)
    assert bearing_deg(flinders, buninyong) == pytest.approx(306 + 52 / 60 + 5.37 / 3600, abs=1e-4)


def test_a_degree_of_latitude_near_the_equator_and_the_pole_has_its_known_length() -> None:
    assert distance_m(Position(0, 10, 0), Position(1, 10, 0)) == pytest.approx(110_574.3, abs=0.5)
    assert distance_m(Position(89, 10, 0), Position(90, 10, 0)) == pytest.approx(111_693.9, abs=0.5)


def test_the_distance_of_a_point_to_itself_is_zero() -> None:
    here = Position(23.1, 116.4, 700)
    assert distance_m(here, here) == 0


def test_points_opposite_on_the_earth_are_refused_clearly() -> None:
    with pytest.raises(ValueError, match="almost opposite"):
        distance_m(Position(0, 0, 0), Position(0.5, 179.7, 0))


@pytest.mark.parametrize(("lat", "lon"), [(91, 0), (-90.1, 0), (0, 180.5), (math.nan, 0), (0, math.nan)])
def test_a_position_off_the_earth_is_refused(lat: float, lon: float) -> None:
    with pytest.raises(ValueError, match=r"latitude|longitude"):
        Position(lat, lon, 0)


@given(_origin, _offset, _offset, st.floats(-2000, 2000))
def test_enu_and_back_returns_to_the_millimetre(
    origin: Position, east: float, north: float, up: float
) -> None:
    assert enu_m(origin, from_enu(origin, east, north, up)) == pytest.approx((east, north, up), abs=1e-3)


@given(_origin, st.floats(0.01, 5000), st.floats(0, 2 * math.pi))
def test_short_enu_offsets_agree_with_geodesic_distance_and_bearing(
    origin: Position, length: float, azimuth: float
) -> None:
    here = Position(origin.lat_deg, origin.lon_deg, 0)
    there = from_enu(here, length * math.sin(azimuth), length * math.cos(azimuth), 0)
    assert distance_m(here, there) == pytest.approx(length, abs=0.01)
    if length > 1 and abs(origin.lat_deg) < 85:
        difference = (bearing_deg(here, there) - math.degrees(azimuth) + 180) % 360 - 180
        assert abs(difference) < 0.01


def test_arrays_give_what_single_points_give() -> None:
    origin = Position(23.1, 116.4, 350)
    lat, lon, height = geodetic_of_enu(origin, [100, -9000], [200, 8000], [30, -40])
    singles = [from_enu(origin, 100, 200, 30), from_enu(origin, -9000, 8000, -40)]
    assert lat.tolist() == [p.lat_deg for p in singles]
    assert lon.tolist() == [p.lon_deg for p in singles]
    assert height.tolist() == [p.height_m for p in singles]
    back = np.stack(enu_of_geodetic(origin, lat, lon, height))
    assert back == pytest.approx(np.array([[100, -9000], [200, 8000], [30, -40]]), abs=1e-6)
