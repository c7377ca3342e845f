"""Who is on duty, area by area, as the grid file has it now."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from pydantic import AwareDatetime, Field

from alerting.records import Level
from alerting.roster import roster
from console.auth import Operator
from console.context import InCentre
from console.views import View

router = APIRouter(prefix="/api/v1/rosters", tags=["rosters"])


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


class AreaRosterView(View):
    level: Level
    code: str
    name: str
    depth: int = Field(description="How many areas lie above it.")
    people: tuple[OnRosterView, ...]
    is_covered: bool = Field(description="Somebody is on duty; where nobody is, everybody is called.")


class RosterView(View):
    at: datetime
    areas: tuple[AreaRosterView, ...] = Field(description="Each after the one it lies in.")


@router.get("")
def rosters(_session: Operator, centre: InCentre, at: AwareDatetime | None = None) -> RosterView:
    """Who is on duty now, or `at` another time. Rosters are kept in the deployment's grid file, which is read
    again when it changes."""
    moment = at if at is not None else centre.store.clock()
    grids = centre.placement.grids()
    areas = roster(grids, moment, ZoneInfo(centre.deployment.time_zone)) if grids is not None else ()
    return RosterView(at=moment, areas=tuple(AreaRosterView.model_validate(one) for one in areas))
