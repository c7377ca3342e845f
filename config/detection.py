"""How frames are looked at and when a track counts as confirmed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from config.base import Section


class DetectorSettings(Section):
    """Which weights, and how eager."""

    model: str | None = Field(
        default=None,
        title="Model",
        description="Name in models/registry.yaml, or a path to weights of your own; without it, the "
        "registry's current.",
    )
    profile: Literal["sensitive", "balanced", "quiet"] = Field(
        default="balanced",
        title="Profile",
        description="Thresholds measured for the model: sensitive finds more and disturbs more, quiet the "
        "reverse.",
    )
    reference_ages_s: tuple[Annotated[float, Field(ge=1, le=86400)], ...] | None = Field(
        default=None,
        title="Reference ages",
        description="Seconds; how old the remembered pictures are that a look is compared with. Without "
        "it, the ages "
        "the model was trained with (any other number of ages does not fit the network).",
    )
    backend: Literal["auto", "openvino", "onnx"] = Field(
        default="auto", title="Backend", description="What runs the network; auto takes OpenVINO."
    )
    threads: int = Field(
        default=0,
        ge=0,
        le=256,
        title="Threads",
        description="CPU threads for inference; 0 lets the backend choose.",
    )


class ConfirmationPolicy(Section):
    """When a track is confirmed. Times, never frame counts."""

    min_confidence: float = Field(
        ge=0,
        le=1,
        title="Confidence",
        description="Mean confidence (0..1) the track must reach over its span.",
    )
    min_duration_s: float = Field(
        ge=0,
        le=3600,
        title="Duration",
        description="Seconds between the first detection and confirmation, at least.",
    )
    min_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        title="Share",
        description="Share (0..1) of the looks in that span that must see it.",
    )
    max_gap_s: float = Field(
        default=60.0, gt=0, le=3600, title="Gap", description="Seconds unseen after which the track ends."
    )


class LookSettings(Section):
    """How often each camera is looked at."""

    patrol_interval_s: float = Field(
        default=2.0,
        ge=0.2,
        le=600,
        title="Patrol interval",
        description="Seconds between two looks of a quiet camera.",
    )
    dense_interval_s: float = Field(
        default=0.5,
        ge=0.1,
        le=60,
        title="Dense interval",
        description="Seconds between two looks under suspicion.",
    )
    dense_max_s: float = Field(
        default=120.0,
        ge=1,
        le=3600,
        title="Longest suspicion",
        description="Seconds a camera may stay on dense looks without a confirmation; then it rests on "
        "patrol as long.",
    )
