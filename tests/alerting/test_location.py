"""Where a sighting is put, against terrain and cameras whose truth is known."""

from __future__ import annotations

import doctest
import json
import math
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import yaml
from alerting_samples import (
    BOWL,
    NORTH,
    PICTURES,
    ROOT,
    WEST,
    apart_m,
    camera,
    intake_into,
    model_of,
    sighting_at,
    sighting_of,
)

from alerting import association, location
from alerting.association import Observation, relative_box
from alerting.location import CHI2_95, base_of, covariance_of, ellipse_of, incidence_deg, locate
from alerting.records import Ellipse, Location
from alerting.store import Store
from alerting.viewpoint import Viewpoint
from detector.detection import Box, Detection
from geometry.camera import CameraModel, Pose, Ray
from geometry.position import Position, bearing_deg, distance_m, enu_m
from geometry.raster_terrain import RasterTerrain
from geometry.terrain import AssumedFlat, Canopy, FlatTerrain, intersect
from sample_videos import __file__ as sample_videos_init


class Ridge:
    """Flat at 100 m, with a ridge of 220 m two kilometres south of the camera at 23.13 N."""

    def height_m(self, lat_deg: Any, lon_deg: Any) -> Any:
        south_m = (23.13 - np.asarray(lat_deg, float)) * 110_750
        return np.where(np.abs(south_m - 2000) < 50, 220.0, 100.0) + 0.0 * np.asarray(lon_deg, float)


@pytest.mark.parametrize(("lat_deg", "lon_deg"), [(23.12, 116.402), (23.105, 116.395), (23.09, 116.41)])
def test_a_plume_is_placed_at_its_foot(noon: datetime, lat_deg: float, lon_deg: float) -> None:
    fire = BOWL.at(lat_deg, lon_deg)
    where = locate(sighting_of(fire, NORTH, noon, size_px=80), model_of(NORTH), BOWL)
    assert where.method == "terrain"
    assert apart_m(where.lat_deg, where.lon_deg, fire) < 5
    assert where.height_m == pytest.approx(fire.height_m, abs=2)
    assert where.bearing_deg == pytest.approx(bearing_deg(model_of(NORTH).position, fire), abs=0.05)
    assert where.range_min_m < where.range_m < where.range_max_m  # type: ignore[operator]


def test_smoke_that_drifted_is_placed_where_it_rose(noon: datetime) -> None:
    """The box of a drifting plume widens to one side; its foot is where the early boxes stood."""
    fire = BOWL.at(23.11, 116.4)
    foot = model_of(NORTH).project(fire)
    assert foot is not None
    x, y = foot
    history = tuple(
        (
            noon + timedelta(seconds=i),
            Detection("smoke", 0.8, Box(x - 10, y - 20 - 8 * i, x + 10 + 40 * i, y)),
        )
        for i in range(8)
    )
    drifted = replace(sighting_of(fire, NORTH, noon), history=history, box=history[-1][1].box)
    where = locate(drifted, model_of(NORTH), BOWL)
    naive = locate(replace(drifted, history=()), model_of(NORTH), BOWL)
    assert apart_m(where.lat_deg, where.lon_deg, fire) < 100
    assert apart_m(naive.lat_deg, naive.lon_deg, fire) > 150


def test_flames_are_placed_where_they_are_now(noon: datetime) -> None:
    seen = sighting_at((640, 500), NORTH, noon, label="fire")
    moved = Detection("fire", 0.9, Box(690, 480, 710, 520))
    history = ((noon, Detection("smoke", 0.5, Box(0, 0, 100, 100))), (noon, moved))
    assert base_of(replace(seen, history=history)) == (700, 520)


def test_a_foot_outside_the_picture_is_taken_at_its_edge(noon: datetime) -> None:
    assert base_of(sighting_at((640, 800), NORTH, noon)) == (640, 720)


