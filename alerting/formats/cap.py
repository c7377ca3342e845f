"""CAP 1.2 XML (OASIS Standard, 1 July 2010): what public warning systems read.

Decisions where the standard leaves room: `sent` is when the centre issued the message, so that `references`
of later ones name it whatever the line did in between; scope is Restricted, because alerts name people;
there is no `expires`, because a fire does not end by a clock, a Cancel or Update ends it. Numbers follow
the standard, not our habits: circles in kilometres, altitude in feet, UTC written -00:00.
"""

from __future__ import annotations

import re
from datetime import tzinfo
from typing import Any
from xml.etree import ElementTree as ET

from alerting.formats import ellipse
from alerting.formats.cautions import caution_zh
from alerting.formats.origin import (
    CERTAINTIES,
    EVENTS,
    STATUSES,
    TYPES,
    Origin,
    kind_of,
    moment,
    place_en,
    place_zh,
)

MEDIA_TYPE = "application/cap+xml"
NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"

_FEET_IN_A_METRE = 1 / 0.3048
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ENDED = ("dismissed", "closed")


def render(message: dict[str, Any], origin: Origin) -> str:
    """The message as a CAP document. Notices and heartbeats become messages of status System."""
    match kind_of(message):
        case "alert":
            root = _alert(message, origin)
        case "notice":
            root = _notice(message, origin)
        case "heartbeat":
            root = _head(f"heartbeat.{message['sequence']}", message["sent_at"], "System", "Alert", origin)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def cap_time(text: str, zone: tzinfo) -> str:
    """A time of a message as CAP writes it.

    >>> from datetime import UTC, timedelta, timezone
    >>> cap_time("2026-11-24T04:00:08.700Z", timezone(timedelta(hours=8)))
    '2026-11-24T12:00:08+08:00'
    >>> cap_time("2026-11-24T04:00:08.000Z", UTC)
    '2026-11-24T04:00:08-00:00'
    """
    written = moment(text).astimezone(zone).replace(microsecond=0).isoformat()
    return written.replace("+00:00", "-00:00")


def _head(identifier: str, sent: str, status: str, type_: str, origin: Origin) -> ET.Element:
    root = ET.Element("alert", xmlns=NAMESPACE)
    _add(root, "identifier", identifier)
    _add(root, "sender", origin.sender)
    _add(root, "sent", cap_time(sent, origin.time_zone))
    _add(root, "status", status)
    _add(root, "msgType", type_)
    _add(root, "source", origin.name)
    _add(root, "scope", "Restricted")
    _add(root, "restriction", "应急值守人员 (emergency services)")
    return root


def _alert(alert: dict[str, Any], origin: Origin) -> ET.Element:
    status = "Exercise" if alert["exercise"] else "Actual"
    root = _head(alert["alert_id"], alert["issued_at"], status, alert["type"], origin)
    note = "; ".join(alert["changes"])
    if alert["exercise"]:
        note = f"演练 EXERCISE. {note}"
    if alert["late"]:
        note = f"迟到报警 LATE, first sent {cap_time(alert['sent_at'], origin.time_zone)}. {note}"
    if note:
        _add(root, "note", note)
    if alert["references"]:
        _add(
            root,
            "references",
            " ".join(
                f"{origin.sender},{one['alert_id']},{cap_time(one['issued_at'], origin.time_zone)}"
                for one in alert["references"]
            ),
        )
    _add(root, "incidents", alert["incident_id"])
    _info(root, alert, origin, "zh-CN")
    _info(root, alert, origin, "en")
    return root


