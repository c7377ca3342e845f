"""Notices: what must be told and is no alert. Somebody is called about a fire, a camera does not see, an
alert could not be delivered. They go through the outbox as alerts do: written in the transaction that found
the reason, delivered until acknowledged.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import jsonschema
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerting.formats.origin import MessageError
from alerting.people import Recipient, lane_of
from alerting.tables import DeliveryRow, NoticeRow

FORMAT = "firewatch.notice/1"
SCHEMA_PATH = Path(__file__).parent / "notice.schema.json"

NoticeKind = Literal["call", "camera", "trouble", "drill"]


@dataclass(frozen=True)
class Notice:
    """What is told, in Chinese and English. `notice_id` makes it once: posting it again does nothing."""

    notice_id: str
    kind: NoticeKind
    title: str
    text: str
    title_en: str
    text_en: str
    incident_id: str | None = None
    camera_id: str | None = None
    exercise: bool = False


def post(
    session: Session,
    notice: Notice,
    *,
    now: datetime,
    people: Iterable[Recipient] = (),
    targets: Iterable[str] = (),
    stream: str | None = None,
    sequence: int = 1,
) -> bool:
    """Put the notice into the outbox for these people and targets; False when it was there before.

    Notices of one `stream` reach a receiver in the order of `sequence`; by default each stands alone.
    Call it inside the transaction that found the reason.
    """
    if session.get(NoticeRow, notice.notice_id) is not None:
        return False
    content = {"format": FORMAT, **asdict(notice), "issued_at": _time(now)}
    session.add(
        NoticeRow(
            notice_id=notice.notice_id,
            kind=notice.kind,
            incident_id=notice.incident_id,
            camera_id=notice.camera_id,
            created_at=now,
            content=content,
        )
    )
    session.flush()
    recipients: dict[str, dict[str, Any] | None] = {one.target_id: one.stored() for one in people}
    recipients |= dict.fromkeys(targets)
    for target_id, recipient in sorted(recipients.items()):
        session.add(
            DeliveryRow(
                notice_id=notice.notice_id,
                incident_id=notice.incident_id,
                stream=stream or notice.notice_id,
                sequence=sequence,
                target_id=target_id,
                lane=lane_of(target_id),
                recipient=recipient,
                state="pending",
                attempts=0,
                next_attempt_at=now,
                created_at=now,
            )
        )
    return True


def complete(content: dict[str, Any], *, sent_at: datetime) -> dict[str, Any]:
    """The notice as it is sent."""
    return {**content, "sent_at": _time(sent_at)}


def validate(notice: Any) -> None:
    """Raises MessageError naming the first field that does not fit the schema."""
    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(notice))
    if error is not None:
        raise MessageError(f"notice, field {error.json_path}: {error.message[:200]}")


def of_incident(session: Session, incident_id: str) -> tuple[NoticeRow, ...]:
    """The notices about an incident, oldest first."""
    query = select(NoticeRow).filter_by(incident_id=incident_id).order_by(NoticeRow.created_at)
    return tuple(session.scalars(query))


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
