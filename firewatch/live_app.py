"""The live view over HTTP, on a unix socket, for the console alone: it knows no users and asks nobody.

The process listens at `live.sock` in the state folder, readable and writable by its own user only. The
console checks who asks, forwards, and adds nothing; a camera's URL never leaves this process.

    POST   /cameras/{camera_id}/whep       WHEP: the browser's offer (application/sdp) in the body.
                                           201, the answer (application/sdp), Location: /sessions/{id}
    DELETE /sessions/{id}                  204; also for one that has ended already. The id is a secret of the
                                           viewer who got it
    GET    /cameras/{camera_id}/mjpeg      multipart/x-mixed-replace, without end; the newest picture first
    GET    /cameras/{camera_id}/picture    the next picture (image/jpeg), for browsers without even MJPEG
    GET    /state                          {camera_id: {showing, video_viewers, picture_viewers, silent_s,
                                           problem}} of the cameras that are watched now
    POST   /probe                          a camera's fields (JSON) in the body: what it sends, as
                                           `streams.probe` says, its picture in base64. Takes seconds
    GET    /healthz                        204

Errors are `{"reason", "detail"}`: 404 unknown_camera; 400 unusable_offer; 409 no_video (re-encoding is needed
and too many cameras are being re-encoded): show MJPEG; 503 too_many_viewers and camera_away, with
Retry-After. `detail` is for people and holds no secret.

What a browser should do: POST with `iceServers: []` (or what the deployment names), candidates gathered or
not; when no picture is there 2 s after the answer (UDP blocked), or on 400 and 409, DELETE and show MJPEG; on
leaving the page, DELETE (`fetch` with keepalive). A viewer that vanishes without is noticed after 10 s.
While the camera sends nothing the picture stands still; `silent_s` tells since when.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import os
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from config import Camera, Deployment
from firewatch.failures import UserError
from firewatch.probing import probed
from streams.cameras import connector
from streams.live_view.hub import (
    CameraAway,
    LiveError,
    LiveHub,
    NoVideo,
    TooManyViewers,
    UnknownCamera,
    UnusableOffer,
)
from streams.live_view.media_loop import MediaLoop

_log = logging.getLogger(__name__)

BOUNDARY = "firewatch-picture"
PICTURE_TIMEOUT_S = 10.0
HEARTBEAT_S = 1.0
FOLLOW_S = 2.0
PROBES_AT_ONCE = 2
NICENESS = 10
"""Detection goes first on a machine that is short; a camera's test does not step back, since the seconds
after which it is given up run on."""
_STATUS: dict[type[LiveError], int] = {
    UnknownCamera: 404,
    UnusableOffer: 400,
    NoVideo: 409,
    TooManyViewers: 503,
    CameraAway: 503,
}


def create_live_app(hub: LiveHub, probers: Executor | None = None) -> FastAPI:
    """The routes above, over a hub that runs in the same event loop; tests of cameras run in `probers`."""
    app = FastAPI(title="Firewatch live view", docs_url=None, redoc_url=None, openapi_url=None)

    @app.exception_handler(LiveError)
    async def _refused(_request: Request, error: LiveError) -> JSONResponse:
        status = _STATUS[type(error)]
        headers = {"Retry-After": "5"} if status == 503 else None
        return JSONResponse({"reason": error.reason, "detail": str(error)}, status, headers)

    @app.post("/cameras/{camera_id}/whep")
    async def whep(camera_id: str, request: Request) -> Response:
        answer = await hub.answer(camera_id, (await request.body()).decode("utf-8", "replace"))
        return Response(
            answer.sdp,
            201,
            {"Location": f"/sessions/{answer.session_id}"},
            media_type="application/sdp",
        )

    @app.delete("/sessions/{session_id}")
    async def end(session_id: str) -> Response:
        await hub.end(session_id)
        return Response(status_code=204)

    @app.get("/cameras/{camera_id}/mjpeg")
    async def mjpeg(camera_id: str) -> Response:
        pictures = hub.pictures(camera_id)
        try:
            first = await asyncio.wait_for(anext(pictures), PICTURE_TIMEOUT_S)
        except TimeoutError:
            raise CameraAway("the camera sends no picture") from None
        return StreamingResponse(
            _parts(first, pictures),
            media_type=f"multipart/x-mixed-replace; boundary={BOUNDARY}",
            headers={"Cache-Control": "no-store"},
        )

    @app.get("/cameras/{camera_id}/picture")
    async def picture(camera_id: str) -> Response:
        async with contextlib.aclosing(hub.pictures(camera_id)) as pictures:
            try:
                jpeg = await asyncio.wait_for(anext(pictures), PICTURE_TIMEOUT_S)
            except TimeoutError:
                raise CameraAway("the camera sends no picture") from None
        return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    @app.get("/state")
    async def state() -> dict[str, dict[str, Any]]:
        return {camera_id: dataclasses.asdict(one) for camera_id, one in hub.states().items()}

    probes = asyncio.Semaphore(PROBES_AT_ONCE)

    @app.post("/probe")
    async def probe(request: Request) -> Response:
        if probes.locked():
            raise TooManyProbes("other cameras are being tested; try again in a moment")
        async with probes:
            loop = asyncio.get_running_loop()
            return JSONResponse(await loop.run_in_executor(probers, probed, await request.body()))

    @app.get("/healthz")
    async def healthz() -> Response:
        return Response(status_code=204)

    return app


class TooManyProbes(LiveError):
    reason = "too_many_probes"


_STATUS[TooManyProbes] = 503


def run_live(
    deployment: Deployment,
    path: Path,
    heartbeat: Callable[[], None] = lambda: None,
    *,
    cameras_now: Callable[[], Sequence[Camera]] | None = None,
) -> None:
    """Serve the live view at the unix socket `path` until SIGTERM or SIGINT. `cameras_now` is asked now and
    then, in a thread; without it the cameras are the deployment's for good."""
    probers = _started_threads(PROBES_AT_ONCE)
    os.nice(NICENESS)
    settings = deployment.live
    ports = (settings.udp_first_port, settings.udp_last_port) if settings.udp_first_port else None

    async def serve() -> None:
        cameras = deployment.cameras if cameras_now is None else cameras_now()
        hub = LiveHub(cameras, settings, connector)
        server = LiveServer(create_live_app(hub, probers), hub)
        beating = asyncio.create_task(_beat(heartbeat))
        following = asyncio.create_task(_follow(hub, cameras_now)) if cameras_now is not None else None
        try:
            with _listening(path) as listener:
                await server.serve(sockets=[listener])
        finally:
            beating.cancel()
            if following is not None:
                following.cancel()

    with asyncio.Runner(loop_factory=lambda: MediaLoop(ports, settings.media_address)) as runner:
        runner.run(serve())