def _info(root: ET.Element, alert: dict[str, Any], origin: Origin, language: str) -> None:
    zh = language == "zh-CN"
    zone = origin.time_zone
    info = ET.SubElement(root, "info")
    _add(info, "language", language)
    _add(info, "category", "Fire")
    event = EVENTS[alert["event"]] if zh else alert["event"]
    _add(info, "event", f"森林火情（{event}）" if zh else f"Wildfire ({event})")
    _add(info, "responseType", _response(alert))
    _add(info, "urgency", _urgency(alert))
    _add(info, "severity", _severity(alert))
    _add(info, "certainty", alert["certainty"])
    _pair(info, "eventCode", "firewatch:event", alert["event"])
    _add(info, "effective", cap_time(alert["captured_at"], zone))
    _add(info, "onset", cap_time(alert["first_seen_at"], zone))
    _add(info, "senderName", origin.name)
    _add(info, "headline", headline_zh(alert) if zh else headline_en(alert))
    _add(info, "description", _description(alert, zone, zh=zh))
    picture = next((one for one in alert["evidence"] if one["url"]), None)
    if picture:
        _add(info, "web", picture["url"])
    contacts = [
        f"{area['name']} {one['name']}（{one['role']}）{one['phone']}"
        for area in alert["grid_chain"]
        for one in area["contacts"]
    ]
    if contacts:
        _add(info, "contact", "; ".join(contacts))
    for name, value in _parameters(alert, zone):
        _pair(info, "parameter", name, value)
    _resources(info, alert, zh=zh)
    _area(info, alert, zh=zh)


def headline_zh(alert: dict[str, Any]) -> str:
    """One line of Chinese that says what this message is."""
    drill = "【演练】" if alert["exercise"] else ""
    late = "（迟到）" if alert["late"] else ""
    two = "（可能两处）" if alert["location"].get("possibly_two") else ""
    word, event = TYPES[alert["type"]], EVENTS[alert["event"]] + two
    return f"{drill}{alert['incident_number']}号火情{word}{late}：{event}，{place_zh(alert)}"


def headline_en(alert: dict[str, Any]) -> str:
    """As `headline_zh`, in English."""
    drill = "EXERCISE: " if alert["exercise"] else ""
    late = " (late)" if alert["late"] else ""
    two = " (possibly two fires)" if alert["location"].get("possibly_two") else ""
    number, word = alert["incident_number"], alert["type"].lower()
    return f"{drill}incident {number}, {word}{late}: {alert['event']}{two} at {place_en(alert)}"


def _description(alert: dict[str, Any], zone: tzinfo, *, zh: bool) -> str:
    captured = cap_time(alert["captured_at"], zone)
    caution = alert["location"].get("caution")
    if zh:
        status, certainty = STATUSES.get(alert["status"], alert["status"]), CERTAINTIES[alert["certainty"]]
        seen = "、".join(one["name"] for one in alert["cameras"])
        text = f"{certainty}，状态：{status}。由{seen}发现，拍摄时间 {captured}。"
        return text + (f"位置须慎用：{caution_zh(caution)}。" if caution else "")
    seen = ", ".join(one["name"] for one in alert["cameras"])
    text = f"{alert['certainty']}, status {alert['status']}. Seen by {seen}, picture taken {captured}."
    return text + (f" Position with caution: {caution}." if caution else "")


def _parameters(alert: dict[str, Any], zone: tzinfo) -> list[tuple[str, str]]:
    where = alert["location"]
    values: list[tuple[str, Any]] = [
        ("incidentNumber", alert["incident_number"]),
        ("sequence", alert["sequence"]),
        ("status", alert["status"]),
        ("verdict", alert["verdict"]),
        ("cause", alert["cause"]),
        ("confidence", alert["confidence"]),
        ("capturedAt", cap_time(alert["captured_at"], zone)),
        ("sentAt", cap_time(alert["sent_at"], zone)),
        ("late", str(alert["late"]).lower()),
        ("locationMethod", where["method"]),
        ("possiblyTwo", "true" if where.get("possibly_two") else None),
        ("rangeMinM", where.get("range_min_m")),
        ("rangeMaxM", where.get("range_max_m")),
        ("modelId", alert["model_id"]),
        ("configVersion", alert["config_version"]),
    ]
    response = alert.get("response") or {}
    for name in ("stage", "called", "assigned_to"):
        values.append((_camel(name), response.get(name)))
    values += [
        (name, f"{done['by']} {cap_time(done['at'], zone)}")
        for name, done in response.items()
        if isinstance(done, dict)
    ]
    values += [
        (f"camera:{one['camera_id']}", f"bearing {one['bearing_deg']} elevation {one['elevation_deg']}")
        for one in alert["cameras"]
    ]
    return [(f"firewatch:{name}", str(value)) for name, value in values if value is not None]


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(one.capitalize() for one in others)


