"""The ground: heights from an elevation model, and where a ray of sight meets it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import rasterio
import rasterio.warp
from rasterio.crs import CRS
from rasterio.errors import RasterioError

from geometry.camera import Ray, points_on_ray
from geometry.position import FloatArray, Position

_WGS84 = CRS.from_epsg(4326)


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


class RasterTerrain:
    """Heights from one band of a raster in any coordinate system, bilinear between the middles of its cells.

    The whole band is held in memory (a 1-arc-second square degree takes 52 MB).
    """

    def __init__(self, heights_m: npt.ArrayLike, transform: rasterio.Affine, crs: CRS) -> None:
        """`heights_m`: NaN for no data; `transform`: (column, row) -> coordinates in `crs`."""
        self._heights = np.asarray(heights_m, np.float32)
        if self._heights.ndim != 2 or min(self._heights.shape) < 2:
            raise TerrainError(f"an elevation model needs at least 2 x 2 cells, got {self._heights.shape}")
        self._inverse = ~transform
        self._crs = crs

    @classmethod
    def open(cls, path: Path | str) -> RasterTerrain:
        """Read a GeoTIFF (or anything else GDAL reads)."""
        try:
            with rasterio.open(path) as source:
                if source.crs is None:
                    raise TerrainError(
                        f"{path}: the elevation model names no coordinate system; "
                        "assign one, e.g. gdal_edit.py -a_srs EPSG:4326"
                    )
                band = source.read(1, masked=True).astype(np.float32)
                return cls(band.filled(np.nan), source.transform, source.crs)
        except RasterioError as error:
            raise TerrainError(f"{path}: the elevation model cannot be read: {error}") from error

    def height_m(self, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> FloatArray:
        lat, lon = np.broadcast_arrays(np.asarray(lat_deg, float), np.asarray(lon_deg, float))
        x, y = lon, lat
        if self._crs != _WGS84:
            xs, ys = rasterio.warp.transform(_WGS84, self._crs, lon.ravel(), lat.ravel())
            x, y = np.reshape(xs, lon.shape), np.reshape(ys, lon.shape)
        columns = self._inverse.a * x + self._inverse.b * y + self._inverse.c - 0.5
        rows = self._inverse.d * x + self._inverse.e * y + self._inverse.f - 0.5
        return self._bilinear(columns, rows)

    def _bilinear(self, columns: FloatArray, rows: FloatArray) -> FloatArray:
        last_row, last_column = self._heights.shape[0] - 1, self._heights.shape[1] - 1
        with np.errstate(invalid="ignore"):
            inside = (columns >= 0) & (columns <= last_column) & (rows >= 0) & (rows <= last_row)
        columns, rows = np.where(inside, columns, 0), np.where(inside, rows, 0)
        left = np.minimum(columns.astype(int), last_column - 1)
        top = np.minimum(rows.astype(int), last_row - 1)
        right_share, low_share = columns - left, rows - top
        grid = self._heights
        upper = grid[top, left] * (1 - right_share) + grid[top, left + 1] * right_share
        lower = grid[top + 1, left] * (1 - right_share) + grid[top + 1, left + 1] * right_share
        return np.where(inside, upper * (1 - low_share) + lower * low_share, np.nan)


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
