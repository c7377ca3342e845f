"""Writes an alert and its deliveries, inside the transaction that changed the incident."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerting import message
from alerting.lifecycle import Stage
from alerting.message import MessageError
from alerting.people import lane_of
from alerting.records import AlertType, IncidentDetail
from alerting.store import add_event, read_incident
from alerting.tables import AlertRow, DeliveryRow, IncidentRow

log = logging.getLogger(__name__)


def publish(
    session: Session,
    incident_id: str,
    *,
    changes: Sequence[str],
    now: datetime,
    cancel: bool = False,
    picture_jpeg: bytes | None = None,
) -> str:
    """Put the incident as it now stands into the outbox and return the alert's id.

    It goes to everyone who was told before and to those who hear of the incident's stage. The first message
    that goes to anyone is an Alert; so is the next after a Cancel, because receivers have forgotten the
    incident by then. Without `picture_jpeg` the picture of the message before is carried on.
    """
    session.flush()
    incident = read_incident(session, incident_id, only_representatives=True)
    told = set(
        session.scalars(
            select(DeliveryRow.target_id)
            .where(DeliveryRow.incident_id == incident_id, DeliveryRow.alert_id.is_not(None))
            .distinct()
        )
    )
    receivers = told | _hear_of_it(session, incident)
    last = incident.alerts[-1] if incident.alerts else None
    opens = last is None or last.type == "Cancel" or (receivers and not told)
    type_: AlertType = "Alert" if opens else "Update"
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
    for target_id in sorted(receivers):
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


def _hear_of_it(session: Session, incident: IncidentDetail) -> set[str]:
    """Those who are to be told of incidents at this stage."""
    targets = session.get_one(IncidentRow, incident.summary.number).targets
    stage = incident.summary.response.stage
    return {target_id for target_id, since in targets.items() if stage.includes(Stage(since))}


def _report_misfit(content: dict[str, Any], now: datetime) -> None:
    """A message that breaks its own schema is our fault and must be seen, but the fire must be told too."""
    try:
        message.validate(message.complete(content, sent_at=now, links=None))
        json.dumps(content, allow_nan=False)
    except (MessageError, ValueError) as error:
        log.error("alert does not fit its schema, it is sent all the same: %s", error)
