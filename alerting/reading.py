"""Rows of the tables into the values the store hands out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, cast

from alerting.lifecycle import Cause, Stage, State, Status, Verdict
from alerting.records import (
    AlertRecord,
    AlertType,
    BoxAt,
    CameraPeriod,
    CameraState,
    Contact,
    DeliveryRecord,
    DeliveryState,
    Ellipse,
    Event,
    EvidenceKind,
    EvidenceRecord,
    GridArea,
    GridShare,
    HistoryRow,
    IncidentSummary,
    Level,
    Location,
    LocationEstimate,
    LocationMethod,
    NearPlace,
    Response,
    SightingRecord,
)
from alerting.tables import (
    AlertRow,
    CameraPeriodRow,
    CameraStateRow,
    DeliveryRow,
    EventRow,
    EvidenceRow,
    HistoryTableRow,
    IncidentRow,
    LocationColumns,
    LocationEstimateRow,
    SightingRow,
)
from detector.detection import Box, Label


def location(row: LocationColumns) -> Location:
    ellipse = None
    if row.ellipse_semi_major_m is not None:
        ellipse = Ellipse(
            row.ellipse_semi_major_m, row.ellipse_semi_minor_m or 0.0, row.ellipse_azimuth_deg or 0.0
        )
    return Location(
        method=cast(LocationMethod, row.location_method),
        bearing_deg=row.bearing_deg,
        elevation_deg=row.elevation_deg,
        lat_deg=row.lat_deg,
        lon_deg=row.lon_deg,
        height_m=row.height_m,
        ellipse=ellipse,
        range_m=row.range_m,
        range_min_m=row.range_min_m,
        range_max_m=row.range_max_m,
        caution=row.location_caution,
        bearing_sigma_deg=row.bearing_sigma_deg,
        elevation_sigma_deg=row.elevation_sigma_deg,
        possibly_two=row.possibly_two,
    )


def put_location(row: LocationColumns, where: Location) -> None:
    """The inverse of `location`, on a row to be written."""
    row.location_method = where.method
    row.bearing_deg, row.elevation_deg = where.bearing_deg, where.elevation_deg
    row.lat_deg, row.lon_deg, row.height_m = where.lat_deg, where.lon_deg, where.height_m
    row.ellipse_semi_major_m = where.ellipse.semi_major_m if where.ellipse else None
    row.ellipse_semi_minor_m = where.ellipse.semi_minor_m if where.ellipse else None
    row.ellipse_azimuth_deg = where.ellipse.azimuth_deg if where.ellipse else None
    row.range_m, row.range_min_m, row.range_max_m = where.range_m, where.range_min_m, where.range_max_m
    row.location_caution = where.caution
    row.bearing_sigma_deg, row.elevation_sigma_deg = where.bearing_sigma_deg, where.elevation_sigma_deg
    row.possibly_two = where.possibly_two


def grid_chain(stored: Iterable[dict[str, Any]]) -> tuple[GridArea, ...]:
    return tuple(
        GridArea(one["level"], one["code"], one["name"], tuple(Contact(**each) for each in one["contacts"]))
        for one in stored
    )


def stored_grid_chain(chain: Iterable[GridArea]) -> list[dict[str, Any]]:
    return [asdict(area) for area in chain]


def incident_summary(row: IncidentRow) -> IncidentSummary:
    return IncidentSummary(
        number=row.number,
        incident_id=row.incident_id,
        status=Status(row.status),
        verdict=Verdict(row.verdict) if row.verdict else None,
        cause=Cause(row.cause) if row.cause else None,
        label=cast(Label, row.label),
        confidence=row.confidence,
        first_seen_at=row.first_seen_at,
        confirmed_at=row.confirmed_at,
        last_seen_at=row.last_seen_at,
        raised_at=row.raised_at,
        updated_at=row.updated_at,
        location=location(row),
        grid_chain=grid_chain(row.grid_chain),
        camera_ids=tuple(row.camera_ids),
        picture_evidence_id=row.picture_evidence_id,
        version=row.version,
        exercise=row.exercise,
        response=response(row),
        grids_touched=tuple(GridShare(**one) for one in row.grids_touched or ()),
        near_place=NearPlace(**row.near_place) if row.near_place else None,
    )


def state_of(row: IncidentRow) -> State:
    return State(
        Status(row.status),
        Verdict(row.verdict) if row.verdict else None,
        Cause(row.cause) if row.cause else None,
        Stage(row.stage),
    )


def state_from(stored: Mapping[str, str]) -> State:
    """From a dictionary of the state's fields."""
    return State(
        Status(stored["status"]),
        Verdict(stored["verdict"]) if "verdict" in stored else None,
        Cause(stored["cause"]) if "cause" in stored else None,
        Stage(stored["stage"]),
    )


