"""The administration page in a real browser: who is on duty, which models look, what receivers refused; and
what days and times look like there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from conftest import Served, go_in
from console_scenery import Scenery
from test_browser_pages import violations

from alerting import configuration_log
from alerting.store import Store
from alerting.tables import DeliveryRow
from config import Deployment

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
from playwright.sync_api import Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

AT = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)
"""A Tuesday, 12:30 in Shanghai."""


@pytest.fixture
def store(deployment: Deployment) -> Iterator[Store]:
    opened = Store.open(deployment.storage.database_url.reveal(), lambda: AT)
    yield opened
    opened.close()


@pytest.fixture
def deployment(deployment: Deployment) -> Deployment:
    """Two people of the district share the day, and a town's only one has the night."""
    assert deployment.grids is not None
    areas = json.loads(deployment.grids.read_text(encoding="utf-8"))
    people = {area["properties"]["code"]: area["properties"]["contacts"] for area in areas["features"]}
    person = people["445299"][0]
    people["445299"][:] = [
        {**person, "name": "林局长", "duty": {"days": [1, 2, 3, 4, 5], "from": "08:00", "to": "18:00"}},
        {**person, "name": "许副局长", "duty": {"from": "18:00", "to": "08:00"}},
    ]
    people["445299101"][0]["duty"] = {"from": "20:00", "to": "06:00"}
    deployment.grids.write_text(json.dumps(areas, ensure_ascii=False), encoding="utf-8")
    return deployment


def test_the_administrator_sees_who_is_on_duty_now_until_when_and_where_nobody_is(
    console: Served, page: Page
) -> None:
    go_in(page, console, "admin", path="#/admin")
    district = page.locator("tr[data-area='445299'] td")
    expect(district.nth(1)).to_contain_text("林局长")
    expect(district.nth(1)).to_contain_text("周一–周五 08:00–18:00 · 至 18:00:00")
    expect(district.nth(2)).to_contain_text("许副局长")
    expect(page.locator("tr[data-area='445299101']")).to_contain_text("无人值班")
    page.get_by_role("button", name="只看有空档（2）").click()
    expect(page.locator("tr[data-area]")).to_have_count(2)
    expect(district.nth(1)).to_contain_text("每周无人值班：周六 08:00–18:00、周日 08:00–18:00")
    page.get_by_role("button", name="只看有空档（2）").click()
    page.get_by_label("查找网格或姓名").fill("许副")
    expect(page.locator("tr[data-area]")).to_have_count(1)


def test_the_administrator_sees_which_model_looks_and_reads_its_card(console: Served, page: Page) -> None:
    go_in(page, console, "admin", path="#/admin")
    expect(page.locator("tr[data-model=hill-1-int8]")).to_contain_text("使用中 随安装包提供")
    expect(page.locator("tr[data-model=hill-1]")).to_contain_text("上一个")
    page.get_by_text("模型卡：hill-1-int8, hill-1").click()
    expect(page.locator(".card-text pre")).to_contain_text("#")


def test_the_administrator_sees_what_the_deployment_file_said_and_since_when(
    console: Served, page: Page
) -> None:
    later = console.deployment.model_copy(update={"sender": "firewatch@hills.example"})
    for deployment in (console.deployment, later):
        configuration_log.record(console.store, deployment, "0.1.0")
    go_in(page, console, "admin", path="#/admin")
    expect(page.locator("[data-configuration]")).to_have_count(2)
    newest = page.locator("[data-configuration='2']")
    expect(newest).to_contain_text(f"{later.version} 当前")
    newest.locator("summary").press("Enter")
    expect(newest).to_contain_text("与上一版不同的项： sender")
    expect(newest.locator("pre")).to_contain_text("firewatch@hills.example")
    assert violations(page) == []


