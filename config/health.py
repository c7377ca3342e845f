"""When a camera counts as blind, and who is told."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from config.base import Section

AlertedCondition = Literal[
    "connecting", "bad_picture", "stale", "frozen", "dark", "overexposed", "obstructed", "defocused", "moved",
    "off",
]  # fmt: skip
_DWELL = "Seconds a sign of it must last until the camera counts as such."


class HealthSettings(Section):
    """How long a sign must last until it counts. For a single camera, give only what differs."""

    frozen_after_s: float = Field(default=10.0, ge=2, le=3600, title="Frozen after", description=_DWELL)
    dark_after_s: float = Field(default=10.0, ge=2, le=3600, title="Dark after", description=_DWELL)
    overexposed_after_s: float = Field(
        default=10.0, ge=2, le=3600, title="Overexposed after", description=_DWELL
    )
    obstructed_after_s: float = Field(
        default=10.0,
        ge=2,
        le=3600,
        title="Obstructed after",
        description="Seconds a covered or blurred picture must last until the camera counts as obstructed or "
        "defocused.",
    )
    moved_after_s: float = Field(default=20.0, ge=4, le=3600, title="Moved after", description=_DWELL)
    bad_picture_after_s: float = Field(
        default=10.0, ge=2, le=3600, title="Bad picture after", description=_DWELL
    )
    recover_after_s: float = Field(
        default=5.0,
        ge=0,
        le=600,
        title="Recovered after",
        description="Seconds the opposite must last until it no longer counts.",
    )
    alert_after_s: float = Field(
        default=60.0,
        ge=0,
        le=86400,
        title="Alert after",
        description="Seconds a camera must have been blind until receivers that take camera alerts are told.",
    )
    alert_on: tuple[AlertedCondition, ...] = Field(
        default=get_args(AlertedCondition),
        title="Alert on",
        description="The conditions that are worth telling; leave out dark where nights are black.",
    )

    def overridden_by(self, camera: HealthSettings | None) -> HealthSettings:
        """These settings with whatever the camera's own section gives."""
        if camera is None:
            return self
        return self.model_copy(update={name: getattr(camera, name) for name in camera.model_fields_set})
