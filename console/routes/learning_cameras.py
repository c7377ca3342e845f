"""What a camera reports while it learns, and what people make of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import Field

from alerting import learning
from alerting.intake import Evidence
from alerting.learning import LearningSighting
from alerting.lifecycle import Cause
from console.auth import Acting, Supervisor
from console.context import InCentre, require_camera
from console.routes.changes import ChangeBody
from console.routes.register import CameraVersionView, Reason, changing, version_view
from console.views import BoxView, RowNumber, View
from detector.detection import Sighting

router = APIRouter(prefix="/api/v1/cameras", tags=["camera register"])


class WhatItWas(ChangeBody):
    cause: Cause


class LearningSightingView(View):
    number: int
    label: Literal["smoke", "fire"]
    confidence: float
    confirmed_at: datetime
    received_at: datetime
    preset: str | None
    box: BoxView
    width_px: int
    height_px: int
    judged_by: str | None
    judged_at: datetime | None
    cause: Cause | None = Field(description="What it was, where somebody said that it is no fire.")
    raised_as: str | None = Field(description="The incident, where somebody said that it is one.")


class LearningView(View):
    """What a camera reported while it learnt: told to nobody."""

    learning_until: datetime | None = Field(description="Null: it has learnt.")
    sightings: tuple[LearningSightingView, ...] = Field(description="Newest first.")


@router.get("/{camera_id}/learning")
def learnt(camera_id: str, _session: Supervisor, centre: InCentre) -> LearningView:
    """What the camera reported while it learnt, the newest first."""
    require_camera(camera_id, centre)
    found = learning.of_camera(centre.store, camera_id)
    return LearningView(
        learning_until=centre.register.learning_until(camera_id),
        sightings=tuple(_learning_sighting(one) for one in found),
    )


@router.post("/{camera_id}/learning/end")
def end_learning(
    camera_id: str, given: Reason, _session: Supervisor, centre: InCentre, by: Acting
) -> CameraVersionView:
    """From now on what it sees is told."""
    with changing(centre):
        return version_view(centre.register.end_learning(camera_id, by=by, why=given.why), centre)


@router.get(
    "/{camera_id}/learning/{number}/picture",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}},
)
def learning_picture(camera_id: str, number: RowNumber, _session: Supervisor, centre: InCentre) -> Response:
    """With the box drawn."""
    jpeg = learning.picture(centre.store, camera_id, number)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


@router.post("/{camera_id}/learning/{number}/dismissal")
def dismiss(
    camera_id: str, number: RowNumber, given: WhatItWas, _session: Supervisor, centre: InCentre, by: Acting
) -> LearningSightingView:
    """It was no fire but this; the camera's site memory is told."""
    return _learning_sighting(learning.dismiss(centre.store, camera_id, number, given.cause, by=by))


@router.post("/{camera_id}/learning/{number}/alarm")
def raise_alarm(
    camera_id: str, number: RowNumber, _session: Supervisor, centre: InCentre, by: Acting
) -> LearningSightingView:
    """It is a fire: an incident is raised, and told as any other."""
    camera = require_camera(camera_id, centre)

    def accept(sighting: Sighting, jpeg: bytes) -> str:
        pictures = Evidence(jpeg, jpeg)
        return centre.intake.accept(sighting, pictures, camera, though_learning=True).incident_id

    return _learning_sighting(learning.raise_(centre.store, camera_id, number, accept, by=by))


def _learning_sighting(one: LearningSighting) -> LearningSightingView:
    sighting = one.sighting
    return LearningSightingView(
        number=one.number,
        label=sighting.label,
        confidence=sighting.confidence,
        confirmed_at=sighting.confirmed_at,
        received_at=one.received_at,
        preset=sighting.preset,
        box=BoxView.model_validate(sighting.box),
        width_px=sighting.width_px,
        height_px=sighting.height_px,
        judged_by=one.judged_by,
        judged_at=one.judged_at,
        cause=one.cause,
        raised_as=one.raised_as,
    )
