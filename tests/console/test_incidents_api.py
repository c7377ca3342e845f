"""Incidents over HTTP: what is shown, what may be decided, by whom, and what two people at once get."""

from __future__ import annotations

from datetime import datetime, timedelta

import httpx
import pytest
from conftest import Serve, Served
from console_scenery import Scenery

from alerting.evidence_links import EvidenceLinks
from alerting.intake import IncidentRef
from alerting.store import Store
from config import Deployment


@pytest.fixture
def scenery(console: Served) -> Scenery:
    return Scenery(console.deployment, console.store)


@pytest.fixture
def fire(scenery: Scenery, now: datetime) -> IncidentRef:
    return scenery.sight("dns-01", scenery.fire_at("dns-01", 560, 400), now)


def decide(client: httpx.Client, ref: IncidentRef, version: int, **decision: str) -> httpx.Response:
    return client.post(
        f"/api/v1/incidents/{ref.incident_id}/decisions", json={**decision, "version": version}
    )


def test_the_list_says_where_to_follow_from_and_counts_by_status(console: Served, fire: IncidentRef) -> None:
    with console.signed_in() as client:
        page = client.get("/api/v1/incidents", params={"status": "open"}).json()
    assert [one["incident_id"] for one in page["incidents"]] == [fire.incident_id]
    assert page["counts"]["suspected"] == 1
    assert page["last_event_id"] == console.store.last_event_id()


def test_pages_of_the_list_follow_one_another_without_gap(
    console: Served, scenery: Scenery, now: datetime
) -> None:
    for camera_id in ("dns-01", "dpt-01", "hbs-01"):
        scenery.sight(camera_id, scenery.fire_at(camera_id, 420, 470), now)
    with console.signed_in() as client:
        first = client.get("/api/v1/incidents", params={"limit": 2}).json()
        second = client.get("/api/v1/incidents", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    numbers = [one["number"] for one in first["incidents"] + second["incidents"]]
    assert numbers == [3, 2, 1]
    assert second["next_cursor"] is None


def test_an_incident_is_told_whole_and_without_any_camera_address(console: Served, fire: IncidentRef) -> None:
    with console.signed_in() as client:
        answer = client.get(f"/api/v1/incidents/{fire.incident_id}")
        cameras = client.get("/api/v1/cameras")
    detail = answer.json()
    assert detail["summary"]["grid_chain"][0]["contacts"][0]["phone"].startswith("137")
    assert detail["sightings"][0]["box"]["x1"] < 560 < detail["sightings"][0]["box"]["x2"]
    assert detail["deliveries"][0]["target_name"] == "县森防指挥部"
    assert detail["allowed_actions"] == ["confirm", "dismiss"]
    for text in (answer.text, cameras.text):
        assert "rtsp" not in text
        assert "10.9.8.7" not in text
        assert "s3cret" not in text


def test_a_viewer_sees_no_telephone_numbers(console: Served, fire: IncidentRef) -> None:
    with console.signed_in("viewer") as client:
        one = client.get(f"/api/v1/incidents/{fire.incident_id}").text
        many = client.get("/api/v1/incidents").text
    assert "仙庵" in one
    assert "137-0000" not in one + many


def test_a_decision_is_recorded_under_the_name_of_who_made_it(console: Served, fire: IncidentRef) -> None:
    with console.signed_in() as client:
        answer = decide(client, fire, 1, action="confirm", why="烟柱明显")
    assert answer.status_code == 201
    last = answer.json()["history"][-1]
    assert (last["who"], last["action"], last["why"]) == ("operator", "confirm", "烟柱明显")
    assert answer.json()["alerts"][-1]["type"] == "Update"


def test_the_slower_of_two_operators_is_told_what_happened(console: Served, fire: IncidentRef) -> None:
    with console.signed_in() as fast, console.signed_in("supervisor") as slow:
        assert decide(fast, fire, 1, action="confirm").status_code == 201
        answer = decide(slow, fire, 1, action="dismiss", verdict="false_alarm", cause="fog")
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:firewatch:problem:conflict"
    assert "operator did 'confirm'" in answer.json()["detail"]


@pytest.mark.parametrize(
    "decision",
    [
        {"action": "dismiss"},
        {"action": "dismiss", "verdict": "false_alarm"},
        {"action": "arrive"},
        {"action": "explode"},
        {"action": "confirm", "why": "x" * 2001},
    ],
)
def test_an_impossible_decision_is_refused_in_words_and_changes_nothing(
    console: Served, fire: IncidentRef, decision: dict[str, str]
) -> None:
    with console.signed_in() as client:
        answer = decide(client, fire, 1, **decision)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]
    assert console.store.incident(fire.incident_id).summary.version == 1


