"""One operator, one fire, a real browser: it appears by itself, is judged with one key, and is remembered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import PASSWORD, PASSWORD_HASH, Serve, Served, go_in, sign_in
from console_scenery import MASTS, Scenery
from live_process import live_process

from alerting import decisions
from alerting.accounts import Accounts
from alerting.lifecycle import Action, Cause, Decision, Verdict
from alerting.store import Store
from config import Deployment

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
from playwright.sync_api import Locator, Page, Route, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def socket() -> Iterator[Path]:
    with live_process() as path:
        yield path


@pytest.fixture
def console(store: Store, deployment: Deployment, serve: Serve, socket: Path) -> Served:
    return serve(store, deployment, live_socket=socket)


def is_foreign(url: str) -> bool:
    """Not of this centre; `blob:` is what the page has made itself."""
    return urlsplit(url.removeprefix("blob:")).hostname != "127.0.0.1"


def test_a_fire_appears_without_reload_is_confirmed_with_one_key_and_remembered(
    console: Served, scenery: Scenery, page: Page
) -> None:
    foreign: list[str] = []
    problems: list[str] = []
    page.on("request", lambda request: is_foreign(request.url) and foreign.append(request.url))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda m: problems.append(m.text) if "Content Security Policy" in m.text else None)
    sign_in(page, console)
    expect(page.locator(".queue")).to_contain_text("没有待研判的火情")
    expect(page.locator("[data-map=ready]")).to_be_visible()
    page.evaluate("window.sameDocument = true")

    fire = scenery.fire_at("dns-01", 560, 400)
    incident = scenery.sight("dns-01", fire, datetime.now(UTC))

    card = page.locator(f".card[data-incident={incident.incident_id}]")
    expect(card).to_have_attribute("data-status", "suspected")
    expect(page.locator(f".incident-marker[data-incident={incident.incident_id}]")).to_be_visible()
    expect(page.locator(".picture-zoom img")).to_have_js_property("naturalWidth", 1280)
    expect(page.locator(".chain")).to_contain_text("护林员")
    lat, lon = fire.position.lat_deg, fire.position.lon_deg
    expect(page.locator(".facts")).to_contain_text("°N")
    shown = re.search(r"([\d.]+)°N ([\d.]+)°E", page.locator(".facts").inner_text())
    assert shown is not None
    assert (float(shown[1]), float(shown[2])) == (pytest.approx(lat, abs=2e-3), pytest.approx(lon, abs=2e-3))

    near = console.store.incident(incident.incident_id).summary.near_place
    assert near is not None
    expect(page.locator(".facts")).to_contain_text(
        re.compile(f"地名{near.name}[东南西北]{{1,2}} [0-9.]+ ?(米|公里|m|km)")
    )

    expect(page.locator("[data-clock=acknowledge]")).to_contain_text("待受理")
    page.keyboard.press("a")
    expect(page.locator("[data-clock=judge]")).to_be_visible()
    expect(page.locator(".response")).to_contain_text("operator")
    page.keyboard.press("h")
    page.get_by_label("移交给谁").fill("夜班 李伟")
    page.keyboard.press("Enter")
    expect(page.locator(".response")).to_contain_text("→ 夜班 李伟")
    video = watch_live(page)
    began_s = video.evaluate("video => video.currentTime")
    moved = "began => document.querySelector('.side video').currentTime > began + 0.2"
    page.wait_for_function(moved, arg=began_s, polling=200)
    assert video.evaluate("video => video.videoWidth") > 0

    page.keyboard.press("c")

    expect(page.locator(".history li[data-action=confirm]")).to_contain_text("operator")
    expect(page.locator(".stage .tag")).to_have_text("已确认")
    expect(page.locator(".notice.undo")).to_contain_text("确认山火")
    assert console.store.incident(incident.incident_id).summary.status == "confirmed"
    assert page.evaluate("window.sameDocument") is True, "the page was reloaded"
    assert foreign == []
    assert problems == []


def watch_live(page: Page) -> Locator:
    """The video beside the picture, once it plays: on a machine that is short of time the page may have
    settled for pictures, and is asked again as an operator would."""
    view = page.locator(".side .live-video[data-camera=dns-01]")
    for _ in range(10):
        expect(view).to_have_attribute("data-live", re.compile("video|pictures"))
        if view.get_attribute("data-live") == "video":
            break
        view.get_by_role("button", name="重试视频").click()
        expect(view).not_to_have_attribute("data-live", "pictures")
    expect(view).to_have_attribute("data-live", "video")
    return view.locator("video")


def test_map_wall_and_cameras_show_the_district_and_any_place_in_it(
    console: Served, scenery: Scenery, page: Page
) -> None:
    incident = scenery.sight("ltz-01", scenery.fire_at("ltz-01", 700, 400), datetime.now(UTC))
    console.store.set_camera_state("hbs-01", "stale", datetime.now(UTC), "no picture comes")
    go_in(page, console)

    page.get_by_role("link", name="地图", exact=True).click()
    expect(page.locator("[data-map=ready]")).to_be_visible()
    expect(page.locator(f"[data-mark={incident.incident_id}]")).to_contain_text(f"#{incident.number}")
    page.locator(".map-canvas canvas").click(position={"x": 640, "y": 380})
    expect(page.locator(".place-card")).to_contain_text("海拔")
    expect(page.locator(".place-card .chain")).to_contain_text("网格")

    page.get_by_role("link", name="视频墙").click()
    expect(page.locator("[data-wall]")).to_have_count(len(MASTS))
    expect(page.locator("[data-wall]").first).to_have_attribute("data-wall", "ltz-01")

    page.get_by_role("link", name="摄像机", exact=True).click()
    first = page.locator("[data-camera-row]").first
    expect(first).to_have_attribute("data-camera-row", "hbs-01")
    expect(first).to_contain_text("收不到画面")
    page.get_by_role("button", name="大南山主峰 · 东北向").click()
    page.get_by_role("button", name="测试连接").click()
    expect(page.locator("[data-test=good]")).to_be_visible()


def test_a_false_alarm_takes_two_keys_and_can_be_taken_back(
    console: Served, scenery: Scenery, page: Page
) -> None:
    incident = scenery.sight("shk-01", scenery.fire_at("shk-01", 640, 420), datetime.now(UTC))
    go_in(page, console)
    expect(page.locator(".stage h2")).to_have_text(f"火情 #{incident.number}")
    expect(page.locator(".decide.confirm")).to_be_enabled()

    page.keyboard.press("x")
    page.keyboard.press("3")

    expect(page.locator(".history li[data-action=dismiss]")).to_contain_text("误报 · 扬尘")
    assert console.store.incident(incident.incident_id).summary.cause == "dust"

    expect(page.locator(".notice.undo")).to_be_visible()
    page.keyboard.press("u")

    expect(page.locator(".history li[data-action=undo]")).to_be_visible()
    assert console.store.incident(incident.incident_id).summary.status == "suspected"


def test_taking_a_fire_in_hand_and_handing_it_over_can_be_taken_back(
    console: Served, scenery: Scenery, page: Page
) -> None:
    incident = scenery.sight("shk-01", scenery.fire_at("shk-01", 640, 420), datetime.now(UTC))
    go_in(page, console)
    response = page.locator(".response")
    expect(response).to_contain_text("无人受理")

    page.keyboard.press("a")
    expect(response).to_contain_text("operator")
    expect(page.locator(".notice.undo")).to_be_visible()
    page.keyboard.press("u")
    expect(response).to_contain_text("无人受理")
    expect(page.locator("[data-alarm]")).to_be_visible()  # it calls again

    page.keyboard.press("h")
    page.get_by_label("移交给谁").fill("夜班 李伟")
    page.keyboard.press("Enter")
    expect(response).to_contain_text("→ 夜班 李伟")
    offer = page.locator(".notice.undo")
    offer.dispatch_event("mouseenter")  # at once: a busy browser takes seconds to find it, and it stays now
    expect(offer.locator(".undo-left")).to_have_text("10 s")
    page.wait_for_timeout(10_500)
    offer.get_by_role("button").click()
    expect(page.locator(".history li[data-action=undo]")).to_have_count(2)
    expect(response).not_to_contain_text("夜班 李伟")
    history = console.store.incident(incident.incident_id).history
    assert [row.action for row in history] == ["raise", "acknowledge", "undo", "assign", "undo"]


def test_a_fire_that_starts_while_records_are_read_is_announced_and_one_click_away(
    console: Served, scenery: Scenery, page: Page
) -> None:
    go_in(page, console)
    page.get_by_role("link", name="档案统计").click()
    expect(page.locator("[data-page=records]")).to_be_visible()
    incident = scenery.sight("ltz-01", scenery.fire_at("ltz-01", 700, 400), datetime.now(UTC))
    page.locator(".notice.alarm").click()
    expect(page.locator(".stage h2")).to_have_text(f"火情 #{incident.number}")


def test_a_centre_that_restarts_under_an_open_page_is_noticed_and_found_again(
    console: Served, scenery: Scenery, serve: Serve, page: Page
) -> None:
    go_in(page, console)
    expect(page.locator("[data-connection=up]")).to_be_visible()

    serve.stop(console)
    expect(page.locator(".banner")).to_contain_text("正在自动重连")
    incident = scenery.sight("ltz-01", scenery.fire_at("ltz-01", 700, 400), datetime.now(UTC))
    serve(console.store, console.deployment, port=urlsplit(console.url).port or 0)

    expect(page.locator(".banner")).to_be_hidden()
    expect(page.locator(f".card[data-incident={incident.incident_id}]")).to_be_visible()


def test_two_incidents_of_one_fire_are_merged_by_hand_and_separated_again(
    console: Served, scenery: Scenery, page: Page
) -> None:
    one = scenery.sight("dns-01", scenery.fire_at("dns-01", 560, 400), datetime.now(UTC))
    other = scenery.sight("ltz-01", scenery.fire_at("ltz-01", 700, 400), datetime.now(UTC))
    go_in(page, console)
    page.locator(f".card[data-incident={other.incident_id}]").click()
    page.get_by_label("更多操作").click()
    page.get_by_role("button", name="并入其他火情").click()
    page.get_by_role("radio", name=f"#{one.number}").check()
    page.get_by_role("dialog").get_by_role("button", name="并入其他火情").click()

    expect(page.locator(".stage h2")).to_have_text(f"火情 #{one.number}")
    expect(page.locator(".notice.undo")).to_contain_text(f"#{other.number} 已并入")
    card = page.locator(f".card[data-incident={other.incident_id}]")
    expect(card).to_have_count(0)
    merged = console.store.incident(one.incident_id)
    assert {seen.camera_id for seen in merged.sightings} == {"dns-01", "ltz-01"}
    assert console.store.incident(other.incident_id).summary.status == "closed"

    page.keyboard.press("u")

    expect(page.locator(".history li[data-action=undo]")).to_be_visible()
    expect(card).to_have_attribute("data-status", "suspected")
    assert [seen.camera_id for seen in console.store.incident(one.incident_id).sightings] == ["dns-01"]


def test_of_two_operators_who_judge_at_the_same_moment_one_wins_and_the_other_is_told(
    console: Served, scenery: Scenery, page: Page
) -> None:
    incident = scenery.sight("shk-01", scenery.fire_at("shk-01", 640, 420), datetime.now(UTC))
    go_in(page, console)
    expect(page.locator(".decide.confirm")).to_be_enabled()
    cloud = Decision(Action.DISMISS, Verdict.FALSE_ALARM, Cause.CLOUD)

    def while_on_its_way(route: Route) -> None:
        decisions.decide(console.store, incident.incident_id, cloud, who="li.wei", version=1)
        route.continue_()

    page.route("**/decisions", while_on_its_way)
    page.keyboard.press("c")

    expect(page.locator(".notice", has_text="其他人已先处理")).to_be_visible()
    expect(page.locator(".history li[data-action=dismiss]")).to_contain_text("li.wei")
    assert console.store.incident(incident.incident_id).summary.status == "dismissed"


def test_a_session_that_ends_under_an_open_page_leads_to_the_log_in_and_back(
    console: Served, scenery: Scenery, page: Page
) -> None:
    incident = scenery.sight("shk-01", scenery.fire_at("shk-01", 640, 420), datetime.now(UTC))
    go_in(page, console)
    expect(page.locator(".decide.confirm")).to_be_enabled()
    Accounts(console.store).set_password_hash("operator", PASSWORD_HASH, must_change=False)

    page.keyboard.press("c")

    page.get_by_label("用户名").fill("operator")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page.locator(".stage h2")).to_have_text(f"火情 #{incident.number}")
    assert console.store.incident(incident.incident_id).summary.status == "suspected"


def test_a_workstation_may_have_keys_of_its_own(console: Served, scenery: Scenery, page: Page) -> None:
    incident = scenery.sight("shk-01", scenery.fire_at("shk-01", 640, 420), datetime.now(UTC))
    go_in(page, console)
    expect(page.locator(".decide.confirm kbd")).to_have_text("C")
    page.keyboard.press("?")
    page.locator(".keys .key", has_text="C").first.click()
    expect(page.locator(".keys .asking")).to_be_visible()
    page.keyboard.press("F2")
    page.get_by_role("button", name="关闭").click()
    page.reload()
    expect(page.locator(".decide.confirm kbd")).to_have_text("F2")
    expect(page.locator(".decide.confirm")).to_be_enabled()

    page.keyboard.press("c")  # given away: it means nothing any more
    page.keyboard.press("F2")

    expect(page.locator(".history li[data-action=confirm]")).to_be_visible()
    assert len(console.store.incident(incident.incident_id).history) == 2
