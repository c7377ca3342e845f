"""Responders over HTTP with a token of their own, permitted burns, merging, and the map."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from conftest import Served
from console_scenery import Scenery

from alerting import access_tokens, audit, decisions
from alerting.intake import IncidentRef
from alerting.journal import By
from alerting.lifecycle import Action, Cause, Decision, Verdict
from console.routes import response as response_routes


@pytest.fixture
def scenery(console: Served) -> Scenery:
    return Scenery(console.deployment, console.store)


@pytest.fixture
def fire(scenery: Scenery, now: datetime) -> IncidentRef:
    return scenery.sight("dns-01", scenery.fire_at("dns-01", 560, 400), now)


def token_for(console: Served, *area_codes: str) -> dict[str, Any]:
    with console.signed_in("admin") as admin:
        answer = admin.post("/api/v1/tokens", json={"name": "青溪镇半专业队", "area_codes": area_codes})
    assert answer.status_code == 201
    made: dict[str, Any] = answer.json()
    return made


def responder(console: Served, secret: str) -> httpx.Client:
    client = console.client()
    client.headers["Authorization"] = f"Bearer {secret}"
    return client


def test_a_responder_accepts_arrives_controls_and_closes_under_the_name_of_their_token(
    console: Served, fire: IncidentRef
) -> None:
    made = token_for(console)
    with responder(console, made["secret"]) as client:
        (listed,) = client.get("/api/v1/response/incidents").json()
        assert listed["incident_id"] == fire.incident_id
        path = f"/api/v1/response/incidents/{fire.incident_id}/reports"
        seen = [
            client.post(path, json={"report": report, "who": "陈志强"}).json()["status"]
            for report in ("accepted", "arrived", "arrived", "under_control", "closed", "closed")
        ]
    assert seen == ["suspected", "on_scene", "on_scene", "controlled", "closed", "closed"]
    history = console.store.incident(fire.incident_id).history
    assert [row.action for row in history] == ["raise", "accept", "arrive", "control", "close"]
    assert {(row.who, row.source) for row in history[1:]} == {
        ("陈志强 (青溪镇半专业队)", f"token {made['token']['token_id']}")
    }


def test_a_token_limited_to_areas_opens_incidents_there_and_knows_of_no_others(
    console: Served, fire: IncidentRef
) -> None:
    codes = [area.code for area in console.store.incident(fire.incident_id).summary.grid_chain]
    here, elsewhere = token_for(console, codes[-1]), token_for(console, "SAMPLE-99")
    path = f"/api/v1/response/incidents/{fire.incident_id}"
    with responder(console, here["secret"]) as client:
        (file, *_) = client.get(path).json()["evidence"]
        assert client.get(file["url"]).content.startswith(b"\xff\xd8")
        assert client.get(f"{path}/picture").headers["content-type"] == "image/jpeg"
    with responder(console, elsewhere["secret"]) as client:
        for hidden in (path, file["url"], f"{path}/picture"):
            assert client.get(hidden).status_code == 404
        assert client.get("/api/v1/response/incidents").json() == []
        assert client.post(f"{path}/reports", json={"report": "accepted"}).status_code == 404


def test_a_file_is_not_had_through_another_incident_of_the_same_token(
    console: Served, scenery: Scenery, fire: IncidentRef, now: datetime
) -> None:
    other = scenery.sight("hbs-01", scenery.fire_at("hbs-01", 420, 470), now)
    (file, *_) = console.store.incident(other.incident_id).evidence
    with console.with_token("responder") as client:
        path = f"/api/v1/response/incidents/{fire.incident_id}/evidence/{file.evidence_id}"
        assert client.get(path).status_code == 404


def test_many_fires_elsewhere_do_not_hide_the_own_one(
    console: Served, scenery: Scenery, fire: IncidentRef, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response_routes, "MOST", 1)
    scenery.sight("hbs-01", scenery.fire_at("hbs-01", 420, 470), now + timedelta(minutes=1))
    grid = console.store.incident(fire.incident_id).summary.grid_chain[0]
    with console.with_token("responder", area_codes=[grid.code]) as client:
        listed = client.get("/api/v1/response/incidents").json()
    assert [one["incident_id"] for one in listed] == [fire.incident_id]


def test_what_has_ended_stays_in_the_list_for_as_long_as_is_asked(console: Served, fire: IncidentRef) -> None:
    dust = Decision(Action.DISMISS, Verdict.FALSE_ALARM, Cause.DUST)
    decisions.decide(console.store, fire.incident_id, dust, who="li.wei", version=1)
    with console.with_token("responder") as client:
        assert client.get("/api/v1/response/incidents").json() == []
        (ended,) = client.get("/api/v1/response/incidents", params={"ended_h": 12}).json()
        assert (ended["status"], ended["cause"]) == ("dismissed", "dust")
        assert client.get(f"/api/v1/response/incidents/{fire.incident_id}").json()["reports"] == []


def test_what_a_crew_found_is_kept_told_and_counted_once_however_often_it_is_sent(
    console: Served, fire: IncidentRef
) -> None:
    path = f"/api/v1/response/incidents/{fire.incident_id}"
    found = {"report": "found", "who": "陈志强", "why": "只见扬尘，没有火"}
    with console.with_token("responder") as client:
        assert client.post(f"{path}/reports", json={**found, "why": " "}).status_code == 422
        for _ in range(2):
            answer = client.post(f"{path}/reports", json=found)
        assert (answer.status_code, answer.json()["status"]) == (201, "suspected"), "a person judges it"
        assert [row["why"] for row in answer.json()["history"] if row["action"] == "found"] == [found["why"]]
        assert "source" not in answer.json()["history"][0], "addresses of the centre's people are not told"
    detail = console.store.incident(fire.incident_id)
    assert detail.alerts[-1].content["changes"] == ["found: 只见扬尘，没有火"]


def test_only_steps_whose_time_has_come_are_offered_and_taken(console: Served, fire: IncidentRef) -> None:
    path = f"/api/v1/response/incidents/{fire.incident_id}"
    with console.with_token("responder") as client:
        assert client.get(path).json()["reports"] == ["accepted", "found"]
        early = client.post(f"{path}/reports", json={"report": "under_control"})
        assert early.json()["type"].endswith("decision-not-possible")
        offered = [
            client.post(f"{path}/reports", json={"report": one}).json()["reports"]
            for one in ("accepted", "arrived", "under_control", "closed")
        ]
    assert offered == [["arrived", "found"], ["under_control", "found"], ["closed", "found"], []]


def test_a_browser_hands_the_token_over_once_and_no_script_or_log_can_read_it_afterwards(
    console: Served, fire: IncidentRef, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "firewatch.access")
    town = console.store.incident(fire.incident_id).summary.grid_chain[2]
    made = token_for(console, town.code)
    assert made["link"] == f"{console.url}/field#token={made['secret']}"
    reports = f"/api/v1/response/incidents/{fire.incident_id}/reports"
    with console.client() as client:
        answer = client.post("/api/v1/response/session", json={"token": f" {made['secret']}\n"})
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Path=/api/v1/response" in cookie
        told = client.get("/api/v1/response/session")
        assert (told.json()["name"], told.json()["areas"]) == ("青溪镇半专业队", {town.code: town.name})
        assert made["secret"] not in told.text + answer.text + caplog.text
        assert client.get("/api/v1/incidents").status_code == 401, "it opens nothing else"
        forged = client.post(reports, json={"report": "accepted"})
        assert forged.json()["type"].endswith("csrf")
        csrf = {"X-CSRF-Token": told.json()["csrf"]}
        elsewhere = client.post(
            reports, json={"report": "accepted"}, headers={**csrf, "Origin": "http://evil"}
        )
        assert elsewhere.json()["type"].endswith("other-origin")
        assert client.post(reports, json={"report": "accepted"}, headers=csrf).status_code == 201
        assert client.delete("/api/v1/response/session", headers=csrf).status_code == 204
        assert client.get("/api/v1/response/session").status_code == 401
    now = console.store.clock()
    trail = list(audit.entries(console.store, now - timedelta(minutes=5), now + timedelta(minutes=5)))
    assert ("青溪镇半专业队", "responder signed in", "127.0.0.1") in [
        (one.who, one.action, one.source) for one in trail
    ]
    assert "who=%E9%9D%92%E6%BA%AA" in caplog.text


def test_a_machine_or_somebody_who_guesses_does_not_get_in(console: Served) -> None:
    with console.signed_in("admin") as admin:
        machine = admin.post("/api/v1/tokens", json={"name": "北峰箱", "role": "machine"}).json()
    assert machine["link"] is None
    with console.client() as client:
        for text in (machine["secret"], "fw_made-up"):
            answer = client.post("/api/v1/response/session", json={"token": text})
            assert (answer.status_code, answer.json()["type"].split(":")[-1]) == (401, "wrong-credentials")
            assert "set-cookie" not in answer.headers


def test_whoever_holds_a_token_that_is_withdrawn_or_over_is_told_so(console: Served) -> None:
    made = token_for(console)
    with console.client() as client:
        client.post("/api/v1/response/session", json={"token": made["secret"]})
        access_tokens.revoke(console.store, made["token"]["token_id"])
        assert client.get("/api/v1/response/session").json()["type"].endswith("token-withdrawn")
    old, _ = access_tokens.create(
        console.store, name="x", role="responder", lifetime=timedelta(seconds=-1), by=By("admin")
    )
    with responder(console, old) as client:
        assert client.get("/api/v1/response/incidents").json()["type"].endswith("token-expired")


def test_a_revoked_or_made_up_token_opens_nothing_and_a_token_opens_nothing_else(console: Served) -> None:
    made = token_for(console)
    with responder(console, made["secret"]) as client:
        assert client.get("/api/v1/incidents").status_code == 401
        with console.signed_in("admin") as admin:
            assert made["secret"] not in admin.get("/api/v1/tokens").text
            admin.delete(f"/api/v1/tokens/{made['token']['token_id']}")
        assert client.get("/api/v1/response/incidents").status_code == 401
    with responder(console, "fw_made-up") as client:
        answer = client.get("/api/v1/response/incidents")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_an_operator_takes_an_incident_in_hand(console: Served, fire: IncidentRef) -> None:
    with console.signed_in() as client:
        path = f"/api/v1/incidents/{fire.incident_id}/steps"
        detail = client.post(path, json={"step": "acknowledge"}).json()
    assert detail["summary"]["response"]["acknowledged_by"] == "operator"
    assert detail["history"][-1]["source"] == "127.0.0.1"


def test_incidents_are_merged_and_separated_over_http(
    console: Served, scenery: Scenery, fire: IncidentRef, now: datetime
) -> None:
    other = scenery.sight("dns-01", scenery.fire_at("dns-01", 900, 480), now + timedelta(seconds=1))
    assert other.raised
    with console.signed_in() as client:
        path = f"/api/v1/incidents/{other.incident_id}"
        merged = client.post(f"{path}/merge", json={"into": fire.incident_id, "version": 1})
        assert (merged.status_code, len(merged.json()["sightings"])) == (201, 2)
        gone = client.get(path).json()
        undo = {"history_id": gone["undoable_history_id"], "version": gone["summary"]["version"]}
        back = client.post(f"{path}/undo", json=undo).json()
    assert back["summary"]["status"] == "suspected"
    assert len(back["sightings"]) == 1


def test_a_permitted_burn_is_entered_seen_and_withdrawn(console: Served, now: datetime) -> None:
    burn = {
        "holder": "茶亭村林场",
        "phone": "000-0000-0001",
        "area": [[116.39, 23.10], [116.40, 23.10], [116.40, 23.11]],
        "starts_at": now.isoformat(),
        "ends_at": (now + timedelta(hours=3)).isoformat(),
    }
    with console.signed_in() as client:
        made = client.post("/api/v1/burns", json=burn)
        assert made.status_code == 201
        bent = client.post("/api/v1/burns", json={**burn, "ends_at": now.isoformat()})
        assert (bent.status_code, bent.json()["detail"]) == (422, "it must end after it starts")
        with console.signed_in("viewer") as viewer:
            assert [one["phone"] for one in viewer.get("/api/v1/burns").json()] == [""]
        client.delete(f"/api/v1/burns/{made.json()['burn_id']}")
        assert client.get("/api/v1/burns").json() == []


def test_the_map_gets_the_incidents_of_its_frame(console: Served, fire: IncidentRef) -> None:
    where = console.store.incident(fire.incident_id).summary.location
    assert where.lat_deg is not None
    assert where.lon_deg is not None

    def frame(lat_deg: float, lon_deg: float) -> dict[str, float]:
        return {
            "south_deg": lat_deg - 0.01,
            "north_deg": lat_deg + 0.01,
            "west_deg": lon_deg - 0.01,
            "east_deg": lon_deg + 0.01,
        }

    with console.signed_in("viewer") as client:
        path = "/api/v1/map/incidents"
        here = client.get(path, params=frame(where.lat_deg, where.lon_deg)).json()
        beside = client.get(path, params=frame(where.lat_deg + 0.1, where.lon_deg)).json()
        closed = client.get(path, params={**frame(where.lat_deg, where.lon_deg), "status": "closed"}).json()
    assert [one["incident_id"] for one in here] == [fire.incident_id]
    assert (beside, closed) == ([], [])
