"""Permitted burns: what burns inside is to be verified, never dropped, and raised again when it leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alerting_samples import BOWL, NORTH, PICTURES, WEST, intake_into, sighting_of
from sqlalchemy import select

from alerting import burns
from alerting.burns import BurnError, PermittedBurn
from alerting.intake import IncidentRef, Intake
from alerting.journal import By
from alerting.keeper import ClockKeeper
from alerting.lifecycle import Stage, Status
from alerting.policy import DEFAULT
from alerting.store import Store
from alerting.tables import ClockRow

FIRE = BOWL.at(23.105, 116.395)
AROUND_FIRE = [(116.394, 23.104), (116.396, 23.104), (116.396, 23.106), (116.394, 23.106)]

Permit = Callable[..., PermittedBurn]


@pytest.fixture
def wall(noon: datetime) -> list[datetime]:
    return [noon]


@pytest.fixture
def store(database_url: str, wall: list[datetime]) -> Iterator[Store]:
    opened = Store.open(database_url, clock=lambda: wall[0])
    yield opened
    opened.close()


@pytest.fixture
def intake(store: Store, tmp_path: Path) -> Intake:
    return intake_into(store, tmp_path / "evidence")


@pytest.fixture
def permit(store: Store, noon: datetime) -> Permit:
    def add(**changed: Any) -> PermittedBurn:
        given: dict[str, Any] = {
            "holder": "茶亭村林场",
            "phone": "000-0000-0001",
            "note": "炼山造林",
            "area": AROUND_FIRE,
            "starts_at": noon - timedelta(hours=1),
            "ends_at": noon + timedelta(hours=1),
            "by": By("li"),
        }
        return burns.add(store, **given | changed)

    return add


def see(intake: Intake, at: datetime, **how: Any) -> IncidentRef:
    return intake.accept(sighting_of(FIRE, NORTH, at, **how), PICTURES, NORTH)


def running(store: Store) -> list[tuple[str, datetime]]:
    with store.reading() as session:
        return [(row.kind, row.due_at) for row in session.scalars(select(ClockRow))]


def test_smoke_inside_a_permitted_burn_is_told_as_such_and_calls_nobody(
    store: Store, intake: Intake, permit: Permit, noon: datetime
) -> None:
    burn = permit()
    detail = store.incident(see(intake, noon).incident_id)
    assert detail.summary.status is Status.SUSPECTED
    assert detail.summary.response.permitted_burn_id == burn.burn_id
    assert "within the permitted burn of 茶亭村林场" in detail.alerts[0].content["changes"][1]
    assert running(store) == [("burn", burn.ends_at)]


def test_two_cameras_that_agree_on_a_permitted_burn_dispatch_nobody(
    store: Store, intake: Intake, permit: Permit, noon: datetime
) -> None:
    permit()
    first = see(intake, noon)
    intake.accept(sighting_of(FIRE, WEST, noon + timedelta(seconds=9)), PICTURES, WEST)
    assert store.incident(first.incident_id).summary.response.stage is Stage.NOTIFY


def test_when_its_time_is_over_what_still_stands_is_raised_again(
    store: Store, intake: Intake, permit: Permit, noon: datetime, wall: list[datetime]
) -> None:
    permit()
    ref = see(intake, noon)
    keeper = ClockKeeper(store, DEFAULT, monotonic=lambda: 0.0)
    wall[0] += timedelta(minutes=59)
    assert keeper.ring_due() == 0
    wall[0] += timedelta(minutes=1)
    assert keeper.ring_due() == 1
    detail = store.incident(ref.incident_id)
    assert detail.summary.response.permitted_burn_id is None
    assert detail.history[-1].action == "raise_again"
    assert "raised again: the time of the permitted burn is over" in detail.alerts[-1].content["changes"]
    assert [kind for kind, _ in running(store)] == ["acknowledge"]


@pytest.mark.parametrize(
    ("after", "how"),
    [(timedelta(minutes=2), {"size_px": 120}), (timedelta(minutes=70), {})],
    ids=["has grown", "is seen after its time"],
)
def test_growing_or_burning_on_raises_it_again(
    store: Store, intake: Intake, permit: Permit, noon: datetime, after: timedelta, how: dict[str, Any]
) -> None:
    permit()
    first = see(intake, noon)
    assert see(intake, noon + after, **how).incident_id == first.incident_id
    detail = store.incident(first.incident_id)
    assert detail.summary.response.permitted_burn_id is None
    assert "raised again: beyond" in detail.alerts[-1].content["changes"][-1]


def test_spreading_beyond_the_area_raises_it_again(
    store: Store, intake: Intake, permit: Permit, noon: datetime
) -> None:
    permit()
    first = see(intake, noon, size_px=60)
    beside = BOWL.at(23.105, 116.3971)  # 112 m outside, and no larger
    later = noon + timedelta(minutes=2)
    ref = intake.accept(sighting_of(beside, NORTH, later, size_px=60), PICTURES, NORTH)
    assert ref.incident_id == first.incident_id
    assert store.incident(first.incident_id).summary.response.permitted_burn_id is None


@pytest.mark.parametrize(
    "changed",
    [
        {"area": [(lon + 0.01, lat) for lon, lat in AROUND_FIRE]},
        {"starts_at": datetime.fromisoformat("2026-11-24T04:30+00:00")},
        {"ends_at": datetime.fromisoformat("2026-11-24T03:59+00:00")},
    ],
    ids=["elsewhere", "not yet", "over"],
)
def test_another_place_or_time_lowers_nothing(
    store: Store, intake: Intake, permit: Permit, noon: datetime, changed: dict[str, Any]
) -> None:
    permit(**changed)
    summary = store.incident(see(intake, noon).incident_id).summary
    assert summary.response.permitted_burn_id is None


def test_withdrawing_a_permit_raises_again_what_was_taken_for_it(
    store: Store, intake: Intake, permit: Permit, noon: datetime
) -> None:
    burn = permit()
    ref = see(intake, noon)
    withdrawn = burns.withdraw(store, burn.burn_id, by=By("wang"), rules=DEFAULT)
    assert withdrawn.withdrawn_by == "wang"
    assert store.incident(ref.incident_id).summary.response.permitted_burn_id is None
    assert burns.current(store) == ()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ends_at": datetime.fromisoformat("2026-11-24T02:00+00:00")}, "end after it starts"),
        ({"ends_at": datetime.fromisoformat("2027-11-24T02:00+00:00")}, "31 days at most"),
        ({"starts_at": datetime(2026, 11, 24)}, "need a zone"),
        ({"area": AROUND_FIRE[:2]}, "three corners"),
        ({"area": [AROUND_FIRE[0], AROUND_FIRE[2], AROUND_FIRE[1], AROUND_FIRE[3]]}, "no polygon"),
        ({"area": [(23.1, 116.4), (23.2, 116.4), (23.2, 116.5)]}, "longitude, latitude"),
    ],
)
def test_a_permit_that_cannot_be_is_refused_with_the_reason(
    store: Store, permit: Permit, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(BurnError, match=message):
        permit(**changed)
    assert burns.current(store) == ()
