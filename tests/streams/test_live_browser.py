"""Live view in a real browser: video moves, is shared, outlives a silent camera, leaves detection alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from footage_files import FootageFiles
from live_centre import LiveCentre
from test_live_view import camera, readers, until

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
from playwright.sync_api import Browser, Page

from simulator.rtsp import RtspServer
from streams.cameras import reader

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
PATIENT_MS = 20_000
"""For a loaded machine; a real page gives video 2 s."""

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def browser(launch: Callable[..., Browser]) -> Iterator[Browser]:
    opened = launch(*ARGUMENTS)
    yield opened
    opened.close()


@pytest.fixture
def server(files: FootageFiles) -> Iterator[RtspServer]:
    with RtspServer({"quick": files.quick, "slow": files.slow}) as running:
        yield running


def opened(browser: Browser, centre: LiveCentre) -> Page:
    page = browser.new_page()
    page.set_default_timeout(60_000)
    page.goto(centre.url)
    return page


def advances(page: Page) -> bool:
    """Whether every video on the page shows new pictures, and its time goes on."""
    frames, times = page.evaluate("frames()"), page.evaluate("times()")
    return bool(frames) and until(
        lambda: (
            all(b > a + 3 for a, b in zip(frames, page.evaluate("frames()"), strict=True))
            and all(b > a for a, b in zip(times, page.evaluate("times()"), strict=True))
        )
    )


def stands_still(page: Page) -> bool:
    before = page.evaluate("frames()")
    time.sleep(1.0)
    return bool(before == page.evaluate("frames()"))


def test_four_viewers_share_one_connection_beside_detections_own(
    server: RtspServer, browser: Browser
) -> None:
    cameras = [camera("a", server.url("quick"))]
    watched = reader(cameras[0], wanted_interval_s=0.5)  # as a worker reads it
    watched.start()
    with LiveCentre(cameras, udp_first_port=41000, udp_last_port=41900) as centre:
        page = opened(browser, centre)
        for _ in range(4):
            shown = page.evaluate(f"watch('a', {PATIENT_MS})")
            assert shown["kind"] == "video", shown
        candidates = [line.split() for line in shown["sdp"].splitlines() if line.startswith("a=candidate:")]
        assert {host for _, _, _, _, host, *_ in candidates} == {"127.0.0.1"}, "somebody else was told"
        assert all(41000 <= int(port) <= 41900 for _, _, _, _, _, port, *_ in candidates)
        assert page.evaluate("widths()") == [320] * 4
        assert advances(page)
        assert centre.state()["a"]["showing"] == "passed_through"
        assert centre.state()["a"]["video_viewers"] == 4
        assert readers(server, "quick") == 2
        assert watched.connections == 1
        page.evaluate("leave()")
        assert until(lambda: readers(server, "quick") == 1)
        page.close()
    watched.stop()
    assert watched.join(60)
    assert watched.connections == 1


def test_the_picture_goes_on_in_the_same_session_after_the_camera_was_silent(
    server: RtspServer, browser: Browser
) -> None:
    with LiveCentre([camera("a", server.url("quick"))]) as centre:
        page = opened(browser, centre)
        assert page.evaluate(f"watch('a', {PATIENT_MS})")["kind"] == "video"
        server.fault("quick", "stall")
        assert until(lambda: stands_still(page))
        assert centre.state()["a"]["silent_s"] > 0.5
        server.clear("quick")
        assert advances(page)
        server.fault("quick", "drop")  # now it must connect anew
        assert until(lambda: server.state("quick").readers == 1)
        server.clear("quick")
        assert advances(page)
        assert centre.state()["a"]["video_viewers"] == 1
        page.close()


def test_a_camera_with_b_frames_is_encoded_once_for_all(server: RtspServer, browser: Browser) -> None:
    with LiveCentre([camera("b", server.url("slow"))], transcodes=1) as centre:
        page = opened(browser, centre)
        for _ in range(2):
            assert page.evaluate(f"watch('b', {PATIENT_MS})")["kind"] == "video"
        assert advances(page)
        assert centre.state()["b"]["showing"] == "encoded"
        assert readers(server, "slow") == 1
        page.close()


def test_where_udp_is_blocked_pictures_are_shown(server: RtspServer, launch: Callable[..., Browser]) -> None:
    blocked = launch(*ARGUMENTS, "--webrtc-ip-handling-policy=disable_non_proxied_udp")
    with LiveCentre([camera("a", server.url("quick"))]) as centre:
        page = opened(blocked, centre)
        assert page.evaluate("watch('a')")["kind"] == "pictures"
        assert until(lambda: centre.state()["a"]["picture_viewers"] == 1)
        assert centre.state()["a"]["video_viewers"] == 0
        blocked.close()


@pytest.mark.slow
def test_a_viewer_that_vanishes_without_a_word_is_noticed(
    server: RtspServer, launch: Callable[..., Browser]
) -> None:
    doomed = launch(*ARGUMENTS)
    with LiveCentre([camera("a", server.url("quick"))]) as centre:
        page = opened(doomed, centre)
        assert page.evaluate(f"watch('a', {PATIENT_MS})")["kind"] == "video"
        doomed.close()  # the page has no time to say anything
        assert until(lambda: readers(server, "quick") == 0)
