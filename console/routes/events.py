"""Everything that changes, as server-sent events from the store's log.

Each event carries its id; a browser that lost the connection sends the last one back and misses nothing.
Every few seconds `alive` says that the silence is silence and not a dead line, and tells the centre's time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from alerting.records import Event
from console.auth import COOKIE, Auth, SignedIn
from console.context import Centre, InCentre
from console.views import GREATEST_ROW

router = APIRouter(prefix="/api/v1/events", tags=["events"])

ALIVE_S = 5.0


@router.get("", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def events(
    _session: SignedIn,
    request: Request,
    auth: Auth,
    centre: InCentre,
    last_event_id: Annotated[str | None, Header()] = None,
    after: Annotated[int | None, Query(ge=0, le=GREATEST_ROW, description="Start after this event.")] = None,
) -> StreamingResponse:
    """Events `incident`, `alert`, `delivery`, `camera`, `roster`; `alive`; `reset` when the log started anew
    and everything must be loaded again; `signed_out` when the session has ended."""
    token = request.cookies[COOKIE]
    return stream(centre, last_event_id, after, lambda: auth.session(token) is not None)


def stream(
    centre: Centre,
    last_event_id: str | None,
    after: int | None,
    may_stay: Callable[[], bool],
    may_see: Callable[[Event], bool] | None = None,
) -> StreamingResponse:
    """Events for one page, as long as it `may_stay`; only those it `may_see`. Both may read the store."""
    start = after
    if last_event_id and last_event_id.isascii() and last_event_id.isdigit():
        start = min(int(last_event_id), GREATEST_ROW)
    return StreamingResponse(
        _stream(centre, start, may_stay, may_see),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(
    centre: Centre,
    start: int | None,
    may_stay: Callable[[], bool],
    may_see: Callable[[Event], bool] | None,
) -> AsyncIterator[str]:
    newest = await asyncio.to_thread(centre.store.last_event_id)
    last = newest if start is None else start
    yield "retry: 1000\n\n"
    if last > newest:  # the store was replaced: ids of the old one mean nothing
        last = newest
        yield _message("reset", {})
    while not centre.feed.closed:
        if not await asyncio.to_thread(may_stay):
            yield _message("signed_out", {})
            return
        yield _message("alive", {"now": centre.store.clock().isoformat()})
        deadline = asyncio.get_running_loop().time() + ALIVE_S
        while (left_s := deadline - asyncio.get_running_loop().time()) > 0 and not centre.feed.closed:
            for event in await centre.feed.after(last, left_s):
                last = event.event_id
                if may_see is None or await asyncio.to_thread(may_see, event):
                    yield _message(event.kind, _data(event), event.event_id)


def _data(event: Event) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "at": event.at.isoformat(),
        "kind": event.kind,
        "incident_id": event.incident_id,
        "camera_id": event.camera_id,
        "data": dict(event.data),
    }


def _message(name: str, data: dict[str, Any], event_id: int | None = None) -> str:
    head = f"id: {event_id}\n" if event_id is not None else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