def test_an_operator_takes_back_their_own_decision_but_not_a_colleagues(
    console: Served, fire: IncidentRef
) -> None:
    path = f"/api/v1/incidents/{fire.incident_id}/undo"
    with console.signed_in() as operator, console.signed_in("supervisor") as supervisor:
        first = decide(supervisor, fire, 1, action="confirm").json()
        body = {"history_id": first["undoable_history_id"], "version": first["summary"]["version"]}
        assert operator.post(path, json=body).status_code == 403
        undone = supervisor.post(path, json=body)
        assert (undone.status_code, undone.json()["summary"]["status"]) == (201, "suspected")
        second = decide(operator, fire, undone.json()["summary"]["version"], action="confirm").json()
        body = {"history_id": second["undoable_history_id"], "version": second["summary"]["version"]}
        assert operator.post(path, json=body).status_code == 201


def test_sightings_are_split_off_as_another_fire_and_put_back(
    console: Served, scenery: Scenery, fire: IncidentRef, now: datetime
) -> None:
    later = now + timedelta(minutes=1)
    again = scenery.sight("dns-01", scenery.fire_at("dns-01", 560, 400), later)
    assert again.incident_id == fire.incident_id
    path = f"/api/v1/incidents/{fire.incident_id}"
    with console.signed_in() as client:
        whole = client.get(path).json()
        ids = [one["sighting_id"] for one in whole["sightings"]]
        body = {"sighting_ids": ids[1:], "version": whole["summary"]["version"], "why": "另一处烟"}
        everything = client.post(f"{path}/split", json={**body, "sighting_ids": ids})
        assert (everything.status_code, "not all of them" in everything.json()["detail"]) == (422, True)

        other = client.post(f"{path}/split", json=body).json()
        assert other["summary"]["incident_id"] != fire.incident_id
        assert [one["sighting_id"] for one in other["sightings"]] == ids[1:]
        assert [one["sighting_id"] for one in client.get(path).json()["sightings"]] == ids[:1]
        assert client.post(f"{path}/split", json=body).status_code == 409, "the incident has changed since"

        undo = {"history_id": other["undoable_history_id"], "version": other["summary"]["version"]}
        other_path = f"/api/v1/incidents/{other['summary']['incident_id']}"
        assert client.post(f"{other_path}/undo", json=undo).status_code == 201
        back = client.get(path).json()
        assert sorted(one["sighting_id"] for one in back["sightings"]) == sorted(ids)


def test_only_a_supervisor_reopens(console: Served, fire: IncidentRef) -> None:
    with console.signed_in() as operator, console.signed_in("supervisor") as supervisor:
        version = decide(operator, fire, 1, action="dismiss", verdict="other_smoke").json()["summary"][
            "version"
        ]
        assert decide(operator, fire, version, action="reopen", why="复燃").status_code == 403
        assert decide(supervisor, fire, version, action="reopen", why="复燃").status_code == 201


def test_evidence_is_given_to_a_session_and_then_kept_by_the_browser(
    console: Served, fire: IncidentRef
) -> None:
    with console.signed_in() as client:
        evidence = client.get(f"/api/v1/incidents/{fire.incident_id}").json()["evidence"][0]
        answer = client.get(evidence["url"])
        assert answer.content.startswith(b"\xff\xd8")
        assert "immutable" in answer.headers["cache-control"]
        again = client.get(evidence["url"], headers={"If-None-Match": answer.headers["etag"]})
        part = client.get(evidence["url"], headers={"Range": "bytes=2-9"})
        absurd = client.get(evidence["url"], headers={"Range": "bytes=99999999-"})
        assert again.status_code == 304
    with console.client() as stranger:
        assert stranger.get(evidence["url"]).status_code == 401
    assert (part.status_code, part.content) == (206, answer.content[2:10]), "players ask for parts of a clip"
    assert part.headers["content-range"] == f"bytes 2-9/{len(answer.content)}"
    assert (absurd.status_code, absurd.content) == (200, answer.content)


def test_a_signed_link_opens_one_file_until_it_expires(
    store: Store, deployment: Deployment, serve: Serve, now: datetime
) -> None:
    links = EvidenceLinks(b"a key of the centre's own", "")
    scenery = Scenery(deployment, store)
    scenery.sight("dns-01", scenery.fire_at("dns-01", 560, 400), now)
    with serve(store, deployment, links=links).client() as stranger:
        url, expires_at = links.sign(1, now)
        assert stranger.get(url).content.startswith(b"\xff\xd8")
        assert stranger.get(url.replace("/1?", "/2?")).status_code == 403
        assert stranger.get(url.replace("expires=1", "expires=2")).status_code == 403
        store.clock = lambda: expires_at
        assert stranger.get(url).status_code == 403


@pytest.mark.usefixtures("fire")
def test_a_centre_without_a_key_honours_no_link(console: Served, now: datetime) -> None:
    url, _ = EvidenceLinks(b"somebody else's key", console.url).sign(1, now)
    with console.client() as stranger:
        assert stranger.get(url).status_code == 403


def test_the_small_picture_is_what_receivers_got(console: Served, fire: IncidentRef) -> None:
    with console.signed_in() as client:
        picture = client.get(f"/api/v1/incidents/{fire.incident_id}/picture").content
    assert picture.startswith(b"\xff\xd8")
    assert len(picture) <= 15_000
