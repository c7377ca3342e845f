"""A pose found again from what a camera of known pose shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from geometry.calibration import CalibrationError, Landmark, from_landmarks, from_skyline, horizon_deg
from geometry.camera import CameraModel, Pose
from geometry.position import Position, from_enu

TRUE = CameraModel(Position(23.1, 116.4, 600), Pose(72.0, -4.0, 1.5, 38.0), 1920, 1080)
BELIEVED = replace(TRUE, pose=Pose(80.0, -2.0, 0.0, 45.0))


class Waves:
    """Hills of several lengths: a skyline that looks different everywhere."""

    def height_m(self, lat_deg: Any, lon_deg: Any) -> Any:
        lat, lon = np.asarray(lat_deg, float), np.asarray(lon_deg, float)
        return 400 + 150 * np.sin(lat * 400) * np.cos(lon * 330) + 80 * np.sin(lon * 900 + lat * 300)


def marks(noise_px: float, number: int = 5) -> list[Landmark]:
    rng = np.random.default_rng(1)
    found = []
    while len(found) < number:
        bearing, away = np.radians(rng.uniform(55, 89)), rng.uniform(1500, 8000)
        place = from_enu(
            TRUE.position, away * np.sin(bearing), away * np.cos(bearing), rng.uniform(-500, 100)
        )
        x, y = TRUE.project(place) or (-1.0, -1.0)
        if 0 < x < 1920 and 0 < y < 1080:
            off = rng.normal(0, noise_px, 2) if noise_px else (0.0, 0.0)
            found.append(Landmark(f"mark {len(found)}", x + off[0], y + off[1], place))
    return found


def test_exact_landmarks_give_the_exact_pose() -> None:
    found = from_landmarks(BELIEVED, marks(0))
    for name in ("azimuth_deg", "tilt_deg", "roll_deg", "hfov_deg"):
        assert getattr(found.pose, name) == pytest.approx(getattr(TRUE.pose, name), abs=1e-3)
    assert found.rms_px < 0.01


def test_clicks_two_pixels_off_give_a_pose_within_its_own_uncertainty() -> None:
    found = from_landmarks(BELIEVED, marks(2.0, 8))
    assert 0.5 < found.rms_px < 5
    assert abs(found.pose.azimuth_deg - 72) < 3 * found.azimuth_sigma_deg < 0.5
    assert abs(found.pose.tilt_deg + 4) < 3 * found.tilt_sigma_deg < 0.5


def test_two_landmarks_are_refused() -> None:
    with pytest.raises(CalibrationError, match="2 landmarks do not fix a pose"):
        from_landmarks(BELIEVED, marks(0)[:2])


def test_the_skyline_refines_a_pose_even_with_trees_on_it() -> None:
    terrain = Waves()
    columns = np.arange(10, 1920, 20.0)
    rows = []
    for x in columns:  # the row at which the ray of this column meets the horizon
        heights = np.linspace(0, 1080, 1081)
        rays = [TRUE.ray(float(x), float(y)) for y in heights[::27]]
        horizon = horizon_deg(terrain, TRUE.position, np.array([ray.azimuth_deg for ray in rays]))
        over = np.array([ray.elevation_deg for ray in rays]) - horizon
        rows.append(float(np.interp(0, -over, heights[::27])))
    seen = [(float(x), y) for x, y in zip(columns, rows, strict=True)]
    seen[3:6] = [(x, y - 40) for x, y in seen[3:6]]  # a group of trees
    near = replace(TRUE, pose=Pose(72.6, -4.4, 1.0, 38.5))
    found = from_skyline(near, seen, terrain)
    assert found.pose.azimuth_deg == pytest.approx(72, abs=0.05)
    assert found.pose.tilt_deg == pytest.approx(-4, abs=0.05)
    assert found.pose.roll_deg == pytest.approx(1.5, abs=0.1)
