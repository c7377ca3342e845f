"""What the page for responders (`/field`) needs besides incidents: signing in, what changes, and the ground.

The token is handed over once and then lies in a cookie that no script can read and that goes to the
responders' routes only. The cookie outlives the token by a while, so that a page can be told that the token
has ended, and not merely that nobody is signed in. Nobody is slowed down here: 256 random bits are not
guessed, and a whole county may come from one address when the alarm is raised.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, SecretStr

from alerting import access_tokens
from alerting.access_tokens import AccessToken
from alerting.records import Event
from console.auth import (
    RESPONDER_COOKIE,
    RESPONDER_PATH,
    Responder,
    client_address,
    csrf_of,
    good_token,
    require_same_origin,
)
from console.context import Centre, InCentre
from console.problems import Problem
from console.routes.deployment import TerrainView, terrain_view
from console.routes.events import stream
from console.routes.map import GROUND_TILE, TileIndex, TileZoom, ground_tile
from console.views import GREATEST_ROW

router = APIRouter(prefix=RESPONDER_PATH, tags=["responders"])

COOKIE_OUTLIVES = timedelta(days=30)


class TokenGiven(BaseModel):
    token: SecretStr = Field(min_length=1, max_length=200)


class ResponderSessionView(BaseModel):
    name: str = Field(description="Who has the token, as the history will say.")
    areas: dict[str, str] = Field(description="Code and name of those it is limited to; none: everywhere.")
    expires_at: datetime
    csrf: str = Field(description="A page sends it in X-CSRF-Token with everything that changes something.")
    centre: str = Field(description="Name of the deployment.")
    time_zone: str
    now: datetime
    terrain: TerrainView | None
    last_event_id: int = Field(
        description="Load the list after this answer and follow /events from here: nothing is missed."
    )


@router.post("/session", status_code=201, dependencies=[Depends(require_same_origin)])
def sign_in(
    given: TokenGiven, request: Request, response: Response, centre: InCentre
) -> Annotated[ResponderSessionView, "sets the responders' cookie"]:
    """Hand over a token once, for a page in a browser: sets a cookie (HttpOnly, SameSite=Strict)."""
    text = given.token.get_secret_value().strip()
    token = good_token(centre.store, text)
    if token is None or token.role != access_tokens.RESPONDER:
        raise Problem(401, "wrong-credentials", "no responder has this token")
    request.state.who = token.name
    access_tokens.note_sign_in(centre.store, token, source=client_address(request))
    response.set_cookie(
        RESPONDER_COOKIE,
        text,
        max_age=int((token.expires_at + COOKIE_OUTLIVES - centre.store.clock()).total_seconds()),
        path=RESPONDER_PATH,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return _view(token, text, centre)


@router.get("/session")
def who_am_i(token: Responder, request: Request, centre: InCentre) -> ResponderSessionView:
    """Whose token it is, its areas and its end, and what a page must know of the centre."""
    return _view(token, request.cookies.get(RESPONDER_COOKIE, ""), centre)


@router.delete("/session", status_code=204)
def sign_out(_token: Responder, response: Response) -> None:
    """The browser forgets the token; it stays good until it ends or is withdrawn."""
    response.delete_cookie(RESPONDER_COOKIE, path=RESPONDER_PATH)


@router.get(
    "/events", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}}
)
async def events(
    token: Responder,
    centre: InCentre,
    last_event_id: Annotated[str | None, Header()] = None,
    after: Annotated[int | None, Query(ge=0, le=GREATEST_ROW, description="Start after this event.")] = None,
) -> StreamingResponse:
    """Events `incident` of the token's areas, `alive`, `reset` and `signed_out`, as `/events` has them."""

    def may_see(event: Event) -> bool:
        if event.kind != "incident" or event.incident_id is None:
            return False
        return access_tokens.may_see(centre.store, token, event.incident_id)

    return stream(
        centre, last_event_id, after, lambda: access_tokens.still_good(centre.store, token), may_see
    )


@router.get(
    "/terrain/{zoom}/{x}/{y}",
    response_class=Response,
    responses=GROUND_TILE,
)
def terrain_tile(
    zoom: TileZoom,
    x: TileIndex,
    y: TileIndex,
    _token: Responder,
    centre: InCentre,
) -> Response:
    """A 512 px tile of hillshade and contour lines in Web Mercator."""
    return ground_tile(centre, zoom, x, y)


def _view(token: AccessToken, kept: str, centre: Centre) -> ResponderSessionView:
    grids = centre.placement.grids() if token.area_codes else None
    names = {one.code: one.name for one in grids.listed()} if grids is not None else {}
    return ResponderSessionView(
        name=token.name,
        areas={code: names.get(code, code) for code in token.area_codes},
        expires_at=token.expires_at,
        csrf=csrf_of(kept) if kept else "",
        centre=centre.deployment.name,
        time_zone=centre.deployment.time_zone,
        now=centre.store.clock(),
        terrain=terrain_view(centre),
        last_event_id=centre.store.last_event_id(),
    )
