"""A tiny world to render: 3 km of invented hills, a small picture, a fire."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from geometry.position import Position, from_enu
from geometry.raster_terrain import RasterTerrain
from simulator.scene import Scene
from simulator.terrain import CENTRE, write_terrain


@pytest.fixture(scope="session")
def terrain_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("terrain") / "tiny.tif"
    write_terrain(path, seed=5, side_m=6000, cell_m=60, summit_m=250)
    return path


@pytest.fixture(scope="session")
def terrain(terrain_file: Path) -> RasterTerrain:
    return RasterTerrain.open(terrain_file)


def tiny_scene(terrain_file: Path, **changes: Any) -> Scene:
    """A camera 200 m above ground that looks down on a fire 800 m in front of it."""
    fire = from_enu(Position(CENTRE.lat_deg, CENTRE.lon_deg, 0), 0, 800, 0)
    raw: dict[str, Any] = {
        "name": "tiny",
        "title": "a tiny scene",
        "seed": 41,
        "terrain": terrain_file,
        "camera": {
            "id": "c1", "name": "one", "lat_deg": CENTRE.lat_deg, "lon_deg": CENTRE.lon_deg,
            "mast_height_m": 200, "azimuth_deg": 5, "tilt_deg": -8, "hfov_deg": 50,
        },
        "width_px": 256, "height_px": 144, "fps": 4, "duration_s": 6,
        "fire": {"lat_deg": fire.lat_deg, "lon_deg": fire.lon_deg, "ignition_s": 2, "growth_s": 3},
    }  # fmt: skip
    return Scene.model_validate({**raw, **changes})
