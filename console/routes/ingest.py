"""Where workers elsewhere (hill boxes with a thin link) report: sightings, camera states, pictures, clips,
signs of life; and where they hear what people decided and drew. With a token of role `machine`.

Everything may be sent again after any error: taking it in twice does no harm. Times are kept as they come.
Bodies are read in pieces, only after the token was found good, and no farther than `UPLOADS` allows.
"""

from __future__ import annotations

import hashlib
import io
import re
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from PIL import Image
from pydantic import AwareDatetime, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from alerting import ingest, learning
from alerting.access_tokens import AccessToken
from alerting.clips import LaterEvidence, add_later, camera_of
from alerting.evidence import EvidenceError
from alerting.ingest import (
    LaterFile,
    LifeAnswer,
    LifeSign,
    Named,
    NewsAnswer,
    Sha256,
    StateChange,
    Taken,
)
from alerting.intake import Evidence, SightingError
from alerting.journal import MACHINE, By
from alerting.store import StoreError
from config import Camera
from console.auth import Machine
from console.context import Centre, InCentre, require_camera
from console.problems import CONTENT, Problem
from detector.detection import Sighting

router = APIRouter(prefix="/api/v1/ingest", tags=["workers elsewhere"])

MB = 1_000_000
UPLOADS: Mapping[re.Pattern[str], int] = {
    re.compile(r"/api/v1/ingest/sightings"): 24 * MB,
    re.compile(r"/api/v1/ingest/cameras/[^/]*/picture"): 4 * MB,
    re.compile(r"/api/v1/ingest/evidence/[^/]*"): 512 * MB,
}
"""Bytes a body may have, by path; everything else is a sentence or a list (`console.hardening`)."""
MOST_JSON_BYTES = 1 * MB
MOST_PICTURE_PX = 16_384
_TEXTS = {"sighting_id": 128, "preset": 128, "model_id": 128, "profile": 64, "reason": 4000}
"""Most characters of a sighting's texts: what the store has room for."""

_CANNOT_KEEP: dict[int | str, dict[str, Any]] = {
    503: {"description": "It cannot be kept now (disk full, store away): send it again.", "content": CONTENT}
}
_SIGHTING_EXAMPLE = """{
 "sighting_id": "sight-dns-01-1773297748", "camera_id": "dns-01", "preset": null,
 "label": "smoke", "confidence": 0.87, "probability": 0.81,
 "first_seen_at": "2026-03-12T06:41:48Z", "confirmed_at": "2026-03-12T06:42:28Z",
 "box": {"x1": 520, "y1": 310, "x2": 600, "y2": 402}, "width_px": 1280, "height_px": 720,
 "history": [["2026-03-12T06:42:28Z", {"label": "smoke", "confidence": 0.87,
  "box": {"x1": 520, "y1": 310, "x2": 600, "y2": 402}}]],
 "model_id": "hill-1/1", "profile": "balanced", "reason": "evidence 9.1 score-seconds over 40 s"
}"""
_JPEG = {"type": "string", "format": "binary", "contentMediaType": "image/jpeg"}


def _body(*media_types: str) -> dict[str, Any]:
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {"requestBody": {"required": True, "content": dict.fromkeys(media_types, binary)}}


@router.post(
    "/sightings",
    status_code=201,
    responses={200: {"model": Taken, "description": "It was known already."}, **_CANNOT_KEEP},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["sighting", "snapshot", "annotated"],
                        "properties": {
                            "sighting": {
                                "type": "string",
                                "contentMediaType": "application/json",
                                "description": "The sighting as JSON; boxes in pixels of the snapshot.",
                                "example": _SIGHTING_EXAMPLE,
                            },
                            "snapshot": _JPEG,
                            "annotated": {**_JPEG, "description": "The snapshot with its box drawn."},
                        },
                    }
                }
            },
        }
    },
)
async def take_in(request: Request, response: Response, token: Machine, centre: InCentre) -> Taken:
    """A confirmed sighting with its pictures. 201: taken in; 200: it was known already."""
    sighting, evidence = await _sighting_in(request)
    camera = _own_camera(sighting.camera_id, token, centre)
    by = By(MACHINE.who, f"token {token.token_id} ({token.name})"[:128])
    try:
        ref = await run_in_threadpool(centre.intake.accept, sighting, evidence, camera, by=by)
    except SightingError as error:
        raise Problem(422, "invalid-request", str(error)) from error
    except StoreError as error:
        raise _cannot_keep(error) from error
    response.status_code = 200 if ref.known else 201
    return Taken(incident_id=ref.incident_id, known=ref.known)


