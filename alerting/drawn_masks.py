"""Masks that people draw on the picture in the console, beside those of the deployment file: parts of a view
in which nothing is reported (a permitted chimney).

Private parts are not drawn here: they must be black in everything that is made of the picture from the first
frame on, so they stand in the deployment file. Nothing is deleted; removing is noted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from alerting import audit
from alerting.journal import By
from alerting.store import ConflictError, NotFoundError, Store, add_event
from alerting.tables import DrawnMaskRow
from config import Mask

MOST_PER_CAMERA = 100


@dataclass(frozen=True)
class DrawnMask:
    """`mask.kind` is always "ignore"."""

    mask_id: int
    camera_id: str
    mask: Mask
    drawn_by: str
    drawn_at: datetime


def draw(
    store: Store,
    camera_id: str,
    *,
    name: str,
    polygon: Sequence[tuple[float, float]],
    preset: str | None,
    by: By,
) -> DrawnMask:
    """Raises ConflictError when the camera has too many, and what `Mask` raises for a shape that is none."""
    mask = Mask(kind="ignore", name=name, preset=preset, polygon=tuple(polygon))
    with store.writing() as session:
        now = store.clock()
        query = select(DrawnMaskRow).filter_by(camera_id=camera_id, removed_at=None)
        if len(session.scalars(query).all()) >= MOST_PER_CAMERA:
            raise ConflictError(f"camera {camera_id!r} has {MOST_PER_CAMERA} masks; remove some first")
        row = DrawnMaskRow(
            camera_id=camera_id,
            name=mask.name,
            preset=preset,
            polygon=[list(corner) for corner in mask.polygon],
            drawn_by=by.who,
            drawn_at=now,
        )
        session.add(row)
        session.flush()
        audit.note(session, by, "mask drawn", row.mask_id, now, camera=camera_id, name=name)
        add_event(session, now, "camera", camera_id=camera_id, data={"masks": "drawn"})
        return _drawn(row)


def remove(store: Store, camera_id: str, mask_id: int, *, by: By) -> DrawnMask:
    """Raises NotFoundError unless the camera has it."""
    with store.writing() as session:
        row = session.get(DrawnMaskRow, mask_id)
        if row is None or row.camera_id != camera_id or row.removed_at is not None:
            raise NotFoundError(f"camera {camera_id!r} has no drawn mask {mask_id}")
        now = store.clock()
        row.removed_by, row.removed_at = by.who, now
        audit.note(session, by, "mask removed", mask_id, now, camera=camera_id, name=row.name)
        add_event(session, now, "camera", camera_id=camera_id, data={"masks": "removed"})
        return _drawn(row)


def current(store: Store, camera_id: str | None = None) -> tuple[DrawnMask, ...]:
    """All that count now, of one camera or of all."""
    query = select(DrawnMaskRow).filter_by(removed_at=None).order_by(DrawnMaskRow.mask_id)
    if camera_id is not None:
        query = query.filter_by(camera_id=camera_id)
    with store.reading() as session:
        return tuple(_drawn(row) for row in session.scalars(query))


def _drawn(row: DrawnMaskRow) -> DrawnMask:
    polygon = tuple((float(x), float(y)) for x, y in row.polygon)
    mask = Mask(kind="ignore", name=row.name, preset=row.preset, polygon=polygon)
    return DrawnMask(row.mask_id, row.camera_id, mask, row.drawn_by, row.drawn_at)
