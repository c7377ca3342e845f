"""The event stream over a real connection: order, resumption, signs of life, and its end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest
from conftest import Serve, Served
from console_scenery import Scenery

from alerting import access_tokens
from alerting.accounts import Accounts
from console.routes import events as events_route


@pytest.fixture(autouse=True)
def _quick_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_route, "ALIVE_S", 0.3)


def messages(answer: httpx.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    name = ""
    for line in answer.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def next_events(stream: Iterator[tuple[str, dict[str, Any]]], count: int) -> list[int]:
    found: list[int] = []
    for name, data in stream:
        if name not in ("alive", "reset"):
            found.append(data["event_id"])
        if len(found) == count:
            return found
    return found


def change(console: Served, camera_id: str, state: str, at: datetime) -> None:
    console.store.set_camera_state(camera_id, state, at, "")


def test_what_changes_reaches_a_waiting_page(console: Served, now: datetime) -> None:
    with console.signed_in() as client, client.stream("GET", "/api/v1/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        stream = messages(answer)
        assert next(stream)[0] == "alive"
        change(console, "dns-01", "live", now)
        name, data = next(one for one in stream if one[0] != "alive")
    assert (name, data["camera_id"], data["data"]["state"]) == ("camera", "dns-01", "live")


def test_a_page_that_was_away_gets_exactly_what_it_missed(console: Served, now: datetime) -> None:
    for state in ("connecting", "live", "stale", "live"):
        change(console, "dns-01", state, now)
    with console.signed_in() as client:
        headers = {"Last-Event-ID": "2"}
        with client.stream("GET", "/api/v1/events", headers=headers) as answer:
            assert next_events(messages(answer), 2) == [3, 4]
        with client.stream("GET", "/api/v1/events", params={"after": 0}) as answer:
            assert next_events(messages(answer), 4) == [1, 2, 3, 4]


def test_a_page_from_before_a_restart_of_the_centre_misses_nothing(
    console: Served, serve: Serve, now: datetime
) -> None:
    change(console, "dns-01", "live", now)
    restarted = serve(console.store, console.deployment)
    change(console, "dns-01", "stale", now)
    with restarted.signed_in() as client, client.stream("GET", "/api/v1/events?after=0") as answer:
        assert next_events(messages(answer), 2) == [1, 2]


def test_a_page_that_knows_a_replaced_store_is_told_to_start_anew(console: Served) -> None:
    replaced = {"Last-Event-ID": "4711"}
    with console.signed_in() as client, client.stream("GET", "/api/v1/events", headers=replaced) as answer:
        assert next(messages(answer))[0] == "reset"


def test_the_stream_ends_with_the_session(console: Served) -> None:
    with console.signed_in() as client, client.stream("GET", "/api/v1/events") as answer:
        stream = messages(answer)
        assert next(stream)[0] == "alive"
        Accounts(console.store).set_active("operator", active=False)
        assert [name for name, _ in stream][-1] == "signed_out"


def test_a_centre_that_stops_ends_its_streams_without_waiting_for_them(
    console: Served, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    with console.signed_in() as client, client.stream("GET", "/api/v1/events") as answer:
        stream = messages(answer)
        assert next(stream)[0] == "alive"
        serve.stop(console)
        assert [name for name, _ in stream if name not in ("alive",)] == []
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_stranger_gets_no_events(console: Served) -> None:
    with console.client() as client:
        assert client.get("/api/v1/events").status_code == 401


def test_a_responder_hears_of_the_own_area_only_and_that_the_token_was_withdrawn(
    console: Served, now: datetime
) -> None:
    scenery = Scenery(console.deployment, console.store)
    own = scenery.sight("dns-01", scenery.fire_at("dns-01", 560, 400), now).incident_id
    assert scenery.sight("hbs-01", scenery.fire_at("hbs-01", 420, 470), now).raised, "another fire"
    grid = console.store.incident(own).summary.grid_chain[0]
    path = "/api/v1/response/events"
    with (
        console.with_token("responder", area_codes=[grid.code]) as client,
        client.stream("GET", path, params={"after": 0}) as answer,
    ):
        stream = messages(answer)
        heard = [next(stream)[0], next(stream)]
        (token,) = access_tokens.all_tokens(console.store)
        access_tokens.revoke(console.store, token.token_id)
        rest = [name for name, _ in stream]
    assert heard[0] == "alive"
    assert (heard[1][0], heard[1][1]["incident_id"]) == ("incident", own)
    assert rest[-1] == "signed_out"
    assert set(rest[:-1]) <= {"alive"}, "nothing of the other fire, of cameras or deliveries"
