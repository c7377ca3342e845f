"""Receivers over the API: added, changed, switched off, tried out, given back; no secret goes out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from conftest import PASSWORD_HASH, Served
from console_scenery import Scenery
from fastapi.testclient import TestClient

from alerting import audit
from alerting.accounts import Accounts
from console.app import create_app
from console.auth import COOKIE, Authentication
from console.limits import RateLimit
from simulator.receiver import DispatchReceiver

PATH = "/api/v1/targets"
SECRET = "the key of the signature"
WORDS = (SECRET, "T0KEN-IN-PATH", "t0ken-of-theirs", "pa$$word")
ROBOT: dict[str, Any] = {
    "id": "robot", "name": "群机器人", "url": "https://chat.example/hooks/T0KEN-IN-PATH?key=t0ken-of-theirs",
    "secret": SECRET, "bearer": "t0ken-of-theirs", "basic": {"user": "us", "password": "pa$$word"},
    "why": "their new group",
}  # fmt: skip
LATELY = {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}


@pytest.fixture
def receiver() -> Iterator[DispatchReceiver]:
    with DispatchReceiver(SECRET) as running:
        yield running


def listed(client: httpx.Client) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in client.get(PATH).json()}


def test_the_files_receiver_is_listed_with_what_waits_for_it(console: Served, scenery: Scenery) -> None:
    scenery.sight("dns-01", scenery.fire_at("dns-01", 560, 400), datetime.now(UTC))
    with console.signed_in("admin") as client:
        county = listed(client)["county"]
        one = client.get(f"{PATH}/county")
    assert (county["name"], county["address"]) == ("县森防指挥部", "http://127.0.0.1:9/***")
    assert (county["version"], county["saved"], county["in_file"], county["enabled"]) == (
        0,
        False,
        True,
        True,
    )
    assert (county["signed"], county["bearer"], county["user"], county["tls"]) == (True, False, None, None)
    assert (county["waiting"], county["refused"]) == (1, 0)
    assert one.json() == county


def test_a_receiver_is_added_changed_switched_off_and_removed_and_each_is_noted(console: Served) -> None:
    with console.signed_in("admin") as client, console.signed_in("viewer") as viewer:
        made = client.post(PATH, json=ROBOT)
        assert viewer.get("/api/v1/deployment").json()["targets"]["robot"] == "群机器人"
        changed = client.patch(f"{PATH}/robot", json={"name": "群", "seen": 1, "why": "shorter"})
        off = client.patch(f"{PATH}/robot", json={"enabled": False, "seen": 2})
        gone = client.delete(f"{PATH}/robot", params={"seen": 3, "why": "no use"})
        history = client.get(f"{PATH}/robot/versions").json()
        missing = client.get(f"{PATH}/robot")
    assert (made.status_code, made.json()["version"], made.json()["in_file"]) == (201, 1, False)
    assert (changed.json()["name"], changed.json()["signed"], changed.json()["user"]) == ("群", True, "us")
    assert (off.json()["enabled"], gone.status_code, missing.status_code) == (False, 204, 404)
    assert [(one["version"], one["action"], one["who"], one["why"]) for one in history] == [
        (4, "removed", "admin", "no use"), (3, "switched off", "admin", ""),
        (2, "changed", "admin", "shorter"), (1, "added", "admin", "their new group"),
    ]  # fmt: skip
    assert history[0]["target"] is None
    noted = list(audit.entries(console.store, datetime(2020, 1, 1, tzinfo=UTC), datetime.now(UTC)))
    said = [one.action for one in noted if one.subject == "robot"]
    assert said == ["receiver added", "receiver changed", "receiver switched off", "receiver removed"]


def test_a_receiver_of_the_file_is_changed_and_given_back(console: Served) -> None:
    with console.signed_in("admin") as client:
        (seeded,) = client.get(f"{PATH}/county/versions").json()
        client.patch(f"{PATH}/county", json={"url": "https://new.example/alerts", "seen": seeded["version"]})
        changed = listed(client)["county"]
        assert client.get("/api/v1/configuration").json()["deployment"]["dispatch"][0]["url"] == (
            "https://new.example/***"
        )
        back = client.post(f"{PATH}/county/revert", json={"version": 1, "seen": 2}).json()
        assert client.delete(f"{PATH}/county", params={"seen": 3}).status_code == 204
        given_back = listed(client)["county"]
        again = client.delete(f"{PATH}/county")
    assert (seeded["version"], seeded["target"]["address"]) == (0, "http://127.0.0.1:9/***")
    assert (changed["address"], changed["saved"]) == ("https://new.example/***", True)
    assert (back["version"], back["address"]) == (3, "http://127.0.0.1:9/***")
    assert (given_back["saved"], given_back["version"]) == (False, 4)
    assert (again.status_code, "deployment file's already" in again.json()["detail"]) == (409, True)


def test_of_two_who_change_a_receiver_at_once_the_later_is_told(console: Served) -> None:
    with console.signed_in("admin") as client:
        assert client.patch(f"{PATH}/county", json={"name": "甲", "seen": 0}).is_success
        later = client.patch(f"{PATH}/county", json={"name": "乙", "seen": 0})
        assert listed(client)["county"]["name"] == "甲"
    assert (later.status_code, later.json()["type"]) == (409, "urn:firewatch:problem:conflict")
    assert "changed by admin" in later.json()["detail"]


def test_what_is_owed_to_a_receiver_keeps_it_from_being_removed(console: Served, scenery: Scenery) -> None:
    with console.signed_in("admin") as client:
        client.post(PATH, json=ROBOT)
        scenery.sight("dns-01", scenery.fire_at("dns-01", 560, 400), datetime.now(UTC))
        refused = client.delete(f"{PATH}/robot")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:firewatch:problem:conflict")
    assert "switch it off" in refused.json()["detail"]


def test_no_secret_of_a_receiver_is_in_any_answer(console: Served) -> None:
    with console.signed_in("admin") as client:
        answers = [
            client.post(PATH, json=ROBOT),
            client.post(PATH, json=ROBOT),
            client.patch(f"{PATH}/robot", json={"bearer": "t0ken-of-theirs", "timeout_s": 5}),
            client.get(f"{PATH}/robot/versions"),
            client.get(PATH),
            client.get("/api/v1/configuration"),
            client.post(PATH, json={**ROBOT, "id": "x", "url": "ftp://chat.example/T0KEN-IN-PATH"}),
            client.post(PATH, json={**ROBOT, "id": "x", "timeout_s": -1}),
            client.post(PATH, json={**ROBOT, "id": "x", "secret": {"value": SECRET}}),
            client.get("/api/v1/records/audit", params=LATELY),
        ]
    assert [one.status_code for one in answers] == [201, 409, 200, 200, 200, 200, 422, 422, 422, 200]
    for answer in answers:
        for word in WORDS:
            assert word not in answer.text, answer.request.url
    assert answers[4].json()[1]["address"] == "https://chat.example/***"


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "https://${HOME}/x"},
        {"url": "https://chat.example/a b"},
        {"secret": "${DISPATCH_SECRET}"},
        {"bearer": "${file:/etc/shadow}"},
        {"basic": {"user": "us", "password": "${WORD}"}},
        {"format": "template", "template": "/etc/passwd"},
        {"tls": {"authority": "/etc/ssl/x.pem"}},
    ],
)
def test_neither_the_environment_nor_the_files_of_the_centre_are_read(
    console: Served, wrong: dict[str, Any]
) -> None:
    with console.signed_in("admin") as client:
        answer = client.post(PATH, json={**ROBOT, **wrong})
        assert "robot" not in listed(client)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:firewatch:problem:invalid-request")


def test_what_is_wrong_is_said_in_the_words_of_the_deployment_file(console: Served) -> None:
    with console.signed_in("admin") as client:
        bare = {key: value for key, value in ROBOT.items() if key not in ("secret", "bearer", "basic")}
        answer = client.post(PATH, json=bare)
        nothing = client.patch(f"{PATH}/county", json={"why": "nothing"})
        unknown = client.patch(f"{PATH}/nowhere", json={"name": "x"})
    assert (answer.status_code, nothing.status_code, unknown.status_code) == (422, 422, 404)
    assert "cannot know that alerts come from us" in answer.json()["detail"]
    assert "add 'secret' (HMAC signature), 'bearer', 'basic'" in answer.json()["detail"]


def test_a_test_message_reaches_the_receiver_as_an_exercise_that_is_over_at_once(
    console: Served, receiver: DispatchReceiver
) -> None:
    with console.signed_in("admin") as client:
        client.patch(f"{PATH}/county", json={"url": receiver.url, "secret": SECRET})
        answer = client.post(f"{PATH}/county/test").json()
        receiver.control(mode="status", status=500)
        refused = client.post(f"{PATH}/county/test").json()
    assert answer == {"accepted": True, "answer": "HTTP 201"}
    assert [(one.alert["type"], one.alert["exercise"]) for one in receiver.alerts] == [
        ("Alert", True),
        ("Cancel", True),
    ]
    assert refused["accepted"] is False
    assert refused["answer"].startswith("HTTP 500")
    assert console.store.deliveries() == (), "nothing of it is kept"


def test_test_messages_are_not_for_flooding_a_receiver(console: Served) -> None:
    with console.signed_in("admin") as client:
        codes = [client.post(f"{PATH}/county/test").status_code for _ in range(11)]
    assert codes == [200] * 10 + [429]


def test_a_console_without_a_key_file_says_that_it_cannot_keep_secrets(store, deployment) -> None:
    Accounts(store).create("admin", PASSWORD_HASH, "admin", must_change=False)
    token, session = Authentication(store, RateLimit(1, 1, time.monotonic)).open_session("admin")
    client = TestClient(create_app(store, deployment), cookies={COOKIE: token})
    answer = client.post(PATH, json=ROBOT, headers={"X-CSRF-Token": session.csrf})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:firewatch:problem:no-key")
