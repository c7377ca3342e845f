"""One scene as its camera sees it at any time: the still landscape, and all that moves laid over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from geometry.position import enu_m
from geometry.raster_terrain import RasterTerrain
from geometry.terrain import Terrain
from simulator import forest, settlements
from simulator.emitters import EmitterView, chimney_emitter, dust_emitter, fire_emitters, visible_box
from simulator.fog import FogBanks
from simulator.landscape import Ground, Landscape, Sunlight, cast, finish, paint_ground
from simulator.scene import Scene
from simulator.sky import Sky, glare
from simulator.textures import sample, tile
from simulator.truth import TruthBox

Field = npt.NDArray[np.float32]
Picture = npt.NDArray[np.uint8]

CLEARING_TAIL_S = 4.0
"""A fire that is put out leaves a veil; it is gone this long before the clearing clip ends."""


@dataclass(frozen=True)
class Shot:
    """One frame, and where smoke and flames show in it."""

    picture: Picture
    boxes: tuple[TruthBox, ...]


class SceneView:
    """Renders the frames of a scene, in any order; the same time gives the same frame."""

    def __init__(self, scene: Scene, terrain: Terrain | None = None) -> None:
        self.scene = scene
        self.terrain = terrain if terrain is not None else RasterTerrain.open(scene.terrain)
        self.camera = scene.camera.model(self.terrain, scene.width_px, scene.height_px)
        self.light = Sunlight.of(scene.light)
        # First, as places off the elevation model are refused here, before the long work.
        emitters = [*(fire_emitters(scene, scene.fire, self.terrain) if scene.fire else [])]
        emitters += [chimney_emitter(scene, c, self.terrain, i) for i, c in enumerate(scene.chimneys)]
        if scene.dust:
            emitters.append(dust_emitter(scene, scene.dust, self.terrain))
        self.landscape = self._landscape()
        self._sky = Sky(scene, self.camera, self.landscape, self.light)
        self._glare = glare(scene, self.camera, self.light, self.landscape)
        self._lamps = settlements.lamps(scene, self.terrain, self.camera, self.landscape)
        self._fog = scene.fog and FogBanks(scene, scene.fog, self.camera, self.landscape, self.light)
        self._emitters = [EmitterView(e, scene, self.camera, self.landscape, self.light) for e in emitters]
        self._shimmer = self._shimmer_reach()
        self._gusts = tile(scene.seed + 92, 1.2, 12)
        self._sensor_noise = tile(scene.seed + 91, 0.35, 30)

    def shot(self, time_s: float, *, calm: bool = False) -> Shot:
        """The frame at `time_s` seconds of the scene; `calm`: as it would be without the fire."""
        scene, still = self.scene, self.landscape
        sunshine = self._sky.sunshine(time_s)
        picture = still.base + still.sunlit * sunshine[..., None]
        picture = self._stirred(picture, time_s)
        picture[: self._sky.rows] += self._sky.paint(time_s)
        if self._fog:
            picture = self._fog.lay_over(picture, time_s)
        for i, group in enumerate(self._lamps):
            picture += group * np.float32(1 + 0.06 * np.sin(time_s * (2.1 + i) + 2 * i))
        boxes = self._lay_smoke(picture, time_s, calm)
        if scene.dust:
            self._tractor(picture, time_s)
        if self._glare is not None:
            picture += self._glare
        return Shot(self._developed(picture, time_s), boxes)

    def _landscape(self) -> Landscape:
        canvas = cast(self.terrain, self.camera)
        ground = Ground(self.terrain, self.camera.position, self.light)
        seed = 1 + self.scene.seed // 1000 * 1000  # neighbouring seeds (a pair of cameras) share one world
        paint_ground(canvas, ground, self.light, seed)
        sun = ground.sun_share(self.light, canvas.east_m, canvas.north_m)
        settlements.pave(canvas, self.scene, self.light, sun)
        settlements.build(canvas, self.scene, self.terrain, self.light)
        forest.plant(canvas, ground, self.light, seed, self.scene.roads)
        return finish(canvas, self.light, self.scene)

    def _lay_smoke(self, picture: Field, time_s: float, calm: bool) -> tuple[TruthBox, ...]:
        scene = self.scene
        boxes: list[TruthBox] = []
        out_s, strength = scene.duration_s, 1.0
        if time_s > out_s:
            left = scene.duration_s + max(scene.clearing_s - CLEARING_TAIL_S, 0.1) - time_s
            whole = max(scene.clearing_s - CLEARING_TAIL_S, 0.1)
            strength = float(np.clip(left / whole, 0, 1)) ** 1.3
        for view in self._emitters:
            of_fire = view.emitter.of_fire
            if of_fire and calm:
                continue
            layer = view.layer(time_s, out_s if of_fire else 1e9, strength if of_fire else 1.0)
            if layer is None:
                continue
            flicker = 0.8 + 0.2 * np.sin(9.1 * time_s) * np.sin(5.3 * time_s + 1)
            burning = scene.fire is not None and scene.fire.flames and of_fire
            grown = 1 - np.exp(-max(0.0, time_s - view.emitter.starts_s) / 20)
            alpha = view.lay_over(picture, layer, float(flicker * strength * grown) if burning else 0.0)
            box = visible_box(alpha, layer) if of_fire else None
            if box is not None:
                label: Literal["smoke", "fire"] = "fire" if view.emitter.is_flame else "smoke"
                x1, y1, x2, y2 = (float(v) for v in box)
                boxes.append(TruthBox(t_s=round(time_s, 3), label=label, x1=x1, y1=y1, x2=x2, y2=y2))
            if view.emitter.is_flame:
                self._firelight(picture, view, float(flicker * strength * grown))
        return tuple(boxes)

    def _firelight(self, picture: Field, view: EmitterView, strength: float) -> None:
        """The glow of the flames on trees and air around them."""
        if view.pixel is None:
            return
        reach = 60.0 * self.camera.focal_px / view.range_m
        x, y = view.pixel
        half = int(4 * reach)
        top, left = max(0, int(y) - half), max(0, int(x) - half)
        part = picture[top : int(y) + half, left : int(x) + half]
        if part.size:
            rows, columns = np.mgrid[: part.shape[0], : part.shape[1]].astype(np.float32)
            away = np.hypot(columns + left - x, rows + top - y) / reach
            glow = strength * (0.035 * np.exp(-(away**2)) + 0.012 * np.exp(-away))
            part += glow[..., None] * np.array([0.10, 0.40, 1.0], np.float32)

    def _tractor(self, picture: Field, time_s: float) -> None:
        dust = self.scene.dust
        if dust is None:
            return
        view = self._emitters[-1]
        if view.emitter.track is None:
            return
        way = view.emitter.track.at(max(0.0, time_s - dust.start_s))
        start = enu_m(self.camera.position, view.emitter.place)
        east, north, up = (float(a + b) for a, b in zip(start, way, strict=True))
        x, y, depth = (float(v) for v in self.camera.project_enu(east, north, up))
        size = 3.4 * self.camera.focal_px / depth
        column, row = round(x), round(y)
        if depth <= 0 or not (4 < column < self.scene.width_px - 4 and 4 < row < self.scene.height_px - 4):
            return
        if view.open_share[row - 1, column] < 0.5:
            return
        body = np.array([0.10, 0.12, 0.42], np.float32)
        for left, upper, right, lower, colour in (
            (-0.55, -0.55, 0.55, -0.15, body),
            (-0.5, -0.95, 0.05, -0.5, body * 0.45),
            (-0.6, -0.25, 0.6, 0.05, np.full(3, 0.03, np.float32)),
        ):
            corner = (round((x + left * size) * 16), round((y + upper * size) * 16))
            other = (round((x + right * size) * 16), round((y + lower * size) * 16))
            cv2.rectangle(picture, corner, other, [float(c) for c in colour], -1, cv2.LINE_AA, 4)

    def _shimmer_reach(self) -> Field:
        """How far the wind moves what is seen, in pixels: near trees most, far ones not at all."""
        size = (self.scene.width_px, self.scene.height_px)
        range_m = cv2.resize(self.landscape.range_m, size, interpolation=cv2.INTER_NEAREST)
        wind = min(self.scene.weather.wind_m_s / 4, 2.0)
        reach = wind * 0.3 * self.camera.focal_px / np.maximum(range_m, 60) * (self.landscape.ground > 0.9)
        soft = cv2.GaussianBlur(reach.astype(np.float32), (0, 0), 2)
        return np.asarray(np.clip(soft, 0, 0.9), np.float32)

    def _stirred(self, picture: Field, time_s: float) -> Field:
        """Trees moving in the wind, and the sway of the mast."""
        height, width = picture.shape[:2]
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        noise = self._gusts
        half = (width // 2, height // 2)
        hx, hy = x[: half[1], : half[0]], y[: half[1], : half[0]]
        push = _gust(noise, hx, hy, time_s)
        push = cv2.resize(push, (width, height), interpolation=cv2.INTER_LINEAR) * self._shimmer
        sway = self.scene.sensor.sway_px
        x += push + np.float32(sway * np.sin(1.9 * time_s) * np.sin(0.37 * time_s))
        y += 0.5 * push + np.float32(0.5 * sway * np.sin(2.3 * time_s + 1))
        return np.asarray(
            cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32
        )

    def _developed(self, picture: Field, time_s: float) -> Picture:
        """What the camera makes of the light: tone curve, its own sharpening, noise, eight bits."""
        night = self.scene.light.night
        exposed = picture * np.float32(2.6 if night else 1.12)
        np.maximum(exposed, 0, out=exposed)
        toned = cv2.sqrt(exposed / (1 + 0.28 * exposed)) * np.float32(255 * 1.16) - np.float32(11)
        soft = cv2.GaussianBlur(toned, (0, 0), 1.1)
        toned = cv2.addWeighted(toned, 1.45, soft, -0.45, 0)
        strength = self.scene.sensor.noise * (2.2 if night else 1.0)
        if strength > 0:
            rng = np.random.default_rng([self.scene.seed, round(time_s * 1000)])
            grain = self._sensor_noise
            rows, columns = toned.shape[:2]
            top, left = rng.integers(0, grain.shape[0]), rng.integers(0, grain.shape[1])
            rolled = np.roll(grain, (-int(top), -int(left)), (0, 1))
            repeats = (-(-rows // grain.shape[0]), -(-columns // grain.shape[1]))
            toned += (np.tile(rolled, repeats)[:rows, :columns] * np.float32(strength))[..., None]
        return cv2.convertScaleAbs(np.clip(toned, 0, 255))  # type: ignore[no-any-return]


def _gust(texture: Field, x: Field, y: Field, time_s: float) -> Field:
    """Two layers of a texture moving across each other: gusts running through the trees."""
    return sample(texture, x, y, 512, (-14 * time_s, 5 * time_s)) * sample(
        texture, x, y, 760, (-9 * time_s, -6 * time_s + 300)
    )