def test_an_alert_that_a_receiver_refused_is_seen_with_its_reason_and_sent_again(
    console: Served, scenery: Scenery, page: Page
) -> None:
    scenery.sight("shk-01", scenery.fire_at("shk-01", 640, 420), AT)
    (delivery,) = console.store.deliveries()
    refuse(console.store, delivery.delivery_id)
    go_in(page, console, "admin", path="#/admin")
    refused = page.locator(f"tr[data-dead='{delivery.delivery_id}']")
    expect(refused).to_contain_text("400: unknown grid code")
    expect(page.locator("tr[data-target=county]")).to_contain_text("尚无")
    refused.get_by_role("button", name="重新发送").click()
    expect(refused).to_have_count(0)
    assert [one.state for one in console.store.deliveries()] == ["pending"]


def refuse(store: Store, delivery_id: int) -> None:
    """As the sender notes what a receiver will never take."""
    with store.writing() as session:
        row = session.get_one(DeliveryRow, delivery_id)
        row.state, row.attempts, row.last_error = "dead", 1, "400: unknown grid code"


def test_a_supervisor_changes_a_telephone_number_and_the_operators_page_shows_it(
    console: Served, scenery: Scenery, page: Page, open_page: Callable[..., Page]
) -> None:
    """One watches a fire, the other changes who is to be called about it; nobody loads a page again."""
    scenery.sight("shk-01", scenery.fire_at("shk-01", 640, 420), AT)
    go_in(page, console, "operator")
    district = page.locator(".chain li", has_text="普侨区")
    expect(district).to_contain_text("0663-0000001")
    desk = open_page()
    go_in(desk, console, "supervisor", path="#/admin")
    expect(desk.locator("[data-page=admin] h1")).to_have_text("值班表")
    desk.get_by_role("button", name="修改 普侨区").click()
    editor = desk.locator("[data-roster='445299']")
    expect(editor.get_by_label("姓名").first).to_be_focused()
    editor.get_by_label("电话").first.fill("138-2222")
    editor.get_by_label("变更原因").fill("换了手机")
    editor.get_by_role("button", name="保存").click()

    expect(editor).to_have_count(0)
    expect(desk.locator("tr[data-area='445299']")).to_contain_text("138-2222")
    expect(desk.locator("tr[data-area='445299']")).to_contain_text("已在此修改")
    expect(desk.get_by_role("button", name="修改 普侨区")).to_be_focused()
    expect(district).to_contain_text("138-2222")
    expect(district).not_to_contain_text("0663-0000001")


def test_while_one_types_the_page_says_who_would_be_on_duty_and_when_nobody(
    console: Served, page: Page
) -> None:
    go_in(page, console, "admin", path="#/admin")
    page.get_by_role("button", name="修改 大南山街道").click()
    editor = page.locator("[data-roster='445299101']")
    expect(editor.locator(".roster-preview")).to_contain_text("今晚 · 22:00:00陈站长")
    expect(editor.locator(".caution")).to_contain_text("每周无人值班")
    editor.get_by_label("姓名").fill("")
    expect(editor.locator(".caution")).to_contain_text("还不能保存")
    expect(editor.get_by_role("button", name="保存")).to_be_disabled()
    editor.get_by_label("姓名").fill("陈站长")
    editor.get_by_role("button", name="添加人员").click()
    editor.get_by_label("姓名").last.fill("方副站长")
    editor.get_by_label("职务").last.fill("副站长")
    editor.get_by_label("电话").last.fill("138-3333")
    editor.get_by_label("值班时间").last.select_option("shift")
    editor.get_by_label("从").last.fill("06:00")
    editor.get_by_label("周日").last.uncheck()
    expect(editor.locator(".roster-preview")).to_contain_text("现在方副站长")
    expect(editor.locator(".caution")).to_contain_text("周日 06:00–20:00")
    editor.get_by_role("button", name="保存").click()
    expect(editor).to_have_count(0)
    expect(page.locator("tr[data-area='445299101']")).to_contain_text("方副站长")
    expect(page.locator("tr[data-area='445299101'] .gaps")).to_contain_text("周日 06:00–20:00")

    page.get_by_role("button", name="修改 大南山街道").click()
    page.get_by_text("变更记录").click()
    page.locator("[data-version='1']").get_by_role("button", name="恢复此版").click()
    expect(page.locator("[data-version='3']")).to_contain_text("恢复到第 1 版")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="交还给网格文件").click()
    expect(page.locator("tr[data-area='445299101']")).not_to_contain_text("已在此修改")
    expect(page.locator("tr[data-area='445299101']")).to_contain_text("无人值班")


