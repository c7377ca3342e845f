"""Incidents: list, everything about one, and what people decide about it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from alerting import clocks, decisions, duty, message
from alerting.accounts import UserSession
from alerting.lifecycle import ENDED, OPEN, Action, Cause, Decision, Status, Step, Verdict
from alerting.policy import Rules
from alerting.records import AlertRecord, HistoryRow, IncidentDetail
from alerting.regroup import Regrouping
from alerting.store import NotFoundError
from console import views
from console.auth import Acting, Operator, SignedIn, client_address, require_role, role_of
from console.context import Centre, InCentre
from console.problems import Problem
from console.roles import role_for, role_for_undo

router = APIRouter(prefix="/api/v1/incidents", tags=["incidents"])

StatusFilter = Status | Literal["open", "ended"]


class DecisionBody(BaseModel):
    """What the operator wants done, and which version of the incident they saw."""

    action: Action
    verdict: Verdict | None = None
    cause: Cause | None = None
    why: str = Field(default="", max_length=2000)
    version: views.RowNumber


class StepBody(BaseModel):
    step: Step
    to: str = Field(default="", max_length=128, description="Whom it is assigned to.")
    why: str = Field(default="", max_length=2000)


class MergeBody(BaseModel):
    into: str = Field(max_length=64, description="The incident that is the same fire.")
    version: views.RowNumber
    why: str = Field(default="", max_length=2000)


class SplitBody(BaseModel):
    sighting_ids: tuple[str, ...] = Field(
        min_length=1, max_length=2000, description="Those of the other fire."
    )
    version: views.RowNumber
    why: str = Field(default="", max_length=2000)


class UndoBody(BaseModel):
    history_id: views.RowNumber
    version: views.RowNumber
    why: str = Field(default="", max_length=2000)


@router.get("")
def list_incidents(
    session: SignedIn,
    centre: InCentre,
    status: Annotated[list[StatusFilter] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> views.IncidentListView:
    """Newest first. `status` may be given several times; `open` and `ended` stand for groups."""
    last_event_id = centre.store.last_event_id()  # before the list: an event too often, never one too few
    try:
        page = centre.store.list_incidents(status=_statuses(status), limit=limit, cursor=cursor)
    except ValueError as error:
        raise Problem(422, "invalid-request", str(error)) from error
    role = role_of(session)
    return views.IncidentListView(
        incidents=tuple(views.incident(one, role) for one in page.incidents),
        next_cursor=page.next_cursor,
        counts=centre.store.count_incidents(),
        last_event_id=last_event_id,
    )


@router.get("/{incident_id}")
def incident(incident_id: str, session: SignedIn, centre: InCentre) -> views.IncidentDetailView:
    """Everything about one: sightings, history, alerts and where they went, evidence, what may be done."""
    detail = centre.store.incident(incident_id)
    return _told(detail, session, centre)


@router.get(
    "/{incident_id}/picture",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, 404: {"description": "No picture was sent."}},
)
def small_picture(incident_id: str, _session: SignedIn, centre: InCentre) -> Response:
    """The small cut-out around the fire that receivers got with the newest alert."""
    return picture_answer(centre.store.newest_alert(incident_id))


def picture_answer(newest: AlertRecord | None) -> Response:
    """Raises Problem for an incident whose newest alert carries none."""
    jpeg = message.picture_of(dict(newest.content)) if newest else None
    if jpeg is None:
        raise Problem(404, "no-picture", "this incident has no picture")
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


@router.post("/{incident_id}/decisions", status_code=201)
def decide(
    incident_id: str, body: DecisionBody, session: Operator, centre: InCentre, request: Request
) -> views.IncidentDetailView:
    """Confirm, dismiss, or move the incident on. 409 when somebody else was faster: look again."""
    require_role(session, role_for(body.action))
    decision = Decision(body.action, body.verdict, body.cause, body.why)
    detail = decisions.decide(
        centre.store,
        incident_id,
        decision,
        who=session.user.username,
        source=client_address(request),
        version=body.version,
        rules=Rules.of(centre.deployment),
    )
    return _told(detail, session, centre)


@router.post("/{incident_id}/steps", status_code=201)
def take_step(
    incident_id: str, body: StepBody, session: Operator, centre: InCentre, request: Request
) -> views.IncidentDetailView:
    """Acknowledge (an operator has it in hand), assign somebody, or note that they accepted."""
    detail = decisions.take_step(
        centre.store,
        incident_id,
        body.step,
        who=session.user.username,
        source=client_address(request),
        to=body.to,
        why=body.why,
        rules=Rules.of(centre.deployment),
    )
    return _told(detail, session, centre)


@router.post("/{incident_id}/merge", status_code=201)
def merge(
    incident_id: str, body: MergeBody, session: Operator, centre: InCentre, by: Acting
) -> views.IncidentDetailView:
    """The incident is the same fire as another; the answer is that other one."""
    detail = _regrouping(centre).merge(incident_id, body.into, version=body.version, by=by, why=body.why)
    return _told(detail, session, centre)


@router.post("/{incident_id}/split", status_code=201)
def split(
    incident_id: str, body: SplitBody, session: Operator, centre: InCentre, by: Acting
) -> views.IncidentDetailView:
    """Some of the incident's sightings are another fire; the answer is its new incident."""
    detail = _regrouping(centre).split(
        incident_id, body.sighting_ids, version=body.version, by=by, why=body.why
    )
    return _told(detail, session, centre)


