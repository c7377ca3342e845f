"""The sender against a real receiver that fails in every way it can."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from alerting_samples import NORTH, PICTURES, ROOT, intake_into, sighting_at
from ports import own_port

import config
from alerting import decisions, message
from alerting.evidence_links import EvidenceLinks
from alerting.intake import Intake
from alerting.lifecycle import Action, Decision
from alerting.outbox import Backoff, Sender, redeliver
from alerting.records import DeliveryRecord
from alerting.store import NotFoundError, Store
from alerting.targets import Answer, HttpLine, Outcome, Parcel
from simulator.receiver import DispatchReceiver

SECRET = "a secret of the test"
QUICK = Backoff(first_s=0.02, longest_s=0.1)


@pytest.fixture
def receiver() -> Iterator[DispatchReceiver]:
    with DispatchReceiver(SECRET) as running:
        yield running


def target_of(url: str, target_id: str = "dispatch", timeout_s: float = 5.0) -> config.DispatchTarget:
    return config.DispatchTarget.model_validate(
        {"id": target_id, "name": target_id, "url": url, "secret": SECRET, "timeout_s": timeout_s}
    )


@contextlib.contextmanager
def sending(
    store: Store, *targets: config.DispatchTarget, links: EvidenceLinks | None = None
) -> Iterator[None]:
    stop = threading.Event()
    sender = Sender(store, targets, links, backoff=QUICK, poll_s=0.02)
    thread = threading.Thread(target=sender.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=30)
        assert not thread.is_alive()


def wait_for(what: Callable[[], bool], limit_s: float = 60.0) -> None:
    deadline = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)


def delivery(store: Store, target_id: str = "dispatch") -> DeliveryRecord:
    return store.deliveries(target_id=target_id)[0]


def raise_incident(intake: Intake, noon: datetime, place: int = 0) -> str:
    sighting = sighting_at((100.0 + 200 * place, 500), NORTH, noon)
    return intake.accept(sighting, PICTURES, NORTH).incident_id


def test_an_alert_arrives_signed_valid_and_is_acknowledged(
    store: Store, intake: Intake, receiver: DispatchReceiver, noon: datetime
) -> None:
    incident_id = raise_incident(intake, noon)
    links = EvidenceLinks(b"0123456789abcdef", "http://127.0.0.1:8080")
    with sending(store, target_of(receiver.url), links=links):
        wait_for(lambda: delivery(store).state == "delivered")
    (received,) = receiver.alerts  # the receiver has checked signature and time stamp
    assert received.idempotency_key == received.alert["alert_id"] == f"{incident_id}.1"
    message.validate(received.alert)
    assert received.alert["evidence"][0]["url"].startswith("http://127.0.0.1:8080/api/v1/evidence/1?expires=")
    assert (delivery(store).attempts, delivery(store).last_error) == (1, None)
    assert delivery(store).acknowledged_at is not None
    assert [one.data["state"] for one in store.events_since(0) if one.kind == "delivery"] == ["delivered"]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ({"mode": "status", "status": 500}, "HTTP 500"),
        ({"mode": "status", "status": 429}, "HTTP 429"),
        ({"mode": "status", "status": 408}, "HTTP 408"),
        ({"mode": "reset"}, "Error"),
    ],
)
def test_after_a_passing_fault_the_alert_arrives_and_the_fault_was_seen(
    sqlite_store: Store,
    tmp_path: Path,
    receiver: DispatchReceiver,
    noon: datetime,
    behaviour: dict[str, object],
    reason: str,
) -> None:
    receiver.control(times=2, **behaviour)
    raise_incident(intake_into(sqlite_store, tmp_path / "evidence"), noon)
    with sending(sqlite_store, target_of(receiver.url)):
        wait_for(lambda: delivery(sqlite_store).state == "delivered")
    assert delivery(sqlite_store).attempts == 3
    assert len(receiver.alerts) == 1
    events = [one.data for one in sqlite_store.events_since(0) if one.kind == "delivery"]
    assert [one["state"] for one in events] == ["pending", "delivered"]
    assert reason in events[0]["last_error"]


def test_a_lost_answer_leads_to_the_same_bytes_under_the_same_key(
    sqlite_store: Store, tmp_path: Path, receiver: DispatchReceiver, noon: datetime
) -> None:
    """The receiver answers 409 when a key comes back with other bytes, which would show here as dead."""
    receiver.control(mode="reset", times=3, after_storing=True)
    raise_incident(intake_into(sqlite_store, tmp_path / "evidence"), noon)
    with sending(sqlite_store, target_of(receiver.url)):
        wait_for(lambda: delivery(sqlite_store).state != "pending")
    assert delivery(sqlite_store).state == "delivered"
    (received,) = receiver.alerts
    assert received.deliveries == 4


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422])
def test_a_refusal_is_final_says_why_and_holds_up_nothing(
    sqlite_store: Store, tmp_path: Path, receiver: DispatchReceiver, noon: datetime, status: int
) -> None:
    receiver.control(mode="status", status=status, times=1)
    intake = intake_into(sqlite_store, tmp_path / "evidence")
    incident_id = raise_incident(intake, noon)
    decisions.decide(sqlite_store, incident_id, Decision(Action.CONFIRM), who="li", version=1)
    with sending(sqlite_store, target_of(receiver.url)):
        wait_for(lambda: delivery(sqlite_store).state == "delivered")
    (dead,) = sqlite_store.deliveries(state="dead")
    assert (dead.sequence, dead.attempts) == (1, 1)
    assert f"HTTP {status}" in (dead.last_error or "")
    assert [one.alert["sequence"] for one in receiver.alerts] == [2]


def test_a_wrong_secret_is_a_dead_letter_that_can_be_sent_again_once_mended(
    sqlite_store: Store, tmp_path: Path, receiver: DispatchReceiver, noon: datetime
) -> None:
    raise_incident(intake_into(sqlite_store, tmp_path / "evidence"), noon)
    wrong = config.DispatchTarget.model_validate(
        {"id": "dispatch", "name": "d", "url": receiver.url, "secret": "wrong secret"}
    )
    with sending(sqlite_store, wrong):
        wait_for(lambda: delivery(sqlite_store).state == "dead")
    assert "HTTP 401" in (delivery(sqlite_store).last_error or "")
    assert "wrong secret" not in (delivery(sqlite_store).last_error or "")
    redeliver(sqlite_store, delivery(sqlite_store).delivery_id)
    with sending(sqlite_store, target_of(receiver.url)):
        wait_for(lambda: delivery(sqlite_store).state == "delivered")
    with pytest.raises(NotFoundError, match="no dead delivery"):
        redeliver(sqlite_store, delivery(sqlite_store).delivery_id)


def test_a_refused_message_that_is_sent_again_is_written_as_its_receiver_wants_it_by_then(
    sqlite_store: Store, tmp_path: Path, receiver: DispatchReceiver, noon: datetime
) -> None:
    incident_id = raise_incident(intake_into(sqlite_store, tmp_path / "evidence"), noon)
    receiver.control(mode="status", status=415, times=1)
    target = target_of(receiver.url)
    with sending(sqlite_store, target):
        wait_for(lambda: delivery(sqlite_store).state == "dead")
    redeliver(sqlite_store, delivery(sqlite_store).delivery_id)
    with sending(sqlite_store, target.model_copy(update={"format": "cap"})):
        wait_for(lambda: delivery(sqlite_store).state == "delivered")
    (received,) = receiver.alerts
    assert received.alert["format"] == "cap/1.2"
    assert received.idempotency_key == f"{incident_id}.1"


class Scripted:
    """A line whose receiver answers what it is told to; it keeps what came."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.bodies: list[bytes] = []

    def send(self, parcel: Parcel) -> Answer:
        self.bodies.append(parcel.body)
        return self._answers.pop(0)

    def close(self) -> None: ...


