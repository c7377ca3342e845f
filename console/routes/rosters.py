"""Who is on duty, area by area, and changing it. The grid file has the first word; a roster that is saved
here takes its place for that area until it is given back.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, Field

from alerting import roster_register
from alerting.grids import Grids, ListedContact
from alerting.records import Level
from alerting.roster import gaps, moments, roster
from alerting.roster_register import MOST_PEOPLE
from alerting.store import NotFoundError
from alerting.versions import seen_number
from console.auth import Acting, Operator, Supervisor
from console.context import Centre, InCentre
from console.routes.changes import ChangeBody, Why
from console.views import View

router = APIRouter(prefix="/api/v1/rosters", tags=["rosters"])

Code = Annotated[str, Path(min_length=1, max_length=128)]
Seen = Annotated[int | None, Query(ge=0, le=2**31 - 1, description="The version looked at; 0: the file's.")]
Contacts = Annotated[tuple[ListedContact, ...], Field(max_length=MOST_PEOPLE)]


class RosterBody(ChangeBody):
    contacts: Contacts = Field(description="All of them: who is not named any more is not called any more.")
    seen: int | None = Field(
        default=None, ge=0, le=2**31 - 1, description="The version looked at; 0: the file's."
    )
    why: Why = ""


class RevertBody(ChangeBody):
    version: int = Field(ge=1, le=2**31 - 1)
    why: str = Field(default="", max_length=500)


class DraftBody(ChangeBody):
    contacts: Contacts


class OnRosterView(View):
    name: str
    role: str
    phone: str
    channels: tuple[str, ...] = Field(description="Gateways by which they can be reached.")
    days: tuple[int, ...] | None = Field(
        description="On which the shift starts, 1 is Monday; null: always on duty."
    )
    start: str | None = Field(description="HH:MM in the deployment's time zone.")
    end: str | None = Field(description="Of the next morning where it is not after `start`.")
    on_duty: bool
    until: datetime | None = Field(description="When the present shift is over.")


class GapView(View):
    """From a weekday (1 is Monday) and time to another."""

    from_day: int
    start: str
    to_day: int
    end: str


class AreaRosterView(View):
    level: Level
    code: str
    name: str
    depth: int = Field(description="How many areas lie above it.")
    people: tuple[OnRosterView, ...]
    is_covered: bool = Field(description="Somebody is on duty; where nobody is, everybody is called.")
    gaps: tuple[GapView, ...] = Field(description="When in a week nobody is; then everybody is called.")
    saved: bool = Field(default=False, description="Saved here, in place of the grid file's.")


class LostAreaView(View):
    """An area that the grid file has no more, whose roster was saved here."""

    level: Level
    code: str
    name: str
    people: int
    version: int


class MomentsView(View):
    now: datetime
    tonight: datetime
    sunday: datetime


class RosterView(View):
    at: datetime
    moments: MomentsView = Field(description="Times to ask for as `at`.")
    areas: tuple[AreaRosterView, ...] = Field(description="Each after the one it lies in.")
    lost: tuple[LostAreaView, ...] = Field(
        description="Not in the grid file any more: no new fire lies there. Give them back, or mend the file."
    )


class RosterVersionView(View):
    version: int = Field(description="0: as the grid file says, never changed here.")
    contacts: tuple[ListedContact, ...] | None = Field(description="Null: the grid file's.")
    action: str
    who: str
    why: str
    at: datetime | None


class AreaView(View):
    """One area to be changed."""

    level: Level
    code: str
    name: str
    version: int = Field(description="Send it back as `seen`; 0: the grid file's, never changed here.")
    saved: bool = Field(description="Saved here, in place of the grid file's.")
    contacts: tuple[ListedContact, ...]
    gaps: tuple[GapView, ...] = Field(description="When in a week nobody is on duty.")


class OnDutyAtView(View):
    at: datetime
    people: tuple[str, ...] = Field(description="Who is on duty then, by name; empty: everybody is called.")


class PreviewView(View):
    now: OnDutyAtView
    tonight: OnDutyAtView
    sunday: OnDutyAtView
    gaps: tuple[GapView, ...]


@router.get("")
def rosters(_session: Operator, centre: InCentre, at: AwareDatetime | None = None) -> RosterView:
    """Who is on duty now, or `at` another time: by the rosters that were saved here, and the grid file's
    others, which is read again when it changes."""
    now, zone = centre.store.clock(), _zone(centre)
    moment = at if at is not None else now
    grids = centre.placement.grids()
    with centre.store.reading() as session:
        current = roster_register.current(session)
    saved = roster_register.saved_of(current)
    areas = roster(grids.with_rosters(saved), moment, zone) if grids is not None else ()
    return RosterView(
        at=moment,
        moments=MomentsView(**dict(zip(("now", "tonight", "sunday"), moments(now, zone), strict=True))),
        areas=tuple(
            AreaRosterView.model_validate(one).model_copy(update={"saved": one.code in saved})
            for one in areas
        ),
        lost=tuple(
            LostAreaView(
                level=current[code].level,
                code=code,
                name=current[code].name,
                people=len(contacts),
                version=current[code].version,
            )
            for code, contacts in saved.items()
            if grids is None or grids.area(code) is None
        ),
    )


@router.get("/{code}")
def area(code: Code, _session: Supervisor, centre: InCentre) -> AreaView:
    """All that is said of an area's people, to be changed."""
    return _area(centre, code)


