"""A worker on a camera that turns: each look is of one view, and what is not known of its place is said."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import numpy as np
from at_work import at_work

import config
from config import Camera, Mask
from detector.detection import Box, Detection, Look, Sighting
from detector.pipeline import LookResult
from firewatch.health import TURNED_AWAY_DEG, DoubtingSink, HealthJudges
from firewatch.masks import is_ignored, without_private_parts
from firewatch.worker import Worker
from simulator.onvif import OnvifDevice
from streams.frame import Frame

LIMIT_S = 60.0
PRESETS = {"1": (-1.0, 0.0, 0.0), "2": (1.0, 0.0, 0.0)}
DARK, BRIGHT = 60, 180
ALL = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


def panorama() -> np.ndarray:
    """The left third is dark, the right one bright, and between them is something else."""
    chance = np.random.default_rng(1)
    grain = chance.integers(-20, 20, (180, 960, 3))
    grey = np.repeat(np.repeat([DARK, 240, BRIGHT], 320)[None, :, None], 180, axis=0)
    return np.clip(grey + grain, 0, 255).astype(np.uint8)


def deployment(device: OnvifDevice, masks: Sequence[dict[str, object]] = ()) -> config.Deployment:
    presets = [
        {
            "id": id_,
            "name": id_,
            "onvif_token": token,
            "pose": {"azimuth_deg": azimuth, "tilt_deg": 0, "hfov_deg": 50},
        }
        for id_, token, azimuth in (("west", "1", 270), ("east", "2", 90))
    ]
    camera = {
        "id": "ptz", "name": "云台", "source": device.picture_url, "lat_deg": 23.1, "lon_deg": 116.4,
        "mast_height_m": 20, "pose": {"azimuth_deg": 0, "tilt_deg": 0, "hfov_deg": 50}, "presets": presets,
        "ptz": {"onvif": device.url, "poll_s": 0.2, "settle_s": 0.4}, "masks": list(masks),
        "stream": {"retry_max_s": 0.3},
    }  # fmt: skip
    looks = {"patrol_interval_s": 0.3, "dense_interval_s": 0.1}
    return config.Deployment.model_validate({"name": "hill", "cameras": [camera], "looks": looks})


class Everything:
    """Detector, store and console at once. It sights something at every look, and keeps it all."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.sightings: list[Sighting] = []
        self.states: list[tuple[str, str]] = []

    def look(self, frame: Frame) -> LookResult:
        self.frames.append(frame)
        size = (frame.width_px, frame.height_px)
        look = Look(frame.camera_id, frame.preset, frame.captured_at, frame.sequence, *size, (), "scripted")
        box = Box(100, 100, 140, 140)
        sighting = Sighting(
            sighting_id=f"s{frame.sequence}", camera_id=frame.camera_id, preset=frame.preset, label="smoke",
            confidence=0.9, first_seen_at=frame.captured_at, confirmed_at=frame.captured_at, box=box,
            width_px=frame.width_px, height_px=frame.height_px,
            history=((frame.captured_at, Detection("smoke", 0.9, box)),), model_id="scripted",
            profile="balanced",
        )  # fmt: skip
        return LookResult(look, (), (sighting,), suspicious=True)

    def accept(self, camera: Camera, sighting: Sighting, frame: Frame) -> None:
        assert camera.id == frame.camera_id
        self.sightings.append(sighting)

    def set_camera_state(
        self, camera_id: str, state: str, since: datetime, reason: str, *, counts: bool = True
    ) -> None:
        assert (camera_id, counts) == ("ptz", True)
        assert since.tzinfo is not None
        self.states.append((state, reason))

    def write(self, camera_id: str, jpeg: bytes, captured_at: datetime) -> None: ...


@contextmanager
def watched(of: config.Deployment) -> Iterator[Everything]:
    seen, health = Everything(), HealthJudges(of)
    worker = Worker(
        of.cameras,
        of.looks,
        lambda _camera: seen,
        DoubtingSink(seen, health),
        seen,
        seen,
        judge_for=health.judge_for,
        observers=(health,),
    )
    with at_work(worker):
        yield seen


def until(condition: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + LIMIT_S
    while not condition() and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return condition()


def looks_at(seen: Everything, preset: str) -> int:
    return sum(one.preset == preset for one in list(seen.frames))


def test_looks_carry_the_preset_and_there_are_none_while_the_camera_turns() -> None:
    with (
        OnvifDevice(PRESETS, travel_s=2.5, panorama=panorama()) as device,
        watched(deployment(device)) as seen,
    ):
        assert until(lambda: looks_at(seen, "west") >= 3)
        device.go_to("2")
        assert until(lambda: looks_at(seen, "east") >= 3)
        device.go_to("1")
        before = looks_at(seen, "west")
        assert until(lambda: looks_at(seen, "west") >= before + 3)
    for frame in seen.frames:
        shown = DARK if frame.preset == "west" else BRIGHT
        assert abs(frame.image.mean() - shown) < 10, "a look of one view, not of what lies between"
    assert {one.preset for one in seen.sightings} == {"west", "east"}
    assert all(one.off_pose_deg is None for one in seen.sightings)
    assert {state for state, _ in seen.states} == {"connecting", "live", "off"}, "turning is no blindness"


def test_when_the_camera_does_not_say_where_it_stands_looks_go_on_and_places_are_unreliable() -> None:
    with OnvifDevice(PRESETS, panorama=panorama()) as device, watched(deployment(device)) as seen:
        assert until(lambda: looks_at(seen, "west") >= 2)
        device.faults.silent = True
        assert until(lambda: any(one.place_unsure for one in list(seen.frames)))
        assert until(lambda: any(state == "moved" for state, _ in list(seen.states)))
        assert until(lambda: sum(one.off_pose_deg == TURNED_AWAY_DEG for one in list(seen.sightings)) >= 2)
        device.faults.silent = False
        assert until(lambda: seen.states[-1][0] == "live" and not seen.frames[-1].place_unsure)
    unsure = [one for one in seen.frames if one.place_unsure]
    assert {one.preset for one in unsure} == {"west"}, "the preset known last"
    reason = next(reason for state, reason in seen.states if state == "moved")
    assert "does not say where it stands" in reason
    by_id = {one.sighting_id: one.off_pose_deg for one in seen.sightings}
    for frame in seen.frames:
        expected = TURNED_AWAY_DEG if frame.place_unsure else None
        assert by_id.get(f"s{frame.sequence}", expected) == expected


def test_where_it_is_not_sure_which_view_it_is_every_private_part_is_black_and_no_smoke_is_ignored() -> None:
    masks = [
        Mask(kind="private", preset="east", polygon=ALL),
        Mask(kind="ignore", preset="west", polygon=ALL),
    ]
    image = np.full((240, 320, 3), 9, np.uint8)
    now = datetime.fromisoformat("2026-05-01T00:00:00+00:00")
    sure, unsure = (Frame(image, "a", now, 1, preset="west", place_unsure=doubt) for doubt in (False, True))
    assert without_private_parts(sure, masks) is sure
    assert without_private_parts(unsure, masks).image.max() == 0
    assert is_ignored(Box(100, 100, 140, 140), sure, masks)
    assert not is_ignored(Box(100, 100, 140, 140), unsure, masks)
