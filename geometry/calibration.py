"""A camera's pose and field of view from what it shows: landmarks with known coordinates, or the skyline.

Both are least squares on pixels: Gauss-Newton with a numerical Jacobian, damped (Levenberg and Marquardt).
The covariance is that of the adjusted parameters, scaled by the residuals where these are enough to tell.
Pure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from geometry.camera import CameraModel, Pose, drop_m
from geometry.position import FloatArray, Position, lat_lon_near
from geometry.terrain import Terrain

FEWEST_LANDMARKS = 3
_PIXEL_PX = 2.0
"""How well somebody clicks on a landmark, where the residuals are too few to tell."""

_LEAST_SIGMA_DEG = 0.01
"""No mast stands stiller."""

_STEPS = np.array([1e-3, 1e-3, 1e-3, 1e-3])


class CalibrationError(ValueError):
    """The pose cannot be found; the message says why and what to add."""


@dataclass(frozen=True)
class Landmark:
    """A thing on the picture whose place is known."""

    name: str
    x_px: float
    y_px: float
    position: Position


@dataclass(frozen=True)
class Calibration:
    """The pose found. Sigmas are one standard deviation; residuals (x, y) in pixels, one pair a landmark."""

    pose: Pose
    azimuth_sigma_deg: float
    tilt_sigma_deg: float
    roll_sigma_deg: float
    hfov_sigma_deg: float
    residuals_px: tuple[tuple[float, float], ...]

    @property
    def rms_px(self) -> float:
        squares = [x * x + y * y for x, y in self.residuals_px]
        return math.sqrt(sum(squares) / max(1, len(squares)))

    @property
    def deployment_line(self) -> str:
        """The pose as a deployment file has it."""
        values = {
            "azimuth_deg": round(self.pose.azimuth_deg, 3) % 360,  # 359.9999 is written 0
            "tilt_deg": self.pose.tilt_deg,
            "roll_deg": self.pose.roll_deg,
            "hfov_deg": self.pose.hfov_deg,
            "azimuth_sigma_deg": max(_LEAST_SIGMA_DEG, self.azimuth_sigma_deg),
            "tilt_sigma_deg": max(_LEAST_SIGMA_DEG, self.tilt_sigma_deg),
        }
        return f"pose: {{{', '.join(f'{name}: {value:.3f}' for name, value in values.items())}}}"


def from_landmarks(camera: CameraModel, landmarks: Sequence[Landmark]) -> Calibration:
    """Azimuth, tilt, roll and field of view that put the landmarks where they are seen. `camera.pose` is the
    start: the azimuth may be 40 degrees off."""
    if len(landmarks) < FEWEST_LANDMARKS:
        raise CalibrationError(
            f"{len(landmarks)} landmarks do not fix a pose: name at least {FEWEST_LANDMARKS}, far apart"
        )
    seen = np.array([[one.x_px, one.y_px] for one in landmarks])

    def residuals(pose: Pose) -> FloatArray | None:
        model = replace(camera, pose=pose)
        shown = [model.project(one.position) for one in landmarks]
        if any(one is None for one in shown):
            return None
        return np.asarray((seen - np.array(shown, float)).ravel())

    pose, covariance, left = _solve(camera.pose, residuals, _PIXEL_PX)
    pairs = tuple((float(x), float(y)) for x, y in left.reshape(-1, 2))
    return Calibration(pose, *_sigmas(covariance), pairs)


def from_skyline(
    camera: CameraModel, skyline_px: Sequence[tuple[float, float]], terrain: Terrain, *, pixel_px: float = 3.0
) -> Calibration:
    """The pose refined until the model's horizon lies on the skyline seen. Needs a start within about two
    degrees, from landmarks or a compass; trees and clouds on the skyline are tolerated (Huber's weights)."""
    if len(skyline_px) < 20:
        raise CalibrationError(f"{len(skyline_px)} points of a skyline are too few: 20 at least")
    x, y = (np.array([one[i] for one in skyline_px]) for i in (0, 1))
    half = camera.pose.hfov_deg / 2 + 5
    azimuths = camera.pose.azimuth_deg + np.arange(-half, half, 0.02)
    elevations = horizon_deg(terrain, camera.position, azimuths)

    def residuals(pose: Pose) -> FloatArray | None:
        model = replace(camera, pose=pose)
        east, north, up = model.directions(x, y)
        azimuth = np.degrees(np.arctan2(east, north))
        azimuth = camera.pose.azimuth_deg + (azimuth - camera.pose.azimuth_deg + 180) % 360 - 180
        seen = np.degrees(np.arctan2(up, np.hypot(east, north)))
        over = np.radians(seen - np.interp(azimuth, azimuths, elevations)) * model.focal_px
        if not np.isfinite(over).all():
            return None
        return np.asarray(np.sign(over) * np.sqrt(_huber(over, 2 * pixel_px)))

    pose, covariance, left = _solve(camera.pose, residuals, pixel_px)
    return Calibration(pose, *_sigmas(covariance), tuple((0.0, float(one)) for one in left))


def horizon_deg(
    terrain: Terrain, lens: Position, azimuths_deg: FloatArray, max_range_m: float = 30_000
) -> FloatArray:
    """Apparent elevation of the ground's horizon in these directions, curvature and refraction included."""
    return horizon(terrain, lens, azimuths_deg, max_range_m)[0]


def horizon(
    terrain: Terrain, lens: Position, azimuths_deg: FloatArray, max_range_m: float = 30_000
) -> tuple[FloatArray, FloatArray]:
    """`horizon_deg`, and how far away in metres the horizon stands."""
    ranges = np.concatenate([np.arange(100, 3_000, 20), np.arange(3_000, max_range_m, 40)]).astype(float)
    azimuth = np.radians(azimuths_deg)[:, None]
    lat, lon = lat_lon_near(lens, ranges * np.sin(azimuth), ranges * np.cos(azimuth))
    slope = (terrain.height_m(lat, lon) - lens.height_m - drop_m(ranges)) / ranges
    slope = np.where(np.isnan(slope), -np.inf, slope)
    at = np.argmax(slope, axis=1)
    highest = np.take_along_axis(slope, at[:, None], axis=1)[:, 0]
    return np.where(np.isfinite(highest), np.degrees(np.arctan(highest)), np.nan), ranges[at]


def _huber(values: FloatArray, limit: float) -> FloatArray:
    size = np.abs(values)
    return np.where(size <= limit, size**2, 2 * limit * size - limit**2)


def _solve(
    start: Pose, residuals: Callable[[Pose], FloatArray | None], pixel_px: float
) -> tuple[Pose, FloatArray, FloatArray]:
    values = np.array([start.azimuth_deg, start.tilt_deg, start.roll_deg, math.log(start.hfov_deg)])
    now = residuals(start)
    if now is None:
        raise CalibrationError("a landmark lies behind the camera: correct its configured azimuth first")
    damping = 1e-3
    for _ in range(100):
        jacobian = _jacobian(values, now, residuals)
        normal, gradient = jacobian.T @ jacobian, jacobian.T @ now
        step = np.linalg.solve(normal + damping * np.diag(np.diag(normal) + 1e-9), gradient)
        step = np.clip(step, -10, 10)
        tried = values - step
        then = residuals(_pose(tried)) if _possible(tried) else None
        if then is not None and then @ then < now @ now:
            values, now, damping = tried, then, max(damping / 5, 1e-9)
            if float(np.abs(step).max()) < 1e-7:
                break
        else:
            damping *= 5
            if damping > 1e9:
                break
    jacobian = _jacobian(values, now, residuals)
    spare = len(now) - len(values)
    variance = max(float(now @ now) / spare, (0.25 * pixel_px) ** 2) if spare >= 4 else pixel_px**2
    try:
        covariance = np.linalg.inv(jacobian.T @ jacobian) * variance
    except np.linalg.LinAlgError:
        raise CalibrationError("the landmarks do not fix a pose: add one far from the others") from None
    scale = np.array([1, 1, 1, math.exp(values[3])])
    return _pose(values), np.asarray(covariance * np.outer(scale, scale)), now


def _jacobian(
    values: FloatArray, now: FloatArray, residuals: Callable[[Pose], FloatArray | None]
) -> FloatArray:
    columns = []
    for i, step in enumerate(_STEPS):
        moved = values.copy()
        moved[i] += step
        then = residuals(_pose(moved))
        columns.append((then - now) / step if then is not None else np.zeros_like(now))
    return np.stack(columns, axis=1)


def _possible(values: FloatArray) -> bool:
    return abs(values[1]) < 89 and 0.1 < math.exp(min(values[3], 10)) < 170


def _pose(values: FloatArray) -> Pose:
    return Pose(float(values[0]) % 360, float(values[1]), float(values[2]), math.exp(float(values[3])))


def _sigmas(covariance: FloatArray) -> tuple[float, float, float, float]:
    azimuth, tilt, roll, hfov = (math.sqrt(max(0.0, float(v))) for v in np.diag(covariance))
    return azimuth, tilt, roll, hfov