def test_a_ray_into_the_sky_is_a_bearing_with_a_reason_and_never_a_point(noon: datetime) -> None:
    where = locate(sighting_at((640, 40), NORTH, noon), model_of(NORTH), BOWL)
    assert (where.method, where.has_point, where.ellipse) == ("bearing_only", False, None)
    assert where.bearing_deg == pytest.approx(180, abs=0.01)
    assert where.caution == "the line of sight passes above the ground"


def test_without_terrain_the_ground_is_taken_to_be_flat_and_the_answer_says_so(noon: datetime) -> None:
    seen = sighting_at((640, 600), NORTH, noon)
    view = Viewpoint.of(NORTH, seen, None)
    where = locate(seen, view.model, view.terrain)
    assert (where.method, where.flagged) == ("flat_earth", True)
    assert (where.caution or "").startswith("there is no elevation model: the ground was taken to be flat")
    sky = sighting_at((640, 100), NORTH, noon)
    above = locate(sky, view.model, view.terrain)
    assert above.caution == where.caution
    assert not above.has_point or above.flagged


def test_a_foot_on_the_crest_says_that_the_fire_may_be_behind_it(noon: datetime) -> None:
    ridge = Ridge()
    view = camera(tilt_deg=0, mast_height_m=160)
    model = model_of(view, ridge)
    crest = Position(23.13 - 2000 / 110_750, 116.4, 219.0)
    just_below = locate(sighting_of(crest, view, noon, terrain=ridge), model, ridge)
    assert "behind this ridge" in (just_below.caution or "")
    x, y = model.project(crest) or (0.0, 0.0)
    just_above = locate(sighting_at((x, y - 5), view, noon), model, ridge)
    assert "behind this ridge" in (just_above.caution or "")
    well_above = locate(sighting_at((x, y - 25), view, noon), model, FarGap())
    assert (well_above.method, well_above.has_point) == ("bearing_only", False)
    assert "the elevation model ends 2.1 km away" in (well_above.caution or "")


def test_smoke_over_a_ridge_stands_behind_it_and_gets_a_range_interval_but_no_point(noon: datetime) -> None:
    """A ridge that the camera looks down on, with a valley behind it that it cannot see."""

    class Valley(Ridge):
        def height_m(self, lat_deg: Any, lon_deg: Any) -> Any:
            south_m = (23.13 - np.asarray(lat_deg, float)) * 110_750
            hills = np.where(south_m < 2000, 100.0, -100.0)
            return np.where(np.abs(south_m - 2000) < 100, 220.0, hills) + 0.0 * np.asarray(lon_deg, float)

    valley = Valley()
    view = camera(tilt_deg=0, mast_height_m=130)
    model = model_of(view, valley)
    crest = Position(23.13 - 2090 / 110_750, 116.4, 220.0)
    x, y = model.project(crest) or (0.0, 0.0)
    where = locate(sighting_at((x, y - 20), view, noon, size_px=10), model, valley)
    assert (where.method, where.has_point, where.ellipse) == ("behind_ridge", False, None)
    assert where.range_min_m == pytest.approx(2080, abs=60)
    assert 6000 < (where.range_max_m or 0) < 20_000  # nothing but the plume's height limits it
    assert where.bearing_deg == pytest.approx(180, abs=0.1)
    assert "behind a ridge, between 2.1 and" in (where.caution or "")


class FarGap(Ridge):
    """The ridge alone, with nothing known of the land behind it."""

    def height_m(self, lat_deg: Any, lon_deg: Any) -> Any:
        behind = np.asarray(lat_deg, float) < 23.13 - 2060 / 110_750
        return np.where(behind, np.nan, super().height_m(lat_deg, lon_deg))


def test_a_grazing_ray_is_flagged_and_its_ellipse_is_long(noon: datetime) -> None:
    flat = FlatTerrain(100.0)
    view = camera(tilt_deg=0)
    far = Position(23.13 - 3000 / 110_750, 116.4, 100.0)
    where = locate(sighting_of(far, view, noon, terrain=flat), model_of(view, flat), flat)
    assert "grazes the ground at 0." in (where.caution or "")
    assert where.ellipse is not None
    assert where.ellipse.semi_major_m > 10 * where.ellipse.semi_minor_m


