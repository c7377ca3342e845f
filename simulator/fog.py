"""Fog and low cloud that drift through the hills: soft sheets at several ranges, hidden by nearer ground."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from geometry.camera import CameraModel
from geometry.position import MEAN_RADIUS_M
from simulator.landscape import Landscape, Sunlight
from simulator.scene import Fog, Scene
from simulator.textures import sample, tile

Field = npt.NDArray[np.float32]

_SHEETS = 7
_SCALE = 2  # fog has no detail: half the picture's size will do


class FogBanks:
    """The fog of one scene at any time."""

    def __init__(self, scene: Scene, fog: Fog, camera: CameraModel, landscape: Landscape, light: Sunlight):
        self._fog, self._scene = fog, scene
        width, height = camera.width_px // _SCALE, camera.height_px // _SCALE
        x, y = np.meshgrid((np.arange(width) + 0.5) * _SCALE, (np.arange(height) + 0.5) * _SCALE)
        east, north, up = camera.directions(x, y)
        level = np.hypot(east, north)
        azimuth = np.unwrap(np.arctan2(east, north), axis=1)
        self._size = (camera.width_px, camera.height_px)
        self._sheets: list[tuple[Field, Field, Field, float]] = []
        for range_m in np.geomspace(fog.farthest_m, fog.nearest_m, _SHEETS):
            height_m = camera.position.height_m + range_m * up / level + range_m**2 / (2 * MEAN_RADIUS_M)
            along = (azimuth * range_m).astype(np.float32)
            open_share = (landscape.range_m > range_m).astype(np.float32)
            open_share = cv2.resize(open_share, (width, height), interpolation=cv2.INTER_AREA)
            self._sheets.append((along, height_m.astype(np.float32), open_share, float(range_m)))
        self._texture, self._fine = tile(scene.seed + 71, 2.1, 2), tile(scene.seed + 72, 1.7, 4)
        self._colour = (light.sun * 0.17 + light.sky * 0.42).astype(np.float32)
        wind = math.radians(scene.weather.wind_to_deg - camera.pose.azimuth_deg)
        self._across_m_s = scene.weather.wind_m_s * math.sin(wind) + 0.6

    def lay_over(self, picture: Field, time_s: float) -> Field:
        """The picture with the fog at this time."""
        shape = (*self._sheets[0][0].shape, 1)
        fog_light, through = np.zeros((*shape[:2], 3), np.float32), np.ones(shape, np.float32)
        for i, (along, height_m, open_share, range_m) in enumerate(self._sheets):
            moved = along - np.float32(self._across_m_s * time_s)
            tall = height_m * np.float32(1.7)
            noise = sample(self._texture, moved, tall, 2600, (i * 911, i * 577 + 0.7 * time_s))
            noise += 0.45 * sample(self._fine, moved, tall, 1100, (i * 313 + 0.8 * time_s, i * 91))
            bend = 0.35 * self._fog.depth_m * sample(self._texture, moved, tall * 0, 4100, (i * 1700, 40))
            layer = np.exp(-((((height_m - self._fog.base_m) - bend) / self._fog.depth_m) ** 2))
            amount = 2.4 * self._fog.amount - 1.2
            alpha = 1 - np.exp(-1.5 * np.clip(noise + amount, 0, 3) * layer)
            alpha = (alpha * open_share * np.float32(0.75))[..., None]
            bright = 1 + 0.12 * np.clip(noise, -1.5, 1.5)[..., None]
            haze = min(0.85, range_m / self._scene.weather.visibility_m)
            fog_light = fog_light * (1 - alpha) + self._colour * (bright * (1 - 0.2 * haze)) * alpha
            through = through * (1 - alpha)
        size = self._size
        return np.asarray(
            picture * cv2.resize(through, size)[..., None] + cv2.resize(fog_light, size), np.float32
        )
