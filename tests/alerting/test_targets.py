"""Lines to targets against real receivers: HTTP with every authentication, mutual TLS, an MQTT broker."""

from __future__ import annotations

import contextlib
import http.server
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
import trustme
from alerting_samples import intake_into
from paho.mqtt.enums import CallbackAPIVersion
from ports import own_port
from test_outbox import delivery, raise_incident, sending, wait_for

import config
from alerting import decisions, message
from alerting.lifecycle import Action, Decision
from alerting.store import Store
from alerting.targets import HttpLine, MqttLine, Outcome, Parcel, open_line
from simulator.receiver import DispatchReceiver

SECRET = "a secret of the test"
BODY = b'{"format": "firewatch.alert/1", "alert_id": "inc-1.1"}'
PARCEL = Parcel("inc-1.1", "alert", BODY, "application/json")


def target(url: str, **more: Any) -> config.DispatchTarget:
    return config.DispatchTarget.model_validate(
        {"id": "t", "name": "t", "url": url, "timeout_s": 5, **({} if more else {"secret": SECRET}), **more}
    )


class Recording(http.server.ThreadingHTTPServer):
    """Keeps the headers of every request and answers 200."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        seen: list[dict[str, str]] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                seen.append(dict(self.headers))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        super().__init__(("127.0.0.1", 0), Handler)
        self.seen = seen
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)

    def __enter__(self) -> Recording:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


@pytest.mark.parametrize(
    ("how", "header", "value"),
    [
        ({"bearer": "token-of-ours"}, "Authorization", "Bearer token-of-ours"),
        ({"basic": {"user": "fire", "password": "watch"}}, "Authorization", "Basic ZmlyZTp3YXRjaA=="),
        ({"secret": SECRET}, "X-Firewatch-Signature", "sha256="),
    ],
    ids=["bearer", "basic", "signature"],
)
def test_a_receiver_sees_who_we_are(how: dict[str, Any], header: str, value: str) -> None:
    with Recording() as server:
        line = open_line(target(f"http://127.0.0.1:{server.server_port}/", **how))
        assert line.send(PARCEL).outcome is Outcome.ACKNOWLEDGED
        line.close()
    (headers,) = server.seen
    assert headers[header].startswith(value)
    assert (headers["Idempotency-Key"], headers["X-Firewatch-Kind"]) == ("inc-1.1", "alert")
    assert "X-Firewatch-Late-S" not in headers


def test_a_late_parcel_says_how_late() -> None:
    with Recording() as server:
        line = HttpLine(target(f"http://127.0.0.1:{server.server_port}/"))
        line.send(Parcel("k", "alert", BODY, "application/json", late_s=86_400.4))
        line.close()
    assert server.seen[0]["X-Firewatch-Late-S"] == "86400"


class TestMutualTls:
    @pytest.fixture
    def authority(self) -> trustme.CA:
        return trustme.CA()

    @pytest.fixture
    def server(self, authority: trustme.CA) -> Iterator[Recording]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.verify_mode = ssl.CERT_REQUIRED
        authority.issue_cert("127.0.0.1").configure_cert(context)
        authority.configure_trust(context)
        with Recording(context) as running:
            yield running

    def files(self, authority: trustme.CA, folder: Path, issuer: trustme.CA) -> dict[str, str]:
        certificate = issuer.issue_cert("centre.example")
        paths = {name: folder / f"{name}.pem" for name in ("authority", "certificate", "key")}
        authority.cert_pem.write_to_path(str(paths["authority"]))
        certificate.cert_chain_pems[0].write_to_path(str(paths["certificate"]))
        certificate.private_key_pem.write_to_path(str(paths["key"]))
        return {name: str(path) for name, path in paths.items()}

    def test_our_certificate_opens_the_door(
        self, authority: trustme.CA, server: Recording, tmp_path: Path
    ) -> None:
        tls = self.files(authority, tmp_path, issuer=authority)
        line = open_line(target(f"https://127.0.0.1:{server.server_port}/", tls=tls))
        assert line.send(PARCEL).outcome is Outcome.ACKNOWLEDGED
        line.close()

    def test_an_alert_goes_all_the_way_from_the_sighting_through_the_sender(
        self, authority: trustme.CA, server: Recording, sqlite_store: Store, tmp_path: Path, noon: datetime
    ) -> None:
        tls = self.files(authority, tmp_path, issuer=authority)
        alert_id = f"{raise_incident(intake_into(sqlite_store, tmp_path / 'e', targets=('t',)), noon)}.1"
        with sending(sqlite_store, target(f"https://127.0.0.1:{server.server_port}/", tls=tls)):
            wait_for(lambda: delivery(sqlite_store, "t").state == "delivered", limit_s=60)
        assert [one["Idempotency-Key"] for one in server.seen] == [alert_id]

    def test_a_certificate_of_strangers_does_not(
        self, authority: trustme.CA, server: Recording, tmp_path: Path
    ) -> None:
        tls = self.files(authority, tmp_path, issuer=trustme.CA())
        line = open_line(target(f"https://127.0.0.1:{server.server_port}/", tls=tls))
        assert line.send(PARCEL).outcome is Outcome.RETRY
        line.close()
        assert server.seen == []

    def test_a_receiver_that_is_not_the_one_we_trust_gets_nothing(
        self, server: Recording, tmp_path: Path
    ) -> None:
        stranger = trustme.CA()
        tls = self.files(stranger, tmp_path, issuer=stranger)
        answer = (line := open_line(target(f"https://127.0.0.1:{server.server_port}/", tls=tls))).send(PARCEL)
        line.close()
        assert (answer.outcome, answer.may_have_arrived) == (Outcome.RETRY, False)
        assert "certificate" in answer.reason.lower()


def test_what_could_not_reach_the_receiver_is_told_apart_from_what_may_have() -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        nobody = f"http://127.0.0.1:{reserved.getsockname()[1]}/"
    line = HttpLine(target(nobody))
    assert not line.send(PARCEL).may_have_arrived
    line.close()
    with DispatchReceiver(SECRET) as receiver:
        receiver.control(mode="reset", after_storing=True)
        line = HttpLine(target(receiver.url))
        assert line.send(PARCEL).may_have_arrived
        line.close()


MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


@contextlib.contextmanager
def broker(folder: Path, *lines: str, port: int = 0) -> Iterator[int]:
    """A real Mosquitto on loopback."""
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed")
    port = port or own_port()
    settings = folder / "mosquitto.conf"
    settings.write_text(
        "\n".join([f"listener {port} 127.0.0.1", "allow_anonymous true", "user root", *lines])
    )
    with subprocess.Popen([MOSQUITTO, "-c", str(settings)], stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 20
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                assert time.monotonic() < deadline, "the broker does not come up"
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()


@contextlib.contextmanager
def subscriber(port: int, topic: str, **login: str) -> Iterator[list[paho.MQTTMessage]]:
    """What a real client receives on a topic."""
    received: list[paho.MQTTMessage] = []
    ready = threading.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    if login:
        client.username_pw_set(**login)
    client.on_connect = lambda *_: client.subscribe(topic, qos=1)
    client.on_subscribe = lambda *_: ready.set()
    client.on_message = lambda _client, _data, message: received.append(message)
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert ready.wait(20)
    yield received
    client.disconnect()
    client.loop_stop()


class TestMqtt:
    def test_a_subscriber_gets_the_message_with_its_envelope(self, tmp_path: Path) -> None:
        with broker(tmp_path) as port, subscriber(port, "firewatch/#") as received:
            line = open_line(target(f"mqtt://127.0.0.1:{port}/firewatch/alerts"))
            assert isinstance(line, MqttLine)
            assert line.send(PARCEL).outcome is Outcome.ACKNOWLEDGED
            assert line.send(PARCEL).outcome is Outcome.ACKNOWLEDGED  # over the same connection
            deadline = time.monotonic() + 20
            while len(received) < 2 and time.monotonic() < deadline:
                time.sleep(0.02)
            line.close()
        first = received[0]
        assert (first.topic, first.payload, first.qos) == ("firewatch/alerts", BODY, 1)
        about = dict(first.properties.UserProperty)  # type: ignore[attr-defined]
        assert about["Idempotency-Key"] == "inc-1.1"
        assert about["X-Firewatch-Signature"].startswith("sha256=")

    def test_alerts_go_all_the_way_from_the_sighting_through_the_sender_in_order(
        self, sqlite_store: Store, tmp_path: Path, noon: datetime
    ) -> None:
        """Nobody has subscribed at first: what waits then comes first."""
        incident_id = raise_incident(intake_into(sqlite_store, tmp_path / "e", targets=("t",)), noon)
        url = "mqtt://127.0.0.1:{port}/firewatch/alerts"
        with broker(tmp_path) as port, sending(sqlite_store, target(url.format(port=port))):
            wait_for(lambda: "subscribed" in (delivery(sqlite_store, "t").last_error or ""), limit_s=60)
            decisions.decide(sqlite_store, incident_id, Decision(Action.CONFIRM), who="li", version=1)
            with subscriber(port, "firewatch/#") as received:
                wait_for(lambda: len(sqlite_store.deliveries(state="delivered")) == 2, limit_s=60)
                wait_for(lambda: len(received) >= 2)
        told = [json.loads(one.payload) for one in received]
        for one in told:
            message.validate(one)
        assert [one["sequence"] for one in told] == [1, 2]

    def test_a_message_that_nobody_has_subscribed_to_is_not_delivered(self, tmp_path: Path) -> None:
        with broker(tmp_path) as port:
            line = MqttLine(target(f"mqtt://127.0.0.1:{port}/firewatch/alerts"))
            answer = line.send(PARCEL)
            line.close()
        assert answer.outcome is Outcome.RETRY
        assert "nobody has subscribed" in answer.reason

    def test_a_broker_that_went_away_and_came_back_gets_the_next_attempt(self, tmp_path: Path) -> None:
        with broker(tmp_path) as port, subscriber(port, "a"):
            line = MqttLine(target(f"mqtt://127.0.0.1:{port}/a"))
            assert line.send(PARCEL).outcome is Outcome.ACKNOWLEDGED
        assert line.send(PARCEL).outcome is Outcome.RETRY
        with broker(tmp_path, port=port), subscriber(port, "a"):
            assert line.send(PARCEL).outcome is Outcome.ACKNOWLEDGED
        line.close()

    def test_a_wrong_password_is_said(self, tmp_path: Path) -> None:
        users = tmp_path / "users"
        users.touch(mode=0o600)
        tool = shutil.which("mosquitto_passwd")
        if tool is None:
            pytest.skip("mosquitto_passwd is not installed")
        subprocess.run([tool, "-b", str(users), "fire", "watch"], check=True, capture_output=True)
        with broker(tmp_path, "allow_anonymous false", f"password_file {users}") as port:
            url = f"mqtt://127.0.0.1:{port}/a"
            wrong = MqttLine(target(url, basic={"user": "fire", "password": "wrong"}))
            answer = wrong.send(PARCEL)
            wrong.close()
            with subscriber(port, "a", username="fire", password="watch"):
                right = MqttLine(target(url, basic={"user": "fire", "password": "watch"}))
                assert right.send(PARCEL).outcome is Outcome.ACKNOWLEDGED
                right.close()
        assert answer.outcome is Outcome.RETRY
        assert "refuses us" in answer.reason
        assert "wrong" not in answer.reason

    def test_a_broker_that_hangs_is_given_up_on(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"mqtt://127.0.0.1:{silent.getsockname()[1]}/a"
            line = MqttLine(target(url, secret=SECRET, timeout_s=0.5))
            assert line.send(PARCEL).outcome is Outcome.RETRY
            line.close()


def test_an_mqtt_signature_is_over_the_time_it_was_sent(tmp_path: Path) -> None:
    noon = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
    with broker(tmp_path) as port, subscriber(port, "a") as received:
        line = MqttLine(target(f"mqtt://127.0.0.1:{port}/a"), clock=lambda: noon)
        line.send(PARCEL)
        deadline = time.monotonic() + 20
        while not received and time.monotonic() < deadline:
            time.sleep(0.02)
        line.close()
    about = dict(received[0].properties.UserProperty)  # type: ignore[attr-defined]
    assert about["X-Firewatch-Timestamp"] == str(int(noon.timestamp()))
