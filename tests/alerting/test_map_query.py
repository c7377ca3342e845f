"""The incidents of a frame of the map, found in both ways, against looking at every one."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from alerting import map_query
from alerting.lifecycle import OPEN, Status
from alerting.records import Frame
from alerting.store import Store
from alerting.tables import IncidentRow
from benchmarks.store_filling import COUNTY, NOW, YEARS, fill

WALKS = {"by time": 10_000, "by place": 3}
EVERYTHING = NOW - timedelta(days=365 * YEARS + 1)


@pytest.fixture
def filled(store: Store) -> Store:
    fill(store, 300, seed=5)
    return store


def looked_at_one_by_one(
    store: Store, frame: Frame, since: datetime, status: frozenset[Status] | None, limit: int
) -> list[str]:
    with store.reading() as session:
        rows = [
            row
            for row in session.scalars(select(IncidentRow))
            if row.lat_deg is not None
            and row.lon_deg is not None
            and frame.south_deg <= row.lat_deg <= frame.north_deg
            and frame.west_deg <= row.lon_deg <= frame.east_deg
            and since <= row.confirmed_at <= NOW
            and (status is None or Status(row.status) in status)
        ]
    rows.sort(key=lambda row: (row.confirmed_at, row.number), reverse=True)
    return [row.incident_id for row in rows[:limit]]


@pytest.mark.parametrize("walk", list(WALKS))
def test_a_frame_holds_its_newest_incidents_and_no_others(filled: Store, walk: str) -> None:
    chance = random.Random(3)
    found_any = False
    for _ in range(20):
        south_deg = chance.uniform(COUNTY.south_deg, COUNTY.north_deg)
        west_deg = chance.uniform(COUNTY.west_deg, COUNTY.east_deg)
        frame = Frame(south_deg, west_deg, south_deg + 0.15, west_deg + 0.15)
        since = chance.choice((EVERYTHING, NOW - timedelta(days=400)))
        status = chance.choice((None, OPEN, frozenset({Status.DISMISSED, Status.CLOSED})))
        limit = chance.choice((3, 500))
        with filled.reading() as session:
            marks = map_query.marks(session, frame, since, NOW, status, limit, walk=WALKS[walk])
        expected = looked_at_one_by_one(filled, frame, since, status, limit)
        assert [mark.incident_id for mark in marks] == expected
        found_any = found_any or bool(marks)
    assert found_any


def test_counts_by_status_follow_every_change(filled: Store) -> None:
    with filled.reading() as session:
        statuses = list(session.scalars(select(IncidentRow.status)))
    counts = filled.count_incidents()
    assert {status: count for status, count in counts.items() if count} == {
        status: statuses.count(status) for status in Status if status in statuses
    }


def test_a_limit_beyond_the_page_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="not within"):
        store.map_incidents(COUNTY, since=EVERYTHING, limit=501)
