"""The camera register: versions that are never rewritten, secrets that the store cannot give away."""

from __future__ import annotations

import json
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alerting_samples import camera
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

import config
from alerting import audit
from alerting.camera_register import CameraError, CameraRegister, CameraVersion
from alerting.journal import By
from alerting.secret_box import SecretBox, SecretsError
from alerting.store import ConflictError, NotFoundError, Store
from alerting.tables import CameraVersionRow

LI = By("li", "10.0.0.7")
PASSWORD = "s3cret/with@signs"
URL = "rtsp://viewer:s3cret%2Fwith%40signs@10.2.0.11:554/Streaming/101?token=t0ken"
NEW = camera("ridge", source=URL)
A_DAY = timedelta(hours=24)


def deployment(*cameras: config.Camera) -> config.Deployment:
    return config.Deployment(name="hills", cameras=cameras or (camera("north"), camera("west", 23.1, 116.36)))


@pytest.fixture
def box(tmp_path: Path) -> SecretBox:
    return SecretBox(tmp_path / "state" / "secrets.key")


@pytest.fixture
def register(store: Store, box: SecretBox) -> CameraRegister:
    return CameraRegister(store, deployment(), box, look_every_s=0)


def ids(register: CameraRegister) -> list[str]:
    return [one.id for one in register.cameras]


def add(register: CameraRegister, one: config.Camera = NEW, learn_for: timedelta = A_DAY) -> CameraVersion:
    return register.add(one, by=LI, why="new mast", learn_for=learn_for)


def test_without_changes_the_cameras_are_those_of_the_deployment_file(register: CameraRegister) -> None:
    assert register.deployment == deployment()
    assert register.versions("north") == ()
    with pytest.raises(NotFoundError, match="no camera 'nowhere'"):
        register.versions("nowhere")


def test_an_added_camera_comes_after_the_files_with_its_whole_address_and_learns(
    register: CameraRegister, store: Store
) -> None:
    made = add(register)
    assert (made.version, made.state, made.action, made.who, made.why) == (
        1,
        "learning",
        "added",
        "li",
        "new mast",
    )
    assert ids(register) == ["north", "west", "ridge"]
    assert register.cameras[2] == NEW
    until = register.learning_until("ridge")
    assert until is not None
    assert timedelta(hours=23) < until - store.clock() <= A_DAY
    assert register.learning_until("north") is None


def test_learning_is_over_by_itself_when_its_time_has_come(store: Store, box: SecretBox) -> None:
    register = CameraRegister(store, deployment(), box)
    made = add(register)
    assert made.learning_until is not None
    assert made.state_at(made.learning_until - timedelta(seconds=1)) == "learning"
    assert made.state_at(made.learning_until) == "live"
    before = store.clock
    store.clock = lambda: before() + A_DAY
    assert register.learning_until("ridge") is None


def test_learning_can_be_ended_by_hand_once(register: CameraRegister) -> None:
    add(register)
    assert register.end_learning("ridge", by=LI).state == "live"
    assert register.learning_until("ridge") is None
    with pytest.raises(ConflictError, match="does not learn"):
        register.end_learning("ridge", by=LI)


def test_no_password_lies_readable_in_the_store_or_shows_in_a_version(
    register: CameraRegister, store: Store, tmp_path: Path
) -> None:
    add(register)
    register.change("ridge", {"source": URL.replace("101", "102")}, by=LI)
    with store.reading() as session:
        rows = session.scalars(select(CameraVersionRow)).all()
        stored = json.dumps([[row.definition, row.secrets, row.why] for row in rows])
    shown = repr(register.versions("ridge")) + repr(register.cameras)
    for secret in ("s3cret", "t0ken", "Streaming"):
        assert secret not in stored
        assert secret not in repr(register.versions("ridge"))
    assert "s3cret" not in shown
    assert str(register.versions("ridge")[0].camera.source) == "rtsp://10.2.0.11:554"
    assert "s3cret" not in repr(list(audit.entries(store, rows[0].at, store.clock() + A_DAY)))
    assert stat.S_IMODE((tmp_path / "state" / "secrets.key").stat().st_mode) == 0o600


def test_a_change_is_a_new_version_and_touches_nothing_else_of_the_camera(register: CameraRegister) -> None:
    pose = {"azimuth_deg": 123.0, "tilt_deg": -2.0, "hfov_deg": 44.0}
    made = register.change("north", {"pose": pose}, by=LI, why="calibrated", seen=0)
    assert (made.version, made.action) == (2, "changed")
    first, second = reversed(register.versions("north"))
    assert (first.action, first.who, first.camera.pose) == ("seeded", "deployment file", camera("north").pose)
    assert second.camera.pose.azimuth_deg == 123.0
    changed = register.deployment.camera("north")
    assert changed.model_copy(update={"pose": camera("north").pose}) == camera("north")
    assert ids(register) == ["north", "west"]


