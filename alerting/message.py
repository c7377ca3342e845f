"""The alert message: what goes to dispatch, as JSON described by alert.schema.json (see docs/alerts.md).

Every message is complete in itself: a receiver that missed the one before is not lost. It is made in two
steps. `build` says what is known when the incident changes, and is stored with it; `complete` adds, at the
first attempt to send, the sending time and evidence links that expire from then. Both are pure.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from alerting.evidence_links import EvidenceLinks
from alerting.formats.origin import MessageError, moment
from alerting.lifecycle import Status, Verdict
from alerting.place_words import near_en, near_zh
from alerting.progress import DONE, progress_of
from alerting.records import (
    AlertRecord,
    AlertType,
    Contact,
    IncidentDetail,
    IncidentSummary,
    NearPlace,
    SightingRecord,
)

__all__ = ["MessageError", "alert_id", "build", "certainty", "complete", "picture_of", "validate"]

SCHEMA_PATH = Path(__file__).parent / "alert.schema.json"
FORMAT = "firewatch.alert/1"
MAX_PICTURE_BYTES = 15_000
"""20 kB in base64: a message must pass a thin link quickly."""


LATE_AFTER_S = 60.0
"""A message first sent so long after it was issued says that it is late."""


_UNKNOWN_TO_OLDER_PROGRAMS: dict[str, Any] = {
    "references": [],
    "exercise": False,
    "grids_touched": [],
    "response": None,
}
"""What messages that an older program stored do not say. They are sent after an upgrade all the same."""


def alert_id(incident_id: str, sequence: int) -> str:
    """Stable name of one message; also its idempotency key."""
    return f"{incident_id}.{sequence}"


def build(
    incident: IncidentDetail,
    *,
    sequence: int,
    type_: AlertType,
    changes: Sequence[str],
    issued_at: datetime,
    picture_jpeg: bytes | None,
) -> dict[str, Any]:
    """The message's content as known now. `changes` says in words what is new since the message before."""
    summary = incident.summary
    newest = max(incident.sightings, key=lambda one: one.confirmed_at)
    return {
        "format": FORMAT,
        "alert_id": alert_id(summary.incident_id, sequence),
        "incident_id": summary.incident_id,
        "incident_number": summary.number,
        "sequence": sequence,
        "type": type_,
        "changes": list(changes),
        "references": _references(incident.alerts) if type_ != "Alert" else [],
        "exercise": summary.exercise,
        "event": summary.label,
        "certainty": certainty(summary),
        "confidence": round(summary.confidence, 4),
        "status": summary.status.value,
        "verdict": summary.verdict.value if summary.verdict else None,
        "cause": summary.cause.value if summary.cause else None,
        "response": _response(incident),
        "first_seen_at": _time(summary.first_seen_at),
        "captured_at": _time(newest.confirmed_at),
        "issued_at": _time(issued_at),
        "location": _location(summary),
        "cameras": [_camera(one) for one in incident.sightings],
        "grid_chain": [
            {**asdict(area), "contacts": [_contact(one) for one in area.contacts]}
            for area in summary.grid_chain
        ],
        "grids_touched": [asdict(one) for one in summary.grids_touched],
        "evidence": [
            {
                "evidence_id": one.evidence_id,
                "sighting_id": one.sighting_id,
                "kind": one.kind,
                "media_type": one.media_type,
                "sha256": one.sha256,
                "size_bytes": one.size_bytes,
                "captured_at": _time(one.captured_at),
                "incomplete": one.incomplete,
            }
            for one in incident.evidence
        ],
        "picture": _picture(picture_jpeg),
        "model_id": newest.model_id,
        "profile": newest.profile,
        "config_version": newest.config_version,
    }


def complete(content: dict[str, Any], *, sent_at: datetime, links: EvidenceLinks | None) -> dict[str, Any]:
    """The whole message. Without `links` the evidence is named but cannot be fetched."""
    evidence = [{**one, **_link(one["evidence_id"], sent_at, links)} for one in content["evidence"]]
    late_s = (sent_at - moment(content["issued_at"])).total_seconds()
    return {
        **_UNKNOWN_TO_OLDER_PROGRAMS,
        **content,
        "sent_at": _time(sent_at),
        "late": late_s > LATE_AFTER_S,
        "evidence": evidence,
    }


