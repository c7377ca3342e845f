"""A sandbox dispatch centre: takes alerts as a real one should, and misbehaves when told to.

    FIREWATCH_DISPATCH_SECRET=... python -m simulator.receiver --port 8090 \\
        --secret-env FIREWATCH_DISPATCH_SECRET --folder var/receiver

| request            | answer                                                                             |
|--------------------|------------------------------------------------------------------------------------|
| `POST /alerts`     | 201 kept, 200 known already (same `Idempotency-Key`), 401 wrong or stale signature  |
| `GET /`            | page in Chinese with what arrived                                                  |
| `GET /api/alerts`  | the same as JSON, with what was turned away                                        |
| `POST /control`    | `{"mode": "ok" or "fail" or "status" or "delay" or "hang" or "reset", ...}`         |

What is posted may be JSON, CAP or GeoJSON, an alert, a notice or a heartbeat; heartbeats are only heard.
`fail` answers 503, `status` any 4xx or 5xx given, `delay` waits `delay_s` seconds and then does its work,
`hang` never answers, `reset` breaks the connection with a TCP reset. `times` limits a mode to so many
alerts, after which the receiver is well again. With `after_storing` the alert is kept first and only the
answer is lost: the case for which deliveries need to be idempotent. Requests are checked in every mode
that keeps them. In tests:

    with DispatchReceiver("secret") as receiver:
        receiver.control(mode="reset", times=1)
        ...                            # post to receiver.url
        receiver.alerts[0].alert["incident_id"]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import socket
import struct
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Literal, Self

from fastapi import FastAPI, Header, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from simulator.http_server import bound_socket, http_server, run_until_signal
from simulator.receiver_inbox import Inbox, ReceivedAlert, Rejected, Rejection
from simulator.receiver_messages import kind_of
from simulator.receiver_page import page

log = logging.getLogger(__name__)

LARGEST_BODY_BYTES = 16 * 1024 * 1024
_STOP_S = 5.0


class Behaviour(BaseModel):
    """How the receiver treats the next alerts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal["ok", "fail", "status", "delay", "hang", "reset"] = "ok"
    status: int = Field(default=503, ge=400, le=599, description="what `status` answers")
    delay_s: float = Field(default=1.0, ge=0, le=3600, description="how long `delay` waits")
    times: int | None = Field(
        default=None, ge=1, description="for so many alerts; null: until told otherwise"
    )
    retry_after_s: int | None = Field(
        default=None, ge=0, description="`fail` and `status` ask to be left alone for so long"
    )
    after_storing: bool = Field(default=False, description="keep the alert first and lose only the answer")


