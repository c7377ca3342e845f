"""The main job, end to end: a simulated camera over RTSP in, a signed alert at the receiver out."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from centre_process import VIDEOS, RunningCentre, children_of, position_error_m, running_centre, truth_of

FIRES = ("near_fire", "distant_smoke", "pair_north", "pair_south", "night_fire")
QUIET = ("cloud_fog", "sun_glare", "dust_road", "chimney")
START_LIMIT_S = 60.0
AFTER_IGNITION_S = 60.0

pytestmark = [
    pytest.mark.skipif(not (VIDEOS / "near_fire.mp4").exists(), reason="sample videos are not there"),
    pytest.mark.timeout(400),
]


@pytest.fixture(scope="module")
def burning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCentre]:
    """A centre with one fire and one scene without, after the fire's alert has arrived."""
    with running_centre(tmp_path_factory.mktemp("centre"), ("near_fire", "chimney")) as centre:
        limit_s = START_LIMIT_S + ignition_s("near_fire") + AFTER_IGNITION_S
        assert centre.until(lambda: bool(centre.receiver.alerts), limit_s), centre.log.read_text()
        yield centre


def ignition_s(scene: str) -> float:
    hazard = truth_of(scene).hazard
    assert hazard is not None
    return hazard.ignition_s


def alert_of(centre: RunningCentre, scene: str) -> dict[str, Any]:
    """The first alert that names the camera of a scene."""
    for received in centre.receiver.alerts:
        if any(camera["camera_id"] == scene for camera in received.alert["cameras"]):
            return received.alert
    raise AssertionError(f"no alert names {scene}:\n{centre.log.read_text()}")


def time_in(alert: dict[str, Any], field: str) -> datetime:
    return datetime.fromisoformat(alert[field])


def test_the_alert_names_the_class_and_the_camera(burning: RunningCentre) -> None:
    alert = alert_of(burning, "near_fire")
    assert alert["event"] == "smoke"
    assert [camera["camera_id"] for camera in alert["cameras"]] == ["near_fire"]


def test_the_alert_stands_where_the_fire_is(burning: RunningCentre) -> None:
    alert = alert_of(burning, "near_fire")
    assert alert["location"]["method"] == "terrain"
    assert position_error_m(alert, "near_fire") < 300  # of 2.1 km; the ellipse of 95 % is about as large


def test_the_alert_carries_the_time_of_capture(burning: RunningCentre) -> None:
    received = burning.receiver.alerts[0]
    first_seen, captured = (time_in(received.alert, name) for name in ("first_seen_at", "captured_at"))
    assert first_seen >= burning.started_at + timedelta(seconds=ignition_s("near_fire"))
    assert first_seen < captured < received.received_at
    assert captured > received.received_at - timedelta(seconds=30)


def test_the_evidence_can_be_fetched_by_its_signed_link_only(burning: RunningCentre) -> None:
    url = alert_of(burning, "near_fire")["evidence"][0]["url"]
    assert url.startswith(burning.console_url)
    picture = httpx.get(url, trust_env=False)
    assert picture.status_code == 200
    assert picture.content.startswith(b"\xff\xd8")
    assert httpx.get(url.partition("?")[0], trust_env=False).status_code in (401, 403)


def test_a_worker_that_is_killed_comes_back_and_the_centre_stays(burning: RunningCentre) -> None:
    def is_worker(pid: int) -> bool:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            return b"firewatch.processes.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
        return False

    def workers() -> list[int]:
        return [pid for pid in children_of(burning.process.pid) if is_worker(pid)]

    (killed,) = workers()
    os.kill(killed, signal.SIGKILL)
    assert burning.until(lambda: workers() not in ([], [killed]), START_LIMIT_S)
    assert httpx.get(f"{burning.console_url}/healthz", trust_env=False).status_code == 200


def test_the_scene_without_fire_has_raised_nothing_so_far(burning: RunningCentre) -> None:
    assert all(
        camera["camera_id"] != "chimney"
        for received in burning.receiver.alerts
        for camera in received.alert["cameras"]
    )


def test_an_interrupt_ends_every_process(
    tmp_path: Path, until_gone: Callable[[tuple[int, ...]], bool]
) -> None:
    with running_centre(tmp_path, ("chimney",)) as centre:
        assert centre.until(lambda: len(children_of(centre.process.pid)) == 4, START_LIMIT_S)
        pids = children_of(centre.process.pid)
        centre.process.send_signal(signal.SIGINT)
        assert centre.process.wait(60) == 0
        assert until_gone(pids)


@pytest.fixture
def until_gone() -> Callable[[tuple[int, ...]], bool]:
    def wait(pids: tuple[int, ...]) -> bool:
        deadline_s = time.monotonic() + 60
        while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline_s:
            time.sleep(0.05)
        return not any(Path(f"/proc/{pid}").exists() for pid in pids)

    return wait


@pytest.mark.slow
def test_all_fires_are_reported_and_quiet_scenes_stay_silent_for_the_whole_footage(tmp_path: Path) -> None:
    whole_s = max(truth_of(scene).duration_s for scene in FIRES + QUIET)
    with running_centre(tmp_path, FIRES + QUIET) as centre:
        centre.until(lambda: False, START_LIMIT_S + whole_s)
        for scene in FIRES:
            hazard = truth_of(scene).hazard
            assert hazard is not None
            alert = alert_of(centre, scene)
            assert alert["event"] == hazard.label, scene
            where = alert["location"]
            reach_m = 2 * where["ellipse_95"]["semi_major_m"]
            assert position_error_m(alert, scene) < max(300, reach_m), scene
        reported = {camera["camera_id"] for one in centre.receiver.alerts for camera in one.alert["cameras"]}
        assert reported == set(FIRES)
        incidents = {
            one.alert["incident_id"]
            for one in centre.receiver.alerts
            if {camera["camera_id"] for camera in one.alert["cameras"]} & {"pair_north", "pair_south"}
        }
        assert len(incidents) == 1  # two cameras, one fire