def test_the_ellipse_contains_the_truth_as_often_as_it_says() -> None:
    """Poses, pixels and terrain are disturbed as the error model says. Of 40, fewer than 34 inside would
    happen to a true 95 % ellipse three times in a thousand; the median (1.39 in theory) would show an
    ellipse that is right only because it is huge."""
    rng = np.random.default_rng(11)
    errors = location.DEFAULT_ERRORS
    distances2 = []
    noon = datetime.fromisoformat("2026-11-24T04:00:00+00:00")
    nominal = model_of(NORTH)
    for _ in range(40):
        pose = replace(
            nominal.pose,
            azimuth_deg=nominal.pose.azimuth_deg + rng.normal(0, errors.azimuth_deg),
            tilt_deg=nominal.pose.tilt_deg + rng.normal(0, errors.tilt_deg),
        )
        lift_m = rng.normal(0, errors.ground_m)
        lens = replace(nominal.position, height_m=nominal.position.height_m + lift_m)
        true_camera = CameraModel(lens, pose, nominal.width_px, nominal.height_px)
        x, y = rng.uniform(200, 1080), rng.uniform(430, 700)
        hit = intersect(BOWL, lens, true_camera.ray(x, y))
        assert hit is not None
        where = locate(sighting_at((x + rng.normal(0, 10), y + rng.normal(0, 4)), NORTH, noon), nominal, BOWL)
        assert where.ellipse is not None
        east, north, _ = enu_m(Position(where.lat_deg or 0, where.lon_deg or 0, 0), hit.position)
        miss = np.array([east, north])
        distances2.append(float(miss @ np.linalg.solve(covariance_of(where.ellipse), miss)))
    assert sum(one <= CHI2_95 for one in distances2) >= 34
    assert 0.5 < np.median(distances2) < 2.8


@pytest.mark.parametrize("azimuth_deg", [0.0, 30.0, 90.0, 179.0])
def test_ellipse_and_covariance_are_two_forms_of_one_thing(azimuth_deg: float) -> None:
    ellipse = Ellipse(300, 40, azimuth_deg)
    back = ellipse_of(covariance_of(ellipse))
    assert back.semi_major_m == pytest.approx(300)
    assert back.semi_minor_m == pytest.approx(40)
    assert (back.azimuth_deg - azimuth_deg + 90) % 180 - 90 == pytest.approx(0, abs=1e-6)


def test_incidence_is_measured_against_the_slope() -> None:
    down = Ray(180.0, -5.0)
    assert incidence_deg(down, Position(23.1, 116.4, 0), FlatTerrain(0.0)) == pytest.approx(5.0)
    rising = BOWL.at(23.08, 116.4)  # 10 % upwards along the ray
    assert incidence_deg(down, rising, BOWL) == pytest.approx(5.0 + math.degrees(math.atan(0.1)), abs=0.1)


def test_the_same_sighting_is_always_placed_at_the_same_point(noon: datetime) -> None:
    seen = sighting_of(BOWL.at(23.11, 116.4), NORTH, noon)
    assert locate(seen, model_of(NORTH), BOWL) == locate(seen, model_of(NORTH), BOWL)


