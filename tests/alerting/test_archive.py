"""Looking back: what is found again, and whether the figures are right."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from alerting_samples import BOWL, NORTH, PICTURES, WEST, intake_into, sighting_of
from sqlalchemy import update

from alerting import archive, decisions
from alerting.archive import Tally, Wanted
from alerting.lifecycle import Action, Cause, Decision, Verdict
from alerting.store import Store
from alerting.tables import DeliveryRow, IncidentRow

ZONE = ZoneInfo("Asia/Shanghai")
DUST = Decision(Action.DISMISS, Verdict.FALSE_ALARM, Cause.DUST)


@pytest.fixture
def year(store: Store, tmp_path: Path, noon: datetime) -> dict[str, int]:
    """Four incidents: dust and a wildfire on one day, a permitted burn the day after, one still open; and an
    exercise. Numbers by name."""
    intake = intake_into(store, tmp_path / "evidence")

    def raised(camera, at: datetime, decision: Decision | None, lat_deg: float, lon_deg: float) -> int:  # type: ignore[no-untyped-def]
        ref = intake.accept(sighting_of(BOWL.at(lat_deg, lon_deg), camera, at), PICTURES, camera)
        if decision is not None:
            decisions.decide(store, ref.incident_id, decision, who="li.wei", version=1)
        return ref.number

    hours = timedelta(hours=1)
    numbers = {
        "dust": raised(NORTH, noon, DUST, 23.105, 116.40),
        "wildfire": raised(WEST, noon + 2 * hours, Decision(Action.CONFIRM), 23.10, 116.40),
        "burn": raised(
            NORTH, noon + 20 * hours, Decision(Action.DISMISS, Verdict.PERMITTED_BURN), 23.11, 116.395
        ),
        "open": raised(NORTH, noon + 26 * hours, None, 23.105, 116.405),
        "exercise": raised(NORTH, noon + 50 * hours, None, 23.10, 116.398),
    }
    with store.writing() as session:
        session.execute(
            update(IncidentRow).where(IncidentRow.number == numbers["exercise"]).values(exercise=True)
        )
    assert len(set(numbers.values())) == 5
    return numbers


def numbers_of(store: Store, **wanted: object) -> list[int]:
    return [one.number for one in archive.search(store, Wanted(**wanted)).incidents]  # type: ignore[arg-type]


def test_incidents_are_found_by_what_they_turned_out_to_be(store: Store, year: dict[str, int]) -> None:
    assert numbers_of(store, outcome="false_alarm") == [year["dust"]]
    assert numbers_of(store, outcome="wildfire") == [year["wildfire"]]
    assert numbers_of(store, outcome="open") == [year["open"]]
    assert numbers_of(store, cause=Cause.DUST) == [year["dust"]]
    assert numbers_of(store, cause=Cause.FOG) == []


def test_incidents_are_found_by_camera_number_and_time(
    store: Store, year: dict[str, int], noon: datetime
) -> None:
    assert numbers_of(store, camera_id="west") == [year["wildfire"]]
    assert numbers_of(store, number=year["burn"]) == [year["burn"]]
    assert numbers_of(store, since=noon + timedelta(hours=2), until=noon + timedelta(hours=20)) == [
        year["wildfire"]
    ]


def test_exercises_are_found_only_when_asked_for(store: Store, year: dict[str, int]) -> None:
    assert year["exercise"] not in numbers_of(store)
    assert numbers_of(store, exercise=True) == [year["exercise"]]


def test_pages_join_without_gap_or_overlap(store: Store, year: dict[str, int]) -> None:
    first = archive.search(store, Wanted(), limit=3)
    second = archive.search(store, Wanted(), limit=3, cursor=first.next_cursor)
    found = [one.number for one in (*first.incidents, *second.incidents)]
    assert found == [year[name] for name in ("open", "burn", "wildfire", "dust")]
    assert second.next_cursor is None
    assert [one.number for one in archive.every(store, Wanted())] == found
    with pytest.raises(ValueError, match="no cursor"):
        archive.search(store, Wanted(), cursor="nonsense")


def test_the_figures_count_each_incident_once_where_and_when_it_was(
    store: Store, year: dict[str, int], noon: datetime
) -> None:
    assert year
    since = noon - timedelta(hours=12)
    found = archive.figures(store, since, since + timedelta(days=4), ZONE, camera_count=2)
    assert found.all == Tally(total=4, open=1, wildfire=1, permitted_burn=1, false_alarm=1)
    assert found.by_hour[12] == Tally(total=1, false_alarm=1)  # noon in Shaoguan, 04:00 UTC
    assert sum(tally.total for tally in found.by_hour.values()) == 4
    assert [tally.total for tally in found.by_day.values()] == [2, 2, 0, 0]
    assert found.by_camera["west"] == Tally(total=1, wildfire=1)
    assert found.by_cause == {Cause.DUST: 1}
    assert found.false_alarms_per_camera_day == pytest.approx(1 / 8)
    assert found.seen_to_confirmed.median_s == pytest.approx(10.0)
    assert found.raised_to_judged.count == 3


def test_told_is_when_the_first_receiver_acknowledged(
    store: Store, year: dict[str, int], noon: datetime
) -> None:
    with store.writing() as session:
        session.execute(
            update(DeliveryRow)
            .where(DeliveryRow.sequence == 1, DeliveryRow.delivery_id == 1)
            .values(acknowledged_at=noon + timedelta(seconds=8))
        )
    found = archive.figures(store, noon, noon + timedelta(hours=1), ZONE, camera_count=1)
    assert (found.confirmed_to_told.count, found.confirmed_to_told.median_s) == (1, pytest.approx(8.0))
    assert year


@pytest.mark.parametrize("days", [0, -1, archive.MOST_DAYS + 1])
def test_a_span_without_sense_is_refused(store: Store, noon: datetime, days: int) -> None:
    with pytest.raises(ValueError, match="at most 400 days"):
        archive.figures(store, noon, noon + timedelta(days=days), ZONE, camera_count=1)
