"""The console's application: the API, the event stream and the operators' page over one store.

`create_app` is the way in; who serves it (uvicorn in the centre's process) and where is not decided here.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import astuple
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from alerting.camera_register import CameraRegister
from alerting.evidence import EvidenceStore
from alerting.evidence_links import EvidenceLinks
from alerting.intake import Intake
from alerting.latest import LatestPictures
from alerting.placement import Placement
from alerting.secret_box import SecretBox
from alerting.store import Store
from alerting.target_register import TargetRegister
from config import Deployment
from console import description, problems, webhooks
from console.access import AccessLog
from console.auth import Authentication
from console.base_maps import BaseMapError, Tiles, open_tiles
from console.context import Centre, WorkerFigures
from console.feed import EventFeed
from console.hardening import Hardening
from console.hillshade import hillshade_of
from console.limits import RateLimit
from console.live_view import LiveView
from console.routes import (
    burns,
    calibration,
    cameras,
    configuration,
    deliveries,
    events,
    evidence,
    health,
    incidents,
    ingest,
    learning_cameras,
    metrics,
    models,
    presets,
    records,
    response,
    response_page,
    rosters,
    session,
    targets,
    tokens,
    turning,
    users,
)
from console.routes import (
    deployment as deployment_routes,
)
from console.routes import (
    live as live_routes,
)
from console.routes import (
    map as map_routes,
)
from console.routes import (
    register as register_routes,
)
from console.routes import (
    sign_on as sign_on_routes,
)
from console.shared import SharedAnswer
from console.sign_on import SignOn
from console.small_pictures import SmallPictures
from console.tags import Tags
from console.uploads import ExpectedUploads
from console.viewsheds import Viewsheds

log = logging.getLogger(__name__)

WEB = Path(__file__).parent / "web"
CAMERAS_FOR_S = 0.5
"""How old the list of cameras may be. Pages ask for it a second after they heard of a change (`duty.js`)."""
TITLE, API_VERSION = "Dashan Firewatch", "1"
_ROUTES = (
    health,
    metrics,
    session,
    sign_on_routes,
    deployment_routes,
    configuration,
    incidents,
    records,
    register_routes,
    presets,
    turning,
    learning_cameras,
    cameras,
    calibration,
    live_routes,
    deliveries,
    evidence,
    events,
    map_routes,
    burns,
    rosters,
    targets,
    models,
    response,
    response_page,
    ingest,
    tokens,
    users,
)
LOGIN_ATTEMPTS = 20
LOGIN_WITHIN_S = 60.0
"""A shift change behind one address fits; guessing does not."""


def create_app(
    store: Store,
    deployment: Deployment,
    *,
    box: SecretBox | None = None,
    links: EvidenceLinks | None = None,
    live_socket: Path | None = None,
    worker_figures: WorkerFigures = dict,
    monotonic: Callable[[], float] = time.monotonic,
) -> FastAPI:
    """The console of `deployment` over `store`. `box` seals addresses and secrets; without it no camera and
    no receiver can be added. With `links`, evidence is also given to holders of signed links; at
    `live_socket` the live process answers. `worker_figures` gives what the workers here told last. Raises
    what opening the evidence store or the terrain raises."""
    feed = EventFeed(store)
    live = LiveView(live_socket)
    oidc = deployment.console.oidc
    sign_on = SignOn(oidc, monotonic) if oidc is not None else None

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        following = asyncio.create_task(feed.run(), name="event-feed")
        yield
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await live.close()
        if sign_on is not None:
            sign_on.close()

    app = FastAPI(
        title=TITLE,
        version=API_VERSION,
        lifespan=lifespan,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    placement = Placement.from_deployment(deployment)
    latest = LatestPictures(deployment.storage.evidence)
    hillshade = hillshade_of(deployment.terrain) if deployment.terrain else None
    app.state.centre = Centre(
        store=store,
        register=CameraRegister(store, deployment, box),
        targets=TargetRegister(store, deployment, box),
        evidence=EvidenceStore(deployment.storage.evidence),
        placement=placement,
        latest=latest,
        small_pictures=SmallPictures(latest),
        feed=feed,
        hillshade=hillshade,
        viewsheds=Viewsheds(placement.terrain, astuple(hillshade.bounds))
        if placement.terrain is not None and hillshade is not None
        else None,
        base_maps=_base_maps(deployment),
        live=live,
        camera_list=SharedAnswer(CAMERAS_FOR_S, monotonic),
        links=links,
        intake=Intake.from_deployment(store, deployment, placement=placement),
        sign_on=sign_on,
        uploads=ExpectedUploads(),
        probes=RateLimit(register_routes.PROBES, register_routes.PROBES_WITHIN_S, monotonic),
        worker_figures=worker_figures,
    )
    app.state.authentication = Authentication(store, RateLimit(LOGIN_ATTEMPTS, LOGIN_WITHIN_S, monotonic))
    _answer_at(app)
    app.add_api_route("/", _page("index.html"), include_in_schema=False)
    app.add_api_route("/field", _page("field.html"), include_in_schema=False)
    app.mount("/web", _Assets(directory=WEB))
    app.add_middleware(Tags)  # before anything is compressed
    plain = (*DEFAULT_EXCLUDED_CONTENT_TYPES, cameras.PICTURES)
    app.add_middleware(GZipMiddleware, minimum_size=1000, exclude_content_types=plain)
    hosts = [host for one in deployment.map.base_maps for host in one.origins]
    app.add_middleware(Hardening, uploads=ingest.UPLOADS, map_hosts=tuple(dict.fromkeys(hosts)))
    app.add_middleware(AccessLog)
    return app


def _base_maps(deployment: Deployment) -> dict[str, Tiles]:
    """Those that can be opened: without one of its maps a centre still watches for fires."""
    found: dict[str, Tiles] = {}
    for one in deployment.map.base_maps:
        if one.file is not None:
            try:
                found[one.id] = open_tiles(one.file)
            except BaseMapError as error:
                log.error("base map left out: %s", error)
    return found


def api_document() -> dict[str, Any]:
    """The OpenAPI document, without a store or a deployment."""
    app = FastAPI(title=TITLE, version=API_VERSION)
    _answer_at(app)
    return app.openapi()


def _answer_at(app: FastAPI) -> None:
    """The API's routes, its errors, and what it says of itself."""
    problems.install(app)
    webhooks.install(app)
    description.install(app, [route for module in _ROUTES for route in module.router.routes])
    for module in _ROUTES:
        app.include_router(module.router)


def _page(name: str) -> Callable[[], FileResponse]:
    return lambda: FileResponse(WEB / name, headers={"Cache-Control": "no-cache"})


class _Assets(StaticFiles):
    """Our own files are asked for again at every load (304 if unchanged); libraries have their version in
    their path and never change."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        vendored = path.replace("\\", "/").startswith("vendor/")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if vendored else "no-cache"
        return response
