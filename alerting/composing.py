"""From a delivery's row to the message that it carries, and to the parcel that is sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerting import message, notices
from alerting.evidence_links import EvidenceLinks
from alerting.formats.origin import MessageError
from alerting.tables import AlertRow, DeliveryRow, NoticeRow
from alerting.targets.line import Parcel


class Composer:
    """Completes messages with what only sending knows: the time, and links that expire from then."""

    def __init__(self, links: EvidenceLinks | None) -> None:
        self._links = links

    def message_of(self, session: Session, row: DeliveryRow, now: datetime) -> dict[str, Any]:
        """The message of a delivery. Raises MessageError for a stored one that cannot be completed."""
        try:
            if row.notice_id is not None:
                return notices.complete(session.get_one(NoticeRow, row.notice_id).content, sent_at=now)
            content = session.get_one(AlertRow, row.alert_id).content
            return message.complete(content, sent_at=now, links=self._links)
        except (KeyError, TypeError, ValueError) as error:
            raise MessageError(f"the stored message is damaged: {type(error).__name__}: {error}") from error

    def newest_alert(self, session: Session, incident_id: str | None, now: datetime) -> dict[str, Any] | None:
        """What the fire is that a notice speaks of."""
        query = (
            select(AlertRow).filter_by(incident_id=incident_id).order_by(AlertRow.sequence.desc()).limit(1)
        )
        row = session.scalars(query).one_or_none()
        return message.complete(row.content, sent_at=now, links=self._links) if row else None


def parcel_of(row: DeliveryRow, now: datetime) -> Parcel:
    """What is sent, once the body is fixed."""
    assert row.body is not None
    assert row.media_type is not None
    waited_s = (now - row.created_at).total_seconds()
    return Parcel(
        key=row.alert_id or row.notice_id or "",
        kind="alert" if row.alert_id else "notice",
        body=row.body.encode(),
        media_type=row.media_type,
        late_s=waited_s if waited_s > message.LATE_AFTER_S else None,
    )
