"""How long cameras were blind: periods as they are written, and minutes per day made from them.

A period begins with `since` of a condition and ends when another follows; periods of a camera do not overlap.
A worker that died leaves its cameras as they were: when the next one takes over, the time nobody watched is
written as a period `off`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerting.records import CameraPeriod
from alerting.tables import CameraPeriodRow, CameraStateRow
from streams.condition import BLIND, Condition

GAP = timedelta(seconds=45)
"""A worker says every ten seconds that it watches; one not heard for so long was not there."""

UNWATCHED = "no worker watched it"

_BLIND = frozenset(condition.value for condition in BLIND)
_SEES = Condition.LIVE.value


def change(
    session: Session, row: CameraStateRow, state: str, since: datetime, reason: str, *, counts: bool
) -> None:
    """End the period that lasts, begin the next; `row` still holds the state before."""
    unwatched_since = _unwatched_since(row, state, since)
    start = unwatched_since or since
    lasting = select(CameraPeriodRow).where(
        CameraPeriodRow.camera_id == row.camera_id, CameraPeriodRow.until.is_(None)
    )
    for period in session.scalars(lasting):
        period.until = max(period.since, start)
    if unwatched_since is not None:
        session.add(
            CameraPeriodRow(
                camera_id=row.camera_id,
                condition=Condition.OFF.value,
                since=unwatched_since,
                until=since,
                reason=UNWATCHED,
            )
        )
    if state == _SEES or not counts:
        row.blind_since = None
        return
    session.add(
        CameraPeriodRow(
            camera_id=row.camera_id,
            condition=state,
            since=_not_before_the_last(session, row.camera_id, since),
            reason=reason,
        )
    )
    if state in _BLIND:
        row.blind_since = row.blind_since or start
    else:
        row.blind_since = None


def minutes_per_day(
    periods: Iterable[CameraPeriod], days: Iterable[date], zone: tzinfo, now: datetime
) -> dict[tuple[str, date], dict[str, float]]:
    """Minutes by condition, of every camera and day that has any; days as the clock on the wall counts them.

    >>> night = CameraPeriod("a", "stale", datetime(2026, 5, 1, 23, 50, tzinfo=UTC), None, "")
    >>> now = datetime(2026, 5, 2, 0, 5, tzinfo=UTC)
    >>> [minutes for minutes in minutes_per_day([night], [date(2026, 5, 1)], UTC, now).values()]
    [{'stale': 10.0}]
    """
    spans = {day: (_midnight(day, zone), _midnight(day + timedelta(days=1), zone)) for day in days}
    found: dict[tuple[str, date], dict[str, float]] = {}
    for period in periods:
        until = min(period.until or now, now)
        for day, (start, end) in spans.items():
            lasted = min(until, end) - max(period.since, start)
            if lasted > timedelta(0):
                by_condition = found.setdefault((period.camera_id, day), {})
                minutes = by_condition.get(period.condition, 0.0) + lasted.total_seconds() / 60
                by_condition[period.condition] = minutes
    return found


def blind_minutes(by_condition: dict[str, float]) -> float:
    """Of one camera and day: the minutes in which a fire would not have been seen.

    >>> blind_minutes({"stale": 3.0, "dark": 2.0, "moved": 60.0})
    5.0
    """
    return sum(minutes for condition, minutes in by_condition.items() if condition in _BLIND)


def days_until(last: date, count: int) -> list[date]:
    """`count` days up to `last`, oldest first."""
    return [last - timedelta(days=back) for back in range(count - 1, -1, -1)]


def span_of(days: list[date], zone: tzinfo) -> tuple[datetime, datetime]:
    """From the first moment of the first day to the last of the last."""
    return _midnight(days[0], zone), _midnight(days[-1] + timedelta(days=1), zone)


def _midnight(day: date, zone: tzinfo) -> datetime:
    """In UTC, because the difference of two times of one zone forgets that a clock was set between."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _unwatched_since(row: CameraStateRow, state: str, since: datetime) -> datetime | None:
    """A new worker begins with a camera that the one before left as seeing: since when was it unwatched?"""
    if state != Condition.CONNECTING.value or row.heard_at is None or row.state in _BLIND:
        return None
    return row.heard_at if since - row.heard_at > GAP else None


def _not_before_the_last(session: Session, camera_id: str, since: datetime) -> datetime:
    last = session.scalar(
        select(CameraPeriodRow.until)
        .where(CameraPeriodRow.camera_id == camera_id, CameraPeriodRow.until.is_not(None))
        .order_by(CameraPeriodRow.until.desc())
        .limit(1)
    )
    return since if last is None else max(since, last)