class TestViewpoint:
    def test_the_lens_stands_on_the_terrain_unless_surveyed(self, noon: datetime) -> None:
        seen = sighting_at((640, 500), NORTH, noon)
        ground_m = float(BOWL.height_m(NORTH.lat_deg, NORTH.lon_deg))
        assert Viewpoint.of(NORTH, seen, BOWL).lens_height_m == ground_m + 30
        surveyed = camera(ground_height_m=600)
        assert Viewpoint.of(surveyed, seen, BOWL).lens_height_m == 630

    def test_a_camera_outside_the_terrain_model_is_taken_to_stand_on_flat_ground(
        self, noon: datetime
    ) -> None:
        class Nothing:
            def height_m(self, lat_deg: Any, lon_deg: Any) -> Any:  # noqa: ARG002
                return np.full(np.shape(lat_deg), np.nan)

        view = Viewpoint.of(NORTH, sighting_at((640, 500), NORTH, noon), Nothing())
        assert (view.lens_height_m, view.terrain) == (None, AssumedFlat(0.0))

    def test_a_preset_has_its_own_pose(self, noon: datetime) -> None:
        pose = {"azimuth_deg": 45, "tilt_deg": -1, "hfov_deg": 20}
        turning = camera(presets=[{"id": "p1", "name": "东北", "pose": pose}])
        seen = replace(sighting_at((640, 360), turning, noon), preset="p1")
        assert Viewpoint.of(turning, seen, BOWL).model.pose == Pose(45, -1, 0, 20)


class TestAssociation:
    def observe(self, fire: Position, of: Any, at: datetime, **more: Any) -> Observation:
        seen = sighting_of(fire, of, at, **more)
        model = model_of(of)
        return Observation(
            camera_id=of.id,
            preset=None,
            label=seen.label,
            first_seen_at=seen.first_seen_at,
            confirmed_at=at,
            box=relative_box(seen.box, seen.width_px, seen.height_px),
            camera=model.position,
            location=locate(seen, model, BOWL),
        )

    def test_boxes_of_one_view_that_touch_are_one_fire_and_others_are_not(self, noon: datetime) -> None:
        known = self.observe(BOWL.at(23.11, 116.40), NORTH, noon)
        near = self.observe(BOWL.at(23.11, 116.4005), NORTH, noon)
        beside = self.observe(BOWL.at(23.11, 116.403), NORTH, noon)
        assert association.misfit(near, [known], known.location) == 0
        assert association.misfit(beside, [known], known.location) is None

    def test_a_bearing_that_passes_the_place_fits_and_one_that_misses_does_not(self, noon: datetime) -> None:
        fire = BOWL.at(23.105, 116.395)
        known = self.observe(fire, NORTH, noon)
        west = self.observe(fire, WEST, noon)
        towards = replace(
            west, location=Location("bearing_only", west.location.bearing_deg, 1.0, caution="above")
        )
        past = replace(
            west, location=Location("bearing_only", west.location.bearing_deg + 40, 1.0, caution="above")
        )
        assert association.misfit(towards, [known], known.location) is not None
        assert association.misfit(past, [known], known.location) is None

    def test_two_bearings_alone_are_no_evidence_of_one_fire(self, noon: datetime) -> None:
        known = self.observe(BOWL.at(23.105, 116.395), NORTH, noon)
        sky = Location("bearing_only", 185.0, 1.0, caution="above")
        known = replace(known, location=sky)
        west = replace(self.observe(BOWL.at(23.105, 116.395), WEST, noon), location=sky)
        assert association.misfit(west, [known], sky) is None

    def test_cameras_on_one_mast_do_not_make_each_other_surer(self, noon: datetime) -> None:
        fire = BOWL.at(23.105, 116.395)
        first = self.observe(fire, NORTH, noon)
        mast_mate = replace(first, camera_id="north-2")
        assert association.combine([first, mast_mate], BOWL) == first.location

    def test_crossing_lines_of_sight_place_a_fire_better_than_either(self, noon: datetime) -> None:
        fire = BOWL.at(23.105, 116.395)
        both = association.combine([self.observe(fire, one, noon) for one in (NORTH, WEST)], BOWL)
        assert both.ellipse is not None
        assert both.ellipse.semi_major_m < 120  # north alone: over 1000
        assert apart_m(both.lat_deg, both.lon_deg, fire) < 15
        assert both.height_m == pytest.approx(fire.height_m, abs=3)
        assert both.range_m == pytest.approx(
            min(distance_m(model_of(one).position, fire) for one in (NORTH, WEST)), rel=0.3
        )

    def test_a_line_of_sight_that_does_not_fit_the_others_is_left_out_and_that_is_said(
        self, noon: datetime
    ) -> None:
        fire = BOWL.at(23.105, 116.395)
        east = camera("east", 23.105, 116.43, azimuth_deg=270)
        south = camera("south", 23.075, 116.395, azimuth_deg=0)
        seen = [self.observe(fire, one, noon) for one in (NORTH, WEST, east, south)]
        turned = replace(seen[2].location, bearing_deg=seen[2].location.bearing_deg + 6)
        together = association.combine([*seen[:2], replace(seen[2], location=turned), seen[3]], BOWL)
        assert apart_m(together.lat_deg, together.lon_deg, fire) < 20
        assert together.caution is not None
        assert "1 of 4 lines of sight does not fit, it is left out" in together.caution

    def test_a_bearing_alone_sharpens_a_position_across_itself(self, noon: datetime) -> None:
        fire = BOWL.at(23.105, 116.395)
        north, west = self.observe(fire, NORTH, noon), self.observe(fire, WEST, noon)
        sky = Location("bearing_only", west.location.bearing_deg, 1.0, caution="above")
        both = association.combine([north, replace(west, location=sky)], BOWL)
        assert north.location.ellipse is not None
        assert both.ellipse is not None
        assert both.ellipse.semi_major_m < north.location.ellipse.semi_major_m / 3
        assert apart_m(both.lat_deg, both.lon_deg, fire) < 15


