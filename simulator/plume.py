"""Smoke: a turbulent rising, drifting, growing plume made of puffs, at any age, from any side, without files.

A `Plume` is a pure function of its shape and its age: the fire sends out puffs, each rises (fast at first),
drifts with a gusty wind that grows with height, swells by taking in air, rolls, thins and vanishes.
`puffs(age)` gives them in metres from the fire (east, north, up), so that two cameras see one and the same
plume; `paint` turns puffs already projected to pixels into a `SmokeLayer`: opacity and lightness per pixel,
lit from the sun's side, with the shadow the smoke casts on itself. `side_view` does both for a plume seen
squarely from the side.

The same puffs with other figures are chimney steam, road dust and drifting fog.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]
Array = npt.NDArray[np.float64]

_SPRITE_SIDES_PX = (16, 32, 64, 128)
_SPRITES = 12


@dataclass(frozen=True)
class PlumeShape:
    """What a plume is like. Defaults: a forest fire's first minutes in a light wind."""

    seed: int
    wind_m_s: float = 3.0
    wind_to_deg: float = 90.0
    """The azimuth the wind blows towards."""
    rise_m_s: float = 8.0
    """Speed of the hottest puffs as they leave the fire."""
    source_radius_m: float = 7.0
    """Half the width of the burning ground once the fire has grown."""
    spread: float = 0.2
    """Metres of plume radius gained for each metre of way."""
    density: float = 1.0
    """1 is an opaque young column, 0.2 a thin veil."""
    growth_s: float = 30.0
    """Time in which the fire becomes strong; 0 for a source that always was."""
    life_s: float = 110.0
    """Age at which a puff has thinned to a third."""
    puffs_per_s: float = 5.0
    gustiness: float = 1.0


@dataclass(frozen=True)
class Puffs:
    """Puffs in metres from the source: arrays of one length. `depth` is the optical depth through the middle,
    `kind` picks the sprite, `turn_rad` its rotation, `born_s` is when it left (for sources that move)."""

    east_m: Array
    north_m: Array
    up_m: Array
    radius_m: Array
    depth: Array
    kind: npt.NDArray[np.int64]
    turn_rad: Array
    born_s: Array


@dataclass(frozen=True)
class PixelPuffs:
    """Puffs projected to pixels of a picture."""

    x_px: Array
    y_px: Array
    radius_px: Array
    depth: Array
    kind: npt.NDArray[np.int64]
    turn_rad: Array


@dataclass(frozen=True)
class SmokeLayer:
    """A piece of picture holding smoke: its upper left pixel, opacity and lightness 0..1 (1: fully sunlit).

    Laid over a picture by `picture * (1 - alpha) + colour * light * alpha`.
    """

    x_px: int
    y_px: int
    alpha: Field
    light: Field


