"""`firewatch config export|diff|apply`: the deployment file beside what the store says."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alerting import roster_register
from alerting.camera_register import CameraRegister
from alerting.grids import Grids
from alerting.journal import By
from alerting.secret_box import SecretBox, SecretsError
from alerting.store import Store
from alerting.target_register import TargetRegister
from config import Camera, load, loads
from firewatch.cli import _register_commands, app

TEXT = """
name: hills
cameras:
  - id: north
    name: 北岭
    source: rtsp://viewer:${NORTH_PASSWORD}@10.2.0.11/live
    lat_deg: 23.1
    lon_deg: 116.4
    mast_height_m: 20
    pose: {azimuth_deg: 0, tilt_deg: 0, hfov_deg: 50}
  - id: west
    name: 西坡
    source: rtsp://viewer:${NORTH_PASSWORD}@10.2.0.12/live
    lat_deg: 23.1
    lon_deg: 116.4
    mast_height_m: 20
    pose: {azimuth_deg: 270, tilt_deg: 0, hfov_deg: 50}
"""
NEW = "rtsp://viewer:n3w-words@10.2.0.13/live"
LI = By("li")
_register_commands()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NORTH_PASSWORD", "s3cret-words")
    path = tmp_path / "hills.yaml"
    path.write_text(TEXT + f"storage: {{database_url: 'sqlite:///{tmp_path}/store.db'}}\n", encoding="utf-8")
    return path


@pytest.fixture
def register(file: Path, tmp_path: Path) -> Iterator[CameraRegister]:
    """What people changed in the console: north was turned, a third camera was added."""
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    made = CameraRegister(store, load(file), SecretBox(tmp_path / "secrets.key"), look_every_s=0)
    pose = {"azimuth_deg": 77.5, "tilt_deg": -2, "hfov_deg": 50}
    made.change("north", {"pose": pose, "name": "北岭新塔"}, by=LI)
    added = {**load(file).camera("west").model_dump(), "id": "east", "name": "东岭", "source": NEW}
    made.add(Camera.model_validate(added), by=LI, learn_for=timedelta(0))
    yield made
    store.close()


def run(*arguments: object, code: int = 0) -> str:
    answer = CliRunner().invoke(app, ["config", *map(str, arguments)])
    assert answer.exit_code == code, answer.output
    return answer.output


@pytest.mark.usefixtures("register")
def test_the_difference_is_told_field_by_field_without_a_password(file: Path, tmp_path: Path) -> None:
    told = run("diff", file, "--state", tmp_path, code=1)
    assert "north.name: 北岭 -> 北岭新塔" in told
    assert "77.5" in told
    assert "east: only in the store (东岭, in service)" in told
    assert "west" not in told
    assert "words" not in told


def test_a_file_that_the_store_agrees_with_has_no_differences(file: Path, tmp_path: Path) -> None:
    assert "says what the file says" in run("diff", file, "--state", tmp_path)


@pytest.mark.usefixtures("register")
def test_the_export_is_a_deployment_file_with_references_in_place_of_secrets(
    file: Path, tmp_path: Path
) -> None:
    text = run("export", file, "--state", tmp_path)
    assert "rtsp://viewer:${NORTH_PASSWORD}@10.2.0.11/live" in text
    assert "${EAST_SOURCE}" in text
    assert "words" not in text
    read = loads(text, environment={"NORTH_PASSWORD": "s3cret-words", "EAST_SOURCE": NEW})
    assert [one.id for one in read.cameras] == ["north", "west", "east"]
    assert read.camera("north").pose.azimuth_deg == 77.5
    assert read.camera("east").source.reveal() == NEW


def test_an_export_with_secrets_is_whole_and_for_its_owner_only(
    file: Path, tmp_path: Path, register: CameraRegister
) -> None:
    out = tmp_path / "whole.yaml"
    run("export", file, "--state", tmp_path, "--with-secrets", "--out", out)
    assert load(out).cameras == register.cameras
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_applying_the_file_makes_new_versions_and_leaves_or_takes_out_what_it_has_not(
    file: Path, tmp_path: Path, register: CameraRegister
) -> None:
    assert "changed: north" in run("apply", file, "--state", tmp_path)
    assert register.deployment.camera("north") == load(file).camera("north")
    assert register.versions("north")[0].why == "as the deployment file says"
    assert register.deployment.camera("east").enabled
    assert "changed: east" in run("apply", file, "--state", tmp_path, "--remove")
    assert not register.deployment.camera("east").enabled
    assert "nothing to change" in run("apply", file, "--state", tmp_path, "--remove")


def test_an_address_that_changed_in_the_file_is_applied_whole(
    file: Path, tmp_path: Path, register: CameraRegister
) -> None:
    file.write_text(file.read_text(encoding="utf-8").replace("10.2.0.11", "10.9.0.11"), encoding="utf-8")
    told = run("diff", file, "--state", tmp_path, code=1)
    assert "north.source: rtsp://10.9.0.11 -> rtsp://10.2.0.11" in told
    run("apply", file, "--state", tmp_path)
    now = register.deployment.camera("north").source
    assert now.reveal() == "rtsp://viewer:s3cret-words@10.9.0.11/live"


def test_the_token_of_a_gateway_is_applied_as_it_is_and_shown_nowhere(
    file: Path, tmp_path: Path, register: CameraRegister
) -> None:
    stream = "    stream: {play_url: {token: '${NORTH_PASSWORD}', path: data.url}}\n"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("  - id: west", stream + "  - id: west"), encoding="utf-8")
    told = run("diff", file, "--state", tmp_path, code=1)
    assert "north.stream" in told
    told += run("apply", file, "--state", tmp_path)
    assert "s3cret" not in told
    now = register.deployment.camera("north").stream.play_url
    assert now.token is not None
    assert now.token.get_secret_value() == "s3cret-words"

    file.write_text(text, encoding="utf-8")
    run("apply", file, "--state", tmp_path)
    assert register.deployment.camera("north").stream.play_url.token is None
    assert "north" not in run("diff", file, "--state", tmp_path, code=1)


COUNTY = {"id": "county", "name": "县", "url": "https://county.example/x", "secret": "${NORTH_PASSWORD}"}
ROBOT = {"id": "chat-robot", "name": "群", "url": "https://chat.example/T0KEN", "bearer": "b3arer-words"}


@pytest.fixture
def targets(file: Path, tmp_path: Path) -> Iterator[TargetRegister]:
    """What people changed in the console: the county moved, a robot was added."""
    text = file.read_text(encoding="utf-8")
    file.write_text(text + f"dispatch: [{json.dumps(COUNTY)}]\n", encoding="utf-8")
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    made = TargetRegister(store, load(file), SecretBox(tmp_path / "secrets.key"))
    made.change("county", {"url": "https://new.example/y", "notices": True}, by=LI)
    made.add(ROBOT, by=LI)
    yield made
    store.close()


@pytest.mark.usefixtures("targets")
def test_saved_receivers_are_differences_told_without_a_secret(file: Path, tmp_path: Path) -> None:
    told = run("diff", file, "--state", tmp_path, code=1)
    assert "receiver county.url: https://county.example/*** -> https://new.example/***" in told
    assert "receiver county.notices: False -> True" in told
    assert "receiver chat-robot: only in the store (群, switched on)" in told
    assert "words" not in told
    assert "T0KEN" not in told


def test_the_export_has_the_receivers_with_references_in_place_of_secrets_or_whole(
    targets: TargetRegister, file: Path, tmp_path: Path
) -> None:
    targets.change("chat-robot", {"enabled": False}, by=LI)
    text = run("export", file, "--state", tmp_path)
    assert "words" not in text
    assert "T0KEN" not in text
    variables = {
        "NORTH_PASSWORD": "s3cret-words", "COUNTY_URL": "https://new.example/y",
        "CHAT_ROBOT_URL": str(ROBOT["url"]), "CHAT_ROBOT_BEARER": str(ROBOT["bearer"]),
    }  # fmt: skip
    assert loads(text, environment=variables).dispatch == targets.opened()
    run("export", file, "--state", tmp_path, "--with-secrets", "--out", tmp_path / "whole.yaml")
    assert load(tmp_path / "whole.yaml").dispatch == targets.opened()


def test_applying_lets_the_file_count_again_for_its_receivers_and_removes_others_when_told(
    targets: TargetRegister, file: Path, tmp_path: Path
) -> None:
    assert "changed: receiver county" in run("apply", file, "--state", tmp_path)
    assert [one.id for one in targets.opened()] == ["county", "chat-robot"]
    assert targets.opened()[0] == load(file).dispatch[0]
    assert "changed: receiver chat-robot" in run("apply", file, "--state", tmp_path, "--remove")
    assert "says what the file says" in run("diff", file, "--state", tmp_path)


@pytest.mark.usefixtures("targets")
def test_without_the_key_nothing_is_compared_that_cannot_be_read(file: Path, tmp_path: Path) -> None:
    (tmp_path / "secrets.key").unlink()
    answer = CliRunner().invoke(app, ["config", "diff", str(file), "--state", str(tmp_path)])
    assert isinstance(answer.exception, SecretsError)


RANGER = {"name": "陈（示例）", "role": "网格员", "phone": "137-1", "note": "kept as it is"}
AREA = {"level": "district", "code": "d", "name": "区", "colour": "green"}


@pytest.fixture
def with_grids(file: Path, tmp_path: Path) -> Iterator[tuple[Store, Path]]:
    """A deployment with a grid file, and a store of its own."""
    ring = [[116, 23], [117, 23], [117, 24], [116, 24], [116, 23]]
    contact = {name: RANGER[name] for name in ("name", "role", "phone")}
    areas = [
        {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]},
         "properties": {**AREA, "contacts": [contact]}}
    ]  # fmt: skip
    path = tmp_path / "grids.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": areas}), encoding="utf-8")
    file.write_text(file.read_text(encoding="utf-8") + "grids: grids.geojson\n", encoding="utf-8")
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    yield store, path
    store.close()


def save_roster(store: Store, path: Path, **change: object) -> None:
    contact = {name: RANGER[name] for name in ("name", "role", "phone")}
    contacts = roster_register.checked([{**contact, **change}])
    roster_register.save(store, Grids.open(path), "d", contacts, by=LI)


def test_a_saved_roster_is_a_difference_told_by_name_without_the_number(
    with_grids: tuple[Store, Path], file: Path, tmp_path: Path
) -> None:
    assert "says what the file says" in run("diff", file, "--state", tmp_path)
    save_roster(*with_grids, phone="138-2")
    told = run("diff", file, "--state", tmp_path, code=1)
    assert "d 区: 陈（示例）: another phone" in told
    assert "138-2" not in told
    save_roster(*with_grids, name="王（示例）")
    told = run("diff", file, "--state", tmp_path, code=1)
    assert "王（示例） (网格员) only in the store" in told
    assert "陈（示例） (网格员) only in the file" in told


def test_the_grid_file_is_exported_with_the_saved_rosters_and_for_its_owner_only(
    with_grids: tuple[Store, Path], file: Path, tmp_path: Path
) -> None:
    store, path = with_grids
    night = {"from": "20:00", "to": "08:00"}
    save_roster(store, path, phone="138-2", duty=night)
    out = tmp_path / "now.geojson"
    run("export", file, "--state", tmp_path, "--out", tmp_path / "out.yaml", "--grids", out)
    written = json.loads(out.read_text(encoding="utf-8"))["features"][0]["properties"]
    assert written["colour"] == "green"
    area = Grids.open(out).area("d")
    assert area is not None
    assert area.contacts == roster_register.versions(store, "d")[0].contacts
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_applying_lets_the_grid_file_count_again_and_keeps_what_was_saved_on_record(
    with_grids: tuple[Store, Path], file: Path, tmp_path: Path
) -> None:
    store, path = with_grids
    save_roster(store, path, phone="138-2")
    assert "changed: roster d" in run("apply", file, "--state", tmp_path)
    newest, saved, _ = roster_register.versions(store, "d")
    assert (newest.contacts, newest.why) == (None, "as the grid file says")
    assert saved.contacts is not None
    assert "says what the file says" in run("diff", file, "--state", tmp_path)


def test_a_roster_of_an_area_that_the_file_lost_is_left_or_given_back_with_remove(
    with_grids: tuple[Store, Path], file: Path, tmp_path: Path
) -> None:
    store, path = with_grids
    save_roster(store, path, phone="138-2")
    path.write_text(path.read_text(encoding="utf-8").replace('"d"', '"other"'), encoding="utf-8")
    told = run("diff", file, "--state", tmp_path, code=1)
    assert "d: roster of an area that the grid file has not (1 people)" in told
    assert "nothing to change" in run("apply", file, "--state", tmp_path)
    assert "changed: roster d" in run("apply", file, "--state", tmp_path, "--remove")


TURNING = """  - id: tower
    name: 瞭望塔云台
    source: rtsp://viewer:${NORTH_PASSWORD}@10.2.0.14/live
    lat_deg: 23.1
    lon_deg: 116.4
    mast_height_m: 40
    pose: {azimuth_deg: 0, tilt_deg: -4, hfov_deg: 55}
    presets: [{id: gate, name: 南门, onvif_token: '1', pose: {azimuth_deg: 75, tilt_deg: -5, hfov_deg: 30}}]
    ptz: {onvif: 'http://viewer:${NORTH_PASSWORD}@10.2.0.14/onvif/device_service'}
