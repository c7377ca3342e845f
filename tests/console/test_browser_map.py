"""The map in a real browser: base maps where they belong, tracks of incidents, spans of days, viewsheds."""

from __future__ import annotations

import base64
import io
import math
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from conftest import Serve, Served, go_in
from console_scenery import Scenery
from PIL import Image
from test_base_maps import picture, with_maps

from alerting.store import Store
from config import BaseMap, Deployment
from geometry.datums import gcj02_from_wgs84

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PLACE = 23.075, 116.4225
"""Where a red spot is on the shifted map: the camera dns-01."""
SHIFTED_ZOOM = 14


class ShiftedTiles(BaseHTTPRequestHandler):
    """A web map in GCJ-02, all blue, with a red spot 9 px wide at PLACE; `/ZOOM/X/Y`."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        zoom, x, y = (int(part) for part in self.path.strip("/").split("/"))
        column, row = tile_of(zoom, *gcj02_from_wgs84(*PLACE))
        pixels = np.full((256, 256, 3), (0, 0, 255), np.uint8)
        there_x, there_y = round((column - x) * 256), round((row - y) * 256)
        for down in range(max(0, there_y - 4), min(256, there_y + 5)):
            pixels[down, max(0, there_x - 4) : max(0, min(256, there_x + 5))] = (255, 0, 0)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Cross-Origin-Resource-Policy", "cross-origin")
        self.end_headers()
        self.wfile.write(buffer.getvalue())

    def log_message(self, format: str, *args: object) -> None:
        pass


def tile_of(zoom: int, lat_deg: float, lon_deg: float) -> tuple[float, float]:
    """Column and row of a place, with their fractions."""
    y = 0.5 - math.asinh(math.tan(math.radians(lat_deg))) / (2 * math.pi)
    return (lon_deg + 180) / 360 * 2**zoom, y * 2**zoom


@pytest.fixture
def web_map() -> Iterator[tuple[str, list[str]]]:
    """Its address, and what it was asked for."""
    asked: list[str] = []
    handler = type("Handler", (ShiftedTiles,), {"asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, name="web-map").start()
    yield f"http://127.0.0.1:{server.server_port}/{{z}}/{{x}}/{{y}}", asked
    server.shutdown()
    server.server_close()


def test_a_web_map_in_gcj02_is_put_where_it_belongs(
    store: Store, deployment: Deployment, serve: Serve, web_map: tuple[str, list[str]], page: Page
) -> None:
    address, asked = web_map
    web = BaseMap(id="web", name="网络地图", tiles=address, datum="gcj02", approval_number="GS(2024)0650号")
    console = serve(store, with_maps(deployment, web))
    go_in(page, console, path="#/map")
    expect(page.locator("[data-map=ready]")).to_be_visible()
    expect(page.locator(".map-credit")).to_have_text("审图号：GS(2024)0650号")
    while len(asked) <= 4:
        page.wait_for_timeout(100)

    column, row = tile_of(SHIFTED_ZOOM, *PLACE)
    encoded = page.evaluate(
        """async ({ address, z, x, y }) => {
            const { shiftedTile } = await import("/web/js/base_map.js");
            const map = { tiles: [address], tile_px: 256 };
            const bytes = new Uint8Array(await shiftedTile(map, z, x, y, new AbortController().signal));
            return btoa(String.fromCharCode(...bytes));
        }""",
        {"address": address, "z": SHIFTED_ZOOM, "x": int(column), "y": int(row)},
    )
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB")).astype(int)
    down, across = np.nonzero((pixels[:, :, 0] > 128) & (pixels[:, :, 2] < 128))
    assert (across.mean(), down.mean()) == pytest.approx(((column % 1) * 256, (row % 1) * 256), abs=1.5)
    shift_px = np.hypot(*np.subtract(tile_of(SHIFTED_ZOOM, *gcj02_from_wgs84(*PLACE)), (column, row))) * 256
    assert shift_px > 30, "unshifted, the spot would be far off"


def test_a_map_of_ones_own_lies_under_the_cameras_and_the_choice_is_remembered(
    store: Store, deployment: Deployment, serve: Serve, tmp_path: Path, page: Page
) -> None:
    folder = tmp_path / "maps"
    for zoom in range(9, 13):
        x, y = (int(part) for part in tile_of(zoom, *PLACE))
        for column in range(x - 2, x + 3):
            for row in range(y - 2, y + 3):
                place = folder / str(zoom) / str(column) / f"{row}.png"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(picture("magenta"))
    own = BaseMap(id="county", name="县域影像", file=folder, min_zoom=9, max_zoom=12, attribution="县资源局")
    console = serve(store, with_maps(deployment, own))
    go_in(page, console, path="#/map")
    expect(page.locator("[data-map=ready]")).to_be_visible()
    expect(page.locator(".map-credit")).to_have_text("县资源局")
    until_magenta(page, wanted=True)
    page.get_by_label("底图").select_option("terrain")
    expect(page.locator(".map-credit")).to_have_count(0)
    until_magenta(page, wanted=False)
    page.reload()
    expect(page.get_by_label("底图")).to_have_value("terrain")


def until_magenta(page: Page, *, wanted: bool) -> None:
    for _ in range(60):
        shot = Image.open(io.BytesIO(page.locator(".map-canvas").screenshot())).convert("RGB")
        pixels = np.asarray(shot).astype(int)
        share = ((pixels[:, :, 0] - pixels[:, :, 1] > 60) & (pixels[:, :, 2] - pixels[:, :, 1] > 60)).mean()
        if (share > 0.3) == wanted:
            return
        page.wait_for_timeout(250)
    raise AssertionError(f"magenta on {share:.0%} of the map")


def test_the_track_of_a_fires_estimates_is_drawn_when_a_second_camera_moves_it(
    console: Served, scenery: Scenery, page: Page
) -> None:
    fire = scenery.fire_at("dns-01", 560, 400)
    now = datetime.now(UTC)
    incident = scenery.sight("dns-01", fire, now)
    for camera_id in ("lhs-01", "xlk-01", "shk-01"):
        seen = scenery.fire_seen_from(camera_id, fire.position)
        if seen is not None:
            scenery.sight(camera_id, seen, now + timedelta(seconds=1))
    estimates = console.store.incident(incident.incident_id).estimates
    assert len(estimates) > 1
    go_in(page, console, path=f"#/duty/{incident.incident_id}")
    expect(page.locator(f".map-canvas[data-track='{len(estimates)}']")).to_be_visible()
    with console.signed_in() as client:
        told = client.get(f"/api/v1/incidents/{incident.incident_id}").json()
    assert told["estimates"][-1]["location"] == told["summary"]["location"]


def test_the_map_shows_the_fires_of_any_span_of_days(console: Served, scenery: Scenery, page: Page) -> None:
    now = datetime.now(UTC)
    old = scenery.sight("dns-01", scenery.fire_at("dns-01", 560, 400), now - timedelta(days=20))
    new = scenery.sight("ltz-01", scenery.fire_at("ltz-01", 700, 400), now)
    go_in(page, console, path="#/map")
    expect(page.locator(f"[data-mark={new.incident_id}]")).to_be_visible()
    expect(page.locator(f"[data-mark={old.incident_id}]")).to_have_count(0)
    page.get_by_label("自", exact=True).fill((now - timedelta(days=25)).strftime("%Y-%m-%d"))
    page.get_by_label("至", exact=True).fill((now - timedelta(days=15)).strftime("%Y-%m-%d"))
    expect(page.locator(f"[data-mark={old.incident_id}]")).to_be_visible()
    expect(page.locator(f"[data-mark={new.incident_id}]")).to_have_count(0)


@pytest.mark.slow  # eight viewsheds of one or two seconds each
def test_what_the_cameras_see_of_the_ground_is_worked_out_and_drawn(
    console: Served, scenery: Scenery, page: Page
) -> None:
    cameras = len(scenery.deployment.cameras)
    go_in(page, console, path="#/map")
    expect(page.locator("[data-map=ready]")).to_be_visible()
    page.get_by_role("button", name="可视范围").click()
    expect(page.locator(f"[data-viewsheds='{cameras}']")).to_be_visible(timeout=120_000)
    expect(page.locator(".sight-key")).to_contain_text("可见 50 米高的烟")
    expect(page.locator(".map-canvas")).to_have_attribute("data-viewsheds", str(2 * cameras))
