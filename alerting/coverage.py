"""How much of the ground a deployment's cameras see: viewsheds on the elevation model, per camera and grid.

Pictures are taken to be 16:9. A turning camera sees all its presets and its own pose. "Ground" is ground (or
the treetops above it) in line of sight; "smoke" is where a plume of `SMOKE_M` would be. Pure, but for the
terrain it reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import rasterio.features
import shapely
from rasterio import Affine

import config
from alerting.grids import Grids
from alerting.records import GridArea
from alerting.viewpoint import camera_model
from geometry.camera import CameraModel
from geometry.position import FloatArray, Position
from geometry.terrain import Terrain, ground_below
from geometry.viewshed import SEEN_M, Panorama, in_picture

SMOKE_M = 50.0
"""A plume this high above the ground is early smoke, minutes old."""

MAX_RANGE_M = 10_000.0
CELL_M = 30.0
_PICTURE_PX = 1920, 1080
_MOST_CELLS = 6_000_000
"""Larger areas get larger cells."""

_LEAST_CELLS = 12
"""Patches smaller than this have no outline: a hectare, at cells of 30 m."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Frame:
    """Cells over a piece of the world, north up, in degrees."""

    west_deg: float
    north_deg: float
    d_lon_deg: float
    d_lat_deg: float
    rows: int
    columns: int
    cell_m: float

    @classmethod
    def over(cls, bounds_deg: tuple[float, float, float, float], cell_m: float) -> Frame:
        """`bounds_deg`: west, south, east, north."""
        west, south, east, north = bounds_deg
        across = 111_320 * math.cos(math.radians((south + north) / 2))
        wide_m, high_m = (east - west) * across, (north - south) * 110_574
        cell_m = max(cell_m, math.sqrt(wide_m * high_m / _MOST_CELLS))
        rows, columns = max(1, math.ceil(high_m / cell_m)), max(1, math.ceil(wide_m / cell_m))
        return cls(west, north, cell_m / across, cell_m / 110_574, rows, columns, cell_m)

    @property
    def transform(self) -> Affine:
        return Affine(self.d_lon_deg, 0, self.west_deg, 0, -self.d_lat_deg, self.north_deg)

    @property
    def cell_km2(self) -> float:
        return self.cell_m**2 / 1e6

    def centres(self) -> tuple[FloatArray, FloatArray]:
        """Latitude and longitude of the middle of each cell, as column and row that broadcast."""
        lat: FloatArray = self.north_deg - (np.arange(self.rows, dtype=float) + 0.5) * self.d_lat_deg
        lon: FloatArray = self.west_deg + (np.arange(self.columns, dtype=float) + 0.5) * self.d_lon_deg
        return lat[:, None], lon[None, :]


@dataclass(frozen=True)
class CameraView:
    """What one camera sees, over the frame."""

    camera_id: str
    name: str
    lat_deg: float
    lon_deg: float
    ground: Mask
    smoke: Mask


@dataclass(frozen=True)
class GridCover:
    """How much of one area is seen, as shares of its area."""

    area: GridArea
    area_km2: float
    ground: float
    smoke: float
    twice: float
    """By two cameras or more: there a fire is placed by crossing lines of sight."""


@dataclass(frozen=True)
class Coverage:
    """The whole. `count`: how many cameras see the ground of a cell; `concerns`: cells of the area asked
    about (the grids, or without them all known ground within range)."""

    frame: Frame
    heights_m: FloatArray
    views: tuple[CameraView, ...]
    count: npt.NDArray[np.int_]
    smoke: Mask
    concerns: Mask
    grids: tuple[GridCover, ...]
    left_out: tuple[str, ...]
    """Cameras whose height is not known."""

    def share(self, cells: Mask) -> float:
        """Share of the area asked about that these cells cover."""
        return float((cells & self.concerns).sum() / max(1, self.concerns.sum()))

    @property
    def blind(self) -> Mask:
        """Where not even early smoke is seen."""
        return np.asarray(self.concerns & ~self.smoke & (self.count == 0))


def models_of(camera: config.Camera, ground: Terrain) -> list[CameraModel]:
    """The camera in each of its views; none where its height is not known."""
    presets = [None, *(preset.id for preset in camera.presets)]
    pairs = [camera_model(camera, preset, *_PICTURE_PX, ground) for preset in presets]
    return [model for model, lens_m in pairs if lens_m is not None]


