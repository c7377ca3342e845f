"""The alarm in a real browser: it rises while nobody acts, and never falls silent by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from conftest import Served, go_in
from console_scenery import Scenery

from alerting.keeper import ClockKeeper
from alerting.policy import Rules
from alerting.store import Store
from config import Deployment

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

COUNT_TONES = """
    window.tones = 0;
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (at) { window.tones += 1; return start.call(this, at); };
"""


class CentreClock:
    """The centre's time, which a test may move on."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> CentreClock:
    return CentreClock()


@pytest.fixture
def store(deployment: Deployment, clock: CentreClock) -> Iterator[Store]:
    opened = Store.open(deployment.storage.database_url.reveal(), clock)
    yield opened
    opened.close()


def sounded(page: Page, tones: int) -> None:
    """Waits for so many. By the clock: who asks with every frame has the page drawn sixty times a second."""
    page.wait_for_function("tones => window.tones >= tones", arg=tones, polling=200)


def look_again(page: Page) -> None:
    """A page that was loaded anew knows the time at once; somebody touches it, or it may not sound."""
    page.reload()
    page.locator(".queue").click()
    page.evaluate("window.tones = 0")


def test_an_alarm_that_nobody_answers_rises_calls_the_grid_and_goes_on_until_somebody_acts(
    console: Served, scenery: Scenery, page: Page, clock: CentreClock
) -> None:
    page.add_init_script(COUNT_TONES)
    go_in(page, console)
    page.locator(".queue").click()
    incident = scenery.sight("shk-01", scenery.fire_at("shk-01", 640, 420), clock())
    alarm = page.locator("[data-alarm]")
    expect(alarm).to_have_attribute("data-alarm", "ring")
    sounded(page, 2)
    expect(page.locator(".response")).to_contain_text("无人受理")

    clock.ahead = timedelta(seconds=90)
    assert ClockKeeper(console.store, Rules.of(console.deployment)).ring_due() == 1
    expect(page.locator(".response")).to_contain_text("已呼叫网格")
    expect(page.locator(".history li[data-action=call]")).to_contain_text("60 秒内无人受理")
    look_again(page)
    expect(alarm).to_have_attribute("data-alarm", "urgent")
    expect(alarm).to_contain_text("无人受理")
    sounded(page, 4)

    clock.ahead = timedelta(hours=3)
    look_again(page)
    expect(alarm).to_have_attribute("data-alarm", "remind")
    sounded(page, 2)

    page.keyboard.press("a")
    expect(alarm).to_have_count(0)
    clock.ahead += timedelta(minutes=6)
    look_again(page)
    expect(alarm).to_have_attribute("data-alarm", "remind")  # taken, and no verdict came

    page.keyboard.press("c")
    expect(alarm).to_have_count(0)
    assert console.store.incident(incident.incident_id).summary.status == "confirmed"


def test_silencing_pauses_an_alarm_and_does_not_end_it(
    console: Served, scenery: Scenery, page: Page, clock: CentreClock
) -> None:
    page.clock.install()
    go_in(page, console)
    scenery.sight("dns-01", scenery.fire_at("dns-01", 560, 400), clock())
    alarm = page.locator("[data-alarm]")
    expect(alarm).to_be_visible()

    page.keyboard.press("m")
    expect(alarm).to_have_count(0)
    expect(page).to_have_title("大南山林火视频监测中心")
    scenery.sight("ltz-01", scenery.fire_at("ltz-01", 700, 400), clock())
    expect(alarm).to_be_visible()  # another fire is another alarm
    page.keyboard.press("m")
    expect(alarm).to_have_count(0)

    page.clock.fast_forward("05:01")
    expect(alarm).to_be_visible()
