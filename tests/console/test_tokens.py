"""Tokens of responders and machines, made on the page or in the shell alike."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Served, go_in

from alerting import access_tokens

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
from playwright.sync_api import Page, expect


def test_a_machine_token_is_limited_to_cameras_and_a_responders_to_areas(console: Served) -> None:
    machine = {"name": "北峰箱", "role": "machine", "camera_ids": ["dns-01"]}
    with console.signed_in("admin") as admin:
        made = admin.post("/api/v1/tokens", json=machine)
        wrong = admin.post("/api/v1/tokens", json={"name": "x", "role": "machine", "area_codes": ["1"]})
        unknown = admin.post("/api/v1/tokens", json={**machine, "camera_ids": ["nowhere"]})
        other = admin.post("/api/v1/tokens", json={"name": "x", "role": "admin"})
    assert (made.status_code, made.json()["token"]["camera_ids"]) == (201, ["dns-01"])
    assert (wrong.status_code, unknown.status_code, other.status_code) == (422, 404, 422)
    token = access_tokens.find(console.store, made.json()["secret"])
    assert token is not None
    assert (token.speaks_for("dns-01"), token.speaks_for("dns-02")) == (True, False)


def test_a_token_of_the_wrong_role_is_refused_as_such_and_not_as_unknown(console: Served) -> None:
    with console.with_token("machine") as machine:
        answer = machine.get("/api/v1/response/incidents")
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:firewatch:problem:role")


def test_the_shell_makes_lists_and_revokes_the_tokens_of_the_page(console: Served, tmp_path: Path) -> None:
    config = tmp_path / "deployment.json"
    camera = {
        "id": "dns-01", "name": "d", "source": "rtsp://10.0.0.1/1", "lat_deg": 23, "lon_deg": 116,
        "mast_height_m": 30, "pose": {"azimuth_deg": 0, "tilt_deg": 0, "hfov_deg": 50},
    }  # fmt: skip
    url = console.deployment.storage.database_url.reveal()
    content = {"name": "hills", "cameras": [camera], "storage": {"database_url": url}}
    config.write_text(json.dumps(content), encoding="utf-8")

    def token(*arguments: str, status: int = 0) -> str:
        command = [sys.executable, "-m", "firewatch.cli", "token", *arguments, "--config", str(config)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        return done.stdout if status == 0 else done.stderr

    secret = token("create", "北峰箱", "--role", "machine", "--camera", "dns-01").strip()
    assert "no camera 'nowhere'" in token("create", "x", "--role", "machine", "--camera", "nowhere", status=2)
    with console.signed_in("admin") as admin:
        (listed,) = admin.get("/api/v1/tokens").json()
    assert (listed["name"], listed["role"], listed["camera_ids"]) == ("北峰箱", "machine", ["dns-01"])
    assert access_tokens.find(console.store, secret) is not None
    assert secret not in token("list", "--json")
    token("revoke", str(listed["token_id"]))
    withdrawn = access_tokens.find(console.store, secret)
    assert withdrawn is not None
    assert not withdrawn.is_good(console.store.clock())


@pytest.mark.browser
def test_an_administrator_makes_a_token_for_a_box_on_the_page_and_sees_its_secret_once(
    console: Served, page: Page
) -> None:
    go_in(page, console, "admin")
    page.get_by_role("link", name="系统管理").click()
    tokens = page.get_by_role("region", name="访问令牌")
    tokens.get_by_label("角色").select_option("machine")
    tokens.get_by_label("使用方").fill("北峰箱")
    tokens.get_by_label("摄像机编号").fill("dns-01, dns-02")
    tokens.get_by_role("button", name="新建令牌").click()
    secret = tokens.get_by_role("status").locator("[data-secret]").inner_text()
    expect(tokens.locator("tbody tr")).to_contain_text("山上边缘主机")
    expect(tokens.locator("tbody tr")).to_contain_text("dns-01, dns-02")
    token = access_tokens.find(console.store, secret)
    assert token is not None
    assert (token.role, token.camera_ids) == ("machine", ("dns-01", "dns-02"))
    expect(tokens.get_by_label("网格编码")).to_be_visible()  # ready for the next, a responder's
    expect(tokens.get_by_label("有效天数")).to_have_value("365")


@pytest.mark.browser
def test_the_link_for_a_responders_phone_stands_beside_the_secret_and_opens_the_page_signed_in(
    console: Served, page: Page
) -> None:
    go_in(page, console, "admin", path="#/admin")
    tokens = page.get_by_role("region", name="访问令牌")
    tokens.get_by_label("使用方").fill("青溪镇半专业队")
    tokens.get_by_role("button", name="新建令牌").click()
    link = tokens.get_by_role("status").locator("[data-link]").inner_text()
    assert link.startswith(f"{console.url}/field#token=fw_")
    page.goto(link)
    expect(page.locator(".field-list")).to_be_visible()
    expect(page.locator(".brand")).to_have_text("青溪镇半专业队")
