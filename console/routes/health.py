"""Is the centre alive, and can it work? For supervisors and load balancers; tells nothing else."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy.exc import SQLAlchemyError

from console.context import InCentre
from console.problems import Problem

router = APIRouter(tags=["health"])


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get("/readyz")
def readyz(centre: InCentre) -> dict[str, str]:
    """The store can be read and its events are followed."""
    try:
        centre.store.last_event_id()
    except SQLAlchemyError as error:
        raise Problem(503, "store-unreadable", "the store cannot be read") from error
    if not centre.feed.started.is_set():
        raise Problem(503, "starting", "the event log is not followed yet")
    return {"status": "ready"}
