"""Fixtures for all tests: where the shared data lies, and a real browser."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = Path(os.environ.get("FIREWATCH_DATA", ROOT.parent / "shared" / "data"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts files first that may take long; skips tests marked `data` where the data is not there.

    Several processes take the files in this order, and the last one to be begun decides when all is done.
    """
    files: dict[Path, list[pytest.Item]] = defaultdict(list)
    for item in items:
        files[item.path].append(item)
    longest_first = sorted(files.values(), key=lambda found: (-max(map(_patience_s, found)), -len(found)))
    items[:] = chain.from_iterable(longest_first)
    if SHARED_DATA.is_dir():
        return
    skip = pytest.mark.skip(reason=f"no shared data at {SHARED_DATA}; FIREWATCH_DATA names another place")
    for item in items:
        if "data" in item.keywords:
            item.add_marker(skip)


def _patience_s(item: pytest.Item) -> float:
    """The time-out that a test asks for; 0 where the usual one does."""
    asked = item.get_closest_marker("timeout")
    return float(asked.args[0]) if asked and "slow" not in item.keywords else 0.0


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the shared data; only for tests marked `data`."""
    return SHARED_DATA


CHROMIUM = os.environ.get("FIREWATCH_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu-sandbox",
    "--disable-quic",
    "--disable-gpu-rasterization",  # there is no GPU: pages are drawn by the processor all the same
    "--disable-gpu-compositing",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-swiftshader",
)
PATIENCE_MS = 30_000
"""Software WebGL on a loaded machine."""


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[..., Browser]]:
    """Starts a Chromium with the arguments it is given. One Playwright a process: it allows no second."""
    playwright_api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'"
    )
    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt-get install chromium, or set FIREWATCH_CHROMIUM to its path")
    playwright_api.expect.set_options(timeout=PATIENCE_MS)
    with playwright_api.sync_playwright() as playwright:
        yield lambda *arguments: playwright.chromium.launch(executable_path=CHROMIUM, args=list(arguments))


@pytest.fixture(scope="session")
def browser(launch: Callable[..., Browser]) -> Iterator[Browser]:
    opened = launch(*ARGUMENTS)
    yield opened
    opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A desk's screen. Nothing pulses on it: the processor would draw that, sixty times a second."""
    context = browser.new_context(
        viewport={"width": 1920, "height": 1080}, locale="zh-CN", reduced_motion="reduce"
    )
    made = context.new_page()
    made.set_default_timeout(PATIENCE_MS)
    yield made
    context.close()
