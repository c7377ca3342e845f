"""The administration page in a real browser: who is on duty, which models look, what receivers refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from conftest import Served, go_in
from console_scenery import Scenery

from alerting.store import Store
from alerting.tables import DeliveryRow
from config import Deployment

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

AT = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)
"""A Tuesday, 12:30 in Shanghai."""


@pytest.fixture
def store(deployment: Deployment) -> Store:
    return Store.open(deployment.storage.database_url.reveal(), lambda: AT)


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
    page.get_by_role("button", name="只看无人值班（1）").click()
    expect(page.locator("tr[data-area]")).to_have_count(1)
    page.get_by_role("button", name="只看无人值班（1）").click()
    page.get_by_label("查找网格或姓名").fill("许副")
    expect(page.locator("tr[data-area]")).to_have_count(1)


def test_the_administrator_sees_which_model_looks_and_reads_its_card(console: Served, page: Page) -> None:
    go_in(page, console, "admin", path="#/admin")
    expect(page.locator("tr[data-model=hill-1-int8]")).to_contain_text("使用中 随安装包提供")
    expect(page.locator("tr[data-model=hill-1]")).to_contain_text("上一个")
    page.get_by_text("模型卡：hill-1-int8, hill-1").click()
    expect(page.locator(".card-text pre")).to_contain_text("#")


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
