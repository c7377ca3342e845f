"""The product's own live process beside a console, with one simulated camera behind it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from firewatch.plan import live_socket
from simulator.rtsp import RtspServer

VIDEO = Path(__file__).resolve().parents[2] / "sample_videos" / "near_fire.mp4"
PASSWORD = "mast-s3cret"
DEPLOYMENT = """
name: hills
cameras:
  - id: dns-01
    name: 大南山
    source: {source}
    lat_deg: 23.075
    lon_deg: 116.4225
    mast_height_m: 30
    pose: {{azimuth_deg: 35, tilt_deg: -6, hfov_deg: 62}}
live: {{media_address: 127.0.0.1, viewers_per_camera: 2}}
storage: {{database_url: "sqlite:///{folder}/live.db"}}
"""


@contextlib.contextmanager
def live_process() -> Iterator[Path]:
    """The socket of a live process that shows `dns-01`, and lets two watch it."""
    with (
        tempfile.TemporaryDirectory(prefix="fw-live-") as folder,
        RtspServer({"dns-01": VIDEO}, users={"viewer": PASSWORD}) as cameras,
    ):
        source = cameras.url("dns-01").replace("rtsp://", f"rtsp://viewer:{PASSWORD}@")
        file, socket = Path(folder) / "hills.yaml", live_socket(Path(folder))
        file.write_text(DEPLOYMENT.format(source=source, folder=folder), encoding="utf-8")
        command = [sys.executable, "-m", "firewatch.processes.live", str(file), "--socket", str(socket)]
        process = subprocess.Popen(command)
        try:
            _wait_for(socket)
            yield socket
        finally:
            process.terminate()
            process.wait(60)


def _wait_for(socket: Path) -> None:
    deadline_s = time.monotonic() + 120
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket)), base_url="http://live") as client:
        while True:
            with contextlib.suppress(httpx.TransportError):
                if client.get("/healthz").status_code == 204:
                    return
            assert time.monotonic() < deadline_s, "the live view does not answer"
            time.sleep(0.1)
