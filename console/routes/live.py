"""Live video of a camera: WebRTC by WHEP, and single pictures where that does not go.

Everybody who may see cameras may watch them. How many at the same time, the live process decides (`live` in
the deployment): whoever comes too late gets 503 and Retry-After. A camera's address never comes near here.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from console.auth import COOKIE, Auth, SignedIn
from console.context import InCentre, require_camera
from console.problems import CONTENT

log = logging.getLogger(__name__)

router = APIRouter(prefix="/api/v1/cameras", tags=["live view"])

CHECK_SESSION_S = 10.0
_NOT_NOW: dict[int | str, dict[str, Any]] = {
    503: {"description": "The live view does not run, the camera does not answer, or too many watch already.",
          "content": CONTENT}
}  # fmt: skip


@router.post(
    "/{camera_id}/whep",
    status_code=201,
    response_class=Response,
    responses={201: {"content": {"application/sdp": {}}}, **_NOT_NOW},
    openapi_extra={"requestBody": {"content": {"application/sdp": {"schema": {"type": "string"}}}}},
)
async def watch(camera_id: str, request: Request, session: SignedIn, centre: InCentre) -> Response:
    """WHEP: the browser's offer (H.264, receive only) in, the answer out. `Location` ends the session."""
    require_camera(camera_id, centre)
    answer = await centre.live.answer(camera_id, await request.body())
    log.info("watching camera=%s user=%s", camera_id, session.user.username)
    location = f"/api/v1/cameras/{camera_id}/whep/{answer.session_id}"
    return Response(answer.sdp, 201, {"Location": location}, media_type="application/sdp")


@router.delete("/{camera_id}/whep/{session_id}", status_code=204, responses=_NOT_NOW)
async def leave(camera_id: str, session_id: str, _session: SignedIn, centre: InCentre) -> None:
    """Stop watching; also what has ended already. Only who watches knows the session's id."""
    require_camera(camera_id, centre)
    await centre.live.end(session_id)


@router.get(
    "/{camera_id}/live-picture",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, **_NOT_NOW},
)
async def next_picture(camera_id: str, _session: SignedIn, centre: InCentre) -> Response:
    """The camera's next picture, over a connection that is opened for it: does the camera answer?"""
    require_camera(camera_id, centre)
    jpeg = await centre.live.picture(camera_id)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.get(
    "/{camera_id}/mjpeg",
    response_class=StreamingResponse,
    responses={200: {"content": {"multipart/x-mixed-replace": {}}}, **_NOT_NOW},
)
async def pictures(
    camera_id: str, request: Request, _session: SignedIn, auth: Auth, centre: InCentre
) -> StreamingResponse:
    """Pictures without end, for browsers that WebRTC does not reach. Ends with the session."""
    require_camera(camera_id, centre)
    token = request.cookies[COOKIE]
    stack = AsyncExitStack()
    media_type, chunks = await stack.enter_async_context(centre.live.pictures(camera_id))

    async def while_signed_in() -> AsyncIterator[bytes]:
        async with stack:
            checked_s = time.monotonic()
            async for chunk in chunks:
                if centre.feed.closed:
                    return
                if time.monotonic() - checked_s > CHECK_SESSION_S:
                    checked_s = time.monotonic()
                    if await asyncio.to_thread(auth.session, token) is None:
                        return
                yield chunk

    headers = {
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
        "Content-Encoding": "identity",  # compressing JPEGs would only hold them back
    }
    return StreamingResponse(while_signed_in(), media_type=media_type, headers=headers)
