"""A worker on a hill box against a real centre: over a line that breaks, with a centre that is killed, with a
token that ends. Nothing is lost, nothing doubled, the order is kept."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import numpy as np
import pytest
import trustme
from box_process import NOON, picture, sighting_of
from centre_at_hand import LIMIT_S, CentreAtHand, CentreProcess, CentreThread, deployment_file, until

from alerting import access_tokens, decisions, drawn_masks
from alerting.backoff import Backoff
from alerting.ingest import remote_workers
from alerting.journal import By
from alerting.latest import LatestPictures
from alerting.lifecycle import Action, Cause, Decision, Verdict
from alerting.store import Store
from config import Camera, load
from detector.detection import Box, Sighting
from firewatch.failures import UserError
from firewatch.recording import About, Product, Seen
from firewatch.remote.courier import Courier
from firewatch.remote.link import CentreAwayError, CentreLink, RefusedError
from firewatch.remote.news import FolderSiteMemories, RemoteFeedback
from firewatch.remote.sinks import RemoteEvidence, RemoteIntake
from firewatch.site_memories import SiteMemories
from firewatch.spool import Spool
from firewatch.spooling import SpoolingSink
from firewatch.worker import WorkerFigures
from streams.frame import Frame

QUICK = Backoff(first_s=0.05, longest_s=0.1)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return deployment_file(tmp_path, {"north": "rtsp://127.0.0.1:1/north", "south": "rtsp://127.0.0.1:1/s"})


@pytest.fixture
def centre(config: Path) -> Iterator[CentreAtHand]:
    with CentreThread(config) as made:
        yield made


@pytest.fixture
def mortal(config: Path) -> Iterator[CentreAtHand]:
    """A centre that can be killed."""
    with CentreProcess(config) as made:
        yield made


def cameras_of(config: Path) -> tuple[Camera, ...]:
    return load(config).cameras


@dataclass(frozen=True)
class BoxAtWork:
    """A box without its cameras: what it sights is spooled and brought to the centre."""

    spool: Spool
    sink: SpoolingSink
    cameras: dict[str, Camera]

    def saw(self, sighting: Sighting) -> None:
        image = np.full((sighting.height_px, sighting.width_px, 3), 90, np.uint8)
        frame = Frame(image, sighting.camera_id, sighting.confirmed_at, 1)
        self.sink.accept(self.cameras[sighting.camera_id], sighting, frame)

    def all_is_brought(self) -> bool:
        return len(self.spool) == 0


@contextlib.contextmanager
def box(centre: CentreAtHand, config: Path, token: Path) -> Iterator[BoxAtWork]:
    cameras = cameras_of(config)
    spool = Spool(config.parent / "spool", [camera.id for camera in cameras])
    with (
        CentreLink(centre.url, token) as link,
        SpoolingSink(
            spool, RemoteIntake(link), cameras, ZoneInfo("UTC"), retry_s=0.1, longest_retry_s=0.5
        ) as sink,
    ):
        yield BoxAtWork(spool, sink, {camera.id: camera for camera in cameras})


def kept(store: Store) -> list[str]:
    """Ids of the sightings in the store, in the order in which they came."""
    found = [
        one for incident in store.list_incidents().incidents for one in
        store.incident(incident.incident_id).sightings
    ]  # fmt: skip
    return [one.sighting_id for one in sorted(found, key=lambda one: one.received_at)]


def test_what_is_sighted_while_the_centre_is_killed_arrives_later_once_each_and_in_order(
    mortal: CentreAtHand, config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    token = mortal.token_file("north", "south")
    mortal.start()
    with box(mortal, config, token) as hill:
        for number in range(6):
            hill.saw(sighting_of("north" if number % 2 else "south", number))
            if number == 1:
                assert until(hill.all_is_brought)
                mortal.end()
        assert until(lambda: "the centre is away" in caplog.text)
        assert len(hill.spool) == 4
        mortal.start()
        assert until(hill.all_is_brought)
    names = [f"{'north' if number % 2 else 'south'}-{number}" for number in range(6)]
    assert kept(mortal.store) == names
    for incident in mortal.store.list_incidents().incidents:
        for one in mortal.store.incident(incident.incident_id).sightings:
            assert one.confirmed_at == NOON + timedelta(minutes=int(one.sighting_id[-1]))
    assert "the centre is there again" in caplog.text
    assert token.read_text().strip() not in caplog.text


class LossyLine:
    """A line to the centre that carries requests and loses the answers, until it is mended."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self.lost = threading.Event()
        self.mended = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                far = socket.create_connection(("127.0.0.1", self._port))
                threading.Thread(target=self._carry, args=(near, far), daemon=True).start()
                threading.Thread(target=self._bring_back, args=(far, near), daemon=True).start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := near.recv(65536):
                far.sendall(piece)
            far.shutdown(socket.SHUT_WR)

    def _bring_back(self, far: socket.socket, near: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := far.recv(65536):
                if not self.mended:
                    self.lost.set()  # the centre has done it, and nobody hears of it
                    continue
                near.sendall(piece)
            near.close()

    def close(self) -> None:
        self._server.close()


def test_a_worker_killed_before_it_heard_that_its_sighting_was_taken_brings_it_again_without_harm(
    mortal: CentreAtHand, config: Path
) -> None:
    token, spool = mortal.token_file(), config.parent / "spool"
    mortal.start()
    line = LossyLine(mortal.port)
    command = [sys.executable, str(Path(__file__).with_name("box_process.py")), str(config)]
    first = subprocess.Popen([*command, line.url, str(token), str(spool), "3"], stdout=subprocess.PIPE)
    assert first.stdout is not None
    assert first.stdout.readline() == b"put\n"
    assert line.lost.wait(LIMIT_S)
    first.kill()  # -9, between the centre's commit and its answer
    first.wait()
    assert kept(mortal.store) == ["north-3"]
    assert len(list(spool.glob("*.sighting"))) == 1
    events = mortal.store.last_event_id()
    line.mended = True
    again = subprocess.run(
        [*command, line.url, str(token), str(spool), "-"], capture_output=True, timeout=LIMIT_S, check=True
    )
    line.close()
    assert again.stdout == b"done\n"
    assert list(spool.iterdir()) == []
    assert (kept(mortal.store), mortal.store.last_event_id()) == (["north-3"], events)


def test_a_sighting_that_the_centre_refuses_is_set_aside_with_the_reason_and_holds_up_no_other(
    centre: CentreAtHand, config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    token = centre.token_file("south")  # a mistake: this box watches north, too
    centre.start()
    with box(centre, config, token) as hill:
        hill.saw(sighting_of("north", 1))
        hill.saw(sighting_of("south", 2))
        assert until(hill.all_is_brought)
    assert kept(centre.store) == ["south-2"]
    (refused,) = (config.parent / "spool").glob("*.refused")
    reason = refused.with_name(refused.name + ".txt").read_text()
    assert "not-your-camera" in reason
    assert "set aside" in caplog.text
    refused.rename(refused.with_suffix(".sighting"))  # the cure of docs/operations.md
    with box(centre, config, centre.token_file("north")) as hill:
        assert until(hill.all_is_brought)
    assert kept(centre.store) == ["south-2", "north-1"]


def test_a_token_that_was_revoked_costs_no_sighting_and_a_new_one_in_its_file_is_taken_up(
    centre: CentreAtHand, config: Path
) -> None:
    token = centre.token_file()
    centre.start()
    access_tokens.revoke(centre.store, 1)
    with box(centre, config, token) as hill:
        hill.saw(sighting_of("north", 1))
        hill.saw(sighting_of("north", 2))
        threading.Event().wait(1)  # some attempts, all in vain
        assert len(hill.spool) == 2
        token.write_text(centre.token_file().read_text())
        assert until(hill.all_is_brought)
    assert kept(centre.store) == ["north-1", "north-2"]


class Answering(BaseHTTPRequestHandler):
    """Answers everything with what the path says: /api/v1/ingest/STATUS/KIND."""

    def do_GET(self) -> None:
        _, status, kind = self.path.removeprefix("/api/v1/ingest").split("/")
        problem = {"type": f"urn:firewatch:problem:{kind}", "detail": "so it is"}
        body = b"<html>a portal</html>" if kind == "html" else json.dumps(problem).encode()
        self.send_response(int(status))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def answering() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("422/invalid-request", RefusedError),
        ("413/too-large", RefusedError),
        ("404/not-found", RefusedError),
        ("403/not-your-camera", RefusedError),
        ("422/wrong-hash", CentreAwayError),
        ("403/role", CentreAwayError),
        ("401/not-signed-in", CentreAwayError),
        ("429/too-often", CentreAwayError),
        ("503/cannot-keep", CentreAwayError),
        ("500/internal", CentreAwayError),
        ("404/html", CentreAwayError),
        ("403/html", CentreAwayError),
        ("302/html", CentreAwayError),
    ],
)
def test_only_the_centre_itself_refuses_for_good_and_only_what_no_retry_could_mend(
    answering: str, tmp_path: Path, path: str, error: type[Exception]
) -> None:
    (tmp_path / "token").write_text("fw_secret")
    with CentreLink(answering, tmp_path / "token") as link, pytest.raises(error) as raised:
        link.ask("GET", f"/{path}")
    assert "fw_secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "token", "said"),
    [
        ("http://10.1.2.3", "fw_x", "use https://"),
        ("ftp://centre", "fw_x", "must be like https://"),
        ("https://centre", None, "cannot be read"),
        ("https://centre", "", "holds no token"),
        ("https://centre", "two words", "holds no token"),
    ],
)
def test_an_address_or_token_that_cannot_be_used_is_said_at_the_start(
    tmp_path: Path, url: str, token: str | None, said: str
) -> None:
    if token is not None:
        (tmp_path / "token").write_text(token)
    with pytest.raises(UserError, match=said) as raised:
        CentreLink(url, tmp_path / "token")
    assert not token or token not in str(raised.value)


