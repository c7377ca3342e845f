"""What moves above the hills: sky colour, drifting clouds, the shadows they cast, and the sun's glare."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from geometry.camera import CameraModel
from simulator.landscape import Landscape, Sunlight
from simulator.scene import Scene
from simulator.textures import sample, tile

Field = npt.NDArray[np.float32]

CLOUD_BASE_M = 1600.0
_CLOUD_PERIOD_M = 14_000.0
_SHADOW_SCALE = 4


class Sky:
    """Sky and cloud shadow of one scene at any time."""

    def __init__(self, scene: Scene, camera: CameraModel, landscape: Landscape, light: Sunlight) -> None:
        self._scene, self._light = scene, light
        azimuth = math.radians(scene.weather.wind_to_deg)
        aloft = 2.2 * scene.weather.wind_m_s + 3  # wind at cloud height
        self._drift = (aloft * math.sin(azimuth), aloft * math.cos(azimuth))
        self._rough, self._soft = tile(scene.seed + 31, 1.75, 3), tile(scene.seed + 32, 2.1, 2)
        sky_rows = np.flatnonzero((landscape.ground < 0.999).any(axis=1))
        self.rows = int(sky_rows[-1]) + 1 if sky_rows.size else 0
        # Clouds are soft: half the picture's size will do.
        x, y = np.meshgrid(np.arange(1, camera.width_px, 2), np.arange(1, max(self.rows, 2), 2))
        east, north, up = camera.directions(x, y)
        away = CLOUD_BASE_M / np.maximum(up, 0.012)
        self._east = (away * east).astype(np.float32)
        self._north = (away * north).astype(np.float32)
        # Clouds near the horizon drown in haze and are too fine to show.
        self._clarity = np.clip((up - 0.015) / 0.09, 0, 1).astype(np.float32)
        towards_sun = np.clip(east * light.east + north * light.north + up * light.up, -1, 1)
        self._towards_sun = towards_sun.astype(np.float32)
        self._whole = (camera.width_px, max(self.rows, 1))
        self._sky_share = (1 - landscape.ground[: self.rows])[..., None]
        clear = self._clear(np.clip(up, 0, 1).astype(np.float32))
        self._clear_sky = cv2.resize(clear, self._whole, interpolation=cv2.INTER_LINEAR)
        small = (camera.width_px // _SHADOW_SCALE, camera.height_px // _SHADOW_SCALE)
        self._ground_east = cv2.resize(landscape.east_m, small, interpolation=cv2.INTER_AREA)
        self._ground_north = cv2.resize(landscape.north_m, small, interpolation=cv2.INTER_AREA)
        self._size = (camera.width_px, camera.height_px)

    def paint(self, time_s: float) -> Field:
        """The sky's contribution to the picture's upper `rows` rows, already weighted by its share."""
        if self.rows == 0:
            return np.zeros((0, self._size[0], 3), np.float32)
        cover = self._cover(self._east, self._north, time_s)
        thick = np.clip(cover, 0, 1)
        ahead = self._cover(
            self._east + np.float32(420 * self._light.east),
            self._north + np.float32(420 * self._light.north),
            time_s,
        )
        shade = 1 - 0.34 * np.clip(0.6 * ahead + 0.4 * thick, 0, 1)
        glow = 1 + 0.5 * np.clip(self._towards_sun, 0, 1) ** 8
        white = np.float32(0.86 if not self._scene.light.night else 0.014)
        cloud = (white * shade * glow)[..., None] * (0.72 + 0.28 * self._light.sun / self._light.sun.max())
        alpha = thick * self._clarity
        cloud_light = cv2.resize((cloud * alpha[..., None]).astype(np.float32), self._whole)
        through = 1 - cv2.resize(alpha, self._whole)[..., None]
        return np.asarray((self._clear_sky * through + cloud_light) * self._sky_share, np.float32)

    def sunshine(self, time_s: float) -> Field:
        """How much sun reaches the ground of each pixel, 0..1."""
        if self._scene.weather.cloud_cover == 0 or self._light.up <= 0.02:
            return np.ones(self._size[::-1], np.float32)
        shift = CLOUD_BASE_M / max(self._light.up, 0.2)
        cover = self._cover(
            self._ground_east + np.float32(shift * self._light.east),
            self._ground_north + np.float32(shift * self._light.north),
            time_s,
        )
        shadow = cv2.GaussianBlur(np.clip(cover, 0, 1), (0, 0), 1.5)
        return np.asarray(
            cv2.resize(1 - 0.55 * shadow, self._size, interpolation=cv2.INTER_LINEAR), np.float32
        )

    def _cover(self, east: Field, north: Field, time_s: float) -> Field:
        """Cloud thickness over places: below 0 none, above 1 solid."""
        shift = (-self._drift[0] * time_s, -self._drift[1] * time_s)
        # A second layer at another speed makes clouds form and dissolve on their way.
        slow = (0.72 * shift[0] + 900, 0.72 * shift[1])
        noise = 0.75 * sample(self._soft, east, north, _CLOUD_PERIOD_M, shift)
        noise += 0.5 * sample(self._rough, east, north, 0.45 * _CLOUD_PERIOD_M, slow)
        threshold = 1.5 - 2.6 * self._scene.weather.cloud_cover
        return np.asarray((noise - threshold) * np.float32(1.1), np.float32)

    def _clear(self, up: Field) -> Field:
        """Cloudless sky: deep above, pale at the horizon, bright about the sun."""
        light = self._light
        if self._scene.light.night:
            zenith, horizon = np.array([0.0060, 0.0040, 0.0028]), light.air
        else:
            zenith = np.array([0.62, 0.36, 0.20]) * (0.55 + 0.45 * float(np.clip(light.up * 2, 0, 1)))
            horizon = light.air
        hazy = float(np.clip(14_000 / self._scene.weather.visibility_m, 0.3, 1.6))
        share = np.exp(-up / (0.16 + 0.1 * hazy))[..., None]
        sky = zenith * (1 - share) + horizon * share
        if not self._scene.light.night:
            near = np.clip(self._towards_sun, 0, 1)[..., None]
            sky = sky + light.sun * (0.05 * near**6 + 0.16 * hazy * near**40 + 0.5 * near**900)
        return np.asarray(sky, np.float32)


def glare(scene: Scene, camera: CameraModel, light: Sunlight, landscape: Landscape) -> Field | None:
    """Light that the sun, in the picture or near it, spreads over the lens: added to the whole picture."""
    if light.up <= -0.02 or scene.light.night:
        return None
    x, y, depth = camera.project_enu(light.east, light.north, light.up)
    if depth <= 0 or not (-0.3 < x / camera.width_px < 1.3 and -0.6 < y / camera.height_px < 1.2):
        return None
    columns, rows = np.meshgrid(
        np.arange(camera.width_px, dtype=np.float32), np.arange(camera.height_px, dtype=np.float32)
    )
    away = np.hypot(columns - float(x), rows - float(y)) / camera.width_px
    angle = np.arctan2(rows - float(y), columns - float(x))
    veil = 0.30 * np.exp(-away / 0.30) + 0.8 * np.exp(-away / 0.07) + 6.0 * np.exp(-((away / 0.018) ** 2))
    rays = 0.35 * np.exp(-away / 0.10) * (0.5 + 0.5 * np.cos(8 * angle + 0.6)) ** 10
    result = (veil + rays)[..., None] * (light.sun / light.sun.max())
    # Ghosts: reflections between the lenses, on the line through the middle of the picture.
    middle_x, middle_y = camera.width_px / 2, camera.height_px / 2
    for along, radius, strength, tint in (
        (-0.45, 0.030, 0.05, (0.5, 1.0, 0.6)),
        (-0.9, 0.055, 0.035, (0.9, 0.6, 0.5)),
        (0.4, 0.018, 0.05, (0.5, 0.7, 1.0)),
    ):
        gx, gy = middle_x + along * (float(x) - middle_x), middle_y + along * (float(y) - middle_y)
        disc = np.clip((radius - np.hypot(columns - gx, rows - gy) / camera.width_px) / 0.006, 0, 1)
        result += (strength * disc)[..., None] * np.array(tint, np.float32)
    visible = 1.0
    column, row = int(np.clip(x, 0, camera.width_px - 1)), int(np.clip(y, 0, camera.height_px - 1))
    if 0 <= x < camera.width_px and 0 <= y < camera.height_px:
        visible = float(
            1 - landscape.ground[max(0, row - 4) : row + 5, max(0, column - 4) : column + 5].mean()
        )
    return np.asarray(result * (0.25 + 0.75 * visible), np.float32)
