"""Writes an alert and its deliveries, inside the transaction that changed the incident."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerting import message
from alerting.message import MessageError
from alerting.people import lane_of
from alerting.records import AlertType
from alerting.store import add_event, read_incident
from alerting.tables import AlertRow, DeliveryRow

log = logging.getLogger(__name__)


def publish(
    session: Session,
    incident_id: str,
    *,
    changes: Sequence[str],
    now: datetime,
    cancel: bool = False,
    extra_targets: Iterable[str] = (),
    picture_jpeg: bytes | None = None,
) -> str:
    """Put the incident as it now stands into the outbox and return the alert's id.

    It goes to everyone who was told before and to `extra_targets`. After a Cancel the next message is an
    Alert again, because receivers have forgotten the incident by then. Without `picture_jpeg` the picture of
    the message before is carried on.
    """
    session.flush()
    incident = read_incident(session, incident_id)
    last = incident.alerts[-1] if incident.alerts else None
    type_: AlertType = "Alert" if last is None or last.type == "Cancel" else "Update"
    if cancel:
        type_ = "Cancel"
    if picture_jpeg is None and last is not None:
        picture_jpeg = message.picture_of(dict(last.content))
    sequence = last.sequence + 1 if last is not None else 1
    alert_id = message.alert_id(incident_id, sequence)
    content = message.build(
        incident,
        sequence=sequence,
        type_=type_,
        changes=changes,
        issued_at=now,
        picture_jpeg=picture_jpeg,
    )
    _report_misfit(content, now)
    session.add(
        AlertRow(
            alert_id=alert_id,
            incident_id=incident_id,
            sequence=sequence,
            type=type_,
            created_at=now,
            content=content,
        )
    )
    session.flush()
    told = (
        select(DeliveryRow.target_id)
        .where(DeliveryRow.incident_id == incident_id, DeliveryRow.alert_id.is_not(None))
        .distinct()
    )
    for target_id in sorted({*session.scalars(told), *extra_targets}):
        session.add(
            DeliveryRow(
                alert_id=alert_id,
                incident_id=incident_id,
                stream=incident_id,
                sequence=sequence,
                target_id=target_id,
                lane=lane_of(target_id),
                state="pending",
                attempts=0,
                next_attempt_at=now,
                created_at=now,
            )
        )
    data = {"alert_id": alert_id, "sequence": sequence, "type": type_}
    add_event(session, now, "alert", incident_id=incident_id, data=data)
    return alert_id


def _report_misfit(content: dict[str, Any], now: datetime) -> None:
    """A message that breaks its own schema is our fault and must be seen, but the fire must be told too."""
    try:
        message.validate(message.complete(content, sent_at=now, links=None))
        json.dumps(content, allow_nan=False)
    except (MessageError, ValueError) as error:
        log.error("alert does not fit its schema, it is sent all the same: %s", error)
