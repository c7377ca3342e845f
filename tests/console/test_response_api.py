"""Responders over HTTP with a token of their own, permitted burns, merging, and the map."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from conftest import Served
from console_scenery import Scenery

from alerting.intake import IncidentRef


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
        assert client.get(path).status_code == 200
    with responder(console, elsewhere["secret"]) as client:
        assert client.get(path).status_code == 404
        assert client.get("/api/v1/response/incidents").json() == []
        assert client.post(f"{path}/reports", json={"report": "accepted"}).status_code == 404


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
