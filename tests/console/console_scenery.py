"""A small drawn district: cameras on the demo's terrain, grids, pictures, and fires at known places.

Pictures are painted through the project's camera model, so that a fire drawn at a coordinate is located
there again. Not for judging a detector.
"""

from __future__ import annotations

import functools
import io
import json
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

import config
from alerting.intake import Evidence, IncidentRef, Intake
from alerting.latest import LatestPictures
from alerting.store import Store
from detector.detection import Box, Detection, Label, Sighting
from geometry.camera import CameraModel, Pose
from geometry.position import Position, enu_m, geodetic_of_enu
from geometry.raster_terrain import RasterTerrain
from geometry.terrain import intersect

TERRAIN = Path(__file__).parents[2] / "sample_videos" / "terrain.tif"
PLACES = Path(__file__).parents[2] / "config" / "demo_places.geojson"
WIDTH_PX, HEIGHT_PX = 1280, 720

MASTS = (
    ("dns-01", "大南山主峰 · 东北向", 23.0750, 116.4225, 35.0, 62.0),
    ("dns-02", "大南山主峰 · 西向", 23.0750, 116.4225, 285.0, 62.0),
    ("shk-01", "石壳岭瞭望塔", 23.1000, 116.3950, 80.0, 55.0),
    ("xlk-01", "仙罗坑防火站", 23.1275, 116.3700, 120.0, 60.0),
    ("dpt-01", "大坪铁塔", 23.1150, 116.3325, 100.0, 58.0),
    ("ltz-01", "雷头嶂", 23.1325, 116.4750, 225.0, 60.0),
    ("hbs-01", "红卜寺水库", 23.0475, 116.3450, 20.0, 60.0),
    ("lhs-01", "莲花山南坡", 23.1275, 116.4075, 190.0, 57.0),
)
VILLAGES = ("上寮", "下寮", "坪上", "石井", "林樟", "盘龙", "古岭", "大窝", "水吼", "仙庵", "兵营", "新寮")


def make_deployment(folder: Path, *, targets: bool = True) -> config.Deployment:
    grids = folder / "grids.geojson"
    grids.write_text(json.dumps(grid_file(), ensure_ascii=False), encoding="utf-8")
    return config.Deployment(
        name="大南山林火视频监测中心",
        cameras=tuple(
            config.Camera(
                id=id_,
                name=name,
                source=config.SecretSource(f"rtsp://viewer:s3cret-of-{id_}@10.9.8.7:554/{id_}"),
                lat_deg=lat,
                lon_deg=lon,
                mast_height_m=24,
                pose=config.Pose(azimuth_deg=azimuth, tilt_deg=-6, hfov_deg=hfov),
            )
            for id_, name, lat, lon, azimuth, hfov in MASTS
        ),
        terrain=TERRAIN,
        grids=grids,
        gazetteer=PLACES,
        dispatch=(
            config.DispatchTarget(
                id="county", name="县森防指挥部", url="http://127.0.0.1:9/alerts", secret="drawn-secret"
            ),
        )
        if targets
        else (),
        storage=config.Storage(
            database_url=config.SecretSource(f"sqlite:///{folder}/store.db"),
            evidence=str(folder / "evidence"),
        ),
    )


def grid_file() -> dict[str, object]:
    """An irregular lattice of 5 x 5 grids in villages, two towns and a district."""
    random = np.random.default_rng(7)
    side = 5
    lat = np.linspace(23.035, 23.165, side + 1)[:, None] + random.uniform(-0.006, 0.006, (side + 1, side + 1))
    lon = np.linspace(116.32, 116.48, side + 1)[None, :] + random.uniform(-0.007, 0.007, (side + 1, side + 1))
    features: list[object] = [
        _area("district", "445299", "普侨区", None, None, [("林局长", "区森防办主任", "0663-0000001")]),
        _area("town", "445299101", "大南山街道", "445299", None, [("陈站长", "林业站站长", "138-0000-1001")]),
        _area("town", "445299102", "南溪镇", "445299", None, [("黄站长", "林业站站长", "138-0000-1002")]),
    ]
    for index, name in enumerate(VILLAGES):
        town = "445299101" if index < 6 else "445299102"
        contact = [(f"{'陈林黄吴郑李'[index % 6]}书记", "村书记", f"139-0000-20{index:02d}")]
        features.append(_area("village", f"{town}{200 + index}", f"{name}村", town, None, contact))
    for row in range(side):
        for column in range(side):
            index = (row * side + column) // 2 % 12
            town = "445299101" if index < 6 else "445299102"
            corners = [
                (row, column),
                (row, column + 1),
                (row + 1, column + 1),
                (row + 1, column),
                (row, column),
            ]
            ring = [[round(float(lon[r, c]), 5), round(float(lat[r, c]), 5)] for r, c in corners]
            name = f"{VILLAGES[index]}第{'一二三四五六七八九十'[(row * side + column) % 10]}网格"
            contact = [
                (f"{'张王刘杨周徐孙'[(row + column) % 7]}护林员", "护林员", f"137-0000-3{row}{column}0")
            ]
            code = f"{town}{200 + index}{row}{column}"
            features.append(_area("grid", code, name, f"{town}{200 + index}", ring, contact))
    return {"type": "FeatureCollection", "features": features}


