"""What watching costs: `python -m benchmarks.live [--quick] [--json FILE]`.

Eight simulated 720p25 cameras (H.264, 2 Mbit/s, a key frame a second) are watched by the product's own worker
with the shipped network, as in `benchmarks.cameras`. Then a headless Chromium opens one of them through the
product's own live process, first once at a time from cold (first picture: from the click, with no connection
to the camera open, until a picture is on the page), then four times at once.

- `live.core_per_viewer`: processor time of the live process a second, divided by its four viewers; the shared
  camera connection is in it. `live.core_added` is what each further viewer added.
- `live.first_picture_s`: median of the cold starts.
- `live.look_rate_ratio`: looks a second of all cameras with the four viewers over those without. Chromium
  decodes on the same machine here, at the lowest priority; in use it runs elsewhere.
- `live.plain_core_per_viewer`: the plain way in the same run, aiortc's MediaPlayer, which decodes and encodes
  for each viewer (one viewer).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import uvicorn
from fastapi import FastAPI, Request, Response

from benchmarks.camera_fleet import CameraServer, Fleet
from benchmarks.camera_footage import Footage
from benchmarks.processes import cpu_s, end
from benchmarks.reporting import machine, write_figures
from firewatch.plan import live_socket

ROOT = Path(__file__).resolve().parent.parent
CAMERAS = 8
VIEWERS = 4
FPS, KBIT_S = 25, 2000
FOOTAGE_S = 8
TARGET_CORE, TARGET_PICTURE_S = 0.02, 1.5
CHROMIUM = os.environ.get("FIREWATCH_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
PAGE = """<!doctype html><script>
const open_ = [];
async function watch(path) {
  const began = performance.now(), video = document.createElement('video');
  video.muted = video.autoplay = true;
  document.body.append(video);
  const peer = new RTCPeerConnection({iceServers: []});
  peer.addTransceiver('video', {direction: 'recvonly'});
  const shown = new Promise(done => video.requestVideoFrameCallback(() => done(performance.now() - began)));
  peer.ontrack = event => { video.srcObject = new MediaStream([event.track]); };
  await peer.setLocalDescription(await peer.createOffer());
  const answer = await fetch(path, {method: 'POST', body: peer.localDescription.sdp});
  if (answer.status !== 201) throw new Error(await answer.text());
  await peer.setRemoteDescription({type: 'answer', sdp: await answer.text()});
  open_.push({peer, video, session: answer.headers.get('Location')});
  return (await shown) / 1000;
}
const pictures = () => open_.map(one => one.video.getVideoPlaybackQuality().totalVideoFrames);
async function leave() {
  for (const one of open_.splice(0)) {
    one.peer.close(); one.video.remove();
    if (one.session) await fetch(one.session, {method: 'DELETE'});
  }
}
</script><body>"""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within a minute or so: shorter, fewer starts")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--plain", metavar="URL", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.plain:
        _serve_plain(options.plain)
        return 0
    if CHROMIUM is None:
        sys.exit("there is no Chromium here: apt-get install chromium, or set FIREWATCH_CHROMIUM to its path")
    starts, seconds = (3, 10.0) if options.quick else (7, 40.0)
    print(machine())
    print(f"{CAMERAS} cameras 1280x720 {FPS}/s {KBIT_S} kbit/s, {VIEWERS} viewers, {seconds:g} s a phase")
    with tempfile.TemporaryDirectory(prefix="fw-live-") as scratch:
        figures = _figures(Path(scratch), starts, seconds)
    for name, value in figures.items():
        print(f"{name:32} {value:.4f}")
    met = (
        figures["live.core_per_viewer"] <= TARGET_CORE and figures["live.first_picture_s"] <= TARGET_PICTURE_S
    )
    print(f"targets (<= {TARGET_CORE} of a core, <= {TARGET_PICTURE_S} s): {'met' if met else 'MISSED'}")
    write_figures(options.json, figures, cameras=CAMERAS, viewers=VIEWERS, seconds=seconds, starts=starts)
    return 0


def _figures(scratch: Path, starts: int, seconds: float) -> dict[str, float]:
    footage = _footage(scratch / "hill.mp4")
    with (
        CameraServer(Footage(footage, footage), CAMERAS, fires=CAMERAS) as server,
        Fleet(server, scratch / "fleet", workers=1) as fleet,
        _live_process(scratch) as live,
        _forwarding(live_socket(scratch)) as address,
        _page(address, scratch) as page,
    ):
        if fleet.wait_for_all(time.time(), 120) is None:
            sys.exit("the cameras were not seen within two minutes")
        path = f"/cameras/{server.names[0]}/whep"
        first = []
        for _ in range(starts):
            first.append(page.evaluate("path => watch(path)", path))
            page.evaluate("leave()")
            _until_unwatched(live_socket(scratch))
        before = _look_rate(fleet, seconds)
        page.evaluate("path => watch(path)", path)
        one = _core(live.pid, seconds / 2)
        for _ in range(VIEWERS - 1):
            page.evaluate("path => watch(path)", path)
        began = page.evaluate("pictures()")
        cpu, wall = cpu_s(live.pid), time.monotonic()
        during = _look_rate(fleet, seconds)
        all_four = (cpu_s(live.pid) - cpu) / (time.monotonic() - wall)
        shown = [b - a for a, b in zip(began, page.evaluate("pictures()"), strict=True)]
        page.evaluate("leave()")
        plain = _plain(page, server.urls[server.names[0]], seconds / 2)
    return {
        "live.core_per_viewer": all_four / VIEWERS,
        "live.core_added": (all_four - one) / (VIEWERS - 1),
        "live.core_first_viewer": one,
        "live.first_picture_s": statistics.median(first),
        "live.first_picture_worst_s": max(first),
        "live.look_rate_ratio": during / before,
        "live.looks_per_s": before,
        "live.pictures_per_s": min(shown) / seconds,
        "live.plain_core_per_viewer": plain,
        "live.core_ratio": plain / (all_four / VIEWERS),
    }


def _look_rate(fleet: Fleet, seconds: float) -> float:
    began = time.time()
    time.sleep(seconds)
    return len(fleet.looks(began)) / (time.time() - began)


def _core(pid: int, seconds: float) -> float:
    before = cpu_s(pid)
    time.sleep(seconds)
    return (cpu_s(pid) - before) / seconds


def _footage(path: Path) -> Path:
    """A hill with smoke in 25 pictures a second at a constant bit rate, with sensor noise."""
    noise = np.random.default_rng(1)
    with (
        av.open(str(ROOT / "sample_videos" / "near_fire.mp4")) as read,
        av.open(str(path), "w") as made,
    ):
        stream = made.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        stream.bit_rate = KBIT_S * 1000
        stream.options = {
            "preset": "veryfast",
            "g": str(FPS),
            "bf": "0",
            "x264-params": f"scenecut=0:vbv-maxrate={KBIT_S}:vbv-bufsize={KBIT_S}:nal-hrd=cbr",
        }
        for number, picture in enumerate(read.decode(video=0)):
            if number >= FOOTAGE_S * FPS:
                break
            image = picture.reformat(1280, 720, "bgr24").to_ndarray().astype(np.int16)
            image += noise.integers(-4, 5, (*image.shape[:2], 1), np.int16)
            frame = av.VideoFrame.from_ndarray(np.clip(image, 0, 255).astype(np.uint8), "bgr24")
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    return path


@contextlib.contextmanager
def _live_process(scratch: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The product's live process over the fleet's deployment file."""
    config = scratch / "fleet" / "cameras.yaml"
    command = [sys.executable, "-m", "firewatch.processes.live", str(config)]
    command += ["--socket", str(live_socket(scratch))]
    with (scratch / "live.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        while not live_socket(scratch).exists():
            if process.poll() is not None:
                sys.exit((scratch / "live.log").read_text())
            time.sleep(0.1)
        yield process
    finally:
        end([process])


@contextlib.contextmanager
def _forwarding(path: Path) -> Iterator[str]:
    """As a console would: the page, and what it asks for is forwarded to the socket."""
    app = FastAPI()

    @app.get("/")
    async def page() -> Response:
        return Response(PAGE, media_type="text/html")

    @app.api_route("/{rest:path}", methods=["POST", "DELETE"])
    async def forward(rest: str, request: Request) -> Response:
        async with _client(path) as client:
            answer = await client.request(request.method, f"/{rest}", content=await request.body())
        kept = {name: answer.headers[name] for name in ("location", "content-type") if name in answer.headers}
        return Response(answer.content, answer.status_code, kept)

    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    server.should_exit = True
    thread.join(5)


def _client(path: Path) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.AsyncHTTPTransport(uds=str(path)), base_url="http://live", timeout=30
    )


