"""What an engineer types beside a running sender: drill, dispatch test, redeliver; and the daily drill."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from test_command import firewatch
from test_worker_process import VIDEO, until

import config
from alerting.drill import exercise_sighting
from alerting.intake import Evidence, Intake
from alerting.journal import By
from alerting.records import DeliveryRecord
from alerting.secret_box import KEY_FILE, SecretBox
from alerting.store import Store
from alerting.target_register import TargetRegister
from simulator.receiver import DispatchReceiver

SECRET = "a secret of the test"

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def receiver() -> Iterator[DispatchReceiver]:
    with DispatchReceiver(SECRET) as running:
        yield running


def written(folder: Path, receiver: DispatchReceiver, *, notices: bool = False, **more: Any) -> Path:
    """A deployment file with one camera, which plays a film, and one target."""
    camera = {
        "id": "ridge", "name": "ridge", "source": str(VIDEO), "lat_deg": 23.1, "lon_deg": 116.4,
        "mast_height_m": 30, "pose": {"azimuth_deg": 0, "tilt_deg": -3, "hfov_deg": 50},
    }  # fmt: skip
    target = {"id": "county", "name": "county", "url": receiver.url, "secret": SECRET, "notices": notices}
    storage = {"database_url": f"sqlite:///{folder}/store.db", "evidence": str(folder / "evidence")}
    content = {"name": "hills", "cameras": [camera], "dispatch": [target], "storage": storage, **more}
    path = folder / "hills.yaml"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@contextmanager
def sender_of(deployment: Path) -> Iterator[None]:
    """The sender as the process it is in use."""
    key = deployment.parent / "link.key"
    key.write_bytes(b"0123456789abcdef")
    command = [sys.executable, "-m", "firewatch.processes.sender", str(deployment)]
    links = ["--link-key", str(key), "--base-url", "http://127.0.0.1:1"]
    with subprocess.Popen([*command, *links]) as process:
        try:
            yield
        finally:
            process.terminate()


def sighted(store: Store, deployment: Path) -> None:
    """An exercise in the outbox, without the drill that waits for it."""
    loaded = config.load(deployment)
    buffer = io.BytesIO()
    Image.new("RGB", (640, 360)).save(buffer, "JPEG")
    pictures = Evidence(buffer.getvalue(), buffer.getvalue())
    camera = loaded.camera("ridge")
    seen = exercise_sighting(camera, datetime.now(UTC), 640, 360, "exercise-1")
    Intake.from_deployment(store, loaded).accept(seen, pictures, camera, exercise=True)


def deliveries(store: Store) -> Callable[[], tuple[DeliveryRecord, ...]]:
    return lambda: store.deliveries(state="delivered")


@pytest.mark.slow  # the drill itself: tests/alerting/test_drill.py
def test_a_drill_passes_and_says_what_each_step_took_and_without_a_sender_it_says_so(
    tmp_path: Path, receiver: DispatchReceiver
) -> None:
    deployment = written(tmp_path, receiver)
    alone = firewatch("drill", "ridge", "--config", str(deployment), "--patience", "1")
    assert alone.returncode == 2, alone.stderr
    assert "does the sender run?" in alone.stdout
    with sender_of(deployment):
        done = firewatch("drill", "ridge", "--config", str(deployment), "--json", "--patience", "60")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["passed"]
    assert [one["name"] for one in report["steps"]] == [
        "picture", "recorded", "alert: county", "cancel: county",
    ]  # fmt: skip
    unknown = firewatch("drill", "nowhere", "--config", str(deployment))
    assert unknown.returncode == 2
    assert "nowhere" in unknown.stderr


@pytest.mark.slow
def test_the_daily_drill_runs_at_its_time_and_reports(tmp_path: Path, receiver: DispatchReceiver) -> None:
    at = datetime.now(UTC) + timedelta(seconds=20)
    drill = {"camera": "ridge", "at": f"{at:%H:%M:%S}"}
    deployment = written(tmp_path, receiver, notices=True, time_zone="UTC", drill=drill)
    with closing(Store.open(f"sqlite:///{tmp_path}/store.db")) as store, sender_of(deployment):
        # the alert, its cancel, and the report as a notice
        assert until(lambda: len(deliveries(store)()) == 3)
    (report,) = [one.alert for one in receiver.alerts if one.alert.get("kind") == "drill"]
    assert "每日演练通过" in report["title"]
    assert [one.alert["exercise"] for one in receiver.alerts] == [True, True, True]


def test_a_receiver_that_was_saved_in_the_console_is_tested_where_it_is_now(
    tmp_path: Path, receiver: DispatchReceiver
) -> None:
    deployment = written(tmp_path, receiver)
    state = tmp_path / "var"
    with (
        DispatchReceiver("another secret") as moved,
        closing(Store.open(f"sqlite:///{tmp_path}/store.db")) as store,
    ):
        register = TargetRegister(store, config.load(deployment), SecretBox(state / KEY_FILE))
        register.change("county", {"url": moved.url, "secret": "another secret"}, by=By("li"))
        register.add({"id": "robot", "name": "r", "url": moved.url, "secret": "another secret"}, by=By("li"))
        for target in ("county", "robot"):
            asked = ("dispatch", "test", target, "--config", str(deployment), "--state", str(state), "--json")
            tested = firewatch(*asked)
            assert tested.returncode == 0, tested.stdout + tested.stderr
        assert len(moved.alerts) > 0
    assert receiver.alerts == []


def test_a_receiver_is_tested_from_the_shell_and_what_it_refused_is_sent_again(
    tmp_path: Path, receiver: DispatchReceiver
) -> None:
    deployment = written(tmp_path, receiver)
    tested = firewatch("dispatch", "test", "county", "--config", str(deployment), "--json")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert all(check["passed"] for check in json.loads(tested.stdout) if check["need"] == "must")
    receiver.control(mode="status", status=400)
    refused = firewatch("dispatch", "test", "county", "--config", str(deployment))
    assert refused.returncode == 2
    with closing(Store.open(f"sqlite:///{tmp_path}/store.db")) as store, sender_of(deployment):
        sighted(store, deployment)
        assert until(lambda: len(store.deliveries(state="dead")) == 1)
        receiver.control(mode="ok")
        again = firewatch("dispatch", "redeliver", "county", "--config", str(deployment))
        assert again.returncode == 0
        assert "1 messages go to county again" in again.stdout
        assert until(lambda: len(deliveries(store)()) == 1)
    assert SECRET not in tested.stdout + refused.stdout + again.stdout
