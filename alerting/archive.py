"""Looking back: searching past incidents, and the figures a duty report is made of.

Exercises are left out of every figure; they can be searched for. Local hours and days are those of the
deployment's zone. Not for: the open queue (`alerting.store`).
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from alerting.journal import MACHINE
from alerting.lifecycle import ENDED, Cause, Status, Verdict
from alerting.reading import incident_summary
from alerting.records import IncidentPage, IncidentSummary
from alerting.store import MAX_PAGE, Store, after_cursor, write_cursor
from alerting.tables import AlertRow, DeliveryRow, HistoryTableRow, IncidentAreaRow, IncidentRow, SightingRow
from detector.detection import Label

Outcome = Literal["open", "wildfire", "permitted_burn", "other_smoke", "false_alarm"]

_Key = TypeVar("_Key")

MOST_DAYS = 400
"""A year and its comparison; longer spans are several questions."""


@dataclass(frozen=True)
class Wanted:
    """What to look for; None means any. Times are those of confirmation: `since` included, `until` not."""

    since: datetime | None = None
    until: datetime | None = None
    label: Label | None = None
    outcome: Outcome | None = None
    cause: Cause | None = None
    camera_id: str | None = None
    area_code: str | None = None
    number: int | None = None
    exercise: bool = False


@dataclass(frozen=True)
class Delay:
    """How long something took, in seconds, over `count` incidents."""

    count: int
    median_s: float | None
    p90_s: float | None


@dataclass(frozen=True)
class Tally:
    """How many incidents, and what they turned out to be."""

    total: int = 0
    open: int = 0
    wildfire: int = 0
    permitted_burn: int = 0
    other_smoke: int = 0
    false_alarm: int = 0

    def plus(self, outcome: Outcome) -> Tally:
        return replace(self, total=self.total + 1, **{outcome: getattr(self, outcome) + 1})


@dataclass(frozen=True)
class Statistics:
    """Everything raised within a span. Keys: local hour 0-23, local day, camera id, area name, cause."""

    since: datetime
    until: datetime
    all: Tally
    by_hour: dict[int, Tally]
    by_day: dict[date, Tally]
    by_camera: dict[str, Tally]
    by_area: dict[str, Tally]
    by_cause: dict[Cause, int]
    seen_to_confirmed: Delay
    """From the first detection to the detector's being sure."""
    confirmed_to_told: Delay
    """From there to the first acknowledgement by a receiver."""
    raised_to_judged: Delay
    """From there to the first thing a person did."""
    raised_to_closed: Delay
    false_alarms_per_camera_day: float


def outcome_of(status: str, verdict: str | None) -> Outcome:
    """What an incident turned out to be, as far as people have said.

    >>> outcome_of("suspected", None), outcome_of("dismissed", "false_alarm")
    ('open', 'false_alarm')
    """
    if status == Status.SUSPECTED or verdict is None:
        return "open"
    return Verdict(verdict).value


def search(store: Store, wanted: Wanted, *, limit: int = 50, cursor: str | None = None) -> IncidentPage:
    """Newest first. Raises ValueError for a cursor that is none."""
    if not 1 <= limit <= MAX_PAGE:
        raise ValueError(f"limit {limit} is not within 1..{MAX_PAGE}")
    query = (
        select(IncidentRow)
        .where(*_conditions(wanted))
        .order_by(IncidentRow.confirmed_at.desc(), IncidentRow.number.desc())
    )
    if cursor is not None:
        query = query.where(after_cursor(cursor))
    with store.reading() as session:
        rows = session.scalars(query.limit(limit + 1)).all()
    page = tuple(incident_summary(row) for row in rows[:limit])
    return IncidentPage(
        page, write_cursor(page[-1].confirmed_at, page[-1].number) if len(rows) > limit else None
    )


def every(store: Store, wanted: Wanted) -> Iterator[IncidentSummary]:
    """All that fit, newest first, a page at a time: an export may be long."""
    cursor: str | None = None
    while True:
        page = search(store, wanted, limit=MAX_PAGE, cursor=cursor)
        yield from page.incidents
        if (cursor := page.next_cursor) is None:
            return