@router.post("/states", status_code=204, responses=_CANNOT_KEEP)
def states(
    given: Annotated[tuple[StateChange, ...], Field(max_length=ingest.MOST_STATES)],
    token: Machine,
    centre: InCentre,
) -> None:
    """Changes of camera states, oldest first."""
    for one in given:
        _own_camera(one.camera_id, token, centre)
    for one in given:
        centre.store.set_camera_state(one.camera_id, one.state.value, one.since, one.reason)


@router.post("/life", responses=_CANNOT_KEEP)
def life(given: LifeSign, token: Machine, centre: InCentre) -> LifeAnswer:
    """Every ten seconds or so: the worker lives, and these are the cameras it watches. Cameras that nobody
    speaks for count as blind."""
    for one in given.cameras:
        _own_camera(one.camera_id, token, centre)
    return ingest.heard(centre.store, token.token_id, given)


@router.put(
    "/cameras/{camera_id}/picture",
    status_code=204,
    openapi_extra=_body("image/jpeg"),
    responses=_CANNOT_KEEP,
)
async def picture(
    camera_id: str,
    request: Request,
    token: Machine,
    centre: InCentre,
    x_captured_at: Annotated[AwareDatetime, Header(description="When it was taken.")],
) -> None:
    """The camera's newest picture, for the console. One older than that shown changes nothing."""
    _own_camera(camera_id, token, centre)
    jpeg = await request.body()
    _require_jpeg("the picture", jpeg)
    await run_in_threadpool(_show, centre, camera_id, jpeg, x_captured_at)


@router.post("/sightings/{sighting_id}/evidence", responses=_CANNOT_KEEP)
def name_evidence(
    sighting_id: str,
    given: Annotated[tuple[LaterFile, ...], Field(min_length=1, max_length=100)],
    token: Machine,
    centre: InCentre,
) -> Named:
    """Files that belong to a sighting. Those the centre does not have are `missing`: nothing happens before
    they were uploaded. 404 while the sighting itself has not been taken in."""
    _own_camera(camera_of(centre.store, sighting_id), token, centre)
    if learning.is_known(centre.store, [sighting_id]):
        return Named(missing=())  # of a camera that learns: its picture is enough
    files = [(one, centre.evidence.find(one.sha256, one.size_bytes, one.media_type)) for one in given]
    if missing := [one for one, file in files if file is None]:
        for one in missing:
            centre.uploads.expect(token.token_id, one.sha256, one.size_bytes)
        return Named(missing=tuple(one.sha256 for one in missing))
    later = [
        LaterEvidence(one.kind, file, one.captured_at, one.incomplete)
        for one, file in files
        if file is not None
    ]
    try:
        add_later(centre.store, sighting_id, later)
    except StoreError as error:
        raise _cannot_keep(error) from error
    return Named(missing=())


@router.put(
    "/evidence/{sha256}",
    status_code=204,
    openapi_extra=_body("image/jpeg", "video/mp4"),
    responses=_CANNOT_KEEP,
)
async def upload(sha256: Sha256, request: Request, token: Machine, centre: InCentre) -> None:
    """A file of evidence that was named as belonging to a sighting and is missing; kept only if its hash is
    right. 404: name it (again) first."""
    media_type = request.headers.get("content-type", "")
    if media_type not in ("image/jpeg", "video/mp4"):
        raise Problem(422, "invalid-request", "Content-Type must be image/jpeg or video/mp4")
    size_bytes = centre.uploads.size_bytes(token.token_id, sha256)
    if size_bytes is None:
        raise Problem(404, "not-found", "no sighting waits for this file: name it with its sighting first")
    hasher, size = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(prefix="firewatch-upload-") as file:
        async for piece in request.stream():
            size += len(piece)
            if size > size_bytes:
                raise Problem(413, "too-large", f"this file was said to have {size_bytes} bytes")
            hasher.update(piece)
            await run_in_threadpool(file.write, piece)
        if hasher.hexdigest() != sha256:
            raise Problem(422, "wrong-hash", "what arrived is not what its hash says; send it again")
        file.flush()
        try:
            await run_in_threadpool(centre.evidence.write_file, Path(file.name), media_type)
        except EvidenceError as error:
            raise _cannot_keep(error) from error
    centre.uploads.arrived(token.token_id, sha256)


