"""Every sample scene from its first to its last picture through the production pipeline, on its own clock.

Proof of the chain, not of accuracy: the scenes are ours, and few.
"""

from __future__ import annotations

import pytest
from centre_process import VIDEOS, truth_of

from config import LookSettings
from detector.backend import Backend
from detector.detection import Sighting
from detector.pipeline import LookResult, Pipeline
from detector.registry import Model, load_model
from firewatch.replay import replay
from simulator.truth import TruthBox
from streams.frame import Frame
from streams.recorded import VideoFile

SCENES = tuple(
    sorted(path.stem for path in VIDEOS.glob("*.mp4") if not path.stem.endswith(("_calm", "_clearing")))
)
WITHIN_S = 60.0
NEAR_PX = 60.0

pytestmark = pytest.mark.timeout(300)


class Sightings:
    """Keeps the sightings of a replay with their time in the footage."""

    def __init__(self) -> None:
        self.kept: list[tuple[float, Sighting]] = []
        self.last_s = 0.0

    def frame(self, frame: Frame, footage_s: float, latest: LookResult | None) -> None:
        del frame, latest
        self.last_s = footage_s

    def look(self, frame: Frame, footage_s: float, result: LookResult) -> None:
        del frame
        self.kept += [(footage_s, sighting) for sighting in result.sightings]


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model()


@pytest.fixture(scope="module")
def backend(model: Model) -> Backend:
    return model.open_backend(threads=1)


def watched(name: str, model: Model, backend: Backend) -> Sightings:
    seen = Sightings()
    with VideoFile(VIDEOS / f"{name}.mp4", name, interval_s=0.25) as source:
        replay(source, Pipeline(model, backend=backend), LookSettings(), [seen])
    return seen


def touches(sighting: Sighting, box: TruthBox) -> bool:
    """Whether a sighting lies where the truth is, give or take a little."""
    ours = sighting.box
    return (
        ours.x1 - NEAR_PX < box.x2
        and box.x1 < ours.x2 + NEAR_PX
        and ours.y1 - NEAR_PX < box.y2
        and box.y1 < ours.y2 + NEAR_PX
    )


@pytest.mark.parametrize("name", [name for name in SCENES if truth_of(name).hazard is not None])
def test_a_fire_is_confirmed_once_and_where_it_is(name: str, model: Model, backend: Backend) -> None:
    truth = truth_of(name)
    assert truth.hazard is not None
    seen = watched(name, model, backend)
    assert len(seen.kept) == 1, seen.kept
    ((confirmed_s, sighting),) = seen.kept
    assert truth.hazard.ignition_s < confirmed_s < truth.hazard.ignition_s + WITHIN_S
    nearest = min(truth.boxes, key=lambda box: abs(box.t_s - confirmed_s))
    assert touches(sighting, nearest)


@pytest.mark.parametrize("name", [name for name in SCENES if truth_of(name).hazard is None])
def test_a_scene_without_fire_stays_silent_to_its_end(name: str, model: Model, backend: Backend) -> None:
    seen = watched(name, model, backend)
    assert seen.last_s > truth_of(name).duration_s - 1
    assert seen.kept == []
