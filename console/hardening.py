"""What every answer carries and every request must pass: security headers and a limit on bodies.

Plain ASGI, because event streams must flow through untouched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console import problems

MAX_BODY_BYTES = 64 * 1024
"""Only uploads carry more than a sentence."""


def content_security_policy(map_hosts: Sequence[str] = ()) -> str:
    """What a page may do; of other hosts it may read tiles from `map_hosts` (scheme://host) and nothing else.

    >>> [part for part in content_security_policy(["https://t0.x.cn"]).split("; ") if "x.cn" in part]
    ["img-src 'self' blob: data: https://t0.x.cn", "connect-src 'self' https://t0.x.cn"]
    """
    maps = "".join(f" {host}" for host in map_hosts)
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "worker-src 'self'",
            "style-src 'self'",
            f"img-src 'self' blob: data:{maps}",  # data: MapLibre's button pictures are in its style sheet
            f"connect-src 'self'{maps}",
            "media-src 'self'",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


class Hardening:
    """Wraps an ASGI application; its pages may read tiles from `map_hosts`."""

    def __init__(
        self,
        app: ASGIApp,
        uploads: Mapping[re.Pattern[str], int] | None = None,
        map_hosts: Sequence[str] = (),
    ) -> None:
        """`uploads`: paths whose bodies may be larger, by how many bytes. Those are not kept in memory: they
        reach the application as they come, and are cut off at that size."""
        self._app = app
        self._uploads = dict(uploads or {})
        self._headers = {"Content-Security-Policy": content_security_policy(map_hosts), **HEADERS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
                if scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            await send(message)

        for path, most_bytes in self._uploads.items():
            if path.fullmatch(scope["path"]):
                upload = _Upload(receive, most_bytes)
                await self._app(scope, upload.receive, upload.ending(send_with_headers))
                return
        body = await _read_body(scope, receive)
        if body is None:
            answer = problems.response(413, "too-large", f"a request has at most {MAX_BODY_BYTES} bytes")
            await answer(scope, receive, send_with_headers)
            return
        await self._app(scope, _replay(body, receive), send_with_headers)


class _Upload:
    """A body that is read by the application itself, and no farther than allowed."""

    def __init__(self, receive: Receive, most_bytes: int) -> None:
        self._receive = receive
        self._most_bytes = most_bytes
        self._size = 0
        self._whole = False

    async def receive(self) -> Message:
        """Raises Problem where the application reads on beyond that."""
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > self._most_bytes:
            raise problems.Problem(413, "too-large", f"this request has at most {self._most_bytes} bytes")
        self._whole = not message.get("more_body", False)
        return message

    def ending(self, send: Send) -> Send:
        """A `send` whose answer closes the line if the body was not wanted to its end: the server would
        read on and throw it away for as long as it comes."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and not self._whole:
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        return sending


async def _read_body(scope: Scope, receive: Receive) -> list[Message] | None:
    """The messages of the request's body; None when it is too large."""
    if scope["method"] in ("GET", "HEAD"):
        return []
    messages: list[Message] = []
    size = 0
    while True:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        if size > MAX_BODY_BYTES:
            return None
        if message["type"] != "http.request" or not message.get("more_body", False):
            return messages


def _replay(messages: list[Message], receive: Receive) -> Receive:
    waiting = iter(messages)

    async def next_message() -> Message:
        for message in waiting:
            return message
        return await receive()

    return next_message