def figures(store: Store, since: datetime, until: datetime, zone: ZoneInfo, camera_count: int) -> Statistics:
    """The figures of everything confirmed from `since` up to `until`. Raises ValueError for a span that is
    empty or longer than MOST_DAYS."""
    if not since < until <= since + timedelta(days=MOST_DAYS):
        raise ValueError(f"the span must end after it begins and be at most {MOST_DAYS} days long")
    conditions = _conditions(Wanted(since, until))
    with store.reading() as session:
        rows = session.execute(
            select(
                IncidentRow.status,
                IncidentRow.verdict,
                IncidentRow.cause,
                IncidentRow.first_seen_at,
                IncidentRow.confirmed_at,
                IncidentRow.camera_ids,
                IncidentRow.grid_chain,
            ).where(*conditions)
        ).all()
        told = _delays(session, conditions, IncidentRow.confirmed_at, "told")
        judged = _delays(session, conditions, IncidentRow.raised_at, "judged")
        closed = _delays(session, conditions, IncidentRow.raised_at, "closed")
    outcomes = [outcome_of(row.status, row.verdict) for row in rows]
    local = [row.confirmed_at.astimezone(zone) for row in rows]
    days = _days(since, until, zone)
    whole = _tallies([""] * len(rows), outcomes).get("", Tally())
    camera_days = camera_count * (until - since) / timedelta(days=1)
    return Statistics(
        since=since,
        until=until,
        all=whole,
        by_hour={hour: Tally() for hour in range(24)} | _tallies([at.hour for at in local], outcomes),
        by_day={day: Tally() for day in days} | _tallies([at.date() for at in local], outcomes),
        by_camera=_tallies([row.camera_ids[0] for row in rows], outcomes),
        by_area=_tallies([_area(row) for row in rows], outcomes),
        by_cause={Cause(cause): n for cause, n in Counter(r.cause for r in rows if r.cause).most_common()},
        seen_to_confirmed=_delay([(row.confirmed_at - row.first_seen_at).total_seconds() for row in rows]),
        confirmed_to_told=_delay(told),
        raised_to_judged=_delay(judged),
        raised_to_closed=_delay(closed),
        false_alarms_per_camera_day=whole.false_alarm / camera_days if camera_days else 0.0,
    )


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [IncidentRow.exercise.is_(wanted.exercise)]
    if wanted.since is not None:
        found.append(IncidentRow.confirmed_at >= wanted.since)
    if wanted.until is not None:
        found.append(IncidentRow.confirmed_at < wanted.until)
    if wanted.label is not None:
        found.append(IncidentRow.label == wanted.label)
    if wanted.cause is not None:
        found.append(IncidentRow.cause == wanted.cause.value)
    if wanted.number is not None:
        found.append(IncidentRow.number == wanted.number)
    if wanted.outcome == "open":
        found.append(IncidentRow.status == Status.SUSPECTED.value)
    elif wanted.outcome is not None:
        found.append(IncidentRow.status != Status.SUSPECTED.value)
        found.append(IncidentRow.verdict == wanted.outcome)
    if wanted.camera_id is not None:
        seen = select(SightingRow.incident_id).where(SightingRow.camera_id == wanted.camera_id)
        found.append(IncidentRow.incident_id.in_(seen))
    if wanted.area_code is not None:
        within = select(IncidentAreaRow.incident_id).where(IncidentAreaRow.code == wanted.area_code)
        found.append(IncidentRow.incident_id.in_(within))
    return found


def _delays(
    session: Session,
    conditions: Sequence[ColumnElement[bool]],
    start: InstrumentedAttribute[datetime],
    end: Literal["told", "judged", "closed"],
) -> list[float]:
    """Seconds from `start` to the first time that `end` happened, of those to which it did."""
    if end == "told":
        query = (
            select(start, func.min(DeliveryRow.acknowledged_at))
            .select_from(IncidentRow)
            .join(AlertRow, AlertRow.incident_id == IncidentRow.incident_id)
            .join(DeliveryRow, DeliveryRow.alert_id == AlertRow.alert_id)
            .where(DeliveryRow.acknowledged_at.is_not(None))
        )
    else:
        happened = (
            HistoryTableRow.who != MACHINE.who
            if end == "judged"
            else HistoryTableRow.status_after.in_([status.value for status in ENDED])
        )
        query = (
            select(start, func.min(HistoryTableRow.at))
            .select_from(IncidentRow)
            .join(HistoryTableRow, HistoryTableRow.incident_id == IncidentRow.incident_id)
            .where(happened)
        )
    rows = session.execute(query.where(*conditions).group_by(IncidentRow.incident_id, start))
    return [(ended - begun).total_seconds() for begun, ended in rows if ended is not None]


def _delay(seconds: Sequence[float]) -> Delay:
    """
    >>> _delay([30.0, 10.0, 20.0])
    Delay(count=3, median_s=20.0, p90_s=30.0)
    """
    if not seconds:
        return Delay(0, None, None)
    in_order = sorted(seconds)
    return Delay(
        len(in_order), statistics.median(in_order), in_order[min(len(in_order) - 1, int(0.9 * len(in_order)))]
    )


def _tallies(keys: Sequence[_Key], outcomes: Sequence[Outcome]) -> dict[_Key, Tally]:
    found: dict[_Key, Tally] = {}
    for key, outcome in zip(keys, outcomes, strict=True):
        found[key] = found.get(key, Tally()).plus(outcome)
    return found


def _area(row: Row[Any]) -> str:
    """The smallest area of responsibility by name; incidents without one are "-"."""
    return str(row.grid_chain[0]["name"]) if row.grid_chain else "-"


def _days(since: datetime, until: datetime, zone: ZoneInfo) -> list[date]:
    first, last = since.astimezone(zone).date(), (until - timedelta(microseconds=1)).astimezone(zone).date()
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
