"""How frames are looked at and when a track counts as confirmed."""

from __future__ import annotations

from pathlib import Path
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
    shadow_model: str | None = Field(
        default=None,
        title="Model in shadow",
        description="A second model, named like `model`, that looks along: its scores are written down, "
        "nothing it sees is sent.",
    )
    shadow_folder: Path = Field(
        default=Path("var/shadow"),
        title="Folder of the shadow",
        description="Where its scores are written (relative paths start at the working directory).",
    )
    profile: Literal["sensitive", "balanced", "quiet"] = Field(
        default="balanced",
        title="Profile",
        description="Thresholds measured for the model: sensitive finds more and disturbs more, quiet the "
        "reverse.",
    )
    tiles: bool = Field(
        default=False,
        title="Tiles",
        description="Look at parts of pictures much larger than a look in their own resolution, too: smaller "
        "things are seen, and more false alarms with them (docs/experiments.md).",
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
    """Overrides of the model's own confirmation figures (detector/confirmation.py says what each does).

    Whatever is not given keeps the value of the model's profile. Times, never frame counts.
    """

    candidate_score: float | None = Field(
        default=None,
        ge=0.01,
        le=1,
        title="Candidate score",
        description="Weakest detection (0..1) a track may be built from.",
    )
    reference_score: float | None = Field(
        default=None,
        ge=0.01,
        le=1,
        title="Reference score",
        description="Score (0..1) above which a detection is evidence for, below which it is evidence "
        "against.",
    )
    evidence_to_confirm_score_s: float | None = Field(
        default=None,
        gt=0,
        le=10000,
        title="Evidence to confirm",
        description="Score-seconds above the reference score at which a track is confirmed.",
    )
    longest_vouch_s: float | None = Field(
        default=None,
        gt=0,
        le=600,
        title="Longest vouch",
        description="Seconds one look may answer for, at most.",
    )
    least_looks: int | None = Field(
        default=None,
        ge=2,
        le=1000,
        title="Least looks",
        description="Looks that must have seen it, at least.",
    )
    persistence_s: float | None = Field(
        default=None,
        ge=0,
        le=3600,
        title="Persistence",
        description="Seconds between the first detection and confirmation, at least.",
    )
    greatest_drift: float | None = Field(
        default=None,
        gt=0,
        le=100,
        title="Greatest drift",
        description="How far the base may have moved, in units of the track's own size.",
    )
    familiar_s: float | None = Field(
        default=None,
        ge=0,
        le=3600,
        title="Familiar after",
        description="Seconds a view must have been watched before what appears in it counts as new; what was "
        "there earlier must grow.",
    )
    standing_growth: float | None = Field(
        default=None,
        ge=1,
        le=100,
        title="Standing growth",
        description="How many times its first area a thing that was there from the start must reach.",
    )
    forget_s: float | None = Field(
        default=None,
        gt=0,
        le=3600,
        title="Forget",
        description="Seconds unseen after which a track ends; one of what stood there when watching began "
        "ends after the time of 'Same cause'.",
    )
    same_cause_s: float | None = Field(
        default=None,
        gt=0,
        le=86400,
        title="Same cause",
        description="Seconds without a confirmed cause after which its place may be confirmed anew.",
    )
    suspicion_s: float | None = Field(
        default=None,
        gt=0,
        le=3600,
        title="Suspicion",
        description="Age in seconds up to which an unconfirmed track asks for dense looks.",
    )
    lasting_reference_score: float | None = Field(
        default=None,
        ge=0.01,
        le=1,
        title="Lasting reference score",
        description="Score (0..1) above which a place gathers lasting evidence, beyond what is usual there.",
    )
    lasting_evidence_score_s: float | None = Field(
        default=None,
        gt=0,
        le=10000,
        title="Lasting evidence",
        description="Score-seconds of its place at which weak smoke is confirmed once it has lasted.",
    )
    lasting_s: float | None = Field(
        default=None,
        ge=0,
        le=3600,
        title="Lasting",
        description="Seconds weak smoke must have lasted to be confirmed by the evidence of its place.",
    )
    lasting_ceiling_score_s: float | None = Field(
        default=None,
        gt=0,
        le=10000,
        title="Lasting ceiling",
        description="Most evidence a place can gather: how long an ended fire is remembered.",
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
        default=1.0,
        ge=0.1,
        le=60,
        title="Dense interval",
        description="Seconds between two looks under suspicion. Evidence is score over time, so more looks "
        "confirm no sooner; for them nearly every picture must be decoded.",
    )
    dense_max_s: float = Field(
        default=120.0,
        ge=1,
        le=3600,
        title="Longest suspicion",
        description="Seconds a camera may stay on dense looks without a confirmation; then it rests on "
        "patrol as long.",
    )
