"""What arrives, in whichever format: read into one dict for the sandbox receiver's page.

JSON messages are kept as they are; CAP is read into the same field names as far as it has them; a GeoJSON
collection is the properties of its fire. Trusts nothing: any part may be missing.
"""

from __future__ import annotations

import json
from typing import Any, Literal
from xml.etree import ElementTree as ET

Kind = Literal["alert", "notice", "heartbeat"]

_CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"


class UnreadableError(ValueError):
    """A body that is none of the formats."""


def read_message(body: bytes) -> dict[str, Any]:
    """The message of a body. Raises UnreadableError."""
    if body.lstrip()[:1] == b"<":
        return _read_cap(body)
    try:
        message = json.loads(body)
    except ValueError:
        raise UnreadableError("the body is no JSON") from None
    if not isinstance(message, dict):
        raise UnreadableError("the body is no JSON object")
    if message.get("type") == "FeatureCollection":
        return _read_geojson(message)
    return message


def kind_of(message: dict[str, Any]) -> Kind:
    """What a message is.

    >>> [kind_of({"format": name}) for name in ("firewatch.heartbeat/1", "firewatch.notice/1", "geojson")]
    ['heartbeat', 'notice', 'alert']
    """
    format_, name = str(message.get("format")), str(message.get("alert_id"))
    if format_.startswith("firewatch.heartbeat/") or name.startswith("heartbeat."):
        return "heartbeat"
    if format_.startswith("firewatch.notice/") or message.get("cap_status") == "System":
        return "notice"
    return "alert"


def _read_cap(body: bytes) -> dict[str, Any]:
    if b"<!DOCTYPE" in body[:2000]:
        raise UnreadableError("CAP has no document type declaration")
    try:
        root = ET.fromstring(body)
    except ET.ParseError as error:
        raise UnreadableError(f"the body is no XML: {error}") from None
    if root.tag != f"{_CAP}alert":
        raise UnreadableError("the body is no CAP 1.2 alert")

    def text(path: str) -> str | None:
        found = root.find("/".join(f"{_CAP}{part}" for part in path.split("/")))
        return found.text if found is not None else None

    return {
        "format": "cap/1.2",
        "alert_id": text("identifier"),
        "incident_id": text("incidents"),
        "type": text("msgType"),
        "cap_status": text("status"),
        "exercise": text("status") == "Exercise",
        "title": text("info/headline"),
        "text": text("info/description"),
        "certainty": text("info/certainty"),
        "area": text("info/area/areaDesc"),
        "references": text("references"),
        "captured_at": text("info/effective"),
        "xml": body.decode("utf-8", "replace"),
    }


def _read_geojson(collection: dict[str, Any]) -> dict[str, Any]:
    for kind in ("notice", "heartbeat"):
        if isinstance(collection.get(kind), dict):
            return dict(collection[kind])
    features = [one for one in collection.get("features") or () if isinstance(one, dict)]
    by_role: dict[str, list[dict[str, Any]]] = {}
    for feature in features:
        properties = feature.get("properties")
        if isinstance(properties, dict):
            by_role.setdefault(str(properties.get("role")), []).append(properties)
    fire = by_role.get("fire", [{}])[0]
    return {**fire, "format": "geojson", "cameras": by_role.get("camera", [])}
