"""`firewatch demo` as a new user meets it: a fire arrives, is judged, and is told to the receiver."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from centre_process import ROOT

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Demo:
    """What it tells the person at the terminal."""

    console: str
    receiver: str
    password: str

    def alerts(self) -> list[dict[str, Any]]:
        """What the sandbox receiver has, oldest first."""
        told = httpx.get(f"{self.receiver}api/alerts", trust_env=False).raise_for_status().json()
        return [one["alert"] for one in told["alerts"]]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    log = tmp_path / "demo.log"
    command = [sys.executable, "-m", "firewatch.cli", "demo", "--state", str(tmp_path / "demo")]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--port", "0", "--no-browser"], cwd=ROOT, stdout=output, stderr=output
        )
    try:
        assert until(lambda: "Ctrl-C ends" in log.read_text() or process.poll() is not None, 120)
        told = log.read_text()
        found = [
            re.search(what, told) for what in (r"console\s+(\S+)", r"receiver\s+(\S+)", r"admin / (\S+)")
        ]
        assert all(found), told
        yield Demo(*(one[1] for one in found if one))
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


def until(condition: Callable[[], bool], limit_s: float) -> bool:
    deadline_s = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline_s:
            return condition()
        time.sleep(0.5)
    return True


def test_the_demos_fire_is_seen_confirmed_and_told_and_a_false_alarm_dismissed(
    demo: Demo, page: Page
) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(demo.console)
    page.get_by_label("用户名").fill("admin")
    page.get_by_label("密码").fill(demo.password)
    page.get_by_role("button", name="登录").click()
    page.locator(".duty").wait_for()

    expect(page.locator(".card").first).to_be_visible(timeout=180_000)
    incident_id = page.locator(".card").first.get_attribute("data-incident")
    page.locator(f".card[data-incident={incident_id}]").click()  # a newer one may come before it
    expect(page.locator(f".incident-marker[data-incident={incident_id}]")).to_be_visible()
    expect(page.locator(".side .live-video").first).to_have_attribute(
        "data-live", re.compile("video|pictures")
    )
    assert until(lambda: told(demo, incident_id) != [], 60), "the receiver hears of it before anybody acts"

    page.keyboard.press("c")
    expect(page.locator(".history li[data-action=confirm]")).to_contain_text("admin")
    heard = until(lambda: ("Update", "confirmed") in told(demo, incident_id), 60)
    assert heard, told(demo, incident_id)

    others = page.locator(f".card[data-status=suspected]:not([data-incident={incident_id}])")
    expect(others.first).to_be_visible(timeout=180_000)
    other_id = others.first.get_attribute("data-incident")
    page.locator(f".card[data-incident={other_id}]").click()
    expect(page.locator(".decide.confirm")).to_be_enabled()
    page.keyboard.press("x")
    page.keyboard.press("1")
    expect(page.locator(".history li[data-action=dismiss]")).to_contain_text("admin")
    assert until(lambda: ("Cancel", "dismissed") in told(demo, other_id), 60), told(demo, other_id)

    page.get_by_role("link", name="档案统计").click()
    expect(page.locator(".records")).to_contain_text("已确认")
    expect(page.locator(".records")).to_contain_text("误报 · 云")
    assert problems == []


def told(demo: Demo, incident_id: str | None) -> list[tuple[str, str]]:
    """Type and status of each alert that the receiver has of an incident."""
    ours = [one for one in demo.alerts() if one["incident_id"] == incident_id]
    return [(one["type"], one["status"]) for one in ours]