class Plume:
    """One plume. Two plumes of the same shape are the same to the last swirl."""

    def __init__(self, shape: PlumeShape) -> None:
        self.shape = shape
        rng = np.random.default_rng([shape.seed, 0x51107])
        self._phases = rng.uniform(0, 2 * math.pi, (2, 4))
        self._rates = np.array([0.045, 0.11, 0.23, 0.41]) * rng.uniform(0.8, 1.25, (2, 4))

    def puffs(self, age_s: float) -> Puffs:
        """All puffs in the air `age_s` seconds after ignition; empty before it."""
        shape = self.shape
        oldest = max(0.0, age_s - 2.2 * shape.life_s) if shape.growth_s > 0 else age_s - 2.2 * shape.life_s
        first = math.ceil(oldest * shape.puffs_per_s)
        last = math.floor(age_s * shape.puffs_per_s)
        numbers = np.arange(first, last + 1) if age_s >= 0 or shape.growth_s == 0 else np.arange(0)
        return self._at(numbers, age_s)

    def _at(self, numbers: npt.NDArray[np.int64], now_s: float) -> Puffs:
        shape = self.shape
        u = _hashed(numbers, shape.seed, 9)  # per puff, uniform 0..1, the same whenever it is asked for
        born = numbers / shape.puffs_per_s
        age = np.maximum(0.0, now_s - born)
        strength = 1 - np.exp(-(born + 4) / shape.growth_s) if shape.growth_s > 0 else np.ones_like(born)
        lull = 0.75 + 0.25 * np.sin(born * 0.31 + self._phases[0, 0]) * np.sin(
            born * 0.12 + self._phases[1, 1]
        )
        heat = strength * lull
        # The integral of w0 / (1 + a / 18 s)^0.55: quick at the foot, then ever slower.
        speed = shape.rise_m_s * (0.45 + 0.55 * heat) * (0.8 + 0.4 * u[0])
        up = speed * 18 / 0.45 * ((1 + age / 18) ** 0.45 - 1)
        along, across = self._drift(born, now_s, age, up)
        reach = up + 0.6 * np.hypot(along, across)
        plume_radius = shape.source_radius_m * (0.35 + 0.65 * strength) + shape.spread * reach
        # Puffs roll around the axis while they are carried along.
        roll = 2 * math.pi * u[1] + (u[2] - 0.5) * age * 0.16
        away = plume_radius * 0.75 * np.sqrt(u[3])
        offset_a, offset_b = away * np.cos(roll), away * np.sin(roll)
        azimuth = math.radians(shape.wind_to_deg)
        wind_e, wind_n = math.sin(azimuth), math.cos(azimuth)
        along = along + offset_a * 0.8
        across = across + away * (2 * u[4] - 1)
        radius = plume_radius * (0.34 + 0.38 * u[5])
        fade = np.exp(-((age / shape.life_s) ** 1.3)) * np.clip(age / 1.5 + 0.15, 0, 1)
        thinning = (shape.source_radius_m / plume_radius) ** 0.75
        depth = 1.5 * shape.density * (0.25 + 0.75 * heat) * (0.6 + 0.8 * u[6]) * fade * thinning
        return Puffs(
            east_m=wind_e * along + wind_n * across,
            north_m=wind_n * along - wind_e * across,
            up_m=np.maximum(up + offset_b * 0.55, 0.15 * radius),
            radius_m=radius,
            depth=depth,
            kind=(u[7] * _SPRITES).astype(np.int64),
            turn_rad=2 * math.pi * u[8] + (u[2] - 0.5) * age * 0.22,
            born_s=born,
        )

    def _drift(self, born: Array, now_s: float, age: Array, up: Array) -> tuple[Array, Array]:
        """Metres along and across the wind since birth: steady wind, stronger above, plus shared gusts."""
        shape = self.shape
        steady = shape.wind_m_s * age * (0.4 + 0.6 * np.clip(up / 80, 0, 1))
        sway = 0.9 * shape.gustiness * (1.2 + 0.35 * shape.wind_m_s)
        caught = np.clip(age / 12, 0, 1)
        gusts = []
        for axis in range(2):
            rate, phase = self._rates[axis], self._phases[axis]
            way = np.zeros_like(age)
            for k in range(4):
                swing = np.sin(rate[k] * now_s + phase[k]) - np.sin(rate[k] * born + phase[k])
                way += swing * sway * 0.32 / rate[k] ** 0.75
            gusts.append(way * caught)
        return steady + gusts[0], gusts[1] * 0.8


def side_view(
    plume: Plume, age_s: float, metres_per_px: float, sun: tuple[float, float, float] = (-0.5, -0.6, 0.6)
) -> tuple[SmokeLayer, tuple[float, float]]:
    """The plume seen squarely from the side, wind to the right, and the pixel of its foot within the layer.

    >>> layer, (x, y) = side_view(Plume(PlumeShape(seed=5)), age_s=40, metres_per_px=2)
    >>> layer.alpha.shape == layer.light.shape, float(layer.alpha.max()) > 0.5
    (True, True)
    >>> 0 <= y <= layer.alpha.shape[0]
    True
    """
    puffs = plume.puffs(age_s)
    azimuth = math.radians(plume.shape.wind_to_deg)
    along = puffs.east_m * math.sin(azimuth) + puffs.north_m * math.cos(azimuth)
    x, y, radius = along / metres_per_px, -puffs.up_m / metres_per_px, puffs.radius_m / metres_per_px
    margin = 3
    left = math.floor(float(np.min(x - radius, initial=0))) - margin
    right = math.ceil(float(np.max(x + radius, initial=0))) + margin
    top = math.floor(float(np.min(y - radius, initial=0))) - margin
    pixel_puffs = PixelPuffs(x - left, y - top, radius, puffs.depth, puffs.kind, puffs.turn_rad)
    layer = paint(pixel_puffs, right - left, max(1, -top + margin), sun)
    if layer is None:
        empty = np.zeros((1 + margin, right - left), np.float32)
        layer = SmokeLayer(0, 0, empty, empty)
    return layer, (-left - layer.x_px, -top - layer.y_px)


