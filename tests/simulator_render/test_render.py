"""A tiny scene rendered to real files."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import tiny_scene

from geometry.camera import Ray
from geometry.position import Position, distance_m
from geometry.raster_terrain import RasterTerrain
from geometry.terrain import FlatTerrain, intersect
from simulator.emitters import EmitterView, fire_emitters, visible_box
from simulator.landscape import OVERSAMPLING, cast
from simulator.render import Rendered, ground_truth, render
from simulator.scene import Scene, SceneError
from simulator.truth import GroundTruth
from simulator.view import SceneView


@pytest.fixture(scope="module")
def view(terrain_file: Path) -> SceneView:
    return SceneView(tiny_scene(terrain_file))


@pytest.fixture(scope="module")
def same_again(terrain_file: Path) -> SceneView:
    return SceneView(tiny_scene(terrain_file))


@dataclass(frozen=True)
class Run:
    files: Rendered
    progress: list[float]


@pytest.fixture(scope="module")
def run(terrain_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    scene = tiny_scene(terrain_file, clearing_s=5, calm_s=3)
    progress: list[float] = []
    return Run(render(scene, tmp_path_factory.mktemp("rendered"), progress.append), progress)


@pytest.fixture(scope="module")
def files(run: Run) -> Rendered:
    return run.files


def test_the_smoke_box_reaches_down_to_the_projected_base(view: SceneView) -> None:
    fire = view.scene.fire
    assert fire is not None
    ground = float(view.terrain.height_m(fire.lat_deg, fire.lon_deg))
    pixel = view.camera.project(Position(fire.lat_deg, fire.lon_deg, ground))
    assert pixel is not None
    (box,) = view.shot(5.5).boxes
    assert box.x1 - 3 <= pixel[0] <= box.x2 + 3
    assert box.y1 < pixel[1] <= box.y2 + 4


def test_there_is_no_smoke_and_no_box_before_ignition(view: SceneView) -> None:
    assert view.shot(1.9).boxes == ()
    assert np.array_equal(view.shot(1.9).picture, view.shot(1.9, calm=True).picture)


def test_smoke_changes_the_picture_inside_its_box_only(view: SceneView) -> None:
    shot, calm = view.shot(5.5), view.shot(5.5, calm=True)
    change = np.abs(shot.picture.astype(int) - calm.picture).max(axis=2)
    (box,) = shot.boxes
    rows, columns = np.nonzero(change > 25)
    assert rows.size > 20
    assert columns.min() >= box.x1 - 4
    assert columns.max() <= box.x2 + 4
    assert rows.min() >= box.y1 - 4
    assert rows.max() <= box.y2 + 4


def test_the_same_scene_and_time_give_the_same_frame(view: SceneView, same_again: SceneView) -> None:
    assert np.array_equal(view.shot(4.0).picture, same_again.shot(4.0).picture)


def test_smoke_behind_a_ridge_is_hidden_and_has_no_box(view: SceneView) -> None:
    """A ridge nearer than the fire, over the whole picture: the emitter is closed off."""
    near = dataclasses.replace(view.landscape, range_m=np.full_like(view.landscape.range_m, 300.0))
    (emitter,) = fire_emitters(view.scene, view.scene.fire, view.terrain) if view.scene.fire else ()
    hidden = EmitterView(emitter, view.scene, view.camera, near, view.light)
    layer = hidden.layer(5.5, 1e9, 1.0)
    assert layer is not None
    picture = np.zeros((144, 256, 3), np.float32)
    assert visible_box(hidden.lay_over(picture, layer, 0.0), layer) is None
    assert picture.max() == 0


def test_range_by_pixel_agrees_with_the_geometry_package(terrain_file: Path, terrain: RasterTerrain) -> None:
    """The renderer's own ray caster and geometry.intersect must mean the same world."""
    camera = tiny_scene(terrain_file).camera.model(terrain, 256, 144)
    canvas = cast(terrain, camera)
    checked = 0
    for x, y in ((20, 120), (128, 100), (200, 90), (250, 140), (60, 80)):
        hit = intersect(terrain, camera.position, camera.ray(x, y))
        if hit is None:
            continue
        level = distance_m(camera.position, hit.position)
        patch = canvas.range_m[
            y * OVERSAMPLING - 1 : y * OVERSAMPLING + 1, x * OVERSAMPLING - 1 : x * OVERSAMPLING + 1
        ]
        assert float(np.median(patch)) == pytest.approx(level, rel=0.02)
        checked += 1
    assert checked >= 3


