"""A camera that tours two views, through the production pipeline: what the presets are good for.

One view is the near fire (its film goes on only while the camera looks there), the other a calm hill;
between them the camera swings across both, blurred. Time is the pictures' own. Rendered scenes: proof of the
chain, not of accuracy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest
from centre_process import VIDEOS, truth_of

from config import HealthSettings
from detector.detection import Sighting
from detector.pipeline import Pipeline
from detector.registry import load_model
from streams.condition import Condition
from streams.frame import Frame, Image
from streams.health import CameraHealth
from streams.ptz import Position, Reading, Standing, preset_during
from streams.vitals import Vitals

NOON = datetime(2026, 11, 27, 4, 0, tzinfo=UTC)
STAY_S, TURN_S, TOUR_S = 15.0, 4.0, 190
VIEWS = ("east", "west")
PRESETS = {"east": Position(-0.5, 0.0), "west": Position(0.5, 0.0)}
STANDING = Standing(settle_s=2, tolerance=0.01, farthest_apart_s=4)

pytestmark = pytest.mark.timeout(300)


def one_a_second(name: str) -> list[Image]:
    capture, found = cv2.VideoCapture(str(VIDEOS / name)), []
    while capture.grab():
        if int(capture.get(cv2.CAP_PROP_POS_FRAMES)) % 10 == 1:
            found.append(capture.retrieve()[1])
    capture.release()
    return found


class Tour:
    """Where the camera stands and what it sees, by seconds since it began."""

    def __init__(self) -> None:
        self._films = (one_a_second("near_fire.mp4"), one_a_second("pair_south_calm.mp4"))

    def reading(self, second: float) -> Reading:
        view, _, turned = self._stand(second)
        way = 1.0 - 2.0 * view
        at = NOON + timedelta(seconds=second)
        position = Position(-0.5 * way + turned * way, 0.0)
        return Reading(at, at + timedelta(seconds=0.05), position, moving=turned > 0)

    def picture(self, second: float) -> Image:
        view, filmed_s, turned = self._stand(second)
        image = self._still(view, filmed_s[view])
        if turned:
            wide = np.hstack([image, self._still(1 - view, filmed_s[1 - view])])
            left = round(turned * image.shape[1])
            image = cv2.blur(wide[:, left : left + image.shape[1]], (25, 1)).astype(np.uint8)
        grain = np.random.default_rng(int(second)).normal(0, 1, image.shape)
        return np.clip(image + grain, 0, 255).astype(np.uint8)

    def _still(self, view: int, filmed_s: float) -> Image:
        film = self._films[view]
        return film[int(filmed_s) % len(film)]

    @staticmethod
    def _stand(second: float) -> tuple[int, tuple[float, float], float]:
        """The view it stands at or leaves, how long it has looked at each, how far it has turned (0..1)."""
        leg, into_s = divmod(second, STAY_S + TURN_S)
        view, here_s = int(leg) % 2, int(leg) // 2 * STAY_S + min(into_s, STAY_S - 0.01)
        there_s = (int(leg) + 1) // 2 * STAY_S
        filmed_s = (here_s, there_s) if view == 0 else (there_s, here_s)
        return view, filmed_s, max(0.0, (into_s - STAY_S) / TURN_S)


@dataclass
class Seen:
    sightings: list[Sighting] = field(default_factory=list)
    conditions: set[Condition] = field(default_factory=set)


def stamped(tour: Tour, *, with_ptz: bool) -> Iterator[Frame]:
    readings = [tour.reading(second) for second in range(TOUR_S + 5)]
    for second in range(3, TOUR_S, 2):
        at = NOON + timedelta(seconds=second)
        preset = preset_during(readings, PRESETS, at, at, STANDING) if with_ptz else None
        if preset is not None or not with_ptz:
            yield Frame(tour.picture(second), "ptz", at, second, preset=preset)


def watched(tour: Tour, pipeline: Pipeline, *, with_ptz: bool) -> Seen:
    seen = Seen()
    health = CameraHealth(HealthSettings(), stale_after_s=30, hfov_of=lambda _preset: 50.0)
    for frame in stamped(tour, with_ptz=with_ptz):
        at = frame.captured_at
        health.saw(frame)
        vitals = Vitals("ptz", NOON, None, NOON, 1, at, at, 1, 1, 0, "", 0, "", None, None)
        seen.conditions.add(health.state(vitals, at).condition)
        seen.sightings += pipeline.look(frame).sightings
    return seen


def test_a_camera_on_tour_finds_the_fire_in_its_view_and_nothing_by_turning() -> None:
    seen = watched(Tour(), Pipeline(load_model()), with_ptz=True)
    assert [one.preset for one in seen.sightings] == ["east"]
    truth = truth_of("near_fire").boxes[-1]
    box = seen.sightings[0].box
    assert box.x1 - 60 < truth.x2
    assert truth.x1 < box.x2 + 60
    assert seen.conditions == {Condition.LIVE}


@pytest.mark.slow  # what it is like without; the tour itself is looked at in every run
def test_the_same_pictures_without_presets_are_called_moved_and_a_fire_in_them_has_no_view() -> None:
    """What was seen without `ptz`: no false fire, but references of another view, and no true place."""
    seen = watched(Tour(), Pipeline(load_model()), with_ptz=False)
    assert Condition.MOVED in seen.conditions
    assert {one.preset for one in seen.sightings} <= {None}