@router.put("/{code}")
def save(code: Code, given: RosterBody, _session: Supervisor, centre: InCentre, by: Acting) -> AreaView:
    """These people in place of the grid file's, from the next call on, whatever the file says later. 409 when
    somebody else was faster: look again."""
    roster_register.save(
        centre.store, _grids(centre), code, given.contacts, by=by, why=given.why, seen=given.seen
    )
    return _area(centre, code)


@router.delete("/{code}", status_code=204)
def give_back(
    code: Code,
    _session: Supervisor,
    centre: InCentre,
    by: Acting,
    seen: Seen = None,
    why: Annotated[str, Query(max_length=500)] = "",
) -> None:
    """The grid file counts again for this area, as it is and as it will be. The versions stay."""
    roster_register.give_back(centre.store, _grids(centre), code, by=by, why=why, seen=seen)


@router.get("/{code}/versions")
def versions(code: Code, _session: Supervisor, centre: InCentre) -> tuple[RosterVersionView, ...]:
    """Newest first: who was said to answer for the area, by whom and why."""
    found = roster_register.versions(centre.store, code)
    if found:
        return tuple(RosterVersionView.model_validate(one) for one in found)
    listed = _grids(centre).area(code)
    if listed is None:
        raise NotFoundError(f"the grid file has no area {code!r}")
    return (RosterVersionView(version=0, contacts=listed.contacts, action="", who="", why="", at=None),)


@router.post("/{code}/revert")
def revert(code: Code, given: RevertBody, _session: Supervisor, centre: InCentre, by: Acting) -> AreaView:
    """The people as they were then, as a new version."""
    roster_register.revert(centre.store, _grids(centre), code, given.version, by=by, why=given.why)
    return _area(centre, code)


@router.post("/{code}/preview")
def preview(code: Code, given: DraftBody, _session: Supervisor, centre: InCentre) -> PreviewView:
    """Who would be on duty if this were saved, and when nobody; nothing is changed."""
    _area(centre, code)
    zone = _zone(centre)
    at = moments(centre.store.clock(), zone)
    now, tonight, sunday = (
        OnDutyAtView(
            at=moment, people=tuple(one.name for one in given.contacts if one.covers(moment.astimezone(zone)))
        )
        for moment in at
    )
    return PreviewView(now=now, tonight=tonight, sunday=sunday, gaps=_gaps(given.contacts))


def _area(centre: Centre, code: str) -> AreaView:
    with centre.store.reading() as session:
        newest = roster_register.current(session, [code]).get(code)
    listed = _grids(centre).area(code)
    is_saved = newest is not None and newest.is_saved
    if listed is None and not is_saved:
        raise NotFoundError(f"the grid file has no area {code!r}")
    contacts = newest.contacts if newest is not None and is_saved else listed.contacts if listed else ()
    named = listed or newest
    assert named is not None
    return AreaView(
        level=named.level,
        code=code,
        name=named.name,
        version=seen_number(newest),
        saved=is_saved,
        contacts=contacts or (),
        gaps=_gaps(contacts or ()),
    )


def _grids(centre: Centre) -> Grids:
    grids = centre.placement.grids()
    if grids is None:
        raise NotFoundError("the deployment has no grid file")
    return grids


def _zone(centre: Centre) -> ZoneInfo:
    return ZoneInfo(centre.deployment.time_zone)


def _gaps(contacts: tuple[ListedContact, ...]) -> tuple[GapView, ...]:
    return tuple(GapView.model_validate(one) for one in gaps(contacts))
