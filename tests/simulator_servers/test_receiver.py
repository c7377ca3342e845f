"""The sandbox dispatch receiver over real HTTP: what it accepts, what it rejects, how it misbehaves."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator.receiver import LARGEST_BODY_BYTES, DispatchReceiver
from simulator.receiver_inbox import Inbox, Rejected, signature

SECRET = "dispatch-s3cret"
HTTP = httpx.Client(verify=False, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
"""One client for all tests, as making one takes longer than a request; every request is a new connection."""

ALERT = {
    "type": "Alert",
    "incident_id": "inc-7",
    "incident_number": 7,
    "sequence": 1,
    "event": "smoke",
    "certainty": "Likely",
    "captured_at": "2026-03-01T04:05:06.789Z",
    "location": {"lat_deg": 22.5, "lon_deg": 113.9, "height_m": 410.0, "ellipse_95": {"semi_major_m": 85.0}},
    "cameras": [{"name": "大南山北坡"}],
    "grid_chain": [{"name": "三号网格"}, {"name": "岭下村"}],
    "picture": {"media_type": "image/jpeg", "base64": "/9j/4AAQSkZJRg=="},
}


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[DispatchReceiver]:
    with DispatchReceiver(SECRET, tmp_path) as running:
        yield running


def post(
    receiver: DispatchReceiver,
    alert: object = ALERT,
    *,
    key: str | None = "key-1",
    secret: str = SECRET,
    age_s: float = 0,
    timeout_s: float = 10,
    **replaced: str,
) -> httpx.Response:
    body = alert if isinstance(alert, bytes) else json.dumps(alert).encode()
    timestamp = str(int(time.time() - age_s))
    headers = {
        "X-Firewatch-Timestamp": timestamp,
        "X-Firewatch-Signature": signature(secret, timestamp, body),
        "Content-Type": "application/json",
    }
    if key is not None:
        headers["Idempotency-Key"] = key
    headers |= {name.replace("_", "-"): value for name, value in replaced.items()}
    return HTTP.post(receiver.url, content=body, headers=headers, timeout=timeout_s)


def test_a_signed_alert_is_kept(receiver: DispatchReceiver) -> None:
    reply = post(receiver)
    assert reply.status_code == 201
    assert reply.json() == {"outcome": "kept", "number": 1}
    (received,) = receiver.alerts
    assert received.alert == ALERT
    assert received.idempotency_key == "key-1"
    assert received.received_at.tzinfo is not None


def test_a_repeated_delivery_is_acknowledged_and_kept_once(receiver: DispatchReceiver) -> None:
    assert [post(receiver).status_code for _ in range(3)] == [201, 200, 200]
    (received,) = receiver.alerts
    assert received.deliveries == 3


def test_many_deliveries_of_one_alert_at_once_keep_it_once(receiver: DispatchReceiver) -> None:
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(post(receiver).status_code)) for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 9 + [201]
    assert len(receiver.alerts) == 1


def test_one_key_for_two_different_alerts_is_a_conflict(receiver: DispatchReceiver) -> None:
    post(receiver)
    reply = post(receiver, {**ALERT, "sequence": 2})
    assert reply.status_code == 409
    assert "use a new key" in reply.json()["detail"]
    assert len(receiver.alerts) == 1


def test_a_signature_with_another_secret_is_rejected(receiver: DispatchReceiver) -> None:
    assert post(receiver, secret="guessed").status_code == 401
    assert receiver.alerts == []
    (rejection,) = receiver.rejections
    assert "does not match" in rejection.reason
    assert SECRET not in rejection.reason


@pytest.mark.parametrize(
    ("replaced", "reason"),
    [
        ({"X_Firewatch_Signature": "sha256=00"}, "does not match"),
        ({"X_Firewatch_Signature": "sha256=é"}, "does not match"),
        ({"X_Firewatch_Timestamp": "1700000000"}, "does not match"),  # signed, but for another time
    ],
)
def test_a_forged_header_is_rejected(
    receiver: DispatchReceiver, replaced: dict[str, str], reason: str
) -> None:
    body = json.dumps(ALERT).encode()
    headers = {
        "X-Firewatch-Timestamp": str(int(time.time())),
        "X-Firewatch-Signature": signature(SECRET, str(int(time.time())), body),
        "Idempotency-Key": "key-1",
    }
    headers |= {name.replace("_", "-"): value for name, value in replaced.items()}
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    reply = HTTP.post(receiver.url, content=body, headers=encoded)
    assert reply.status_code == 401
    assert reason in reply.json()["detail"]


def test_a_changed_body_is_rejected(receiver: DispatchReceiver) -> None:
    timestamp = str(int(time.time()))
    signed = signature(SECRET, timestamp, json.dumps(ALERT).encode())
    reply = post(receiver, {**ALERT, "sequence": 9}, X_Firewatch_Signature=signed)
    assert reply.status_code == 401


def test_missing_headers_are_named(receiver: DispatchReceiver) -> None:
    reply = HTTP.post(receiver.url, json=ALERT)
    assert reply.status_code == 401
    assert "is missing" in reply.json()["detail"]
    assert post(receiver, key=None).json()["detail"].startswith("Idempotency-Key is missing")


@pytest.mark.parametrize("age_s", [301 + 10, -301 - 10])
def test_a_stale_or_future_time_stamp_is_rejected_though_signed(
    receiver: DispatchReceiver, age_s: float
) -> None:
    reply = post(receiver, age_s=age_s)
    assert reply.status_code == 401
    assert "300 s are allowed" in reply.json()["detail"]


@pytest.mark.parametrize(("age_s", "accepted"), [(300, True), (300.5, False), (-300, True), (-301, False)])
def test_the_time_limit_is_five_minutes_either_way(age_s: float, accepted: bool) -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    inbox = Inbox(SECRET, now=lambda: now)
    timestamp = str((now - timedelta(seconds=age_s)).timestamp())
    if accepted:
        assert inbox.check(b"{}", timestamp, signature(SECRET, timestamp, b"{}"), "key") == {}
    else:
        with pytest.raises(Rejected, match="old"):
            inbox.check(b"{}", timestamp, signature(SECRET, timestamp, b"{}"), "key")


@pytest.mark.parametrize("timestamp", ["nan", "inf", "yesterday", ""])
def test_a_time_stamp_that_is_no_time_is_rejected(timestamp: str) -> None:
    inbox = Inbox(SECRET)
    with pytest.raises(Rejected, match="no number of seconds"):
        inbox.check(b"{}", timestamp, signature(SECRET, timestamp, b"{}"), "key")


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff\xfe"])
def test_a_body_that_is_no_json_object_is_rejected(receiver: DispatchReceiver, body: bytes) -> None:
    assert post(receiver, body).status_code == 400
    assert receiver.alerts == []


def test_a_body_that_is_too_large_is_rejected(receiver: DispatchReceiver) -> None:
    reply = post(receiver, b" " * (LARGEST_BODY_BYTES + 1))
    assert reply.status_code == 413


def test_alerts_survive_a_restart_and_are_still_recognised(tmp_path: Path) -> None:
    with DispatchReceiver(SECRET, tmp_path) as first:
        post(first, {**ALERT, "note": "大南山"})
    with DispatchReceiver(SECRET, tmp_path) as second:
        assert [received.alert["note"] for received in second.alerts] == ["大南山"]
        assert post(second, {**ALERT, "note": "大南山"}).status_code == 200
        assert post(second, key="key-2").json()["number"] == 2


def test_a_damaged_file_of_alerts_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "received.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"received\.jsonl:1: is no received alert"):
        DispatchReceiver(SECRET, tmp_path)


def test_an_empty_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a secret"):
        DispatchReceiver("")


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [
        ({"mode": "fail"}, 503),
        ({"mode": "status", "status": 404}, 404),
        ({"mode": "status", "status": 500}, 500),
    ],
)
def test_it_fails_as_often_as_told_and_is_well_again(
    receiver: DispatchReceiver, behaviour: dict[str, Any], status: int
) -> None:
    receiver.control(**behaviour, times=2)
    assert [post(receiver).status_code for _ in range(3)] == [status, status, 201]


def test_it_fails_until_told_otherwise(receiver: DispatchReceiver) -> None:
    receiver.control(mode="fail")
    assert {post(receiver).status_code for _ in range(4)} == {503}
    receiver.control(mode="ok")
    assert post(receiver).status_code == 201


def test_a_delayed_answer_comes_late_but_comes(receiver: DispatchReceiver) -> None:
    receiver.control(mode="delay", delay_s=0.4)
    started_s = time.monotonic()
    assert post(receiver).status_code == 201
    assert time.monotonic() - started_s >= 0.4


def test_hanging_gives_no_answer_while_others_are_served(receiver: DispatchReceiver) -> None:
    receiver.control(mode="hang", times=1)
    with pytest.raises(httpx.ReadTimeout):
        post(receiver, timeout_s=0.5)
    assert receiver.alerts == []
    assert post(receiver).status_code == 201


def test_who_hangs_is_let_go_when_the_mode_changes(receiver: DispatchReceiver) -> None:
    receiver.control(mode="hang", after_storing=True)
    replies: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: replies.append(post(receiver, timeout_s=60)))
    thread.start()
    while not receiver.alerts:
        time.sleep(0.01)
    assert replies == []
    receiver.control(mode="ok")
    thread.join(60)
    assert replies[0].status_code == 503


def test_reset_breaks_the_connection(receiver: DispatchReceiver) -> None:
    receiver.control(mode="reset", times=1)
    with pytest.raises(httpx.ReadError, match="Connection reset by peer"):  # a real RST, not an end of file
        post(receiver)
    assert receiver.alerts == []
    assert post(receiver).status_code == 201


def test_only_the_answer_can_be_lost(receiver: DispatchReceiver) -> None:
    receiver.control(mode="reset", times=1, after_storing=True)
    with pytest.raises(httpx.ReadError):
        post(receiver)
    assert len(receiver.alerts) == 1
    assert post(receiver).json()["outcome"] == "duplicate"
    assert len(receiver.alerts) == 1


def test_the_mode_is_read_and_set_over_http(receiver: DispatchReceiver) -> None:
    set_to = HTTP.post(f"{receiver.address}/control", json={"mode": "status", "status": 418, "times": 1})
    assert set_to.status_code == 200
    assert HTTP.get(f"{receiver.address}/control").json()["status"] == 418
    assert [post(receiver).status_code for _ in range(2)] == [418, 201]
    wrong = HTTP.post(f"{receiver.address}/control", json={"mode": "status", "status": 200})
    assert wrong.status_code == 422


def test_the_api_lists_what_came_and_what_was_turned_away(receiver: DispatchReceiver) -> None:
    post(receiver)
    post(receiver, secret="guessed", key="key-2")
    listed = HTTP.get(f"{receiver.address}/api/alerts").json()
    assert [alert["alert"]["incident_id"] for alert in listed["alerts"]] == ["inc-7"]
    assert [rejection["status"] for rejection in listed["rejections"]] == [401]


def test_the_page_shows_alerts_in_chinese(receiver: DispatchReceiver) -> None:
    assert "尚未收到报警" in HTTP.get(receiver.address).text
    post(receiver)
    text = HTTP.get(receiver.address).text
    for shown in (
        "7 号，第 1 报",
        "烟（机器确认）",
        "北纬 22.50000°，东经 113.90000°，海拔 410.0 米，误差 85.0 米",
        "三号网格 · 岭下村",
        "大南山北坡",
        "2026-03-01 12:05:06",  # China's time
        'src="data:image/jpeg;base64,/9j/4AAQSkZJRg=="',
    ):
        assert shown in text


def test_the_page_trusts_nothing_in_an_alert(receiver: DispatchReceiver) -> None:
    evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    everywhere = dict.fromkeys(ALERT, evil)
    post(receiver, everywhere)
    post(
        receiver, {**ALERT, "picture": {"base64": "/9j/" + evil}, "cameras": [{"name": evil}, 5]}, key="key-2"
    )
    post(receiver, {}, key="key-3")
    reply = HTTP.get(receiver.address)
    assert reply.status_code == 200
    assert "已收到 3 条报警" in reply.text
    assert "<script" not in reply.text
    assert "<img" not in reply.text
    assert reply.headers["content-security-policy"].startswith("default-src 'none'")


def test_a_failure_can_ask_to_be_left_alone_for_a_while(receiver: DispatchReceiver) -> None:
    receiver.control(mode="status", status=429, retry_after_s=30)
    assert post(receiver).headers["Retry-After"] == "30"


def test_it_stops_at_once_though_someone_hangs(tmp_path: Path) -> None:
    receiver = DispatchReceiver(SECRET, tmp_path)
    receiver.start()
    receiver.control(mode="hang")
    failed: list[object] = []

    def hang() -> None:
        try:
            failed.append(post(receiver, timeout_s=120).status_code)
        except httpx.HTTPError as error:
            failed.append(error)

    thread = threading.Thread(target=hang)
    thread.start()
    time.sleep(0.3)
    receiver.stop()
    assert not receiver.is_running
    thread.join(60)
    assert len(failed) == 1


def test_the_secret_never_shows() -> None:
    assert SECRET not in repr(Inbox(SECRET))