def cover(
    cameras: Sequence[config.Camera],
    surface: Terrain,
    bounds_deg: tuple[float, float, float, float],
    grids: Grids | None,
    *,
    max_range_m: float = MAX_RANGE_M,
    cell_m: float = CELL_M,
) -> Coverage:
    """What the cameras together see of the `surface` within these bounds."""
    seers = {camera.id: (camera, models_of(camera, ground_below(surface))) for camera in cameras}
    placed = [(camera, models) for camera, models in seers.values() if models]
    frame = Frame.over(_within(bounds_deg, placed, grids, max_range_m), cell_m)
    lat, lon = np.broadcast_arrays(*frame.centres())
    heights = surface.height_m(lat, lon)
    count, smoke = np.zeros(lat.shape, int), np.zeros(lat.shape, bool)
    within = np.zeros(lat.shape, bool)
    views = []
    for camera, models in placed:
        rise = _rise(models, Panorama.around(surface, models[0].position, max_range_m), lat, lon, heights)
        within |= _near(models[0].position, lat, lon, max_range_m)
        view = CameraView(
            camera.id, camera.name, camera.lat_deg, camera.lon_deg, rise <= SEEN_M, rise <= SMOKE_M
        )
        count += view.ground
        smoke |= view.smoke
        views.append(view)
    covers, concerns = _by_grid(grids, frame, count, smoke, within & ~np.isnan(heights))
    left_out = tuple(camera.id for camera, models in seers.values() if not models)
    return Coverage(frame, heights, tuple(views), count, smoke, concerns, covers, left_out)


def outlines(cells: Mask, frame: Frame) -> list[list[list[list[float]]]]:
    """The cells' outlines as coordinates of a GeoJSON MultiPolygon; small patches and holes are left out."""
    kept = rasterio.features.sieve(cells.astype(np.uint8), _LEAST_CELLS)
    found = rasterio.features.shapes(kept, mask=kept > 0, transform=frame.transform)
    return [
        [[[round(x, 6), round(y, 6)] for x, y in ring] for ring in shape["coordinates"]] for shape, _ in found
    ]


def _within(
    bounds_deg: tuple[float, float, float, float],
    placed: Sequence[tuple[config.Camera, list[CameraModel]]],
    grids: Grids | None,
    max_range_m: float,
) -> tuple[float, float, float, float]:
    """The part of the bounds that matters: within range of a camera, or a grid."""
    reach = max_range_m / 110_574
    boxes = [
        (
            camera.lon_deg - reach / math.cos(math.radians(camera.lat_deg)),
            camera.lat_deg - reach,
            camera.lon_deg + reach / math.cos(math.radians(camera.lat_deg)),
            camera.lat_deg + reach,
        )
        for camera, _ in placed
    ]
    if grids is not None:
        bounds = shapely.bounds([polygon for _, polygon in grids.outlines()])
        boxes += [(float(w), float(s), float(e), float(n)) for w, s, e, n in bounds]
    if not boxes:
        return bounds_deg
    wests, souths, easts, norths = zip(*boxes, strict=True)
    west, south = max(bounds_deg[0], min(wests)), max(bounds_deg[1], min(souths))
    return west, south, min(bounds_deg[2], max(easts)), min(bounds_deg[3], max(norths))


def _rise(
    models: Sequence[CameraModel], around: Panorama, lat: FloatArray, lon: FloatArray, heights: FloatArray
) -> FloatArray:
    """The rise needed in each cell, infinite outside all pictures and beyond the range."""
    rise = np.full(lat.shape, np.inf)
    near = _near(around.lens, lat, lon, around.max_range_m) & ~np.isnan(heights)
    shown = np.zeros(int(near.sum()), bool)
    for model in models:
        shown |= in_picture(model, lat[near], lon[near], heights[near])
    needed = around.at(lat[near], lon[near])
    rise[near] = np.where(shown & ~np.isnan(needed), needed, np.inf)
    return rise


def _near(lens: Position, lat: FloatArray, lon: FloatArray, max_range_m: float) -> Mask:
    north = (lat - lens.lat_deg) * 110_574
    east = (lon - lens.lon_deg) * 111_320 * math.cos(math.radians(lens.lat_deg))
    return np.asarray(np.hypot(east, north) <= max_range_m)


def _by_grid(
    grids: Grids | None, frame: Frame, count: npt.NDArray[np.int_], smoke: Mask, reached: Mask
) -> tuple[tuple[GridCover, ...], Mask]:
    """Each smallest area's cover, and the cells of all of them; without grids, the cells reached."""
    if grids is None:
        return (), reached
    areas = [(area, polygon) for area, polygon in grids.outlines() if area.level == "grid"]
    areas = areas or list(grids.outlines())
    shapes = ((polygon, number) for number, (_, polygon) in enumerate(areas, 1))
    number = rasterio.features.rasterize(
        shapes, (frame.rows, frame.columns), transform=frame.transform, dtype=np.int32
    )
    cells = np.bincount(number.ravel(), minlength=len(areas) + 1)

    def shares(mask: Mask) -> FloatArray:
        return np.asarray(np.bincount(number[mask], minlength=len(areas) + 1) / np.maximum(1, cells))

    ground, hazy, twice = shares(count > 0), shares(smoke), shares(count > 1)
    covers = tuple(
        GridCover(area, float(cells[i] * frame.cell_km2), float(ground[i]), float(hazy[i]), float(twice[i]))
        for i, (area, _) in enumerate(areas, 1)
    )
    return covers, number > 0
