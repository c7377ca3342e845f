"""What responders and their systems see and report: accepted, arrived, what was found, under control, closed.
With a token of their own.

A token is sent as `Authorization: Bearer ...`, or in the cookie of the responders' page
(`console.routes.response_page`). Reporting the same twice does no harm. What lies in other areas than the
token's does not exist for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from alerting import access_tokens, clocks, decisions, duty
from alerting.access_tokens import AccessToken
from alerting.lifecycle import (
    ENDED,
    OPEN,
    Action,
    Cause,
    Decision,
    Status,
    Step,
    Verdict,
    allowed_actions,
)
from alerting.policy import Rules
from alerting.records import IncidentDetail, IncidentSummary
from alerting.store import NotFoundError, read_incident
from console import views
from console.auth import Responder
from console.context import Centre, InCentre
from console.roles import Role
from console.routes.evidence import file_answer
from console.routes.incidents import picture_answer
from detector.detection import Label

router = APIRouter(prefix="/api/v1/response/incidents", tags=["responders"])

MOST = 200


class Report(StrEnum):
    ACCEPTED = "accepted"
    ARRIVED = "arrived"
    FOUND = "found"
    UNDER_CONTROL = "under_control"
    CLOSED = "closed"


class ReportBody(BaseModel):
    report: Report
    who: str = Field(
        default="",
        max_length=64,
        description="The person who reports, if the token is a system's or a team's.",
    )
    why: str = Field(default="", max_length=2000, description="Remarks; with `found`, what was found.")


class SeenByView(views.View):
    """A camera that saw it, and where from there."""

    sighting_id: str
    camera_id: str
    camera_name: str
    camera_lat_deg: float
    camera_lon_deg: float
    label: Label
    confirmed_at: datetime
    location: views.LocationView


class DoneView(views.View):
    """One line of the history."""

    history_id: int
    at: datetime
    who: str
    action: str
    why: str
    status_after: Status
    verdict: Verdict | None
    cause: Cause | None


class ResponderIncidentView(views.IncidentView):
    """An incident with what those who go there need."""

    sightings: tuple[SeenByView, ...] = Field(description="Those that stand for all, oldest first.")
    evidence: tuple[views.EvidenceView, ...] = Field(description="Of these sightings.")
    history: tuple[DoneView, ...] = Field(description="Oldest first.")
    reports: tuple[Report, ...] = Field(description="What may be reported now, the next step first.")
    clock: views.ClockView | None


_STEPS = {Report.ACCEPTED: Step.ACCEPT, Report.FOUND: Step.FOUND}
_MEANS = {
    Report.ARRIVED: (Action.ARRIVE, Status.ON_SCENE),
    Report.UNDER_CONTROL: (Action.CONTROL, Status.CONTROLLED),
    Report.CLOSED: (Action.CLOSE, Status.CLOSED),
}
_WAY = (Status.ON_SCENE, Status.CONTROLLED, Status.CLOSED)


@router.get("")
def incidents(
    token: Responder,
    centre: InCentre,
    ended_h: Annotated[
        int, Query(ge=0, le=72, description="Also those that ended within so many hours.")
    ] = 0,
) -> tuple[views.IncidentView, ...]:
    """The newest open incidents in the token's areas."""
    found = list(_newest(centre, token, OPEN))
    if ended_h:
        since = centre.store.clock() - timedelta(hours=ended_h)
        found += [one for one in _newest(centre, token, ENDED) if one.updated_at >= since]
    return tuple(views.incident(one, Role.OPERATOR) for one in found)


@router.get("/{incident_id}")
def incident(incident_id: str, token: Responder, centre: InCentre) -> ResponderIncidentView:
    """One incident in the token's areas, with its sightings, evidence and history, and what may be
    reported."""
    return _told(_seen(centre, token, incident_id), centre)


@router.get(
    "/{incident_id}/picture",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, 404: {"description": "No picture was sent."}},
)
def small_picture(incident_id: str, token: Responder, centre: InCentre) -> Response:
    """The small cut-out around the fire that receivers got with the newest alert."""
    alerts = _seen(centre, token, incident_id).alerts
    return picture_answer(alerts[-1] if alerts else None)


@router.get(
    "/{incident_id}/evidence/{evidence_id}",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, 206: {"description": "The part asked for."}},
)
def evidence(
    incident_id: str, evidence_id: views.RowNumber, token: Responder, centre: InCentre, request: Request
) -> Response:
    """A picture or clip of the incident. A file never changes: it may be kept."""
    for record in _seen(centre, token, incident_id).evidence:
        if record.evidence_id == evidence_id:
            return file_answer(record, request, centre)
    raise NotFoundError(f"incident {incident_id!r} has no evidence {evidence_id}")


@router.post("/{incident_id}/reports", status_code=201)
def report(incident_id: str, body: ReportBody, token: Responder, centre: InCentre) -> ResponderIncidentView:
    """Accepted, arrived, what was found (in `why`), under control, closed. Said twice it counts once: the
    answer's history says who was first. 422 for a step whose time has not come."""
    summary = _seen(centre, token, incident_id).summary
    who = f"{body.who} ({token.name})" if body.who else token.name
    source, rules = f"token {token.token_id}", Rules.of(centre.deployment)
    if body.report in _STEPS:
        step = _STEPS[body.report]
        decisions.take_step(
            centre.store, incident_id, step, who=who, source=source, why=body.why, rules=rules
        )
    else:
        action, reached = _MEANS[body.report]
        if summary.status not in _WAY[_WAY.index(reached) :]:
            decision = Decision(action, why=body.why)
            decisions.decide(
                centre.store, incident_id, decision, who=who, version=None, source=source, rules=rules
            )
    return _told(_read(centre, incident_id), centre)


def _newest(centre: Centre, token: AccessToken, status: frozenset[Status]) -> tuple[IncidentSummary, ...]:
    page = centre.store.list_incidents(status=status, area_codes=token.area_codes, limit=MOST)
    return page.incidents


def _seen(centre: Centre, token: AccessToken, incident_id: str) -> IncidentDetail:
    if not access_tokens.may_see(centre.store, token, incident_id):
        raise NotFoundError(f"no incident {incident_id!r}")
    return _read(centre, incident_id)


def _read(centre: Centre, incident_id: str) -> IncidentDetail:
    with centre.store.reading() as moment:
        return read_incident(moment, incident_id, only_representatives=True)


def _told(detail: IncidentDetail, centre: Centre) -> ResponderIncidentView:
    summary = detail.summary
    with centre.store.reading() as moment:
        clock = clocks.running(moment, summary.incident_id)
        if summary.status in OPEN:
            now = duty.on_call(centre.deployment, moment, summary.grid_chain, centre.store.clock())
            summary = replace(summary, grid_chain=now)
    base = f"{router.prefix}/{summary.incident_id}/evidence"
    return ResponderIncidentView(
        **dict(views.incident(summary, Role.OPERATOR)),
        sightings=tuple(SeenByView.model_validate(one) for one in detail.sightings),
        evidence=tuple(views.evidence(one, f"{base}/{one.evidence_id}") for one in detail.evidence),
        history=tuple(DoneView.model_validate(one) for one in detail.history),
        reports=tuple(_possible(summary)),
        clock=views.ClockView.model_validate(clock) if clock is not None else None,
    )


def _possible(summary: IncidentSummary) -> Iterator[Report]:
    if summary.status in ENDED:
        return
    if summary.response.accepted_by is None:
        yield Report.ACCEPTED
    possible = allowed_actions(summary.state)
    yield from (one for one, (action, _) in _MEANS.items() if action in possible)
    yield Report.FOUND
