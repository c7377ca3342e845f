"""What a worker elsewhere posts and hears, over real HTTP: `/api/v1/ingest`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from conftest import Served
from console_scenery import Scenery

from alerting import drawn_masks
from alerting.ingest import SIGHTING, remote_workers
from alerting.intake import Evidence
from alerting.journal import By
from alerting.latest import LatestPictures
from detector.detection import Sighting

CLIP = b"\x00\x00\x00\x18ftypisom" + b"moving picture " * 2000


@pytest.fixture
def scenery(console: Served) -> Scenery:
    return Scenery(console.deployment, console.store)


@pytest.fixture
def seen(scenery: Scenery, now: datetime) -> tuple[Sighting, Evidence]:
    return scenery.seen("dns-01", scenery.fire_at("dns-01", 560, 400), now - timedelta(hours=3))


@pytest.fixture
def box(console: Served) -> Iterator[httpx.Client]:
    """A client with the token of a box that speaks for one camera."""
    with console.with_token("machine", camera_ids=["dns-01"]) as client:
        yield client


def post(client: httpx.Client, seen: tuple[Sighting, Evidence], **changed: bytes) -> httpx.Response:
    sighting, evidence = seen
    parts = {
        "sighting": SIGHTING.dump_json(sighting),
        "snapshot": evidence.snapshot_jpeg,
        "annotated": evidence.annotated_jpeg,
    } | changed
    return client.post("/api/v1/ingest/sightings", files={name: (name, part) for name, part in parts.items()})


def kind_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["type"]).rpartition(":")[2]


def test_a_sighting_is_taken_in_with_its_capture_times_and_the_history_says_from_where(
    console: Served, box: httpx.Client, seen: tuple[Sighting, Evidence]
) -> None:
    answer = post(box, seen)
    assert (answer.status_code, answer.json()["known"]) == (201, False)
    detail = console.store.incident(answer.json()["incident_id"])
    (kept,) = detail.sightings
    assert (kept.sighting_id, kept.first_seen_at, kept.confirmed_at) == (
        seen[0].sighting_id,
        seen[0].first_seen_at,
        seen[0].confirmed_at,
    )
    assert {one.kind for one in detail.evidence} == {"snapshot", "annotated", "thumbnail"}
    assert detail.history[0].source == "token 1 (a machine)"


def test_a_sighting_that_comes_twice_is_known_and_changes_nothing(
    console: Served, box: httpx.Client, seen: tuple[Sighting, Evidence]
) -> None:
    post(box, seen)
    before, events = console.store.list_incidents(), console.store.last_event_id()
    again = post(box, seen)
    assert (again.status_code, again.json()["known"]) == (200, True)
    assert (console.store.list_incidents(), console.store.last_event_id()) == (before, events)


def test_a_token_speaks_for_its_cameras_only(
    console: Served, box: httpx.Client, seen: tuple[Sighting, Evidence], scenery: Scenery, now: datetime
) -> None:
    other = scenery.seen("shk-01", scenery.fire_at("shk-01", 560, 480), now)
    state = {"camera_id": "shk-01", "state": "live", "since": now.isoformat()}
    refused = [
        post(box, other),
        box.post("/api/v1/ingest/states", json=[state]),
        box.post("/api/v1/ingest/life", json={"sent_at": now.isoformat(), "cameras": [state]}),
        box.get("/api/v1/ingest/news", params={"camera_id": "shk-01"}),
        box.put(
            "/api/v1/ingest/cameras/shk-01/picture",
            content=b"",
            headers={"X-Captured-At": now.isoformat(), "Content-Type": "image/jpeg"},
        ),
    ]
    assert {kind_of(answer) for answer in refused} == {(403, "not-your-camera")}
    with console.with_token("machine") as everywhere:
        assert post(everywhere, other).status_code == 201
        ghost = (SIGHTING.validate_python({**vars(seen[0]), "camera_id": "nowhere"}), seen[1])
        assert kind_of(post(everywhere, ghost)) == (404, "not-found")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"snapshot": b"GIF89a"}, "snapshot is no JPEG"),
        ({"annotated": b"\xff\xd8\xff"}, "annotated is no JPEG"),
        ({"sighting": b"{}"}, "sighting.sighting_id"),
        ({"sighting": b"no json"}, "sighting."),
        ({"more": b"x"}, "with the parts sighting, snapshot, annotated"),
    ],
)
def test_a_sighting_that_makes_no_sense_is_refused_with_what_is_wrong(
    console: Served,
    box: httpx.Client,
    seen: tuple[Sighting, Evidence],
    changed: dict[str, bytes],
    said: str,
) -> None:
    answer = post(box, seen, **changed)
    assert answer.status_code in (400, 422), answer.text
    if "more" not in changed:
        assert said in answer.json()["detail"]
    assert console.store.list_incidents().incidents == ()


def test_times_without_a_zone_are_refused(box: httpx.Client, seen: tuple[Sighting, Evidence]) -> None:
    plain: dict[str, Any] = json.loads(SIGHTING.dump_json(seen[0]))
    plain["history"][0][0] = "2026-05-01T12:00:00"
    answer = post(box, seen, sighting=json.dumps(plain).encode())
    assert (answer.status_code, "no zone" in answer.text) == (422, True)


class Endless:
    """A body that would go on for 400 MB; counts what was taken of it."""

    def __init__(self) -> None:
        self.sent = 0

    def __iter__(self) -> Iterator[bytes]:
        while self.sent < 400_000_000:
            self.sent += 100_000
            yield b"x" * 100_000


def put_endless(client: httpx.Client, path: str, **headers: str) -> tuple[int, int | None]:
    """Bytes sent, and the status, if it reached us before the line was closed."""
    body = Endless()
    try:
        status = client.put(path, content=body, headers=headers).status_code
    except httpx.TransportError:
        status = None
    return body.sent, status


def test_an_upload_is_cut_off_at_its_limit_while_it_is_read(
    console: Served, box: httpx.Client, now: datetime
) -> None:
    headers = {"X-Captured-At": now.isoformat(), "Content-Type": "image/jpeg"}
    path = "/api/v1/ingest/cameras/dns-01/picture"
    sent, status = put_endless(box, path, **headers)
    assert sent < 50_000_000
    assert status in (413, None)
    assert kind_of(box.put(path, content=b"x" * 4_000_001, headers=headers)) == (413, "too-large")
    with console.client() as client:
        assert client.get("/readyz").status_code == 200


def test_a_body_is_not_read_before_the_token_was_found_good(console: Served) -> None:
    with console.client() as nobody:
        sent, status = put_endless(nobody, f"/api/v1/ingest/evidence/{'0' * 64}")
    assert sent < 50_000_000
    assert status in (401, None)


def test_a_clip_is_named_uploaded_named_again_and_told_once(
    console: Served, box: httpx.Client, seen: tuple[Sighting, Evidence]
) -> None:
    digest = hashlib.sha256(CLIP).hexdigest()
    file = {
        "kind": "clip",
        "sha256": digest,
        "size_bytes": len(CLIP),
        "media_type": "video/mp4",
        "captured_at": seen[0].first_seen_at.isoformat(),
    }
    path = f"/api/v1/ingest/sightings/{seen[0].sighting_id}/evidence"
    assert kind_of(box.post(path, json=[file])) == (404, "not-found")
    incident_id = post(box, seen).json()["incident_id"]
    assert box.post(path, json=[file]).json() == {"missing": [digest]}
    kind = {"Content-Type": "video/mp4"}
    torn = box.put(f"/api/v1/ingest/evidence/{digest}", content=CLIP[:-1], headers=kind)
    assert kind_of(torn) == (422, "wrong-hash")
    assert box.post(path, json=[file]).json() == {"missing": [digest]}
    assert box.put(f"/api/v1/ingest/evidence/{digest}", content=CLIP, headers=kind).status_code == 204
    for _ in range(2):
        assert box.post(path, json=[file]).json() == {"missing": []}
    clips = [one for one in console.store.incident(incident_id).evidence if one.kind == "clip"]
    assert [(one.sha256, one.captured_at) for one in clips] == [(digest, seen[0].first_seen_at)]
    with console.signed_in() as client:
        assert client.get(f"/api/v1/evidence/{clips[0].evidence_id}").content == CLIP


def test_a_file_that_no_sighting_waits_for_or_that_is_larger_than_it_was_said_to_be_is_not_taken(
    box: httpx.Client, seen: tuple[Sighting, Evidence]
) -> None:
    digest, kind = hashlib.sha256(CLIP).hexdigest(), {"Content-Type": "video/mp4"}
    path = f"/api/v1/ingest/evidence/{digest}"
    assert kind_of(box.put(path, content=CLIP, headers=kind)) == (404, "not-found")
    post(box, seen)
    file = {
        "kind": "clip",
        "sha256": digest,
        "size_bytes": len(CLIP) - 1,
        "media_type": "video/mp4",
        "captured_at": seen[0].first_seen_at.isoformat(),
    }
    named = box.post(f"/api/v1/ingest/sightings/{seen[0].sighting_id}/evidence", json=[file])
    assert named.json() == {"missing": [digest]}
    assert kind_of(box.put(path, content=CLIP, headers=kind)) == (413, "too-large")


def test_states_keep_their_times_and_the_time_nobody_spoke_for_a_camera_is_not_hidden(
    console: Served, box: httpx.Client, now: datetime
) -> None:
    changes = [
        {"camera_id": "dns-01", "state": state, "since": (now - timedelta(minutes=ago)).isoformat()}
        for state, ago in (("live", 60), ("stale", 40), ("live", 30))
    ]
    assert box.post("/api/v1/ingest/states", json=changes).status_code == 204
    assert box.post("/api/v1/ingest/states", json=changes[-1:]).status_code == 204
    periods = console.store.camera_periods(now - timedelta(hours=2), now)
    assert [(one.condition, one.until and one.until - one.since) for one in periods] == [
        ("stale", timedelta(minutes=10))
    ]
    bad = box.post("/api/v1/ingest/states", json=[{**changes[0], "state": "sleepy"}])
    assert bad.status_code == 422


def test_a_sign_of_life_says_how_far_the_clock_of_the_box_is_off(
    console: Served, box: httpx.Client, now: datetime
) -> None:
    state = {"camera_id": "dns-01", "state": "live", "since": now.isoformat()}
    sign = {
        "sent_at": (now + timedelta(seconds=90)).isoformat(),
        "cameras": [state],
        "figures": {"looks": 12},
    }
    answer = box.post("/api/v1/ingest/life", json=sign).json()
    assert answer["clock_ahead_s"] == pytest.approx(90, abs=20)
    (worker,) = remote_workers(console.store)
    assert (worker.name, worker.figures) == ("a machine", {"looks": 12})
    assert worker.clock_ahead_s == answer["clock_ahead_s"]
    (camera,) = console.store.camera_states()
    assert camera.heard_at is not None


def test_the_newest_picture_is_shown_and_an_older_one_that_comes_later_is_not(
    console: Served, box: httpx.Client, seen: tuple[Sighting, Evidence], now: datetime
) -> None:
    def put(at: datetime, content: bytes = seen[1].snapshot_jpeg) -> httpx.Response:
        headers = {"X-Captured-At": at.isoformat(), "Content-Type": "image/jpeg"}
        return box.put("/api/v1/ingest/cameras/dns-01/picture", content=content, headers=headers)

    assert put(now).status_code == 204
    assert put(now - timedelta(minutes=5)).status_code == 204
    assert put(now, b"no picture").status_code == 422
    assert LatestPictures(console.deployment.storage.evidence).captured_at("dns-01") == now


def test_news_tell_dismissals_and_masks_once_and_nothing_while_nothing_is_new(
    console: Served, box: httpx.Client, seen: tuple[Sighting, Evidence], now: datetime
) -> None:
    def news(after: str = "") -> dict[str, Any]:
        answer = box.get("/api/v1/ingest/news", params={"camera_id": "dns-01", "after": after})
        assert answer.status_code == 200
        told: dict[str, Any] = answer.json()
        return told

    incident_id = post(box, seen).json()["incident_id"]
    first = news()
    assert first["news"] == {"views": [], "masks": []}
    assert news(first["cursor"])["news"] is None
    with console.signed_in() as operator:
        decision = {"action": "dismiss", "verdict": "false_alarm", "cause": "fog", "version": 1}
        operator.post(f"/api/v1/incidents/{incident_id}/decisions", json=decision).raise_for_status()
    told = news(first["cursor"])
    (view,) = told["news"]["views"]
    assert [one["cause"] for one in view["judged"]["dismissals"]] == ["fog"]
    corners = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.2))
    drawn_masks.draw(
        console.store, "dns-01", name="chimney", polygon=corners, preset=None, by=By("supervisor")
    )
    masked = news(told["cursor"])
    assert [one["mask"]["name"] for one in masked["news"]["masks"]] == ["chimney"]
    console.store.set_camera_state("dns-07", "stale", now)  # an event, but none of this box's
    quiet = news(masked["cursor"])
    assert quiet["news"] is None
    assert quiet["cursor"] != masked["cursor"]
