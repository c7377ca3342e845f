"""The still part of a view: hills, fields, trees, houses and haze, rendered once per scene at double size.

`cast` sends rays over the terrain through the camera model: for every azimuth it walks outwards over the
elevation model and notes the elevation angle at which each range becomes visible, then reads range by pixel.
The result is kept as light from the sky (with the haze in front) and light from the sun apart, so that cloud
shadows can move over it, plus the range of every pixel, so that smoke can pass behind a ridge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from geometry.camera import CameraModel, refraction_m
from geometry.position import MEAN_RADIUS_M, Position, enu_of_geodetic, geodetic_of_enu
from geometry.terrain import Terrain
from simulator.scene import Light, Scene
from simulator.textures import look_up, sample, tile

Field = npt.NDArray[np.float32]

OVERSAMPLING = 2
FARTHEST_M = 32_000
SKY_RANGE_M = 1e9
BARE_ABOVE = 1.75  # where the noise of openness is above this no forest grows
PLAIN_HEIGHT_M = 12.0  # beyond the elevation model lies a plain


@dataclass
class Canvas:
    """A view being painted, oversampled: light by sky and by sun (BGR, linear), and where the ground is.

    `range_m` is the level distance from the lens, as everywhere in the renderer.

    `east_m`, `north_m`: ground coordinates from the camera's foot; NaN-free, meaningless where there is sky.
    """

    camera: CameraModel
    sky_lit: Field
    sun_lit: Field
    range_m: Field
    east_m: Field
    north_m: Field
    height_m: Field


@dataclass(frozen=True)
class Landscape:
    """The finished still view at the picture's size. `ground` is the share of each pixel that is not sky."""

    base: Field
    sunlit: Field
    ground: Field
    range_m: Field
    """At the oversampled size."""
    east_m: Field
    north_m: Field


@dataclass(frozen=True)
class Sunlight:
    """Where light comes from and how strong it is (BGR, linear; 1 is white in the picture)."""

    east: float
    north: float
    up: float
    sun: npt.NDArray[np.float32]
    sky: npt.NDArray[np.float32]
    air: npt.NDArray[np.float32]
    """Colour of thick haze at the horizon."""

    @classmethod
    def of(cls, light: Light) -> Sunlight:
        azimuth, elevation = math.radians(light.sun_azimuth_deg), math.radians(light.sun_elevation_deg)
        level = math.cos(elevation)
        if light.night:
            sun, sky, air = (0.080, 0.068, 0.055), (0.042, 0.032, 0.023), (0.0105, 0.0080, 0.0062)
        else:
            low = float(np.clip(1 - light.sun_elevation_deg / 22, 0, 1))  # the sun reddens as it sinks
            sun = (2.5 - 1.5 * low, 2.75 - 1.15 * low, 2.85 - 0.75 * low)
            sky = (0.95 - 0.35 * low, 0.78 - 0.25 * low, 0.62 - 0.17 * low)
            air = (0.66 - 0.24 * low, 0.60 - 0.13 * low, 0.53 + 0.02 * low)
        bgr = [np.array(v, np.float32) for v in (sun, sky, air)]
        return cls(level * math.sin(azimuth), level * math.cos(azimuth), math.sin(elevation), *bgr)


