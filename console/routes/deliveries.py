"""Alerts on their way to their receivers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from alerting.deliveries import redeliver
from alerting.records import DeliveryState
from console import views
from console.auth import Acting, Admin, SignedIn
from console.context import InCentre

router = APIRouter(prefix="/api/v1/deliveries", tags=["deliveries"])


@router.get("")
def deliveries(
    _session: SignedIn,
    centre: InCentre,
    state: DeliveryState | None = None,
    target_id: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> tuple[views.DeliveryView, ...]:
    """Newest first; `state=dead` lists what needs a person."""
    found = centre.store.deliveries(state=state, target_id=target_id, limit=limit)
    names = centre.target_names()
    return tuple(views.delivery(one, names) for one in found)


@router.post("/{delivery_id}/redeliver", status_code=204)
def send_again(delivery_id: views.RowNumber, _session: Admin, centre: InCentre, by: Acting) -> None:
    """Try what a receiver refused once more, now. 404 unless it was refused."""
    redeliver(centre.store, delivery_id, by=by)
