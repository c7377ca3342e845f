"""The rendered samples in the repository: what every newcomer sees, and what end-to-end tests rely on."""

from __future__ import annotations

import itertools
from pathlib import Path

import av
import pytest

from geometry.camera import CameraModel, Pose
from geometry.position import Position, distance_m
from geometry.raster_terrain import RasterTerrain
from geometry.terrain import intersect
from simulator.scene import load_scene
from simulator.truth import GroundTruth

VIDEOS = Path(__file__).parents[2] / "sample_videos"
SCENES = Path(__file__).parents[2] / "simulator" / "scenes"
FIRES = ("near_fire", "distant_smoke", "pair_north", "pair_south", "night_fire")
NO_FIRES = ("cloud_fog", "sun_glare", "dust_road", "chimney")

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")


def camera_of(truth: GroundTruth) -> CameraModel:
    c = truth.camera
    lens = Position(c.lat_deg, c.lon_deg, c.ground_height_m + c.mast_height_m)
    return CameraModel(
        lens, Pose(c.azimuth_deg, c.tilt_deg, c.roll_deg, c.hfov_deg), truth.width_px, truth.height_px
    )


@pytest.mark.parametrize("name", FIRES + NO_FIRES)
def test_each_sample_is_h264_of_720_lines_with_key_frames_every_two_seconds(name: str) -> None:
    truth = GroundTruth.read(VIDEOS / f"{name}.json")
    with av.open(str(VIDEOS / f"{name}.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert (stream.width, stream.height) == (1280, 720) == (truth.width_px, truth.height_px)
        times, keys = [], []
        for packet in container.demux(stream):
            if packet.pts is not None:
                times.append(float(packet.pts * packet.time_base))
                keys += times[-1:] if packet.is_keyframe else []
    assert times[-1] + 1 / truth.fps == pytest.approx(truth.duration_s)
    assert 60 <= truth.duration_s <= 120
    assert max(b - a for a, b in itertools.pairwise(keys)) == pytest.approx(2)


def test_all_samples_together_stay_below_thirty_megabytes() -> None:
    assert sum(path.stat().st_size for path in VIDEOS.rglob("*") if path.is_file()) < 30_000_000


@pytest.mark.parametrize("name", FIRES + NO_FIRES)
def test_the_truth_is_that_of_the_scene_file(name: str) -> None:
    truth, scene = GroundTruth.read(VIDEOS / f"{name}.json"), load_scene(SCENES / f"{name}.yaml")
    assert truth.seed == scene.seed
    assert truth.camera.model_dump(exclude={"ground_height_m"}) == scene.camera.model_dump()
    ground = RasterTerrain.open(scene.terrain).height_m(scene.camera.lat_deg, scene.camera.lon_deg)
    assert truth.camera.ground_height_m == pytest.approx(float(ground), abs=0.01)


@pytest.mark.parametrize("name", NO_FIRES)
def test_scenes_without_fire_have_no_hazard_and_no_box(name: str) -> None:
    truth = GroundTruth.read(VIDEOS / f"{name}.json")
    assert truth.kind == "no_fire"
    assert truth.hazard is None
    assert truth.boxes == ()


@pytest.mark.parametrize("name", FIRES)
def test_fires_open_with_twenty_calm_seconds_and_then_smoke_to_the_end(name: str) -> None:
    truth = GroundTruth.read(VIDEOS / f"{name}.json")
    assert truth.hazard is not None
    assert truth.hazard.ignition_s >= 20
    seconds = sorted({box.t_s for box in truth.boxes})
    assert seconds[0] >= truth.hazard.ignition_s
    assert seconds[0] <= truth.hazard.ignition_s + 8
    assert seconds == [seconds[0] + i for i in range(round(truth.duration_s - seconds[0]))]


@pytest.mark.parametrize("name", FIRES)
def test_the_foot_of_the_smoke_leads_back_to_the_fire(name: str) -> None:
    """Pixel, ray, ground: within two pixels' worth of the true place, which the smoke's box stands on."""
    truth = GroundTruth.read(VIDEOS / f"{name}.json")
    assert truth.hazard is not None
    fire = Position(truth.hazard.lat_deg, truth.hazard.lon_deg, truth.hazard.height_m)
    camera = camera_of(truth)
    pixel = camera.project(fire)
    assert pixel is not None
    hit = intersect(RasterTerrain.open(VIDEOS / "terrain.tif"), camera.position, camera.ray(*pixel))
    assert hit is not None
    assert distance_m(hit.position, fire) < 15
    box = [box for box in truth.boxes if box.label == "smoke"][-1]
    assert box.x1 - 6 <= pixel[0] <= box.x2 + 6
    assert box.y2 - 8 <= pixel[1] <= box.y2 + 10


def test_the_near_plume_fills_what_a_detector_needs_35_seconds_after_ignition() -> None:
    near, far = (GroundTruth.read(VIDEOS / f"{name}.json") for name in ("near_fire", "distant_smoke"))
    for truth, least_width, least_height in ((near, 0.06, 0.12), (far, 0.03, 0.06)):
        assert truth.hazard is not None
        at_s = truth.hazard.ignition_s + 35
        (box,) = (box for box in truth.boxes if box.t_s == at_s)
        assert (box.x2 - box.x1) / truth.width_px >= least_width
        assert (box.y2 - box.y1) / truth.height_px >= least_height


def test_the_pair_sees_one_fire_under_a_wide_angle() -> None:
    north, south = (GroundTruth.read(VIDEOS / f"pair_{side}.json") for side in ("north", "south"))
    assert north.hazard == south.hazard
    azimuths = []
    for truth in (north, south):
        assert truth.hazard is not None
        pixel = camera_of(truth).project(
            Position(truth.hazard.lat_deg, truth.hazard.lon_deg, truth.hazard.height_m)
        )
        assert pixel is not None
        azimuths.append(camera_of(truth).ray(*pixel).azimuth_deg)
    crossing = abs((azimuths[0] - azimuths[1] + 90) % 180 - 90)
    assert crossing > 25


@pytest.mark.parametrize("name", FIRES)
def test_every_fire_has_its_calm_view_in_the_same_format(name: str) -> None:
    for kind in ("clearing", "calm"):
        with av.open(str(VIDEOS / f"{name}_{kind}.mp4")) as container:
            stream = container.streams.video[0]
            assert stream.codec_context.name == "h264"
            assert (stream.width, stream.height, float(stream.average_rate or 0)) == (1280, 720, 10)


def test_the_second_film_of_the_near_view_burns_elsewhere_under_the_same_sky() -> None:
    """Its end joins the calm view of the first: the same camera, seed and length, another place."""
    first, again = (GroundTruth.read(VIDEOS / folder / "near_fire.json") for folder in (".", "again"))
    assert (first.camera, first.seed, first.duration_s) == (again.camera, again.seed, again.duration_s)
    assert first.hazard is not None
    assert again.hazard is not None
    places = [Position(h.lat_deg, h.lon_deg, h.height_m) for h in (first.hazard, again.hazard)]
    assert distance_m(*places) > 300


def test_the_seeds_of_the_sample_scenes_are_all_listed_and_far_from_training_seeds() -> None:
    """Scenes keep to 880000..899999; training draws its plumes elsewhere (asserted there)."""
    seeds = {path.stem: load_scene(path).seed for path in SCENES.rglob("*.yaml")}
    assert set(FIRES + NO_FIRES) <= seeds.keys()
    assert all(880_000 <= seed < 900_000 for seed in seeds.values())
