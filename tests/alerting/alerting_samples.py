"""Cameras, terrain, pictures and sightings for the tests of alerting, made up but geometrically true."""

from __future__ import annotations

import contextlib
import io
import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import config
from alerting.evidence import EvidenceStore
from alerting.gazetteer import Gazetteer
from alerting.grids import Grids
from alerting.intake import Evidence, Intake
from alerting.lifecycle import Stage
from alerting.placement import Placement
from alerting.store import Store
from detector.detection import Box, Detection, Label, Sighting
from geometry.camera import CameraModel, Pose
from geometry.position import Position, distance_m

WIDTH_PX, HEIGHT_PX = 1280, 720
ROOT = Path(__file__).parents[2]
POSTGRES_VARIABLE = "FIREWATCH_TEST_POSTGRES_URL"


class Bowl:
    """A wide valley, 200 m at its middle (23.1 N 116.4 E), rising 100 m a kilometre outwards."""

    def height_m(self, lat_deg: Any, lon_deg: Any) -> Any:
        north = (np.asarray(lat_deg, float) - 23.1) * 110_750
        east = (np.asarray(lon_deg, float) - 116.4) * 102_470
        return 200 + 0.1 * np.hypot(east, north)

    def at(self, lat_deg: float, lon_deg: float) -> Position:
        return Position(lat_deg, lon_deg, float(self.height_m(lat_deg, lon_deg)))


BOWL = Bowl()


def camera(
    camera_id: str = "north",
    lat_deg: float = 23.13,
    lon_deg: float = 116.4,
    azimuth_deg: float = 180.0,
    tilt_deg: float = -3.0,
    **more: Any,
) -> config.Camera:
    return config.Camera.model_validate(
        {
            "id": camera_id,
            "name": f"{camera_id} 瞭望塔",
            "source": f"rtsp://127.0.0.1/{camera_id}",
            "lat_deg": lat_deg,
            "lon_deg": lon_deg,
            "mast_height_m": 30,
            "pose": {"azimuth_deg": azimuth_deg, "tilt_deg": tilt_deg, "hfov_deg": 60},
            **more,
        }
    )


NORTH = camera("north", 23.13, 116.40, azimuth_deg=180)
WEST = camera("west", 23.10, 116.365, azimuth_deg=90)


def model_of(of: config.Camera, terrain: Any = BOWL) -> CameraModel:
    ground_m = float(terrain.height_m(of.lat_deg, of.lon_deg))
    pose = of.pose
    return CameraModel(
        Position(of.lat_deg, of.lon_deg, ground_m + of.mast_height_m),
        Pose(pose.azimuth_deg, pose.tilt_deg, pose.roll_deg, pose.hfov_deg),
        WIDTH_PX,
        HEIGHT_PX,
    )


_serial = itertools.count(1)


def sighting_of(
    fire: Position,
    of: config.Camera,
    at: datetime,
    *,
    label: Label = "smoke",
    size_px: float = 40,
    confidence: float = 0.8,
    probability: float | None = None,
    sighting_id: str | None = None,
    terrain: Any = BOWL,
) -> Sighting:
    """What camera `of` reports of a plume that stands on `fire`."""
    pixel = model_of(of, terrain).project(fire)
    assert pixel is not None
    seen = sighting_at(
        pixel, of, at, label=label, size_px=size_px, confidence=confidence, sighting_id=sighting_id
    )
    return replace(seen, probability=probability)


def sighting_at(
    base_px: tuple[float, float],
    of: config.Camera,
    at: datetime,
    *,
    label: Label = "smoke",
    size_px: float = 40,
    confidence: float = 0.8,
    sighting_id: str | None = None,
) -> Sighting:
    x, y = base_px
    box = Box(x - size_px / 2, y - size_px, x + size_px / 2, y)
    history = tuple(
        (at - timedelta(seconds=2 * back), Detection(label, confidence, box)) for back in range(5, -1, -1)
    )
    return Sighting(
        sighting_id=sighting_id or f"{of.id}-{next(_serial)}",
        camera_id=of.id,
        preset=None,
        label=label,
        confidence=confidence,
        first_seen_at=history[0][0],
        confirmed_at=at,
        box=box,
        width_px=WIDTH_PX,
        height_px=HEIGHT_PX,
        history=history,
        model_id="test-model",
        profile="balanced",
        reason="6 of 6 looks",
    )


def jpeg(width_px: int = 320, height_px: int = 180, seed: int = 0) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (height_px, width_px, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


PICTURES = Evidence(jpeg(seed=1), jpeg(seed=2))


def intake_into(
    store: Store,
    folder: Path | str,
    *,
    targets: tuple[str, ...] = ("dispatch",),
    grids: Grids | None = None,
    gazetteer: Gazetteer | None = None,
    terrain: Any = BOWL,
    **more: Any,
) -> Intake:
    return Intake(
        store,
        EvidenceStore(str(folder)),
        Placement(terrain, grids, gazetteer),
        targets=lambda _session: dict.fromkeys(targets, Stage.NOTIFY),
        config_version="c0ffee",
        **more,
    )


def apart_m(lat_deg: float | None, lon_deg: float | None, truth: Position) -> float:
    assert lat_deg is not None
    assert lon_deg is not None
    return distance_m(Position(lat_deg, lon_deg, 0), truth)


def fill(disk: Path) -> Path:
    """Leave no room on a disk; returns the file to delete to make room again."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    return filler
