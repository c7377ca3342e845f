"""What people built: roads on the ground, houses, a chimney's stack, and the lamps of the night."""

from __future__ import annotations

import itertools
import math

import cv2
import numpy as np
import numpy.typing as npt

from geometry.camera import CameraModel
from geometry.position import Position, enu_m, from_enu
from geometry.terrain import Terrain
from simulator.landscape import OVERSAMPLING, Canvas, Landscape, Sunlight
from simulator.scene import Road, Scene, Village, ground_m

Field = npt.NDArray[np.float32]
LAMP_GROUPS = 3


def road_share(roads: tuple[Road, ...], foot: Position, east: Field, north: Field) -> Field:
    """1 on a road, 0 off it, soft at its edges, for places in metres from the camera's foot."""
    share = np.zeros(east.shape, np.float32)
    for road in roads:
        points = [enu_m(foot, Position(lat, lon, foot.height_m))[:2] for lat, lon in road.places]
        for (e0, n0), (e1, n1) in itertools.pairwise(points):
            length2 = (e1 - e0) ** 2 + (n1 - n0) ** 2
            along = np.clip(((east - e0) * (e1 - e0) + (north - n0) * (n1 - n0)) / length2, 0, 1)
            away = np.hypot(east - e0 - along * (e1 - e0), north - n0 - along * (n1 - n0))
            np.maximum(share, np.clip((road.width_m / 2 + 0.7 - away) / 1.4, 0, 1), out=share)
    return share


def pave(canvas: Canvas, scene: Scene, light: Sunlight, sun: Field) -> None:
    """Lay the scene's roads over the painted ground."""
    if not scene.roads:
        return
    share = road_share(scene.roads, canvas.camera.position, canvas.east_m, canvas.north_m)[..., None]
    soil = np.array([0.16, 0.22, 0.29], np.float32)
    canvas.sky_lit += share * (soil * light.sky - canvas.sky_lit)
    canvas.sun_lit += share * (soil * light.sun * sun[..., None] - canvas.sun_lit)


def house_places(village: Village, seed: int) -> list[tuple[Position, float, float]]:
    """Places, widths and heights of a village's houses (height of the place left at 0)."""
    rng = np.random.default_rng([seed, round(village.lat_deg * 1e5), round(village.lon_deg * 1e5)])
    middle = Position(village.lat_deg, village.lon_deg, 0.0)
    houses = []
    for _ in range(village.houses):
        away = village.radius_m * math.sqrt(rng.uniform())
        turn = rng.uniform(0, 2 * math.pi)
        place = from_enu(middle, away * math.cos(turn) * 1.6, away * math.sin(turn) * 0.8, 0)
        houses.append((place, float(rng.uniform(8, 17)), float(rng.choice([3.5, 7, 7, 10, 13]))))
    return houses


def build(canvas: Canvas, scene: Scene, terrain: Terrain, light: Sunlight) -> None:
    """Paint houses and stacks, far ones first."""
    things: list[tuple[Position, float, float, npt.NDArray[np.float64]]] = []
    rng = np.random.default_rng([scene.seed, 12])
    walls = np.array([[0.42, 0.45, 0.48], [0.52, 0.54, 0.55], [0.30, 0.36, 0.44], [0.24, 0.27, 0.30]])
    for village in scene.villages:
        for place, width, height in house_places(village, scene.seed):
            things.append((place, width, height, walls[rng.integers(len(walls))]))
    for chimney in scene.chimneys:
        place = Position(chimney.lat_deg, chimney.lon_deg, 0)
        things.append((place, 0.1 * chimney.stack_m, chimney.stack_m, np.array([0.30, 0.33, 0.40])))
        for aside, wide, tall in ((-45.0, 70.0, 14.0), (40.0, 50.0, 20.0), (75.0, 40.0, 10.0)):
            things.append((from_enu(place, aside, 8, 0), wide, tall, np.array([0.40, 0.38, 0.36])))
    placed = []
    for place, width, height, colour in things:
        ground = ground_m(terrain, place.lat_deg, place.lon_deg)
        east, north, up = enu_m(canvas.camera.position, Position(place.lat_deg, place.lon_deg, ground))
        placed.append((math.hypot(east, north), east, north, up, width, height, colour))
    for range_m, east, north, up, width, height, colour in sorted(placed, key=lambda p: -p[0]):
        x, y, depth = (float(v) for v in canvas.camera.project_enu(east, north, up))
        if depth > 0:
            scale = canvas.camera.focal_px / depth * OVERSAMPLING
            box = (x * OVERSAMPLING - width * scale / 2, y * OVERSAMPLING - height * scale,
                   x * OVERSAMPLING + width * scale / 2, y * OVERSAMPLING + 0.3 * scale)  # fmt: skip
            _paint_house(canvas, box, range_m, colour, light)