def test_on_the_demo_terrain_random_places_come_back_within_their_ellipse(noon: datetime) -> None:
    """Project a visible place of the simulator's terrain, locate the pixel, and be there again."""
    terrain = RasterTerrain.open(sample_videos_init.replace("__init__.py", "terrain.tif"))
    view = camera(lat_deg=23.07643, lon_deg=116.42143, azimuth_deg=330, tilt_deg=-6)
    model = model_of(view, terrain)
    rng = np.random.default_rng(3)
    checked = 0
    while checked < 8:
        ray = model.ray(rng.uniform(0, 1280), rng.uniform(200, 720))
        hit = intersect(terrain, model.position, ray)
        if hit is None or hit.range_m < 500:  # nearer, and metres of height are many degrees
            continue
        pixel = model.project(hit.position)
        assert pixel is not None
        where = locate(sighting_at(pixel, view, noon), model, terrain)
        if where.has_point:
            checked += 1
            assert apart_m(where.lat_deg, where.lon_deg, hit.position) < max(5.0, 0.005 * hit.range_m)


def test_the_two_cameras_of_the_demo_place_their_fire_together_within_their_ellipse(
    sqlite_store: Store, tmp_path: Path, noon: datetime
) -> None:
    """The scenes pair_north and pair_south on the simulator's terrain: one fire, one incident, one place."""
    terrain = RasterTerrain.open(sample_videos_init.replace("__init__.py", "terrain.tif"))
    intake = intake_into(sqlite_store, tmp_path / "evidence", targets=(), terrain=terrain)
    refs = []
    for name in ("pair_north", "pair_south"):
        scene = yaml.safe_load((ROOT / "simulator" / "scenes" / f"{name}.yaml").read_text(encoding="utf-8"))
        where, fire = scene["camera"], scene["fire"]
        pose = {
            "azimuth_deg": where["azimuth_deg"],
            "tilt_deg": where["tilt_deg"],
            "hfov_deg": where["hfov_deg"],
        }
        view = camera(
            where["id"], where["lat_deg"], where["lon_deg"], mast_height_m=where["mast_height_m"], pose=pose
        )
        truth = Position(
            fire["lat_deg"], fire["lon_deg"], float(terrain.height_m(fire["lat_deg"], fire["lon_deg"]))
        )
        refs.append(intake.accept(sighting_of(truth, view, noon, terrain=terrain), PICTURES, view))
    assert [ref.raised for ref in refs] == [True, False]
    placed = sqlite_store.incident(refs[0].incident_id).summary.location
    assert (placed.method, placed.caution) == ("combined", None)
    assert placed.ellipse is not None
    assert placed.ellipse.semi_major_m < 150
    assert apart_m(placed.lat_deg, placed.lon_deg, truth) < placed.ellipse.semi_minor_m


