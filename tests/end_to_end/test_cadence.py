"""Half an hour of one rendered hill, looked at every second and every five: one decision.

One look a minute does not confirm this faint plume within a quarter of an hour: docs/experiments.md."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from detector.pipeline import Pipeline
from detector.registry import load_model
from simulator.scene import load_scene
from simulator.view import SceneView
from streams.frame import Frame

SCENE = Path(__file__).resolve().parents[2] / "simulator" / "scenes" / "distant_smoke.yaml"
START = datetime(2026, 1, 1, 4, tzinfo=UTC)
IGNITION_S, LENGTH_S = 900.0, 1800
CADENCES_S = (1, 5)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a_fire_is_confirmed_once_and_at_the_same_time_however_often_one_looks():
    model = load_model()
    backend = model.open_backend()
    scene = load_scene(SCENE)
    assert scene.fire is not None
    fire = scene.fire.model_copy(update={"ignition_s": IGNITION_S})
    small = {"width_px": 640, "height_px": 352, "duration_s": LENGTH_S, "fire": fire}
    view = SceneView(scene.model_copy(update=small))
    pipelines = {cadence_s: Pipeline(model, backend=backend) for cadence_s in CADENCES_S}
    confirmed: dict[int, list[int]] = {cadence_s: [] for cadence_s in CADENCES_S}
    for at_s in range(LENGTH_S):
        picture = view.shot(float(at_s)).picture
        for cadence_s, pipeline in pipelines.items():
            if at_s % cadence_s == 0:
                shot = Frame(picture, "hill", START + timedelta(seconds=at_s), at_s)
                confirmed[cadence_s] += [at_s] * len(pipeline.look(shot).sightings)
    assert all(len(times) == 1 for times in confirmed.values()), confirmed
    (densest_s,) = confirmed[CADENCES_S[0]]
    assert densest_s > IGNITION_S
    for cadence_s in CADENCES_S[1:]:
        assert abs(confirmed[cadence_s][0] - densest_s) <= max(2 * cadence_s, 20), confirmed
