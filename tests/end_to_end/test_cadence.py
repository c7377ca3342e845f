"""Half an hour of rendered hills, looked at every second, every five and once a minute: one decision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from detector.pipeline import Pipeline
from detector.registry import load_model
from simulator.scene import load_scene
from simulator.view import SceneView
from streams.frame import Frame

SCENES = Path(__file__).resolve().parents[2] / "simulator" / "scenes"
START = datetime(2026, 1, 1, 4, tzinfo=UTC)
IGNITION_S, LENGTH_S = 900, 1800


@cache
def hills(name: str) -> SceneView:
    """Half an hour of a scene at look size. Its landscape takes longer to build than twenty looks at it."""
    scene = load_scene(SCENES / f"{name}.yaml")
    assert scene.fire is not None
    fire = scene.fire.model_copy(update={"ignition_s": float(IGNITION_S)})
    small = {"width_px": 640, "height_px": 352, "duration_s": LENGTH_S, "fire": fire}
    return SceneView(scene.model_copy(update=small))


def confirmed_at_s(name: str, every_s: Sequence[int], until_s: int) -> list[list[int]]:
    """When sightings were confirmed in one scene, for each of the rhythms it was looked at in."""
    model = load_model()
    backend = model.open_backend()
    view = hills(name)
    pipelines = [Pipeline(model, backend=backend) for _ in every_s]
    confirmed: list[list[int]] = [[] for _ in every_s]
    for at_s in range(0, until_s + 1, min(every_s)):
        picture = view.shot(float(at_s)).picture
        for seconds, pipeline, times in zip(every_s, pipelines, confirmed, strict=True):
            if at_s % seconds == 0:
                shot = Frame(picture, "hill", START + timedelta(seconds=at_s), at_s)
                times.extend([at_s] * len(pipeline.look(shot).sightings))
    return confirmed


@pytest.mark.slow  # the rule by itself is tested at every cadence in tests/detector/test_confirmation.py
@pytest.mark.parametrize("name", ["distant_smoke", "near_fire"])
def test_one_look_a_minute_confirms_a_fire_within_three_looks_and_nothing_before(name: str) -> None:
    (times,) = confirmed_at_s(name, [60], IGNITION_S + 180)
    assert [IGNITION_S < at_s <= IGNITION_S + 180 for at_s in times] == [True], times


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("name", ["distant_smoke", "near_fire"])
def test_a_fire_is_confirmed_once_and_at_the_same_time_however_often_one_looks(name: str) -> None:
    confirmed = confirmed_at_s(name, [1, 5, 60], LENGTH_S)
    assert [len(times) for times in confirmed] == [1, 1, 1], confirmed
    every_second, every_five, every_minute = (times[0] for times in confirmed)
    assert every_second > IGNITION_S, confirmed
    assert abs(every_five - every_second) <= 20, confirmed
    assert abs(every_minute - every_second) <= 120, confirmed