def test_of_two_at_one_roster_the_later_is_told_and_shown_what_the_other_saved(
    console: Served, page: Page
) -> None:
    go_in(page, console, "admin", path="#/admin")
    page.get_by_role("button", name="修改 南溪镇").click()
    editor = page.locator("[data-roster='445299102']")
    expect(editor.get_by_label("姓名")).to_have_value("黄站长")
    with console.signed_in("supervisor") as other:
        new = {"name": "钟站长", "role": "林业站站长", "phone": "138-4444"}
        assert other.put("/api/v1/rosters/445299102", json={"contacts": [new], "seen": 0}).is_success
    editor.get_by_label("电话").fill("138-5555")
    editor.get_by_role("button", name="保存").click()
    expect(page.get_by_text("别人刚刚改过这张值班表")).to_be_visible()
    expect(editor.get_by_label("姓名")).to_have_value("钟站长")
    expect(editor.get_by_label("电话")).to_have_value("138-4444")
    editor.get_by_label("电话").press("Escape")
    expect(editor).to_have_count(0)


def test_who_is_on_duty_tonight_and_on_sunday_is_one_click_away(console: Served, page: Page) -> None:
    go_in(page, console, "admin", path="#/admin")
    district = page.locator("tr[data-area='445299'] td").nth(1)
    expect(district).to_contain_text("林局长")
    page.locator("[data-when=tonight]").click()
    expect(district).to_contain_text("许副局长")
    page.locator("[data-when=sunday]").click()
    expect(district).to_contain_text("无人值班")


def test_the_editor_of_a_roster_is_accessible(console: Served, page: Page) -> None:
    go_in(page, console, "admin", path="#/admin")
    page.get_by_role("button", name="修改 普侨区").click()
    expect(page.locator(".roster-preview")).to_be_visible()
    assert violations(page) == []


@pytest.fixture
def american(open_page: Callable[..., Page], console: Served) -> Page:
    """A browser set up for another country and another time zone."""
    page = open_page(locale="en-US", timezone_id="America/Los_Angeles")
    go_in(page, console, "admin", path="#/records")
    return page


def say(field: Locator, text: str, *, becomes: str) -> None:
    field.fill(text)
    field.press("Tab")
    expect(field).to_have_value(becomes)


def test_days_and_times_are_written_as_on_the_rest_of_the_page_whatever_browser_it_is(
    console: Served, american: Page
) -> None:
    first, last = (american.get_by_role("textbox", name=name) for name in ("自", "至"))
    expect(last).to_have_value("2026-11-24")
    say(first, "20210304", becomes="2021-03-04")
    say(first, "2021/3/5", becomes="2021-03-05")
    say(first, "2021-02-30", becomes="2021-03-05")  # there is no such day
    say(last, "2020-01-01", becomes="2026-11-24")  # the end is not before the beginning
    american.locator("input[type=date]").first.fill("2022-10-01")  # what the calendar does
    expect(first).to_have_value("2022-10-01")

    american.goto(f"{console.url}/#/admin")
    american.get_by_role("button", name="修改 大南山街道").click()
    american.get_by_label("值班时间").select_option("shift")
    begins = american.get_by_label("从", exact=True)
    expect(begins).to_have_value("08:00")
    for text, becomes in (("2000", "20:00"), ("7：30", "07:30"), ("25:00", "07:30"), ("8 PM", "07:30")):
        say(begins, text, becomes=becomes)
    shown = american.locator("input:is([type=time], [type=datetime-local], [type=date]:not([aria-hidden]))")
    expect(shown).to_have_count(0)