@pytest.mark.parametrize("scene", ["near_fire", "distant_smoke", "pair_north", "pair_south"])
def test_the_boxes_of_a_sample_video_lead_to_where_its_fire_was_lit(noon: datetime, scene: str) -> None:
    """With the simulator's own boxes, so that the detector's error stays out."""
    truth = json.loads(Path(sample_videos_init).with_name(f"{scene}.json").read_text(encoding="utf-8"))
    where, hazard = truth["camera"], truth["hazard"]
    view = camera(
        where["id"],
        where["lat_deg"],
        where["lon_deg"],
        mast_height_m=where["mast_height_m"],
        pose={name: where[name] for name in ("azimuth_deg", "tilt_deg", "roll_deg", "hfov_deg")},
    )
    history = tuple(
        (
            noon + timedelta(seconds=one["t_s"]),
            Detection("smoke", 0.8, Box(one["x1"], one["y1"], one["x2"], one["y2"])),
        )
        for one in truth["boxes"]
        if one["label"] == "smoke" and one["t_s"] <= hazard["ignition_s"] + 20
    )
    seen = replace(
        sighting_at((0, 0), view, noon),
        width_px=truth["width_px"],
        height_px=truth["height_px"],
        history=history,
        box=history[-1][1].box,
    )
    terrain = RasterTerrain.open(sample_videos_init.replace("__init__.py", "terrain.tif"))
    viewpoint = Viewpoint.of(view, seen, terrain)
    found = locate(seen, viewpoint.model, viewpoint.terrain)
    assert found.ellipse is not None
    assert apart_m(found.lat_deg, found.lon_deg, Position(hazard["lat_deg"], hazard["lon_deg"], 0)) < 100
    assert found.ellipse.semi_major_m < 500


@pytest.mark.parametrize("module", [association, location], ids=lambda module: module.__name__)
def test_the_examples_in_the_documentation_of_functions_hold(module: ModuleType) -> None:
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


def test_under_trees_the_fire_lies_on_the_ground_below_where_its_smoke_comes_out(noon: datetime) -> None:
    """15 m of trees, taken for bare ground, would put the fire hundreds of metres too near."""
    fire = BOWL.at(23.105, 116.395)
    treetop = Position(fire.lat_deg, fire.lon_deg, fire.height_m + 15)
    pixel = model_of(NORTH).project(treetop)
    assert pixel is not None
    seen = sighting_at(pixel, NORTH, noon)
    view = Viewpoint.of(NORTH, seen, Canopy(BOWL, 15))
    assert view.lens_height_m == pytest.approx(model_of(NORTH).position.height_m), "no mast stands on trees"
    found = locate(seen, view.model, view.terrain, view.errors)
    bare = locate(seen, model_of(NORTH), BOWL)
    assert apart_m(found.lat_deg, found.lon_deg, fire) < 10
    assert found.height_m == pytest.approx(fire.height_m, abs=2)
    assert apart_m(bare.lat_deg, bare.lon_deg, fire) > 100

    west_pixel = model_of(WEST).project(treetop)
    assert west_pixel is not None
    from_west = sighting_at(west_pixel, WEST, noon)
    observed = [
        Observation(
            camera_id=one.camera_id,
            preset=None,
            label=one.label,
            first_seen_at=one.first_seen_at,
            confirmed_at=noon,
            box=relative_box(one.box, one.width_px, one.height_px),
            camera=model.position,
            location=locate(one, model, Canopy(BOWL, 15)),
        )
        for one, model in ((seen, model_of(NORTH)), (from_west, model_of(WEST)))
    ]
    both = association.combine(observed, Canopy(BOWL, 15))
    assert apart_m(both.lat_deg, both.lon_deg, fire) < 10
    assert both.height_m == pytest.approx(fire.height_m, abs=2)