@router.post("/{incident_id}/undo", status_code=201)
def undo(
    incident_id: str, body: UndoBody, session: Operator, centre: InCentre, by: Acting
) -> views.IncidentDetailView:
    """Take back the latest decision, or that somebody took the incident in hand or handed it over, while
    nobody has done anything since. Nothing is deleted; receivers are told."""
    row = _history_row(centre.store.incident(incident_id).history, body.history_id)
    require_role(session, role_for_undo(row, session.user.username))
    rules = Rules.of(centre.deployment)
    if row.action in (Step.ACKNOWLEDGE, Step.ASSIGN):
        detail = decisions.take_back(
            centre.store,
            incident_id,
            body.history_id,
            who=by.who,
            why=body.why,
            source=by.source,
            rules=rules,
        )
        return _told(detail, session, centre)
    if row.action in (decisions.MERGE, decisions.SPLIT):
        detail = _regrouping(centre).undo(
            incident_id,
            body.history_id,
            version=body.version,
            by=by,
            why=body.why,
        )
        return _told(detail, session, centre)
    detail = decisions.undo(
        centre.store,
        incident_id,
        body.history_id,
        who=by.who,
        version=body.version,
        why=body.why,
        source=by.source,
        rules=rules,
    )
    return _told(detail, session, centre)


def _told(detail: IncidentDetail, session: UserSession, centre: Centre) -> views.IncidentDetailView:
    with centre.store.reading() as moment:
        clock = clocks.running(moment, detail.summary.incident_id)
        on_call = detail.summary.grid_chain
        if detail.summary.status in OPEN:
            on_call = duty.on_call(centre.deployment, moment, on_call, centre.store.clock())
    return views.incident_detail(detail, role_of(session), centre.target_names(), clock, on_call)


def _regrouping(centre: Centre) -> Regrouping:
    return Regrouping(centre.store, centre.placement, Rules.of(centre.deployment))


def _history_row(history: tuple[HistoryRow, ...], history_id: int) -> HistoryRow:
    for row in history:
        if row.history_id == history_id:
            return row
    raise NotFoundError(f"this incident has no history row {history_id}")


def _statuses(wanted: list[StatusFilter] | None) -> frozenset[Status] | None:
    if not wanted:
        return None
    groups: dict[str, frozenset[Status]] = {"open": OPEN, "ended": ENDED}
    return frozenset().union(*(groups.get(one) or frozenset({Status(one)}) for one in wanted))