def validate(message: Any) -> None:
    """Raises MessageError naming the first field that does not fit the schema."""
    error = jsonschema.exceptions.best_match(_validator().iter_errors(message))
    if error is not None:
        raise MessageError(f"alert message, field {error.json_path}: {error.message[:200]}")


def certainty(summary: IncidentSummary) -> str:
    """The word of CAP 1.2: what a machine confirmed is likely, what a person confirmed is observed."""
    if summary.status is Status.DISMISSED:
        return "Unlikely"
    return "Observed" if summary.verdict is Verdict.WILDFIRE else "Likely"


def picture_of(content: dict[str, Any]) -> bytes | None:
    """The inline picture of a message built before, to be carried on."""
    picture = content.get("picture")
    return base64.b64decode(picture["base64"]) if picture else None


def _references(alerts: Sequence[AlertRecord]) -> list[dict[str, str]]:
    """The messages this one replaces: all since the incident was last opened."""
    opened = max((index for index, one in enumerate(alerts) if one.type == "Alert"), default=0)
    return [{"alert_id": one.alert_id, "issued_at": _time(one.created_at)} for one in alerts[opened:]]


@cache
def _validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


def _time(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds.

    >>> _time(datetime(2026, 11, 24, 4, 5, 6, 789000, tzinfo=UTC))
    '2026-11-24T04:05:06.789Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _location(summary: IncidentSummary) -> dict[str, Any]:
    where = summary.location
    return {
        "method": where.method,
        "lat_deg": _rounded(where.lat_deg, 6),
        "lon_deg": _rounded(where.lon_deg, 6),
        "height_m": _rounded(where.height_m, 1),
        "ellipse_95": None
        if where.ellipse is None
        else {
            "semi_major_m": round(where.ellipse.semi_major_m, 1),
            "semi_minor_m": round(where.ellipse.semi_minor_m, 1),
            "azimuth_deg": round(where.ellipse.azimuth_deg, 1),
        },
        "range_m": _rounded(where.range_m, 0),
        "range_min_m": _rounded(where.range_min_m, 0),
        "range_max_m": _rounded(where.range_max_m, 0),
        "caution": where.caution,
        "possibly_two": where.possibly_two,
        "near_place": _near_place(summary.near_place),
    }


def _near_place(near: NearPlace | None) -> dict[str, Any] | None:
    if near is None:
        return None
    return {
        "name": near.name,
        "name_en": near.name_en,
        "distance_m": round(near.distance_m),
        "bearing_deg": round(near.bearing_deg, 1),
        "words_zh": near_zh(near),
        "words_en": near_en(near),
    }


def _response(incident: IncidentDetail) -> dict[str, Any]:
    now = incident.summary.response
    done = progress_of(incident.history)
    marks = {name: {"by": done[name].by, "at": _time(done[name].at)} for name in done}
    return {
        "stage": now.stage.value,
        "called": now.called,
        "assigned_to": now.assigned_to,
        **dict.fromkeys(DONE.values()),
        **marks,
    }


def _camera(sighting: SightingRecord) -> dict[str, Any]:
    return {
        "camera_id": sighting.camera_id,
        "name": sighting.camera_name,
        "preset": sighting.preset,
        "lat_deg": round(sighting.camera_lat_deg, 6),
        "lon_deg": round(sighting.camera_lon_deg, 6),
        "height_m": _rounded(sighting.camera_height_m, 1),
        "bearing_deg": round(sighting.location.bearing_deg, 2),
        "elevation_deg": round(sighting.location.elevation_deg, 2),
        "event": sighting.label,
        "confidence": round(sighting.confidence, 4),
        "captured_at": _time(sighting.confirmed_at),
        "sighting_id": sighting.sighting_id,
    }


def _contact(contact: Contact) -> dict[str, str]:
    """Without the person's channels, which are for our own calls."""
    return {"name": contact.name, "role": contact.role, "phone": contact.phone}


def _picture(jpeg: bytes | None) -> dict[str, str] | None:
    if jpeg is None:
        return None
    return {"media_type": "image/jpeg", "base64": base64.b64encode(jpeg).decode("ascii")}


def _link(evidence_id: int, sent_at: datetime, links: EvidenceLinks | None) -> dict[str, str | None]:
    if links is None:
        return {"url": None, "expires_at": None}
    url, expires_at = links.sign(evidence_id, sent_at)
    return {"url": url, "expires_at": _time(expires_at)}


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
