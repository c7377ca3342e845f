"""What cameras report while they learn: kept and shown to supervisors, told to nobody.

A camera that has just been added shows first what it usually sees: its chimneys, its glare, a pose that is
off. What it reports meanwhile is therefore no sighting of any incident. It is kept aside, so that nothing
that lists, counts, sends, calls or sounds can come upon it. A supervisor says what it was, and the site
memory learns that; or that it is a fire, and it becomes a sighting like any other.

Not for: when a camera learns (`alerting.camera_register`).
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from PIL import Image, UnidentifiedImageError
from pydantic import TypeAdapter
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerting import audit
from alerting.journal import By
from alerting.lifecycle import Cause
from alerting.store import ConflictError, NotFoundError, Store, add_event
from alerting.tables import LearningSightingRow
from detector.detection import Sighting

_log = logging.getLogger(__name__)

MOST_PER_CAMERA = 200
"""About 20 MB. Who reports more than that has shown what it usually sees; the rest is not kept."""
SHOWN_WIDTH_PX = 1280
JUDGED = {"learning": "judged"}
"""In the event that says that somebody judged one."""
_SIGHTING = TypeAdapter(Sighting)


@dataclass(frozen=True)
class LearningSighting:
    """One report of a camera that learns, and what somebody made of it."""

    number: int
    camera_id: str
    sighting: Sighting
    received_at: datetime
    judged_by: str | None
    judged_at: datetime | None
    cause: Cause | None
    raised_as: str | None
    """The incident raised from it."""


def keep(session: Session, sighting: Sighting, annotated_jpeg: bytes, now: datetime) -> None:
    """Write it down, inside a transaction already open; the same one again changes nothing."""
    if _find(session, sighting.sighting_id) is not None:
        return
    count = select(func.count()).where(LearningSightingRow.camera_id == sighting.camera_id)
    if (session.scalar(count) or 0) >= MOST_PER_CAMERA:
        _log.warning("camera learns, sighting not kept: too many camera=%s", sighting.camera_id)
        return
    row = LearningSightingRow(
        sighting_id=sighting.sighting_id,
        camera_id=sighting.camera_id,
        preset=sighting.preset,
        label=sighting.label,
        confidence=sighting.confidence,
        confirmed_at=sighting.confirmed_at,
        received_at=now,
        sighting=_SIGHTING.dump_python(sighting, mode="json"),
        picture_jpeg=_small(annotated_jpeg),
    )
    session.add(row)
    session.flush()
    _log.info("camera learns camera=%s sighting=%s", sighting.camera_id, sighting.sighting_id)
    data = {"learning": "sighting", "number": row.number}
    add_event(session, now, "camera", camera_id=sighting.camera_id, data=data)


def of_camera(store: Store, camera_id: str) -> tuple[LearningSighting, ...]:
    """Newest first."""
    query = select(LearningSightingRow).filter_by(camera_id=camera_id)
    with store.reading() as session:
        rows = session.scalars(query.order_by(LearningSightingRow.confirmed_at.desc()))
        return tuple(_read(row) for row in rows)


def picture(store: Store, camera_id: str, number: int) -> bytes:
    """With its box drawn, JPEG. Raises NotFoundError."""
    with store.reading() as session:
        return _get(session, camera_id, number).picture_jpeg


def is_known(store: Store, sighting_ids: Collection[str]) -> bool:
    """Whether all of these are only what was reported while learning: nothing more is wanted, no clip."""
    query = select(func.count()).where(
        LearningSightingRow.sighting_id.in_(sighting_ids), LearningSightingRow.raised_as.is_(None)
    )
    with store.reading() as session:
        return bool(sighting_ids) and session.scalar(query) == len(set(sighting_ids))


def dismiss(store: Store, camera_id: str, number: int, cause: Cause, *, by: By) -> LearningSighting:
    """It was no fire but this: the site memory is told. May be said anew. Raises NotFoundError,
    ConflictError for one that became an incident."""
    with store.writing() as session:
        row = _unraised(session, camera_id, number)
        _judge(session, row, by, store.clock(), cause=cause)
        return _read(row)


def raise_(
    store: Store, camera_id: str, number: int, accept: Callable[[Sighting, bytes], str], *, by: By
) -> LearningSighting:
    """It is a fire: `accept` takes sighting and picture in, as of a camera that has learnt, and gives the
    incident. Safe to repeat. Raises NotFoundError, and what `accept` raises."""
    with store.reading() as session:
        row = _unraised(session, camera_id, number)
        sighting, jpeg = _SIGHTING.validate_python(row.sighting), row.picture_jpeg
    incident_id = accept(sighting, jpeg)
    with store.writing() as session:
        row = _get(session, camera_id, number)
        _judge(session, row, by, store.clock(), raised_as=incident_id)
        return _read(row)


def _judge(
    session: Session,
    row: LearningSightingRow,
    by: By,
    now: datetime,
    *,
    cause: Cause | None = None,
    raised_as: str | None = None,
) -> None:
    row.judged_by, row.judged_at = by.who, now
    row.cause, row.raised_as = cause.value if cause is not None else None, raised_as
    said = {"cause": row.cause} if cause is not None else {"incident": raised_as}
    audit.note(session, by, "learning sighting judged", row.number, now, camera=row.camera_id, **said)
    add_event(session, now, "camera", camera_id=row.camera_id, data={**JUDGED, "number": row.number})


def _find(session: Session, sighting_id: str) -> LearningSightingRow | None:
    return session.scalars(select(LearningSightingRow).filter_by(sighting_id=sighting_id)).one_or_none()


def _get(session: Session, camera_id: str, number: int) -> LearningSightingRow:
    row = session.get(LearningSightingRow, number)
    if row is None or row.camera_id != camera_id:
        raise NotFoundError(f"camera {camera_id!r} reported no {number} while it learnt")
    return row


def _unraised(session: Session, camera_id: str, number: int) -> LearningSightingRow:
    row = _get(session, camera_id, number)
    if row.raised_as is not None:
        raise ConflictError(f"it became the incident {row.raised_as}; judge that")
    return row


def _read(row: LearningSightingRow) -> LearningSighting:
    return LearningSighting(
        number=row.number,
        camera_id=row.camera_id,
        sighting=_SIGHTING.validate_python(row.sighting),
        received_at=row.received_at,
        judged_by=row.judged_by,
        judged_at=row.judged_at,
        cause=Cause(row.cause) if row.cause is not None else None,
        raised_as=row.raised_as,
    )


def _small(jpeg: bytes) -> bytes:
    """At most `SHOWN_WIDTH_PX` wide; what cannot be read is left as it is."""
    try:
        with Image.open(io.BytesIO(jpeg)) as found:
            if found.width <= SHOWN_WIDTH_PX:
                return jpeg
            small = found.resize((SHOWN_WIDTH_PX, round(found.height * SHOWN_WIDTH_PX / found.width)))
            buffer = io.BytesIO()
            small.save(buffer, "JPEG", quality=82)
            return buffer.getvalue()
    except (UnidentifiedImageError, OSError, ValueError):
        return jpeg
