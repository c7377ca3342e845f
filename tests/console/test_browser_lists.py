"""Lists of thousands in a real browser: they are read as one scrolls, and only what is in sight is drawn."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from conftest import Served, go_in
from console_scenery import MASTS, Scenery

from alerting import decisions
from alerting.lifecycle import Action, Cause, Decision, Verdict
from benchmarks.store_filling import fill

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
from playwright.sync_api import Browser, Error, Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

MANY = 2000
FEW = 120
"""Rows in the document: those in sight and some to spare."""
LOOKS = 80
"""At the layers of a page, a quarter of a second each."""


@pytest.fixture
def console_with_history(console: Served) -> Served:
    fill(console.store, MANY, seed=1)
    return console


def scroll_to_the_end(page: Page, rows: Locator) -> None:
    rows.nth(20).hover()
    while rows.last.get_attribute("data-row") != str(MANY - 1):
        page.mouse.wheel(0, 8000)
        assert rows.count() < FEW
        page.wait_for_timeout(20)


def test_thousands_of_records_are_scrolled_through_with_few_rows_drawn(
    console_with_history: Served, page: Page
) -> None:
    go_in(page, console_with_history, path="#/records")
    page.locator("input[type=date]").first.fill("2020-01-01")
    rows = page.locator(".record-list tr[data-row]")
    scroll_to_the_end(page, rows)
    oldest = rows.last.get_attribute("data-incident")
    assert oldest == f"inc-{0:016x}"

    page.mouse.wheel(0, -10_000_000)  # back to what was forgotten meanwhile
    expect(page.locator(f"tr[data-incident=inc-{MANY - 1:016x}]")).to_be_visible()
    page.mouse.wheel(0, 3000)
    expect(page.locator("tr.waiting")).to_have_count(0)
    assert rows.count() < FEW


def test_the_queue_of_what_has_ended_goes_back_years_and_takes_in_what_ends_now(
    console_with_history: Served, scenery: Scenery, page: Page
) -> None:
    now = scenery.sight("shk-01", scenery.fire_at("shk-01", 640, 420), datetime.now(UTC))
    go_in(page, console_with_history)
    page.get_by_role("tab", name="已结束").click()
    cards = page.locator(".card[data-row]")
    expect(cards.nth(5)).to_be_visible()

    dust = Decision(Action.DISMISS, Verdict.FALSE_ALARM, Cause.DUST)
    decisions.decide(console_with_history.store, now.incident_id, dust, who="li.wei", version=1)
    expect(cards.first).to_have_attribute("data-incident", now.incident_id)
    page.keyboard.press("ArrowDown")
    chosen = page.locator(".card.chosen")
    expect(chosen).to_have_attribute("data-row", "1")

    cards.nth(5).hover()
    while int(cards.last.get_attribute("data-row") or 0) < 150:
        page.mouse.wheel(0, 2000)
        page.wait_for_timeout(50)
        assert cards.count() < FEW
    expect(page.locator(".card.waiting")).to_have_count(0)
    incident = cards.last.get_attribute("data-incident")
    page.locator(f".card[data-incident={incident}]").click()  # once in sight it is no longer the last drawn
    expect(page.locator(f".card.chosen[data-incident={incident}]")).to_be_visible()
    expect(page.locator(".stage h2")).to_be_visible()


def is_scrolled_by_the_browser(page: Page, box: str) -> bool:
    """Whether Chromium comes to scroll this by itself, as a layer of its own."""
    told: list[dict[str, Any]] = []

    def hear(event: dict[str, Any]) -> None:
        told.append(event)

    place = page.locator(box).bounding_box()
    assert place is not None
    session = page.context.new_cdp_session(page)
    session.on("LayerTree.layerTreeDidChange", hear)
    session.send("DOM.enable")
    session.send("LayerTree.enable")
    for _ in range(LOOKS):
        page.mouse.wheel(0, 400)
        page.wait_for_timeout(250)
        for layer in next((event["layers"] for event in reversed(told) if event.get("layers")), []):
            if abs(layer["width"] - place["width"]) + abs(layer["height"] - place["height"]) > 20:
                continue
            with suppress(Error):  # a layer that is gone meanwhile
                why = session.send("LayerTree.compositingReasons", {"layerId": layer["layerId"]})
                if "OverflowScrolling" in why["compositingReasonIds"]:
                    session.detach()
                    return True
    return False


def test_lists_are_scrolled_by_the_browser_and_not_painted_anew_by_the_page(
    console_with_history: Served, page: Page
) -> None:
    go_in(page, console_with_history)
    page.get_by_role("tab", name="已结束").click()
    found = {}
    for name, rows, box in (("queue", ".card[data-row]", ".cards"), ("records", "tr[data-row]", ".records")):
        if name == "records":
            page.get_by_role("link", name="档案统计").click()
            page.locator("input[type=date]").first.fill("2020-01-01")
        page.locator(rows).nth(8).hover()
        found[name] = is_scrolled_by_the_browser(page, box)
    assert found == {"queue": True, "records": True}


@pytest.mark.usefixtures("scenery")
@pytest.mark.parametrize(
    ("path", "screen", "scale", "width"),
    [
        ("#/wall", (1920, 1080), 1, 640),  # 3 x 3
        ("#/wall", (3840, 2160), 1, 960),
        ("#/duty", (390, 844), 1, 320),
        ("#/duty", (390, 844), 3, 640),
    ],
    ids=["desk", "wall 4K", "plain telephone", "fine telephone"],
)
def test_a_tile_asks_for_a_picture_as_wide_as_it_is_on_this_screen(
    console: Served,
    browser: Browser,
    path: str,
    screen: tuple[int, int],
    scale: float,
    width: int,
) -> None:
    context = browser.new_context(
        viewport={"width": screen[0], "height": screen[1]}, device_scale_factor=scale
    )
    page = context.new_page()
    go_in(page, console, path=path)
    picture = page.locator("[data-camera=dns-01] img")
    expect(picture).to_be_visible()
    natural, shown = picture.evaluate("image => [image.naturalWidth, image.clientWidth * devicePixelRatio]")
    assert natural == width
    assert natural >= min(shown, 960), "960 is the width of what the camera sent"
    context.close()


def test_tiles_ask_for_their_pictures_together(console: Served, scenery: Scenery, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: "/api/v1/cameras/" in request.url and asked.append(request.url))
    go_in(page, console, path="#/wall")
    expect(page.locator(".tile img")).to_have_count(len(MASTS))
    assert len(asked) == 1
    for camera_id, *_ in MASTS:
        scenery.write_latest(camera_id, datetime.now(UTC))
    page.wait_for_timeout(6000)
    assert 2 <= len(asked) <= 3, "the list of cameras may have been made while they were written"
