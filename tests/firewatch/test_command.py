"""The command line as a user meets it: clear errors, no traceback, JSON where a machine reads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def firewatch(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "firewatch.cli", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "300", **environment},
        timeout=100,
        check=False,
    )


def test_help_names_every_command() -> None:
    answer = firewatch("--help")
    assert answer.returncode == 0
    for command in ("check", "config", "demo", "detect", "evaluate", "models", "replay", "run", "simulate"):
        assert f" {command} " in answer.stdout


def test_checking_a_deployment_names_overlaps_and_gaps_of_its_grids(tmp_path: Path) -> None:
    def area(code: str, west: float, south: float, east: float, north: float) -> dict[str, object]:
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        return {
            "type": "Feature",
            "properties": {"level": "grid", "code": code, "name": code},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }

    overlapping = [area("A", 0, 0, 2, 2), area("B", 1.5, 0, 3, 2)]
    around_a_hole = [area("C", 0, 2, 1, 4), area("D", 2, 2, 3, 4), area("E", 0, 4, 3, 5)]
    grids = {"type": "FeatureCollection", "features": overlapping + around_a_hole}
    (tmp_path / "grids.geojson").write_text(json.dumps(grids), encoding="utf-8")
    text = (ROOT / "config" / "dashan.yaml").read_text(encoding="utf-8")
    text = text.replace("# grids: grids.geojson", "grids: grids.geojson")
    text = text.replace("../sample_videos/terrain.tif", str(ROOT / "sample_videos" / "terrain.tif"))
    (tmp_path / "d.yaml").write_text(text, encoding="utf-8")
    secrets = {"CAMERA_PASSWORD": "pw-of-cams", "DISPATCH_SECRET": "12345678"}
    answer = firewatch("check", str(tmp_path / "d.yaml"), **secrets)
    assert answer.returncode == 0, answer.stderr
    assert "the grids A and B overlap by 33.3% of the smaller one" in answer.stdout
    assert "there is a gap between grids around 3.00000 N 1.50000 E" in answer.stdout

    (tmp_path / "grids.geojson").write_text("{", encoding="utf-8")
    broken = firewatch("check", str(tmp_path / "d.yaml"), **secrets)
    assert broken.returncode == 2
    assert "is not JSON" in broken.stderr


def test_a_good_deployment_is_checked_with_the_licence_of_its_weights() -> None:
    answer = firewatch(
        "check", "config/dashan.yaml", CAMERA_PASSWORD="pw-of-cams", DISPATCH_SECRET="12345678"
    )
    assert answer.returncode == 0, answer.stderr
    assert "12 cameras" in answer.stdout
    assert "licence" in answer.stdout


def test_check_speaks_json() -> None:
    answer = firewatch(
        "check", "config/dashan.yaml", "--json", CAMERA_PASSWORD="pw-of-cams", DISPATCH_SECRET="12345678"
    )
    found = json.loads(answer.stdout)
    assert found["cameras"] == 12
    assert found["model"]["licence"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        ("", "is empty"),
        ("name: [", "not YAML"),
        ("name: x\ncameras: 3\n", "d.yaml:2: cameras: must be a list"),
    ],
)
def test_a_bad_deployment_is_one_clear_error(tmp_path: Path, content: str | None, says: str) -> None:
    file = tmp_path / "d.yaml"
    if content is not None:
        file.write_text(content)
    for command in ("check", "run"):
        answer = firewatch(command, str(file))
        assert answer.returncode == 2
        assert says in answer.stderr
        assert "Traceback" not in answer.stderr


def test_weights_that_are_not_there_are_named(tmp_path: Path) -> None:
    file = tmp_path / "d.yaml"
    text = (ROOT / "config" / "dashan.yaml").read_text()
    text = text.replace("../sample_videos", str(ROOT / "sample_videos"))
    file.write_text(text.replace("profile: balanced ", "model: none.onnx "))
    answer = firewatch("check", str(file), CAMERA_PASSWORD="pw-of-cams", DISPATCH_SECRET="12345678")
    assert answer.returncode == 2
    assert "none.onnx" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_the_traceback_is_there_for_who_asks() -> None:
    answer = firewatch("--debug", "check", "/nowhere.yaml")
    assert answer.returncode == 2
    assert "Traceback" in answer.stderr


def test_an_unknown_command_is_a_usage_error() -> None:
    answer = firewatch("extinguish")
    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr


def test_the_demo_does_not_empty_a_folder_that_no_demo_made(tmp_path: Path) -> None:
    keep = tmp_path / "thesis.txt"
    keep.write_text("years of work")
    answer = firewatch("demo", "--state", str(tmp_path), "--no-browser")
    assert answer.returncode == 2
    assert "no demo made" in answer.stderr
    assert keep.exists()


def test_a_camera_is_calibrated_by_a_picture_of_its_skyline(tmp_path: Path) -> None:
    import cv2

    video = cv2.VideoCapture(str(ROOT / "sample_videos" / "pair_south.mp4"))
    fine, picture = video.read()
    video.release()
    assert fine
    assert cv2.imwrite(str(tmp_path / "clear day.jpg"), picture)
    answer = firewatch(
        "calibrate", "config/demo.yaml", "pair_south", "--picture", str(tmp_path / "clear day.jpg")
    )
    assert answer.returncode == 0, answer.stderr
    assert "columns, 100% of the picture's" in answer.stdout
    assert "pose: {azimuth_deg: 1" in answer.stdout
    elsewhere = firewatch(
        "calibrate", "config/demo.yaml", "sun_glare", "--picture", str(tmp_path / "clear day.jpg")
    )
    assert elsewhere.returncode == 2
    assert "pose:" not in elsewhere.stdout
