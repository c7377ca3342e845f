"""Receivers of alerts on the administration page, in a real browser."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import Serve, Served, go_in
from console_scenery import Scenery
from test_browser_pages import violations

from alerting.secret_box import SecretBox
from alerting.store import Store
from alerting.target_register import TargetRegister
from config import Deployment, DispatchTarget, Tls
from simulator.receiver import DispatchReceiver

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

KEY = "the key of the signature"


def register_of(console: Served) -> TargetRegister:
    key = Path(console.deployment.storage.evidence).with_name("secrets.key")
    return TargetRegister(console.store, console.deployment, SecretBox(key))


def test_a_receiver_is_added_tried_out_changed_without_its_key_switched_off_and_removed(
    console: Served, page: Page
) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    with DispatchReceiver(KEY) as receiver:
        go_in(page, console, "admin", path="#/admin")
        page.get_by_role("button", name="添加接收方").click()
        form = page.locator("[data-receiver=new]")
        expect(form.get_by_label("名称")).to_be_focused()
        form.get_by_label("名称").fill("群机器人")
        form.get_by_label("编号").fill("robot")
        form.get_by_label("地址").fill(receiver.url)
        form.get_by_label("签名密钥").fill(KEY)
        form.get_by_label("变更原因").fill("新建应急群")
        form.get_by_role("button", name="保存").click()
        row = page.locator("tr[data-target=robot]")
        expect(row).to_contain_text("群机器人")
        expect(row).to_contain_text("/***")
        expect(page.get_by_role("button", name="添加接收方")).to_be_focused()

        page.get_by_role("button", name="修改 群机器人").click()
        form = page.locator("[data-receiver=robot]")
        expect(form.get_by_label("签名密钥")).to_have_value("")
        form.get_by_role("button", name="发送测试报警").click()
        expect(form.get_by_role("status")).to_contain_text("接收方已签收：HTTP 201")
        form.get_by_label("名称").fill("应急群")
        form.get_by_label("启用").uncheck()
        expect(form.get_by_role("status").first).to_contain_text("停用后不再告知新的火情")
        form.get_by_role("button", name="保存").click()
        expect(form).to_have_count(0)
        expect(row).to_contain_text("应急群")
        expect(row).to_contain_text("已停用")
        opened = register_of(console).opened_one("robot")
        assert opened.secret is not None
        assert opened.secret.get_secret_value() == KEY, "a key that is left out stays"

        page.get_by_role("button", name="修改 应急群").click()
        form.get_by_text("变更记录").click()
        expect(form.locator("[data-version='1']")).to_contain_text("新建应急群")
        form.get_by_role("button", name="移除").click()
        expect(row).to_have_count(0)
    versions = register_of(console).versions("robot")
    assert [one.action for one in versions] == ["removed", "changed", "added"]


@pytest.fixture
def console_with_files(store: Store, deployment: Deployment, serve: Serve, tmp_path: Path) -> Served:
    """Other receivers of its deployment file name a template and an authority."""
    template, authority = tmp_path / "robot.j2", tmp_path / "county-ca.pem"
    template.write_text("{{ alert.alert_id }}", encoding="utf-8")
    authority.write_text("no certificate yet", encoding="utf-8")
    robot = DispatchTarget(
        id="robot", name="群机器人", url="http://127.0.0.1:9/robot", format="template", template=template
    )
    tls = Tls(authority=authority)
    town = DispatchTarget(id="town", name="镇林业站", url="https://town.example/x", secret=KEY, tls=tls)
    dispatch = (*deployment.dispatch, robot, town)
    return serve(store, deployment.model_copy(update={"dispatch": dispatch}))


def test_a_secret_is_taken_away_and_files_are_chosen_among_those_that_the_deployment_file_names(
    console_with_files: Served, page: Page, tmp_path: Path
) -> None:
    go_in(page, console_with_files, "admin", path="#/admin")
    edit = page.get_by_role("button", name="修改 县森防指挥部")
    form = page.locator("[data-receiver=county]")

    def saved() -> DispatchTarget:
        form.get_by_role("button", name="保存").click()
        expect(form).to_have_count(0)
        return register_of(console_with_files).opened_one("county")

    edit.click()
    form.get_by_label("不再签名").check()
    expect(form.get_by_label("签名密钥")).to_be_disabled()
    form.get_by_role("button", name="保存").click()
    expect(page.locator(".notice.bad")).to_contain_text("cannot know that alerts come from us")
    form.get_by_label("令牌").fill("a bearer token")
    target = saved()
    assert target.secret is None
    assert target.bearer is not None

    edit.click()
    expect(form.get_by_label("不再签名")).to_have_count(0)
    form.get_by_label("格式").select_option("模板")
    form.get_by_label("模板文件").select_option(str(tmp_path / "robot.j2"))
    form.get_by_label("内容类型").fill("text/plain")
    form.get_by_label("颁发机构证书").select_option(str(tmp_path / "county-ca.pem"))
    expect(form.get_by_label("本中心证书的私钥")).to_have_count(0)
    target = saved()
    assert (target.template, target.media_type) == (tmp_path / "robot.j2", "text/plain")
    assert target.tls == Tls(authority=tmp_path / "county-ca.pem")
    assert target.bearer is not None

    edit.click()
    form.get_by_label("格式").select_option("JSON（本系统）")
    form.get_by_label("颁发机构证书").select_option("系统自带")
    target = saved()
    assert (target.format, target.template, target.tls) == ("json", None, None)


def test_the_files_receiver_is_changed_given_back_and_brought_to_an_earlier_version(
    console: Served, page: Page
) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    go_in(page, console, "admin", path="#/admin")
    row = page.locator("tr[data-target=county]")
    page.get_by_role("button", name="修改 县森防指挥部").click()
    form = page.locator("[data-receiver=county]")
    expect(form).to_contain_text("目前以部署文件为准")
    form.get_by_label("名称").fill("县森防办")
    form.get_by_label("地址").fill("https://new.example/alerts")
    form.get_by_role("button", name="保存").click()
    expect(form).to_have_count(0)
    expect(row).to_contain_text("https://new.example/***")
    expect(row).to_contain_text("已在此修改")
    page.get_by_role("button", name="修改 县森防办").click()
    form.get_by_text("变更记录").click()
    form.locator("[data-version='1']").get_by_role("button", name="恢复此版").click()
    expect(form.get_by_label("名称")).to_have_value("县森防指挥部")
    form.get_by_role("button", name="交还给部署文件").click()
    expect(form).to_have_count(0)
    expect(row).not_to_contain_text("已在此修改")
    expect(row).to_contain_text("http://127.0.0.1:9/***")


def test_of_two_at_one_receiver_the_later_is_told_and_shown_what_the_other_saved(
    console: Served, page: Page
) -> None:
    go_in(page, console, "admin", path="#/admin")
    page.get_by_role("button", name="修改 县森防指挥部").click()
    form = page.locator("[data-receiver=county]")
    expect(form.get_by_label("名称")).to_have_value("县森防指挥部")
    with console.signed_in("admin") as other:
        assert other.patch("/api/v1/targets/county", json={"name": "县应急局", "seen": 0}).is_success
    form.get_by_label("名称").fill("别的名称")
    form.get_by_role("button", name="保存").click()
    expect(page.get_by_text("别人刚刚改过这个接收方")).to_be_visible()
    expect(form.get_by_label("名称")).to_have_value("县应急局")
    form.get_by_label("名称").press("Escape")
    expect(form).to_have_count(0)
    expect(page.get_by_role("button", name="修改 县应急局")).to_be_focused()


def test_what_is_owed_to_a_receiver_is_said_when_one_wants_to_remove_it(
    console: Served, scenery: Scenery, page: Page
) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    robot = {"id": "robot", "name": "群机器人", "url": "http://127.0.0.1:9/x", "secret": KEY}
    with console.signed_in("admin") as client:
        assert client.post("/api/v1/targets", json=robot).is_success
    scenery.sight("shk-01", scenery.fire_at("shk-01", 640, 420), datetime.now(UTC))
    go_in(page, console, "admin", path="#/admin")
    page.get_by_role("button", name="修改 群机器人").click()
    page.locator("[data-receiver=robot]").get_by_role("button", name="移除").click()
    expect(page.get_by_text("还有报警在等它签收")).to_be_visible()
    expect(page.locator("tr[data-target=robot]")).to_have_count(1)


def test_the_editor_of_a_receiver_is_accessible_and_reached_by_keys_alone(
    console: Served, page: Page
) -> None:
    go_in(page, console, "admin", path="#/admin")
    opener = page.get_by_role("button", name="修改 县森防指挥部")
    opener.focus()
    page.keyboard.press("Enter")
    form = page.locator("[data-receiver=county]")
    expect(form.get_by_label("名称")).to_be_focused()
    assert violations(page) == []
    page.keyboard.press("Tab")
    expect(form.get_by_label("地址")).to_be_focused()
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)
    expect(opener).to_be_focused()


def test_the_editor_says_the_same_in_english(console: Served, page: Page) -> None:
    go_in(page, console, "admin", path="#/admin")
    page.get_by_role("button", name="EN").click()
    page.get_by_role("button", name="Add a receiver").click()
    form = page.locator("[data-receiver=new]")
    for label in ("Name", "Id", "Address", "Signing key", "Bearer token", "Reason"):
        expect(form.get_by_label(label, exact=True)).to_be_visible()
    expect(form.get_by_label("Hears of")).to_contain_text("dispatched fires only")
