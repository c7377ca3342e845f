"""The live view's own process: reachable by its own user only, gone at once when told, back after a kill."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

import config
from firewatch.plan import Plan, live_socket
from simulator.rtsp import RtspServer

DEPLOYMENT = """
name: hills
cameras:
  - id: ridge
    name: 山脊
    source: {source}
    lat_deg: 23
    lon_deg: 116
    mast_height_m: 30
    pose: {{azimuth_deg: 0, tilt_deg: 0, hfov_deg: 50}}
live: {{media_address: 127.0.0.1}}
storage: {{database_url: "sqlite:///{folder}/store.db"}}
"""
VIDEO = Path(__file__).resolve().parents[2] / "sample_videos" / "chimney.mp4"


def describe(folder: Path, source: str) -> None:
    text = DEPLOYMENT.format(folder=folder, source=source)
    (folder / "hills.yaml").write_text(text, encoding="utf-8")


def started(folder: Path, heartbeat: Path | None = None) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "firewatch.processes.live", str(folder / "hills.yaml")]
    command += ["--socket", str(live_socket(folder))]
    if heartbeat is not None:
        command += ["--heartbeat", str(heartbeat)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


@contextlib.contextmanager
def connected(folder: Path) -> Iterator[httpx.Client]:
    """A client of the process, once it answers."""
    client = httpx.Client(
        transport=httpx.HTTPTransport(uds=str(live_socket(folder))), base_url="http://live", timeout=30
    )
    deadline_s = time.monotonic() + 60
    while True:
        try:
            assert client.get("/healthz").status_code == 204
            break
        except httpx.TransportError:
            assert time.monotonic() < deadline_s, "the live view does not answer"
            time.sleep(0.1)
    with contextlib.closing(client):
        yield client


def test_pictures_come_through_the_socket_and_the_password_stays_inside(tmp_path: Path) -> None:
    with RtspServer({"ridge": VIDEO}, users={"viewer": "s3cret-words"}) as server:
        url = server.url("ridge").replace("rtsp://", "rtsp://viewer:s3cret-words@")
        describe(tmp_path, url)
        heartbeat = tmp_path / "heartbeat"
        process = started(tmp_path, heartbeat)
        try:
            with connected(tmp_path) as client:
                mode = stat.S_IMODE(live_socket(tmp_path).stat().st_mode)
                assert mode == 0o600, "others on this machine could watch"
                assert client.get("/cameras/ridge/picture").content.startswith(b"\xff\xd8")
                state = client.get("/state")
                assert "ridge" in state.json()
                assert heartbeat.exists()
                with client.stream("GET", "/cameras/ridge/mjpeg") as watching:
                    next(watching.iter_bytes())
                    process.send_signal(signal.SIGTERM)  # with a viewer who does not leave by himself
                    assert process.wait(60) in (0, -signal.SIGTERM)
        finally:
            process.kill()
        assert process.stderr is not None
        assert "s3cret-words" not in process.stderr.read() + state.text


def test_a_camera_is_tested_at_full_priority_by_a_process_that_ends_with_the_live_view(
    tmp_path: Path,
) -> None:
    describe(tmp_path, str(VIDEO))
    process = started(tmp_path)
    try:
        with (
            connected(tmp_path) as client,
            socket.create_server(("127.0.0.1", 0)) as silent,
            ThreadPoolExecutor() as beside,
        ):
            silent.settimeout(60)
            source = f"rtsp://127.0.0.1:{silent.getsockname()[1]}/x"
            camera = config.load(tmp_path / "hills.yaml").cameras[0].model_dump(mode="json")
            asked = beside.submit(client.post, "/probe", content=json.dumps({**camera, "source": source}))
            talking, _ = silent.accept()
            with talking:
                tasks = Path(f"/proc/{process.pid}/task").iterdir()
                (probe,) = {int(pid) for task in tasks for pid in (task / "children").read_text().split()}
                ours = os.getpriority(os.PRIO_PROCESS, 0)
                assert os.getpriority(os.PRIO_PROCESS, process.pid) > ours, "detection goes before viewers"
                assert os.getpriority(os.PRIO_PROCESS, probe) == ours
                process.kill()
                with contextlib.suppress(httpx.TransportError):
                    asked.result()
                deadline_s = time.monotonic() + 60
                while Path(f"/proc/{probe}").exists():
                    assert time.monotonic() < deadline_s, "nobody would ever end it"
                    time.sleep(0.05)
    finally:
        process.kill()


def test_a_killed_live_view_comes_back_at_the_same_place(tmp_path: Path) -> None:
    describe(tmp_path, "rtsp://127.0.0.1:9/x")
    for _ in range(2):
        process = started(tmp_path)
        try:
            with connected(tmp_path) as client:
                assert client.get("/state").json() == {}
        finally:
            process.kill()
            process.wait(60)
        assert live_socket(tmp_path).exists()  # left behind by the kill, and no hindrance


def test_the_centre_supervises_a_live_view_and_notices_whichever_process_hangs(tmp_path: Path) -> None:
    describe(tmp_path, "rtsp://127.0.0.1:9/x")
    deployment = config.load(tmp_path / "hills.yaml")
    plan = Plan(tmp_path / "hills.yaml", deployment, tmp_path, 3, "http://127.0.0.1", tmp_path / "link.key")
    (live,) = [spec for spec in plan.processes() if spec.name == "live"]
    assert str(live_socket(tmp_path)) in live.command
    assert all(spec.heartbeat is not None for spec in plan.processes())


def test_ports_that_are_no_range_are_refused() -> None:
    text = DEPLOYMENT.format(folder="var", source="rtsp://127.0.0.1:9/x")
    text = text.replace("live: {media_address", "live: {udp_first_port: 42000, media_address")
    with pytest.raises(config.ConfigError, match="udp_first_port and udp_last_port are no range"):
        config.loads(text)
