"""The skyline of a picture, and the pose it proves: classical, without a network.

`trace` finds the line between sky and ground as the best path from the left to the right edge: every column
has one row, strong contrast attracts it, jumps and texture above it (the sky is smooth) repel it. `match`
lays it on the horizon of the elevation model. It looks for the azimuth within a few degrees of what is
believed, refines the pose there, and refuses where it cannot be sure: too few clear columns, a horizon that
fits nearly as well elsewhere, or none that fits. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from geometry.calibration import Calibration, CalibrationError, from_skyline, horizon, horizon_deg
from geometry.camera import CameraModel
from geometry.position import FloatArray
from geometry.terrain import Terrain

SEARCH_DEG = 6.0
"""How far the believed azimuth may be off."""

_WIDTH_PX = 640
_REACH_PX = 4
"""Rows above and below that a contrast is measured over."""

_JUMP = 12
"""Most rows from one column to the next: crests fall off, but not like walls."""

_JUMP_COST, _ABOVE_COST = 0.35, 0.02
_CLEAR = 4.0
"""Contrast in grey levels from which a column counts."""

_FEWEST_CLEAR = 0.5
_INDEPENDENT = 20
"""Columns of a skyline whose errors have little to do with one another: hills and trees are that wide."""

_STEP_DEG = 0.05
_CAP_PX = 25.0
_AMBIGUOUS = 1.4
"""Another azimuth whose misfit is less than this times the best (and a pixel) could as well be it."""

_APART_DEG = 1.0
_WORST_PX = 3.0
"""Mean misfit, in pixels of a picture 1920 wide, beyond which nothing fits."""


@dataclass(frozen=True)
class Skyline:
    """Row of the skyline for some columns of a picture, in its pixels; only columns with clear contrast."""

    x_px: FloatArray
    y_px: FloatArray
    clear_share: float


@dataclass(frozen=True)
class Match:
    """The pose proved by a skyline. `misfit_px`: mean distance after the search; `next_misfit_px`: of the
    best azimuth elsewhere; `residuals_px`: skyline less horizon at each point, up is positive."""

    calibration: Calibration
    misfit_px: float
    next_misfit_px: float
    residuals_px: FloatArray


def trace(picture: npt.NDArray[np.uint8]) -> Skyline:
    """`picture`: BGR or grey, any size."""
    grey = picture.astype(np.float64).mean(axis=2) if picture.ndim == 3 else picture.astype(np.float64)
    factor = max(1, round(grey.shape[1] / _WIDTH_PX))
    rows, columns = grey.shape[0] // factor, grey.shape[1] // factor
    small = grey[: rows * factor, : columns * factor]
    small = small.reshape(rows, factor, columns, factor).mean(axis=(1, 3))
    contrast = _contrast(small)
    above = np.cumsum(np.where(contrast > _CLEAR, contrast, 0.0), axis=0)
    above = np.vstack([np.zeros((2 * _REACH_PX, columns)), above[: -2 * _REACH_PX]])
    path = _best_path(contrast - _ABOVE_COST * above)
    clear = contrast[path, np.arange(columns)] >= _CLEAR
    y = _between_rows(contrast, path)
    x = (np.arange(columns) + 0.5) * factor
    return Skyline(x[clear], (y[clear] + 0.5) * factor, float(clear.mean()))


def match(camera: CameraModel, skyline: Skyline, terrain: Terrain, terrain_sigma_m: float = 7.0) -> Match:
    """The camera's pose by its skyline; `camera.pose` is what is believed, within 6 degrees of azimuth.
    `terrain_sigma_m`: of the heights of the horizon, trees included.

    Raises CalibrationError where the skyline proves nothing, with what to do instead."""
    if skyline.clear_share < _FEWEST_CLEAR:
        raise CalibrationError(
            f"only {skyline.clear_share:.0%} of the picture shows a clear skyline: take a clear day, or give"
            " points by hand (--skyline)"
        )
    shift_deg, tilt_deg, misfit_px, next_px = _search(camera, skyline, terrain)
    scale = camera.width_px / 1920
    if misfit_px > _WORST_PX * scale:
        raise CalibrationError(
            f"no azimuth within {SEARCH_DEG:.0f} degrees fits the skyline (mean misfit {misfit_px:.1f} px):"
            " correct the configured pose first, or the terrain does not reach the horizon seen"
        )
    if next_px < _AMBIGUOUS * misfit_px + scale:
        raise CalibrationError(
            f"the skyline fits nearly as well at another azimuth ({misfit_px:.1f} and {next_px:.1f} px):"
            " it is too even to tell, use landmarks"
        )
    pose = camera.pose
    start = replace(
        camera,
        pose=replace(
            pose, azimuth_deg=(pose.azimuth_deg + shift_deg) % 360, tilt_deg=pose.tilt_deg + tilt_deg
        ),
    )
    points = list(zip(skyline.x_px.tolist(), skyline.y_px.tolist(), strict=True))
    found = from_skyline(start, points, terrain)
    residuals = _residuals_px(replace(camera, pose=found.pose), skyline, terrain)
    found = _honest(found, replace(camera, pose=found.pose), skyline, terrain, terrain_sigma_m)
    return Match(found, misfit_px, next_px, residuals)


def _honest(
    found: Calibration, camera: CameraModel, skyline: Skyline, terrain: Terrain, terrain_sigma_m: float
) -> Calibration:
    """With what least squares does not know: neighbouring columns err together, and a horizon that stands
    wrong in the model by metres, or has trees on it, tilts the whole answer."""
    azimuth, _ = _seen(camera, skyline)
    _, ranges_m = horizon(terrain, camera.position, azimuth[:: max(1, len(azimuth) // 100)])
    apart_deg = float(np.degrees(np.median(terrain_sigma_m / ranges_m)))
    together = np.sqrt(max(1.0, len(azimuth) / _INDEPENDENT))
    return replace(
        found,
        azimuth_sigma_deg=found.azimuth_sigma_deg * together,
        tilt_sigma_deg=float(np.hypot(found.tilt_sigma_deg * together, apart_deg)),
        roll_sigma_deg=found.roll_sigma_deg * together,
        hfov_sigma_deg=found.hfov_sigma_deg * together,
    )


def _contrast(grey: FloatArray) -> FloatArray:
    """How different the rows just above are from those just below, in each place."""
    total = np.vstack([np.zeros((1, grey.shape[1])), np.cumsum(grey, axis=0)])
    rows = np.arange(grey.shape[0])
    top, low = np.maximum(rows - _REACH_PX, 0), np.minimum(rows + _REACH_PX, grey.shape[0])
    upper = (total[rows] - total[top]) / np.maximum(rows - top, 1)[:, None]
    lower = (total[low] - total[rows]) / np.maximum(low - rows, 1)[:, None]
    contrast = np.abs(upper - lower)
    contrast[:_REACH_PX] = contrast[-_REACH_PX:] = 0.0
    return np.asarray(contrast)


def _best_path(worth: FloatArray) -> npt.NDArray[np.int_]:
    """The row of each column on the path that is worth most, jumps paid for (Viterbi)."""
    rows, columns = worth.shape
    came = np.zeros((rows, columns), int)
    best = worth[:, 0].copy()
    jumps = np.arange(-_JUMP, _JUMP + 1)
    every = np.arange(rows)[:, None] + jumps
    inside = (every >= 0) & (every < rows)
    every = every.clip(0, rows - 1)
    for column in range(1, columns):
        offers = np.where(inside, best[every] - _JUMP_COST * np.abs(jumps), -np.inf)
        chosen = offers.argmax(axis=1)
        came[:, column] = every[np.arange(rows), chosen]
        best = offers[np.arange(rows), chosen] + worth[:, column]
    path = np.zeros(columns, int)
    path[-1] = int(best.argmax())
    for column in range(columns - 1, 0, -1):
        path[column - 1] = came[path[column], column]
    return path


def _between_rows(contrast: FloatArray, path: npt.NDArray[np.int_]) -> FloatArray:
    """The top of the contrast's parabola about each row; contrast at row r is about its upper edge."""
    columns = np.arange(contrast.shape[1])
    rows = path.clip(1, contrast.shape[0] - 2)
    before, here, after = (contrast[rows + d, columns] for d in (-1, 0, 1))
    curve = before - 2 * here + after
    shift = np.where(curve < 0, (before - after) / (2 * np.where(curve < 0, curve, -1.0)), 0.0)
    return np.asarray(rows + shift.clip(-0.5, 0.5) - 0.5)


