"""The map's ground: hillshade with contour lines, drawn from the elevation model as web map tiles.

No picture of the world is bundled and none is fetched; what the deployment's own terrain file covers is what
the map shows, dark enough that alarms stand out. Tiles are 512 px WebP in Web Mercator, transparent outside
the model.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
import rasterio.warp
from PIL import Image
from rasterio.crs import CRS
from rasterio.enums import Resampling

TILE_PX = 512
MIN_ZOOM = 6
MAX_ZOOM = 15
"""At 23 degrees north a pixel of zoom 15 is 2.2 m: finer than any elevation model in use."""

_HALF_WORLD_M = math.pi * 6_378_137.0
_MARGIN_PX = 2
_CACHED_TILES = 600

_LIGHTS = ((315.0, 40.0, 0.6), (270.0, 35.0, 0.2), (0.0, 35.0, 0.2))
"""Azimuth, elevation and share of the lamps: one strong from the north-west as eyes expect, two to open its
shadows."""

_TINTS = np.array(
    [
        (0, 22, 32, 36),
        (120, 28, 42, 40),
        (300, 42, 56, 47),
        (550, 66, 73, 57),
        (800, 92, 91, 74),
        (1500, 126, 121, 106),
    ],
    float,
)
"""Height in metres and the colour there, red, green, blue: wet valley to bare top, all of them dark."""

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Bounds:
    """Degrees, WGS 84."""

    west: float
    south: float
    east: float
    north: float


class Hillshade:
    """Draws tiles of one elevation model. Thread-safe."""

    def __init__(self, path: Path | str) -> None:
        with rasterio.open(path) as source:
            self._heights: npt.NDArray[np.float32] = (
                source.read(1, masked=True).astype(np.float32).filled(np.nan)
            )
            self._transform, self._crs = source.transform, source.crs
            self.bounds = Bounds(
                *rasterio.warp.transform_bounds(source.crs, CRS.from_epsg(4326), *source.bounds)
            )
        self.tile = lru_cache(maxsize=_CACHED_TILES)(self._tile)

    def covers(self, zoom: int, x: int, y: int) -> bool:
        """Whether the tile exists and shows any of the model."""
        if not (MIN_ZOOM <= zoom <= MAX_ZOOM and 0 <= x < 2**zoom and 0 <= y < 2**zoom):
            return False
        west, north = _corner(zoom, x, y)
        east, south = _corner(zoom, x + 1, y + 1)
        mine = self.bounds
        return west < mine.east and east > mine.west and south < mine.north and north > mine.south

    def _tile(self, zoom: int, x: int, y: int) -> bytes:
        """WebP of one tile; wholly transparent where the model has nothing."""
        pixel_m = 2 * _HALF_WORLD_M / 2**zoom / TILE_PX
        heights = self._resampled(x, y, pixel_m)
        _, north = _corner(zoom, x, y)
        _, south = _corner(zoom, x, y + 1)
        ground_m = pixel_m * math.cos(math.radians((north + south) / 2))
        colours = draw(heights, ground_m)[_MARGIN_PX:-_MARGIN_PX, _MARGIN_PX:-_MARGIN_PX]
        buffer = io.BytesIO()
        Image.fromarray(colours, "RGBA").save(buffer, "WEBP", quality=84, method=2)
        return buffer.getvalue()

    def _resampled(self, x: int, y: int, pixel_m: float) -> Array:
        side = TILE_PX + 2 * _MARGIN_PX
        left = -_HALF_WORLD_M + (x * TILE_PX - _MARGIN_PX) * pixel_m
        top = _HALF_WORLD_M - (y * TILE_PX - _MARGIN_PX) * pixel_m
        heights = np.full((side, side), np.nan, np.float32)
        rasterio.warp.reproject(
            self._heights,
            heights,
            src_transform=self._transform,
            src_crs=self._crs,
            src_nodata=np.nan,
            dst_transform=rasterio.Affine(pixel_m, 0, left, 0, -pixel_m, top),
            dst_crs=CRS.from_epsg(3857),
            dst_nodata=np.nan,
            # Cells larger than a pixel: a smooth surface instead of facets. Smaller: their mean.
            resampling=Resampling.cubic_spline,
        )
        return heights


def hillshade_of(path: Path) -> Hillshade:
    """The tiles of this file, drawn once for all in this process who show them, and anew when it changes."""
    return _hillshade(path.resolve(), path.stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _hillshade(path: Path, _changed_ns: int) -> Hillshade:
    return Hillshade(path)


def draw(heights_m: Array, pixel_m: float) -> npt.NDArray[np.uint8]:
    """RGBA of a grid of heights, north up; `pixel_m` is the size of a cell on the ground."""
    known = np.isfinite(heights_m)
    filled = np.where(known, heights_m, np.float32(0))
    down, right = np.gradient(filled, pixel_m)
    shade = _shade(right, -down)
    bands = [np.interp(filled, _TINTS[:, 0], _TINTS[:, band]) for band in (1, 2, 3)]
    colour = np.stack(bands, axis=-1).astype(np.float32)
    colour = colour * (0.35 + 1.15 * shade[..., None])
    steep = np.hypot(right, down) * pixel_m
    for step_m, strength in _contour_steps(pixel_m):
        ink = _contours(filled, steep, step_m) * strength
        colour = colour * (1 - ink[..., None]) + np.array([150, 158, 146], np.float32) * ink[..., None]
    alpha = np.where(known, 255, 0)
    return np.dstack([np.clip(colour, 0, 255), alpha]).astype(np.uint8)


def _shade(east_slope: Array, north_slope: Array) -> Array:
    """Light on the ground, 0..1: exaggerated a little, because hills seen from above look flat."""
    exaggerated_east, exaggerated_north = 1.6 * east_slope, 1.6 * north_slope
    length = np.sqrt(1 + exaggerated_east**2 + exaggerated_north**2)
    total = np.zeros_like(east_slope)
    for azimuth_deg, elevation_deg, share in _LIGHTS:
        azimuth, elevation = math.radians(azimuth_deg), math.radians(elevation_deg)
        light = (
            math.sin(elevation)
            - exaggerated_east * math.sin(azimuth) * math.cos(elevation)
            - exaggerated_north * math.cos(azimuth) * math.cos(elevation)
        )
        total += share * np.clip(light / length, 0, 1)
    return total


def _contour_steps(pixel_m: float) -> tuple[tuple[float, float], ...]:
    """Distance between contour lines in metres and their strength, by scale."""
    if pixel_m > 40:
        return ()
    if pixel_m > 12:
        return ((200.0, 0.30),)
    if pixel_m > 5:
        return ((100.0, 0.30), (50.0, 0.12))
    return ((100.0, 0.32), (20.0, 0.13))


def _contours(heights_m: Array, rise_m: Array, step_m: float) -> Array:
    """Coverage 0..1 of lines one pixel wide: height above the nearest line, over the rise of one pixel."""
    away_m = np.abs(heights_m - np.round(heights_m / step_m) * step_m)
    distance_px = away_m / np.maximum(rise_m, 0.02)
    ink: Array = np.clip(1.1 - distance_px, 0, 1)
    return np.where(rise_m > step_m * 0.6, 0.0, ink)  # lines so close that they would merge


def _corner(zoom: int, x: int, y: int) -> tuple[float, float]:
    """Longitude and latitude of the upper left corner of a tile."""
    lon = x / 2**zoom * 360 - 180
    lat = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y / 2**zoom))))
    return lon, lat
