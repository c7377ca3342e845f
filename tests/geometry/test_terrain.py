"""Elevation models and where rays meet the ground."""

from __future__ import annotations

import doctest
import math
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.transform import from_origin

import geometry.terrain
from geometry.camera import CameraModel, Pose, Ray, points_on_ray
from geometry.position import MEAN_RADIUS_M, Position, distance_m, from_enu
from geometry.raster_terrain import RasterTerrain
from geometry.terrain import FlatTerrain, TerrainError, intersect

WGS84 = CRS.from_epsg(4326)
UTM50 = CRS.from_epsg(32650)
CELL_DEG = 0.0003


def hills(rows: int = 300, columns: int = 300) -> RasterTerrain:
    """Smooth hills of a few hundred metres around 23.1 N 116.4 E."""
    y, x = np.mgrid[:rows, :columns]
    heights = 300 + 120 * np.sin(x / 17) * np.cos(y / 23) + 60 * np.sin(x / 7 + y / 11)
    transform = from_origin(116.4 - columns / 2 * CELL_DEG, 23.1 + rows / 2 * CELL_DEG, CELL_DEG, CELL_DEG)
    return RasterTerrain(heights, transform, WGS84)


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(geometry.terrain).failed == 0


def test_heights_are_exact_at_cell_middles_and_linear_between_them() -> None:
    terrain = RasterTerrain([[10, 20], [30, 40]], from_origin(116, 24, 0.5, 0.5), WGS84)
    assert terrain.height_m(23.75, 116.25) == pytest.approx(10)
    assert terrain.height_m([23.75, 23.25], [116.5, 116.75]) == pytest.approx([15, 40])
    assert terrain.height_m(23.5, 116.5) == pytest.approx(25)


def test_heights_outside_the_model_and_at_missing_cells_are_nan() -> None:
    terrain = RasterTerrain([[10, math.nan, 5], [30, 40, 5]], from_origin(116, 24, 0.5, 0.5), WGS84)
    assert np.isnan(terrain.height_m([25.0, 23.5, 23.5], [116.5, 116.5, 119])).tolist() == [True, True, True]


def test_a_file_in_utm_gives_the_same_heights_as_one_in_degrees(tmp_path: Path) -> None:
    def write(name: str, crs: CRS, transform: rasterio.Affine, heights: np.ndarray) -> Path:
        path = tmp_path / name
        profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "crs": crs, "transform": transform}
        with rasterio.open(path, "w", width=heights.shape[1], height=heights.shape[0], **profile) as target:
            target.write(heights.astype(np.float32), 1)
        return path

    plane_m = lambda lat, lon: 200 + 4000 * (lat - 23.1) - 3000 * (lon - 116.4)  # noqa: E731
    lat, lon = np.meshgrid(
        23.2 - (np.arange(200) + 0.5) * 0.001, 116.3 + (np.arange(200) + 0.5) * 0.001, indexing="ij"
    )
    degrees = write("degrees.tif", WGS84, from_origin(116.3, 23.2, 0.001, 0.001), plane_m(lat, lon))
    eastings, northings = np.meshgrid(
        430_000 + 50 + 100 * np.arange(150), 2_562_000 - 50 - 100 * np.arange(150)
    )
    lons, lats = rasterio.warp.transform(UTM50, WGS84, eastings.ravel(), northings.ravel())
    metres = write(
        "metres.tif",
        UTM50,
        from_origin(430_000, 2_562_000, 100, 100),
        plane_m(np.array(lats), np.array(lons)).reshape(eastings.shape),
    )
    places = ([23.1, 23.09, 23.12], [116.4, 116.41, 116.38])
    assert RasterTerrain.open(metres).height_m(*places) == pytest.approx(
        RasterTerrain.open(degrees).height_m(*places), abs=0.05
    )


def test_no_data_cells_of_a_file_become_nan(tmp_path: Path) -> None:
    path = tmp_path / "gap.tif"
    heights = np.full((4, 4), 100, np.int16)
    heights[1, 1] = -32768
    profile = {"driver": "GTiff", "dtype": "int16", "count": 1, "nodata": -32768, "crs": WGS84}
    with rasterio.open(path, "w", width=4, height=4, transform=from_origin(0, 4, 1, 1), **profile) as target:
        target.write(heights, 1)
    terrain = RasterTerrain.open(path)
    assert np.isnan(terrain.height_m(2.5, 1.5))
    assert terrain.height_m(0.5, 3.5) == 100


def test_a_file_that_is_not_a_raster_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "notes.tif"
    path.write_text("no raster")
    with pytest.raises(TerrainError, match=r"notes\.tif.*cannot be read"):
        RasterTerrain.open(path)
    with pytest.raises(TerrainError, match=r"missing\.tif"):
        RasterTerrain.open(tmp_path / "missing.tif")


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_raster_without_coordinate_system_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "bare.tif"
    with rasterio.open(path, "w", driver="GTiff", dtype="int16", count=1, width=3, height=3) as target:
        target.write(np.zeros((3, 3), np.int16), 1)
    with pytest.raises(TerrainError, match=r"no coordinate system.*gdal_edit"):
        RasterTerrain.open(path)


