"""Is a receiver fit to be trusted with alerts? Sends marked exercises to one target and judges the answers.

"must": without it alerts are lost, doubled or forged. "should": the receiver works, but an error of ours or
an attack would go unnoticed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import SecretStr

from alerting import notices
from alerting.formats import Format, Origin, format_of
from alerting.formats.origin import Kind
from alerting.heartbeat import FORMAT as HEARTBEAT
from alerting.message import FORMAT as ALERT
from alerting.progress import DONE
from alerting.targets import Answer, Outcome, Parcel, open_line
from alerting.targets.http import HttpLine
from config import DispatchTarget

OLD = timedelta(hours=1)


@dataclass(frozen=True)
class Check:
    """One question to the receiver and its answer."""

    name: str
    need: Literal["must", "should"]
    passed: bool
    answer: str


def check_target(
    target: DispatchTarget, origin: Origin, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> tuple[Check, ...]:
    """All checks that the target's kind and settings allow. Raises MessageError for a template that is
    none."""
    return tuple(_checks(target, format_of(target, origin), now))


def _checks(target: DispatchTarget, make: Format, now: Callable[[], datetime]) -> Iterator[Check]:
    began = now()
    incident = f"inc-test-{began:%Y%m%d%H%M%S}"
    first = _parcel(make, sample_alert(incident, 1, "Alert", began))
    line = open_line(target)
    try:
        yield _accepted("takes an alert", line.send(first))
        yield _accepted("takes the same alert again, under the same key", line.send(first))
        for sequence, type_ in ((2, "Update"), (3, "Cancel")):
            message = sample_alert(incident, sequence, type_, began)
            yield _accepted(f"takes {type_}", line.send(_parcel(make, message)))
        if target.heartbeat:
            yield _accepted(
                "takes a heartbeat", line.send(_parcel(make, sample_heartbeat(began), "heartbeat"))
            )
        if target.notices:
            yield _accepted("takes a notice", line.send(_parcel(make, sample_notice(began), "notice")))
        if not target.is_mqtt:
            other = _parcel(make, {**sample_alert(incident, 1, "Alert", began), "confidence": 0.123})
            if other.body != first.body:
                yield _refused("refuses other bytes under a key it knows", "should", line.send(other))
    finally:
        line.close()
    if target.secret is not None and not target.is_mqtt:
        yield from _forgeries(target, first, now)


def _forgeries(target: DispatchTarget, parcel: Parcel, now: Callable[[], datetime]) -> Iterator[Check]:
    wrong = target.model_copy(update={"secret": SecretStr("not the secret of this target")})
    for name, line in (
        ("refuses a wrong signature", HttpLine(wrong)),
        ("refuses a time stamp an hour old (replay)", HttpLine(target, clock=lambda: now() - OLD)),
    ):
        try:
            yield _refused(name, "must", line.send(parcel))
        finally:
            line.close()


def _parcel(make: Format, message: dict[str, Any], kind: Kind = "alert") -> Parcel:
    body = make(message)
    key = message.get("alert_id") or message.get("notice_id") or f"heartbeat.{message['sequence']}"
    return Parcel(key, kind, body.text.encode(), body.media_type)


def _accepted(name: str, answer: Answer) -> Check:
    return Check(name, "must", answer.outcome is Outcome.ACKNOWLEDGED, answer.reason)


def _refused(name: str, need: Literal["must", "should"], answer: Answer) -> Check:
    return Check(name, need, answer.outcome is Outcome.REFUSED, answer.reason)


def sample_alert(incident_id: str, sequence: int, type_: str, at: datetime) -> dict[str, Any]:
    """A complete alert message, marked as an exercise."""
    when = _time(at)
    earlier = [] if type_ == "Alert" else list(range(1, sequence))
    return {
        "format": ALERT,
        "alert_id": f"{incident_id}.{sequence}",
        "incident_id": incident_id,
        "incident_number": 1,
        "sequence": sequence,
        "type": type_,
        "changes": ["conformance test 接口测试"],
        "references": [{"alert_id": f"{incident_id}.{one}", "issued_at": when} for one in earlier],
        "exercise": True,
        "event": "smoke",
        "certainty": "Likely",
        "confidence": 0.5,
        "status": "closed" if type_ == "Cancel" else "suspected",
        "verdict": None,
        "cause": None,
        "response": {
            "stage": "dispatch",
            "called": None,
            "assigned_to": None,
            **dict.fromkeys(DONE.values()),
        },
        "first_seen_at": when,
        "captured_at": when,
        "issued_at": when,
        "sent_at": when,
        "late": False,
        "location": {
            "method": "terrain",
            "lat_deg": 23.105,
            "lon_deg": 116.395,
            "height_m": 275.4,
            "ellipse_95": {"semi_major_m": 120.0, "semi_minor_m": 20.0, "azimuth_deg": 12.0},
            "range_m": 2830.0,
            "range_min_m": 2710.0,
            "range_max_m": 2950.0,
            "caution": None,
            "possibly_two": False,
            "near_place": None,
        },
        "cameras": [
            {
                "camera_id": "test",
                "name": "接口测试",
                "preset": None,
                "lat_deg": 23.13,
                "lon_deg": 116.4,
                "height_m": 562.3,
                "bearing_deg": 190.5,
                "elevation_deg": -5.8,
                "event": "smoke",
                "confidence": 0.5,
                "captured_at": when,
                "sighting_id": "test-1",
            }
        ],
        "grid_chain": [{"level": "grid", "code": "TEST-1", "name": "接口测试网格", "contacts": []}],
        "grids_touched": [{"level": "grid", "code": "TEST-1", "name": "接口测试网格", "share": 1.0}],
        "evidence": [],
        "picture": None,
        "model_id": "exercise",
        "profile": "exercise",
        "config_version": "exercise",
    }


def sample_heartbeat(at: datetime) -> dict[str, Any]:
    return {
        "format": HEARTBEAT,
        "centre": "接口测试",
        "sequence": 1,
        "sent_at": _time(at),
        "interval_s": 60.0,
        "pending": 0,
        "dead": 0,
        "cameras": {"live": 1},
    }


def sample_notice(at: datetime) -> dict[str, Any]:
    return {
        "format": notices.FORMAT,
        "notice_id": f"notice-test-{at:%Y%m%d%H%M%S}",
        "kind": "drill",
        "title": "接口测试",
        "text": "这是一条测试通知。",
        "title_en": "conformance test",
        "text_en": "This is a test notice.",
        "incident_id": None,
        "camera_id": None,
        "exercise": True,
        "issued_at": _time(at),
        "sent_at": _time(at),
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
