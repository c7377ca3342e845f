"""The ground: what is known of its heights, and where a ray of sight meets it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from geometry.camera import Ray, points_on_ray
from geometry.position import FloatArray, Position


class TerrainError(Exception):
    """An elevation model cannot be used; the message says which file, why, and how to mend it."""


class Terrain(Protocol):
    """Ground heights. NaN where nothing is known."""

    def height_m(self, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> FloatArray:
        """Height of the ground in metres at these places, broadcast like numpy."""
        ...


@dataclass(frozen=True)
class FlatTerrain:
    """The same height everywhere: for tests, and where there is no elevation model.

    >>> FlatTerrain(120.0).height_m([23.1, 23.2], 116.4)
    array([120., 120.])
    """

    ground_height_m: float

    def height_m(self, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> FloatArray:
        shape = np.broadcast_shapes(np.shape(lat_deg), np.shape(lon_deg))
        return np.full(shape, self.ground_height_m)


class AssumedFlat(FlatTerrain):
    """Where nothing is known of the ground: level with the mast's foot, and everybody is told."""


@dataclass(frozen=True)
class Canopy:
    """What a camera sees of wooded ground: the tops of trees of one height. Smoke of a fire on the ground
    comes into sight there, so a line of sight is met with the canopy, and the fire lies below that place.

    >>> Canopy(FlatTerrain(120.0), 15.0).height_m(23.1, 116.4)
    array(135.)
    """

    ground: Terrain
    vegetation_height_m: float

    def height_m(self, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> FloatArray:
        return np.asarray(self.ground.height_m(lat_deg, lon_deg) + self.vegetation_height_m)


def ground_below(terrain: Terrain) -> Terrain:
    """The bare ground of what may be a canopy."""
    return terrain.ground if isinstance(terrain, Canopy) else terrain


@dataclass(frozen=True)
class GroundHit:
    """Where a ray meets the ground, and how far from the camera along the ray."""

    position: Position
    range_m: float


def intersect(
    terrain: Terrain,
    origin: Position,
    ray: Ray,
    max_range_m: float = 20_000,
    *,
    min_range_m: float = 20,
    step_m: float = 10,
) -> GroundHit | None:
    """The first ground along `ray` from `origin`, to a few centimetres; None if there is none in range.

    The Earth's curvature and refraction are taken into account. Ground nearer than `min_range_m` does not
    count: elevation models are coarse, and a camera on a steep top may stand "inside" a cell of its own hill.
    A crest that the ray cuts for less than `step_m` may be missed. A ray that crosses a gap in the model
    before it meets ground has no answer (None): what stands in the gap is not known.

    >>> hit = intersect(FlatTerrain(0.0), Position(23.1, 116.4, 100), Ray(45, -5))
    >>> round(hit.range_m)
    1148
    >>> intersect(FlatTerrain(0.0), Position(23.1, 116.4, 100), Ray(45, 1)) is None
    True
    """
    if not 0 <= min_range_m < max_range_m:
        raise ValueError(f"minimum range {min_range_m} m must be below the maximum of {max_range_m} m")
    steps = max(2, math.ceil((max_range_m - min_range_m) / step_m) + 1)
    ranges = np.linspace(min_range_m, max_range_m, steps)
    clearance = _clearance_m(terrain, origin, ray, ranges)
    stop = np.flatnonzero(~(clearance > 0))  # at the ground, under it, or unknown
    if stop.size == 0 or np.isnan(clearance[stop[0]]):
        return None
    high = float(ranges[stop[0]])
    low = float(ranges[max(0, stop[0] - 1)])
    while high - low > 0.01:
        middle = (low + high) / 2
        if _clearance_m(terrain, origin, ray, np.array([middle]))[0] > 0:
            low = middle
        else:
            high = middle
    lat, lon, height = points_on_ray(origin, ray, high)
    return GroundHit(Position(float(lat), float(lon), float(height)), high)


def _clearance_m(terrain: Terrain, origin: Position, ray: Ray, ranges_m: FloatArray) -> FloatArray:
    lat, lon, height = points_on_ray(origin, ray, ranges_m)
    return height - terrain.height_m(lat, lon)