@contextlib.contextmanager
def _page(address: str, scratch: Path) -> Iterator[Any]:
    """A page in a Chromium of the lowest priority: all its threads must inherit it, so it starts with it."""
    from playwright.sync_api import sync_playwright

    patient = scratch / "chromium"
    patient.write_text(f'#!/bin/sh\nexec nice -n 19 "{CHROMIUM}" "$@"\n', encoding="utf-8")
    patient.chmod(0o700)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(patient), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.goto(address)
        yield page
        browser.close()


def _until_unwatched(path: Path) -> None:
    """Until the camera's connection is closed: the next start is cold again."""
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://live") as client:
        while client.get("/state").json():
            time.sleep(0.2)


def _plain(page: Any, url: str, seconds: float) -> float:
    """Processor time a second of the plain way, with one viewer."""
    command = [sys.executable, "-m", "benchmarks.live", "--plain", url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        page.goto(address)
        page.evaluate("watch('/')")
        return _core(process.pid, seconds)
    finally:
        end([process])  # type: ignore[list-item]


def _serve_plain(url: str) -> None:
    from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
    from aiortc.contrib.media import MediaPlayer

    app = FastAPI()
    held: list[Any] = []

    @app.get("/")
    async def page() -> Response:
        return Response(PAGE, media_type="text/html")

    @app.post("/")
    async def whep(request: Request) -> Response:
        player = MediaPlayer(url, options={"rtsp_transport": "tcp"})
        connection = RTCPeerConnection(RTCConfiguration([]))
        held.extend((player, connection))
        offer = (await request.body()).decode()
        await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        connection.addTrack(player.video)
        await connection.setLocalDescription(await connection.createAnswer())
        return Response(connection.localDescription.sdp, 201, media_type="application/sdp")

    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None))
    asyncio.run(server.serve(sockets=[listener]))


if __name__ == "__main__":
    sys.exit(main())
