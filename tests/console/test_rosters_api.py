"""Changing who answers for an area over the API: checked, locked, taken back, and seen where one calls."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from conftest import Served
from console_scenery import Scenery

DISTRICT = "445299"
LI: dict[str, Any] = {
    "name": "李局长", "role": "区森防办主任", "phone": "138-1111", "channels": {"wecom": "li"},
    "duty": {"days": [1, 2, 3, 4, 5], "from": "08:00", "to": "18:00"},
}  # fmt: skip
PATH = f"/api/v1/rosters/{DISTRICT}"


def listed(client: httpx.Client, code: str = DISTRICT, **query: str) -> dict[str, Any]:
    areas = client.get("/api/v1/rosters", params=query).json()["areas"]
    (found,) = [one for one in areas if one["code"] == code]
    return dict(found)


def save(client: httpx.Client, *contacts: dict[str, Any], **more: Any) -> httpx.Response:
    return client.put(PATH, json={"contacts": contacts, **more})


def test_a_supervisor_changes_who_answers_and_the_list_says_so_with_its_gaps(console: Served) -> None:
    with console.signed_in("supervisor") as client, console.signed_in("operator") as operator:
        before = client.get(PATH).json()
        made = save(client, LI, seen=before["version"], why="December").json()
        shown = listed(operator)
        saturday = listed(operator, at="2026-11-28T12:00:00+08:00")
    assert (before["version"], before["saved"], before["gaps"]) == (0, False, [])
    assert (made["version"], made["saved"], made["contacts"]) == (2, True, [LI])
    assert (shown["saved"], shown["people"][0]["phone"]) == (True, "138-1111")
    assert {"from_day": 5, "start": "18:00", "to_day": 1, "end": "08:00"} in shown["gaps"]
    assert saturday["is_covered"] is False


def test_two_who_change_a_roster_at_once_are_not_both_believed(console: Served) -> None:
    with console.signed_in("supervisor") as one, console.signed_in("admin") as other:
        assert save(one, LI, seen=0).status_code == 200
        late = save(other, {**LI, "phone": "139"}, seen=0)
        gone = other.delete(PATH, params={"seen": 0})
        assert listed(other)["people"][0]["phone"] == "138-1111"
    assert (late.status_code, late.json()["type"]) == (409, "urn:firewatch:problem:conflict")
    assert "changed by supervisor" in late.json()["detail"]
    assert gone.status_code == 409


def test_an_earlier_roster_comes_back_and_the_file_counts_again_when_it_is_given_back(
    console: Served,
) -> None:
    with console.signed_in("supervisor") as client:
        (fresh,) = client.get(f"{PATH}/versions").json()
        save(client, LI, why="December")
        back = client.post(f"{PATH}/revert", json={"version": 1, "why": "a slip"}).json()
        again = client.delete(PATH, params={"seen": back["version"], "why": "the file is right"})
        after = client.get(PATH).json()
        twice = client.delete(PATH)
        history = client.get(f"{PATH}/versions").json()
    assert fresh["version"] == 0
    assert (back["contacts"][0]["name"], back["saved"]) == ("林局长", True)
    assert (again.status_code, after["saved"], after["contacts"][0]["name"]) == (204, False, "林局长")
    assert twice.status_code == 409
    assert [(one["version"], one["action"], one["why"]) for one in history] == [
        (4, "given back", "the file is right"), (3, "reverted to 1", "a slip"), (2, "changed", "December"),
        (1, "seeded", ""),
    ]  # fmt: skip
    assert history[0]["contacts"] is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"phone": ""},
        {"duty": {"from": "8", "to": "18:00"}},
        {"duty": {"days": [8], "from": "08:00", "to": "18:00"}},
    ],
)
def test_what_the_file_would_refuse_is_refused_and_changes_nothing(
    console: Served, wrong: dict[str, Any]
) -> None:
    with console.signed_in("supervisor") as client:
        answer = save(client, {**LI, **wrong})
        previewed = client.post(f"{PATH}/preview", json={"contacts": [{**LI, **wrong}]})
        assert client.get(PATH).json()["version"] == 0
    assert (answer.status_code, previewed.status_code) == (422, 422)
    assert answer.json()["errors"][0]["field"].startswith("body.contacts.0")


def test_an_area_that_is_nowhere_is_not_found(console: Served) -> None:
    with console.signed_in("supervisor") as client:
        answers = [
            client.get("/api/v1/rosters/nowhere"),
            client.put("/api/v1/rosters/nowhere", json={"contacts": []}),
            client.get("/api/v1/rosters/nowhere/versions"),
            client.post(f"{PATH}/revert", json={"version": 7}),
        ]
    assert {one.status_code for one in answers} == {404}


def test_a_draft_tells_who_would_be_on_duty_and_saves_nothing(console: Served) -> None:
    night = {**LI, "name": "许副局长", "duty": {"from": "18:00", "to": "08:00"}}
    with console.signed_in("supervisor") as client:
        told = client.post(f"{PATH}/preview", json={"contacts": [LI, night]}).json()
        assert client.get(PATH).json()["version"] == 0
    assert (told["tonight"]["people"], told["sunday"]["people"]) == (["许副局长"], [])
    assert [one["from_day"] for one in told["gaps"]] == [6, 7]


def test_an_area_that_left_the_grid_file_is_told_until_its_roster_is_given_back(console: Served) -> None:
    path = console.deployment.grids
    assert path is not None
    areas = json.loads(path.read_text(encoding="utf-8"))
    (village,) = [one for one in areas["features"] if one["properties"]["code"] == "445299101200"]
    with console.signed_in("supervisor") as client:
        client.put("/api/v1/rosters/445299101200", json={"contacts": [LI]})
        for one in areas["features"]:
            if one["properties"]["code"] == "445299101200":
                one["properties"]["code"] = "445299101999"
            if one["properties"]["parent"] == "445299101200":
                one["properties"]["parent"] = "445299101999"
        path.write_text(json.dumps(areas), encoding="utf-8")
        found = _until_lost(client)
        assert found == [
            {"level": "village", "code": "445299101200", "name": village["properties"]["name"],
             "people": 1, "version": 2}
        ]  # fmt: skip
        assert client.get("/api/v1/rosters/445299101200").json()["saved"] is True
        assert client.put("/api/v1/rosters/445299101200", json={"contacts": []}).status_code == 404
        assert client.delete("/api/v1/rosters/445299101200").status_code == 204
        assert client.get("/api/v1/rosters").json()["lost"] == []


def _until_lost(client: httpx.Client) -> list[dict[str, Any]]:
    """The file is looked at every few seconds."""
    deadline = time.monotonic() + 20
    while not (found := client.get("/api/v1/rosters").json()["lost"]) and time.monotonic() < deadline:
        time.sleep(0.2)
    return list(found)


def test_a_responder_sees_who_would_be_called_now(console: Served, scenery: Scenery) -> None:
    incident = scenery.sight("shk-01", scenery.fire_at("shk-01", 640, 420), datetime.now(UTC))
    with console.signed_in("admin") as client, console.client() as phone:
        save(client, {**LI, "duty": None})
        made = client.post("/api/v1/tokens", json={"name": "青溪镇半专业队", "area_codes": []}).json()
        phone.headers["Authorization"] = f"Bearer {made['secret']}"
        told = phone.get(f"/api/v1/response/incidents/{incident.incident_id}").json()
    assert told["grid_chain"][-1]["contacts"][0]["phone"] == "138-1111"


def test_an_open_incident_tells_who_would_be_called_now_and_a_viewer_no_number(
    console: Served, scenery: Scenery
) -> None:
    incident = scenery.sight("shk-01", scenery.fire_at("shk-01", 640, 420), datetime.now(UTC))
    path = f"/api/v1/incidents/{incident.incident_id}"
    always = {**LI, "duty": None}
    with console.signed_in("supervisor") as client, console.signed_in("viewer") as viewer:
        save(client, always)
        told = client.get(path).json()
        hidden = viewer.get(path).text
        where = told["summary"]["location"]
        place = client.get(
            "/api/v1/map/place", params={"lat_deg": where["lat_deg"], "lon_deg": where["lon_deg"]}
        ).json()
    assert told["on_call"][-1]["contacts"] == [
        {"name": "李局长", "role": "区森防办主任", "phone": "138-1111"}
    ]
    assert told["summary"]["grid_chain"][-1]["contacts"][0]["name"] == "林局长", "as it was when it was seen"
    assert place["grid_chain"][-1]["contacts"][0]["phone"] == "138-1111"
    assert "138-1111" not in hidden
