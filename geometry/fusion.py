"""Several lines of sight to one place: weighted least squares on the terrain.

Unknown are the place's east, north and height. Known, each with its standard deviation, are every line's
azimuth and elevation (curvature and refraction included) and the height of the ground under the place. The
normal equations are iterated from several starts (Gauss-Newton with step limits), because a line of sight
along a ridge has more than one good answer. The inverse of the normal matrix is the covariance (Koch,
Parameter Estimation and Hypothesis Testing in Linear Models, ch. 3; outliers by leaving one out). Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geometry.camera import Ray, refraction_m
from geometry.position import FloatArray, Position, enu_m, from_enu
from geometry.terrain import Terrain

_ITERATIONS = 15
_STEP_LIMIT_M = 500.0
_DONE_M = 0.05
_SLOPE_M = 30.0
_HIDDEN_SIGMAS = 2.5
"""A foot seen this much above the common place is hidden behind something; its elevation says nothing."""

_OUTLIER_SIGMAS = 3.5
"""A bearing this far from what the others say is of something else; one line in 2,000 by chance."""

_CLEARLY_BETTER = 4.0
"""By so much must a choice of outlier explain the other lines better than the next choice."""


@dataclass(frozen=True)
class Line:
    """One line of sight with its standard deviations."""

    origin: Position
    ray: Ray
    azimuth_sigma_deg: float
    elevation_sigma_deg: float


@dataclass(frozen=True)
class Fix:
    """Where the lines meet: the place, its covariance (east, north; m2), and which lines it rests on."""

    position: Position
    covariance_m2: FloatArray
    used: tuple[int, ...]
    worst_sigmas: float
    """Largest residual of the bearings used, in standard deviations."""
    misfit2: float
    """Sum of the squared residuals of bearings, elevations and ground, in variances."""


def fuse(
    lines: Sequence[Line], terrain: Terrain | None, terrain_sigma_m: float, starts: Sequence[Position]
) -> Fix | None:
    """The place that explains all lines best, or all but one outlier where there are three or more; None
    where they meet nowhere, or where it cannot be told which line is the outlier.

    Two of three bearings always cross somewhere: which of the crossings is the fire is said by the
    elevations and the ground, so lines are left out by the misfit of everything, and only where no other
    choice explains the rest nearly as well (a likelihood ratio of e^2).

    >>> from geometry.terrain import FlatTerrain
    >>> west = Line(Position(23.1, 116.40, 100), Ray(45, -1.35), 0.1, 0.1)
    >>> east = Line(Position(23.1, 116.46, 100), Ray(315, -1.35), 0.1, 0.1)
    >>> fix = fuse([west, east], FlatTerrain(0), 5, [])
    >>> [round(v, 3) for v in (fix.position.lat_deg, fix.position.lon_deg)]
    [23.128, 116.43]
    >>> [round(math.sqrt(v)) for v in np.diag(fix.covariance_m2)]
    [8, 8]
    """
    everything = tuple(range(len(lines)))
    best = _solve(lines, everything, terrain, terrain_sigma_m, starts)
    if best is not None and best.worst_sigmas <= _OUTLIER_SIGMAS:
        return best
    if len(lines) < 3:
        return None
    candidates = []
    for left_out in everything:
        kept = tuple(i for i in everything if i != left_out)
        fix = _solve(lines, kept, terrain, terrain_sigma_m, starts)
        if fix is not None and fix.worst_sigmas <= _OUTLIER_SIGMAS:
            candidates.append(fix)
    candidates.sort(key=lambda fix: fix.misfit2)
    match candidates:
        case [only]:
            return only
        case [first, second, *_] if second.misfit2 - first.misfit2 > _CLEARLY_BETTER:
            return first
        case _:
            return None


def crossing_deg(a: Ray, b: Ray) -> float:
    """Angle under which two lines of sight cross on the map, 0 to 90.

    >>> crossing_deg(Ray(350, 0), Ray(20, 0)), crossing_deg(Ray(0, 0), Ray(180, 0))
    (30, 0)
    """
    apart = abs(a.azimuth_deg - b.azimuth_deg) % 180
    return min(apart, 180 - apart)


def _solve(
    lines: Sequence[Line],
    kept: tuple[int, ...],
    terrain: Terrain | None,
    terrain_sigma_m: float,
    starts: Sequence[Position],
) -> Fix | None:
    used = [lines[i] for i in kept]
    places = [*starts, *_crossings(used)]
    solved = [_iterate(used, terrain, terrain_sigma_m, start) for start in places]
    found = [one for one in solved if one is not None]
    if not found:
        return None
    position, covariance, misfit2, worst = min(found, key=lambda one: one[2])
    return Fix(position, covariance, kept, worst, misfit2)


def _crossings(lines: Sequence[Line]) -> list[Position]:
    """Where pairs of lines cross on the map, in front of both."""
    crossings = []
    for i, a in enumerate(lines):
        for b in lines[i + 1 :]:
            east, north, _ = enu_m(a.origin, b.origin)
            a_east, a_north, _ = a.ray.direction()
            b_east, b_north, _ = b.ray.direction()
            determinant = a_north * b_east - a_east * b_north
            if abs(determinant) < 0.02:
                continue
            along_a = (north * b_east - east * b_north) / determinant
            along_b = (north * a_east - east * a_north) / determinant
            if 0 < along_a < 50_000 and 0 < along_b < 50_000:
                crossings.append(from_enu(a.origin, along_a * a_east, along_a * a_north, 0.0))
    return crossings


def _iterate(
    lines: Sequence[Line], terrain: Terrain | None, terrain_sigma_m: float, start: Position
) -> tuple[Position, FloatArray, float, float] | None:
    """(place, covariance of east and north, cost, worst bearing) from one start."""
    place = start
    ground = _ground_m(terrain, place)
    if ground is not None:
        place = Position(place.lat_deg, place.lon_deg, ground)
    for _ in range(_ITERATIONS):
        jacobian, residuals = _equations(lines, terrain, terrain_sigma_m, place)
        normal = jacobian.T @ jacobian + np.eye(3) * 1e-12
        step = np.linalg.solve(normal, jacobian.T @ residuals)
        length = float(np.hypot(step[0], step[1]))
        if not math.isfinite(length):
            return None
        step *= min(1.0, _STEP_LIMIT_M / max(length, 1e-9))
        place = from_enu(place, *(float(v) for v in step))
        if length < _DONE_M:
            break
    jacobian, residuals = _equations(lines, terrain, terrain_sigma_m, place)
    covariance = np.linalg.inv(jacobian.T @ jacobian + np.eye(3) * 1e-12)
    bearings = residuals[0 : 2 * len(lines) : 2]
    return (
        place,
        np.asarray(covariance[:2, :2], np.float64),
        float(residuals @ residuals),
        float(np.abs(bearings).max()),
    )


def _equations(
    lines: Sequence[Line], terrain: Terrain | None, terrain_sigma_m: float, place: Position
) -> tuple[FloatArray, FloatArray]:
    """Rows of the weighted Jacobian and residuals (observed - computed) about `place`, in its east, north and
    up: azimuth and elevation of each line, then the ground."""
    rows, residuals = [], []
    for line in lines:
        east, north, up = enu_m(line.origin, place)
        level2 = max(east**2 + north**2, 1.0)
        level = math.sqrt(level2)
        up += float(refraction_m(level))
        azimuth_sigma = math.radians(line.azimuth_sigma_deg) / math.cos(math.radians(line.ray.elevation_deg))
        apart = math.radians(line.ray.azimuth_deg) - math.atan2(east, north)
        apart = (apart + math.pi) % (2 * math.pi) - math.pi
        rows.append(np.array([north / level2, -east / level2, 0.0]) / azimuth_sigma)
        residuals.append(apart / azimuth_sigma)
        sigma = math.radians(line.elevation_sigma_deg)
        slant2 = level2 + up**2
        over = (math.radians(line.ray.elevation_deg) - math.atan2(up, level)) / sigma
        weight = 0.0 if over > _HIDDEN_SIGMAS else 1.0
        tilt = np.array([-up * east / level / slant2, -up * north / level / slant2, level / slant2])
        rows.append(weight * tilt / sigma)
        # A hidden foot costs as much as one at the limit: leaving it out must not look better than using it.
        residuals.append(over if weight else _HIDDEN_SIGMAS)
    slope_east, slope_north, ground_m = _slope(terrain, place)
    known = ground_m is not None
    sigma_m = terrain_sigma_m if known else 500.0
    rows.append(np.array([-slope_east, -slope_north, 1.0]) / sigma_m)
    residuals.append((ground_m - place.height_m) / sigma_m if ground_m is not None else 0.0)
    return np.stack(rows), np.array(residuals)


def _slope(terrain: Terrain | None, place: Position) -> tuple[float, float, float | None]:
    ground = _ground_m(terrain, place)
    if terrain is None or ground is None:
        return 0.0, 0.0, None
    d_lat = _SLOPE_M / 111_000
    d_lon = d_lat / math.cos(math.radians(place.lat_deg))
    lat = place.lat_deg + np.array([d_lat, -d_lat, 0, 0])
    lon = place.lon_deg + np.array([0, 0, d_lon, -d_lon])
    heights = terrain.height_m(lat, lon)
    if np.isnan(heights).any():
        return 0.0, 0.0, ground
    return (
        float(heights[2] - heights[3]) / (2 * _SLOPE_M),
        float(heights[0] - heights[1]) / (2 * _SLOPE_M),
        ground,
    )


def _ground_m(terrain: Terrain | None, place: Position) -> float | None:
    if terrain is None:
        return None
    height_m = float(terrain.height_m(place.lat_deg, place.lon_deg))
    return None if math.isnan(height_m) else height_m
