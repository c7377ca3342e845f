"""Asks the live process (`firewatch.live_app`) for a camera's video on behalf of a signed-in viewer.

The process listens at a unix socket and knows no users; who may watch is decided before anything here is
called. It holds the caps on viewers and the cameras' addresses: neither is known here.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from console.problems import Problem

_TIMEOUT = httpx.Timeout(5.0, read=35.0)
"""The process itself gives up on a camera that does not answer after 10 s, and on a probe after 30 s."""


@dataclass(frozen=True)
class Answer:
    session_id: str
    sdp: str


class LiveView:
    """A client of the process behind `socket`; without one, nothing can be watched. `close` after use."""

    def __init__(self, socket: Path | None) -> None:
        self._client = (
            httpx.AsyncClient(
                transport=httpx.AsyncHTTPTransport(uds=str(socket)),
                base_url="http://live",
                timeout=_TIMEOUT,
                trust_env=False,
            )
            if socket is not None
            else None
        )

    async def answer(self, camera_id: str, offer: bytes) -> Answer:
        """The answer to a browser's WebRTC offer. Raises Problem."""
        answer = await self._ask("POST", f"/cameras/{quote(camera_id, safe='')}/whep", offer)
        return Answer(answer.headers["location"].rpartition("/")[2], answer.text)

    async def end(self, session_id: str) -> None:
        """Also for a session that has ended already. Raises Problem."""
        await self._ask("DELETE", f"/sessions/{quote(session_id, safe='')}")

    async def picture(self, camera_id: str) -> bytes:
        """The next picture (JPEG), over a connection of its own. Raises Problem."""
        return (await self._ask("GET", f"/cameras/{quote(camera_id, safe='')}/picture")).content

    @asynccontextmanager
    async def pictures(self, camera_id: str) -> AsyncIterator[tuple[str, AsyncIterator[bytes]]]:
        """Media type and bytes of an endless row of JPEGs. Raises Problem while it has not begun."""
        if self._client is None:
            raise _away()
        request = self._client.build_request("GET", f"/cameras/{quote(camera_id, safe='')}/mjpeg")
        try:
            answer = await self._client.send(request, stream=True)
        except httpx.TransportError as error:
            raise _away() from error
        try:
            if answer.is_error:
                await answer.aread()
                raise _problem(answer)
            yield answer.headers["content-type"], _until_it_breaks(answer)
        finally:
            await answer.aclose()

    async def probe(self, camera: dict[str, Any]) -> dict[str, Any]:
        """What a camera of these fields sends (`streams.probe`), over a connection of its own; takes seconds.
        Raises Problem."""
        found: dict[str, Any] = (await self._ask("POST", "/probe", json.dumps(camera).encode())).json()
        return found

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _ask(self, method: str, path: str, content: bytes = b"") -> httpx.Response:
        if self._client is None:
            raise _away()
        try:
            answer = await self._client.request(method, path, content=content)
        except httpx.TransportError as error:
            raise _away() from error
        if answer.is_error:
            raise _problem(answer)
        return answer


def _away() -> Problem:
    detail = "the live view is not running; try again in a moment"
    return Problem(503, "live-away", detail, {"Retry-After": "5"})


async def _until_it_breaks(answer: httpx.Response) -> AsyncIterator[bytes]:
    """The process may be started anew, or the camera stay silent: the browser asks again."""
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    except httpx.TransportError:
        return


def _problem(answer: httpx.Response) -> Problem:
    """The refusal in the process's words: they are for people and hold no secret."""
    try:
        told = answer.json()
        kind, detail = str(told["reason"]).replace("_", "-"), str(told["detail"])
    except (ValueError, KeyError, TypeError):
        kind, detail = "live-failed", "the live view failed; its log says why"
    wait = answer.headers.get("retry-after")
    return Problem(answer.status_code, kind, detail, {"Retry-After": wait} if wait else None)
