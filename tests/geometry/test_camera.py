"""The camera model: rays, projection and their signs."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import geometry.camera
from geometry.camera import CameraModel, Pose, Ray, points_on_ray, refraction_m
from geometry.lens import Lens
from geometry.position import Position, from_enu

MAST = Position(23.1, 116.4, 620)


def camera(azimuth: float = 0, tilt: float = 0, roll: float = 0, hfov: float = 60) -> CameraModel:
    return CameraModel(MAST, Pose(azimuth, tilt, roll, hfov), 1280, 720)


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(geometry.camera).failed == 0


def test_the_edge_of_the_picture_lies_half_the_field_of_view_from_the_middle() -> None:
    assert camera(azimuth=350, hfov=40).ray(1280, 360).azimuth_deg == pytest.approx(10)
    assert camera(azimuth=10, hfov=40).ray(0, 360).azimuth_deg == pytest.approx(350)


def test_a_quarter_of_the_width_is_more_than_a_quarter_of_the_angle() -> None:
    """A pinhole is not linear in angle: at 60 deg a quarter of the width is 16.1 deg, not 15."""
    assert camera().ray(960, 360).azimuth_deg == pytest.approx(
        math.degrees(math.atan(0.5 * math.tan(math.pi / 6)))
    )


def test_tilting_up_raises_the_ray() -> None:
    assert camera(tilt=7).ray(640, 360).elevation_deg == pytest.approx(7)
    assert camera(tilt=7).ray(640, 100).elevation_deg > 7


def test_rolling_clockwise_puts_the_ground_higher_on_the_left() -> None:
    """Turn your head clockwise: what is level then slopes up to the left."""
    rolled = camera(roll=10)
    west, east = from_enu(MAST, -1000, 3000, 0), from_enu(MAST, 1000, 3000, 0)
    left, right = rolled.project(west), rolled.project(east)
    assert left is not None
    assert right is not None
    assert left[0] < right[0]
    assert left[1] > right[1]


def test_what_is_behind_the_camera_has_no_pixel() -> None:
    assert camera().project(from_enu(MAST, 0, -500, 0)) is None


@given(
    st.builds(camera, st.floats(0, 360), st.floats(-30, 30), st.floats(-20, 20), st.floats(5, 110)),
    st.floats(0, 1280),
    st.floats(0, 720),
    st.floats(50, 20_000),
)
def test_a_pixel_projected_along_its_ray_returns_to_the_pixel(
    view: CameraModel, x: float, y: float, range_m: float
) -> None:
    lat, lon, height = points_on_ray(MAST, view.ray(x, y), range_m)
    seen = view.project(Position(float(lat), float(lon), float(height)))
    assert seen is not None
    # Refraction is computed for the level distance along the straight ray: the residue is below a tenth of a
    # pixel even at a field of view of 5 degrees.
    assert seen == pytest.approx((x, y), abs=0.1)


def test_refraction_lifts_a_hill_ten_kilometres_away_by_a_metre() -> None:
    assert float(refraction_m(10_000)) == pytest.approx(1.02, abs=0.01)


def test_arrays_project_like_single_positions() -> None:
    view = camera(azimuth=40, tilt=-3, roll=1)
    places = [from_enu(MAST, 900, 1000, 50), from_enu(MAST, 300, 700, -80)]
    x, y, depth = view.project_positions(
        [p.lat_deg for p in places], [p.lon_deg for p in places], [p.height_m for p in places]
    )
    assert np.all(depth > 0)
    for i, place in enumerate(places):
        assert view.project(place) == (float(x[i]), float(y[i]))


def test_directions_agree_with_the_single_ray() -> None:
    view = camera(azimuth=123, tilt=-4, roll=2)
    east, north, up = view.directions([10.0, 700.0], [20.0, 600.0])
    assert view.ray(700, 600).direction() == pytest.approx((east[1], north[1], up[1]))


@pytest.mark.parametrize("hfov", [0, 180, -10])
def test_an_impossible_field_of_view_is_refused(hfov: float) -> None:
    with pytest.raises(ValueError, match="field of view"):
        Pose(0, 0, 0, hfov)


def test_the_direction_of_a_ray_is_a_unit_vector_towards_its_azimuth() -> None:
    assert Ray(90, 30).direction() == pytest.approx((math.cos(math.pi / 6), 0, 0.5))


@pytest.mark.parametrize(
    ("lens", "hfov_deg"),
    [(Lens("pinhole", -0.12, 0.02), 80), (Lens("pinhole", 0.05), 40), (Lens("fisheye", 0.01), 150)],
)
def test_a_pixel_through_a_distorting_lens_comes_back_to_itself(lens: Lens, hfov_deg: float) -> None:
    camera = CameraModel(Position(23.1, 116.4, 600), Pose(70, -8, 3, hfov_deg), 1920, 1080, lens)
    for x, y in [(960, 540), (0, 0), (1900, 20), (400, 1000), (961, 540)]:
        ray = camera.ray(x, y)
        east, north, up = (3000 * v for v in ray.direction())
        back = camera.project_enu(east, north, up - float(refraction_m(np.hypot(east, north))))
        assert (float(back[0]), float(back[1])) == pytest.approx((x, y), abs=0.01)


def test_the_edge_of_the_picture_lies_at_half_the_field_of_view_whatever_the_lens() -> None:
    for lens in (Lens(), Lens("pinhole", -0.1), Lens("fisheye")):
        camera = CameraModel(Position(23.1, 116.4, 600), Pose(90, 0, 0, 80), 1280, 720, lens)
        assert camera.ray(1280, 360).azimuth_deg == pytest.approx(130)


def test_a_distortion_that_turns_back_within_the_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="turns back within the field of view"):
        CameraModel(Position(23.1, 116.4, 600), Pose(0, 0, 0, 100), 1280, 720, Lens("pinhole", -0.5))