def test_going_back_to_an_earlier_version_makes_a_new_one(register: CameraRegister) -> None:
    register.change("north", {"name": "北岭"}, by=LI)
    register.change("north", {"source": "rtsp://10.9.9.9/x"}, by=LI)
    made = register.revert("north", 1, by=LI, why="wrong camera")
    assert (made.version, made.action) == (4, "reverted to 1")
    assert register.deployment.camera("north") == camera("north")
    with pytest.raises(NotFoundError, match="no version 9"):
        register.revert("north", 9, by=LI)


def test_a_removed_camera_is_off_keeps_its_place_and_its_history_and_comes_back_by_a_revert(
    register: CameraRegister, store: Store
) -> None:
    register.remove("north", by=LI, why="mast fell")
    assert [(one.id, one.enabled) for one in register.cameras] == [("north", False), ("west", True)]
    (state,) = store.camera_states()
    assert (state.camera_id, state.state, state.reason) == ("north", "off", "taken out of service")
    assert store.camera_periods(store.clock() - A_DAY, store.clock() + A_DAY) == (), "meant, not blind"
    with pytest.raises(ConflictError, match="already"):
        register.remove("north", by=LI)
    assert register.revert("north", 1, by=LI).state == "live"
    assert register.deployment.camera("north").enabled
    assert len(register.versions("north")) == 3


def test_a_camera_that_is_switched_off_while_it_learns_goes_on_learning_when_it_is_switched_on(
    register: CameraRegister,
) -> None:
    add(register)
    assert register.change("ridge", {"enabled": False}, by=LI).state == "off"
    assert register.change("ridge", {"enabled": True}, by=LI).state == "learning"


@pytest.mark.parametrize("taken", ["north", "ridge"])
def test_an_id_is_given_once(register: CameraRegister, taken: str) -> None:
    add(register)
    with pytest.raises(ConflictError, match=f"a camera '{taken}' already"):
        add(register, camera(taken))


