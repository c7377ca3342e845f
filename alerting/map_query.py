"""Which incidents lie in a frame of the map: the newest of them, quickly, also among millions.

Two ways, by what there is. A frame that holds a good share of all incidents is filled by walking back in
time along an index that has the positions in it (`WALK` entries at most). When that does not fill it, few
incidents lie there, and an index by position finds them.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from alerting.lifecycle import Stage, Status
from alerting.records import Ellipse, Frame, MapMark
from alerting.tables import IncidentRow
from detector.detection import Label

WALK = 20_000
"""Index entries read in the first way: some milliseconds."""

_SHOWN = (
    IncidentRow.number,
    IncidentRow.incident_id,
    IncidentRow.status,
    IncidentRow.stage,
    IncidentRow.label,
    IncidentRow.confirmed_at,
    IncidentRow.lat_deg,
    IncidentRow.lon_deg,
    IncidentRow.ellipse_semi_major_m,
    IncidentRow.ellipse_semi_minor_m,
    IncidentRow.ellipse_azimuth_deg,
)


def marks(
    session: Session,
    frame: Frame,
    since: datetime,
    until: datetime,
    status: Collection[Status] | None,
    limit: int,
    walk: int = WALK,
) -> tuple[MapMark, ...]:
    """At most `limit`, the newest first; of each status on its own, so that each walk is short."""
    found: list[tuple[datetime, int]] = []
    for one in set(status) if status is not None else (None,):
        meant = and_(
            IncidentRow.confirmed_at >= since,
            IncidentRow.confirmed_at <= until,
            *([IncidentRow.status == one.value] if one is not None else []),
        )
        walked = _by_time(session, frame, meant, limit, walk)
        found += walked if walked is not None else _by_place(session, frame, meant, limit)
    newest = [number for _, number in sorted(found, reverse=True)[:limit]]
    rows = session.execute(select(*_SHOWN).where(IncidentRow.number.in_(newest)))
    return tuple(sorted((_mark(row) for row in rows), key=_age, reverse=True))


def _by_time(
    session: Session, frame: Frame, meant: ColumnElement[bool], limit: int, walk: int
) -> list[tuple[datetime, int]] | None:
    """None: the frame was not filled within the walk, and there is more."""
    newest = (
        select(IncidentRow.confirmed_at, IncidentRow.number, IncidentRow.lat_deg, IncidentRow.lon_deg)
        .where(meant)
        .order_by(IncidentRow.confirmed_at.desc(), IncidentRow.number.desc())
        .limit(walk)
        .subquery()
    )
    inside = _inside(frame, newest.c.lat_deg, newest.c.lon_deg)
    query = select(newest.c.confirmed_at, newest.c.number).where(inside).limit(limit)
    found = [(row.confirmed_at, row.number) for row in session.execute(query)]
    if len(found) == limit:
        return found
    walked = session.scalar(select(func.count()).select_from(newest)) or 0
    return found if walked < walk else None


def _by_place(
    session: Session, frame: Frame, meant: ColumnElement[bool], limit: int
) -> list[tuple[datetime, int]]:
    inside = _inside(frame, IncidentRow.lat_deg, IncidentRow.lon_deg)
    found = select(IncidentRow.confirmed_at, IncidentRow.number).where(inside, meant).subquery()
    # Without the coalesce SQLite would walk back in time after all, for the sake of the order.
    at = func.coalesce(found.c.confirmed_at, found.c.confirmed_at)
    query = (
        select(found.c.confirmed_at, found.c.number).order_by(at.desc(), found.c.number.desc()).limit(limit)
    )
    return [(row.confirmed_at, row.number) for row in session.execute(query.limit(limit))]


def _inside(frame: Frame, lat_deg: Any, lon_deg: Any) -> ColumnElement[bool]:
    return and_(
        lat_deg >= frame.south_deg,
        lat_deg <= frame.north_deg,
        lon_deg >= frame.west_deg,
        lon_deg <= frame.east_deg,
    )


def _mark(row: Any) -> MapMark:
    ellipse = None
    if row.ellipse_semi_major_m is not None:
        ellipse = Ellipse(
            row.ellipse_semi_major_m, row.ellipse_semi_minor_m or 0.0, row.ellipse_azimuth_deg or 0.0
        )
    return MapMark(
        number=row.number,
        incident_id=row.incident_id,
        status=Status(row.status),
        stage=Stage(row.stage),
        label=cast(Label, row.label),
        confirmed_at=row.confirmed_at,
        lat_deg=row.lat_deg,
        lon_deg=row.lon_deg,
        ellipse=ellipse,
    )


def _age(mark: MapMark) -> tuple[datetime, int]:
    return mark.confirmed_at, mark.number
