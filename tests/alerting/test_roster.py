"""At which hours of a week nobody is on duty, and the times one likes to know of."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerting.grids import ListedContact
from alerting.roster import gaps, moments

CHINA = ZoneInfo("Asia/Shanghai")


def person(*days: int, start: str, end: str) -> ListedContact:
    duty: dict[str, Any] = {"from": start, "to": end, **({"days": days} if days else {})}
    return ListedContact.model_validate({"name": "李", "role": "网格员", "phone": "1", "duty": duty})


def said(*contacts: ListedContact) -> list[str]:
    return [f"{one.from_day} {one.start} - {one.to_day} {one.end}" for one in gaps(contacts)]


def test_day_and_night_leave_no_hour_open() -> None:
    assert said(person(start="08:00", end="20:00"), person(start="20:00", end="08:00")) == []
    assert said(person(start="08:00", end="08:00")) == [], "one shift of a day and a night"


def test_a_weekend_without_anybody_is_one_gap_over_the_end_of_the_week() -> None:
    assert said(person(1, 2, 3, 4, 5, start="00:00", end="00:00")) == ["6 00:00 - 1 00:00"]
    assert said(person(1, 2, 3, 4, 5, start="08:00", end="08:00")) == ["6 08:00 - 1 08:00"]


def test_the_night_of_sunday_covers_the_first_hours_of_monday() -> None:
    sunday, monday = person(7, start="20:00", end="08:00"), person(1, start="06:00", end="07:00")
    assert said(sunday, monday) == ["1 08:00 - 7 20:00"]


def test_every_hole_between_shifts_is_told() -> None:
    assert said(person(start="08:00", end="12:00"), person(start="13:30", end="08:00")) == [
        f"{day} 12:00 - {day} 13:30" for day in range(1, 8)
    ]


def test_who_is_always_on_duty_fills_every_hole_and_an_area_without_people_has_none() -> None:
    always = ListedContact(name="王", role="站长", phone="2")
    assert said(always, person(1, start="08:00", end="09:00")) == []
    assert said() == []


@pytest.mark.parametrize(
    ("now", "tonight", "sunday"),
    [
        ("2026-11-24T12:30", "2026-11-24T22:00", "2026-11-29T10:00"),
        ("2026-11-24T22:00", "2026-11-25T22:00", "2026-11-29T10:00"),
        ("2026-11-29T09:00", "2026-11-29T22:00", "2026-11-29T10:00"),
        ("2026-11-29T11:00", "2026-11-29T22:00", "2026-12-06T10:00"),
    ],
)
def test_tonight_and_sunday_are_the_next_ones_in_the_deployments_time(
    now: str, tonight: str, sunday: str
) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=CHINA)
    found = moments(at, CHINA)
    assert [f"{one.astimezone(CHINA):%Y-%m-%dT%H:%M}" for one in found] == [now, tonight, sunday]
