"""What has not changed is not drawn again, in a real browser."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import Served, go_in
from console_scenery import MASTS, Scenery

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

WEB = Path(__file__).resolve().parents[2] / "console" / "web"
PREACT = "/web/" + next(WEB.glob("vendor/preact-*/preact.mjs")).relative_to(WEB).as_posix()
COUNT = """async (library) => {
  const { options } = await import(library);
  const before = options.__r;  // called with whatever is drawn
  window.drawn = new Set();
  options.__r = (element) => {
    if (element.props?.camera?.id) window.drawn.add(element.props.camera.id);
    before?.(element);
  };
}"""


def wait_for_polls(page: Page, polls: int) -> None:
    for _ in range(polls):
        with page.expect_response("**/api/v1/cameras"):
            pass


@pytest.mark.parametrize(
    "path", ["#/duty", *(pytest.param(path, marks=pytest.mark.slow) for path in ("#/wall", "#/cameras"))]
)
def test_of_all_cameras_only_the_one_with_a_new_picture_is_drawn_again(
    console: Served, scenery: Scenery, page: Page, path: str
) -> None:
    for camera_id, *_ in MASTS:
        scenery.write_latest(camera_id, datetime.now(UTC))
    go_in(page, console, "supervisor", path=path)
    wait_for_polls(page, 2)
    page.evaluate(COUNT, PREACT)
    wait_for_polls(page, 2)
    page.wait_for_timeout(500)
    assert page.evaluate("[...window.drawn]") == []

    scenery.write_latest("xlk-01", datetime.now(UTC))
    page.wait_for_function("() => window.drawn.size", polling=200)
    wait_for_polls(page, 1)
    page.wait_for_timeout(500)
    assert page.evaluate("[...window.drawn]") == ["xlk-01"]
