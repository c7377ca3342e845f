"""Fixtures for all tests: where the shared data lies, and a real browser."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

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
NOT_WANTED = (
    # Half of what a new page costs: suggestions for its address bar, ready in a process of their own.
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    # What Playwright switches off: its list counts no more where there is another.
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
)
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
PATIENCE_MS = 60_000
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
    _keep_priorities_even()
    with playwright_api.sync_playwright() as playwright:
        without = f"--disable-features={','.join(NOT_WANTED)}"
        yield lambda *arguments: playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*arguments, without]
        )


def _keep_priorities_even() -> None:
    """What is started from here on may not go before others. Chromium does where root runs it, and on a busy
    machine the server that it waits for would never have its turn."""
    drop_from_bounding_set, sys_nice = 24, 23  # PR_CAPBSET_DROP, CAP_SYS_NICE: linux/prctl.h, capability.h
    ctypes.CDLL(None).prctl(drop_from_bounding_set, sys_nice, 0, 0, 0)  # refused, and not needed, if not root


@pytest.fixture(scope="session")
def browser(launch: Callable[..., Browser]) -> Iterator[Browser]:
    opened = launch(*ARGUMENTS)
    yield opened
    opened.close()


DESK = {"viewport": {"width": 1920, "height": 1080}, "device_scale_factor": 0.5, "locale": "zh-CN"}
"""A large screen, drawn coarsely: the processor draws it."""


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a desk's screen, or what else it is told, with cookies of its own. Nothing pulses on it: the
    processor would draw that, sixty times a second."""
    contexts: list[BrowserContext] = []

    def open_one(**differs: Any) -> Page:
        contexts.append(browser.new_context(**{**DESK, "reduced_motion": "reduce", **differs}))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE_MS)
        return page

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page()