"""


def test_how_a_turning_camera_is_asked_goes_to_the_store_and_back_into_a_file_without_its_password(
    file: Path, tmp_path: Path
) -> None:
    file.write_text(file.read_text("utf-8").replace("storage:", TURNING + "storage:"), encoding="utf-8")
    tower = load(file).camera("tower")
    with closing(Store.open(f"sqlite:///{tmp_path}/store.db")) as store:
        register = CameraRegister(store, load(file), SecretBox(tmp_path / "secrets.key"), look_every_s=0)
        register.change("tower", {"name": "新塔"}, by=LI)
        text = run("export", file, "--state", tmp_path)
        assert "http://viewer:${NORTH_PASSWORD}@10.2.0.14/onvif/device_service" in text
        moved = "http://viewer:0nvif-words@10.2.0.99/onvif/device_service"
        register.change("tower", {"ptz": {"onvif": moved, "settle_s": 3}}, by=LI)
        text = run("export", file, "--state", tmp_path)
        assert "${TOWER_ONVIF}" in text
        assert "words" not in text + run("diff", file, "--state", tmp_path, code=1)
        secrets = {"NORTH_PASSWORD": "s3cret-words", "TOWER_ONVIF": moved}
        assert loads(text, environment=secrets).camera("tower").ptz == register.deployment.camera("tower").ptz
        whole = run("export", file, "--state", tmp_path, "--with-secrets")
        assert moved in whole
        run("apply", file, "--state", tmp_path)
        assert register.deployment.camera("tower").ptz == tower.ptz
