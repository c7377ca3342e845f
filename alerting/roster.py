"""Who is on duty where, to be looked at: every area of the grid file with its people, their shifts, and
whether they are on duty now. Who is called is decided by `alerting.duty`, from the same file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from alerting.grids import Grids, ListedArea, ListedContact
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
class AreaRoster:
    """An area and its people; `depth` counts the areas above it."""

    level: Level
    code: str
    name: str
    depth: int
    people: tuple[OnRoster, ...]

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
            yield AreaRoster(area.level, area.code, area.name, depth, people)
            yield from under(area.code, depth + 1)

    return tuple(under(None, 0))


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
