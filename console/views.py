"""What the API says: pydantic models made from the store's records. Shape only.

Times are UTC with zone, angles degrees clockwise from true north, lengths metres, boxes frame pixels.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from alerting.clocks import Running
from alerting.decisions import retractable, undoable
from alerting.lifecycle import Action, Cause, Stage, Status, Verdict, allowed_actions
from alerting.policy import Clock
from alerting.records import (
    AlertRecord,
    AlertType,
    DeliveryRecord,
    DeliveryState,
    EvidenceKind,
    EvidenceRecord,
    GridArea,
    IncidentDetail,
    IncidentSummary,
    Level,
    LocationMethod,
)
from console.roles import Role
from detector.detection import Label

GREATEST_ROW = 2**63 - 1
"""Databases count in 64 bits; what is larger is no row of theirs, and an error inside them."""
RowNumber = Annotated[int, Field(ge=0, le=GREATEST_ROW)]


class View(BaseModel):
    model_config = ConfigDict(from_attributes=True, frozen=True)


class EllipseView(View):
    semi_major_m: float
    semi_minor_m: float
    azimuth_deg: float


class LocationView(View):
    method: LocationMethod
    bearing_deg: float
    elevation_deg: float
    lat_deg: float | None
    lon_deg: float | None
    height_m: float | None
    ellipse: EllipseView | None = Field(description="Holds the fire with 95 % probability.")
    range_m: float | None
    range_min_m: float | None
    range_max_m: float | None
    caution: str | None
    possibly_two: bool = Field(description="One view saw two plumes here that it cannot tell apart.")


class NearPlaceView(View):
    """A named place near the fire, which lies `distance_m` from it in the direction `bearing_deg`."""

    name: str
    name_en: str | None
    distance_m: float
    bearing_deg: float


class ContactView(View):
    name: str
    role: str
    phone: str


class GridAreaView(View):
    level: Literal["grid", "village", "town", "district"]
    code: str
    name: str
    contacts: tuple[ContactView, ...] = Field(description="Empty for viewers.")


class ResponseView(View):
    """Who deals with it, and how far the outside was asked to act."""

    stage: Stage
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    assigned_to: str | None
    accepted_by: str | None
    accepted_at: datetime | None
    called: Level | None = Field(description="The level of the grid chain called last.")
    permitted_burn_id: int | None = Field(description="The permitted burn it is taken for: verify.")
    merged_into: str | None
    repeats: int = Field(description="Sightings that told nothing new and were only counted.")


class IncidentView(View):
    number: int
    incident_id: str
    status: Status
    verdict: Verdict | None
    cause: Cause | None
    label: Label
    confidence: float
    first_seen_at: datetime
    confirmed_at: datetime = Field(description="When the detector was sure, on the footage's clock.")
    last_seen_at: datetime
    raised_at: datetime = Field(
        description="When the centre heard of it; much later than confirmed_at: late."
    )
    updated_at: datetime
    location: LocationView
    grid_chain: tuple[GridAreaView, ...]
    near_place: NearPlaceView | None
    camera_ids: tuple[str, ...]
    picture_evidence_id: int | None
    version: int = Field(description="Send it back with a decision.")
    exercise: bool = Field(description="A drill: show it as one everywhere.")
    response: ResponseView


class IncidentListView(View):
    incidents: tuple[IncidentView, ...]
    next_cursor: str | None
    counts: dict[Status, int]
    last_event_id: int = Field(description="Follow /events from here: nothing is missed, nothing twice.")


class BoxView(View):
    x1: float
    y1: float
    x2: float
    y2: float


class BoxAtView(View):
    at: datetime
    label: Label
    confidence: float
    box: BoxView


class SightingView(View):
    sighting_id: str
    camera_id: str
    camera_name: str
    camera_lat_deg: float
    camera_lon_deg: float
    preset: str | None
    label: Label
    confidence: float
    first_seen_at: datetime
    confirmed_at: datetime
    received_at: datetime
    box: BoxView
    width_px: int
    height_px: int
    history: tuple[BoxAtView, ...]
    location: LocationView
    model_id: str
    profile: str
    config_version: str
    reason: str
    probability: float | None = Field(description="Calibrated; null where it was never measured.")
    usual_score: float | None = Field(
        description="What is usual at this place at this hour; the sighting has risen above it."
    )
    usual_cause: str | None = Field(description="What people called it when they dismissed it.")


class HistoryView(View):
    history_id: int
    at: datetime
    who: str
    source: str = Field(description="From where.")
    action: str
    why: str
    status_before: Status | None
    status_after: Status
    verdict: Verdict | None
    cause: Cause | None
    undoes: int | None


class AlertView(View):
    alert_id: str
    sequence: int
    type: AlertType
    created_at: datetime
    changes: tuple[str, ...]


class DeliveryView(View):
    delivery_id: int
    alert_id: str | None
    notice_id: str | None
    incident_id: str | None
    sequence: int
    target_id: str
    target_name: str
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime
    last_error: str | None
    acknowledged_at: datetime | None
    created_at: datetime


class EvidenceView(View):
    evidence_id: int
    sighting_id: str
    kind: EvidenceKind
    media_type: str
    sha256: str
    captured_at: datetime
    incomplete: bool
    url: str


class EstimateView(View):
    """Where the incident was said to be at a time, from so many sightings."""

    at: datetime
    sightings: int
    location: LocationView


class ClockView(View):
    """What happens by itself unless somebody acts before."""

    kind: Clock
    set_at: datetime
    due_at: datetime


class IncidentDetailView(View):
    summary: IncidentView
    sightings: tuple[SightingView, ...]
    history: tuple[HistoryView, ...]
    alerts: tuple[AlertView, ...]
    deliveries: tuple[DeliveryView, ...]
    evidence: tuple[EvidenceView, ...]
    estimates: tuple[EstimateView, ...] = Field(
        description="Its track: where it was said to be, oldest first; the last is its present location."
    )
    allowed_actions: tuple[Action, ...]
    undoable_history_id: int | None = Field(description="The decision that /undo would take back now.")
    retractable_history_id: int | None = Field(description="The step that /undo would take back now.")
    clock: ClockView | None
    on_call: tuple[GridAreaView, ...] = Field(
        description="Its grid chain with whoever would be called now; once it has ended, as it was."
    )


class PoseView(View):
    azimuth_deg: float
    tilt_deg: float
    roll_deg: float
    hfov_deg: float


class CameraView(View):
    """A camera as the page may know it. Its address is not among it."""

    id: str
    name: str
    lat_deg: float
    lon_deg: float
    mast_height_m: float
    pose: PoseView
    enabled: bool
    state: str
    since: datetime | None
    reason: str
    picture_at: datetime | None = Field(description="When the newest picture was taken.")
    learning_until: datetime | None = Field(
        description="Until then what it sees is shown to supervisors and told to nobody; null: it has learnt."
    )


class CameraPeriodView(View):
    """A time during which a camera was blind, or stood elsewhere than its pose says (moved)."""

    condition: str
    since: datetime
    until: datetime | None = Field(description="Null: it lasts.")
    reason: str


class BlindDayView(View):
    day: date = Field(description="In the deployment's time zone.")
    blind_minutes: float = Field(description="In which a fire would not have been seen.")
    minutes: dict[str, float] = Field(description="By condition; moved is not blind.")


class MaskView(View):
    """A part of the picture treated differently; corners as shares of the frame from the left and the top."""

    kind: str
    name: str
    preset: str | None
    polygon: tuple[tuple[float, float], ...]
    mask_id: int | None = Field(default=None, description="Of a drawn mask; None: from the deployment file.")
    drawn_by: str = ""


class CameraHealthView(View):
    id: str
    state: str
    since: datetime | None
    reason: str
    heard_at: datetime | None = Field(description="When its worker last said that it watches.")
    patrol_interval_s: float = Field(description="Between two looks while nothing is suspected.")
    dense_interval_s: float = Field(description="Between two looks under suspicion.")
    masks: tuple[MaskView, ...]
    days: tuple[BlindDayView, ...] = Field(description="Oldest first, today last.")
    periods: tuple[CameraPeriodView, ...] = Field(description="Of these days, oldest first.")


class UserView(View):
    username: str
    role: Role
    must_change: bool
    active: bool
    locked_until: datetime | None
    created_at: datetime
    last_login_at: datetime | None


def incident(summary: IncidentSummary, role: Role) -> IncidentView:
    view = IncidentView.model_validate(summary)
    return view.model_copy(update={"grid_chain": grid_chain(summary.grid_chain, role)})


def grid_chain(areas: Iterable[GridArea], role: Role) -> tuple[GridAreaView, ...]:
    """Telephone numbers are for those who have to call."""
    views = (GridAreaView.model_validate(area) for area in areas)
    if role.includes(Role.OPERATOR):
        return tuple(views)
    return tuple(view.model_copy(update={"contacts": ()}) for view in views)


def incident_detail(
    detail: IncidentDetail,
    role: Role,
    target_names: dict[str, str],
    clock: Running | None,
    on_call: Iterable[GridArea],
) -> IncidentDetailView:
    latest, step = undoable(detail.history), retractable(detail.history)
    return IncidentDetailView(
        summary=incident(detail.summary, role),
        sightings=tuple(SightingView.model_validate(one) for one in detail.sightings),
        history=tuple(HistoryView.model_validate(one) for one in detail.history),
        alerts=tuple(_alert(one) for one in detail.alerts),
        deliveries=tuple(delivery(one, target_names) for one in detail.deliveries),
        evidence=tuple(evidence(one, f"/api/v1/evidence/{one.evidence_id}") for one in detail.evidence),
        estimates=tuple(EstimateView.model_validate(one) for one in detail.estimates),
        allowed_actions=allowed_actions(detail.summary.state),
        undoable_history_id=latest.history_id if latest else None,
        retractable_history_id=step.history_id if step else None,
        clock=ClockView.model_validate(clock) if clock is not None else None,
        on_call=grid_chain(on_call, role),
    )


def evidence(record: EvidenceRecord, url: str) -> EvidenceView:
    values: dict[str, Any] = {
        name: getattr(record, name) for name in EvidenceView.model_fields if name != "url"
    }
    return EvidenceView(**values, url=url)


def delivery(record: DeliveryRecord, target_names: dict[str, str]) -> DeliveryView:
    values: dict[str, Any] = {
        name: getattr(record, name) for name in DeliveryView.model_fields if name != "target_name"
    }
    name = record.recipient or target_names.get(record.target_id, record.target_id)
    return DeliveryView(**values, target_name=name)


def _alert(record: AlertRecord) -> AlertView:
    return AlertView(
        alert_id=record.alert_id,
        sequence=record.sequence,
        type=record.type,
        created_at=record.created_at,
        changes=tuple(record.content.get("changes", ())),
    )