def test_who_looked_at_an_older_version_is_told_that_somebody_was_faster(register: CameraRegister) -> None:
    register.change("north", {"name": "北岭"}, by=LI, seen=0)
    with pytest.raises(ConflictError, match="changed by li"):
        register.change("north", {"name": "南岭"}, by=LI, seen=0)
    register.change("north", {"name": "南岭"}, by=LI, seen=2)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pose": {"azimuth_deg": 400, "tilt_deg": 0, "hfov_deg": 50}}, r"pose\.azimuth_deg"),
        ({"source": "gopher://x/y"}, "gopher"),
        ({"id": "other"}, "never changes"),
        ({"colour": "red"}, "no such option"),
    ],
)
def test_a_camera_that_cannot_be_is_refused_in_words_and_nothing_is_written(
    register: CameraRegister, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(CameraError, match=said):
        register.change("north", changes, by=LI)
    assert register.versions("north") == ()


def test_another_process_sees_a_change_and_one_without_the_key_sees_all_but_the_address(
    register: CameraRegister, store: Store, box: SecretBox
) -> None:
    worker = CameraRegister(store, deployment(), box, look_every_s=0)
    console = CameraRegister(store, deployment(), look_every_s=0)
    assert ids(worker) == ["north", "west"]
    add(register)
    assert worker.cameras[2] == NEW
    nameless = console.cameras[2]
    assert (nameless.name, str(nameless.source)) == (NEW.name, "rtsp://10.2.0.11:554")


def test_a_lost_key_blinds_only_the_cameras_whose_address_it_held_and_a_new_address_mends_it(
    register: CameraRegister, tmp_path: Path
) -> None:
    add(register)
    (tmp_path / "state" / "secrets.key").unlink()
    register.change("ridge", {"name": "山脊"}, by=LI)
    assert [one.name for one in register.cameras][2] == "山脊"
    assert register.deployment.camera("north") == camera("north")
    with pytest.raises(SecretsError, match=r"secrets\.key cannot be read.*backup"):
        add(register, camera("other"))
    register.change("ridge", {"source": URL}, by=LI)
    assert register.cameras[2].source.reveal() == URL


def test_what_is_not_given_anew_keeps_its_secret(register: CameraRegister) -> None:
    gateway = {"method": "POST", "token": "t0ken", "path": "url"}
    channel = "34020000001320000001"
    source = "play+https://gateway/{channel_id}"
    add(register, camera("ridge", source=source, channel_id=channel, stream={"play_url": gateway}))
    register.change("ridge", {"stream": {"play_url": {"path": "data.url"}, "read_timeout_s": 5}}, by=LI)
    found = register.cameras[2]
    assert found.source.reveal() == source
    token = found.stream.play_url.token
    assert token is not None
    assert (token.get_secret_value(), found.stream.play_url.path) == ("t0ken", "data.url")
    register.change("ridge", {"stream": {"play_url": {"path": "data.url", "token": None}}}, by=LI)
    assert register.cameras[2].stream.play_url.token is None


def test_a_store_that_is_away_leaves_the_cameras_as_they_were(register: CameraRegister, store: Store) -> None:
    add(register)
    assert ids(register) == ["north", "west", "ridge"]
    with store.writing() as session:
        session.execute(text("ALTER TABLE camera_versions RENAME TO gone"))
    assert ids(register) == ["north", "west", "ridge"]


@pytest.mark.parametrize("statement", ["UPDATE camera_versions SET why = 'x'", "DELETE FROM camera_versions"])
def test_the_database_itself_refuses_to_change_a_version(
    register: CameraRegister, store: Store, statement: str
) -> None:
    add(register)
    with pytest.raises(DBAPIError, match="append-only"), store.writing() as session:
        session.execute(text(statement))


def test_every_change_is_audited_and_told_to_the_pages(register: CameraRegister, store: Store) -> None:
    began, first = store.clock(), store.last_event_id()
    add(register)
    register.change("ridge", {"name": "山脊"}, by=LI, why="as on the map")
    register.remove("ridge", by=LI)
    noted = list(audit.entries(store, began, store.clock() + A_DAY))
    assert [(one.action, one.subject, one.who, one.source) for one in noted] == [
        (f"camera {action}", "ridge", "li", "10.0.0.7") for action in ("added", "changed", "removed")
    ]
    told = [one for one in store.events_since(first) if "register" in one.data]
    assert [(one.kind, one.camera_id, one.data["register"]) for one in told] == [
        ("camera", "ridge", action) for action in ("added", "changed", "removed")
    ]


def turning(onvif: str) -> config.Camera:
    pose = {"azimuth_deg": 9, "tilt_deg": 0, "hfov_deg": 50}
    gate = {"id": "gate", "name": "南门", "pose": pose, "onvif_token": "1"}
    return camera("ridge", source=URL, presets=[gate], ptz={"onvif": onvif, "settle_s": 3})


ONVIF = "http://viewer:0nvif-word@10.2.0.11:8080/onvif/device_service"


def test_a_turning_camera_keeps_how_it_is_asked_where_it_stands_when_something_else_is_changed(
    register: CameraRegister, store: Store
) -> None:
    add(register, turning(ONVIF))
    register.change("ridge", {"name": "山脊"}, by=LI)
    register.change("ridge", {"source": "rtsp://viewer:new@10.2.0.12/live"}, by=LI)
    now = next(one for one in register.cameras if one.id == "ridge")
    assert now.ptz == turning(ONVIF).ptz
    assert now.presets[0].onvif_token == "1"
    with store.reading() as session:
        rows = session.scalars(select(CameraVersionRow)).all()
        written = json.dumps([[row.definition, row.secrets] for row in rows])
    assert "0nvif-word" not in written
    assert "http://10.2.0.11:8080" in written


def test_a_camera_that_turns_no_more_has_no_onvif_address_left(register: CameraRegister) -> None:
    add(register, turning(ONVIF))
    register.change("ridge", {"ptz": None}, by=LI)
    assert next(one for one in register.cameras if one.id == "ridge").ptz is None
    register.change("ridge", {"sub_source": "rtsp://h/sub"}, by=LI)
    assert next(one for one in register.cameras if one.id == "ridge").ptz is None


def test_what_was_sealed_before_there_were_turning_cameras_can_still_be_opened(
    register: CameraRegister, store: Store, box: SecretBox
) -> None:
    add(register)
    with store.writing() as session:
        first = session.scalars(select(CameraVersionRow).filter_by(camera_id="ridge")).one()
        kept = {key: value for key, value in json.loads(box.open(first.secrets)).items() if key != "onvif"}
        old = {column.key: getattr(first, column.key) for column in CameraVersionRow.__table__.columns}
        del old["version_id"]
        session.add(CameraVersionRow(**{**old, "version": 2, "secrets": box.seal(json.dumps(kept))}))
    fresh = CameraRegister(store, deployment(), box, look_every_s=0)
    assert next(one for one in fresh.cameras if one.id == "ridge").source.reveal() == URL
    fresh.change("ridge", {"sub_source": "rtsp://h/sub"}, by=LI)
    assert next(one for one in fresh.cameras if one.id == "ridge").source.reveal() == URL
