"""The offline map: ground drawn from the deployment's elevation model, and the outlines of its grids."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from alerting.lifecycle import Stage, Status
from alerting.records import Frame
from console.auth import SignedIn
from console.context import InCentre
from console.views import EllipseView, View
from detector.detection import Label


class MarkView(View):
    number: int
    incident_id: str
    status: Status
    stage: Stage
    label: Label
    confirmed_at: datetime
    lat_deg: float
    lon_deg: float
    ellipse: EllipseView | None


router = APIRouter(prefix="/api/v1/map", tags=["map"])


@router.get(
    "/terrain/{zoom}/{x}/{y}",
    response_class=Response,
    responses={200: {"content": {"image/webp": {}}}, 204: {"description": "Nothing known there."}},
)
def terrain_tile(zoom: int, x: int, y: int, _session: SignedIn, centre: InCentre) -> Response:
    """A 512 px tile of hillshade and contour lines in Web Mercator."""
    if centre.hillshade is None or not centre.hillshade.covers(zoom, x, y):
        return Response(status_code=204)
    headers = {"Cache-Control": "private, max-age=86400"}
    return Response(centre.hillshade.tile(zoom, x, y), media_type="image/webp", headers=headers)


@router.get("/incidents")
def incidents_in_frame(
    _session: SignedIn,
    centre: InCentre,
    south_deg: Annotated[float, Query(ge=-90, le=90)],
    west_deg: Annotated[float, Query(ge=-180, le=180)],
    north_deg: Annotated[float, Query(ge=-90, le=90)],
    east_deg: Annotated[float, Query(ge=-180, le=180)],
    days: Annotated[float, Query(gt=0, le=36600)] = 30,
    status: Annotated[list[Status] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 500,
) -> tuple[MarkView, ...]:
    """The newest incidents with a position in this frame, of the last `days`."""
    marks = centre.store.map_incidents(
        Frame(south_deg, west_deg, north_deg, east_deg),
        since=centre.store.clock() - timedelta(days=days),
        status=status,
        limit=limit,
    )
    return tuple(MarkView.model_validate(mark) for mark in marks)


@router.get("/grids")
def grid_outlines(_session: SignedIn, centre: InCentre) -> dict[str, Any]:
    """GeoJSON of the areas of responsibility, by name and level; contacts are told with incidents only."""
    features: list[Any] = []
    if centre.deployment.grids is not None:
        features = json.loads(centre.deployment.grids.read_text(encoding="utf-8")).get("features", [])
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": feature["geometry"],
                "properties": {name: feature["properties"].get(name) for name in ("level", "code", "name")},
            }
            for feature in features
            if feature.get("geometry") is not None
        ],
    }
