"""The offline map: ground drawn from the deployment's elevation model, and the outlines of its grids."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Response

from console.auth import SignedIn
from console.context import InCentre

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