def _resources(info: ET.Element, alert: dict[str, Any], *, zh: bool) -> None:
    """Links to the evidence; the small picture itself only once, in the Chinese block."""
    words = {
        "thumbnail": "火点小图",
        "snapshot": "现场照片",
        "annotated": "标注照片",
        "clip": "视频",
        "original": "原始视频",
        "lead_up": "起火前照片",
    }
    for one in alert["evidence"]:
        if not one["url"]:
            continue
        resource = ET.SubElement(info, "resource")
        _add(resource, "resourceDesc", words.get(one["kind"], one["kind"]) if zh else one["kind"])
        _add(resource, "mimeType", one["media_type"])
        _add(resource, "size", str(one["size_bytes"]))
        _add(resource, "uri", one["url"])
    if zh and alert["picture"]:
        resource = ET.SubElement(info, "resource")
        _add(resource, "resourceDesc", "小图")
        _add(resource, "mimeType", alert["picture"]["media_type"])
        _add(resource, "derefUri", alert["picture"]["base64"])


def _area(info: ET.Element, alert: dict[str, Any], *, zh: bool) -> None:
    where = alert["location"]
    area = ET.SubElement(info, "area")
    _add(area, "areaDesc", place_zh(alert) if zh else place_en(alert))
    if corners := ellipse.ring(where):
        _add(area, "polygon", " ".join(f"{lat},{lon}" for lat, lon in corners))
        radius_km = where["ellipse_95"]["semi_major_m"] / 1000
        _add(area, "circle", f"{where['lat_deg']},{where['lon_deg']} {radius_km:.3f}")
    else:
        for camera in alert["cameras"]:
            if where.get("range_max_m"):
                lat, lon, radius_km = camera["lat_deg"], camera["lon_deg"], where["range_max_m"] / 1000
                _add(area, "circle", f"{lat},{lon} {radius_km:.3f}")
    for one in alert["grid_chain"]:
        _pair(area, "geocode", f"firewatch:{one['level']}", one["code"])
    if where.get("height_m") is not None:
        _add(area, "altitude", f"{where['height_m'] * _FEET_IN_A_METRE:.0f}")


def _notice(notice: dict[str, Any], origin: Origin) -> ET.Element:
    status = "Exercise" if notice["exercise"] else "System"
    root = _head(notice["notice_id"], notice["issued_at"], status, "Alert", origin)
    for language, title, text in (
        ("zh-CN", notice["title"], notice["text"]),
        ("en", notice["title_en"], notice["text_en"]),
    ):
        info = ET.SubElement(root, "info")
        _add(info, "language", language)
        _add(info, "category", "Infra")
        _add(info, "event", title)
        _add(info, "urgency", "Immediate" if notice["kind"] == "call" else "Expected")
        _add(info, "severity", "Unknown")
        _add(info, "certainty", "Observed")
        _add(info, "senderName", origin.name)
        _add(info, "headline", title)
        _add(info, "description", text)
    return root


def _response(alert: dict[str, Any]) -> str:
    if alert["type"] == "Cancel" or alert["status"] in _ENDED:
        return "AllClear"
    return "Assess" if alert["status"] == "suspected" else "Execute"


def _urgency(alert: dict[str, Any]) -> str:
    if alert["type"] == "Cancel" or alert["status"] in _ENDED:
        return "Past"
    return "Expected" if alert["status"] == "controlled" else "Immediate"


def _severity(alert: dict[str, Any]) -> str:
    """No camera measures how bad a fire is: flames are Severe, a fire believed in Moderate, else Unknown."""
    if alert["type"] == "Cancel" or alert["status"] in _ENDED:
        return "Minor"
    if alert["event"] == "fire":
        return "Severe"
    return "Moderate" if alert["certainty"] == "Observed" else "Unknown"


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = _NOT_XML.sub("\ufffd", text)


def _pair(parent: ET.Element, name: str, value_name: str, value: str) -> None:
    pair = ET.SubElement(parent, name)
    _add(pair, "valueName", value_name)
    _add(pair, "value", value)
