"""Live view through the console: asked of the live process, refused in its words, never with an address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Serve, Served
from live_process import PASSWORD, live_process

WHEP = "/api/v1/cameras/dns-01/whep"
MJPEG = "/api/v1/cameras/dns-01/mjpeg"


@pytest.fixture(scope="module")
def socket() -> Iterator[Path]:
    with live_process() as path:
        yield path


@pytest.fixture
def watched(store, deployment, serve: Serve, socket: Path) -> Served:
    return serve(store, deployment, live_socket=socket)


def test_without_the_live_process_the_page_is_told_to_try_again(console: Served) -> None:
    with console.signed_in("viewer") as client:
        for answer in (client.post(WHEP, content=b"v=0"), client.get(MJPEG)):
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert answer.json()["type"] == "urn:firewatch:problem:live-away"


def test_a_live_process_that_died_is_told_apart_from_a_bad_request(
    store, deployment, serve: Serve, tmp_path: Path
) -> None:
    with serve(store, deployment, live_socket=tmp_path / "nobody.sock").signed_in() as client:
        assert client.post(WHEP, content=b"v=0").json()["type"] == "urn:firewatch:problem:live-away"


def test_what_no_browser_would_send_is_refused_in_words(watched: Served) -> None:
    with watched.signed_in() as client:
        answer = client.post(WHEP, content=b"hello", headers={"Content-Type": "application/sdp"})
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:firewatch:problem:unusable-offer")
        assert client.post("/api/v1/cameras/shk-01/whep", content=b"v=0").status_code in (400, 404)
        assert client.post("/api/v1/cameras/nowhere/whep", content=b"v=0").status_code == 404
        assert client.delete(f"{WHEP}/long-gone").status_code == 204


def test_whether_a_camera_answers_is_tried_over_a_connection_of_its_own(watched: Served) -> None:
    with watched.signed_in("viewer") as client:
        assert client.get("/api/v1/cameras/dns-01/live-picture").content.startswith(b"\xff\xd8")
        unwatched = client.get("/api/v1/cameras/shk-01/live-picture")
        assert (unwatched.status_code, unwatched.json()["type"]) == (
            404,
            "urn:firewatch:problem:unknown-camera",
        )


def test_pictures_flow_to_as_many_as_may_watch_and_say_nothing_of_the_address(watched: Served) -> None:
    with watched.signed_in("viewer") as client, client.stream("GET", MJPEG) as first:
        assert first.headers["content-type"].startswith("multipart/x-mixed-replace")
        received = first.iter_bytes()
        beginning = next(received)
        assert b"image/jpeg" in beginning
        with client.stream("GET", MJPEG) as second:
            assert second.status_code == 200
            third = client.get(MJPEG)
            assert (third.status_code, third.headers["retry-after"]) == (503, "5")
            assert third.json()["type"] == "urn:firewatch:problem:too-many-viewers"
            said = third.text + str(first.headers) + beginning[:200].decode("latin-1")
            assert PASSWORD not in said
            assert "rtsp" not in said


def test_who_signs_in_from_another_site_may_not_watch(watched: Served) -> None:
    with watched.signed_in() as client:
        del client.headers["X-CSRF-Token"]
        assert client.post(WHEP, content=b"v=0").status_code == 403