class Ground:
    """The elevation model around a camera on a fine local grid: heights, slopes and the sun's shadows."""

    def __init__(self, terrain: Terrain, foot: Position, light: Sunlight, reach_m: float = 12_000) -> None:
        self.foot = foot
        self.cell_m = 20.0
        self.cells = int(2 * reach_m / self.cell_m)
        self.reach_m = reach_m
        axis = (np.arange(self.cells) + 0.5) * self.cell_m - reach_m
        east, north = np.meshgrid(axis, axis)
        lat, lon, _ = geodetic_of_enu(foot, east, north, -(east**2 + north**2) / (2 * MEAN_RADIUS_M))
        heights = np.nan_to_num(terrain.height_m(lat, lon), nan=PLAIN_HEIGHT_M).astype(np.float32)
        self.heights = heights
        smooth = cv2.GaussianBlur(heights, (0, 0), 1.2)
        self.slope_n, self.slope_e = (np.asarray(g, np.float32) for g in np.gradient(smooth, self.cell_m))
        self.hollow = cv2.GaussianBlur(heights, (0, 0), 6) - heights  # > 0 in valleys
        self.shade = self._shadows(light)

    def at(self, layer: Field, east_m: Field, north_m: Field) -> Field:
        """A layer of this grid at places in metres from the camera's foot."""
        column = ((east_m + self.reach_m) / self.cell_m - 0.5).astype(np.float32)
        row = ((north_m + self.reach_m) / self.cell_m - 0.5).astype(np.float32)
        return look_up(layer, column, row, cv2.INTER_CUBIC)

    def sun_share(self, light: Sunlight, east_m: Field, north_m: Field) -> Field:
        """How squarely the sun falls on the slope, 0..1, shadows included."""
        slope_e, slope_n = self.at(self.slope_e, east_m, north_m), self.at(self.slope_n, east_m, north_m)
        facing = (light.up - slope_e * light.east - slope_n * light.north) / np.sqrt(
            1 + slope_e**2 + slope_n**2
        )
        shade = np.clip(self.at(self.shade, east_m, north_m), 0, 1)
        return np.asarray(np.clip(facing, 0, 1) * shade, np.float32)

    def _shadows(self, light: Sunlight) -> Field:
        level = math.hypot(light.east, light.north)
        if light.up <= 0 or level < 1e-6:
            return np.ones_like(self.heights)
        climb = light.up / level
        shade = np.full_like(self.heights, 1e9)
        for step in np.unique(np.round(np.geomspace(1, 220, 60))):
            shift = np.array(
                [[1, 0, step * light.east / level], [0, 1, step * light.north / level]], np.float32
            )
            ahead = cv2.warpAffine(
                self.heights, shift, self.heights.shape[::-1],
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
            )  # fmt: skip
            clear = self.heights + np.float32(step * self.cell_m * climb) - ahead
            shade = np.minimum(shade, clear / np.float32(2 + 0.012 * step * self.cell_m))
        return np.asarray(np.clip(shade * 0.5 + 0.5, 0, 1), np.float32)


