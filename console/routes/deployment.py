"""What a page must know about the installation before it can show anything."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from config import BaseMap
from console.auth import SignedIn
from console.context import Centre, InCentre
from console.hillshade import MAX_ZOOM, MIN_ZOOM
from console.views import View

router = APIRouter(prefix="/api/v1/deployment", tags=["deployment"])


class BoundsView(View):
    west: float
    south: float
    east: float
    north: float


class TerrainView(BaseModel):
    bounds: BoundsView
    min_zoom: int
    max_zoom: int


class IceServerView(BaseModel):
    """As a browser takes it. A relay's password is for those who use it: viewers."""

    urls: str
    username: str | None
    credential: str | None


class BaseMapView(BaseModel):
    """Raster tiles in Web Mercator, to be shown with their attribution and approval number."""

    id: str
    name: str
    tiles: tuple[str, ...] = Field(description="Addresses with {z}, {x}, {y}; below / of the centre itself.")
    datum: Literal["wgs84", "cgcs2000", "gcj02"]
    min_zoom: int
    max_zoom: int
    tile_px: int
    attribution: str
    approval_number: str


class PatienceView(View):
    """How long people may take before the alarm rises, as for the calls that go out by themselves."""

    acknowledge_s: float
    judge_s: float


class DeploymentView(BaseModel):
    name: str
    time_zone: str
    now: datetime
    terrain: TerrainView | None
    base_maps: tuple[BaseMapView, ...] = Field(description="The first is shown at the start.")
    targets: dict[str, str]
    patience: PatienceView
    ice_servers: tuple[IceServerView, ...] = Field(description="For the live view; often none.")


@router.get("")
def deployment(_session: SignedIn, centre: InCentre) -> DeploymentView:
    """Name, time zone and time of the centre, its map's bounds, receivers, relays of the live view."""
    return DeploymentView(
        name=centre.deployment.name,
        time_zone=centre.deployment.time_zone,
        now=centre.store.clock(),
        terrain=terrain_view(centre),
        base_maps=tuple(
            _base_map(one)
            for one in centre.deployment.map.base_maps
            if one.file is None or one.id in centre.base_maps
        ),
        targets=centre.target_names(),
        patience=PatienceView.model_validate(centre.deployment.response),
        ice_servers=tuple(
            IceServerView(
                urls=one.url,
                username=one.username,
                credential=one.credential.get_secret_value() if one.credential else None,
            )
            for one in centre.deployment.live.ice_servers
        ),
    )


def terrain_view(centre: Centre) -> TerrainView | None:
    if centre.hillshade is None:
        return None
    bounds = BoundsView.model_validate(centre.hillshade.bounds)
    return TerrainView(bounds=bounds, min_zoom=MIN_ZOOM, max_zoom=MAX_ZOOM)


def _base_map(one: BaseMap) -> BaseMapView:
    own = f"/api/v1/map/base/{one.id}/{{z}}/{{x}}/{{y}}"
    return BaseMapView(
        id=one.id,
        name=one.name,
        tiles=one.addresses or (own,),
        datum=one.datum,
        min_zoom=one.min_zoom,
        max_zoom=one.max_zoom,
        tile_px=one.tile_px,
        attribution=one.attribution,
        approval_number=one.approval_number,
    )
