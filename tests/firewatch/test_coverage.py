"""`firewatch coverage`: areas that can be worked out by hand, and the demo's own hills."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image
from test_command import ROOT, firewatch

import config
from alerting.coverage import cover
from geometry.terrain import FlatTerrain

BOUNDS = (116.2, 22.9, 116.6, 23.3)


def camera(camera_id: str, azimuth_deg: float, **more: Any) -> config.Camera:
    pose = {"azimuth_deg": azimuth_deg, "tilt_deg": 0, "hfov_deg": 60}
    return config.Camera.model_validate(
        {
            "id": camera_id,
            "name": camera_id,
            "source": "rtsp://10.0.0.1/x",
            "lat_deg": 23.1,
            "lon_deg": 116.4,
            "ground_height_m": 100,
            "mast_height_m": 30,
            "pose": pose,
            **more,
        }
    )


def test_on_flat_ground_a_camera_sees_the_sector_of_its_picture() -> None:
    found = cover([camera("a", 90)], FlatTerrain(0), BOUNDS, None, max_range_m=5_000, cell_m=30)
    (view,) = found.views
    nearest_m = 130 / (
        1080 / 1920 * math.tan(math.radians(30))
    )  # where the picture's lower edge meets ground
    sector_km2 = math.radians(60) / 2 * (5.0**2 - (nearest_m / 1000) ** 2)
    assert view.ground.sum() * found.frame.cell_km2 == pytest.approx(sector_km2, rel=0.03)
    assert found.share(found.count > 0) == pytest.approx(sector_km2 / (math.pi * 25), rel=0.03)


def test_presets_count_as_one_camera_and_overlap_is_that_of_two() -> None:
    presets = [{"id": "p", "name": "p", "pose": {"azimuth_deg": 270, "tilt_deg": 0, "hfov_deg": 60}}]
    turning, fixed = camera("turning", 90, presets=presets), camera("fixed", 270)
    found = cover([turning, fixed], FlatTerrain(0), BOUNDS, None, max_range_m=3_000, cell_m=40)
    both, one = found.views
    assert both.ground.sum() == pytest.approx(2 * one.ground.sum(), rel=0.02)
    assert (found.count == 2).sum() == one.ground.sum()


def test_the_command_writes_map_picture_and_figures_for_the_demo(tmp_path: Path) -> None:
    answer = firewatch("coverage", "config/demo.yaml", "--cell-m", "100", "--out", str(tmp_path))
    assert answer.returncode == 0, answer.stderr
    assert "the 20 of 64 grids least seen" in answer.stdout
    figures = json.loads((tmp_path / "coverage.json").read_text(encoding="utf-8"))
    assert len(figures["cameras"]) == 9
    assert len(figures["grids"]) == 64
    assert figures["ground_seen_share"] < figures["smoke_seen_share"]
    assert figures["smoke_seen_share"] + figures["blind_share"] == pytest.approx(1, abs=1e-3)
    collection = json.loads((tmp_path / "coverage.geojson").read_text(encoding="utf-8"))
    roles = [one["properties"]["role"] for one in collection["features"]]
    assert roles.count("view") == 9
    assert {"overlap", "smoke_only", "blind_spot"} <= set(roles)
    with Image.open(tmp_path / "coverage.png") as picture:
        assert min(picture.size) > 150


def test_where_the_sample_videos_burn_their_cameras_are_said_to_see() -> None:
    import shapely
    from shapely.geometry import shape

    from firewatch.coverage_files import geojson
    from geometry.raster_terrain import RasterTerrain

    data = yaml.safe_load((ROOT / "config" / "demo.yaml").read_text(encoding="utf-8"))
    cameras = [config.Camera.model_validate({**one, "source": "rtsp://h/x"}) for one in data["cameras"]]
    terrain = RasterTerrain.open(ROOT / "sample_videos" / "terrain.tif")
    found = cover(cameras, terrain, terrain.bounds_deg, None, cell_m=30)
    views = {
        one["properties"]["camera_id"]: shape(one["geometry"])
        for one in geojson(found)["features"]
        if one["properties"]["role"] == "view"
    }
    seen = 0
    for truth in (ROOT / "sample_videos").glob("*.json"):
        scene = json.loads(truth.read_text(encoding="utf-8"))
        hazard = scene.get("hazard")
        if hazard and truth.stem in views:
            point = shapely.Point(hazard["lon_deg"], hazard["lat_deg"])
            assert views[truth.stem].distance(point) < 0.0006, truth.stem
            seen += 1
    assert seen >= 4


def test_without_a_terrain_the_command_says_what_is_missing(tmp_path: Path) -> None:
    data = yaml.safe_load((ROOT / "config" / "demo.yaml").read_text(encoding="utf-8"))
    del data["terrain"], data["grids"], data["gazetteer"]
    file = tmp_path / "flat.yaml"
    file.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    answer = firewatch("coverage", str(file))
    assert answer.returncode != 0
    assert "names no terrain" in answer.stderr