def _seen(camera: CameraModel, skyline: Skyline) -> tuple[FloatArray, FloatArray]:
    """Azimuth (about the camera's) and elevation of the skyline's points, degrees."""
    east, north, up = camera.directions(skyline.x_px, skyline.y_px)
    azimuth = np.degrees(np.arctan2(east, north)) - camera.pose.azimuth_deg
    return camera.pose.azimuth_deg + (azimuth + 180) % 360 - 180, np.degrees(
        np.arctan2(up, np.hypot(east, north))
    )


def _search(camera: CameraModel, skyline: Skyline, terrain: Terrain) -> tuple[float, float, float, float]:
    """(azimuth shift, tilt shift, misfit there, best misfit elsewhere)."""
    azimuth, elevation = _seen(camera, skyline)
    around = np.arange(azimuth.min() - SEARCH_DEG - 0.1, azimuth.max() + SEARCH_DEG + 0.1, 0.02)
    seen_deg = horizon_deg(terrain, camera.position, around)
    if np.isnan(seen_deg).any():
        raise CalibrationError("the elevation model does not reach as far as the camera looks")
    px_per_deg = np.radians(1) * camera.focal_px
    shifts = np.arange(-SEARCH_DEG, SEARCH_DEG + _STEP_DEG / 2, _STEP_DEG)
    tilts, misfits = [], []
    for shift in shifts:
        over = np.interp(azimuth + shift, around, seen_deg) - elevation
        tilt, left = _without_tilt_and_roll(azimuth - camera.pose.azimuth_deg, over)
        tilts.append(tilt)
        misfits.append(float(np.minimum(np.abs(left) * px_per_deg, _CAP_PX).mean()))
    best = int(np.argmin(misfits))
    elsewhere = np.abs(shifts - shifts[best]) > _APART_DEG
    return (
        float(shifts[best]),
        tilts[best],
        misfits[best],
        float(np.array(misfits)[elsewhere].min()),
    )


def _without_tilt_and_roll(across_deg: FloatArray, over_deg: FloatArray) -> tuple[float, FloatArray]:
    """The tilt that explains most of what the horizon is over the skyline, and what it and a roll of up to
    two degrees leave. Robust: fitted again to the nearer half."""
    most = np.radians(2.0)
    near = np.ones(len(over_deg), bool)
    slope = middle = 0.0
    for _ in range(3):
        x, y = across_deg[near], over_deg[near]
        centred = x - x.mean()
        slope = float(np.clip((centred @ y) / max(float(centred @ centred), 1e-9), -most, most))
        middle = float(np.median(y - slope * x))
        left = np.abs(over_deg - middle - slope * across_deg)
        near = left <= np.median(left) + 1e-9
    return middle, over_deg - middle - slope * across_deg


def _residuals_px(camera: CameraModel, skyline: Skyline, terrain: Terrain) -> FloatArray:
    azimuth, elevation = _seen(camera, skyline)
    around = np.arange(azimuth.min() - 0.1, azimuth.max() + 0.1, 0.02)
    expected = np.interp(azimuth, around, horizon_deg(terrain, camera.position, around))
    return np.asarray(np.radians(elevation - expected) * camera.focal_px)
