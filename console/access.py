"""The access log: one line a request, to the logger `firewatch.logs.ACCESS`.

Who asks is the user or token that the guards of `console.auth` found; paths come without their questions, for
a signed link to evidence is a secret. Plain ASGI, because event streams must flow through untouched.
"""

from __future__ import annotations

import logging
import time
from urllib.parse import quote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger("firewatch.access")


class AccessLog:
    """Wraps an ASGI application. Guards write the name they found into `request.state.who`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s, status = time.monotonic(), 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            client = scope.get("client")
            _log.info(
                "request method=%s path=%s status=%d ms=%.0f who=%s from=%s",
                scope["method"],
                quote(scope["path"], safe="/@"),
                status,
                1000 * (time.monotonic() - began_s),
                quote(scope.get("state", {}).get("who", "-")),
                client[0] if client else "unknown",
            )
