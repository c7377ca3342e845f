"""Heights from an elevation model: a GeoTIFF or anything else GDAL reads.

A module of its own, for GDAL is large and slow to load, and many processes have no elevation model.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import rasterio
import rasterio.warp
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.windows import Window

from geometry.position import FloatArray
from geometry.terrain import TerrainError

_BLOCK, _BLOCKS_KEPT = 512, 64

_WGS84 = CRS.from_epsg(4326)


class RasterTerrain:
    """Heights from one band of a raster in any coordinate system, bilinear between the middles of its cells.

    `open` reads only the blocks that are asked for and keeps the latest of them (at most 64 MB), so a
    national 5 m model costs no more than a small one. Thread-safe."""

    def __init__(self, heights_m: npt.ArrayLike, transform: rasterio.Affine, crs: CRS) -> None:
        """`heights_m`: NaN for no data; `transform`: (column, row) -> coordinates in `crs`."""
        heights = np.asarray(heights_m, np.float32)
        if heights.ndim != 2 or min(heights.shape) < 2:
            raise TerrainError(f"an elevation model needs at least 2 x 2 cells, got {heights.shape}")
        self._setup(_Held(heights), transform, crs)

    def _setup(self, cells: _Cells, transform: rasterio.Affine, crs: CRS) -> None:
        self._cells = cells
        self._transform = transform
        self._inverse = ~transform
        self._crs = crs

    @property
    def bounds_deg(self) -> tuple[float, float, float, float]:
        """West, south, east and north of the model."""
        rows, columns = self._cells.shape
        corners = [self._transform * corner for corner in ((0, 0), (columns, 0), (0, rows), (columns, rows))]
        xs, ys = ([corner[i] for corner in corners] for i in (0, 1))
        if self._crs != _WGS84:
            xs, ys = rasterio.warp.transform(self._crs, _WGS84, xs, ys)
        return min(xs), min(ys), max(xs), max(ys)

    @classmethod
    def open(cls, path: Path | str) -> RasterTerrain:
        """Use a GeoTIFF (or anything else GDAL reads)."""
        try:
            source = rasterio.open(path)
            if source.crs is None:
                raise TerrainError(
                    f"{path}: the elevation model names no coordinate system; "
                    "assign one, e.g. gdal_edit.py -a_srs EPSG:4326"
                )
            if min(source.shape) < 2:
                raise TerrainError(
                    f"{path}: an elevation model needs at least 2 x 2 cells, got {source.shape}"
                )
            blocks = _Blocks(source, path)
            blocks.block(0, 0)  # a file that cannot be read is found here, not at the first fire
        except RasterioError as error:
            raise TerrainError(f"{path}: the elevation model cannot be read: {error}") from error
        terrain = cls.__new__(cls)
        terrain._setup(blocks, source.transform, source.crs)
        return terrain

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
        last_row, last_column = self._cells.shape[0] - 1, self._cells.shape[1] - 1
        with np.errstate(invalid="ignore"):
            inside = (columns >= 0) & (columns <= last_column) & (rows >= 0) & (rows <= last_row)
        columns, rows = np.where(inside, columns, 0), np.where(inside, rows, 0)
        left = np.minimum(columns.astype(int), last_column - 1)
        top = np.minimum(rows.astype(int), last_row - 1)
        right_share, low_share = columns - left, rows - top
        heights = np.full(np.shape(columns), np.nan)
        for part, block, block_top, block_left in self._cells.around(top, left, inside):
            row, column = top[part] - block_top, left[part] - block_left
            across, down = right_share[part], low_share[part]
            upper = block[row, column] * (1 - across) + block[row, column + 1] * across
            lower = block[row + 1, column] * (1 - across) + block[row + 1, column + 1] * across
            heights[part] = upper * (1 - down) + lower * down
        return heights


_Part = tuple[npt.NDArray[np.bool_], npt.NDArray[np.float32], int, int]


class _Cells(Protocol):
    """Where the cells of a model are."""

    shape: tuple[int, int]

    def around(
        self, top: npt.NDArray[np.int_], left: npt.NDArray[np.int_], wanted: npt.NDArray[np.bool_]
    ) -> Iterator[_Part]:
        """(which of the points, block of cells, its first row, its first column): each wanted point's cell
        and its right and lower neighbours lie in one block."""
        ...


class _Held:
    """All cells in memory."""

    def __init__(self, heights: npt.NDArray[np.float32]) -> None:
        self._heights = heights
        self.shape: tuple[int, int] = (heights.shape[0], heights.shape[1])

    def around(
        self,
        top: npt.NDArray[np.int_],  # noqa: ARG002
        left: npt.NDArray[np.int_],  # noqa: ARG002
        wanted: npt.NDArray[np.bool_],
    ) -> Iterator[_Part]:
        yield wanted, self._heights, 0, 0


class _Blocks:
    """Cells read from a file a block at a time; blocks overlap by one row and column."""

    def __init__(self, source: rasterio.DatasetReader, path: Path | str) -> None:
        self.shape: tuple[int, int] = source.shape
        self._source = source
        self._path = path
        self._lock = threading.Lock()  # a dataset must not be read by two threads at once
        self._kept: OrderedDict[tuple[int, int], npt.NDArray[np.float32]] = OrderedDict()

    def around(
        self, top: npt.NDArray[np.int_], left: npt.NDArray[np.int_], wanted: npt.NDArray[np.bool_]
    ) -> Iterator[_Part]:
        across = self.shape[1] // _BLOCK + 1
        number = np.where(wanted, top // _BLOCK * across + left // _BLOCK, -1)
        for one in np.unique(number):
            if one < 0:
                continue
            row, column = divmod(int(one), across)
            yield number == one, self.block(row, column), row * _BLOCK, column * _BLOCK

    def block(self, row: int, column: int) -> npt.NDArray[np.float32]:
        with self._lock:
            if (row, column) in self._kept:
                self._kept.move_to_end((row, column))
                return self._kept[row, column]
            top, left = row * _BLOCK, column * _BLOCK
            size = min(_BLOCK + 1, self.shape[1] - left), min(_BLOCK + 1, self.shape[0] - top)
            try:
                band = self._source.read(1, window=Window(left, top, *size), masked=True)
            except RasterioError as error:
                raise TerrainError(f"{self._path}: the elevation model cannot be read: {error}") from error
            cells = np.asarray(band.astype(np.float32).filled(np.nan))
            self._kept[row, column] = cells
            if len(self._kept) > _BLOCKS_KEPT:
                self._kept.popitem(last=False)
            return cells