@router.get("/news")
def news(
    token: Machine,
    centre: InCentre,
    camera_id: Annotated[
        tuple[str, ...], Query(max_length=ingest.MOST_STATES, description="The worker's cameras.")
    ] = (),
    after: Annotated[str, Query(max_length=100, description="Cursor of the last answer.")] = "",
) -> NewsAnswer:
    """What people decided and drew, for the worker's site memory and masks. Ask every few seconds: while
    nothing new happened the answer is a few bytes."""
    own = frozenset(_own_camera(one, token, centre).id for one in camera_id)
    event, _, digest = after.partition(".")
    newest = centre.store.last_event_id()
    if event == str(newest):
        return NewsAnswer(cursor=after, news=None)
    found = ingest.news_for(centre.store, own)
    now = hashlib.sha256(found.model_dump_json().encode()).hexdigest()[:16]
    return NewsAnswer(cursor=f"{newest}.{now}", news=None if now == digest else found)


def _own_camera(camera_id: str, token: AccessToken, centre: Centre) -> Camera:
    """The camera, if it exists and the token speaks for it."""
    if not token.speaks_for(camera_id):
        raise Problem(403, "not-your-camera", f"the token of {token.name} does not speak for {camera_id!r}")
    return require_camera(camera_id, centre)


async def _sighting_in(request: Request) -> tuple[Sighting, Evidence]:
    """The parts of the multipart body. Raises Problem for what makes no sense."""
    parts: dict[str, bytes] = {}
    async with request.form(max_files=3, max_fields=3, max_part_size=MOST_JSON_BYTES) as form:
        for name, part in form.multi_items():
            parts[name] = await part.read() if isinstance(part, UploadFile) else part.encode()
    if set(parts) != {"sighting", "snapshot", "annotated"} or len(parts["sighting"]) > MOST_JSON_BYTES:
        raise Problem(
            422, "invalid-request", "send multipart/form-data with the parts sighting, snapshot, annotated"
        )
    try:
        sighting = ingest.SIGHTING.validate_json(parts["sighting"])
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise Problem(422, "invalid-request", f"sighting.{where}: {first['msg']}") from None
    for name, most in _TEXTS.items():
        if len(getattr(sighting, name) or "") > most:
            raise Problem(422, "invalid-request", f"sighting.{name}: has more than {most} characters")
    for name in ("snapshot", "annotated"):
        _require_jpeg(name, parts[name])
    return sighting, Evidence(parts["snapshot"], parts["annotated"])


def _require_jpeg(what: str, content: bytes) -> None:
    """Looks at the head only."""
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG",)) as found:
            fits = max(found.size) <= MOST_PICTURE_PX
    except (OSError, Image.DecompressionBombError):
        fits = False
    if not fits:
        raise Problem(422, "invalid-request", f"{what} is no JPEG of at most {MOST_PICTURE_PX} px a side")


def _show(centre: Centre, camera_id: str, jpeg: bytes, captured_at: datetime) -> None:
    shown_at = centre.latest.captured_at(camera_id)
    if shown_at is not None and captured_at <= shown_at <= datetime.now(UTC):
        return
    try:
        centre.latest.write(camera_id, jpeg, captured_at)
    except OSError as error:
        raise _cannot_keep(error) from error


def _cannot_keep(error: Exception) -> Problem:
    return Problem(503, "cannot-keep", f"not kept, send it again: {error}", {"Retry-After": "5"})
