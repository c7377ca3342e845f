"""Is the centre alive, and can it work? For supervisors and load balancers; tells nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from alerting.heartbeat import SENDER_PULSE, last_pulse
from console.context import InCentre
from console.problems import CONTENT, Problem

router = APIRouter(tags=["health"])

_CANNOT: dict[int | str, dict[str, Any]] = {
    503: {"description": "It cannot: `detail` says what is wrong.", "content": CONTENT}
}

SILENT_AFTER = timedelta(seconds=90)
"""The sender says every 20 s that it works."""


class Heartbeat(BaseModel):
    at: datetime
    sender_at: datetime


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get("/readyz", responses=_CANNOT)
def readyz(centre: InCentre) -> dict[str, str]:
    """The store can be read and its events are followed."""
    try:
        centre.store.last_event_id()
    except SQLAlchemyError as error:
        raise Problem(503, "store-unreadable", "the store cannot be read") from error
    if not centre.feed.started.is_set():
        raise Problem(503, "starting", "the event log is not followed yet")
    return {"status": "ready"}


@router.get("/heartbeat", responses=_CANNOT)
def heartbeat(centre: InCentre) -> Heartbeat:
    """For `firewatch watch` on another machine: 200 only while the store can be read and alerts are sent."""
    try:
        sender_at = last_pulse(centre.store, SENDER_PULSE)
    except SQLAlchemyError as error:
        raise Problem(503, "store-unreadable", "the store cannot be read") from error
    now = centre.store.clock()
    if sender_at is None:
        raise Problem(503, "sender-silent", "the sender of alerts has never been heard")
    if now - sender_at > SILENT_AFTER:
        silent_s = (now - sender_at).total_seconds()
        raise Problem(503, "sender-silent", f"the sender of alerts has been silent for {silent_s:.0f} s")
    return Heartbeat(at=now, sender_at=sender_at)
