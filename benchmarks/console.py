"""How quickly operators see a fire, and what pages cost.

    python -m benchmarks.console [--quick] [--json FILE]

The product's own centre process serves 100 cameras and their states over SQLite; a headless Chromium shows
the duty page. Fires are taken in by this process, as a worker would.

- `console.visible_p95_s`: from the commit of an incident until its card is drawn on the page (the next
  animation frame after it is in the document). The bell rings by the same change of the page's state.
- `console.first_load_s`: median, from opening the address with an empty cache, signed in, until the duty page
  is drawn; the server is warm and on this machine.
- `console.bytes`: what that load takes over the wire as sent, page and libraries, the map's among them;
  `console.bytes_with_data` also what comes from the API meanwhile: states, pictures, ground of the map.
- `console.core_share`: of one core, the centre's processor time with 20 pages open: each holds the event
  stream and asks for all cameras every 4 s, as the page does, while one camera a second changes its state.
  Clients here are connections, not browsers, and look at no pictures.
- `console.at_rest_core_share`: as `core_share`, with all pages at rest: each shows a picture of every camera,
  which workers replace every 10 s, and asks for the new ones as wide as such tiles are.
- `console.plain_core_share`: the plain way in the same run: 20 pages that ask for queue and cameras every
  second instead of holding a stream; on average a fire would be seen half a second later by that alone.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import yaml
from PIL import Image

import config
from alerting.accounts import Accounts
from alerting.intake import Evidence, Intake
from alerting.latest import LatestPictures
from alerting.store import Store
from benchmarks.processes import cpu_s, end
from benchmarks.reporting import machine, write_figures
from benchmarks.store_filling import sighting_of
from console.auth import COOKIE, Authentication
from console.limits import RateLimit
from detector.detection import Box, Detection

ROOT = Path(__file__).resolve().parent.parent
CAMERAS, PAGES = 100, 20
CAMERAS_EVERY_S = 4.0
PICTURE_EVERY_S = 10.0
TILE_PX = 160
MOST_IN_ONE = 50  # as the page asks (pictures.js)
TARGETS = {
    "visible_p95_s": 1.0,
    "first_load_s": 2.0,
    "bytes": 1_500_000.0,
    "core_share": 0.15,
    "at_rest_core_share": 0.15,
}
CHROMIUM = os.environ.get("FIREWATCH_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--enable-unsafe-swiftshader",
]
WATCH_CARDS = """() => {
  window.drawn = {};
  new MutationObserver(() => {
    for (const card of document.querySelectorAll('.card[data-incident]')) {
      const id = card.dataset.incident;
      if (!(id in window.drawn)) {
        window.drawn[id] = null;
        requestAnimationFrame(() => { window.drawn[id] = Date.now() / 1000; });
      }
    }
  }).observe(document.body, {childList: true, subtree: true});
}"""


class Centre:
    """The centre process over a store of its own, and what is needed to talk to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        file = folder / "hills.yaml"
        file.write_text(yaml.safe_dump(_deployment(folder), allow_unicode=True), encoding="utf-8")
        self.deployment = config.load(file)
        self.store = Store.open(self.deployment.storage.database_url.reveal())
        Accounts(self.store).create("operator", "no password", "operator", must_change=False)
        self.intake = Intake.from_deployment(self.store, self.deployment)
        now, jpeg = datetime.now(UTC), _jpeg()
        latest = LatestPictures(self.deployment.storage.evidence)
        for camera in self.deployment.cameras:
            self.store.set_camera_state(camera.id, "live", now)
            latest.write(camera.id, jpeg, now)
        (folder / "link.key").write_bytes(secrets.token_bytes(32))
        listener = socket.create_server(("127.0.0.1", 0))
        listener.set_inheritable(True)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        command = [sys.executable, "-m", "firewatch.processes.centre", str(file)]
        command += ["--listen-fd", str(listener.fileno()), "--link-key", str(folder / "link.key")]
        command += ["--base-url", self.url]
        with (folder / "centre.log").open("wb") as log:
            self.process = subprocess.Popen(command, pass_fds=(listener.fileno(),), cwd=ROOT, stderr=log)
        listener.close()
        self._until_ready()

    def token(self) -> str:
        """A session of an operator."""
        return Authentication(self.store, RateLimit(1, 1, time.monotonic)).open_session("operator")[0]

    def burn(self, number: int) -> tuple[str, float]:
        """A fire that one camera has confirmed; its incident, and when that was committed."""
        camera, at = self.deployment.cameras[number], datetime.now(UTC)
        seen = Detection("smoke", 0.8, Box(600, 350, 680, 460))
        ref = self.intake.accept(
            sighting_of(camera, f"burning-{number}", at, seen),
            Evidence(_jpeg(), _jpeg()),
            camera,
        )
        return ref.incident_id, time.time()

    def _until_ready(self) -> None:
        deadline_s = time.monotonic() + 60
        while time.monotonic() < deadline_s and self.process.poll() is None:
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/readyz", trust_env=False).is_success:
                    return
            time.sleep(0.1)
        sys.exit(f"the centre does not answer: {(self.folder / 'centre.log').read_text()[-1000:]}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="within a minute: fewer fires and loads, shorter"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    if CHROMIUM is None:
        sys.exit("there is no Chromium here: apt-get install chromium, or set FIREWATCH_CHROMIUM to its path")
    fires, loads, seconds = (8, 3, 8.0) if options.quick else (40, 7, 40.0)
    print(f"{machine()}\n{CAMERAS} cameras, {fires} fires, {loads} loads, {PAGES} pages for {seconds:g} s")
    with tempfile.TemporaryDirectory(prefix="fw-console-") as folder:
        centre = Centre(Path(folder))
        try:
            figures = _in_a_browser(centre, fires, loads)
            figures["core_share"] = asyncio.run(_core_share(centre, seconds, _page))
            figures["at_rest_core_share"] = asyncio.run(
                _core_share(centre, seconds, _page_at_rest, _replace_pictures)
            )
            figures["plain_core_share"] = asyncio.run(_core_share(centre, seconds, _plain_page))
        finally:
            end([centre.process])
            centre.store.close()
    for name, value in figures.items():
        target = TARGETS.get(name)
        said = "" if target is None else f"   target {target:g}: {'met' if value <= target else 'MISSED'}"
        print(f"console.{name:22} {value:12.3f}{said}")
    print(f"core share over the plain way: {figures['core_share'] / figures['plain_core_share']:.2f}")
    named = {f"console.{name}": value for name, value in figures.items()}
    write_figures(options.json, named, fires=fires, loads=loads, seconds=seconds)
    return 0


def _in_a_browser(centre: Centre, fires: int, loads: int) -> dict[str, float]:
    from playwright.sync_api import sync_playwright

    taken_s, sizes, with_data = [], [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for number in range(loads + 1):  # the first warms the server
            context = browser.new_context(viewport={"width": 1920, "height": 1080})
            context.add_cookies([{"name": COOKIE, "value": centre.token(), "url": centre.url}])
            page = context.new_page()
            wire = context.new_cdp_session(page)
            wire.send("Network.enable")
            urls: dict[str, str] = {}
            received: dict[str, float] = {}
            wire.on(
                "Network.requestWillBeSent", lambda e, u=urls: u.update({e["requestId"]: e["request"]["url"]})
            )
            wire.on(
                "Network.loadingFinished",
                lambda e, r=received: r.update({e["requestId"]: e["encodedDataLength"]}),
            )
            page.goto(centre.url, wait_until="commit")
            drawn_ms = page.wait_for_function(
                "() => document.querySelector('.duty .queue') && performance.now()",
                polling="raf",
                timeout=180_000,
            ).json_value()
            with suppress(Exception):  # without WebGL there is no map to wait for
                page.locator("[data-map=ready]").wait_for(timeout=30_000)
            if number > 0:
                taken_s.append(float(drawn_ms) / 1000)
                sizes.append(sum(size for id_, size in received.items() if "/api/" not in urls.get(id_, "")))
                with_data.append(sum(received.values()))
            if number < loads:
                context.close()
        page.evaluate(WATCH_CARDS)
        delays = [_seen(page, centre, number) for number in range(fires)]
        browser.close()
    return {
        "visible_p95_s": statistics.quantiles(delays, n=20, method="inclusive")[-1],
        "visible_median_s": statistics.median(delays),
        "first_load_s": statistics.median(taken_s),
        "bytes": max(sizes),
        "bytes_with_data": max(with_data),
    }


def _seen(page: object, centre: Centre, number: int) -> float:
    """Seconds from the commit of a fire until its card is drawn."""
    from playwright.sync_api import Page

    assert isinstance(page, Page)
    incident_id, committed = centre.burn(number)
    drawn = page.wait_for_function("id => window.drawn[id]", arg=incident_id, timeout=180_000).json_value()
    time.sleep(0.3 + (number % 7) / 20)  # not in step with how often the log is read
    return float(drawn) - committed


async def _core_share(
    centre: Centre,
    seconds: float,
    page: Callable[[httpx.AsyncClient, Centre], Coroutine[None, None, None]],
    *happenings: Callable[[Centre], Coroutine[None, None, None]],
) -> float:
    """Processor time of the centre, of one core, while `PAGES` pages are open and cameras change."""
    clients = [
        httpx.AsyncClient(base_url=centre.url, cookies={COOKIE: centre.token()}, timeout=30, trust_env=False)
        for _ in range(PAGES)
    ]
    tasks = [asyncio.create_task(page(client, centre)) for client in clients]
    changing = asyncio.gather(*(happening(centre) for happening in (_change_states, *happenings)))
    await asyncio.sleep(3)  # connected
    before_s, began_s = cpu_s(centre.process.pid), time.monotonic()
    await asyncio.sleep(seconds)
    share = (cpu_s(centre.process.pid) - before_s) / (time.monotonic() - began_s)
    failed = [task for task in tasks if task.done()]
    for task in (*tasks, changing):
        task.cancel()
    await asyncio.gather(*tasks, changing, return_exceptions=True)
    for client in clients:
        await client.aclose()
    if failed:
        raise RuntimeError(f"{len(failed)} pages ended early: {failed[0].exception()}")
    return share


async def _change_states(centre: Centre) -> None:
    for number in range(1_000_000):
        camera = centre.deployment.cameras[number % CAMERAS]
        state = "stale" if number // CAMERAS % 2 == 0 else "live"
        await asyncio.to_thread(centre.store.set_camera_state, camera.id, state, datetime.now(UTC), "")
        await asyncio.sleep(1.0)


async def _replace_pictures(centre: Centre) -> None:
    latest, jpeg = LatestPictures(centre.deployment.storage.evidence), _jpeg()
    for number in range(1_000_000):
        camera = centre.deployment.cameras[number % CAMERAS]
        await asyncio.to_thread(latest.write, camera.id, jpeg, datetime.now(UTC))
        await asyncio.sleep(PICTURE_EVERY_S / CAMERAS)


class _Tiles:
    """The cameras' pictures on one page."""

    def __init__(self) -> None:
        self._shown: dict[str, str] = {}

    async def load_new(self, client: httpx.AsyncClient, cameras: httpx.Response) -> None:
        taken = {one["id"]: one["picture_at"] for one in cameras.json()}
        new = [camera_id for camera_id, at in taken.items() if self._shown.get(camera_id) != at]
        for first in range(0, len(new), MOST_IN_ONE):
            asked = {"width": TILE_PX, "camera": new[first : first + MOST_IN_ONE]}
            (await client.get("/api/v1/cameras/pictures", params=asked)).raise_for_status()
        self._shown = taken


async def _page_at_rest(client: httpx.AsyncClient, centre: Centre) -> None:
    await _page(client, centre, _Tiles())


async def _page(client: httpx.AsyncClient, centre: Centre, tiles: _Tiles | None = None) -> None:
    async def states() -> None:
        while True:
            cameras = (await client.get("/api/v1/cameras")).raise_for_status()
            if tiles is not None:
                await tiles.load_new(client, cameras)
            await asyncio.sleep(CAMERAS_EVERY_S)

    asking = asyncio.create_task(states())
    try:
        async with client.stream(
            "GET", "/api/v1/events", params={"after": centre.store.last_event_id()}
        ) as events:
            async for line in events.aiter_lines():
                if line.startswith("event: camera"):
                    (await client.get("/api/v1/cameras")).raise_for_status()
    finally:
        asking.cancel()


async def _plain_page(client: httpx.AsyncClient, _centre: Centre) -> None:
    while True:
        for path in ("/api/v1/incidents?status=open&limit=200", "/api/v1/cameras"):
            (await client.get(path)).raise_for_status()
        await asyncio.sleep(1.0)


def _deployment(folder: Path) -> dict[str, object]:
    """Cameras so far apart that no two fires are one."""
    return {
        "name": "benchmark",
        "cameras": [
            {
                "id": f"hill-{number:03}",
                "name": f"山头 {number}",
                "source": f"rtsp://127.0.0.1:9/{number}",
                "lat_deg": 20 + 0.5 * (number // 10),
                "lon_deg": 110 + 0.5 * (number % 10),
                "ground_height_m": 300,
                "mast_height_m": 30,
                "pose": {"azimuth_deg": 36 * (number % 10), "tilt_deg": -3, "hfov_deg": 60},
            }
            for number in range(CAMERAS)
        ],
        "terrain": str(ROOT / "sample_videos" / "terrain.tif"),
        "storage": {"database_url": f"sqlite:///{folder}/store.db", "evidence": str(folder / "evidence")},
    }


def _jpeg() -> bytes:
    """A picture of the size that cameras' newest ones have."""
    buffer = io.BytesIO()
    noise = Image.effect_noise((960, 540), 24).convert("RGB")
    noise.save(buffer, "JPEG", quality=70)
    return buffer.getvalue()


if __name__ == "__main__":
    sys.exit(main())
