"""Looking back: search, figures and exports of past incidents."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import AwareDatetime, BaseModel

from alerting import archive, audit
from alerting.archive import Outcome, Wanted, outcome_of
from alerting.lifecycle import Cause
from alerting.records import IncidentSummary
from console import duty_report, views
from console.auth import Admin, Operator, SignedIn, role_of
from console.context import Centre, InCentre
from console.problems import Problem
from console.views import RowNumber, View
from detector.detection import Label

router = APIRouter(prefix="/api/v1/records", tags=["records"])


class RecordPageView(BaseModel):
    incidents: tuple[views.IncidentView, ...]
    next_cursor: str | None


class TallyView(View):
    total: int
    open: int
    wildfire: int
    permitted_burn: int
    other_smoke: int
    false_alarm: int


class DelayView(View):
    count: int
    median_s: float | None
    p90_s: float | None


class StatisticsView(View):
    """Exercises are not counted. Hours and days are local."""

    since: datetime
    until: datetime
    all: TallyView
    by_hour: dict[int, TallyView]
    by_day: dict[date, TallyView]
    by_camera: dict[str, TallyView]
    by_area: dict[str, TallyView]
    by_cause: dict[Cause, int]
    seen_to_confirmed: DelayView
    confirmed_to_told: DelayView
    raised_to_judged: DelayView
    raised_to_closed: DelayView
    false_alarms_per_camera_day: float


def _wanted(
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    label: Label | None = None,
    outcome: Outcome | None = None,
    cause: Cause | None = None,
    camera_id: str | None = None,
    area_code: str | None = None,
    number: RowNumber | None = None,
    exercise: bool = False,
) -> Wanted:
    return Wanted(since, until, label, outcome, cause, camera_id, area_code, number, exercise)


WantedBy = Annotated[Wanted, Depends(_wanted)]


@router.get("")
def search(
    session: SignedIn,
    centre: InCentre,
    wanted: WantedBy,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> RecordPageView:
    """Newest first, by time of confirmation."""
    try:
        page = archive.search(centre.store, wanted, limit=limit, cursor=cursor)
    except ValueError as error:
        raise Problem(422, "invalid-request", str(error)) from error
    role = role_of(session)
    return RecordPageView(
        incidents=tuple(views.incident(one, role) for one in page.incidents), next_cursor=page.next_cursor
    )


@router.get("/statistics")
def statistics(
    _session: SignedIn, centre: InCentre, since: AwareDatetime, until: AwareDatetime
) -> StatisticsView:
    """The figures of a span of at most 400 days."""
    zone = ZoneInfo(centre.deployment.time_zone)
    cameras = sum(camera.enabled for camera in centre.deployment.cameras)
    try:
        found = archive.figures(centre.store, since, until, zone, cameras)
    except ValueError as error:
        raise Problem(422, "invalid-request", str(error)) from error
    return StatisticsView.model_validate(found)


@router.get(
    "/report",
    response_class=Response,
    responses={200: {"content": {"text/html": {}, "application/pdf": {}}}},
)
def report(
    session: Operator,
    centre: InCentre,
    first: Annotated[date, Query(description="First local day.")],
    last: Annotated[date, Query(description="Last local day, included.")],
    form: Literal["html", "pdf"] = "html",
    language: duty_report.Language = "zh",
) -> Response:
    """The duty report of a day, a month, or any days up to 400."""
    try:
        made = duty_report.gather(centre.store, centre.deployment, first, last, session.user.username)
    except ValueError as error:
        raise Problem(422, "invalid-request", str(error)) from error
    if form == "html":
        return Response(duty_report.to_page(made, language), media_type="text/html; charset=utf-8")
    headers = {"Content-Disposition": f'attachment; filename="firewatch-report-{first}-{last}.pdf"'}
    return Response(duty_report.to_pdf(made, language), media_type="application/pdf", headers=headers)


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}, "application/geo+json": {}}}},
)
def export(
    _session: Operator, centre: InCentre, wanted: WantedBy, form: Literal["csv", "geojson"] = "csv"
) -> StreamingResponse:
    """Everything that fits, as a file. Times carry their zone; positions are WGS 84 degrees."""
    found = archive.every(centre.store, wanted)
    rows = (_row(one, centre) for one in found)
    content, media_type = (
        (_csv(rows, _COLUMNS), "text/csv; charset=utf-8")
        if form == "csv"
        else (_geojson(rows), "application/geo+json")
    )
    name = f"firewatch-{centre.store.clock():%Y%m%d-%H%M%S}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(content, media_type=media_type, headers=headers)


@router.get("/history", response_class=StreamingResponse, responses={200: {"content": {"text/csv": {}}}})
def history(
    _session: Admin, centre: InCentre, since: AwareDatetime, until: AwareDatetime
) -> StreamingResponse:
    """Who decided what about which incident, when, why and from where, as a file."""
    zone = ZoneInfo(centre.deployment.time_zone)
    told = (
        {
            "at": row.at.astimezone(zone).isoformat(timespec="seconds"),
            "incident": number,
            "who": row.who,
            "source": row.source,
            "action": row.action,
            "status_before": row.status_before or "",
            "status_after": row.status_after,
            "verdict": row.verdict or "",
            "cause": row.cause or "",
            "undoes": row.undoes or "",
            "why": row.why,
        }
        for number, row in audit.rows(centre.store, since, until)
    )
    return _csv_file(centre, "history", _csv(told, _HISTORY))


@router.get("/audit", response_class=StreamingResponse, responses={200: {"content": {"text/csv": {}}}})
def audit_trail(
    _session: Admin, centre: InCentre, since: AwareDatetime, until: AwareDatetime
) -> StreamingResponse:
    """Who did what to accounts, tokens, permitted burns and deliveries, and who signed in from where."""
    zone = ZoneInfo(centre.deployment.time_zone)
    told = (
        {
            "at": one.at.astimezone(zone).isoformat(timespec="seconds"),
            "who": one.who,
            "source": one.source,
            "action": one.action,
            "subject": one.subject,
            "detail": json.dumps(one.detail, ensure_ascii=False) if one.detail else "",
        }
        for one in audit.entries(centre.store, since, until)
    )
    return _csv_file(centre, "audit", _csv(told, _AUDIT))


def _csv_file(centre: Centre, what: str, lines: Iterator[str]) -> StreamingResponse:
    name = f"firewatch-{what}-{centre.store.clock():%Y%m%d-%H%M%S}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


_AUDIT = ("at", "who", "source", "action", "subject", "detail")
_HISTORY = (
    "at", "incident", "who", "source", "action", "status_before", "status_after", "verdict", "cause",
    "undoes", "why",
)  # fmt: skip
_COLUMNS = (
    "number", "incident_id", "status", "outcome", "cause", "label", "confidence", "first_seen_at",
    "confirmed_at", "raised_at", "cameras", "grid", "village", "town", "district", "latitude", "longitude",
    "ellipse_semi_major_m", "ellipse_semi_minor_m", "bearing_deg", "range_m",
)  # fmt: skip


def _row(one: IncidentSummary, centre: Centre) -> dict[str, Any]:
    zone = ZoneInfo(centre.deployment.time_zone)
    names = {camera.id: camera.name for camera in centre.deployment.cameras}
    areas = {area.level: area.name for area in one.grid_chain}
    where = one.location
    return {
        "number": one.number,
        "incident_id": one.incident_id,
        "status": one.status.value,
        "outcome": outcome_of(one.status, one.verdict),
        "cause": one.cause.value if one.cause else "",
        "label": one.label,
        "confidence": round(one.confidence, 3),
        "first_seen_at": one.first_seen_at.astimezone(zone).isoformat(timespec="seconds"),
        "confirmed_at": one.confirmed_at.astimezone(zone).isoformat(timespec="seconds"),
        "raised_at": one.raised_at.astimezone(zone).isoformat(timespec="seconds"),
        "cameras": "; ".join(names.get(id_, id_) for id_ in one.camera_ids),
        **{level: areas.get(level, "") for level in ("grid", "village", "town", "district")},
        "latitude": where.lat_deg,
        "longitude": where.lon_deg,
        "ellipse_semi_major_m": where.ellipse.semi_major_m if where.ellipse else None,
        "ellipse_semi_minor_m": where.ellipse.semi_minor_m if where.ellipse else None,
        "bearing_deg": round(where.bearing_deg, 2),
        "range_m": where.range_m,
    }


def _csv(rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> Iterator[str]:
    """With a byte order mark, or spreadsheet programs take the Chinese for Latin letters."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns)
    buffer.write("\ufeff")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _harmless(value) for key, value in row.items()})
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _harmless(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula is kept a text."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" and value else value


def _geojson(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield '{"type": "FeatureCollection", "features": ['
    for count, row in enumerate(rows):
        place = row["longitude"], row["latitude"]
        geometry = {"type": "Point", "coordinates": place} if None not in place else None
        feature = {"type": "Feature", "id": row["incident_id"], "geometry": geometry, "properties": row}
        yield (",\n" if count else "") + json.dumps(feature, ensure_ascii=False)
    yield "]}"
