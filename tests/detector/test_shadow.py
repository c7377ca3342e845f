"""A model in shadow sees what the current one sees, writes it down, and can harm nobody."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "detector"))  # its handmade networks and frames

from handmade import brightness_model, frame, hill, with_smoke

from config import Camera
from detector.pipeline import Pipeline
from firewatch.shadow import EVERY_S, Shadow

CAMERA = Camera.model_validate(
    {
        "id": "north",
        "name": "北",
        "source": "rtsp://127.0.0.1/north",
        "lat_deg": 23.1,
        "lon_deg": 116.4,
        "mast_height_m": 20,
        "pose": {"azimuth_deg": 0, "tilt_deg": 0, "hfov_deg": 50},
    }
)


def lines(folder: Path) -> list[dict]:
    return [json.loads(line) for path in folder.rglob("*.jsonl") for line in path.read_text().splitlines()]


def watch(shadow: Shadow, current: Pipeline, looks: int, step_s: float = 2.0) -> None:
    for n in range(looks):
        shot = frame(with_smoke(hill()) if n >= 10 else hill(), n * step_s, n)
        shadow.looked(CAMERA, shot, current.look(shot))


@pytest.fixture
def current(tmp_path: Path) -> Pipeline:
    return Pipeline(brightness_model(tmp_path))


def test_scores_of_both_models_are_written_by_camera_and_day(tmp_path: Path, current: Pipeline) -> None:
    candidate = current.model
    watch(Shadow(lambda _camera: Pipeline(candidate), tmp_path / "shadow"), current, 40)
    (path,) = (tmp_path / "shadow").rglob("*.jsonl")
    assert path.parent.name == candidate.model_id
    assert path.name == "north_2026-05-01.jsonl"
    written = lines(tmp_path / "shadow")
    assert [line["shadow"]["score"] for line in written] == [line["current"]["score"] for line in written]
    assert {line["shadow"]["score"] for line in written} == {0.0, 0.8471}
    assert sum(len(line["shadow"]["sightings"]) for line in written) == 1


def test_a_shadow_looks_rarely(tmp_path: Path, current: Pipeline) -> None:
    watch(Shadow(lambda _camera: Pipeline(current.model), tmp_path / "shadow"), current, 30)
    assert len(lines(tmp_path / "shadow")) == 60 / EVERY_S


def test_a_shadow_that_fails_is_counted_and_the_looks_go_on(tmp_path: Path, current: Pipeline) -> None:
    (tmp_path / "broken").mkdir()
    broken = brightness_model(tmp_path / "broken", poison=float("nan"))
    shadow = Shadow(lambda _camera: Pipeline(broken), tmp_path / "shadow")
    watch(shadow, current, 30)
    assert shadow.failures == 6
    assert lines(tmp_path / "shadow") == []