def plume_rgba(
    rng: np.random.Generator, wind_m_s: float, height_px: int, age_s: float
) -> tuple[npt.NDArray[np.uint8], tuple[float, float]]:
    """A random plume about `height_px` tall as BGRA uint8 (straight alpha), and its foot's pixel.

    >>> picture, foot = plume_rgba(np.random.default_rng(1), wind_m_s=3, height_px=120, age_s=60)
    >>> picture.shape[2], picture.dtype.name
    (4, 'uint8')
    """
    shape = PlumeShape(
        seed=int(rng.integers(2**31)),
        wind_m_s=wind_m_s * float(rng.uniform(0.8, 1.2)),
        rise_m_s=float(rng.uniform(4, 8)),
        spread=float(rng.uniform(0.12, 0.24)),
        density=float(np.exp(rng.uniform(math.log(0.15), math.log(1.3)))),
        puffs_per_s=3.0,
    )
    plume = Plume(shape)
    puffs = plume.puffs(age_s)
    height_m = float(np.max(puffs.up_m + 0.6 * puffs.radius_m, initial=10))
    sun = (float(rng.uniform(-1, 1)), -0.6, float(rng.uniform(-0.8, 0.8)))
    layer, foot = side_view(plume, age_s, height_m / height_px, sun)
    grey = 90 + 160 * layer.light
    tint = rng.uniform(-8, 8)
    planes = [np.clip(grey + tint * (1 - i), 0, 255) for i in range(3)]
    return np.stack([*planes, layer.alpha * 255], axis=-1).astype(np.uint8), foot


def paint(
    puffs: PixelPuffs, width_px: int, height_px: int, sun: tuple[float, float, float]
) -> SmokeLayer | None:
    """Smoke in a picture of this size, cut to where it is; None when there is none inside the picture.

    `sun`: direction to the sun seen from the camera: right, down (so negative above), and towards the camera.
    """
    visible = (puffs.radius_px > 0.2) & (puffs.depth > 0.003)
    x, y, radius = puffs.x_px[visible], puffs.y_px[visible], np.maximum(puffs.radius_px[visible], 0.8)
    inside = (x + radius > 0) & (y + radius > 0) & (x - radius < width_px) & (y - radius < height_px)
    if not inside.any():
        return None
    chosen = PixelPuffs(
        x_px=x[inside],
        y_px=y[inside],
        radius_px=radius[inside],
        # A puff drawn larger than it is (never below a pixel) is thinner by as much.
        depth=(puffs.depth[visible] * np.minimum(1, (puffs.radius_px[visible] / radius) ** 2))[inside],
        kind=puffs.kind[visible][inside],
        turn_rad=puffs.turn_rad[visible][inside],
    )
    x, y, radius = chosen.x_px, chosen.y_px, chosen.radius_px
    pad = 4
    left, top = max(0, int(np.min(x - radius)) - pad), max(0, int(np.min(y - radius)) - pad)
    right = min(width_px, int(np.max(x + radius)) + pad + 1)
    bottom = min(height_px, int(np.max(y + radius)) + pad + 1)
    depth = np.zeros((bottom - top, right - left), np.float32)
    for i in range(len(x)):
        _splat(depth, chosen, i, left, top)
    typical = float(np.average(radius, weights=chosen.depth + 1e-9))
    return SmokeLayer(left, top, 1 - np.exp(-depth), _lit(depth, typical, sun))