@pytest.mark.parametrize("azimuth", range(0, 360, 30))
@pytest.mark.parametrize("elevation", [-12, -5, -2])
def test_intersection_agrees_with_a_brute_force_walk(azimuth: float, elevation: float) -> None:
    terrain, origin, ray = hills(), Position(23.1, 116.4, 520), Ray(azimuth, elevation)
    hit = intersect(terrain, origin, ray, max_range_m=3500)
    ranges = np.arange(20, 3500, 0.25)
    lat, lon, height = points_on_ray(origin, ray, ranges)
    under = np.flatnonzero(height <= terrain.height_m(lat, lon))
    if under.size == 0:
        assert hit is None
    else:
        assert hit is not None
        assert hit.range_m == pytest.approx(ranges[under[0]], abs=0.3)
        ground = terrain.height_m(hit.position.lat_deg, hit.position.lon_deg)
        assert hit.position.height_m == pytest.approx(float(ground), abs=0.05)


def test_a_place_on_the_ground_is_found_again_from_its_pixel() -> None:
    terrain, mast = hills(), Position(23.1, 116.4, 560)
    camera = CameraModel(mast, Pose(30, -8, 1, 70), 1280, 720)
    place = from_enu(mast, 500, 1100, 0)
    ground = Position(place.lat_deg, place.lon_deg, float(terrain.height_m(place.lat_deg, place.lon_deg)))
    pixel = camera.project(ground)
    assert pixel is not None
    hit = intersect(terrain, mast, camera.ray(*pixel))
    assert hit is not None
    assert hit.range_m <= math.dist((500, 1100), (0, 0)) + 400
    nearer = distance_m(mast, hit.position) < distance_m(mast, ground) - 5
    assert nearer or distance_m(hit.position, ground) < 1


def test_a_level_ray_meets_a_sphere_of_sea_beyond_the_horizon_dip() -> None:
    """The Earth's curvature: from 100 m the sea horizon is 35.7 km away, with refraction 38.3 km."""
    origin = Position(23.1, 116.4, 100)
    horizon_m = math.sqrt(2 * 100 * MEAN_RADIUS_M / (1 - 0.13))
    dip_deg = math.degrees(100 * 2 / horizon_m)
    below = intersect(FlatTerrain(0), origin, Ray(0, -dip_deg - 0.003), max_range_m=60_000)
    assert below is not None
    assert below.range_m == pytest.approx(horizon_m, rel=0.12)
    assert intersect(FlatTerrain(0), origin, Ray(0, -dip_deg + 0.003), max_range_m=60_000) is None


def test_nothing_is_found_beyond_the_greatest_range() -> None:
    ray = Ray(0, -1)
    assert intersect(FlatTerrain(0), Position(23.1, 116.4, 100), ray, max_range_m=5000) is None
    assert intersect(FlatTerrain(0), Position(23.1, 116.4, 100), ray, max_range_m=6500) is not None


def test_a_ray_into_a_gap_of_the_model_has_no_answer() -> None:
    heights = np.full((100, 100), 0.0)
    heights[40:45, :] = np.nan
    terrain = RasterTerrain(heights, from_origin(116.385, 23.115, CELL_DEG, CELL_DEG), WGS84)
    assert intersect(terrain, Position(23.1, 116.4, 30), Ray(0, -2)) is None
    assert intersect(terrain, Position(23.1, 116.4, 30), Ray(180, -2)) is not None


def test_a_minimum_range_beyond_the_maximum_is_refused() -> None:
    with pytest.raises(ValueError, match="minimum range"):
        intersect(FlatTerrain(0), Position(0, 0, 10), Ray(0, -1), max_range_m=10)


def test_a_large_model_is_read_by_windows_and_says_the_same_as_one_held_in_memory(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    heights = rng.uniform(0, 900, (1300, 1100)).astype(np.float32)
    heights[600, 600] = np.nan
    transform = from_origin(400_000, 2_600_000, 5, 5)
    path = tmp_path / "national.tif"
    with rasterio.open(
        path, "w", driver="GTiff", height=1300, width=1100, count=1, dtype="float32", crs="EPSG:4547",
        transform=transform, nodata=np.nan, tiled=True,
    ) as file:  # fmt: skip
        file.write(heights, 1)
    opened, held = RasterTerrain.open(path), RasterTerrain(heights, transform, CRS.from_epsg(4547))
    west, south, east, north = opened.bounds_deg
    lat, lon = rng.uniform(south, north, 4000), rng.uniform(west, east, 4000)
    np.testing.assert_allclose(opened.height_m(lat, lon), held.height_m(lat, lon), rtol=1e-6)
    assert np.isfinite(opened.height_m(lat, lon)).mean() > 0.9
