"""A dead centre is not silent: heartbeats to receivers, and `firewatch watch` on another machine."""

from __future__ import annotations

import contextlib
import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ports import own_port
from sqlalchemy import text

import config
from alerting import heartbeat
from alerting.formats import Origin
from alerting.heartbeat import Heartbeats
from alerting.store import Store
from firewatch.watching import Report, Watch, asking
from simulator.receiver import DispatchReceiver

SECRET = "a secret of the test"
NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


@contextlib.contextmanager
def centre(status: int = 200) -> Iterator[http.server.HTTPServer]:
    """Answers /heartbeat as a console would."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"detail": "the sender of alerts has been silent for 95 s"}'
            self.send_response(status if self.path == "/heartbeat" else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class TestWatch:
    def test_three_missed_in_a_row_are_an_alarm_repeated_later_and_the_return_is_told(self) -> None:
        now, problem, told = [NOON], ["no answer"], list[Report]()
        watch = Watch(lambda: problem[0] or None, told.append, lambda: now[0], again_s=600)
        for minute in range(15):
            now[0] = NOON + timedelta(minutes=minute)
            watch.look()
        assert [(one.silent, one.at - NOON) for one in told] == [
            (True, timedelta(minutes=2)),
            (True, timedelta(minutes=12)),
        ]
        assert told[0].since == NOON
        problem[0] = ""
        watch.look()
        assert not told[-1].silent

    def test_two_missed_and_then_an_answer_are_none(self) -> None:
        answers = iter(["x", "x", None, "x", "x", None])
        told: list[Report] = []
        watch = Watch(lambda: next(answers), told.append, lambda: NOON)
        for _ in range(6):
            watch.look()
        assert told == []

    def test_a_centre_that_answers_is_well_one_that_complains_or_is_gone_is_not(self) -> None:
        with centre() as server:
            assert asking(f"http://127.0.0.1:{server.server_port}/")() is None
        with centre(503) as server:
            assert "silent for 95 s" in (asking(f"http://127.0.0.1:{server.server_port}")() or "")
        assert "无法连接" in (asking(f"http://127.0.0.1:{own_port()}")() or "")

    def test_the_command_alarms_people_and_ends_with_code_2(self) -> None:
        with DispatchReceiverOfNotices() as people:
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "firewatch.cli", "watch", f"http://127.0.0.1:{own_port()}"),
                    *("--interval", "0.1", "--once"),
                ],
                env={"PATH": "/usr/bin:/bin", "FIREWATCH_WATCH_NOTIFY": people.url},
                capture_output=True,
                text=True,
                timeout=110,
                check=False,
            )
        assert done.returncode == 2, done.stderr
        assert "森林防火中心失联" in done.stderr
        assert len(people.bodies) == 1
        assert b"\\u5931\\u8054" in people.bodies[0] or "失联".encode() in people.bodies[0]


class DispatchReceiverOfNotices:
    """Takes what Apprise posts as JSON."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"json://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> DispatchReceiverOfNotices:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path}/store.db")
    yield opened
    opened.close()


def wants(url: str, format_: str = "json", heartbeat: bool = True) -> config.DispatchTarget:
    return config.DispatchTarget.model_validate(
        {"id": format_, "name": "x", "url": url, "secret": SECRET, "format": format_, "heartbeat": heartbeat}
    )


def test_a_sender_whose_pulse_the_store_refuses_still_tells_its_supervisor_that_it_lives(
    store: Store,
) -> None:
    with store.writing() as session:
        session.execute(text("DROP TABLE pulses"))
    stop = threading.Event()
    Heartbeats(store, (), Origin("测试中心"), alive=stop.set).run(stop)
    assert stop.is_set()


def test_targets_that_want_it_hear_that_we_live_and_the_store_has_a_pulse(store: Store) -> None:
    with DispatchReceiver(SECRET) as receiver, DispatchReceiver(SECRET) as other:
        hanging = DispatchReceiver(SECRET)
        with hanging:
            hanging.control(mode="hang")
            targets = [
                wants(hanging.url, "geojson"),
                wants(receiver.url, "cap"),
                wants(other.url, heartbeat=False),
            ]
            stop = threading.Event()
            beats = Heartbeats(store, targets, Origin("测试中心"), interval_s=0.1, pulse_s=0.1)
            thread = threading.Thread(target=beats.run, args=(stop,))
            thread.start()
            deadline = datetime.now(UTC) + timedelta(seconds=30)

            def both_were_told() -> bool:
                pulse = heartbeat.last_pulse(store, heartbeat.SENDER_PULSE)
                return receiver.heartbeat_at is not None and pulse is not None

            while not both_were_told() and datetime.now(UTC) < deadline:
                stop.wait(0.05)
            stop.set()
            hanging.control(mode="ok")
            thread.join(timeout=30)
    assert receiver.heartbeat_at is not None
    assert receiver.alerts == []
    assert other.heartbeat_at is None
    assert heartbeat.last_pulse(store, heartbeat.SENDER_PULSE) is not None