def _splat(field: Field, puffs: PixelPuffs, i: int, left: int, top: int) -> None:
    """Add the sprite of puff `i`, turned and scaled, to the optical depth of a field at `left`, `top`."""
    x, y, radius = float(puffs.x_px[i]) - left, float(puffs.y_px[i]) - top, float(puffs.radius_px[i])
    x0, y0 = max(0, math.floor(x - radius)), max(0, math.floor(y - radius))
    x1 = min(field.shape[1], math.ceil(x + radius) + 1)
    y1 = min(field.shape[0], math.ceil(y + radius) + 1)
    if x1 <= x0 or y1 <= y0:
        return
    level = next(
        (i for i, side in enumerate(_SPRITE_SIDES_PX) if side >= 2 * radius), len(_SPRITE_SIDES_PX) - 1
    )
    sprite = _sprites(level)[int(puffs.kind[i])]
    half = sprite.shape[0] / 2
    scale = half / radius
    cos, sin = math.cos(puffs.turn_rad[i]) * scale, math.sin(puffs.turn_rad[i]) * scale
    dx, dy = x0 + 0.5 - x, y0 + 0.5 - y
    matrix = np.array(
        [[cos, -sin, half - 0.5 + cos * dx - sin * dy], [sin, cos, half - 0.5 + sin * dx + cos * dy]]
    )
    piece = cv2.warpAffine(sprite, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    field[y0:y1, x0:x1] += piece * np.float32(puffs.depth[i])


def _lit(depth: Field, radius_px: float, sun: tuple[float, float, float]) -> Field:
    """Lightness from the sun: billows by the slope of the smoke's thickness, and its shadow on itself."""
    length = math.hypot(*sun) or 1.0
    right, down, front = (v / length for v in sun)
    thickness = np.log1p(1.2 * depth)
    light = np.full_like(depth, 0.78 + 0.1 * front)
    solid = 1 - np.exp(-1.3 * depth)  # a thin veil is lit through and shows no relief
    for scale, weight in ((0.1, 0.05), (0.28, 0.06), (0.6, 0.07)):
        sigma = max(0.7, scale * radius_px)
        smooth = cv2.GaussianBlur(thickness, (0, 0), sigma)
        slope_x = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=3) * (sigma / 8)
        slope_y = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=3) * (sigma / 8)
        light -= np.float32(2.6 * weight) * solid * np.tanh(2.2 * (slope_x * right + slope_y * down))
    # What lies between here and the sun: the thickness a step sunwards, well blurred.
    step = 0.9 * radius_px
    shift = np.array([[1.0, 0.0, -step * right], [0.0, 1.0, -step * down]])
    size = (depth.shape[1], depth.shape[0])
    ahead = cv2.warpAffine(cv2.GaussianBlur(depth, (0, 0), max(0.8, 0.6 * radius_px)), shift, size)
    light *= 0.72 + 0.28 * np.exp(-0.45 * ahead)
    return np.asarray(np.clip(cv2.GaussianBlur(light, (0, 0), 0.7), 0.3, 1.0), np.float32)


@lru_cache(maxsize=len(_SPRITE_SIDES_PX))
def _sprites(level: int) -> tuple[Field, ...]:
    """Ragged round puffs of peak about 1, the same ones at every size."""
    side = _SPRITE_SIDES_PX[level]
    if level < len(_SPRITE_SIDES_PX) - 1:
        return tuple(cv2.resize(s, (side, side), interpolation=cv2.INTER_AREA) for s in _sprites(level + 1))
    rng = np.random.default_rng(0x5E0C)
    y, x = (np.mgrid[:side, :side].astype(np.float32) + 0.5) / side * 2 - 1
    sprites = []
    for _ in range(_SPRITES):
        warp_x, warp_y = (0.22 * _fractal(rng, side, 3, 4) for _ in range(2))
        r = np.hypot(x + warp_x * (1 - np.hypot(x, y)).clip(0), y + warp_y * (1 - np.hypot(x, y)).clip(0))
        billow = 1 - np.abs(_fractal(rng, side, 4, 4))  # ridged noise: round lumps with dark seams
        ball = np.sqrt(np.clip(1 - (1.05 * r) ** 2, 0, None))
        edge = np.clip((1 - np.hypot(x, y)) / 0.35, 0, 1)
        sprites.append(np.asarray(ball * np.clip(0.45 + 0.6 * billow, 0, 1.4) * edge, np.float32))
    return tuple(sprites)


def _fractal(rng: np.random.Generator, side: int, cells: int, octaves: int) -> Field:
    """Smooth noise of about unit deviation."""
    total = np.zeros((side, side), np.float32)
    for octave in range(octaves):
        count = cells * 2**octave + 1
        coarse = rng.standard_normal((count, count)).astype(np.float32)
        total += cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC) * 0.55**octave
    return np.asarray(total / total.std(), np.float32)


def _hashed(numbers: npt.NDArray[np.int64], seed: int, count: int) -> Array:
    """`count` uniform 0..1 values for each number, always the same: splitmix64."""
    with np.errstate(over="ignore"):
        key = numbers.astype(np.uint64)[None, :] * np.uint64(0x9E3779B97F4A7C15)
        key = key + np.uint64(seed) * np.uint64(0xD1342543DE82EF95)
        key = key + (np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x2545F4914F6CDD1D))[:, None]
        key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        key = key ^ (key >> np.uint64(31))
    return (key >> np.uint64(11)).astype(np.float64) / 2**53