class _Desk:
    """The behaviour in force; lives in the server's event loop."""

    def __init__(self) -> None:
        self.behaviour = Behaviour()
        self._left: int | None = None
        self.changed = asyncio.Event()

    def set(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self._left = behaviour.times
        self.changed.set()  # whoever hangs is let go
        self.changed = asyncio.Event()

    def take(self) -> Behaviour:
        """The behaviour for one more alert."""
        behaviour = self.behaviour
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                self.behaviour, self._left = Behaviour(), None
        return behaviour


def receiver_app(inbox: Inbox, desk: _Desk) -> FastAPI:
    app = FastAPI(title="Firewatch sandbox dispatch receiver", docs_url=None, redoc_url=None)

    @app.post("/alerts")
    async def alerts(
        request: Request,
        x_firewatch_timestamp: Annotated[str | None, Header()] = None,
        x_firewatch_signature: Annotated[str | None, Header()] = None,
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BODY_BYTES:
                return _answer(413, "rejected", f"more than {LARGEST_BODY_BYTES} bytes")

        def keep() -> Response:
            try:
                alert = inbox.check(
                    bytes(body), x_firewatch_timestamp, x_firewatch_signature, idempotency_key
                )
                if kind_of(alert) == "heartbeat":
                    inbox.note_heartbeat()
                    return _answer(200, "heard")
                received, is_new = inbox.keep(alert, bytes(body), idempotency_key or "")
            except Rejected as rejected:
                log.warning("alert rejected status=%d reason=%s", rejected.status, rejected.reason)
                return _answer(rejected.status, "rejected", rejected.reason)
            log.info("alert %s number=%d", "kept" if is_new else "known already", received.number)
            return _answer(201 if is_new else 200, "kept" if is_new else "duplicate", number=received.number)

        return await _behave(desk, desk.take(), request, keep)

    @app.get("/api/alerts")
    async def list_alerts() -> dict[str, Any]:
        return {
            "alerts": [asdict(received) for received in inbox.alerts],
            "rejections": [asdict(rejection) for rejection in inbox.rejections],
        }

    @app.get("/control")
    async def behaviour() -> Behaviour:
        return desk.behaviour

    @app.post("/control")
    async def control(behaviour: Behaviour) -> Behaviour:
        desk.set(behaviour)
        return behaviour

    @app.get("/")
    async def index() -> HTMLResponse:
        headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:"}
        return HTMLResponse(
            page(inbox.alerts, inbox.rejections, desk.behaviour.mode, inbox.heartbeat_at), headers=headers
        )

    return app


def _answer(status: int, outcome: str, detail: str | None = None, **more: Any) -> JSONResponse:
    return JSONResponse({"outcome": outcome, **({"detail": detail} if detail else {}), **more}, status)


async def _behave(desk: _Desk, behaviour: Behaviour, request: Request, keep: Any) -> Response:
    """Do what the mode in force says; `keep` checks and stores the alert and gives the honest answer."""
    mode = behaviour.mode
    if mode == "delay":
        await asyncio.sleep(behaviour.delay_s)
    if mode in ("ok", "delay"):
        honest: Response = keep()
        return honest
    if behaviour.after_storing:
        keep()
    if mode == "hang":
        await _until_released(desk, request)
    elif mode == "reset":
        _reset(request.state.transport)
    status = behaviour.status if mode == "status" else 503
    answer = _answer(status, "failed", f"told to misbehave: {mode}")
    if behaviour.retry_after_s is not None:
        answer.headers["Retry-After"] = str(behaviour.retry_after_s)
    return answer


async def _until_released(desk: _Desk, request: Request) -> None:
    """Wait until the mode changes or the client gives up."""
    released = asyncio.create_task(desk.changed.wait())
    gone = asyncio.create_task(_disconnected(request))
    try:
        await asyncio.wait({released, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        released.cancel()
        gone.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _reset(transport: asyncio.Transport) -> None:
    connection: socket.socket = transport.get_extra_info("socket")
    with contextlib.suppress(OSError):  # the client was faster
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class DispatchReceiver:
    """The receiver in a thread of its own; use it with `with`, or start and stop it.

    `url` is where to post alerts. Raises OSError when the port is taken.
    """

    def __init__(
        self, secret: str, folder: Path | None = None, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._inbox = Inbox(secret, folder)
        self._socket = bound_socket(host, port)
        self._host = host
        self.port: int = self._socket.getsockname()[1]
        self._desk = _Desk()
        self._server = http_server(receiver_app(self._inbox, self._desk))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dispatch-receiver", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """Let go whoever hangs, and end; more calls do nothing."""
        if self._loop is not None and self._thread.is_alive():
            self._server.should_exit = True
            with contextlib.suppress(RuntimeError):  # the loop closed in this very moment
                self._loop.call_soon_threadsafe(self._desk.set, Behaviour())
            self._thread.join(_STOP_S)
        self._socket.close()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    @property
    def address(self) -> str:
        return f"http://{self._host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.address}/alerts"

    @property
    def alerts(self) -> list[ReceivedAlert]:
        return self._inbox.alerts

    @property
    def heartbeat_at(self) -> datetime | None:
        """When the centre was last heard."""
        return self._inbox.heartbeat_at

    @property
    def rejections(self) -> list[Rejection]:
        return self._inbox.rejections

    def control(self, **behaviour: Any) -> None:
        """Change the behaviour, as `POST /control` does: `control(mode="fail", times=2)`."""
        parsed = Behaviour.model_validate(behaviour)
        if self._loop is None:
            raise RuntimeError("the receiver is not running; start it first")

        async def call() -> None:
            self._desk.set(parsed)

        asyncio.run_coroutine_threadsafe(call(), self._loop).result(timeout=10)

    def _run(self) -> None:
        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            self._ready.set()  # the socket listens already; requests wait until the server takes them
            await self._server.serve(sockets=[self._socket])

        try:
            asyncio.run(serve())
        finally:
            self._ready.set()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m simulator.receiver", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback only)")
    parser.add_argument("--port", type=int, default=8090, help="HTTP port; 0 takes a free one")
    parser.add_argument("--folder", type=Path, help="where to keep what arrives; without it, in memory only")
    secret_from = parser.add_mutually_exclusive_group(required=True)
    secret_from.add_argument(
        "--secret-env", metavar="NAME", help="environment variable with the shared secret"
    )
    secret_from.add_argument("--secret-file", type=Path, help="file with the shared secret")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        if options.secret_env:
            secret = os.environ.get(options.secret_env, "")
        else:
            secret = options.secret_file.read_text(encoding="utf-8").strip()
        receiver = DispatchReceiver(secret, options.folder, host=options.host, port=options.port)
    except (OSError, ValueError) as error:
        print(f"python -m simulator.receiver: {error}", file=sys.stderr)
        return 2
    return run_until_signal(
        receiver,
        {"event": "listening", "port": receiver.port, "page": receiver.address, "alerts": receiver.url},
    )


if __name__ == "__main__":
    sys.exit(main())