def test_bytes_that_a_receiver_may_have_taken_come_again_whatever_it_says_later_and_wants_by_then(
    database_url: str, tmp_path: Path, noon: datetime
) -> None:
    now = [noon]
    store = Store.open(database_url, clock=lambda: now[0])
    raise_incident(intake_into(store, tmp_path / "evidence"), noon)
    target = target_of("http://127.0.0.1:9/alerts")
    sender = Sender(store, [target])
    line = Scripted(
        Answer(Outcome.RETRY, "the answer was lost"),
        Answer(Outcome.REFUSED, "HTTP 401"),
        Answer(Outcome.ACKNOWLEDGED, "HTTP 200"),
    )
    assert sender.send_next(target, line)
    now[0] += timedelta(minutes=1)
    assert sender.send_next(target, line)
    redeliver(store, delivery(store).delivery_id)
    assert sender.send_next(target.model_copy(update={"format": "cap"}), line)
    assert delivery(store).state == "delivered"
    assert len(set(line.bodies)) == 1
    store.close()


def test_a_receiver_that_changes_often_leaves_nothing_behind(sqlite_store: Store, tmp_path: Path) -> None:
    """Templates are compiled: of each receiver only that of now is kept."""
    sender = Sender(sqlite_store, [])
    templates = []
    for number in range(5):
        text = tmp_path / f"{number}.j2"
        text.write_text('{"alert_id": "{{ alert.alert_id }}"}', encoding="utf-8")
        changed = {"format": "template", "template": text}
        target = target_of("http://127.0.0.1:9/alerts").model_copy(update=changed)
        sender.serve([target])
        make = sender._format_of(target)
        assert sender._format_of(target) is make
        templates.append(weakref.ref(make))
    del make
    gc.collect()
    assert [one() is not None for one in templates] == [False, False, False, False, True]
    sender.serve([])
    gc.collect()
    assert templates[-1]() is None