def response(row: IncidentRow) -> Response:
    return Response(
        stage=Stage(row.stage),
        acknowledged_by=row.acknowledged_by,
        acknowledged_at=row.acknowledged_at,
        assigned_to=row.assigned_to,
        accepted_by=row.accepted_by,
        accepted_at=row.accepted_at,
        called=cast("Level | None", row.escalated_to),
        permitted_burn_id=row.permitted_burn_id,
        merged_into=row.merged_into,
        repeats=row.repeats,
    )


def location_estimate(row: LocationEstimateRow) -> LocationEstimate:
    return LocationEstimate(row.at, row.sightings, location(row))


def sighting_record(row: SightingRow) -> SightingRecord:
    return SightingRecord(
        sighting_id=row.sighting_id,
        incident_id=row.incident_id,
        camera_id=row.camera_id,
        camera_name=row.camera_name,
        camera_lat_deg=row.camera_lat_deg,
        camera_lon_deg=row.camera_lon_deg,
        camera_height_m=row.camera_height_m,
        preset=row.preset,
        label=cast(Label, row.label),
        confidence=row.confidence,
        first_seen_at=row.first_seen_at,
        confirmed_at=row.confirmed_at,
        received_at=row.received_at,
        box=Box(row.x1, row.y1, row.x2, row.y2),
        width_px=row.width_px,
        height_px=row.height_px,
        history=tuple(_box_at(one) for one in row.history),
        location=location(row),
        model_id=row.model_id,
        profile=row.profile,
        config_version=row.config_version,
        reason=row.reason,
        probability=row.probability,
        usual_score=row.usual_score,
        usual_cause=row.usual_cause,
    )


def _box_at(stored: dict[str, Any]) -> BoxAt:
    return BoxAt(
        datetime.fromisoformat(stored["at"]), stored["label"], stored["confidence"], Box(*stored["box"])
    )


def stored_box_at(at: datetime, label: Label, confidence: float, box: Box) -> dict[str, Any]:
    """The inverse of what `sighting_record` reads from the history column."""
    corners = [round(value, 2) for value in (box.x1, box.y1, box.x2, box.y2)]
    return {"at": at.isoformat(), "label": label, "confidence": round(confidence, 4), "box": corners}


def history_row(row: HistoryTableRow) -> HistoryRow:
    return HistoryRow(
        history_id=row.history_id,
        at=row.at,
        who=row.who,
        action=row.action,
        why=row.why,
        status_before=Status(row.status_before) if row.status_before else None,
        status_after=Status(row.status_after),
        verdict=Verdict(row.verdict) if row.verdict else None,
        cause=Cause(row.cause) if row.cause else None,
        undoes=row.undoes,
        source=row.source,
    )


def alert_record(row: AlertRow) -> AlertRecord:
    return AlertRecord(
        row.alert_id, row.incident_id, row.sequence, cast(AlertType, row.type), row.created_at, row.content
    )


def delivery_record(row: DeliveryRow) -> DeliveryRecord:
    return DeliveryRecord(
        delivery_id=row.delivery_id,
        alert_id=row.alert_id,
        notice_id=row.notice_id,
        incident_id=row.incident_id,
        sequence=row.sequence,
        target_id=row.target_id,
        state=cast(DeliveryState, row.state),
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
        last_error=row.last_error,
        acknowledged_at=row.acknowledged_at,
        created_at=row.created_at,
        recipient=row.recipient["name"] if row.recipient else None,
    )


def evidence_record(row: EvidenceRow) -> EvidenceRecord:
    return EvidenceRecord(
        evidence_id=row.evidence_id,
        incident_id=row.incident_id,
        sighting_id=row.sighting_id,
        kind=cast(EvidenceKind, row.kind),
        path=row.path,
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        media_type=row.media_type,
        captured_at=row.captured_at,
        incomplete=row.incomplete,
    )


def event_record(row: EventRow) -> Event:
    kind = cast(Any, row.kind)
    return Event(row.event_id, row.at, kind, row.incident_id, row.camera_id, row.data)


def camera_state(row: CameraStateRow) -> CameraState:
    return CameraState(row.camera_id, row.state, row.since, row.reason, row.heard_at)


def camera_period(row: CameraPeriodRow) -> CameraPeriod:
    return CameraPeriod(row.camera_id, row.condition, row.since, row.until, row.reason)
