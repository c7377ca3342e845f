"""`firewatch dispatch test`: conformance checks against the sandbox receiver, and a careless one."""

from __future__ import annotations

import http.server
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

import config
from alerting import message, notices
from alerting.formats import Origin
from alerting.samples import sample_alert, sample_notice
from firewatch.conformance import check_target
from simulator.receiver import DispatchReceiver

SECRET = "a secret of the test"
NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


def target(url: str, **more: Any) -> config.DispatchTarget:
    values = {
        "id": "t",
        "name": "t",
        "url": url,
        "secret": SECRET,
        "heartbeat": True,
        "notices": True,
        **more,
    }
    return config.DispatchTarget.model_validate(values)


@pytest.mark.parametrize("format_", ["json", "cap", "geojson"])
def test_the_sandbox_receiver_passes_every_check_and_shows_what_arrived(format_: str) -> None:
    with DispatchReceiver(SECRET) as receiver:
        checks = check_target(target(receiver.url, format=format_), Origin("测试中心"))
        kept = [one.alert for one in receiver.alerts]
        assert receiver.heartbeat_at is not None
    assert [check.name for check in checks if not check.passed] == []
    assert len(checks) >= 8
    assert [one.get("type") for one in kept[:3]] == ["Alert", "Update", "Cancel"]
    assert all(one["exercise"] for one in kept[:3])
    assert len(kept) == 4  # and the notice


def test_a_receiver_that_believes_everybody_fails_what_it_must_do() -> None:
    class Careless(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Careless)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    checks = check_target(target(f"http://127.0.0.1:{server.server_port}/"), Origin("测试中心"))
    server.shutdown()
    server.server_close()
    failed = {check.name: check.need for check in checks if not check.passed}
    assert failed == {
        "refuses other bytes under a key it knows": "should",
        "refuses a wrong signature": "must",
        "refuses a time stamp an hour old (replay)": "must",
    }


def test_the_samples_fit_the_published_schemas() -> None:
    message.validate(sample_alert("inc-1", 2, "Update", NOON))
    notices.validate(sample_notice(NOON))
