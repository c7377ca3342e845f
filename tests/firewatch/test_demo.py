"""The demo's deployment says of its cameras what the simulator filmed with."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

import config
from firewatch.demo import demo_playlists, empty_state, free_ports, write_environment
from firewatch.failures import UserError
from geometry.raster_terrain import RasterTerrain
from simulator.scene import load_scene

ROOT = Path(__file__).resolve().parents[2]
SCENES = sorted((ROOT / "simulator" / "scenes").glob("*.yaml"))


@pytest.fixture(scope="module")
def deployment() -> config.Deployment:
    return config.load(ROOT / "config" / "demo.yaml", environment={})


def test_the_demo_has_a_camera_for_every_scene(deployment: config.Deployment) -> None:
    assert {camera.id for camera in deployment.cameras} == {scene.stem for scene in SCENES}
    assert all(camera.source.reveal().endswith(f"/{camera.id}") for camera in deployment.cameras)


@pytest.mark.parametrize("file", SCENES, ids=lambda file: file.stem)
def test_a_demo_camera_stands_and_looks_as_its_scene_was_filmed(
    deployment: config.Deployment, file: Path
) -> None:
    filmed = load_scene(file).camera
    camera = deployment.camera(filmed.id)
    for name in ("name", "lat_deg", "lon_deg", "mast_height_m"):
        assert getattr(camera, name) == getattr(filmed, name)
    for name in ("azimuth_deg", "tilt_deg", "roll_deg", "hfov_deg"):
        assert getattr(camera.pose, name) == getattr(filmed, name)


def test_every_demo_camera_stands_on_the_demo_terrain(deployment: config.Deployment) -> None:
    assert deployment.terrain is not None
    terrain = RasterTerrain.open(deployment.terrain)
    for camera in deployment.cameras:
        assert terrain.height_m(camera.lat_deg, camera.lon_deg) > 0


def test_a_fire_is_followed_by_its_calm_view_and_other_scenes_repeat(tmp_path: Path) -> None:
    for name in ("fire.mp4", "fire_clearing.mp4", "fire_calm.mp4", "fog.mp4"):
        (tmp_path / name).touch()
    assert demo_playlists(tmp_path) == {
        "fire": f"{tmp_path}/fire.mp4,~{tmp_path}/fire_clearing.mp4,~{tmp_path}/fire_calm.mp4*600",
        "fog": f"{tmp_path}/fog.mp4",
    }


def test_a_view_with_a_second_film_burns_at_another_place_after_the_calm(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    for name in ("fire.mp4", "fire_clearing.mp4", "fire_calm.mp4", "again/fire.mp4"):
        (tmp_path / name).touch()
    calm = f"~{tmp_path}/fire_calm.mp4*600"
    first, second = f"{tmp_path}/fire.mp4,~{tmp_path}/fire_clearing.mp4", f"{tmp_path}/again/fire.mp4"
    assert demo_playlists(tmp_path) == {"fire": f"{first},{calm},{second},{calm}"}


def test_without_sample_videos_the_demo_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="firewatch simulate"):
        demo_playlists(tmp_path)


def test_the_state_of_an_earlier_demo_is_emptied(tmp_path: Path) -> None:
    state = tmp_path / "demo"
    empty_state(state)
    (state / "firewatch.db").touch()
    empty_state(state)
    assert not (state / "firewatch.db").exists()


def test_free_ports_are_free_and_different() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    for port in ports:
        with socket.socket() as made:
            made.bind(("127.0.0.1", port))


def test_other_commands_find_a_running_demo_by_its_environment_file_which_only_its_user_reads(
    tmp_path: Path,
) -> None:
    variables = {"FIREWATCH_DEMO_SECRET": "a b'c", "FIREWATCH_DEMO_STATE": str(tmp_path)}
    write_environment(tmp_path, variables)
    file = tmp_path / "demo.env"
    asked = f'set -a; . {file}; printf "%s|%s" "$FIREWATCH_DEMO_SECRET" "$FIREWATCH_DEMO_STATE"'
    assert subprocess.run(["sh", "-c", asked], capture_output=True, text=True, check=True).stdout == (
        f"a b'c|{tmp_path}"
    )
    assert file.stat().st_mode & 0o077 == 0
