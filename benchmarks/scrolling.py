"""How smoothly lists of 10^5 incidents scroll, by the browser's own trace.

    python -m benchmarks.scrolling [--quick] [--json FILE]

The product's own centre process over SQLite with 10^5 incidents of five years; a headless Chromium scrolls
the records, and the queue of what has ended, with the wheel, while Chromium's tracing runs. While one scrolls
rows come from the server, are drawn, and those far away are forgotten. In the field the centre is another
machine: here it runs at a lower priority than the browser, so that frames do not wait for its answers.
Without a graphics processor Chromium paints and composes on the same cores. Incidents have no pictures.

- `console.scroll_frame_worst_ms`: the longest time between two frames that Chromium drew (`DrawFrame`) while
  the wheel turned, over both lists. Target: 100.
- `console.scroll_task_worst_ms`: the longest task of the page's main thread meanwhile (`RunTask`), without
  what the compositor and a software renderer do beside it.
- `console.scroll_task_cpu_worst_ms`: the longest by processor time, which other work on the machine does not
  lengthen.
- `console.scroll_rows`: rows that went by, the lesser of both lists.
- `console.scroll_drawn_rows`: the most rows that were in the document at once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from benchmarks.console import ARGUMENTS, CHROMIUM, Centre
from benchmarks.processes import end
from benchmarks.reporting import machine, write_figures
from benchmarks.store_filling import fill
from console.auth import COOKIE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

INCIDENTS = 100_000
TARGET_MS = 100.0
WHEEL_PX = 400
"""At a notch: a person in a hurry."""
TURN_EVERY_S = 0.025
CATEGORIES = ["devtools.timeline", "disabled-by-default-devtools.timeline.frame", "toplevel", "__metadata"]


@dataclass(frozen=True)
class Scrolled:
    """What the trace of one list says."""

    frames: int
    frame_worst_ms: float
    task_worst_ms: float
    task_cpu_worst_ms: float
    rows: int
    drawn_rows: int


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="within a minute: scroll for a shorter time")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    if CHROMIUM is None:
        sys.exit("there is no Chromium here: apt-get install chromium, or set FIREWATCH_CHROMIUM to its path")
    from playwright.sync_api import sync_playwright

    seconds = 8.0 if options.quick else 60.0
    print(f"{machine()}, load {os.getloadavg()[0]:.1f}")
    print(f"{INCIDENTS} incidents, each list scrolled for {seconds:g} s")
    with tempfile.TemporaryDirectory(prefix="fw-scrolling-") as folder:
        centre = Centre(Path(folder))
        try:
            fill(centre.store, INCIDENTS, seed=1)
            os.setpriority(os.PRIO_PROCESS, centre.process.pid, 10)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
                lists = {
                    "records": _scroll(browser, centre, _records, "main.records", "tr[data-row]", seconds),
                    "queue": _scroll(browser, centre, _ended, ".cards", ".card", seconds),
                }
                browser.close()
        finally:
            end([centre.process])
            centre.store.close()
    for name, found in lists.items():
        print(
            f"{name:8} {found.frames} frames, worst {found.frame_worst_ms:.0f} ms; longest task"
            f" {found.task_worst_ms:.0f} ms, by processor time {found.task_cpu_worst_ms:.0f} ms;"
            f" {found.rows} rows went by, at most {found.drawn_rows} drawn"
        )
    figures = {
        "console.scroll_frame_worst_ms": max(one.frame_worst_ms for one in lists.values()),
        "console.scroll_task_worst_ms": max(one.task_worst_ms for one in lists.values()),
        "console.scroll_task_cpu_worst_ms": max(one.task_cpu_worst_ms for one in lists.values()),
        "console.scroll_rows": float(min(one.rows for one in lists.values())),
        "console.scroll_drawn_rows": float(max(one.drawn_rows for one in lists.values())),
    }
    worst = figures["console.scroll_frame_worst_ms"]
    print(f"worst frame {worst:.0f} ms, target {TARGET_MS:g}: {'met' if worst <= TARGET_MS else 'MISSED'}")
    write_figures(options.json, figures, incidents=INCIDENTS, seconds=seconds)
    return 0


def _records(page: Page, centre: Centre) -> None:
    page.goto(f"{centre.url}/#/records")
    page.locator("input[type=date]").first.fill("2021-01-01")


def _ended(page: Page, centre: Centre) -> None:
    page.goto(f"{centre.url}/#/duty")
    page.locator(".tab.ended").click()


def _scroll(browser: Browser, centre: Centre, opened: Any, box: str, rows: str, seconds: float) -> Scrolled:
    context = browser.new_context(viewport={"width": 1920, "height": 1080})
    context.add_cookies([{"name": COOKIE, "value": centre.token(), "url": centre.url}])
    page = context.new_page()
    opened(page, centre)
    page.locator(rows).nth(8).wait_for(timeout=60_000)
    page.wait_for_timeout(2000)  # what belongs to loading is over
    place = page.locator(box).bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    browser.start_tracing(page=page, categories=CATEGORIES)
    drawn, ends_s = 0, time.monotonic() + seconds
    while time.monotonic() < ends_s:
        for _ in range(20):
            page.mouse.wheel(0, WHEEL_PX)
            time.sleep(TURN_EVERY_S)
        drawn = max(drawn, page.locator(rows).count())
    trace = json.loads(browser.stop_tracing())["traceEvents"]
    last = int(page.locator(rows).last.get_attribute("data-row") or 0)
    context.close()
    frames_ms = frame_times_ms(trace)
    tasks_ms, cpu_ms = main_thread_tasks_ms(trace, "dur"), main_thread_tasks_ms(trace, "tdur")
    return Scrolled(len(frames_ms) + 1, max(frames_ms), max(tasks_ms), max(cpu_ms), last, drawn)


def frame_times_ms(trace: Sequence[dict[str, Any]]) -> list[float]:
    """Between the frames that the page's renderer drew, in order."""
    page = _main_thread(trace)[0]
    at_us = sorted(event["ts"] for event in trace if event["name"] == "DrawFrame" and event["pid"] == page)
    return [(after - before) / 1000 for before, after in pairwise(at_us)]


def main_thread_tasks_ms(trace: Sequence[dict[str, Any]], clock: Literal["dur", "tdur"]) -> list[float]:
    """How long each task of the page's main thread took, by the wall's clock or the thread's own."""
    thread = _main_thread(trace)
    return [
        event[clock] / 1000
        for event in trace
        if (event["pid"], event["tid"]) == thread and event["name"].endswith("RunTask") and clock in event
    ]


def _main_thread(trace: Sequence[dict[str, Any]]) -> tuple[int, int]:
    """Process and thread of the page: of the renderers, the one that did most."""
    mains = {
        (event["pid"], event["tid"])
        for event in trace
        if event["name"] == "thread_name" and event["args"].get("name") == "CrRendererMain"
    }
    return max(mains, key=lambda one: sum((event["pid"], event["tid"]) == one for event in trace))


if __name__ == "__main__":
    sys.exit(main())
