"""What the centre cannot answer is said where the answer would stand, and heals by itself; in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from conftest import Served, go_in
from console_scenery import Scenery

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
from playwright.sync_api import Locator, Page, Route, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

HEALED_MS = 20_000
Part = Callable[[Page], Locator]


def refuse(route: Route) -> None:
    route.fulfill(status=500, content_type="application/problem+json", body='{"detail": "a fault of ours"}')


def hold(_route: Route) -> None:
    """Never an answer."""


def part(selector: str) -> Part:
    return lambda page: page.locator(selector)


def named(name: str) -> Part:
    return lambda page: page.get_by_role("region", name=name, exact=True)


PARTS: list[tuple[str, str, Part, str]] = [
    ("#/map", r"/map/incidents\?", part(".map-list"), "#1"),
    ("#/map", r"/burns$", part(".burns"), "没有未到期的审批用火"),
    ("#/cameras", r"/cameras/blind", part(".camera-list"), "0"),
    ("#/cameras", r"/cameras/[^/]+/health", part(".camera-facts"), "巡视间隔"),
    ("#/cameras", r"/cameras/[^/]+/versions", part(".camera-facts"), "变更记录"),
    ("#/records", r"/records/statistics", part(".records"), "全部"),
    ("#/records", r"/records\?", part(".record-list"), "石壳岭"),
    ("#/admin", r"/users$", named("账户"), "admin"),
    ("#/admin", r"/tokens$", named("访问令牌"), "还没有令牌"),
    ("#/admin", r"/targets$", named("报警接收方"), "县森防指挥部"),
    ("#/admin", r"/rosters$", named("值班表"), "陈站长"),
    ("#/admin", r"/models$", named("检测模型"), "hill-1"),
    ("#/duty", r"/incidents/inc-[^/]+$", part(".stage"), "确认山火"),
    ("#/duty", r"/map/place", part(".side-scroll"), "推送"),
]
QUICK = {r"/map/incidents\?", r"/cameras/[^/]+/health", r"/incidents/inc-[^/]+$"}


@pytest.mark.parametrize(
    ("path", "route", "where", "heals_to"),
    [
        pytest.param(*one, id=f"{one[0]} {one[1]}", marks=() if one[1] in QUICK else pytest.mark.slow)
        for one in PARTS
    ],
)
def test_a_part_that_cannot_be_loaded_says_so_in_its_place_and_heals_without_reload(
    console: Served, scenery: Scenery, page: Page, path: str, route: str, where: Part, heals_to: str
) -> None:
    scenery.sight("shk-01", scenery.fire_at("shk-01", 640, 420), datetime.now(UTC))
    failing = re.compile(r"/api/v1" + route)
    page.route(failing, refuse)
    go_in(page, console, "admin", path=path)
    place = where(page)
    expect(place.get_by_role("alert").first).to_contain_text("未能载入")
    expect(place.locator(".unanswered").first.get_by_role("button", name="重试")).to_be_visible()
    expect(place.locator(".spinner, [role=status][aria-label='正在载入…']")).to_have_count(0)

    page.unroute(failing)
    expect(place.locator(".unanswered")).to_have_count(0, timeout=HEALED_MS)
    expect(place).to_contain_text(heals_to)


@pytest.mark.slow
def test_who_will_not_wait_asks_again_at_once(console: Served, page: Page) -> None:
    failing = re.compile(r"/map/incidents\?")
    page.route(failing, refuse)
    go_in(page, console, path="#/map")
    again = page.locator(".map-list").get_by_role("button", name="重试")
    again.wait_for()
    page.wait_for_timeout(6500)  # by itself it is asked more and more seldom
    with page.expect_request(failing, timeout=2000):
        again.click()


def test_a_new_fire_that_could_not_be_read_at_first_is_shown_and_rings_all_the_same(
    console: Served, scenery: Scenery, page: Page
) -> None:
    go_in(page, console)
    expect(page.locator("[data-connection=up]")).to_be_visible()
    failing = re.compile(r"/api/v1/incidents/inc-")
    page.route(failing, refuse)
    with page.expect_response(failing):
        fire = scenery.sight("shk-01", scenery.fire_at("shk-01", 640, 420), datetime.now(UTC))
    page.unroute(failing)
    expect(page.locator(f".card[data-incident={fire.incident_id}]")).to_be_visible(timeout=HEALED_MS)
    expect(page.locator("[data-alarm]")).to_be_visible()


def test_states_and_deliveries_that_are_not_those_of_now_are_not_shown_as_such(
    console: Served, scenery: Scenery, page: Page
) -> None:
    scenery.sight("shk-01", scenery.fire_at("shk-01", 640, 420), datetime.now(UTC))
    failing = re.compile(r"/api/v1/(cameras$|deliveries\?)")
    go_in(page, console)
    bar = page.locator(".top-state")
    expect(bar).to_contain_text("摄像机 8/8")
    page.route(failing, refuse)
    scenery.sight("dns-01", scenery.fire_at("dns-01", 560, 400), datetime.now(UTC))
    expect(bar).to_contain_text("摄像机状态未更新", timeout=HEALED_MS)
    expect(bar).to_contain_text("推送状态未知")
    page.unroute(failing)
    expect(bar).to_contain_text("摄像机 8/8", timeout=HEALED_MS)
    expect(bar).to_contain_text("待送", timeout=HEALED_MS)


@pytest.mark.slow
def test_a_page_that_could_not_begin_begins_when_the_centre_answers(console: Served, page: Page) -> None:
    go_in(page, console)
    page.route(re.compile(r"/api/v1/deployment$"), refuse)
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("无法载入")
    page.unroute_all()
    expect(page.locator(".duty")).to_be_visible(timeout=HEALED_MS)


@pytest.mark.slow
def test_a_centre_that_says_nothing_at_all_is_not_waited_for_in_silence(console: Served, page: Page) -> None:
    page.route(re.compile(r"/map/incidents\?"), hold)
    go_in(page, console, path="#/map")
    listed = page.locator(".map-list")
    expect(listed.get_by_role("status", name="正在载入…")).to_be_visible()
    expect(listed.get_by_role("alert")).to_contain_text("监测中心没有应答", timeout=30_000)
    page.unroute_all(behavior="ignoreErrors")
    expect(listed).to_contain_text("0 起", timeout=30_000)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("route", "said"),
    [
        (r"/map/grids", "网格未能载入"),
        (r"/map/terrain/", "底图未能载入"),
        (r"maplibre-gl\.mjs", "未能载入"),
    ],
    ids=["grids", "ground", "library"],
)
def test_a_map_that_lacks_something_says_what_and_gets_it_later(
    console: Served, page: Page, route: str, said: str
) -> None:
    page.route(re.compile(route), refuse)
    go_in(page, console, path="#/map")
    trouble = page.locator(".map").get_by_role("alert")
    expect(trouble).to_contain_text(said, timeout=HEALED_MS)
    page.unroute_all()
    expect(trouble).to_have_count(0, timeout=HEALED_MS)
    expect(page.locator("[data-map=ready]")).to_be_visible(timeout=HEALED_MS)


@pytest.mark.slow
@pytest.mark.usefixtures("scenery")
def test_a_tile_whose_picture_could_not_be_loaded_says_so_and_loads_it_later(
    console: Served, page: Page
) -> None:
    page.route(re.compile(r"/cameras/pictures"), refuse)
    go_in(page, console, path="#/wall")
    tile = page.locator(".tile[data-camera=dns-01]")
    expect(tile).to_contain_text("图片未能载入")
    page.unroute_all()
    expect(tile.locator("img")).to_be_visible(timeout=HEALED_MS)
