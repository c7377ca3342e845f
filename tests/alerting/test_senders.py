"""Several senders on one store, targets that are down for long, and what a whole target's failure means."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from alerting_samples import NORTH, PICTURES, intake_into, sighting_at
from ports import own_port
from test_outbox import PATH, SECRET, delivery, raise_incident, sending, target_of, wait_for

from alerting import decisions
from alerting.backoff import Backoff, Breaker
from alerting.claims import SenderName
from alerting.lifecycle import Action, Decision
from alerting.outbox import Sender, redeliver_all
from alerting.people import Recipient
from alerting.store import Store
from alerting.tables import DeliveryRow, NoticeRow, TargetStateRow
from alerting.targets import HttpLine
from alerting.trouble import Trouble
from simulator.receiver import DispatchReceiver


@pytest.fixture
def receiver() -> Iterator[DispatchReceiver]:
    with DispatchReceiver(SECRET) as running:
        yield running


PROCESS = """
import sys, threading
sys.path[:0] = {path!r}
from alerting.outbox import Sender
from alerting.store import Store
from test_outbox import target_of
store = Store.open({url!r})
print("up", flush=True)
Sender(store, [target_of({target!r}, timeout_s=20)], poll_s=0.05).run(threading.Event())
"""


def start_sender(store_url: str, target_url: str) -> subprocess.Popen[str]:
    script = PROCESS.format(path=PATH, url=store_url, target=target_url)
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def test_two_sender_processes_send_every_alert_once_and_in_order(
    database_url: str, tmp_path: Path, receiver: DispatchReceiver, noon: datetime
) -> None:
    store = Store.open(database_url)
    intake = intake_into(store, tmp_path / "evidence")
    processes = [start_sender(database_url, receiver.url) for _ in range(2)]
    try:
        incidents = [raise_incident(intake, noon, place) for place in range(3)]
        for version, action in enumerate((Action.CONFIRM, Action.DISPATCH, Action.ARRIVE), start=1):
            for incident_id in incidents:
                decisions.decide(store, incident_id, Decision(action), who="li", version=version)
        wait_for(lambda: len(store.deliveries(state="delivered")) == 12, limit_s=60)
    finally:
        for process in processes:
            kill(process)
    store.close()
    assert {one.deliveries for one in receiver.alerts} == {1}
    for incident_id in incidents:
        mine = [one.alert["sequence"] for one in receiver.alerts if one.alert["incident_id"] == incident_id]
        assert mine == [1, 2, 3, 4]


def test_what_a_killed_sender_held_is_taken_over_without_waiting_for_its_lease(
    tmp_path: Path, receiver: DispatchReceiver, noon: datetime
) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    store = Store.open(url)
    raise_incident(intake_into(store, tmp_path / "evidence"), noon)
    receiver.control(mode="hang", after_storing=True)
    process = start_sender(url, receiver.url)
    wait_for(lambda: len(receiver.alerts) == 1)
    os.kill(process.pid, signal.SIGKILL)
    kill(process)
    with store.reading() as session:
        lease = session.get_one(DeliveryRow, delivery(store).delivery_id).leased_until
    assert lease is not None
    assert lease > store.clock()  # it would have lasted on
    receiver.control(mode="ok")
    with sending(store, target_of(receiver.url)):
        wait_for(lambda: delivery(store).state == "delivered")
    store.close()


def test_a_lease_of_another_machine_is_respected_until_it_ends(
    tmp_path: Path, receiver: DispatchReceiver, noon: datetime
) -> None:
    now = [noon]
    store = Store.open(f"sqlite:///{tmp_path}/store.db", clock=lambda: now[0])
    raise_incident(intake_into(store, tmp_path / "evidence"), noon)
    with store.writing() as session:
        row = session.get_one(DeliveryRow, delivery(store).delivery_id)
        row.leased_by = str(SenderName("another-machine", 1, "abc"))
        row.leased_until = noon + timedelta(seconds=40)
    target = target_of(receiver.url)
    sender, line = Sender(store, [target]), HttpLine(target)
    sender.free_leases_of_the_gone()
    assert not sender.send_next(target, line)
    now[0] += timedelta(seconds=41)
    assert sender.send_next(target, line)
    assert delivery(store).state == "delivered"
    line.close()
    store.close()


class TestADayWithoutReceiver:
    """The receiver is down for 24 hours on the store's clock, then up."""

    def test_everything_arrives_in_order_says_that_it_is_late_and_nothing_waits_for_its_old_pause(
        self, tmp_path: Path, noon: datetime
    ) -> None:
        now = [noon]
        store = Store.open(f"sqlite:///{tmp_path}/store.db", clock=lambda: now[0])
        intake = intake_into(store, tmp_path / "evidence")
        port = own_port()
        target = target_of(f"http://127.0.0.1:{port}/alerts")
        sender = Sender(store, [target], chance=lambda: 1.0)
        line = HttpLine(target)
        incidents: list[str] = []
        steps = (Action.CONFIRM, Action.DISPATCH, Action.ARRIVE)
        for hour in range(24):
            if hour % 6 == 0:
                incidents.append(raise_incident(intake, now[0], place=hour // 6))
            elif hour % 6 <= len(steps):
                version = store.incident(incidents[-1]).summary.version
                decision = Decision(steps[hour % 6 - 1])
                decisions.decide(store, incidents[-1], decision, who="li", version=version)
            for _ in range(4):
                sender.send_next(target, line)
                now[0] += timedelta(minutes=15)
        assert {one.state for one in store.deliveries()} == {"pending"}
        with DispatchReceiver(SECRET, port=port) as receiver:
            for _ in range(20):
                if not sender.send_next(target, line):
                    now[0] += timedelta(seconds=1)
            arrived = [one.alert for one in receiver.alerts]
        assert len(arrived) == 16
        assert now[0] - noon < timedelta(days=1, minutes=1)
        for incident_id in incidents:
            mine = [one for one in arrived if one["incident_id"] == incident_id]
            assert [one["sequence"] for one in mine] == [1, 2, 3, 4]
        assert [one["issued_at"] for one in arrived[1:]] == sorted(one["issued_at"] for one in arrived[1:])
        first = next(one for one in arrived if one["incident_id"] == incidents[0])
        assert first["late"]
        assert first["captured_at"] == "2026-11-24T04:00:00.000Z"
        assert first["sent_at"] >= "2026-11-25T04:00:00"
        line.close()
        store.close()


class TestBreaker:
    def test_a_dead_target_is_left_alone_people_hear_of_it_once_and_of_its_return(
        self, tmp_path: Path, receiver: DispatchReceiver, noon: datetime
    ) -> None:
        now = [noon]
        store = Store.open(f"sqlite:///{tmp_path}/store.db", clock=lambda: now[0])
        intake = intake_into(store, tmp_path / "evidence")
        for place in range(5):
            raise_incident(intake, noon, place)
        receiver.control(mode="fail")
        target = target_of(receiver.url)
        trouble = Trouble([Recipient("person:chief", "值班长", "", {"sms": "1"})])
        sender = Sender(store, [target], trouble=trouble, chance=lambda: 1.0)
        line = HttpLine(target)
        for _ in range(5):
            assert sender.send_next(target, line)
        raise_incident(intake, noon, place=5)
        assert not sender.send_next(target, line)  # open: not even a new alert is tried
        now[0] += timedelta(seconds=2)
        assert sender.send_next(target, line)  # one tries ...
        assert not sender.send_next(target, line)  # ... and the pause has doubled
        with store.reading() as session:
            state = session.get_one(TargetStateRow, "dispatch")
            assert (state.failures, state.failing_since) == (6, noon)
            assert state.open_until == now[0] + timedelta(seconds=4)
        receiver.control(mode="ok")
        now[0] += timedelta(seconds=4)
        while sender.send_next(target, line):
            pass
        assert len(receiver.alerts) == 6  # all at once, none waits for its own pause
        with store.reading() as session:
            assert session.get(TargetStateRow, "dispatch") is None
            titles = [one.content["title_en"] for one in session.query(NoticeRow).order_by("created_at")]
        assert titles == ["receiver dispatch does not take alerts", "receiver dispatch takes alerts again"]
        line.close()
        store.close()

    def test_a_message_the_receiver_chokes_on_does_not_stand_for_all(
        self, tmp_path: Path, receiver: DispatchReceiver, noon: datetime
    ) -> None:
        now = [noon]
        store = Store.open(f"sqlite:///{tmp_path}/store.db", clock=lambda: now[0])
        intake = intake_into(store, tmp_path / "evidence")
        raise_incident(intake, noon, place=0)
        receiver.control(mode="status", status=500)
        target = target_of(receiver.url)
        sender, line = Sender(store, [target], breaker=Breaker(failures=2)), HttpLine(target)
        for _ in range(4):
            while not sender.send_next(target, line):
                now[0] += timedelta(seconds=1)
        raise_incident(intake, now[0], place=3)
        receiver.control(mode="ok")
        while not sender.send_next(target, line):
            now[0] += timedelta(seconds=1)
        assert [one.state for one in store.deliveries()] == ["delivered", "pending"]  # the new one tried
        line.close()
        store.close()

    def test_a_clock_set_back_does_not_keep_the_circuit_open(
        self, tmp_path: Path, receiver: DispatchReceiver, noon: datetime
    ) -> None:
        now = [noon]
        store = Store.open(f"sqlite:///{tmp_path}/store.db", clock=lambda: now[0])
        raise_incident(intake_into(store, tmp_path / "evidence"), noon)
        receiver.control(mode="fail", times=1)
        target = target_of(receiver.url)
        quick = Breaker(failures=1, pauses=Backoff(2.0, 30.0, longest_retry_after_s=60.0))
        sender, line = Sender(store, [target], breaker=quick), HttpLine(target)
        assert sender.send_next(target, line)
        now[0] -= timedelta(hours=1)
        assert sender.send_next(target, line)
        assert delivery(store).state == "delivered"
        line.close()
        store.close()


def test_everything_a_target_refused_can_be_sent_again_at_once(
    sqlite_store: Store, tmp_path: Path, receiver: DispatchReceiver, noon: datetime
) -> None:
    intake = intake_into(sqlite_store, tmp_path / "evidence")
    receiver.control(mode="status", status=403)
    for place in range(3):
        raise_incident(intake, noon, place)
    with sending(sqlite_store, target_of(receiver.url)):
        wait_for(lambda: len(sqlite_store.deliveries(state="dead")) == 3)
        receiver.control(mode="ok")
        assert redeliver_all(sqlite_store, "dispatch") == 3
        wait_for(lambda: len(sqlite_store.deliveries(state="delivered")) == 3)
    assert {one.deliveries for one in receiver.alerts} == {1}


def test_a_refused_alert_is_an_alarm_to_people_but_not_one_for_each(
    sqlite_store: Store, tmp_path: Path, receiver: DispatchReceiver, noon: datetime
) -> None:
    intake = intake_into(sqlite_store, tmp_path / "evidence")
    receiver.control(mode="status", status=422)
    for place in range(3):
        raise_incident(intake, noon, place)
    target = target_of(receiver.url)
    trouble = Trouble([Recipient("person:chief", "值班长", "", {"sms": "1"})])
    stop = threading.Event()
    thread = threading.Thread(
        target=Sender(sqlite_store, [target], trouble=trouble, poll_s=0.02).run, args=(stop,)
    )
    thread.start()
    wait_for(lambda: len(sqlite_store.deliveries(state="dead")) == 3)
    stop.set()
    thread.join()
    told = sqlite_store.deliveries(target_id="person:chief")
    assert 1 <= len(told) <= 2  # 2 only when the hour turned meanwhile
    with sqlite_store.reading() as session:
        assert "HTTP 422" in session.get_one(NoticeRow, told[0].notice_id).content["text"]


def test_a_sighting_known_before_tells_nobody_twice(
    sqlite_store: Store, tmp_path: Path, receiver: DispatchReceiver, noon: datetime
) -> None:
    intake = intake_into(sqlite_store, tmp_path / "evidence")
    sighting = sighting_at((640, 500), NORTH, noon, sighting_id="once")
    intake.accept(sighting, PICTURES, NORTH)
    intake.accept(sighting, PICTURES, NORTH)
    with sending(sqlite_store, target_of(receiver.url)):
        wait_for(lambda: delivery(sqlite_store).state == "delivered")
    assert len(receiver.alerts) == 1
