"""The offline map: ground drawn from the deployment's elevation model, and the outlines of its grids."""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import AwareDatetime, Field

from alerting.lifecycle import Stage, Status
from alerting.records import Frame
from console.auth import SignedIn, role_of
from console.base_maps import media_type_of
from console.context import Centre, InCentre, require_camera
from console.problems import Problem
from console.sight import Sees, look_at
from console.views import EllipseView, GridAreaView, View, grid_chain
from detector.detection import Label
from geometry.terrain import ground_below


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


class SightView(View):
    camera_id: str
    sees: Sees
    bearing_deg: float
    range_m: float


class PlaceView(View):
    lat_deg: float
    lon_deg: float
    height_m: float | None
    grid_chain: tuple[GridAreaView, ...]
    cameras: tuple[SightView, ...] = Field(description="Enabled cameras, the nearest first.")


router = APIRouter(prefix="/api/v1/map", tags=["map"])

TileZoom = Annotated[int, Path(ge=0, le=24)]
TileIndex = Annotated[int, Path(ge=0, lt=2**24)]
GROUND_TILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/webp": {}}},
    204: {"description": "Nothing known there."},
}


@router.get(
    "/terrain/{zoom}/{x}/{y}",
    response_class=Response,
    responses=GROUND_TILE,
)
def terrain_tile(
    zoom: TileZoom,
    x: TileIndex,
    y: TileIndex,
    _session: SignedIn,
    centre: InCentre,
) -> Response:
    """A 512 px tile of hillshade and contour lines in Web Mercator."""
    return ground_tile(centre, zoom, x, y)


def ground_tile(centre: Centre, zoom: int, x: int, y: int) -> Response:
    if centre.hillshade is None or not centre.hillshade.covers(zoom, x, y):
        return Response(status_code=204)
    headers = {"Cache-Control": "private, max-age=86400"}
    return Response(centre.hillshade.tile(zoom, x, y), media_type="image/webp", headers=headers)


@router.get(
    "/base/{map_id}/{zoom}/{x}/{y}",
    response_class=Response,
    responses={
        200: {"content": {"image/png": {}, "image/jpeg": {}, "image/webp": {}}},
        204: {"description": "The map has nothing there."},
    },
)
def base_map_tile(
    map_id: str,
    zoom: TileZoom,
    x: TileIndex,
    y: TileIndex,
    _session: SignedIn,
    centre: InCentre,
) -> Response:
    """A tile of one of the deployment's own maps (`map.base_maps`), as it is in its file."""
    tiles = centre.base_maps.get(map_id)
    if tiles is None:
        raise Problem(404, "not-found", f"no base map {map_id!r} in a file that can be read")
    picture = tiles.tile(zoom, x, y) if x < 2**zoom and y < 2**zoom else None
    if picture is None:
        return Response(status_code=204)
    headers = {"Cache-Control": "private, max-age=86400"}
    return Response(picture, media_type=media_type_of(picture), headers=headers)


@router.get("/incidents")
def incidents_in_frame(
    _session: SignedIn,
    centre: InCentre,
    south_deg: Annotated[float, Query(ge=-90, le=90)],
    west_deg: Annotated[float, Query(ge=-180, le=180)],
    north_deg: Annotated[float, Query(ge=-90, le=90)],
    east_deg: Annotated[float, Query(ge=-180, le=180)],
    days: Annotated[float, Query(gt=0, le=36600)] = 30,
    until: AwareDatetime | None = None,
    status: Annotated[list[Status] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 500,
) -> tuple[MarkView, ...]:
    """The newest incidents with a position in this frame, of the last `days` before `until` (now)."""
    end = until if until is not None else centre.store.clock()
    try:
        since = end - timedelta(days=days)
    except OverflowError as error:
        raise Problem(422, "invalid-request", "the time begins before any calendar") from error
    marks = centre.store.map_incidents(
        Frame(south_deg, west_deg, north_deg, east_deg),
        since=since,
        until=end,
        status=status,
        limit=limit,
    )
    return tuple(MarkView.model_validate(mark) for mark in marks)


@router.get("/place")
def place(
    session: SignedIn,
    centre: InCentre,
    lat_deg: Annotated[float, Query(ge=-90, le=90)],
    lon_deg: Annotated[float, Query(ge=-180, le=180)],
) -> PlaceView:
    """Whose ground it is, how high, and which cameras can look there."""
    terrain = centre.placement.terrain
    height_m = float(ground_below(terrain).height_m(lat_deg, lon_deg)) if terrain is not None else math.nan
    cameras = (camera for camera in centre.deployment.cameras if camera.enabled)
    looks = [look_at(camera, lat_deg, lon_deg, terrain) for camera in cameras] if terrain is not None else []
    seen = sorted((look for look in looks if look is not None), key=lambda look: look.range_m)
    with centre.store.reading() as moment:
        areas = centre.placement.areas_at(moment, lat_deg, lon_deg, centre.store.clock())
    return PlaceView(
        lat_deg=lat_deg,
        lon_deg=lon_deg,
        height_m=None if math.isnan(height_m) else height_m,
        grid_chain=grid_chain(areas, role_of(session)),
        cameras=tuple(SightView.model_validate(look) for look in seen),
    )


@router.get("/viewsheds/{camera_id}")
def viewshed(camera_id: str, _session: SignedIn, centre: InCentre) -> dict[str, Any]:
    """GeoJSON of the ground that a camera sees (`sees`: ground), and of where it would see a plume 50 m high
    (`plume`), within 10 km; empty where nothing is known of the ground."""
    camera = require_camera(camera_id, centre)
    found = centre.viewsheds.of(camera) if centre.viewsheds is not None else None
    areas = {} if found is None else {"ground": found.ground, "plume": found.smoke}
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "MultiPolygon", "coordinates": area},
                "properties": {"camera_id": camera_id, "sees": sees},
            }
            for sees, area in areas.items()
        ],
    }


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
