"""Trees: every tree stands on its own spot in the world and is painted far to near.

Spots are the jittered cells of a grid fixed in the world, so two cameras see the same trees. Crowns are drawn
from a small set of sprites made of leaf clumps and lit from the sun's side; a tree behind a ridge is hidden
by the range already known for each pixel. Beyond `tree_reach_m` a tree is too small to be seen and the
ground's own texture stands in for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from geometry.position import MEAN_RADIUS_M
from simulator.landscape import (
    BARE_ABOVE,
    OVERSAMPLING,
    SKY_RANGE_M,
    Canvas,
    Ground,
    Sunlight,
    tree_reach_m,
)
from simulator.scene import Road
from simulator.settlements import road_share
from simulator.textures import sample, tile

Field = npt.NDArray[np.float32]

SPACING_M = 6.5
EDGES_M = (35.0, 70, 140, 260, 450, 700, 1000, 1400, 1900, 2500, 3200, 4000, 5000, 6000, 7500)
_SPRITE_PX = 64
_NEAR_SPRITE_PX = 224  # for trees drawn larger than 48 px: single twigs show
_KINDS = 14


@dataclass(frozen=True)
class _Trees:
    x_px: Field
    foot_px: Field
    size_px: Field
    range_m: Field
    kind: npt.NDArray[np.int64]
    sky: Field  # colour of the crown lit by the sky, BGR
    sun: Field


def plant(canvas: Canvas, ground: Ground, light: Sunlight, seed: int, roads: tuple[Road, ...] = ()) -> None:
    """Paint all trees of the view into the canvas."""
    sprites = _crowns(light, canvas, seed, _SPRITE_PX, clumps=110)
    near_sprites: list[tuple[Field, Field]] = []  # made when the first near tree is met: they take seconds
    scaled: dict[tuple[int, int], tuple[Field, Field]] = {}
    # A ring at a time keeps memory small; far rings first.
    reach = tree_reach_m(canvas.camera)
    edges = [*(edge for edge in EDGES_M if edge < reach), reach]
    for far, near in zip(edges[:0:-1], edges[-2::-1], strict=True):
        trees = _ring(canvas, ground, light, seed, (near, far), roads)
        for i in np.argsort(-trees.range_m):
            size = int(trees.size_px[i])
            kind = int(trees.kind[i])
            if (kind, size) not in scaled:
                if size > 48 and not near_sprites:
                    near_sprites = _crowns(light, canvas, seed, _NEAR_SPRITE_PX, clumps=1500)
                crown, lit = (sprites if size <= 48 else near_sprites)[kind]
                scaled[kind, size] = (
                    cv2.resize(crown, (size, size), interpolation=cv2.INTER_AREA),
                    cv2.resize(lit, (size, size), interpolation=cv2.INTER_AREA),
                )
            _stamp(canvas, trees, int(i), *scaled[kind, size])


def _ring(
    canvas: Canvas,
    ground: Ground,
    light: Sunlight,
    seed: int,
    ring_m: tuple[float, float],
    roads: tuple[Road, ...],
) -> _Trees:
    near_m, far_m = ring_m
    camera = canvas.camera
    spacing = SPACING_M * (1.0 if far_m <= 1500 else 1.3 if far_m <= 3500 else 1.6)
    count = int(far_m / spacing) + 2
    # Cells are counted from a point fixed in the world, not from the camera.
    place = camera.position
    metres_n = place.lat_deg * 110_800
    metres_e = place.lon_deg * 111_320 * math.cos(math.radians(23.1))
    grid_e, grid_n = np.meshgrid(
        np.arange(-count, count + 1) + math.floor(metres_e / spacing),
        np.arange(-count, count + 1) + math.floor(metres_n / spacing),
    )
    u = _hash(grid_e.ravel(), grid_n.ravel(), seed, 6)
    east = ((grid_e.ravel() + 0.1 + 0.8 * u[0]) * spacing - metres_e).astype(np.float32)
    north = ((grid_n.ravel() + 0.1 + 0.8 * u[1]) * spacing - metres_n).astype(np.float32)
    level = np.hypot(east, north)
    bearing = np.degrees(np.arctan2(east, north)) - camera.pose.azimuth_deg
    off_axis = np.abs((bearing + 180) % 360 - 180)
    keep = (level >= near_m) & (level < far_m) & (off_axis < camera.pose.hfov_deg / 2 + 3)
    east, north, level, u = east[keep][None], north[keep][None], level[keep], u[:, keep]
    height = ground.at(ground.heights, east, north)[0]
    slope = np.hypot(ground.at(ground.slope_e, east, north), ground.at(ground.slope_n, east, north))[0]
    # Where the ground is bare or ploughed, few trees stand; elsewhere gaps are rare.
    openness = sample(tile(seed + 1, 2.0, 3), east, north, 1900, (333, 0.37 * 333))[0]
    flat = (slope < 0.09) & (height < 140)
    wooded = np.clip(1.15 - 0.9 * np.clip(openness - BARE_ABOVE + 0.35, 0, 1), 0.1, 0.97)
    here = u[2] < np.where(flat, 0.05, wooded)
    if roads:
        here &= road_share(roads, place, east, north)[0] == 0
    valley = np.clip(ground.at(ground.hollow, east, north)[0] / 40, -0.5, 1)
    tall_m = (3.8 + 6.5 * u[3] ** 2 + 3.0 * np.clip(valley, 0, 1)) * (spacing / SPACING_M) ** 0.5
    up = height - camera.position.height_m - level**2 / (2 * MEAN_RADIUS_M)
    x, foot, depth = camera.project_enu(east[0], north[0], up - 0.3 * tall_m)
    size = tall_m * 1.25 * camera.focal_px / np.maximum(depth, 1) * OVERSAMPLING
    share = ground.sun_share(light, east, north)[0]
    tone = np.exp(0.28 * (u[4] * 2 - 1) + 0.2 * np.clip(sample(
        tile(seed + 1, 2.0, 3), east, north, 5200)[0], -2, 2))  # fmt: skip
    hue = (u[5] * 2 - 1)[:, None] * np.array([-0.05, 0.04, 0.13])
    leaf = np.array([0.021, 0.050, 0.033]) * tone[:, None] * (1 + hue)
    chosen = here & (size >= 1.5) & (depth > 5)
    return _Trees(
        x_px=(x[chosen] * OVERSAMPLING).astype(np.float32),
        foot_px=(foot[chosen] * OVERSAMPLING).astype(np.float32),
        size_px=np.clip(np.round(size[chosen]), 2, 260).astype(np.float32),
        range_m=level[chosen].astype(np.float32),
        kind=(u[4, chosen] * 997 % 1 * _KINDS).astype(np.int64),
        sky=(leaf[chosen] * light.sky).astype(np.float32),
        sun=(leaf[chosen] * light.sun * (0.25 * share[chosen] + 0.85 * share[chosen] ** 0.7)[:, None]).astype(
            np.float32
        ),
    )


def _stamp(canvas: Canvas, trees: _Trees, i: int, crown: Field, lit: Field) -> None:
    size = crown.shape[0]
    left = int(trees.x_px[i] - size / 2)
    top = int(trees.foot_px[i] - size)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + size, canvas.range_m.shape[1]), min(top + size, canvas.range_m.shape[0])
    if x1 <= x0 or y1 <= y0:
        return
    ranges = canvas.range_m[y0:y1, x0:x1]
    part = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    # The ground at the foot is as far as the tree: leave it some play.
    cover = crown[part] * (ranges > trees.range_m[i] * 0.985 - 4)
    if not cover.any():
        return
    light = lit[part]
    for layer, colour, shade in (
        (canvas.sky_lit, trees.sky[i], 0.35 + 0.65 * light),
        (canvas.sun_lit, trees.sun[i], light),
    ):
        patch = layer[y0:y1, x0:x1]
        patch += cover[..., None] * (shade[..., None] * (1.6 * colour) - patch)
    solid = cover > 0.5
    if ranges[solid].size and float(ranges[solid].max()) > SKY_RANGE_M / 2:
        canvas.height_m[y0:y1, x0:x1][solid] = canvas.camera.position.height_m
    ranges[solid] = trees.range_m[i]


def _crowns(light: Sunlight, canvas: Canvas, seed: int, side: int, clumps: int) -> list[tuple[Field, Field]]:
    """Sprites: cover 0..1 and lightness 0..1, of broad crowns and a few slender ones."""
    rng = np.random.default_rng([seed, 4711])
    azimuth = math.radians(canvas.camera.pose.azimuth_deg)
    right = light.east * math.cos(azimuth) - light.north * math.sin(azimuth)
    front = -(light.east * math.sin(azimuth) + light.north * math.cos(azimuth))
    sun = np.array([right, -light.up, front])  # right, down, towards the camera
    whole_y, whole_x = (np.mgrid[:side, :side].astype(np.float32) + 0.5) / side * 2 - 1
    sprites = []
    for kind in range(_KINDS):
        slender = kind % 5 == 4
        cover, lit = np.zeros_like(whole_x), np.full_like(whole_x, 0.08)
        theta, z = rng.uniform(0, 2 * math.pi, clumps), rng.uniform(-1, 1, clumps)
        flat = np.sqrt(1 - z**2)
        normal = np.stack([flat * np.cos(theta), z, flat * np.sin(theta)], 1)
        if slender:
            width = 0.5 * (0.25 + 0.75 * (z + 1) / 2)
            centre = np.stack([normal[:, 0] * width, z * 0.85], 1)
        else:
            lopsided = rng.uniform(0.72, 0.98), rng.uniform(0.6, 0.8)
            centre = normal[:, :2] * lopsided * rng.uniform(0.55, 0.95, (clumps, 1)) + [0, 0.08]
        order = np.argsort(normal[:, 2] + rng.normal(0, 0.25, clumps))
        for j in order:
            radius = rng.uniform(0.12, 0.26) * (0.6 if slender else 1) * (110 / clumps) ** 0.42
            box = _box(centre[j], 1.2 * radius, side)
            x, y = whole_x[box], whole_y[box]
            r = np.hypot(x - centre[j, 0], (y - centre[j, 1]) * 1.15) / radius
            leafage = np.clip((1 - r) * 4, 0, 1)
            facing = float(np.clip(normal[j] @ sun, -0.3, 1))
            brightness = 0.22 + 0.7 * max(0.0, facing) + 0.16 * float(-z[j]) + rng.normal(0, 0.11)
            shape = brightness * (1.08 - 0.25 * r) - 0.2 * (y - centre[j, 1])
            lit[box] += leafage * (np.clip(shape, 0.03, 1.1) - lit[box])
            cover[box] = np.maximum(cover[box], leafage)
        # Dark where the crown stands on others.
        lit *= np.clip(1.25 - 0.55 * (whole_y + 0.35), 0.35, 1)
        sprites.append((cover.astype(np.float32), np.clip(lit, 0, 1).astype(np.float32)))
    return sprites


def _box(centre: npt.NDArray[np.float64], reach: float, side: int) -> tuple[slice, slice]:
    """The pixels of a sprite within `reach` of a point in -1..1."""
    low = np.clip(((centre - reach + 1) / 2 * side).astype(int), 0, side)
    high = np.clip(((centre + reach + 1) / 2 * side).astype(int) + 2, 0, side)
    return slice(low[1], high[1]), slice(low[0], high[0])


def _hash(
    a: npt.NDArray[np.int64], b: npt.NDArray[np.int64], seed: int, count: int
) -> npt.NDArray[np.float64]:  # fmt: skip
    """`count` values 0..1 for each pair of whole numbers."""
    with np.errstate(over="ignore"):
        key = a.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + b.astype(np.uint64) * np.uint64(
            0xC2B2AE3D27D4EB4F
        )
        key = (key + np.uint64(seed))[None] + (
            np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x165667B19E3779F9)
        )[:, None]
        key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        key = key ^ (key >> np.uint64(31))
    return np.asarray((key >> np.uint64(11)) / 2.0**53, np.float64)
