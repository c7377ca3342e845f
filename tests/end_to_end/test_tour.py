"""A camera that tours two views, through the production pipeline and a whole centre: what the presets are
good for.

One view is the near fire (its film goes on only while the camera looks there), the other a calm hill;
between them the camera swings across both, blurred. Time is the pictures' own. Rendered scenes: proof of the
chain, not of accuracy.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from centre_process import VIDEOS, demo_camera, position_error_m, running_centre, truth_of

from alerting.store import Store
from config import HealthSettings
from detector.detection import Sighting
from detector.pipeline import Pipeline
from detector.registry import load_model
from simulator.onvif import OnvifDevice, Place
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

FILM_FPS = 2

pytestmark = pytest.mark.timeout(400)


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


class TouringDevice(OnvifDevice):
    """Says where the tour stands, from `begin` on; before, it stands at the first view."""

    def __init__(self, tour: Tour) -> None:
        super().__init__({"1": _place(PRESETS["east"]), "2": _place(PRESETS["west"])})
        self._tour = tour
        self._begun_s: float | None = None

    def begin(self) -> None:
        self._begun_s = time.monotonic()

    @property
    def moving(self) -> bool:
        return bool(self._reading.moving)

    @property
    def place(self) -> Place:
        return _place(self._reading.position)

    @property
    def _reading(self) -> Reading:
        return self._tour.reading(0 if self._begun_s is None else time.monotonic() - self._begun_s)


def _place(position: Position) -> Place:
    return position.pan, position.tilt, 0.0


def filmed(tour: Tour, path: Path) -> Path:
    """The tour as its camera sends it, a key frame a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FILM_FPS)
        height, width = tour.picture(0).shape[:2]
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "20", "g": str(FILM_FPS), "bf": "0"}
        for number in range(TOUR_S * FILM_FPS):
            picture = av.VideoFrame.from_ndarray(tour.picture(number / FILM_FPS), "bgr24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


@pytest.mark.slow
def test_a_centre_alerts_once_with_the_place_seen_from_the_preset_of_a_camera_that_turns(
    tmp_path: Path,
) -> None:
    """Over RTSP and ONVIF as a real one: what the camera shows and what it says are two connections."""
    tour = Tour()
    film = filmed(tour, tmp_path / "tour.mp4")
    with TouringDevice(tour) as device:
        camera = {
            # of neither view: presets have their own
            "pose": {"azimuth_deg": 200, "tilt_deg": -6, "hfov_deg": 50},
            "presets": [
                {"id": "east", "name": "东", "onvif_token": "1", "pose": demo_camera("near_fire")["pose"]},
                {"id": "west", "name": "西", "onvif_token": "2", "pose": demo_camera("pair_south")["pose"]},
            ],
            "ptz": {"onvif": device.url, "poll_s": 0.5, "settle_s": STANDING.settle_s},
        }
        with running_centre(
            tmp_path, ("near_fire",), footage={"near_fire": film}, fields={"near_fire": camera}
        ) as centre:
            assert centre.until(lambda: centre.cameras.state("near_fire").readers > 0, 60)
            centre.cameras.restart("near_fire")
            device.begin()
            ends_s = time.monotonic() + TOUR_S - 2
            assert centre.until(lambda: bool(centre.receiver.alerts), TOUR_S - 2), centre.log.read_text()
            centre.until(lambda: False, ends_s - time.monotonic())
            alerts = [received.alert for received in centre.receiver.alerts]
    assert len({alert["incident_id"] for alert in alerts}) == 1
    assert {(one["camera_id"], one["preset"]) for alert in alerts for one in alert["cameras"]} == {
        ("near_fire", "east")
    }
    assert position_error_m(alerts[0], "near_fire") < 300
    with closing(Store.open(f"sqlite:///{tmp_path}/firewatch.db")) as store:
        periods = store.camera_periods(NOON, datetime.now(UTC) + timedelta(days=1))
    assert {one.condition for one in periods} <= {"connecting", "off"}, "turning is no blindness"
