"""The camera register over the API: added, changed, taken back; an address that comes in never goes out."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import PASSWORD_HASH, Served
from console_scenery import Scenery, jpeg
from fastapi.testclient import TestClient

from alerting import audit
from alerting.accounts import Accounts
from alerting.camera_register import CameraRegister
from alerting.intake import Evidence
from alerting.journal import By
from alerting.secret_box import SecretBox
from config import Camera
from console.app import create_app
from console.auth import COOKIE, Authentication
from console.limits import RateLimit
from detector.detection import Detection, Sighting

PASSWORD = "s3cret-words"
NEW: dict[str, Any] = {
    "id": "east-01", "name": "东岭", "source": f"rtsp://viewer:{PASSWORD}@10.2.0.11:554/live/main?token=t0ken",
    "lat_deg": 23.11, "lon_deg": 116.41, "mast_height_m": 30,
    "pose": {"azimuth_deg": 120, "tilt_deg": -2, "hfov_deg": 55}, "why": "new mast",
}  # fmt: skip

LATELY = {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}


def listed(client: httpx.Client, camera_id: str) -> dict[str, Any]:
    (found,) = [one for one in client.get("/api/v1/cameras").json() if one["id"] == camera_id]
    return dict(found)


def add(client: httpx.Client, **more: Any) -> dict[str, Any]:
    answer = client.post("/api/v1/cameras", json={**NEW, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_an_added_camera_is_there_at_once_and_learns_for_a_day(console: Served) -> None:
    with console.signed_in("admin") as admin, console.signed_in("viewer") as viewer:
        made = add(admin)
        shown = listed(viewer, "east-01")
        unknown = viewer.get("/api/v1/cameras/east-01/health")
    assert (made["version"], made["state"], made["who"], made["why"]) == (1, "learning", "admin", "new mast")
    until = datetime.fromisoformat(shown["learning_until"])
    assert timedelta(hours=23) < until - datetime.now(UTC) <= timedelta(hours=24)
    assert (shown["name"], shown["enabled"], shown["pose"]["azimuth_deg"]) == ("东岭", True, 120)
    assert unknown.status_code == 200


def test_an_address_never_comes_out_again(console: Served) -> None:
    answers = []
    with console.signed_in("admin") as admin:
        answers.append(admin.post("/api/v1/cameras", json=NEW))
        answers.append(admin.post("/api/v1/cameras", json=NEW))
        changed = {"source": NEW["source"].replace("main", "sub")}
        answers.append(admin.patch("/api/v1/cameras/east-01", json=changed))
        answers.append(admin.get("/api/v1/cameras/east-01/versions"))
        answers.append(admin.get("/api/v1/cameras"))
        answers.append(admin.post("/api/v1/cameras", json={**NEW, "source": f"ftp://x:{PASSWORD}@h/x"}))
        answers.append(admin.post("/api/v1/cameras", json={**NEW, "mast_height_m": -1}))
        answers.append(admin.get("/api/v1/records/audit", params=LATELY))
    assert [one.status_code for one in answers] == [201, 409, 200, 200, 200, 422, 422, 200]
    for answer in answers:
        for secret in (PASSWORD, "t0ken", "/live/"):
            assert secret not in answer.text, answer.request.url
    assert answers[3].json()[0]["camera"]["address"] == "rtsp://10.2.0.11:554"


@pytest.mark.parametrize(
    "source", ["/etc/passwd", "file:///etc/passwd", "rtsp://h/${HOME}", "videos/near.mp4", "rtsp://h/a b"]
)
def test_only_addresses_in_the_network_are_taken(console: Served, source: str) -> None:
    with console.signed_in("admin") as admin:
        answer = admin.post("/api/v1/cameras", json={**NEW, "source": source})
        probed = admin.post("/api/v1/cameras/probe", json={"source": source})
    assert (answer.status_code, probed.status_code) == (422, 422)


def test_a_pose_is_saved_and_taken_back(console: Served) -> None:
    before = console.deployment.camera("dns-01").pose
    pose = {"azimuth_deg": 38.5, "tilt_deg": -5.2, "roll_deg": 0.3, "hfov_deg": 60, "azimuth_sigma_deg": 0.05}
    with console.signed_in("supervisor") as client:
        (seeded,) = client.get("/api/v1/cameras/dns-01/versions").json()
        body = {"pose": pose, "seen": seeded["version"], "why": "landmarks"}
        made = client.patch("/api/v1/cameras/dns-01", json=body).json()
        turned = listed(client, "dns-01")["pose"]["azimuth_deg"]
        again = client.patch("/api/v1/cameras/dns-01", json=body)
        back = client.post("/api/v1/cameras/dns-01/revert", json={"version": 1}).json()
        history = client.get("/api/v1/cameras/dns-01/versions").json()
        shown = listed(client, "dns-01")["pose"]["azimuth_deg"]
    assert (seeded["version"], made["version"], turned) == (0, 2, 38.5)
    assert made["camera"]["pose"]["azimuth_sigma_deg"] == 0.05
    assert (again.status_code, "changed by supervisor" in again.json()["detail"]) == (409, True)
    assert (back["action"], shown) == ("reverted to 1", before.azimuth_deg)
    assert [(one["version"], one["action"], one["why"]) for one in history] == [
        (3, "reverted to 1", ""), (2, "changed", "landmarks"), (1, "seeded", ""),
    ]  # fmt: skip


def test_the_pose_of_a_preset_is_its_own(console: Served) -> None:
    with console.signed_in("admin") as admin:
        add(admin)
        pose = {"azimuth_deg": 10, "tilt_deg": 0, "hfov_deg": 20}
        nowhere = admin.patch("/api/v1/cameras/east-01", json={"pose": pose, "preset": "gate"})
    assert (nowhere.status_code, "no preset 'gate'" in nowhere.json()["detail"]) == (422, True)


GATE = {"azimuth_deg": 200, "tilt_deg": -4, "hfov_deg": 30}


def presets_of(version: dict[str, Any]) -> list[tuple[str, str, float]]:
    return [(one["id"], one["name"], one["pose"]["azimuth_deg"]) for one in version["camera"]["presets"]]


def test_presets_of_an_added_camera_are_added_renamed_turned_and_removed(console: Served) -> None:
    path = "/api/v1/cameras/east-01/presets"
    with console.signed_in("admin") as admin, console.signed_in("supervisor") as client:
        add(admin)
        assert client.post(path, json={"id": "gate", "name": "南门", "pose": GATE}).status_code == 201
        ridge = {"id": "ridge", "name": "山脊", "pose": {**GATE, "azimuth_deg": 10}, "why": "wider"}
        both = client.post(path, json=ridge).json()
        named = client.patch(f"{path}/gate", json={"name": "北门"}).json()
        turned = client.patch(f"{path}/gate", json={"pose": {**GATE, "azimuth_deg": 205}}).json()
        left = client.delete(f"{path}/ridge", params={"seen": turned["version"]}).json()
        history = client.get("/api/v1/cameras/east-01/versions").json()
    assert presets_of(both) == [("gate", "南门", 200), ("ridge", "山脊", 10)]
    assert presets_of(named)[0] == ("gate", "北门", 200)
    assert presets_of(turned)[0] == ("gate", "北门", 205)
    assert presets_of(left) == [("gate", "北门", 205)]
    assert [one["version"] for one in history] == [6, 5, 4, 3, 2, 1]
    register = CameraRegister(console.store, console.deployment)
    assert register.deployment.camera("east-01").pose_at("gate").azimuth_deg == 205


def test_a_turning_camera_is_edited_here_without_losing_how_it_is_asked_where_it_stands(
    console: Served,
) -> None:
    box = SecretBox(Path(console.deployment.storage.evidence).with_name("secrets.key"))
    register = CameraRegister(console.store, console.deployment, box, look_every_s=0)
    gate = {"id": "gate", "name": "南门", "pose": GATE, "onvif_token": "1"}
    ptz = {"onvif": f"http://viewer:{PASSWORD}@10.2.0.11/onvif/device_service", "tolerance": 0.02}
    fields = {key: value for key, value in NEW.items() if key != "why"}
    turning = Camera.model_validate({**fields, "presets": [gate], "ptz": ptz})
    register.add(turning, by=By("li"), learn_for=timedelta(0))
    path = "/api/v1/cameras/east-01"
    with console.signed_in("supervisor") as client:
        answers = [
            client.patch(path, json={"name": "东山"}),
            client.patch(f"{path}/presets/gate", json={"name": "北门"}),
            client.patch(path, json={"preset": "gate", "pose": {**GATE, "azimuth_deg": 210}}),
            client.post(f"{path}/presets", json={"id": "ridge", "name": "山脊", "pose": GATE}),
        ]
        refused = client.delete(f"{path}/presets/gate")
        history = client.get(f"{path}/versions")
    assert [one.status_code for one in answers] == [200, 200, 200, 201]
    assert (refused.status_code, "onvif_token" in refused.json()["detail"]) == (422, True)
    assert PASSWORD not in "".join(one.text for one in (*answers, refused, history))
    now = register.deployment.camera("east-01")
    assert now.ptz == turning.ptz
    assert [(one.id, one.name, one.onvif_token) for one in now.presets] == [
        ("gate", "北门", "1"), ("ridge", "山脊", None),
    ]  # fmt: skip


def test_a_preset_that_makes_no_sense_or_came_too_late_changes_nothing(console: Served) -> None:
    path = "/api/v1/cameras/dns-01/presets"
    gate = {"id": "gate", "name": "南门", "pose": GATE}
    with console.signed_in("supervisor") as client:
        made = client.post(path, json={**gate, "seen": 0}).json()
        answers = [
            client.post(path, json=gate),
            client.post(path, json={**gate, "id": "late", "seen": 0}),
            client.post(path, json={**gate, "id": "steep", "pose": {**GATE, "tilt_deg": -100}}),
            client.patch(f"{path}/gate", json={}),
            client.patch(f"{path}/nowhere", json={"name": "x"}),
            client.delete(f"{path}/nowhere"),
            client.delete(f"{path}/gate", params={"seen": 0}),
        ]
        now = client.get("/api/v1/cameras/dns-01/versions").json()[0]
    assert [one.status_code for one in answers] == [422, 409, 422, 422, 404, 404, 409]
    assert now["version"] == made["version"]


def test_a_preset_with_masks_of_its_own_is_not_removed_before_them(console: Served) -> None:
    path = "/api/v1/cameras/dns-01"
    corners = [[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]]
    chimney = {"name": "烟囱", "preset": "gate", "polygon": corners}
    with console.signed_in("supervisor") as client:
        assert client.post(f"{path}/masks", json=chimney).status_code == 422, "no such preset yet"
        client.post(f"{path}/presets", json={"id": "gate", "name": "南门", "pose": GATE})
        mask = client.post(f"{path}/masks", json=chimney).json()
        drawn = client.delete(f"{path}/presets/gate")
        client.delete(f"{path}/masks/{mask['mask_id']}")
        private = {"kind": "private", "name": "民居", "preset": "gate", "polygon": corners}
        client.patch(path, json={"masks": [private]})
        defined = client.delete(f"{path}/presets/gate")
        client.patch(path, json={"masks": []})
        assert client.delete(f"{path}/presets/gate").status_code == 200
    assert (drawn.status_code, "烟囱" in drawn.json()["detail"]) == (409, True)
    assert (defined.status_code, "民居" in defined.json()["detail"]) == (422, True)


@pytest.mark.parametrize("body", [{}, {"why": "no reason"}, {"colour": "red"}, {"pose": {"azimuth_deg": 1}}])
def test_a_change_that_says_nothing_or_nonsense_is_refused(console: Served, body: dict[str, Any]) -> None:
    with console.signed_in("supervisor") as client:
        assert client.patch("/api/v1/cameras/dns-01", json=body).status_code == 422
        assert client.get("/api/v1/cameras/dns-01/versions").json()[0]["version"] == 0


def test_a_removed_camera_is_off_and_keeps_its_history(console: Served) -> None:
    with console.signed_in("admin") as admin:
        add(admin)
        made = admin.delete("/api/v1/cameras/east-01").json()
        again = admin.delete("/api/v1/cameras/east-01")
        shown = listed(admin, "east-01")
        history = admin.get("/api/v1/cameras/east-01/versions").json()
    assert (made["state"], shown["state"], shown["enabled"], shown["learning_until"]) == (
        "off",
        "off",
        False,
        None,
    )
    assert (again.status_code, len(history)) == (409, 2)


def test_every_change_is_in_the_audit_trail_and_in_the_event_log(console: Served) -> None:
    first = console.store.last_event_id()
    with console.signed_in("admin") as admin:
        add(admin)
        admin.post("/api/v1/cameras/east-01/learning/end", json={"why": "seen enough"})
        admin.delete("/api/v1/cameras/east-01")
    noted = list(audit.entries(console.store, datetime(2020, 1, 1, tzinfo=UTC), datetime.now(UTC)))
    said = [(one.action, one.who) for one in noted if one.subject == "east-01"]
    assert said == [
        ("camera added", "admin"),
        ("camera learning ended", "admin"),
        ("camera removed", "admin"),
    ]
    told = [one.data.get("register") for one in console.store.events_since(first) if one.kind == "camera"]
    assert [one for one in told if one] == ["added", "learning ended", "removed"]


def test_a_console_without_a_key_file_says_that_it_cannot_keep_addresses(store, deployment) -> None:
    Accounts(store).create("admin", PASSWORD_HASH, "admin", must_change=False)
    token, session = Authentication(store, RateLimit(1, 1, time.monotonic)).open_session("admin")
    client = TestClient(create_app(store, deployment), cookies={COOKIE: token})
    answer = client.post("/api/v1/cameras", json=NEW, headers={"X-CSRF-Token": session.csrf})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:firewatch:problem:no-key")


def learning_report(console: Served, at: datetime) -> Sighting:
    """What `east-01` reports at that time, taken in as its worker would."""
    scenery = Scenery(console.deployment, console.store)
    register = CameraRegister(console.store, console.deployment)
    camera = register.deployment.camera("east-01")
    fire = scenery.fire_at("dns-01", 560, 400)
    detection = Detection("smoke", 0.8, fire.box)
    sighting = Sighting(
        f"east-01-{at.timestamp():.0f}", "east-01", None, "smoke", 0.8, at, at, fire.box, 1280, 720,
        ((at, detection),), "drawn/0", "balanced",
    )  # fmt: skip

    picture = jpeg(scenery.paint("dns-01", fire))
    assert scenery.intake.accept(sighting, Evidence(picture, picture), camera).learning
    return sighting


def test_what_a_learning_camera_reports_is_shown_to_supervisors_and_to_nobody_else(
    console: Served, now: datetime
) -> None:
    with console.signed_in("admin") as admin, console.signed_in("operator") as operator:
        add(admin)
        learning_report(console, now)
        found = admin.get("/api/v1/cameras/east-01/learning").json()
        number = found["sightings"][0]["number"]
        picture = admin.get(f"/api/v1/cameras/east-01/learning/{number}/picture")
        refused = operator.get(f"/api/v1/cameras/east-01/learning/{number}/picture")
        incidents = admin.get("/api/v1/incidents").json()
        records = admin.get("/api/v1/records").json()
        deliveries = admin.get("/api/v1/deliveries").json()
    assert (found["sightings"][0]["label"], found["sightings"][0]["judged_by"]) == ("smoke", None)
    assert found["learning_until"] is not None
    assert picture.content.startswith(b"\xff\xd8")
    assert refused.status_code == 403
    assert incidents["incidents"] == []
    assert sum(incidents["counts"].values()) == 0
    assert records["incidents"] == []
    assert deliveries == []


def test_a_supervisor_says_what_it_was_or_raises_the_alarm(console: Served, now: datetime) -> None:
    with console.signed_in("admin") as admin, console.signed_in("supervisor") as client:
        add(admin)
        for back in (60, 0):
            learning_report(console, now - timedelta(seconds=back))
        newest, oldest = client.get("/api/v1/cameras/east-01/learning").json()["sightings"]
        path = "/api/v1/cameras/east-01/learning"
        was = client.post(f"{path}/{oldest['number']}/dismissal", json={"cause": "dust"}).json()
        fire = client.post(f"{path}/{newest['number']}/alarm").json()
        again = client.post(f"{path}/{newest['number']}/alarm")
        (incident,) = client.get("/api/v1/incidents").json()["incidents"]
        targets = {one["target_id"] for one in client.get("/api/v1/deliveries").json()}
    assert (was["judged_by"], was["cause"]) == ("supervisor", "dust")
    assert fire["raised_as"] == incident["incident_id"]
    assert incident["camera_ids"] == ["east-01"]
    assert targets, "receivers are told, as of any fire"
    assert again.status_code == 409


def test_the_next_sighting_is_located_with_the_pose_that_was_saved(console: Served, now: datetime) -> None:
    scenery = Scenery(console.deployment, console.store)
    fire = scenery.fire_at("dns-01", 560, 400)
    first = scenery.sight("dns-01", fire, now)
    turned = replace(scenery.model("dns-01").pose, azimuth_deg=scenery.model("dns-01").pose.azimuth_deg + 20)
    pose = {"azimuth_deg": turned.azimuth_deg, "tilt_deg": turned.tilt_deg, "hfov_deg": turned.hfov_deg}
    with console.signed_in("supervisor") as client:
        client.patch("/api/v1/cameras/dns-01", json={"pose": pose})
    scenery.deployment = CameraRegister(console.store, console.deployment).deployment
    second = scenery.sight("dns-01", fire, now + timedelta(hours=3))
    bearings = [console.store.incident(ref.incident_id).sightings[0] for ref in (first, second)]
    apart = bearings[1].location.bearing_deg - bearings[0].location.bearing_deg
    assert apart == pytest.approx(20, abs=0.5)
    version = console.deployment.version
    assert [one.config_version for one in bearings] == [version, f"{version}.2"]
