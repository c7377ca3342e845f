"""What responders and their systems report: accepted, arrived, under control, closed. With a token of their
own.

A token is sent as `Authorization: Bearer ...`; no session, no cookie. Reporting the same twice does no harm.
"""

from __future__ import annotations

from enum import StrEnum

from fastapi import APIRouter
from pydantic import BaseModel, Field

from alerting import access_tokens, decisions
from alerting.access_tokens import AccessToken
from alerting.lifecycle import OPEN, Action, Decision, Status, Step
from alerting.policy import Rules
from alerting.records import IncidentSummary
from alerting.store import NotFoundError
from console import views
from console.auth import Responder
from console.context import Centre, InCentre
from console.roles import Role

router = APIRouter(prefix="/api/v1/response/incidents", tags=["responders"])


class Report(StrEnum):
    ACCEPTED = "accepted"
    ARRIVED = "arrived"
    UNDER_CONTROL = "under_control"
    CLOSED = "closed"


class ReportBody(BaseModel):
    report: Report
    who: str = Field(
        default="", max_length=64, description="The person who reports, if the token is a system's."
    )
    why: str = Field(default="", max_length=2000, description="Remarks.")


_MEANS = {
    Report.ARRIVED: (Action.ARRIVE, Status.ON_SCENE),
    Report.UNDER_CONTROL: (Action.CONTROL, Status.CONTROLLED),
    Report.CLOSED: (Action.CLOSE, Status.CLOSED),
}
_WAY = (Status.ON_SCENE, Status.CONTROLLED, Status.CLOSED)


@router.get("")
def open_incidents(token: Responder, centre: InCentre) -> tuple[views.IncidentView, ...]:
    """The newest open incidents in the token's areas."""
    page = centre.store.list_incidents(status=OPEN, limit=200)
    seen = (one for one in page.incidents if access_tokens.may_see(centre.store, token, one.incident_id))
    return tuple(views.incident(one, Role.OPERATOR) for one in seen)


@router.get("/{incident_id}")
def incident(incident_id: str, token: Responder, centre: InCentre) -> views.IncidentView:
    """One incident in the token's areas; others do not exist for it."""
    return views.incident(_seen(centre, token, incident_id), Role.OPERATOR)


@router.post("/{incident_id}/reports", status_code=201)
def report(incident_id: str, body: ReportBody, token: Responder, centre: InCentre) -> views.IncidentView:
    """Accepted, arrived, under control, closed; said twice it counts once, and steps may be left out."""
    summary = _seen(centre, token, incident_id)
    who = f"{body.who} ({token.name})" if body.who else token.name
    source, rules = f"token {token.token_id}", Rules.of(centre.deployment)
    if body.report is Report.ACCEPTED:
        detail = decisions.take_step(
            centre.store, incident_id, Step.ACCEPT, who=who, source=source, why=body.why, rules=rules
        )
        return views.incident(detail.summary, Role.OPERATOR)
    action, reached = _MEANS[body.report]
    if summary.status in _WAY[_WAY.index(reached) :]:
        return views.incident(summary, Role.OPERATOR)
    decision = Decision(action, why=body.why)
    detail = decisions.decide(
        centre.store, incident_id, decision, who=who, version=None, source=source, rules=rules
    )
    return views.incident(detail.summary, Role.OPERATOR)


def _seen(centre: Centre, token: AccessToken, incident_id: str) -> IncidentSummary:
    """What lies in other areas does not exist for this token."""
    if not access_tokens.may_see(centre.store, token, incident_id):
        raise NotFoundError(f"no incident {incident_id!r}")
    return centre.store.incident(incident_id).summary