def cast(terrain: Terrain, camera: CameraModel) -> Canvas:
    """Range and place of the ground for every pixel of the oversampled view."""
    width, height = camera.width_px * OVERSAMPLING, camera.height_px * OVERSAMPLING
    columns, rows = np.meshgrid(
        (np.arange(width) + 0.5) / OVERSAMPLING, (np.arange(height) + 0.5) / OVERSAMPLING
    )
    east, north, up = camera.directions(columns, rows)
    azimuth = np.degrees(np.arctan2(east, north))
    middle = camera.pose.azimuth_deg
    azimuth = ((azimuth - middle + 180) % 360 - 180).astype(np.float32)
    elevation = np.degrees(np.arcsin(up)).astype(np.float32)
    azimuths = np.linspace(azimuth.min(), azimuth.max(), int(width * 1.1))
    elevations = np.linspace(elevation.min(), min(float(elevation.max()), 25.0), int(height * 1.3))
    ranges = np.geomspace(15, FARTHEST_M, 1500)
    by_angle = _ranges_by_angle(terrain, camera.position, azimuths + middle, elevations, ranges)
    u = (azimuth - azimuths[0]) / np.float32(azimuths[1] - azimuths[0])
    v = (elevation - elevations[0]) / np.float32(elevations[1] - elevations[0])
    sky = v > len(elevations) - 1
    range_m = cv2.remap(by_angle, u, v, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    smooth = cv2.remap(by_angle, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    # Linear within a slope, nearest across an edge.
    range_m = np.where(np.abs(smooth - range_m) < 0.02 * range_m + 1, smooth, range_m)
    range_m[sky] = SKY_RANGE_M
    level = np.where(range_m < SKY_RANGE_M / 2, range_m, 0)
    flat = np.hypot(east, north)
    blank = np.zeros((height, width, 3), np.float32)
    return Canvas(
        camera=camera,
        sky_lit=blank,
        sun_lit=blank.copy(),
        range_m=range_m.astype(np.float32),
        east_m=(level * east / flat).astype(np.float32),
        north_m=(level * north / flat).astype(np.float32),
        height_m=(camera.position.height_m + level * up / flat + level**2 / (2 * MEAN_RADIUS_M)).astype(
            np.float32
        ),
    )


def _ranges_by_angle(
    terrain: Terrain,
    lens: Position,
    azimuths_deg: npt.NDArray[np.float64],
    elevations_deg: npt.NDArray[np.float64],
    ranges_m: npt.NDArray[np.float64],
) -> Field:
    """Range seen at each elevation angle (rows) and azimuth (columns); SKY_RANGE_M for sky."""
    result = np.empty((len(elevations_deg), len(azimuths_deg)), np.float32)
    for i, azimuth in enumerate(np.radians(azimuths_deg)):
        east, north = ranges_m * math.sin(azimuth), ranges_m * math.cos(azimuth)
        lat, lon, _ = geodetic_of_enu(lens, east, north, -(ranges_m**2) / (2 * MEAN_RADIUS_M))
        ground = np.nan_to_num(terrain.height_m(lat, lon), nan=PLAIN_HEIGHT_M)
        e, n, u = enu_of_geodetic(lens, lat, lon, ground)
        level = np.hypot(e, n)
        angle = np.degrees(np.arctan2(u + refraction_m(level), level))
        horizon = np.maximum.accumulate(angle)
        k = np.searchsorted(horizon, elevations_deg)
        inside = np.clip(k, 1, len(ranges_m) - 1)
        rise = horizon[inside] - horizon[inside - 1]
        share = np.clip((elevations_deg - horizon[inside - 1]) / np.maximum(rise, 1e-12), 0, 1)
        seen = ranges_m[inside - 1] + share * (ranges_m[inside] - ranges_m[inside - 1])
        result[:, i] = np.where(k >= len(ranges_m), SKY_RANGE_M, seen)
    return result


def paint_ground(canvas: Canvas, ground: Ground, light: Sunlight, seed: int) -> None:
    """Colour and light of the bare ground: forest from afar, clearings, fields in the plain."""
    east, north, range_m = canvas.east_m, canvas.north_m, canvas.range_m
    footprint = range_m / (canvas.camera.focal_px * OVERSAMPLING)
    rough, soft = tile(seed, 1.5), tile(seed + 1, 2.0, 3)

    def world_noise(texture: Field, period_m: float, detail_m: float, shift: float = 0) -> Field:
        visible = np.clip(1.6 - footprint / detail_m, 0, 1)
        seen = sample(texture, east, north, period_m, (shift, 0.37 * shift)) * visible
        return np.asarray(seen, np.float32)

    patches = world_noise(soft, 5200, 60)
    crowns = world_noise(rough, 900, 3.0) * 0.55 + world_noise(tile(seed + 2, 0.9, 40), 700, 2.2, 91) * 0.6
    height = canvas.height_m
    slope = np.hypot(ground.at(ground.slope_e, east, north), ground.at(ground.slope_n, east, north))
    flat = np.clip(1.2 - slope / 0.09, 0, 1) * np.clip((150 - height) / 60, 0, 1)
    openness = world_noise(soft, 1900, 25, 333) + 0.3 * world_noise(rough, 500, 8, 50)
    bare = np.clip(openness - BARE_ABOVE + 0.35 * np.clip(slope - 0.5, 0, 1), 0, 0.6) / 0.6
    forest_tone = np.exp(0.30 * crowns + 0.24 * patches)[..., None]
    forest = np.array([0.011, 0.026, 0.018], np.float32) * forest_tone
    forest = forest * (1 + np.clip(patches, -1, 1)[..., None] * np.array([-0.05, 0.04, 0.16], np.float32))
    grass = np.array([0.04, 0.085, 0.085], np.float32) * np.exp(0.2 * crowns)[..., None]
    albedo = forest + (grass - forest) * np.clip(bare, 0, 1)[..., None]
    fields = _fields(east, north, seed) * np.exp(0.12 * crowns)[..., None]
    albedo = albedo + (fields - albedo) * np.clip(flat, 0, 1)[..., None]
    sun = ground.sun_share(light, east, north)
    sky_view = np.clip(1 - ground.at(ground.hollow, east, north) / 90, 0.55, 1.1)[..., None]
    # Under trees it is dark; far away, where no single tree is painted, the ground's colour is the crowns'.
    reach = tree_reach_m(canvas.camera)
    far = np.clip((range_m - 0.85 * reach) / (0.15 * reach), 0, 1)[..., None]
    albedo = albedo * (1 + 0.9 * far * (1 - np.clip(flat + bare, 0, 1)[..., None]))
    canvas.sky_lit[:] = albedo * light.sky * sky_view
    canvas.sun_lit[:] = albedo * light.sun * sun[..., None]


def tree_reach_m(camera: CameraModel) -> float:
    """How far single trees are painted: farther off they are smaller than two pixels."""
    return float(np.clip(10.0 * camera.focal_px / 2, 500, 9000))


def _fields(east: Field, north: Field, seed: int) -> Field:
    """Paddies and plots: cells of a bent grid, each of its own crop."""
    bend = sample(tile(seed + 5, 2.2), east, north, 3000) * 25
    u = (0.86 * east + 0.5 * north + bend) / 70
    v = (0.86 * north - 0.5 * east + bend) / 42
    key = np.floor(u).astype(np.int64) * 7349 + np.floor(v).astype(np.int64) * 9151 + seed
    rng = np.random.default_rng([seed, 77])
    crops = np.array(
        [[0.05, 0.11, 0.08], [0.04, 0.08, 0.05], [0.07, 0.13, 0.12], [0.10, 0.14, 0.16], [0.04, 0.07, 0.055]]
    )
    table = (crops[rng.integers(0, len(crops), 4096)] * rng.uniform(0.75, 1.2, (4096, 1))).astype(np.float32)
    plots = table[np.mod(key * 2654435761 >> 7, 4096)]
    edge = (np.abs(u - np.round(u)) < 0.03) | (np.abs(v - np.round(v)) < 0.05)
    return np.asarray(np.where(edge[..., None], plots * np.float32(0.6), plots), np.float32)


def finish(canvas: Canvas, light: Sunlight, scene: Scene) -> Landscape:
    """Haze in front of everything, then down to the picture's size."""
    air_share = haze_share(canvas.range_m, canvas.height_m, scene)
    sky = canvas.range_m > SKY_RANGE_M / 2
    clear = 1 - air_share
    base = canvas.sky_lit * clear + light.air * air_share
    sunlit = canvas.sun_lit * clear
    base[sky], sunlit[sky] = 0, 0
    size = (canvas.camera.width_px, canvas.camera.height_px)
    small = [
        cv2.resize(layer, size, interpolation=cv2.INTER_AREA)
        for layer in (base, sunlit, (~sky).astype(np.float32), canvas.east_m, canvas.north_m)
    ]
    return Landscape(small[0], small[1], small[2], canvas.range_m, small[3], small[4])


def haze_share(range_m: Field | float, height_m: Field | float, scene: Scene) -> Field:
    """Share of the air's own light in what is seen at this range (BGR: blue scatters most)."""
    distance = np.minimum(np.asarray(range_m, np.float32), 60_000)
    low = np.clip(np.asarray(height_m, np.float32), 0, 1200)
    thickness = distance * (3.0 / scene.weather.visibility_m) * (0.72 + 0.5 * np.exp(-low / 260))
    thickness += (np.clip(distance - 9000, 0, None) / 9000) ** 2  # the plain far out melts into the sky
    colour = np.array([1.22, 1.0, 0.84], np.float32)
    return np.asarray(1 - np.exp(-thickness[..., None] * colour), np.float32)
