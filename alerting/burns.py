"""Permitted burns (计划用火): areas where somebody may burn for a time. An incident inside is lowered to
"verify", never dropped; leaving the area or the time raises it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerting import audit, clocks
from alerting.journal import By
from alerting.policy import Rules
from alerting.records import Location
from alerting.store import NotFoundError, Store
from alerting.tables import IncidentRow, PermittedBurnRow
from geometry.position import Position, enu_m

LONGEST_DAYS = 31
Ring = Sequence[tuple[float, float]]


class BurnError(ValueError):
    """A permitted burn that cannot be: the message says what to mend."""


@dataclass(frozen=True)
class PermittedBurn:
    """`area` is the ring of a polygon: longitude, latitude in WGS 84 degrees. `phone`: do not log."""

    burn_id: int
    holder: str
    phone: str
    note: str
    area: tuple[tuple[float, float], ...]
    starts_at: datetime
    ends_at: datetime
    added_by: str
    added_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None

    def covers(self, where: Location, at: datetime, margin_m: float) -> bool:
        """Whether a fire seen there and then is taken for this burn."""
        if where.lat_deg is None or where.lon_deg is None or self.withdrawn_at is not None:
            return False
        if not self.starts_at <= at <= self.ends_at:
            return False
        origin = Position(where.lat_deg, where.lon_deg, 0.0)
        ring = [enu_m(origin, Position(lat_deg, lon_deg, 0.0))[:2] for lon_deg, lat_deg in self.area]
        return bool(shapely.Polygon(ring).distance(shapely.Point(0.0, 0.0)) <= margin_m)


def add(
    store: Store,
    *,
    holder: str,
    phone: str,
    note: str,
    area: Ring,
    starts_at: datetime,
    ends_at: datetime,
    by: By,
) -> PermittedBurn:
    """Raises BurnError. Incidents that are open already are not lowered by it: somebody is dealing with
    them."""
    _check(area, starts_at, ends_at)
    with store.writing() as session:
        row = PermittedBurnRow(
            holder=holder,
            phone=phone,
            note=note,
            area=[list(corner) for corner in area],
            starts_at=starts_at,
            ends_at=ends_at,
            added_by=by.who,
            added_at=store.clock(),
        )
        session.add(row)
        session.flush()
        audit.note(session, by, "burn permitted", row.burn_id, row.added_at, holder=holder)
        return _burn(row)


def withdraw(store: Store, burn_id: int, *, by: By, rules: Rules) -> PermittedBurn:
    """It counts no longer; what was taken for it is raised again. Nothing is deleted: incidents refer to
    it."""
    with store.writing() as session:
        row = session.get(PermittedBurnRow, burn_id)
        if row is None:
            raise NotFoundError(f"no permitted burn {burn_id}")
        if row.withdrawn_at is None:
            now = store.clock()
            row.withdrawn_by, row.withdrawn_at = by.who, now
            audit.note(session, by, "burn withdrawn", burn_id, now, holder=row.holder)
            for incident in session.scalars(select(IncidentRow).filter_by(permitted_burn_id=burn_id)).all():
                clocks.raise_again(session, incident, now, f"the permitted burn was withdrawn by {by.who}")
                clocks.settle(session, incident, rules, now)
        return _burn(row)


def current(store: Store) -> tuple[PermittedBurn, ...]:
    """Those that have not ended and were not withdrawn, the next to begin first."""
    with store.reading() as session:
        return tuple(_not_over(session, store.clock()))


def covering(session: Session, where: Location, at: datetime, margin_m: float) -> PermittedBurn | None:
    """The burn that a fire seen there and then is taken for."""
    return next((one for one in _not_over(session, at) if one.covers(where, at, margin_m)), None)


def find(session: Session, burn_id: int) -> PermittedBurn:
    return _burn(session.get_one(PermittedBurnRow, burn_id))


def _not_over(session: Session, at: datetime) -> list[PermittedBurn]:
    query = (
        select(PermittedBurnRow)
        .where(PermittedBurnRow.ends_at >= at, PermittedBurnRow.withdrawn_at.is_(None))
        .order_by(PermittedBurnRow.starts_at, PermittedBurnRow.burn_id)
    )
    return [_burn(row) for row in session.scalars(query)]


def _check(area: Ring, starts_at: datetime, ends_at: datetime) -> None:
    if starts_at.tzinfo is None or ends_at.tzinfo is None:
        raise BurnError("the times need a zone, for example 2026-11-24T08:00:00+08:00")
    if not starts_at < ends_at:
        raise BurnError("it must end after it starts")
    if (ends_at - starts_at).days >= LONGEST_DAYS:
        raise BurnError(f"it may last {LONGEST_DAYS} days at most; a longer permit is entered in parts")
    if not all(-180 <= lon_deg <= 180 and -90 <= lat_deg <= 90 for lon_deg, lat_deg in area):
        raise BurnError("corners are longitude, latitude in WGS 84 degrees")
    if len(area) < 3:
        raise BurnError("an area needs at least three corners")
    polygon = shapely.Polygon(area)
    if not polygon.is_valid or polygon.area == 0:
        raise BurnError(f"the area is no polygon: {shapely.is_valid_reason(polygon)}")


def _burn(row: PermittedBurnRow) -> PermittedBurn:
    return PermittedBurn(
        burn_id=row.burn_id,
        holder=row.holder,
        phone=row.phone,
        note=row.note,
        area=tuple((float(lon_deg), float(lat_deg)) for lon_deg, lat_deg in row.area),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        added_by=row.added_by,
        added_at=row.added_at,
        withdrawn_by=row.withdrawn_by,
        withdrawn_at=row.withdrawn_at,
    )