def _area(
    level: str,
    code: str,
    name: str,
    parent: str | None,
    ring: list[list[float]] | None,
    contacts: list[tuple[str, str, str]],
) -> dict[str, object]:
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]} if ring else None,
        "properties": {
            "level": level,
            "code": code,
            "name": name,
            "parent": parent,
            "contacts": [{"name": who, "role": role, "phone": phone} for who, role, phone in contacts],
        },
    }


@dataclass(frozen=True)
class Fire:
    """A fire that a camera sees: where it is in the world and in the picture."""

    position: Position
    x_px: float
    y_px: float
    range_m: float

    @property
    def box(self) -> Box:
        height = min(300.0, 260_000 / self.range_m)
        return Box(self.x_px - height * 0.35, self.y_px - height, self.x_px + height * 0.6, self.y_px + 4)


class Scenery:
    """Paints what the cameras of a deployment see, and reports fires as the detector would."""

    def __init__(self, deployment: config.Deployment, store: Store) -> None:
        assert deployment.terrain is not None
        self.deployment = deployment
        self.terrain = _terrain(deployment.terrain)
        self.intake = Intake.from_deployment(store, deployment)
        self.latest = LatestPictures(deployment.storage.evidence)

    def model(self, camera_id: str) -> CameraModel:
        camera = self.deployment.camera(camera_id)
        ground_m = float(self.terrain.height_m(camera.lat_deg, camera.lon_deg))
        pose = camera.pose
        return CameraModel(
            Position(camera.lat_deg, camera.lon_deg, ground_m + camera.mast_height_m),
            Pose(pose.azimuth_deg, pose.tilt_deg, pose.roll_deg, pose.hfov_deg),
            WIDTH_PX,
            HEIGHT_PX,
        )

    def fire_at(self, camera_id: str, x_px: float, y_px: float) -> Fire:
        model = self.model(camera_id)
        hit = intersect(self.terrain, model.position, model.ray(x_px, y_px))
        assert hit is not None, "this pixel looks into the sky"
        return Fire(hit.position, x_px, y_px, hit.range_m)

    def fire_seen_from(self, camera_id: str, position: Position) -> Fire | None:
        """The same fire in another camera's picture; hills between are not checked."""
        model = self.model(camera_id)
        pixel = model.project(position)
        if pixel is None or not (60 < pixel[0] < WIDTH_PX - 60 and 60 < pixel[1] < HEIGHT_PX):
            return None
        return Fire(position, *pixel, range_m=math.hypot(*_level_m(model.position, position)))

    def sight(
        self, camera_id: str, fire: Fire, at: datetime, *, label: Label = "smoke", confidence: float = 0.87
    ) -> IncidentRef:
        """Report `fire` as confirmed by this camera at `at`, with painted evidence."""
        sighting, evidence = self.seen(camera_id, fire, at, label=label, confidence=confidence)
        return self.intake.accept(sighting, evidence, self.deployment.camera(camera_id))

    def seen(
        self, camera_id: str, fire: Fire, at: datetime, *, label: Label = "smoke", confidence: float = 0.87
    ) -> tuple[Sighting, Evidence]:
        """What a worker makes of it."""
        detection = Detection(label, confidence, fire.box)
        history = tuple(
            (at - timedelta(seconds=s), Detection(label, confidence - 0.004 * s, fire.box.widened(-0.01 * s)))
            for s in range(40, -1, -8)
        )
        sighting = Sighting(
            sighting_id=f"sight-{camera_id}-{at.timestamp():.0f}",
            camera_id=camera_id,
            preset=None,
            label=label,
            confidence=confidence,
            first_seen_at=history[0][0],
            confirmed_at=at,
            box=detection.box,
            width_px=WIDTH_PX,
            height_px=HEIGHT_PX,
            history=history,
            model_id="drawn/0",
            profile="balanced",
            reason="evidence 9.1 score-seconds over 40 s",
        )
        picture = self.paint(camera_id, fire)
        return sighting, Evidence(jpeg(picture), jpeg(_with_box(picture, fire.box)))

    def write_latest(self, camera_id: str, at: datetime, fire: Fire | None = None) -> None:
        picture = _small(self.paint(camera_id, fire)) if fire else self._calm(camera_id)
        self.latest.write(camera_id, picture, at)

    def _calm(self, camera_id: str) -> bytes:
        assert self.deployment.terrain is not None
        return _calm_picture(self.model(camera_id), self.deployment.terrain)

    def paint(self, camera_id: str, fire: Fire | None = None) -> Image.Image:
        assert self.deployment.terrain is not None
        picture = _landscape(self.model(camera_id), self.deployment.terrain).copy()
        return _with_smoke(picture, fire) if fire else picture


def jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def _small(picture: Image.Image) -> bytes:
    return jpeg(picture.resize((960, 540)))


def _level_m(a: Position, b: Position) -> tuple[float, float]:
    east, north, _ = enu_m(a, b)
    return east, north


_terrain = functools.cache(RasterTerrain.open)


@functools.cache  # a second of work for all cameras, and the same hills in every test
def _landscape(model: CameraModel, terrain_file: Path) -> Image.Image:
    """Hills, each fainter the farther it is: of all ground above a picture row, the nearest is seen."""
    terrain = _terrain(terrain_file)
    ranges_m = np.geomspace(60, 15_000, 190)[:, None]
    right = (np.arange(WIDTH_PX) + 0.5 - WIDTH_PX / 2) / model.focal_px
    azimuth = math.radians(model.pose.azimuth_deg) + np.arctan(right)
    east, north = ranges_m * np.sin(azimuth), ranges_m * np.cos(azimuth)
    lat, lon, _ = geodetic_of_enu(model.position, east, north, 0 * east)
    _, y, _ = model.project_positions(lat, lon, np.nan_to_num(terrain.height_m(lat, lon), nan=0.0))
    haze = 1 - np.exp(-ranges_m / 6500)[:, :, None]
    light = np.clip(0.85 + 0.12 * np.gradient(y, axis=1), 0.45, 1.25)[:, :, None]
    ground = np.array([48, 66, 40]) * light * (1 - haze) + np.array([176, 190, 202]) * haze
    rows = np.arange(HEIGHT_PX)
    sky = np.array([142, 172, 205]) + np.array([74, 48, 22]) * np.clip(rows[:, None] / 330, 0, 1)
    layers = np.concatenate([ground, np.zeros((1, WIDTH_PX, 3))])
    skyline = np.minimum.accumulate(y, axis=0)
    seen = np.stack(
        [np.searchsorted(-skyline[:, column], -rows, side="left") for column in range(WIDTH_PX)], axis=1
    )
    picture = layers[seen, np.arange(WIDTH_PX)]
    picture = np.where((seen == len(ranges_m))[:, :, None], sky[:, None, :], picture)
    picture += np.random.default_rng(3).normal(0, 5, (HEIGHT_PX, WIDTH_PX, 1))
    painted = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8), "RGB")
    return painted.filter(ImageFilter.GaussianBlur(0.8))


@functools.cache
def _calm_picture(model: CameraModel, terrain_file: Path) -> bytes:
    return _small(_landscape(model, terrain_file))


def _with_smoke(picture: Image.Image, fire: Fire) -> Image.Image:
    random = np.random.default_rng(int(fire.x_px))
    box = fire.box
    mask = Image.new("L", picture.size)
    draw = ImageDraw.Draw(mask)
    for step in np.linspace(0, 1, 60):
        radius = box.height_px * (0.05 + 0.16 * step) * random.uniform(0.6, 1.1)
        x = fire.x_px + box.width_px * 0.45 * step**1.4 + random.normal(0, radius * 0.45)
        y = fire.y_px - box.height_px * 0.9 * step + random.normal(0, radius * 0.3)
        shade = int(215 * (1 - 0.75 * step))
        draw.ellipse((x - radius, y - radius * 0.8, x + radius, y + radius * 0.8), fill=shade)
    mask = mask.filter(ImageFilter.GaussianBlur(box.height_px * 0.045))
    return Image.composite(Image.new("RGB", picture.size, (214, 216, 218)), picture, mask)


def _with_box(picture: Image.Image, box: Box) -> Image.Image:
    drawn = picture.copy()
    ImageDraw.Draw(drawn).rectangle((box.x1, box.y1, box.x2, box.y2), outline=(255, 190, 0), width=3)
    return drawn