def test_a_target_that_hangs_delays_no_other(
    sqlite_store: Store, tmp_path: Path, receiver: DispatchReceiver, noon: datetime
) -> None:
    intake = intake_into(sqlite_store, tmp_path / "evidence", targets=("hangs", "works"))
    with DispatchReceiver(SECRET) as hanging:
        hanging.control(mode="hang")
        targets = (target_of(hanging.url, "hangs", timeout_s=2), target_of(receiver.url, "works"))
        with sending(sqlite_store, *targets):
            for place in range(3):
                raise_incident(intake, noon, place)
            wait_for(lambda: len(receiver.alerts) == 3)
            wait_for(lambda: any(one.last_error for one in sqlite_store.deliveries(target_id="hangs")))
            states = {one.state for one in sqlite_store.deliveries(target_id="hangs")}
            assert states == {"pending"}
            hanging.control(mode="ok")
            wait_for(lambda: len(hanging.alerts) == 3)


def test_a_receiver_that_was_down_gets_everything_in_order_when_it_comes_up(
    store: Store, intake: Intake, noon: datetime
) -> None:
    port = own_port()
    incidents = [raise_incident(intake, noon, place) for place in range(2)]
    steps = (Action.CONFIRM, Action.DISPATCH, Action.ARRIVE, Action.CONTROL, Action.CLOSE)
    with sending(store, target_of(f"http://127.0.0.1:{port}/alerts")):
        for version, action in enumerate(steps, start=1):
            for incident_id in incidents:
                decisions.decide(store, incident_id, Decision(action), who="li", version=version)
        wait_for(lambda: "refused" in (store.deliveries()[-1].last_error or ""))
        with DispatchReceiver(SECRET, port=port) as receiver:
            wait_for(lambda: len(receiver.alerts) == 12)
            received = [(one.alert["incident_id"], one.alert["sequence"]) for one in receiver.alerts]
    for incident_id in incidents:
        assert [sequence for which, sequence in received if which == incident_id] == [1, 2, 3, 4, 5, 6]


def test_alerts_of_one_incident_never_overtake_each_other_while_one_is_waiting(
    sqlite_store: Store, tmp_path: Path, receiver: DispatchReceiver, noon: datetime
) -> None:
    receiver.control(mode="fail", times=3)
    intake = intake_into(sqlite_store, tmp_path / "evidence")
    incident_id = raise_incident(intake, noon)
    decisions.decide(sqlite_store, incident_id, Decision(Action.CONFIRM), who="li", version=1)
    with sending(sqlite_store, target_of(receiver.url)):
        wait_for(lambda: len(receiver.alerts) == 2)
    assert [one.alert["sequence"] for one in receiver.alerts] == [1, 2]