def test_a_centre_whose_certificate_nobody_vouches_for_is_not_spoken_to(tmp_path: Path) -> None:
    authority = trustme.CA()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    (tmp_path / "token").write_text("fw_secret")
    url = f"https://localhost:{server.server_address[1]}"
    try:
        with CentreLink(url, tmp_path / "token") as link, pytest.raises(CentreAwayError, match="CERTIFICATE"):
            link.ask("GET", "/200/fine")
        with CentreLink(url, tmp_path / "token", authority=tmp_path / "ca.pem") as trusting:
            assert trusting.ask("GET", "/200/fine").status_code == 200
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class CountingLink(CentreLink):
    """Counts what it uploads."""

    uploads = 0

    def ask(self, method: str, path: str, **what: Any) -> httpx.Response:
        self.uploads += path.startswith("/evidence/")
        return super().ask(method, path, **what)


def test_a_clip_travels_once_however_many_sightings_it_shows(
    centre: CentreAtHand, config: Path, tmp_path: Path
) -> None:
    token, clip = centre.token_file(), tmp_path / "clip.mp4"
    clip.write_bytes(b"\x00\x00\x00\x18ftypisom" + bytes(100_000))
    seen = tuple(
        Seen(one.sighting_id, one.first_seen_at, one.confirmed_at)
        for one in (sighting_of("north", 1), sighting_of("north", 2))
    )
    products = [Product("clip", clip, "video/mp4", NOON, incomplete=False)]
    centre.start()
    with box(centre, config, token) as hill, CountingLink(centre.url, token) as link:
        hill.saw(sighting_of("north", 1))
        assert until(hill.all_is_brought)
        with pytest.raises(RefusedError, match="not-found"):  # the second sighting is still on its way
            RemoteEvidence(link).add(About("north", NOON, seen), products)
        hill.saw(sighting_of("north", 2))
        assert until(hill.all_is_brought)
        for _ in range(2):  # asked again, as after a crash
            RemoteEvidence(link).add(About("north", NOON, seen), products)
    files = [
        (one.kind, one.sha256)
        for incident in centre.store.list_incidents().incidents
        for one in centre.store.incident(incident.incident_id).evidence
        if one.kind == "clip"
    ]
    assert files == [("clip", hashlib.sha256(clip.read_bytes()).hexdigest())] * 2
    assert link.uploads == 1


