"""What the ground hides: how far smoke must rise at a place before a camera sees it.

One number answers for both questions people ask: 0 means that the place itself is seen, 40 that a plume is
seen once it is 40 m high. `rise_needed_m` asks it for one place, `Panorama` for all ground around a lens.
Curvature and refraction are included. The surface given is what hides and what smoke appears over: for
wooded ground a `geometry.terrain.Canopy`. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geometry.camera import CameraModel, drop_m
from geometry.position import FloatArray, Position, enu_of_geodetic, lat_lon_near
from geometry.terrain import Terrain

SEEN_M = 1.0
"""Ground that needs to rise no farther than this counts as seen: models are no finer."""

_NEAREST_M = 20.0
_AZIMUTH_STEP_DEG = 0.2
_RANGE_STEP_M = 30.0


def rise_needed_m(surface: Terrain, lens: Position, lat_deg: float, lon_deg: float) -> float:
    """How far above the surface at this place a thing must rise to be seen from `lens`, whatever way the
    camera looks; NaN where the ground between is not known.

    >>> from geometry.terrain import FlatTerrain
    >>> rise_needed_m(FlatTerrain(0.0), Position(23.1, 116.4, 100.0), 23.15, 116.4)
    0.0
    >>> round(rise_needed_m(FlatTerrain(0.0), Position(23.1, 116.4, 1.0), 23.28, 116.4))
    18
    """
    east, north, _ = (float(v) for v in enu_of_geodetic(lens, lat_deg, lon_deg, lens.height_m))
    away_m = math.hypot(east, north)
    if away_m <= _NEAREST_M:
        return 0.0
    steps = max(2, math.ceil((away_m - _NEAREST_M) / _RANGE_STEP_M) + 1)
    ranges = np.linspace(_NEAREST_M, away_m, steps)
    lat, lon = lat_lon_near(lens, ranges * east / away_m, ranges * north / away_m)
    return float(_rise_needed(_slopes(surface, lens, lat, lon, ranges)[None], ranges)[0, -1])


def in_picture(
    model: CameraModel, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, height_m: npt.ArrayLike
) -> npt.NDArray[np.bool_]:
    """Whether these places lie within the camera's picture, hidden or not."""
    x, y, depth = model.project_positions(lat_deg, lon_deg, height_m)
    with np.errstate(invalid="ignore"):
        inside = (depth > 0) & (x >= 0) & (x <= model.width_px) & (y >= 0) & (y <= model.height_px)
    return np.asarray(inside)


def visible(models: Sequence[CameraModel], surface: Terrain, place: Position, rise_m: float = SEEN_M) -> bool:
    """Whether one of a camera's views shows smoke `rise_m` high at `place`; about a millisecond."""
    return any(
        bool(in_picture(model, place.lat_deg, place.lon_deg, place.height_m))
        and rise_needed_m(surface, model.position, place.lat_deg, place.lon_deg) <= max(rise_m, SEEN_M)
        for model in models
    )


@dataclass(frozen=True)
class Panorama:
    """`rise_needed_m` for everything around one lens, by azimuth and range."""

    lens: Position
    max_range_m: float
    rise_m: FloatArray

    @classmethod
    def around(cls, surface: Terrain, lens: Position, max_range_m: float) -> Panorama:
        azimuths = np.radians(np.arange(0.0, 360.0, _AZIMUTH_STEP_DEG))[:, None]
        ranges = np.arange(_NEAREST_M, max_range_m + _RANGE_STEP_M, _RANGE_STEP_M)
        lat, lon = lat_lon_near(lens, ranges * np.sin(azimuths), ranges * np.cos(azimuths))
        return cls(lens, max_range_m, _rise_needed(_slopes(surface, lens, lat, lon, ranges), ranges))

    def at(self, lat_deg: FloatArray, lon_deg: FloatArray) -> FloatArray:
        """The rise needed at these places, NaN beyond the range or where the ground is not known."""
        east, north, _ = enu_of_geodetic(self.lens, lat_deg, lon_deg, self.lens.height_m)
        away_m = np.hypot(east, north)
        azimuth = np.degrees(np.arctan2(east, north)) % 360
        rows = np.round(azimuth / _AZIMUTH_STEP_DEG).astype(int) % self.rise_m.shape[0]
        columns = np.round((away_m - _NEAREST_M) / _RANGE_STEP_M).astype(int)
        columns = columns.clip(0, self.rise_m.shape[1] - 1)
        return np.where(away_m <= self.max_range_m, self.rise_m[rows, columns], np.nan)


def _slopes(
    surface: Terrain, lens: Position, lat: FloatArray, lon: FloatArray, ranges_m: FloatArray
) -> FloatArray:
    """Tangent of the apparent elevation of the surface at these places."""
    return np.asarray((surface.height_m(lat, lon) - lens.height_m - drop_m(ranges_m)) / ranges_m)


def _rise_needed(slopes: FloatArray, ranges_m: FloatArray) -> FloatArray:
    """Along the last axis; NaN from the first unknown ground on, because what stands there is not known."""
    highest = np.full_like(slopes, -np.inf)
    highest[:, 1:] = np.maximum.accumulate(slopes, axis=1)[:, :-1]  # NaN stays NaN from where it appears
    return np.asarray(np.maximum(0.0, (highest - slopes) * ranges_m))
