"""What a page must know about the installation before it can show anything."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from console.auth import SignedIn
from console.context import InCentre
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


class PatienceView(View):
    """How long people may take before the alarm rises, as for the calls that go out by themselves."""

    acknowledge_s: float
    judge_s: float


class DeploymentView(BaseModel):
    name: str
    time_zone: str
    now: datetime
    terrain: TerrainView | None
    targets: dict[str, str]
    patience: PatienceView
    ice_servers: tuple[IceServerView, ...] = Field(description="For the live view; often none.")


@router.get("")
def deployment(_session: SignedIn, centre: InCentre) -> DeploymentView:
    """Name, time zone and time of the centre, its map's bounds, receivers, relays of the live view."""
    shade = centre.hillshade
    terrain = None
    if shade is not None:
        bounds = BoundsView.model_validate(shade.bounds)
        terrain = TerrainView(bounds=bounds, min_zoom=MIN_ZOOM, max_zoom=MAX_ZOOM)
    return DeploymentView(
        name=centre.deployment.name,
        time_zone=centre.deployment.time_zone,
        now=centre.store.clock(),
        terrain=terrain,
        targets=centre.target_names,
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
