"""The sender as the process it is in use: it follows what becomes of receivers, and loses nothing over it."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from alerting.intake import Evidence, Intake
from alerting.journal import By
from alerting.secret_box import SecretBox
from alerting.store import Store
from alerting.target_register import TargetRegister
from config import Deployment, load
from detector.detection import Box, Detection, Sighting
from simulator.receiver import DispatchReceiver

LIMIT_S = 60.0
KEY = "the key of the signature"
CAMERA = {
    "id": "ridge", "name": "东山", "source": "rtsp://127.0.0.1:9/ridge", "lat_deg": 23, "lon_deg": 116,
    "mast_height_m": 30, "pose": {"azimuth_deg": 0, "tilt_deg": 0, "hfov_deg": 50},
}  # fmt: skip
BY = By("li", "10.0.0.7")


def deployment(folder: Path) -> Path:
    path = folder / "hills.yaml"
    county = {"id": "county", "name": "县", "url": "http://127.0.0.1:9/alerts", "secret": KEY}
    storage = {"database_url": f"sqlite:///{folder}/store.db", "evidence": str(folder / "evidence")}
    values = {"name": "hills", "cameras": [CAMERA], "dispatch": [county], "storage": storage}
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


@contextlib.contextmanager
def sender_process(config_file: Path, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    (folder / "link.key").write_bytes(b"0123456789abcdef")
    command = [sys.executable, "-m", "firewatch.processes.sender", str(config_file)]
    command += ["--link-key", str(folder / "link.key"), "--base-url", "http://127.0.0.1:8080"]
    with (folder / "log").open("wb") as log:
        command += ["--secrets-key", str(folder / "secrets.key"), "--heartbeat", str(folder / "heartbeat")]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def until(condition: Callable[[], bool], limit_s: float = LIMIT_S) -> bool:
    deadline_s = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.05)
    return True


def fire(store: Store, loaded: Deployment, number: int) -> None:
    now, box = datetime.now(UTC), Box(100 + 300 * number, 100, 140 + 300 * number, 140)
    sighting = Sighting(
        f"s-{number}", "ridge", None, "smoke", 0.8, now, now, box, 1280, 720,
        ((now, Detection("smoke", 0.8, box)),), "test", "balanced",
    )  # fmt: skip
    Intake.from_deployment(store, loaded).accept(sighting, Evidence(b"jpeg", b"jpeg"), loaded.cameras[0])


def test_receivers_that_are_changed_added_and_switched_off_are_followed_without_a_restart(
    tmp_path: Path,
) -> None:
    config_file = deployment(tmp_path)
    loaded = load(config_file)
    with (
        DispatchReceiver(KEY) as county,
        DispatchReceiver(KEY) as added,
        contextlib.closing(Store.open(loaded.storage.database_url.reveal())) as store,
        sender_process(config_file, tmp_path) as process,
    ):
        register = TargetRegister(store, loaded, SecretBox(tmp_path / "secrets.key"))

        def states() -> list[str]:
            return sorted(f"{one.target_id} {one.state}" for one in store.deliveries())

        fire(store, loaded, 0)
        log = tmp_path / "log"
        assert until(lambda: "delivery postponed" in log.read_text()), log.read_text()
        assert until((tmp_path / "heartbeat").exists), "its supervisor would take it for hanging"

        register.change("county", {"url": county.url}, by=BY)
        register.add(
            {"id": "late", "name": "后来", "url": added.url, "secret": KEY, "heartbeat": True}, by=BY
        )
        assert until(lambda: states() == ["county delivered"]), log.read_text()
        assert until(lambda: added.heartbeat_at is not None), log.read_text()

        fire(store, loaded, 1)
        assert until(lambda: len(added.alerts) == 1 and len(county.alerts) == 2), log.read_text()

        register.change("late", {"enabled": False}, by=BY)
        fire(store, loaded, 2)
        assert until(lambda: len(county.alerts) == 3)
        assert len(added.alerts) == 1

        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0
        assert [one.deliveries for one in (*county.alerts, *added.alerts)] == [1, 1, 1, 1]
        assert KEY not in log.read_text()