def _started_threads(count: int) -> ThreadPoolExecutor:
    """Threads that keep the priority of this moment, which is each thread's own, and give it to what they
    start."""
    threads = ThreadPoolExecutor(count, thread_name_prefix="probe")
    all_there = Barrier(count + 1)
    for _ in range(count):
        threads.submit(all_there.wait)
    all_there.wait()
    return threads


class LiveServer(uvicorn.Server):
    """uvicorn, which ends the viewers' sessions before it waits for open responses."""

    def __init__(self, app: FastAPI, hub: LiveHub) -> None:
        super().__init__(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1))
        self._hub = hub

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._hub.close()
        await super().shutdown(sockets)


@contextlib.contextmanager
def _listening(path: Path) -> Iterator[socket.socket]:
    """A unix socket that only our own user may use; the one of the process before is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        made.bind(str(path))
    except OSError as error:
        made.close()
        if "too long" in str(error):
            raise UserError(
                f"the path of the socket {path} is too long for the system (107 bytes); "
                "choose a shorter --state folder"
            ) from None
        raise
    finally:
        os.umask(before)
    made.listen(64)
    with made:
        yield made


async def _beat(heartbeat: Callable[[], None]) -> None:
    while True:
        heartbeat()
        await asyncio.sleep(HEARTBEAT_S)


async def _follow(hub: LiveHub, cameras_now: Callable[[], Sequence[Camera]]) -> None:
    while True:
        await asyncio.sleep(FOLLOW_S)
        try:
            await hub.use(await asyncio.to_thread(cameras_now))
        except Exception:  # whatever one round stumbles over, the cameras stay as they were
            _log.exception("cameras not followed")


async def _parts(first: bytes, pictures: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    async with contextlib.aclosing(pictures):
        yield _part(first)
        async for jpeg in pictures:
            yield _part(jpeg)


def _part(jpeg: bytes) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
    return head.encode() + jpeg + b"\r\n"
