"""A real worker on a real RTSP server that misbehaves: the store's health history says what happened."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from at_work import at_work

import config
from alerting.latest import LatestPictures
from alerting.records import CameraPeriod
from alerting.store import Store
from detector.detection import Look
from detector.pipeline import LookResult
from firewatch.health import HealthJudges, LifeSign
from firewatch.reference_views import ReferenceViews
from firewatch.worker import Worker
from simulator.rtsp import RtspServer
from streams.frame import Frame

LIMIT_S = 60.0
FOOTAGE = Path(__file__).parents[2] / "sample_videos" / "chimney.mp4"


class Idle:
    """A detector that finds nothing; takes sightings, too."""

    def look(self, frame: Frame) -> LookResult:
        look = Look(
            frame.camera_id,
            None,
            frame.captured_at,
            frame.sequence,
            frame.width_px,
            frame.height_px,
            (),
            "idle",
        )
        return LookResult(look)

    def accept(self, camera: config.Camera, sighting: object, frame: Frame) -> None:
        raise AssertionError(f"{camera.id} found {sighting} in picture {frame.sequence}")


def deployment(server: RtspServer, folder: Path, *, stale_after_s: float = 30) -> config.Deployment:
    return config.Deployment.model_validate(
        {
            "name": "hill",
            "cameras": [
                {
                    "id": "ridge",
                    "name": "ridge",
                    "source": server.url("ridge"),
                    "lat_deg": 23.1,
                    "lon_deg": 116.4,
                    "mast_height_m": 20,
                    "pose": {"azimuth_deg": 0, "tilt_deg": 0, "hfov_deg": 50},
                    "stream": {
                        "stale_after_s": stale_after_s,
                        "read_timeout_s": stale_after_s - 1,
                        "retry_max_s": 1,
                    },
                    "health": {"frozen_after_s": 4},
                }
            ],
            "looks": {"patrol_interval_s": 1.0, "dense_interval_s": 0.5},
            "health": {"recover_after_s": 2},
            "storage": {"database_url": f"sqlite:///{folder}/store.db", "evidence": str(folder / "evidence")},
        }
    )


@contextmanager
def watched(of: config.Deployment) -> Iterator[Store]:
    store = Store.open(of.storage.database_url.reveal())
    health, idle = HealthJudges(of), Idle()
    worker = Worker(
        of.cameras,
        of.looks,
        lambda _camera: idle,
        idle,
        store,
        LatestPictures(of.storage.evidence),
        judge_for=health.judge_for,
        observers=(health,),
        life_sign=LifeSign(store, health),
    )
    with closing(store), at_work(worker):
        yield store


def until(condition: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + LIMIT_S
    while not condition() and time.monotonic() < deadline_s:
        time.sleep(0.1)
    return condition()


def state(store: Store) -> str:
    return next((one.state for one in store.camera_states()), "")


@pytest.mark.parametrize(
    ("fault", "condition", "stale_after_s"), [("freeze", "frozen", 30), ("stall", "stale", 8)]
)
def test_a_fault_of_the_camera_is_one_period_in_the_store(
    tmp_path: Path, fault: str, condition: str, stale_after_s: float
) -> None:
    with (
        RtspServer({"ridge": str(FOOTAGE)}) as server,
        watched(deployment(server, tmp_path, stale_after_s=stale_after_s)) as store,
    ):
        assert until(lambda: state(store) == "live")
        began = store.clock()
        server.fault("ridge", fault)
        assert until(lambda: state(store) == condition)
        server.clear("ridge")
        assert until(lambda: state(store) == "live")
        periods = store.camera_periods(began, store.clock())
        assert [one.condition for one in periods] == [condition]
        assert _lasted_s(periods[0]) > 4
        said = [event.data["state"] for event in store.events_since(0) if event.kind == "camera"]
        assert said == ["connecting", "live", condition, "live"]


def _lasted_s(period: CameraPeriod) -> float:
    assert period.until is not None
    return (period.until - period.since).total_seconds()


def test_where_a_view_stands_outlives_the_worker_until_its_pose_is_measured_anew(tmp_path: Path) -> None:
    camera = config.Camera.model_validate(
        {
            "id": "ridge",
            "name": "ridge",
            "source": "rtsp://127.0.0.1:9/none",
            "lat_deg": 23.1,
            "lon_deg": 116.4,
            "mast_height_m": 20,
            "pose": {"azimuth_deg": 10, "tilt_deg": 0, "hfov_deg": 50},
        }
    )
    edges = np.random.default_rng(1).uniform(-1, 1, (90, 160, 2)).astype(np.float32)
    views = ReferenceViews(tmp_path / "views")
    assert views.load(camera, None) is None
    views.save(camera, None, edges)
    loaded = ReferenceViews(tmp_path / "views").load(camera, None)
    assert loaded is not None
    assert np.abs(loaded - edges).max() < 0.001
    surveyed = camera.model_copy(update={"pose": camera.pose.model_copy(update={"azimuth_deg": 12})})
    assert views.load(surveyed, None) is None
    for file in (tmp_path / "views").iterdir():
        file.write_bytes(b"torn")
    assert views.load(camera, None) is None
