"""Who is on duty where, to be looked at: every area with its people, their shifts, whether they are on duty
at a time, and at which hours of the week nobody is. Pure. Who is called is decided by `alerting.duty`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerting.grids import Duty, Grids, ListedArea, ListedContact
from alerting.records import Level


@dataclass(frozen=True)
class OnRoster:
    """A person of an area. `days` are those on which the shift starts, 1 is Monday; no shift: always."""

    name: str
    role: str
    phone: str
    channels: tuple[str, ...]
    """Gateways by which they can be reached."""
    days: tuple[int, ...] | None
    start: str | None
    """HH:MM in the deployment's time zone."""
    end: str | None
    on_duty: bool
    until: datetime | None
    """When the present shift is over; None while off duty, and for those always on duty."""


@dataclass(frozen=True)
class Gap:
    """A time of the week at which nobody is on duty: weekday (1 is Monday) and HH:MM of its begin and end."""

    from_day: int
    start: str
    to_day: int
    end: str


@dataclass(frozen=True)
class AreaRoster:
    """An area and its people; `depth` counts the areas above it."""

    level: Level
    code: str
    name: str
    depth: int
    people: tuple[OnRoster, ...]
    gaps: tuple[Gap, ...]
    """When in a week nobody is on duty; then everybody is called."""

    @property
    def is_covered(self) -> bool:
        """Whether somebody is on duty. Where nobody is, everybody is called."""
        return any(one.on_duty for one in self.people)


def roster(grids: Grids, at: datetime, zone: ZoneInfo) -> tuple[AreaRoster, ...]:
    """All areas, each under the one above it, with who is on duty `at` that time."""
    below: dict[str | None, list[ListedArea]] = {}
    for area in grids.listed():
        below.setdefault(area.parent, []).append(area)
    local = at.astimezone(zone)

    def under(parent: str | None, depth: int) -> Iterator[AreaRoster]:
        for area in sorted(below.get(parent, ()), key=lambda one: one.code):
            people = tuple(_on_roster(one, local) for one in area.contacts)
            yield AreaRoster(area.level, area.code, area.name, depth, people, gaps(area.contacts))
            yield from under(area.code, depth + 1)

    return tuple(under(None, 0))


def gaps(contacts: Iterable[ListedContact]) -> tuple[Gap, ...]:
    """When in a week nobody of an area is on duty, from Monday on; none where there is nobody at all.

    >>> day = Duty.model_validate({"days": [1, 2, 3, 4, 5, 6], "from": "08:00", "to": "20:00"})
    >>> night = Duty.model_validate({"from": "20:00", "to": "08:00"})
    >>> gaps(ListedContact(name="x", role="y", phone="1", duty=duty) for duty in (day, night))
    (Gap(from_day=7, start='08:00', to_day=7, end='20:00'),)
    """
    shifts = [one.duty for one in contacts]
    if not shifts or None in shifts:
        return ()
    found, reached_s = [], 0
    for start_s, end_s in sorted(span for duty in shifts if duty is not None for span in _week_of(duty)):
        if start_s > reached_s:
            found.append((reached_s, start_s))
        reached_s = max(reached_s, end_s)
    if reached_s < _WEEK_S:
        over_midnight = bool(found) and found[0][0] == 0
        found.append((reached_s, found.pop(0)[1] if over_midnight else 0))
    return tuple(Gap(*_weekday(start_s), *_weekday(end_s)) for start_s, end_s in found)


def moments(now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime, datetime]:
    """Times at which one likes to know who is on duty: now, tonight at ten, and on Sunday at ten in the
    morning."""
    local = now.astimezone(zone)
    tonight = datetime.combine(local.date(), time(22), zone)
    sunday = datetime.combine(local.date() + timedelta(days=7 - local.isoweekday()), time(10), zone)
    return (
        now,
        tonight if tonight > local else tonight + timedelta(days=1),
        sunday if sunday > local else sunday + timedelta(days=7),
    )


_DAY_S = 86_400
_WEEK_S = 7 * _DAY_S


def _week_of(duty: Duty) -> Iterator[tuple[int, int]]:
    """The shifts of a week as seconds since Monday; one over the end of the week goes on at its beginning."""
    start_s, end_s = (one.hour * 3600 + one.minute * 60 + one.second for one in (duty.start, duty.end))
    for day in duty.days:
        midnight_s = (day - 1) * _DAY_S
        end = midnight_s + end_s + (_DAY_S if end_s <= start_s else 0)
        yield midnight_s + start_s, min(end, _WEEK_S)
        if end > _WEEK_S:
            yield 0, end - _WEEK_S


def _weekday(second: int) -> tuple[int, str]:
    day, rest = divmod(second, _DAY_S)
    return day + 1, f"{rest // 3600:02d}:{rest % 3600 // 60:02d}"


def _on_roster(contact: ListedContact, local: datetime) -> OnRoster:
    duty = contact.duty
    on_duty = duty is None or duty.covers(local)
    return OnRoster(
        contact.name,
        contact.role,
        contact.phone,
        tuple(sorted(contact.channels)),
        duty.days if duty is not None else None,
        f"{duty.start:%H:%M}" if duty is not None else None,
        f"{duty.end:%H:%M}" if duty is not None else None,
        on_duty,
        duty.ends(local) if duty is not None and on_duty else None,
    )