def test_states_come_late_but_in_order_and_with_their_times_and_a_wrong_clock_is_said(
    centre: CentreAtHand, config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    token, now = centre.token_file("north"), datetime.now(UTC)
    figures = WorkerFigures(1, 7, 0, 0, 1.0, 0, 1, 0)
    ahead = timedelta(seconds=90)
    with (
        CentreLink(centre.url, token) as link,
        Courier(
            link, pauses=QUICK, picture_interval_s=0.1, clock=lambda: datetime.now(UTC) + ahead
        ) as courier,
    ):
        for state, ago_min in (("live", 50), ("stale", 40), ("live", 20)):
            courier.set_camera_state("north", state, now - timedelta(minutes=ago_min))
        courier.set_camera_state("south", "live", now)  # the token does not speak for it
        courier.figures(figures)
        courier.heard_from({"north": ("live", now - timedelta(minutes=20), ""), "south": ("live", now, "")})
        courier.write("north", picture(), now - timedelta(minutes=5))
        courier.write("north", picture(120), now)
        assert until(lambda: link.is_away)
        centre.start()
        latest = LatestPictures(str(config.parent / "evidence"))
        assert until(lambda: bool(remote_workers(centre.store)) and latest.captured_at("north") == now)
    periods = centre.store.camera_periods(now - timedelta(hours=1), now)
    assert [(one.camera_id, one.condition, one.until) for one in periods] == [
        ("north", "stale", now - timedelta(minutes=20))
    ]
    (camera,) = centre.store.camera_states()
    assert (camera.camera_id, camera.state) == ("north", "live")
    (worker,) = remote_workers(centre.store)
    assert worker.figures["looks"] == 7
    assert worker.clock_ahead_s == pytest.approx(90, abs=20)
    assert "clock is" in caplog.text
    assert "ahead of the centre's" in caplog.text
    assert caplog.text.count("hears nothing of camera=south") == 1


def test_what_people_decide_and_draw_reaches_the_box_and_is_known_after_a_restart_without_a_centre(
    centre: CentreAtHand, config: Path, tmp_path: Path
) -> None:
    token, sighting = centre.token_file("north"), sighting_of("north", 1)
    centre.start()
    share = Box(80 / 640, 150 / 360, 110 / 640, 200 / 360)

    def feedback(link: CentreLink) -> RemoteFeedback:
        return RemoteFeedback(link, ["north"], tmp_path / "news.json", poll_s=0.05, pauses=QUICK)

    with box(centre, config, token) as hill, CentreLink(centre.url, token) as link:
        hill.saw(sighting)
        assert until(hill.all_is_brought)
        (incident,) = centre.store.list_incidents().incidents
        with SiteMemories(feedback(link), FolderSiteMemories(tmp_path / "m"), follow_s=0.05) as memories:
            memory = memories.of("north", None)
            later = sighting.confirmed_at + timedelta(minutes=1)
            assert memory.usual("smoke", share, later) is None
            dismissal = Decision(Action.DISMISS, verdict=Verdict.FALSE_ALARM, cause=Cause.CLOUD)
            decisions.decide(centre.store, incident.incident_id, dismissal, who="li", version=1)
            assert until(lambda: memory.usual("smoke", share, later) is not None)
        corners = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.3))
        drawn_masks.draw(centre.store, "north", name="kiln", polygon=corners, preset=None, by=By("li"))
        heard = feedback(link)
        heard.newest()
        assert [mask.name for mask in heard.masks()["north"]] == ["kiln"]
    centre.end()
    with CentreLink(centre.url, token) as link:
        remembered = feedback(link)
        remembered.newest()
        assert link.is_away
        assert [mask.name for mask in remembered.masks()["north"]] == ["kiln"]
        with SiteMemories(remembered, FolderSiteMemories(tmp_path / "m"), follow_s=0.05) as memories:
            memory = memories.of("north", None)
            assert until(lambda: memory.usual("smoke", share, later) is not None)


def test_a_news_file_that_was_torn_is_no_news(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("fw_x")
    (tmp_path / "news.json").write_text('{"views": [')
    with CentreLink("http://127.0.0.1:1", tmp_path / "token") as link:
        assert RemoteFeedback(link, ["north"], tmp_path / "news.json").masks() == {}


def test_an_outage_of_hours_is_not_logged_line_after_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "token").write_text("fw_x")
    caplog.set_level(logging.INFO)
    with CentreLink("http://127.0.0.1:1", tmp_path / "token") as link:
        news = RemoteFeedback(link, ["north"], tmp_path / "news.json", poll_s=0, pauses=Backoff(0, 0))
        for _ in range(20):
            news.newest()
    assert caplog.text.count("the centre is away") == 1
    assert caplog.text.count("\n") < 5
