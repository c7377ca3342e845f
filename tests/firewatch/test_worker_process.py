"""A worker as the process it is in use: told to stop, it puts its affairs in order and ends by itself."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import sample_videos
from alerting.store import Store
from simulator.rtsp import RtspServer

LIMIT_S = 60.0
VIDEO = Path(sample_videos.__file__).parent / "chimney.mp4"


def deployment(folder: Path, server: RtspServer) -> Path:
    cameras = [
        {
            "id": name,
            "name": name,
            "source": server.url(name),
            "lat_deg": 23,
            "lon_deg": 116,
            "mast_height_m": 30,
            "pose": {"azimuth_deg": 0, "tilt_deg": 0, "hfov_deg": 50},
        }
        for name in ("sound", "silent")
    ]
    storage = {"database_url": f"sqlite:///{folder}/store.db", "evidence": str(folder / "evidence")}
    path = folder / "hills.yaml"
    path.write_text(json.dumps({"name": "hills", "cameras": cameras, "storage": storage}), encoding="utf-8")
    return path


def until(condition: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.1)
    return True


def test_a_worker_that_is_told_to_stop_ends_by_itself_though_a_camera_is_silent_and_leaves_both_off(
    tmp_path: Path,
) -> None:
    with RtspServer({"sound": VIDEO, "silent": VIDEO}) as server:
        command = [sys.executable, "-m", "firewatch.processes.worker", str(deployment(tmp_path, server))]
        process = subprocess.Popen([*command, "--spool", str(tmp_path / "spool")])
        try:
            with contextlib.closing(Store.open(f"sqlite:///{tmp_path}/store.db")) as store:

                def states() -> set[str]:
                    return {state.state for state in store.camera_states()}

                assert until(lambda: states() == {"live"})
                server.fault("silent", "stall")  # its thread now waits inside FFmpeg
                time.sleep(1)
                process.send_signal(signal.SIGTERM)
                assert process.wait(LIMIT_S) == 0
                assert states() == {"off"}
        finally:
            process.kill()
            process.wait()