def _paint_house(
    canvas: Canvas,
    box: tuple[float, float, float, float],
    range_m: float,
    colour: npt.NDArray[np.float64],
    light: Sunlight,
) -> None:
    x0, y0, x1, y1 = (round(v) for v in box)
    rows, columns = canvas.range_m.shape
    x0, y0, x1, y1 = max(0, x0), max(0, y0), min(columns, max(x1, x0 + 1)), min(rows, max(y1, y0 + 1))
    if x1 <= x0 or y1 <= y0:
        return
    ranges = canvas.range_m[y0:y1, x0:x1]
    seen = ranges > range_m * 0.985 - 6
    height, width = seen.shape
    tone = np.ones((height, width, 1), np.float32)
    tone[:, int(width * 0.62) :] = 0.6  # the wall round the corner
    tone[: max(1, height // 5)] = 0.55  # roof
    if height >= 9 and width >= 9:
        tone[height // 3 :: max(4, height // 3), 2::4] *= 0.5  # windows
    wall = (colour * 0.8).astype(np.float32)
    for layer, source, share in ((canvas.sky_lit, light.sky, 0.8), (canvas.sun_lit, light.sun, 0.5)):
        patch = layer[y0:y1, x0:x1]
        patch[seen] = (tone * wall * source * np.float32(share))[seen]
    ranges[seen] = range_m


def lamps(scene: Scene, terrain: Terrain, camera: CameraModel, landscape: Landscape) -> list[Field]:
    """Lamps of the villages with the glow around them, in groups that flicker apart; empty by day."""
    if not scene.light.night or not scene.villages:
        return []
    rng = np.random.default_rng([scene.seed, 55])
    groups = [np.zeros((camera.height_px, camera.width_px, 3), np.float32) for _ in range(LAMP_GROUPS)]
    colours = np.array([[0.20, 0.55, 1.0], [0.35, 0.72, 1.0], [0.75, 0.95, 1.0], [1.0, 0.95, 0.85]])
    for village in scene.villages:
        for place, _, tall in house_places(village, scene.seed):
            ground = ground_m(terrain, place.lat_deg, place.lon_deg)
            spot = Position(place.lat_deg, place.lon_deg, ground + min(tall, 6) * float(rng.uniform(0.4, 1)))
            pixel = camera.project(spot)
            lit, strength = rng.uniform() < 0.75, float(np.exp(rng.normal(0.1, 0.7)))
            colour = colours[rng.integers(len(colours))]
            if pixel is None or not lit:
                continue
            x, y = round(pixel[0]), round(pixel[1])
            if not (1 <= x < camera.width_px - 1 and 1 <= y < camera.height_px - 1):
                continue
            range_m = math.hypot(*enu_m(camera.position, spot)[:2])
            patch = landscape.range_m[y * OVERSAMPLING - 2 : y * OVERSAMPLING + 3, x * OVERSAMPLING]
            if float(patch.max()) < range_m * 0.98 - 12:
                continue
            group = groups[int(rng.integers(LAMP_GROUPS))]
            group[y, x] += (colour * strength * 2.2 * (2500 / max(range_m, 600)) ** 1.2).astype(np.float32)
    spread = []
    for group in groups:
        near = cv2.GaussianBlur(group, (0, 0), 0.8)
        wide = cv2.GaussianBlur(group, (0, 0), 4.0) * 3.0 + cv2.GaussianBlur(group, (0, 0), 18.0) * 6.0
        spread.append(np.asarray(near + wide, np.float32))
    return spread
