"""The other pages in a real browser: map, wall, cameras, records; all by the rules of accessibility."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import PASSWORD, Served, go_in, sign_in
from console_scenery import Scenery

from alerting import burns, decisions, drawn_masks
from alerting.lifecycle import Action, Cause, Decision, Verdict

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def test_a_past_incident_is_found_in_the_records_and_opened_from_there(
    console: Served, scenery: Scenery, page: Page
) -> None:
    dust = scenery.sight("shk-01", scenery.fire_at("shk-01", 640, 420), datetime.now(UTC))
    decision = Decision(Action.DISMISS, Verdict.FALSE_ALARM, Cause.DUST)
    decisions.decide(console.store, dust.incident_id, decision, who="li.wei", version=1)
    go_in(page, console)

    page.get_by_role("link", name="档案统计").click()
    expect(page.locator(".outcome", has_text="误报")).to_contain_text("1")
    page.locator(".outcome", has_text="山火").click()
    expect(page.locator(".record-list")).to_contain_text("没有符合条件的记录")
    page.locator(".outcome", has_text="误报").click()
    page.locator(f"tr[data-incident={dust.incident_id}] a").click()

    expect(page.locator(".stage h2")).to_have_text(f"火情 #{dust.number}")
    expect(page.get_by_role("link", name="系统管理")).to_have_count(0)


def test_a_part_of_the_view_to_ignore_is_drawn_on_the_picture_kept_and_removed(
    console: Served, scenery: Scenery, page: Page
) -> None:
    scenery.write_latest("dns-01", datetime.now(UTC))
    go_in(page, console, "supervisor")
    page.get_by_role("link", name="摄像机").click()
    page.get_by_role("button", name="大南山主峰 · 东北向").click()
    page.get_by_role("button", name="绘制屏蔽区").click()
    picture = page.locator(".mask-frame")
    box = picture.bounding_box()
    assert box is not None
    for x, y in ((0.25, 0.5), (0.5, 0.5), (0.5, 0.75)):
        picture.click(position={"x": x * box["width"], "y": y * box["height"]})
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".mask-name")).to_have_count(1)
    (kept,) = drawn_masks.current(console.store)
    assert (kept.camera_id, kept.drawn_by) == ("dns-01", "supervisor")
    assert kept.mask.polygon[0] == pytest.approx((0.25, 0.5), abs=0.01)

    page.get_by_role("button", name="移除").click()
    expect(page.locator(".mask-name")).to_have_count(0)
    assert drawn_masks.current(console.store) == ()


def test_a_past_incident_is_replayed_on_its_own_clock(console: Served, scenery: Scenery, page: Page) -> None:
    incident = scenery.sight("shk-01", scenery.fire_at("shk-01", 640, 420), datetime.now(UTC))
    dust = Decision(Action.DISMISS, Verdict.FALSE_ALARM, Cause.DUST)
    decisions.decide(console.store, incident.incident_id, dust, who="li.wei", version=1)
    sign_in(page, console, path=f"#/duty/{incident.incident_id}")
    page.get_by_role("button", name="过程回放").click()
    replay = page.locator(".replay")
    expect(replay).to_contain_text("尚未报警")
    expect(replay.locator("img")).to_have_count(0)  # not before it was taken
    page.get_by_role("button", name="60×").click()
    expect(replay.locator("img")).to_have_js_property("naturalWidth", 1280)
    expect(replay.locator("li.dismiss")).to_contain_text("li.wei")
    expect(page.locator("[data-replay=standing]")).to_be_visible()
    assert replay.locator("li").first.get_attribute("class") == "dismiss", "the newest stands on top"


AXE = (Path(__file__).parent / "axe-core-4.14.1" / "axe.min.js").read_text(encoding="utf-8")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}


def test_every_page_is_accessible_by_the_rules_of_wcag_2_1_aa(
    console: Served, scenery: Scenery, page: Page
) -> None:
    """As far as axe-core can tell: contrast, names, roles, order; the rest is for people to judge."""
    scenery.sight("shk-01", scenery.fire_at("shk-01", 640, 420), datetime.now(UTC))
    console.account("admin")
    page.goto(console.url)
    found = {"login": violations(page)}
    page.get_by_label("用户名").fill("admin")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page.locator(".decide.confirm")).to_be_enabled()
    found["duty"] = violations(page)
    page.keyboard.press("?")
    found["keys"] = violations(page)
    page.keyboard.press("Escape")
    for name in ("地图", "视频墙", "摄像机", "档案统计", "系统管理"):
        page.get_by_role("link", name=name).first.click()
        page.wait_for_timeout(500)
        found[name] = violations(page)
    gate = {"id": "gate", "name": "南门", "pose": {"azimuth_deg": 200, "tilt_deg": -4, "hfov_deg": 30}}
    with console.signed_in("admin") as client:
        client.post("/api/v1/cameras/dns-01/presets", json=gate)
    page.get_by_role("link", name="摄像机").first.click()
    page.get_by_role("button", name="大南山主峰 · 东北向").click()
    page.get_by_role("button", name="南门", exact=True).click()
    page.get_by_role("button", name="添加预置位").click()
    found["presets"] = violations(page)
    assert {name: problems for name, problems in found.items() if problems} == {}


def violations(page: Page) -> list[str]:
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate(AXE)
    found = page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]
    return [f"{one['id']}: {node['target'][0]}" for one in found for node in one["nodes"]]


EDGES = """() => {
  const parts = [...document.querySelector(".top").children];
  return Math.max(document.body.scrollWidth, ...parts.map((one) => one.getBoundingClientRect().right));
}"""


def test_nothing_of_the_page_is_cut_off_at_usual_widths_while_an_alarm_sounds(
    console: Served, scenery: Scenery, page: Page
) -> None:
    scenery.sight("shk-01", scenery.fire_at("shk-01", 640, 420), datetime.now(UTC))
    go_in(page, console, "admin")
    expect(page.locator("[data-alarm]")).to_be_visible()
    cut_off = []
    for language in ("中文", "English"):
        for width_px in (390, 1101, 1280, 1366, 1500, 1501, 1920):
            page.set_viewport_size({"width": width_px, "height": 768})
            if page.evaluate(EDGES) > width_px + 1:
                cut_off.append((language, width_px, page.evaluate(EDGES)))
        if language == "中文":
            page.set_viewport_size({"width": 1920, "height": 1080})
            page.get_by_role("button", name="EN").click()
            expect(page.get_by_role("link", name="Records")).to_be_visible()
    assert cut_off == []


def test_records_that_cannot_be_read_say_so_and_not_that_there_are_none(
    console: Served, scenery: Scenery, page: Page
) -> None:
    incident = scenery.sight("shk-01", scenery.fire_at("shk-01", 640, 420), datetime.now(UTC))
    go_in(page, console)
    page.route("**/api/v1/records?*", lambda route: route.abort())
    page.get_by_role("link", name="档案统计").click()
    trouble = page.locator(".record-list [role=alert]")
    expect(trouble).to_be_visible()
    expect(page.locator(".record-list")).not_to_contain_text("没有符合条件的记录")
    page.unroute("**/api/v1/records?*")
    trouble.get_by_role("button", name="重试").click()
    expect(page.locator(f"tr[data-incident={incident.incident_id}]")).to_be_visible()


def test_a_burn_is_permitted_on_the_map_and_withdrawn(console: Served, scenery: Scenery, page: Page) -> None:
    assert scenery.model("dns-01").position.lat_deg > 0
    go_in(page, console)
    page.get_by_role("link", name="地图").click()
    expect(page.locator("[data-map=ready]")).to_be_visible()
    panel = page.locator(".burns")
    expect(panel).to_contain_text("没有未到期的审批用火")
    expect(panel).to_contain_text("先在地图上点选")
    page.locator(".map-page canvas").click(position={"x": 500, "y": 400})
    panel.get_by_label("用火单位").fill("茶亭村林场")
    panel.locator("select[name=from]").select_option("0")
    panel.locator("select[name=to]").select_option("24")
    panel.get_by_role("button", name="登记许可").click()

    expect(panel.locator("[data-burn]")).to_contain_text("茶亭村林场")
    (burn,) = burns.current(console.store)
    assert (burn.added_by, len(burn.area)) == ("operator", 24)
    assert (burn.ends_at - burn.starts_at).total_seconds() == 24 * 3600

    panel.get_by_role("button", name="撤销许可").click()
    expect(panel).to_contain_text("没有未到期的审批用火")
    assert burns.current(console.store) == ()
