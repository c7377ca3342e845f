"""ETags: who has the answer already is told so, and whoever lacks anything gets it."""

from __future__ import annotations

from datetime import datetime, timedelta

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


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_whoever_has_an_answer_is_told_that_it_still_is_the_answer(
    console: Served, fire: IncidentRef, encoding: str
) -> None:
    incident = f"/api/v1/incidents/{fire.incident_id}"
    with console.signed_in("admin") as client:
        client.headers["Accept-Encoding"] = encoding
        for path in (
            "/api/v1/incidents", incident, f"{incident}/picture", "/api/v1/records", "/api/v1/cameras",
            "/api/v1/deliveries", "/api/v1/burns", "/api/v1/map/grids", "/api/v1/users", "/api/v1/tokens",
            "/api/v1/evidence/1",
        ):  # fmt: skip
            first = client.get(path)
            again = client.get(path, headers={"If-None-Match": f'"another", {first.headers["etag"]}'})
            other = client.get(path, headers={"If-None-Match": 'W/"another"'})
            assert (first.status_code, again.status_code, other.status_code) == (200, 304, 200), path
            assert (again.content, again.headers["etag"]) == (b"", first.headers["etag"]), path
            assert "content-length" not in again.headers
            assert again.headers["cache-control"] == first.headers["cache-control"]
            assert again.headers["x-content-type-options"] == "nosniff"
            assert other.content == first.content


def test_what_changes_without_an_event_changes_the_tag(
    console: Served, scenery: Scenery, fire: IncidentRef, now: datetime
) -> None:
    path = f"/api/v1/incidents/{fire.incident_id}"
    with console.signed_in() as client:
        before = client.get(path)
        newest = console.store.last_event_id()
        seen = scenery.sight("dns-01", scenery.fire_at("dns-01", 560, 400), now + timedelta(seconds=9))
        after = client.get(path, headers={"If-None-Match": before.headers["etag"]})
    assert (seen.incident_id, console.store.last_event_id()) == (fire.incident_id, newest), "a quiet repeat"
    assert after.status_code == 200
    assert after.json()["summary"]["version"] == before.json()["summary"]["version"]
    assert after.json()["summary"]["last_seen_at"] > before.json()["summary"]["last_seen_at"]


def test_two_roles_that_are_told_different_things_have_different_tags(
    console: Served, fire: IncidentRef
) -> None:
    path = f"/api/v1/incidents/{fire.incident_id}"
    with console.signed_in("viewer") as viewer, console.signed_in("operator") as operator:
        tag = viewer.get(path).headers["etag"]
        told = operator.get(path, headers={"If-None-Match": tag})
    assert told.status_code == 200
    assert told.json()["summary"]["grid_chain"][0]["contacts"]


def test_a_tag_opens_no_door(console: Served, fire: IncidentRef) -> None:
    path = f"/api/v1/incidents/{fire.incident_id}"
    with console.signed_in() as client:
        tag = client.get(path).headers["etag"]
    with console.client() as stranger:
        assert stranger.get(path, headers={"If-None-Match": tag}).status_code == 401
        assert stranger.get(path, headers={"If-None-Match": "*"}).status_code == 401


def test_an_answer_that_comes_in_parts_has_no_tag(console: Served, now: datetime) -> None:
    span = {"since": (now - timedelta(days=1)).isoformat(), "until": now.isoformat()}
    with console.signed_in("admin") as client:
        assert "etag" not in client.get("/api/v1/records/history", params=span).headers
        with client.stream("GET", "/api/v1/events", headers={"If-None-Match": "*"}) as stream:
            assert (stream.status_code, "etag" in stream.headers) == (200, False)
