"""Things that smoke, burn or raise dust in a scene, and how their puffs come into the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from geometry.camera import CameraModel
from geometry.position import Position, enu_m, enu_of_geodetic
from geometry.terrain import Terrain
from simulator.landscape import Landscape, Sunlight, haze_share
from simulator.plume import PixelPuffs, Plume, PlumeShape, Puffs, SmokeLayer, paint
from simulator.scene import Chimney, Dust, Fire, Scene, ground_m

Field = npt.NDArray[np.float32]

VISIBLE_ALPHA = 0.09
"""Smoke thinner than this does not count as seen (a human labeller would not draw it)."""


@dataclass(frozen=True, eq=False)
class Track:
    """A straight way over the ground at a steady speed; it ends where it ends."""

    east_m: npt.NDArray[np.float64]
    """Metres from the start at each full second, likewise below."""
    north_m: npt.NDArray[np.float64]
    up_m: npt.NDArray[np.float64]

    @classmethod
    def over(cls, terrain: Terrain, start: Position, end: Position, speed_m_s: float) -> Track:
        """The way from `start` to `end`, following the ground."""
        east, north, _ = enu_m(start, end)
        share = np.linspace(0, 1, max(2, round(math.hypot(east, north) / speed_m_s) + 1))
        lat = start.lat_deg + share * (end.lat_deg - start.lat_deg)
        lon = start.lon_deg + share * (end.lon_deg - start.lon_deg)
        return cls(*enu_of_geodetic(start, lat, lon, terrain.height_m(lat, lon)))

    def at(self, seconds: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], ...]:
        """East, north and up of the start, this long after it."""
        clock = np.arange(len(self.east_m))
        when = np.asarray(seconds, float)
        return tuple(np.interp(when, clock, axis) for axis in (self.east_m, self.north_m, self.up_m))


@dataclass(frozen=True)
class Emitter:
    """A source of puffs at a place; `track` moves it from there."""

    place: Position
    plume: Plume
    starts_s: float
    colour: npt.NDArray[np.float32]
    """Share of sunlight it throws back, BGR."""
    of_fire: bool = False
    """Part of the fire: goes out with it, and is absent from the calm view."""
    is_flame: bool = False
    track: Track | None = None


def fire_emitters(scene: Scene, fire: Fire, terrain: Terrain) -> list[Emitter]:
    """Smoke, and flames where they are seen."""
    place = Position(fire.lat_deg, fire.lon_deg, ground_m(terrain, fire.lat_deg, fire.lon_deg))
    weather = scene.weather
    shape = PlumeShape(
        seed=scene.seed,
        wind_m_s=weather.wind_m_s,
        wind_to_deg=weather.wind_to_deg,
        rise_m_s=fire.rise_m_s,
        source_radius_m=fire.source_radius_m,
        spread=fire.spread,
        density=fire.density,
        growth_s=fire.growth_s,
    )
    grey = np.array([0.93, 0.92, 0.90], np.float32)
    emitters = [Emitter(place, Plume(shape), fire.ignition_s, grey, of_fire=True)]
    if fire.flames:
        flame = replace(
            shape, seed=scene.seed + 1, rise_m_s=10.0, spread=0.04, density=1.6, life_s=1.1,
            puffs_per_s=26.0, source_radius_m=fire.source_radius_m * 1.3, gustiness=0.5,
        )  # fmt: skip
        emitters.append(Emitter(place, Plume(flame), fire.ignition_s, grey, of_fire=True, is_flame=True))
    return emitters


def chimney_emitter(scene: Scene, chimney: Chimney, terrain: Terrain, number: int) -> Emitter:
    """Steam that leaves the top of the stack for ever."""
    top = ground_m(terrain, chimney.lat_deg, chimney.lon_deg) + chimney.stack_m
    shape = PlumeShape(
        seed=scene.seed + 11 + number, wind_m_s=scene.weather.wind_m_s * 1.3,
        wind_to_deg=scene.weather.wind_to_deg, rise_m_s=2.6, source_radius_m=2.5, spread=0.12,
        density=chimney.density, growth_s=0, life_s=38, puffs_per_s=5,
    )  # fmt: skip
    place = Position(chimney.lat_deg, chimney.lon_deg, top)
    return Emitter(place, Plume(shape), 0.0, np.array([0.95, 0.94, 0.93], np.float32))


def dust_emitter(scene: Scene, dust: Dust, terrain: Terrain) -> Emitter:
    """The tan veil behind a tractor."""
    start = Position(
        dust.from_lat_deg, dust.from_lon_deg, ground_m(terrain, dust.from_lat_deg, dust.from_lon_deg)
    )
    end = Position(dust.to_lat_deg, dust.to_lon_deg, ground_m(terrain, dust.to_lat_deg, dust.to_lon_deg))
    shape = PlumeShape(
        seed=scene.seed + 21, wind_m_s=scene.weather.wind_m_s * 0.8, wind_to_deg=scene.weather.wind_to_deg,
        rise_m_s=0.9, source_radius_m=3.2, spread=0.3, density=0.9, growth_s=3, life_s=14, puffs_per_s=6,
    )  # fmt: skip
    tan = np.array([0.52, 0.66, 0.78], np.float32)
    return Emitter(
        start, Plume(shape), dust.start_s, tan, track=Track.over(terrain, start, end, dust.speed_m_s)
    )


class EmitterView:
    """One emitter as one camera sees it."""

    def __init__(
        self, emitter: Emitter, scene: Scene, camera: CameraModel, landscape: Landscape, light: Sunlight
    ) -> None:
        self.emitter = emitter
        self._camera = camera
        self._offset = enu_m(camera.position, emitter.place)
        east, north, _ = self._offset
        self.range_m = math.hypot(east, north)
        # Ground a little in front of the source does not hide it: it rises from among the trees.
        nearest_m = self.range_m
        if emitter.track is not None:
            nearest_m = float(np.hypot(east + emitter.track.east_m, north + emitter.track.north_m).min())
        open_share = (landscape.range_m > 0.99 * nearest_m - 12).astype(np.float32)
        self.open_share = cv2.resize(
            open_share, (camera.width_px, camera.height_px), interpolation=cv2.INTER_AREA
        )
        haze = haze_share(self.range_m, emitter.place.height_m, scene)
        self._clear, self._air = 1 - haze, light.air * haze
        azimuth = math.radians(camera.pose.azimuth_deg)
        right = light.east * math.cos(azimuth) - light.north * math.sin(azimuth)
        front = -(light.east * math.sin(azimuth) + light.north * math.cos(azimuth))
        self._sun = (right, -max(light.up, 0.25), front)
        # Against the sun smoke shines, with the sun behind the camera it is a plain grey-white.
        through = 1 + 0.5 * max(0.0, -front) ** 3
        self._sunny = emitter.colour * light.sun * np.float32(0.235 * through)
        self._shady = emitter.colour * light.sky * np.float32(0.26)
        self.pixel = camera.project(emitter.place)

    def layer(self, time_s: float, until_s: float, strength: float) -> SmokeLayer | None:
        """Its puffs in the picture at `time_s`, as if nothing stood in front. After `until_s` it sends out no
        more; `strength` 0..1 thins it all."""
        puffs = self.emitter.plume.puffs(time_s - self.emitter.starts_s)
        projected = self._project(puffs, until_s - self.emitter.starts_s, strength)
        return paint(projected, self._camera.width_px, self._camera.height_px, self._sun)

    def lay_over(self, picture: Field, layer: SmokeLayer, fire_light: float) -> Field:
        """Blend the layer into the picture in place; returns its visible opacity (at the layer's place)."""
        rows, columns = layer.alpha.shape
        place = (slice(layer.y_px, layer.y_px + rows), slice(layer.x_px, layer.x_px + columns))
        alpha = np.asarray(layer.alpha * self.open_share[place], np.float32)
        if self.emitter.is_flame:
            heat = alpha[..., None]
            colour = np.array([0.10, 0.55, 1.9], np.float32) + heat**2 * np.array([0.5, 1.2, 0.8], np.float32)
            picture[place] += heat * colour
            return alpha
        light = layer.light[..., None]
        lit = self._sunny * (1.55 * light - 0.2) + self._shady * (0.5 + 0.5 * light)
        if fire_light > 0 and self.pixel is not None:
            y, x = np.mgrid[place].astype(np.float32)
            away = (
                np.hypot(x - self.pixel[0], (y - self.pixel[1]) * 0.8) * self.range_m / self._camera.focal_px
            )
            glow = (fire_light / (1 + (away / 22) ** 2))[..., None]
            lit = lit + glow * np.array([0.04, 0.16, 0.42], np.float32)
        colour = lit * self._clear + self._air
        picture[place] += alpha[..., None] * (colour - picture[place])
        return alpha

    def _project(self, puffs: Puffs, last_birth_s: float, strength: float) -> PixelPuffs:
        keep = puffs.born_s <= last_birth_s
        source = [np.full(int(keep.sum()), offset) for offset in self._offset]
        if self.emitter.track is not None:
            moved = self.emitter.track.at(puffs.born_s[keep])
            source = [offset + way for offset, way in zip(source, moved, strict=True)]
        east, north, up = puffs.east_m[keep] + source[0], puffs.north_m[keep] + source[1], source[2]
        up = up + puffs.up_m[keep]
        x, y, depth = self._camera.project_enu(east, north, up)
        near = depth > 1
        return PixelPuffs(
            x[near], y[near], (puffs.radius_m[keep] * self._camera.focal_px / np.maximum(depth, 1))[near],
            puffs.depth[keep][near] * strength, puffs.kind[keep][near], puffs.turn_rad[keep][near],
        )  # fmt: skip


def visible_box(alpha: Field, layer: SmokeLayer, least_px: int = 12) -> tuple[int, int, int, int] | None:
    """The box (x1, y1, x2, y2) around what can be seen of a layer, or None when that is next to nothing."""
    seen = alpha > VISIBLE_ALPHA
    if int(seen.sum()) < least_px:
        return None
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    return (
        layer.x_px + int(columns[0]),
        layer.y_px + int(rows[0]),
        layer.x_px + int(columns[-1]) + 1,
        layer.y_px + int(rows[-1]) + 1,
    )
