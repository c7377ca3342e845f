"""What has not changed is not drawn again, in a real browser; and what days and times look like there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from conftest import Served, go_in
from console_scenery import MASTS, Scenery

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
from playwright.sync_api import Browser, Locator, Page, expect

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
    page.wait_for_function("() => window.drawn.size")
    wait_for_polls(page, 1)
    page.wait_for_timeout(500)
    assert page.evaluate("[...window.drawn]") == ["xlk-01"]


@pytest.fixture
def american(browser: Browser, console: Served) -> Iterator[Page]:
    """A browser set up for another country and another time zone."""
    context = browser.new_context(
        viewport={"width": 1920, "height": 1080}, locale="en-US", timezone_id="America/Los_Angeles"
    )
    page = context.new_page()
    go_in(page, console, "admin", path="#/records")
    yield page
    context.close()


def say(field: Locator, text: str) -> str:
    field.fill(text)
    field.press("Tab")
    return field.input_value()


def test_days_and_times_are_written_as_on_the_rest_of_the_page_whatever_browser_it_is(
    console: Served, american: Page
) -> None:
    here = datetime.now(UTC).astimezone(ZoneInfo(console.deployment.time_zone)).date().isoformat()
    first, last = (american.get_by_role("textbox", name=name) for name in ("自", "至"))
    expect(last).to_have_value(here)
    assert say(first, "20210304") == "2021-03-04"
    assert say(first, "2021/3/5") == "2021-03-05"
    assert say(first, "2021-02-30") == "2021-03-05", "there is no such day"
    assert say(last, "2020-01-01") == here, "the end is not before the beginning"
    american.locator("input[type=date]").first.fill("2022-10-01")  # what the calendar does
    expect(first).to_have_value("2022-10-01")

    american.goto(f"{console.url}/#/admin")
    american.get_by_role("button", name="修改 大南山街道").click()
    american.get_by_label("值班时间").select_option("shift")
    begins = american.get_by_label("从", exact=True)
    assert begins.input_value() == "08:00"
    assert [say(begins, text) for text in ("2000", "7：30", "25:00", "8 PM")] == [
        "20:00",
        "07:30",
        "07:30",
        "07:30",
    ]
    shown = american.locator("input:is([type=time], [type=datetime-local], [type=date]:not([aria-hidden]))")
    expect(shown).to_have_count(0)