def test_above_flat_ground_everything_over_the_horizon_is_sky(terrain_file: Path) -> None:
    camera = tiny_scene(terrain_file).camera.model(FlatTerrain(0), 256, 144)
    canvas = cast(FlatTerrain(0), camera)
    assert camera.ray(128, 2).elevation_deg > 3
    assert isinstance(camera.ray(128, 2), Ray)
    assert (canvas.range_m[:4] > 1e8).all()
    assert (canvas.range_m[-4:] < 5000).all()


def test_the_video_is_h264_with_a_key_frame_every_two_seconds(files: Rendered) -> None:
    with av.open(str(files.video)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert (stream.width, stream.height) == (256, 144)
        keys = [round(float(p.pts * p.time_base), 3) for p in container.demux(stream) if p.is_keyframe]
    assert keys == [0, 2, 4]


def test_the_index_of_the_video_stands_before_its_data(files: Rendered) -> None:
    head = files.video.read_bytes()
    assert 0 < head.find(b"moov") < head.find(b"mdat")


def test_the_ground_truth_reads_back_and_holds_boxes_after_ignition_only(files: Rendered) -> None:
    truth = GroundTruth.read(files.truth)
    assert truth.kind == "fire"
    assert truth.hazard is not None
    assert truth.hazard.ignition_s == 2
    assert truth.boxes
    assert all(box.t_s >= 2 for box in truth.boxes)
    assert all(0 <= box.x1 < box.x2 <= 256 and 0 <= box.y1 < box.y2 <= 144 for box in truth.boxes)


def _frames(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="bgr24").astype(int) for frame in container.decode(video=0)]


def test_the_calm_view_has_no_smoke_and_follows_the_clearing_without_a_jump(files: Rendered) -> None:
    assert files.clearing is not None
    assert files.calm is not None
    clearing, calm = _frames(files.clearing), _frames(files.calm)
    ordinary = np.abs(clearing[-1] - clearing[-2]).mean()
    assert np.abs(calm[0] - clearing[-1]).mean() < 2 * ordinary + 4  # a fresh key frame is sharper
    assert np.abs(calm[0] - calm[-1]).mean() < 2 * ordinary + 4


def test_progress_rises_to_one(run: Run) -> None:
    assert run.progress == sorted(run.progress)
    assert run.progress[-1] == 1


@pytest.mark.parametrize(
    "changes",
    [
        {
            "light": {"sun_azimuth_deg": 8, "sun_elevation_deg": 5},
            "fog": {"base_m": 200, "nearest_m": 300, "farthest_m": 2000},
            "dust": {"from_lat_deg": 23.106, "from_lon_deg": 116.4, "to_lat_deg": 23.107,
                     "to_lon_deg": 116.401, "start_s": 0},
            "roads": [{"places": [[23.106, 116.4], [23.107, 116.401]]}],
            "chimneys": [{"lat_deg": 23.106, "lon_deg": 116.4005}],
        },
        pytest.param(
            {"light": {"night": True}, "villages": [{"lat_deg": 23.106, "lon_deg": 116.401}]},
            marks=pytest.mark.slow,
        ),
    ],
    ids=["glare, fog, dust and a chimney", "night with a village"],
)  # fmt: skip
def test_what_is_no_fire_changes_the_picture_but_makes_no_box(
    terrain_file: Path, view: SceneView, changes: dict[str, object]
) -> None:
    other = SceneView(tiny_scene(terrain_file, fire=None, **changes))
    shot = other.shot(5)
    assert shot.boxes == ()
    assert np.abs(shot.picture.astype(int) - view.shot(5, calm=True).picture).max() > 40
    assert ground_truth(other.scene, other.terrain, ()).kind == "no_fire"


def test_a_fire_outside_the_elevation_model_is_refused(terrain_file: Path) -> None:
    scene: Scene = tiny_scene(terrain_file, fire={"lat_deg": 24, "lon_deg": 116.4, "ignition_s": 1})
    with pytest.raises(SceneError, match="no height at 24"):
        SceneView(scene)