def test_a_waiting_incident_does_not_hold_up_another(
    database_url: str, tmp_path: Path, receiver: DispatchReceiver, noon: datetime
) -> None:
    now = [noon]
    store = Store.open(database_url, clock=lambda: now[0])
    intake = intake_into(store, tmp_path / "evidence")
    target, sender = target_of(receiver.url), Sender(store, [target_of(receiver.url)])
    line = HttpLine(target)
    receiver.control(mode="fail", times=1)
    raise_incident(intake, noon, place=0)
    assert sender.send_next(target, line)
    raise_incident(intake, noon, place=2)
    assert sender.send_next(target, line)
    assert not sender.send_next(target, line)  # the first waits for its pause
    assert len(receiver.alerts) == 1
    now[0] += timedelta(seconds=1)
    assert sender.send_next(target, line)
    assert len(receiver.alerts) == 2
    line.close()
    store.close()


def test_pauses_grow_to_a_cap_and_a_day_without_receiver_loses_nothing(
    tmp_path: Path, receiver: DispatchReceiver, noon: datetime
) -> None:
    now = [noon]
    store = Store.open(f"sqlite:///{tmp_path}/store.db", clock=lambda: now[0])
    raise_incident(intake_into(store, tmp_path / "evidence"), noon)
    receiver.control(mode="fail")
    target = target_of(receiver.url)
    sender = Sender(store, [target], backoff=Backoff(longest_s=1800), chance=lambda: 1.0)
    line = HttpLine(target)
    pauses = []
    while now[0] < noon + timedelta(days=1):
        assert sender.send_next(target, line)
        pauses.append((delivery(store).next_attempt_at - now[0]).total_seconds())
        now[0] = delivery(store).next_attempt_at
    assert pauses[:6] == [1, 2, 4, 8, 16, 32]
    assert max(pauses) == pauses[-1] == 1800
    receiver.control(mode="ok")
    assert sender.send_next(target, line)
    assert delivery(store).state == "delivered"
    (received,) = receiver.alerts
    assert received.alert["captured_at"] == "2026-11-24T04:00:00.000Z"
    line.close()
    store.close()


