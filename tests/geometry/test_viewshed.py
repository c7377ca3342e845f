"""What hides a place, against rays that are followed step by step."""

from __future__ import annotations

import math

import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.transform import from_origin

from geometry.camera import CameraModel, Pose, Ray
from geometry.position import Position, enu_m, from_enu
from geometry.raster_terrain import RasterTerrain
from geometry.terrain import Canopy, FlatTerrain, intersect
from geometry.viewshed import Panorama, rise_needed_m, visible

CELL_DEG = 0.0003
WGS84 = CRS.from_epsg(4326)
MAST = Position(23.1, 116.4, 520.0)


def hills(size: int = 400) -> RasterTerrain:
    y, x = np.mgrid[:size, :size]
    heights = 300 + 120 * np.sin(x / 17) * np.cos(y / 23)
    edge = size / 2 * CELL_DEG
    return RasterTerrain(heights, from_origin(116.4 - edge, 23.1 + edge, CELL_DEG, CELL_DEG), WGS84)


def wall(height_m: float, at_m: float) -> RasterTerrain:
    """Flat at 0 with a wall across the view to the north."""
    lat = from_enu(Position(23.1, 116.4, 0), 0, at_m, 0).lat_deg
    rows = np.zeros((400, 400))
    row = round((23.1 + 200 * CELL_DEG - lat) / CELL_DEG - 0.5)
    rows[row - 1 : row + 2] = height_m
    edge = 200 * CELL_DEG
    return RasterTerrain(rows, from_origin(116.4 - edge, 23.1 + edge, CELL_DEG, CELL_DEG), WGS84)


def is_clear(terrain: RasterTerrain, lens: Position, place: Position) -> bool:
    """The same question asked of a ray to the place."""
    east, north, _ = enu_m(lens, place)
    x, y = CameraModel(lens, Pose(math.degrees(math.atan2(east, north)) % 360, 0, 0, 90), 1000, 1000).project(
        place
    ) or (0, 0)
    ray = CameraModel(lens, Pose(math.degrees(math.atan2(east, north)) % 360, 0, 0, 90), 1000, 1000).ray(x, y)
    return intersect(terrain, lens, ray, math.hypot(east, north) - 60) is None


def test_what_must_rise_over_a_wall_follows_from_similar_triangles() -> None:
    lens = Position(23.1, 116.4, 100)
    behind = from_enu(Position(23.1, 116.4, 0), 0, 3_000, 0)
    rise = rise_needed_m(wall(150, 1_500), lens, behind.lat_deg, behind.lon_deg)
    assert rise == pytest.approx(100 + 3_000 / 1_500 * 50, abs=7)  # the wall is three cells thick
    before = from_enu(Position(23.1, 116.4, 0), 0, 1_000, 0)
    assert rise_needed_m(wall(150, 1_500), lens, before.lat_deg, before.lon_deg) == 0


def test_smoke_a_little_higher_than_needed_is_seen_and_a_little_lower_is_not() -> None:
    terrain, rng = hills(), np.random.default_rng(5)
    checked = 0
    while checked < 40:
        place = from_enu(MAST, *rng.uniform(-4_000, 4_000, 2), 0)
        ground_m = float(terrain.height_m(place.lat_deg, place.lon_deg))
        rise = rise_needed_m(terrain, MAST, place.lat_deg, place.lon_deg)
        if rise < 10:
            continue
        checked += 1
        above, below = (Position(place.lat_deg, place.lon_deg, ground_m + rise + extra) for extra in (4, -8))
        assert is_clear(terrain, MAST, above)
        assert not is_clear(terrain, MAST, below)


def test_a_panorama_says_of_most_places_what_each_asked_alone_says() -> None:
    """Its rays are 0.2 degrees and 30 m apart: at edges of shadows they differ."""
    terrain, rng = hills(), np.random.default_rng(6)
    around = Panorama.around(terrain, MAST, 5_000)
    places = [from_enu(MAST, *rng.uniform(-3_500, 3_500, 2), 0) for _ in range(200)]
    lat, lon = (np.array([getattr(one, name) for one in places]) for name in ("lat_deg", "lon_deg"))
    alone = np.array([rise_needed_m(terrain, MAST, one.lat_deg, one.lon_deg) for one in places])
    together = around.at(lat, lon)
    assert np.mean(np.abs(together - alone) < 8) > 0.95
    assert np.mean((together <= 1) == (alone <= 1)) > 0.93
    assert np.isnan(around.at(np.array([23.2]), np.array([116.4]))).all(), "beyond its range"


def test_what_lies_behind_unknown_ground_is_not_said_to_be_seen() -> None:
    rows = np.zeros((400, 400))
    rows[150:155] = np.nan
    edge = 200 * CELL_DEG
    gap = RasterTerrain(rows, from_origin(116.4 - edge, 23.1 + edge, CELL_DEG, CELL_DEG), WGS84)
    lens, behind = Position(23.1, 116.4, 100), Position(23.14, 116.4, 0)
    assert math.isnan(rise_needed_m(gap, lens, behind.lat_deg, behind.lon_deg))
    camera = CameraModel(lens, Pose(0, 0, 0, 60), 1920, 1080)
    assert not visible([camera], gap, behind)


def test_a_place_is_visible_only_in_a_picture_that_shows_it() -> None:
    place = Position(23.12, 116.4, 0)
    north, south = (
        CameraModel(Position(23.1, 116.4, 100), Pose(azimuth, -2, 0, 60), 1920, 1080) for azimuth in (0, 180)
    )
    assert visible([north], FlatTerrain(0), place)
    assert not visible([south], FlatTerrain(0), place)
    assert visible([south, north], FlatTerrain(0), place), "one of its presets"


def test_trees_hide_what_lies_behind_them() -> None:
    lens = Position(23.1, 116.4, 170)
    behind = from_enu(Position(23.1, 116.4, 0), 0, 3_000, 0)
    bare = rise_needed_m(wall(150, 1_500), lens, behind.lat_deg, behind.lon_deg)
    wooded = rise_needed_m(Canopy(wall(150, 1_500), 20), lens, behind.lat_deg, behind.lon_deg)
    assert wooded == pytest.approx(bare + 20, abs=3)  # 40 at twice the range, of which 20 are its own trees


def test_the_earth_itself_hides_what_is_far() -> None:
    assert intersect(FlatTerrain(0), Position(23.1, 116.4, 10), Ray(0, 0), 50_000) is None
    low = Position(23.1, 116.4, 10)
    far = Position(23.37, 116.4, 0)
    assert rise_needed_m(FlatTerrain(0), low, far.lat_deg, far.lon_deg) == pytest.approx(21, abs=2)
