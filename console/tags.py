"""Conditional reading: every answer to a GET has an ETag, and whoever has that answer already gets a 304.

The tag is a digest of the answer itself. Neither the newest event's id nor a row's version would do: a quiet
repeat moves `last_seen_at` and a retry counts `attempts` without an event, a version rises only with news,
and a viewer gets other words than an operator for the same rows. A tag that stayed while such a thing changed
would keep a fire's state from somebody; a digest cannot. It saves the line and the reader's work, not ours.

Tags are weak: the same answer may travel compressed or plain. Plain ASGI; what comes in several parts (the
event stream, exports, moving pictures) passes through untouched.
"""

from __future__ import annotations

import hashlib
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NOT_IN_304 = ("content-length", "content-type", "content-encoding", "content-disposition")


class Tags:
    """Wraps an ASGI application. An ETag that a route has set itself is kept."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        known = Headers(scope=scope).get("if-none-match", "")
        start: Message | None = None

        async def tagged(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _comes_whole(message):
                start = message  # the tag is known when the body is
                return
            if start is None:
                await send(message)
                return
            headers = MutableHeaders(scope=start)
            headers.setdefault("ETag", tag_of(message.get("body", b"")))
            if matches(known, headers["ETag"]):
                for name in _NOT_IN_304:
                    del headers[name]
                start["status"], message = 304, {**message, "body": b""}
            head, start = start, None
            await send(head)
            await send(message)

        await self._app(scope, receive, tagged)


def _comes_whole(start: Message) -> bool:
    """Only an answer that was made at once knows its length when it begins."""
    return bool(start["status"] == 200 and "content-length" in Headers(raw=start["headers"]))


def tag_of(body: bytes) -> str:
    """
    >>> tag_of(b"[]")
    'W/"4f53cda18c2baa0c0354bb5f9a3ecbe5"'
    """
    return f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'


def matches(if_none_match: str, tag: str) -> bool:
    """Whether a request's If-None-Match names `tag`, compared weakly (RFC 9110, 13.1.2).

    >>> matches('"a", W/"b"', '"b"'), matches("*", '"b"'), matches("", '"b"'), matches('"a"', 'W/"b"')
    (True, True, False, False)
    """
    named = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return "*" in named or tag.removeprefix("W/") in named


_TAG_HEADER = {
    "description": "Names this answer; send it back as `If-None-Match`.",
    "schema": {"type": "string"},
}
_CONDITION = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` of the answer you have: 304 without a body if it still is the answer.",
    "schema": {"type": "string"},
}


def describe(document: dict[str, Any]) -> None:
    """Say so in the OpenAPI document, at every GET below /api/ whose answer comes whole."""
    for path, operations in document["paths"].items():
        operation = operations.get("get")
        if operation is None or not path.startswith("/api/"):
            continue
        answer = operation["responses"].get("200")
        if answer is None or answer.get("content", {}).keys() & _IN_PARTS:
            continue
        answer.setdefault("headers", {})["ETag"] = _TAG_HEADER
        operation["responses"]["304"] = {"description": "You have this answer already."}
        operation.setdefault("parameters", []).append(_CONDITION)


_IN_PARTS = {"text/event-stream", "text/csv", "multipart/x-mixed-replace"}