def test_what_a_day_without_receiver_held_back_arrives_in_order_and_says_so(
    database_url: str, tmp_path: Path, noon: datetime
) -> None:
    """By a virtual clock: fires all day long, each judged and sent out an hour later, and nobody takes it."""
    now = [noon]
    store = Store.open(database_url, clock=lambda: now[0])
    intake = intake_into(store, tmp_path / "evidence")
    port = own_port()
    target = target_of(f"http://127.0.0.1:{port}/alerts")
    sender, line = Sender(store, [target], chance=lambda: 1.0), HttpLine(target)

    def passes(until: datetime) -> None:
        while now[0] < until:
            while sender.send_next(target, line):
                pass
            now[0] += timedelta(minutes=20)

    for hour in range(0, 24, 6):
        incident_id = raise_incident(intake, now[0], place=hour // 6)
        passes(noon + timedelta(hours=hour + 1))
        for version, action in enumerate((Action.CONFIRM, Action.DISPATCH), start=1):
            decisions.decide(store, incident_id, Decision(action), who="li", version=version)
        passes(noon + timedelta(hours=hour + 6))
    assert {one.state for one in store.deliveries()} == {"pending"}
    with DispatchReceiver(SECRET, port=port) as receiver:
        passes(now[0] + timedelta(hours=1))
        received = [one.alert for one in receiver.alerts]
    incidents = list(dict.fromkeys(one["incident_id"] for one in received))
    assert len(incidents) == 4
    for incident_id in incidents:
        of_it = [one for one in received if one["incident_id"] == incident_id]
        assert [one["sequence"] for one in of_it] == [1, 2, 3]
        assert all(one["late"] for one in of_it)
    assert sorted({one["captured_at"] for one in received}) == [
        f"2026-11-2{4 + (4 + hour) // 24}T{(4 + hour) % 24:02d}:00:00.000Z" for hour in range(0, 24, 6)
    ]
    line.close()
    store.close()


def test_a_clock_set_back_delays_no_new_alert(
    tmp_path: Path, receiver: DispatchReceiver, noon: datetime
) -> None:
    now = [noon]
    store = Store.open(f"sqlite:///{tmp_path}/store.db", clock=lambda: now[0])
    raise_incident(intake_into(store, tmp_path / "evidence"), noon)
    now[0] -= timedelta(hours=1)
    target = target_of(receiver.url)
    line = HttpLine(target)
    assert Sender(store, [target]).send_next(target, line)
    assert delivery(store).state == "delivered"
    line.close()
    store.close()


def test_alerts_for_a_target_that_is_configured_no_more_are_reported(
    sqlite_store: Store, tmp_path: Path, noon: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    raise_incident(intake_into(sqlite_store, tmp_path / "evidence", targets=("gone",)), noon)
    Sender(sqlite_store, []).serve([])
    assert "target=gone, which is switched off or not there" in caplog.text


PATH = [str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent)]
"""Where a process of its own finds what these tests import."""
PROCESS = """
import sys, threading, time
sys.path[:0] = {path!r}
from datetime import UTC, datetime
from alerting.store import Store
from alerting_samples import NORTH, PICTURES, intake_into, sighting_at
from test_outbox import sending, target_of
store = Store.open({url!r})
intake = intake_into(store, {evidence!r})
intake.accept(sighting_at((640, 500), NORTH, datetime.now(UTC), sighting_id="one"), PICTURES, NORTH)
print("recorded", flush=True)
if {send}:
    with sending(store, target_of({target!r})):
        time.sleep(60)
time.sleep(60)
"""


@pytest.mark.parametrize("moment", ["before sending", "while the receiver keeps it"])
def test_kill_9_between_commit_and_acknowledgement_loses_nothing(
    database_url: str, tmp_path: Path, receiver: DispatchReceiver, moment: str
) -> None:
    send = moment != "before sending"
    if send:
        receiver.control(mode="hang", after_storing=True)
    script = PROCESS.format(
        path=PATH,
        url=database_url,
        evidence=str(tmp_path / "evidence"),
        send=send,
        target=receiver.url,
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "recorded\n"
        if send:
            wait_for(lambda: len(receiver.alerts) == 1)
        os.kill(process.pid, signal.SIGKILL)
    receiver.control(mode="ok")

    store = Store.open(database_url)
    assert delivery(store).state == "pending"
    with sending(store, target_of(receiver.url)):
        wait_for(lambda: delivery(store).state == "delivered")
    store.close()
    (received,) = receiver.alerts  # once, however often it was sent
    assert received.deliveries == (2 if send else 1)
    assert received.alert["cameras"][0]["sighting_id"] == "one"


class Answering:
    """A bare TCP server that answers every request with the given bytes and closes."""

    def __init__(self, *answers: bytes) -> None:
        self._answers = list(answers)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}/"
        self.requests: list[bytes] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for answer in self._answers:
            connection, _ = self._server.accept()
            with connection:
                request = b""
                while b"\r\n\r\n" not in request:
                    request += connection.recv(65536)
                head, _, body = request.partition(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                while len(body) < length:
                    body += connection.recv(65536)
                self.requests.append(body)
                connection.sendall(answer)

    def close(self) -> None:
        self._server.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@pytest.mark.parametrize(
    ("first_answer", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut short", "RemoteProtocolError"),
        (b"this is no HTTP at all\r\n\r\n", "RemoteProtocolError"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "HTTP 302"),
    ],
)
def test_an_answer_that_is_no_acknowledgement_is_none(
    sqlite_store: Store, tmp_path: Path, noon: datetime, first_answer: bytes, reason: str
) -> None:
    raise_incident(intake_into(sqlite_store, tmp_path / "evidence"), noon)
    server = Answering(first_answer, OK)
    with sending(sqlite_store, target_of(server.url)):
        wait_for(lambda: delivery(sqlite_store).state == "delivered")
    server.close()
    assert server.requests[0] == server.requests[1]
    errors = [one.data["last_error"] for one in sqlite_store.events_since(0) if one.kind == "delivery"]
    assert reason in errors[0]


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_honoured_in_both_forms(tmp_path: Path, noon: datetime, form: str) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db", clock=lambda: noon)
    raise_incident(intake_into(store, tmp_path / "evidence"), noon)
    value = b"90" if form == "seconds" else b"Tue, 24 Nov 2026 04:01:30 GMT"
    server = Answering(
        b"HTTP/1.1 503 Busy\r\nRetry-After: " + value + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    target = target_of(server.url)
    line = HttpLine(target, clock=lambda: noon)
    assert Sender(store, [target]).send_next(target, line)
    assert (delivery(store).next_attempt_at - noon).total_seconds() == 90
    line.close()
    server.close()
    store.close()
