"""Makes the simulator's elevation model: hills carved by running water, from a seed, written as GeoTIFF.

A massif is lifted slowly while rivers cut it down (stream power law, solved implicitly along the flow tree as
in Braun and Willett 2013) and slopes creep; what results has ridges, spurs and a valley network, not noise.
The place is invented; only its latitude and the size of its relief are those of the Dananshan hills.

    python -m simulator.terrain sample_videos/terrain.tif
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.crs import CRS
from rasterio.transform import from_origin

from geometry.position import Position, from_enu

Heights = npt.NDArray[np.float64]

SEED = 20231
CENTRE = Position(23.1, 116.4, 0.0)
SIDE_M = 20_000
CELL_M = 30
SUMMIT_M = 900
PLAIN_M = 12


def make_heights(
    seed: int, cells: int, cell_m: float, summit_m: float = SUMMIT_M, steps: int = 150
) -> Heights:
    """Heights in metres, `cells` x `cells`, row 0 in the north; the plain lies in the south-east.

    >>> heights = make_heights(seed=1, cells=48, cell_m=400, steps=10)
    >>> heights.shape, round(float(heights.max()))
    ((48, 48), 900)
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:cells, :cells] / (cells - 1)
    bend = 0.08 * _noise(rng, cells, 3)
    # Two ranges running west-south-west to east-north-east, and a plain beyond them.
    ranges = sum(
        weight * np.exp(-(((y - row) + 0.28 * (x - 0.5) + bend) ** 2) / (2 * width**2))
        for row, width, weight in ((0.36, 0.13, 1.0), (0.74, 0.075, 0.5))
    )
    lift = ranges * np.clip(0.75 + 0.4 * _noise(rng, cells, 4), 0.15, 1.6)
    border = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y))
    lift *= np.clip(1.25 - np.hypot(x - 0.42, y - 0.45), 0.1, 1) * np.clip(border / 0.12, 0.05, 1)
    softness = np.exp(0.45 * _noise(rng, cells, 6))  # rock that wears faster here and slower there
    heights = 0.004 * _noise(rng, cells, 60) + 0.25 * border  # everything drains outwards at first
    for _ in range(steps):
        heights = heights + lift * 0.03
        heights = _cut_down(heights, softness, 1.4 * (256 / cells) ** 0.2)
        heights += 0.03 * (cv2.GaussianBlur(heights, (0, 0), 1.0) - heights)
    heights = np.maximum(heights - np.percentile(heights, 2), 0)
    heights = heights / heights.max()
    ground = PLAIN_M + (summit_m - PLAIN_M) * heights**0.92
    rough = _noise(rng, cells, 90) * np.clip(heights * 8, 0.1, 1)
    ground += min(3.0, cell_m / 10) * rough
    ground = 0.45 * ground + 0.55 * cv2.GaussianBlur(ground, (0, 0), 1.3)  # no walls: soil creeps
    return np.asarray(ground * (summit_m / ground.max()), np.float64)


def write_terrain(
    path: Path,
    seed: int = SEED,
    *,
    side_m: float = SIDE_M,
    cell_m: float = CELL_M,
    summit_m: float = SUMMIT_M,
) -> None:
    """Make the elevation model and write it in whole metres (int16, deflate, WGS 84)."""
    cells = round(side_m / cell_m)
    heights = make_heights(seed, cells, cell_m, summit_m)
    north_east = from_enu(CENTRE, side_m / 2, side_m / 2, 0)
    south_west = from_enu(CENTRE, -side_m / 2, -side_m / 2, 0)
    step_lon = (north_east.lon_deg - south_west.lon_deg) / cells
    step_lat = (north_east.lat_deg - south_west.lat_deg) / cells
    profile = {"dtype": "int16", "compress": "deflate", "predictor": 2, "zlevel": 9, "nodata": -32768}
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=cells,
        height=cells,
        count=1,
        crs=CRS.from_epsg(4326),
        transform=from_origin(south_west.lon_deg, north_east.lat_deg, step_lon, step_lat),
        **profile,
    ) as target:
        target.write(np.round(heights).astype(np.int16), 1)


def _cut_down(heights: Heights, softness: Heights, strength: float) -> Heights:
    """One step of river erosion: every cell is lowered towards the cell its water flows to."""
    rows, columns = heights.shape
    receiver, distance = _receivers(heights)
    levels = _levels(receiver)
    area = np.ones(rows * columns)
    for level in reversed(levels[1:]):
        np.add.at(area, receiver[level], area[level])
    carved = heights.ravel().copy()
    factor = strength * 0.02 * softness.ravel() * np.sqrt(area) / distance
    for level in levels[1:]:
        below = carved[receiver[level]]
        lowered = (carved[level] + factor[level] * below) / (1 + factor[level])
        carved[level] = np.where(carved[level] > below, lowered, carved[level])
    return carved.reshape(rows, columns)


def _receivers(heights: Heights) -> tuple[npt.NDArray[np.int64], Heights]:
    """Each cell's steepest lower neighbour (itself at the border and in pits) and the distance to it."""
    rows, columns = heights.shape
    index = np.arange(rows * columns).reshape(rows, columns)
    best, target, distance = np.zeros_like(heights), index.copy(), np.ones_like(heights)
    inner = (slice(1, -1), slice(1, -1))
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            if not (dx or dy):
                continue
            moved = (slice(1 + dy, rows - 1 + dy), slice(1 + dx, columns - 1 + dx))
            length = math.hypot(dx, dy)
            slope = (heights[inner] - heights[moved]) / length
            steeper = slope > best[inner]
            best[inner] = np.where(steeper, slope, best[inner])
            target[inner] = np.where(steeper, index[moved], target[inner])
            distance[inner] = np.where(steeper, length, distance[inner])
    return target.ravel(), distance.ravel()


def _levels(receiver: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Cells by their number of steps to the end of their river: each level drains into the one before."""
    depth = np.zeros(receiver.size, np.int64)
    ahead = receiver.copy()
    step = (receiver != np.arange(receiver.size)).astype(np.int64)
    depth = step.copy()
    while True:  # pointer jumping: doubles the way looked ahead each time
        further = depth[ahead]
        if not further.any():
            break
        depth, ahead = depth + further, ahead[ahead]
    order = np.argsort(depth, kind="stable")
    return list(np.split(order, np.searchsorted(depth[order], np.arange(1, depth.max() + 1))))


def _noise(rng: np.random.Generator, cells: int, swirls: int, octaves: int = 4) -> Heights:
    """Smooth noise of unit deviation with about `swirls` swells along a side."""
    total = np.zeros((cells, cells))
    for octave in range(octaves):
        count = min(swirls * 2**octave + 3, cells)
        coarse = rng.standard_normal((count, count))
        total += cv2.resize(coarse, (cells, cells), interpolation=cv2.INTER_CUBIC) * 0.5**octave
    return np.asarray(total / total.std(), np.float64)


if __name__ == "__main__":
    write_terrain(Path(sys.argv[1]))
