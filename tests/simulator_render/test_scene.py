"""Scene files: read, checked, and refused with the place of the mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from simulator.scene import SceneError, load_scene

SCENES = Path(__file__).parents[2] / "simulator" / "scenes"


def write(folder: Path, **changes: object) -> Path:
    raw = yaml.safe_load((SCENES / "near_fire.yaml").read_text(encoding="utf-8"))
    raw["terrain"] = str(SCENES.parents[1] / "sample_videos" / "terrain.tif")
    path = folder / "scene.yaml"
    path.write_text(yaml.safe_dump({**raw, **changes}), encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted(SCENES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_scene_of_the_repository_loads_under_its_own_name(path: Path) -> None:
    scene = load_scene(path)
    assert scene.name == path.stem
    assert scene.camera.id == path.stem


def test_the_terrain_is_found_relative_to_the_scene_file() -> None:
    assert load_scene(SCENES / "near_fire.yaml").terrain == (
        SCENES.parents[1] / "sample_videos" / "terrain.tif"
    )


def test_an_unknown_setting_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"scene\.yaml: smoke: Extra inputs"):
        load_scene(write(tmp_path, smoke=True))


def test_several_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"seed.*fps"):
        load_scene(write(tmp_path, seed=-1, fps="many"))


def test_a_fire_after_the_end_of_the_scene_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="ignite earlier"):
        load_scene(write(tmp_path, duration_s=20))


def test_a_missing_terrain_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"nowhere\.tif does not exist; make one with"):
        load_scene(write(tmp_path, terrain="nowhere.tif"))


@pytest.mark.parametrize("text", ["name: [", "just words", ""])
def test_a_file_that_is_no_scene_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(SceneError, match=r"bad\.yaml"):
        load_scene(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="cannot be read"):
        load_scene(tmp_path / "none.yaml")
