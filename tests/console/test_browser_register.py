"""Adding a camera in a real browser: its address is tested, it is added and learns, what it reports is judged
by a supervisor, its pose is saved and taken back, and its presets are edited."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Serve, Served, go_in
from console_scenery import Scenery, jpeg
from live_process import PASSWORD, VIDEO, live_process

from alerting import drawn_masks, learning
from alerting.camera_register import CameraRegister
from alerting.intake import Evidence
from alerting.journal import By
from alerting.lifecycle import Cause
from alerting.secret_box import SecretBox
from alerting.store import Store
from config import Deployment
from detector.detection import Detection, Sighting
from simulator.onvif import OnvifDevice
from simulator.rtsp import RtspServer

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
from playwright.sync_api import Locator, Page, Route, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture
def with_live(store, deployment, serve: Serve) -> Iterator[Served]:
    with live_process() as socket:
        yield serve(store, deployment, live_socket=socket)


def register_of(console: Served) -> CameraRegister:
    key = Path(console.deployment.storage.evidence).with_name("secrets.key")
    return CameraRegister(console.store, console.deployment, SecretBox(key), look_every_s=0)


def test_a_camera_is_added_from_its_address_to_its_time_of_learning(with_live: Served, page: Page) -> None:
    with RtspServer({"mast": VIDEO}, users={"viewer": PASSWORD}) as server:
        url = server.url("mast").replace("rtsp://", f"rtsp://viewer:{PASSWORD}@")
        go_in(page, with_live, "admin", path="#/cameras")
        page.get_by_role("button", name="添加摄像机").click()

        page.get_by_label("取流地址").fill(url.replace(PASSWORD, "wrong-words"))
        page.get_by_role("button", name="测试连接").click()
        refused = page.locator("[data-probe=bad]")
        expect(refused).to_contain_text("连接失败", timeout=60_000)
        expect(refused).not_to_contain_text("wrong-words")

        page.get_by_label("取流地址").fill(url)
        page.get_by_role("button", name="测试连接").click()
        found = page.locator("[data-probe=good]")
        expect(found).to_contain_text("h264", timeout=60_000)
        expect(found.locator("img")).to_have_js_property("naturalWidth", 640)
        page.get_by_role("button", name="下一步").click()

    page.get_by_label("名称").fill("东岭瞭望塔")
    page.get_by_label("编号").fill("dongling-01")
    expect(page.locator(".add-camera [data-map=ready]")).to_be_visible()
    page.locator(".add-camera canvas").click(position={"x": 400, "y": 200})
    expect(page.get_by_label("纬度")).not_to_have_value("")
    expect(page.get_by_label("编号")).to_have_value("dongling-01")
    page.get_by_label("纬度").fill("23.0812")
    page.get_by_label("经度").fill("116.4301")
    page.get_by_label("镜头离地高度").fill("30")
    page.get_by_role("button", name="下一步").click()
    page.get_by_label("方位").fill("35")
    page.get_by_role("button", name="添加", exact=True).click()
    expect(page.locator("[data-step=landmarks]")).to_be_visible()
    page.get_by_role("button", name="以后再做").click()
    page.get_by_role("button", name="下一步").click()
    expect(page.locator("[data-added=dongling-01]")).to_contain_text("学习期到")
    page.get_by_role("button", name="完成").click()
    expect(page.locator("[data-camera-row=dongling-01]")).to_contain_text("学习中")

    register = register_of(with_live)
    added = register.deployment.camera("dongling-01")
    assert added.source.reveal() == url
    assert (added.lat_deg, added.pose.azimuth_deg, added.mast_height_m) == (23.0812, 35, 30)
    assert register.learning_until("dongling-01") is not None


def test_the_first_camera_of_a_centre_without_any_can_be_added(
    store: Store, deployment: Deployment, serve: Serve, page: Page
) -> None:
    empty = serve(store, deployment.model_copy(update={"cameras": ()}))
    go_in(page, empty, "admin", path="#/cameras")
    expect(page.locator("main")).to_contain_text("尚未配置摄像机")
    page.get_by_role("button", name="添加摄像机").click()
    expect(page.locator("[data-step=address]")).to_be_visible()


def test_what_a_camera_reports_while_it_learns_is_judged_by_a_supervisor_and_sounds_nowhere(
    console: Served, scenery: Scenery, page: Page
) -> None:
    camera = console.deployment.camera("dns-01").model_copy(
        update={"id": "dongling-01", "name": "东岭瞭望塔"}
    )
    register_of(console).add(camera, by=By("wang"), learn_for=timedelta(hours=24))
    fire, at = scenery.fire_at("dns-01", 560, 400), datetime.now(UTC)
    picture = jpeg(scenery.paint("dns-01", fire))
    detection = Detection("smoke", 0.8, fire.box)
    sighting = Sighting(
        "learnt-1", "dongling-01", None, "smoke", 0.8, at, at, fire.box, 1280, 720, ((at, detection),),
        "drawn/0", "balanced",
    )  # fmt: skip
    assert scenery.intake.accept(sighting, Evidence(picture, picture), camera).learning
    go_in(page, console, "supervisor")
    expect(page.locator("[data-incident]")).to_have_count(0)
    page.get_by_role("link", name="摄像机").click()
    page.get_by_role("button", name="东岭瞭望塔").click()
    panel = page.locator("[data-learning=on]")
    expect(panel.locator("[data-learnt]")).to_contain_text("烟 80 %")
    expect(panel.locator("[data-learnt]")).to_contain_text("学习中 · 未外发")
    expect(panel.locator("img")).to_have_js_property("naturalWidth", 1280)
    panel.get_by_label("其实是").select_option("fog")
    expect(panel.locator("[data-learnt] small")).to_have_text("supervisor")
    (judged,) = learning.of_camera(console.store, "dongling-01")
    assert judged.cause is Cause.FOG

    page.on("dialog", lambda dialog: dialog.accept())
    panel.get_by_role("button", name="结束学习").click()
    expect(page.locator("[data-learning=over]")).to_be_visible()
    assert register_of(console).learning_until("dongling-01") is None


def test_a_pose_found_from_landmarks_is_saved_and_an_earlier_one_is_brought_back(
    console: Served, scenery: Scenery, page: Page
) -> None:
    before = console.deployment.camera("dns-01").pose.azimuth_deg
    found = {
        **{f"{name}_deg": 0.0 for name in ("roll", "roll_sigma", "hfov_sigma")},
        "azimuth_deg": 38.5, "tilt_deg": -5.2, "hfov_deg": 60.0, "azimuth_sigma_deg": 0.02,
        "tilt_sigma_deg": 0.02, "rms_px": 0.8, "residuals": [{"x_px": 0.1, "y_px": 0.2}] * 3,
        "deployment_line": "",
    }  # fmt: skip
    # Where on a map a click lands depends on its frame: what the clicks mean is the API's test.
    page.route("**/calibration", lambda route: route.fulfill(json=found))
    go_in(page, console, "supervisor")
    page.get_by_role("link", name="摄像机").click()
    page.get_by_role("button", name="大南山主峰 · 东北向").click()
    page.get_by_role("button", name="标定姿态").click()
    expect(page.locator(".calibration [data-map=ready]")).to_be_visible()
    for x in (0.2, 0.5, 0.8):
        click_at(page.locator(".calibration .mask-frame"), x, 0.6)
        page.locator(".calibration canvas").click(position={"x": 200 + 200 * x, "y": 150})
    page.get_by_role("button", name="保存姿态").click()
    expect(page.locator(".camera-facts")).to_contain_text("38.5° / -5.2°")

    page.get_by_text("变更记录").click()
    changed = page.locator("[data-version='2']")
    expect(changed).to_contain_text("3 个标志物")
    page.locator("[data-version='1']").get_by_role("button", name="恢复此版").click()
    expect(page.locator("[data-version='3']")).to_contain_text("恢复到第 1 版")
    assert register_of(console).deployment.camera("dns-01").pose.azimuth_deg == before
    assert scenery.model("dns-01").position.lat_deg > 0


def test_a_preset_is_added_renamed_calibrated_and_gets_masks_of_its_own(
    console: Served, scenery: Scenery, page: Page
) -> None:
    scenery.write_latest("dns-01", datetime.now(UTC))
    found = {
        **{f"{name}_deg": 0.0 for name in ("roll", "roll_sigma", "hfov_sigma")},
        "azimuth_deg": 201.5, "tilt_deg": -4.5, "hfov_deg": 30.0, "azimuth_sigma_deg": 0.02,
        "tilt_sigma_deg": 0.02, "rms_px": 0.8, "residuals": [{"x_px": 0.1, "y_px": 0.2}] * 3,
        "deployment_line": "",
    }  # fmt: skip
    asked: list[str] = []

    def calibrate(route: Route) -> None:
        asked.append(route.request.post_data_json["preset"])
        route.fulfill(json=found)

    page.route("**/calibration", calibrate)  # where a click on a map lands is the API's test
    go_in(page, console, "supervisor", path="#/cameras")
    page.get_by_role("button", name="大南山主峰 · 东北向").click()
    panel = page.locator(".presets")
    expect(panel).to_contain_text("没有预置位")
    panel.get_by_role("button", name="添加预置位").click()
    expect(panel.get_by_label("名称")).to_be_focused()
    page.keyboard.type("南门")
    panel.get_by_label("编号").fill("gate")
    panel.get_by_label("方位").fill("200")
    panel.get_by_role("button", name="添加", exact=True).click()
    gate = panel.locator("[data-preset=gate]")
    expect(gate).to_contain_text("200.0°")

    gate.get_by_role("button", name="改名 南门").click()
    expect(gate.get_by_label("名称")).to_be_focused()
    page.keyboard.type("（老）")
    page.keyboard.press("Escape")
    expect(gate).to_contain_text("南门")
    gate.get_by_role("button", name="改名 南门").click()
    gate.get_by_label("名称").fill("北门")
    page.keyboard.press("Enter")
    gate.get_by_role("button", name="北门", exact=True).click()
    expect(page.locator(".camera-one")).to_contain_text("预置位“北门”：先把云台转到这里")

    page.get_by_role("button", name="标定姿态").click()
    expect(page.locator(".calibration [data-map=ready]")).to_be_visible()
    picture = page.locator(".calibration .mask-frame")
    for x in (0.2, 0.5, 0.8):
        click_at(picture, x, 0.6)
        page.locator(".calibration canvas").click(position={"x": 200 + 200 * x, "y": 150})
    page.get_by_role("button", name="保存姿态").click()
    expect(gate).to_contain_text("201.5° / -4.5°")
    assert set(asked) == {"gate"}

    page.get_by_role("button", name="绘制屏蔽区").click()
    for x, y in ((0.25, 0.5), (0.5, 0.5), (0.5, 0.75)):
        click_at(page.locator(".mask-frame"), x, y)
    page.get_by_role("button", name="保存", exact=True).click()
    expect(gate.get_by_role("button", name="移除 北门")).to_be_disabled()
    (mask,) = drawn_masks.current(console.store)
    assert (mask.camera_id, mask.mask.preset) == ("dns-01", "gate")
    page.get_by_role("button", name="移除“不报警”").click()
    expect(gate.get_by_role("button", name="移除 北门")).to_be_enabled()
    page.get_by_text("变更记录").click()
    expect(page.locator(".versions")).to_contain_text("预置位“南门”改名为“北门”")


def test_a_turning_camera_is_asked_for_its_presets_and_each_of_ours_gets_one(
    console: Served, page: Page
) -> None:
    places = {"1": (-0.5, 0.1, 0.0), "7": (0.5, -0.1, 0.25)}
    pose = {"azimuth_deg": 200, "tilt_deg": -4, "hfov_deg": 30}
    with console.signed_in("supervisor") as client:
        for id_, name in (("gate", "南门"), ("graves", "公墓")):
            client.post("/api/v1/cameras/dns-01/presets", json={"id": id_, "name": name, "pose": pose})
    with OnvifDevice(places, login=("viewer", "s3cret")) as device:
        device.go_to("7")
        go_in(page, console, "admin", path="#/cameras")
        page.get_by_role("button", name="大南山主峰 · 东北向").click()
        panel = page.locator(".turning")
        expect(panel).to_contain_text("系统不知道云台停在哪里")
        panel.get_by_role("button", name="配置云台位置").click()
        panel.get_by_label("ONVIF 地址").fill(device.url.replace("s3cret", "wrong"))
        panel.get_by_role("button", name="询问摄像机").click()
        expect(panel.get_by_role("alert")).to_contain_text("用户名或密码不对")
        panel.get_by_label("ONVIF 地址").fill(device.url)
        panel.get_by_role("button", name="询问摄像机").click()
        expect(panel.get_by_role("status")).to_contain_text("有 2 个预置位")
        expect(panel.get_by_label("公墓").locator("option")).to_have_text(
            ["不对应", "1 预置点1", "7 预置点7 ← 现在停在这里"]
        )
        panel.get_by_label("公墓").select_option("7")
        panel.get_by_label("到位后等待").fill("3")
        panel.get_by_role("button", name="保存").click()
        expect(panel).to_have_attribute("data-turning", "asked")
        expect(panel.locator(".caution")).to_contain_text("不检测：南门")
    expect(page.locator("body")).not_to_contain_text("s3cret")
    camera = register_of(console).deployment.camera("dns-01")
    assert camera.ptz is not None
    assert (camera.ptz.settle_s, {one.id: one.onvif_token for one in camera.presets}) == (
        3, {"gate": None, "graves": "7"},
    )  # fmt: skip

    page.once("dialog", lambda dialog: dialog.accept())
    panel.get_by_role("button", name="不再询问").click()
    expect(panel).to_have_attribute("data-turning", "not")
    assert register_of(console).deployment.camera("dns-01").ptz is None


def test_who_is_late_to_remove_a_preset_is_told_and_sees_the_camera_as_it_is_now(
    console: Served, scenery: Scenery, page: Page
) -> None:
    scenery.write_latest("dns-01", datetime.now(UTC))
    gate = {"id": "gate", "name": "南门", "pose": {"azimuth_deg": 200, "tilt_deg": -4, "hfov_deg": 30}}
    with console.signed_in("supervisor") as client:
        client.post("/api/v1/cameras/dns-01/presets", json=gate)

        def while_on_its_way(route: Route) -> None:
            client.patch("/api/v1/cameras/dns-01/presets/gate", json={"name": "南大门"})
            route.continue_()

        page.route("**/presets/gate?*", while_on_its_way, times=1)
        page.on("dialog", lambda dialog: dialog.accept())
        go_in(page, console, "supervisor", path="#/cameras")
        page.get_by_role("button", name="大南山主峰 · 东北向").click()
        page.get_by_role("button", name="移除 南门").click()
        expect(page.locator(".notice.bad")).to_contain_text("别人刚刚改过这台摄像机")
    page.get_by_role("button", name="移除 南大门").click()
    expect(page.locator(".presets")).to_contain_text("没有预置位")
    assert register_of(console).deployment.camera("dns-01").presets == ()


def click_at(picture: Locator, x: float, y: float) -> None:
    box = picture.bounding_box()
    assert box is not None
    picture.click(position={"x": x * box["width"], "y": y * box["height"]})
