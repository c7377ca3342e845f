"""Permitted burns (计划用火): who may burn where and when."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from alerting import burns
from alerting.burns import BurnError, PermittedBurn
from alerting.policy import Rules
from console.auth import Acting, Operator, SignedIn, role_of
from console.context import InCentre
from console.problems import Problem
from console.roles import Role
from console.views import RowNumber, View

router = APIRouter(prefix="/api/v1/burns", tags=["permitted burns"])

Corner = Annotated[tuple[float, float], Field(description="Longitude, latitude; WGS 84 degrees.")]


class NewBurn(View):
    holder: str = Field(min_length=1, max_length=128, description="Who has the permit.")
    phone: str = Field(default="", max_length=64)
    note: str = Field(default="", max_length=2000)
    area: tuple[Corner, ...] = Field(min_length=3, max_length=500, description="The corners, in their order.")
    starts_at: datetime
    ends_at: datetime


class BurnView(NewBurn):
    burn_id: int
    phone: str = Field(description="Empty for viewers.")
    added_by: str
    added_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None


@router.get("")
def list_burns(session: SignedIn, centre: InCentre) -> tuple[BurnView, ...]:
    """Those that have not ended, the next to begin first."""
    return tuple(_view(one, role_of(session)) for one in burns.current(centre.store))


@router.post("", status_code=201)
def add_burn(given: NewBurn, session: Operator, centre: InCentre, by: Acting) -> BurnView:
    """Incidents raised inside it, while it lasts, are to be verified and not dispatched by themselves."""
    try:
        burn = burns.add(
            centre.store,
            holder=given.holder,
            phone=given.phone,
            note=given.note,
            area=given.area,
            starts_at=given.starts_at,
            ends_at=given.ends_at,
            by=by,
        )
    except BurnError as error:
        raise Problem(422, "invalid-request", str(error)) from error
    return _view(burn, role_of(session))


@router.delete("/{burn_id}")
def withdraw_burn(burn_id: RowNumber, session: Operator, centre: InCentre, by: Acting) -> BurnView:
    """The permit counts no longer; incidents that were taken for it are raised again."""
    rules = Rules.of(centre.deployment)
    burn = burns.withdraw(centre.store, burn_id, by=by, rules=rules)
    return _view(burn, role_of(session))


def _view(burn: PermittedBurn, role: Role) -> BurnView:
    view = BurnView.model_validate(burn)
    return view if role.includes(Role.OPERATOR) else view.model_copy(update={"phone": ""})
