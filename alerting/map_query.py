"""Which incidents lie in a frame of the map: the newest of them, quickly, also among millions.

Two ways, by what there is. A frame that holds a good share of all incidents is filled by walking back in
time along an index that has the positions in it (`WALK` entries at most). When that does not fill it, few
incidents lie there, and an index by place (`alerting.cells`) finds them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, and_, func, literal, select, union_all
from sqlalchemy.orm import Session

from alerting.cells import ranges_of
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
    found: list[MapMark] = []
    for one in set(status) if status is not None else (None,):
        walked = _by_time(session, frame, since, until, one, limit, walk)
        rows = walked if walked is not None else _by_place(session, frame, since, until, one, limit)
        found += map(_mark, rows)
    found.sort(key=lambda mark: (mark.confirmed_at, mark.number), reverse=True)
    return tuple(found[:limit])


def _by_time(
    session: Session,
    frame: Frame,
    since: datetime,
    until: datetime,
    status: Status | None,
    limit: int,
    walk: int,
) -> Sequence[Any] | None:
    """None: the frame was not filled within the walk, and there is more."""
    at, number = IncidentRow.confirmed_at, IncidentRow.number
    until_then = and_(at <= until, *([IncidentRow.status == status.value] if status else []))
    newest_first = at.desc(), number.desc()
    walked = select(at).where(until_then, at >= since).order_by(*newest_first)
    end = session.scalar(walked.offset(walk).limit(1))
    inside = and_(until_then, _inside(frame, IncidentRow.lat_deg, IncidentRow.lon_deg))
    # One bound only: of two, SQLite may walk to the farther one.
    query = select(number).where(inside, at >= since if end is None else at > end)
    found = _shown(session, query.order_by(*newest_first).limit(limit))
    return found if end is None or len(found) == limit else None


def _by_place(
    session: Session, frame: Frame, since: datetime, until: datetime, status: Status | None, limit: int
) -> Sequence[Any]:
    ranges = union_all(
        *(select(literal(low).label("low"), literal(high).label("high")) for low, high in ranges_of(frame))
    ).subquery("ranges")
    # Behind a function no index by time or status fits any more: left alone, SQLite would walk back in time
    # after all, for the sake of the order.
    at = func.coalesce(IncidentRow.confirmed_at, IncidentRow.confirmed_at)
    query = (
        select(IncidentRow.number)
        .select_from(ranges)
        .join(IncidentRow, IncidentRow.cell.between(ranges.c.low, ranges.c.high))
        .where(at >= since, at <= until, _inside(frame, IncidentRow.lat_deg, IncidentRow.lon_deg))
        .order_by(at.desc(), IncidentRow.number.desc())
        .limit(limit)
    )
    if status is not None:
        query = query.where(func.coalesce(IncidentRow.status, IncidentRow.status) == status.value)
    return _shown(session, query)


def _shown(session: Session, numbers: Select[Any]) -> Sequence[Any]:
    """The rows of these numbers. In one question: an index answers which they are, without the rows."""
    wanted = numbers.subquery("wanted")
    return session.execute(select(*_SHOWN).join(wanted, wanted.c.number == IncidentRow.number)).all()


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
