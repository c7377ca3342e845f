"""Messages of every kind, complete and marked as exercises: what a receiver is tested with before a fire
is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from alerting import notices
from alerting.formats import Format
from alerting.formats.origin import Kind
from alerting.heartbeat import FORMAT as HEARTBEAT
from alerting.message import FORMAT as ALERT
from alerting.progress import DONE
from alerting.targets import Parcel


def parcel_of(make: Format, message: dict[str, Any], kind: Kind = "alert") -> Parcel:
    """A sample, ready to send."""
    body = make(message)
    key = message.get("alert_id") or message.get("notice_id") or f"heartbeat.{message['sequence']}"
    return Parcel(key, kind, body.text.encode(), body.media_type)


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
