"""Evidence: how long clips are, how long files are kept, how much room they may take."""

from __future__ import annotations

from pydantic import Field

from config.base import Section


class EvidenceSettings(Section):
    """Clips of sightings and the keeping of evidence files."""

    before_s: float = Field(
        default=15.0,
        ge=0,
        le=120,
        title="Before",
        description="Seconds of a clip before the sighting was first seen, as far as the ring reaches back.",
    )
    after_s: float = Field(
        default=20.0,
        ge=1,
        le=120,
        title="After",
        description="Seconds of a clip after the sighting was confirmed.",
    )
    longest_s: float = Field(
        default=180.0, ge=30, le=600, title="Longest", description="Seconds, the longest recording."
    )
    ring_s: float = Field(
        default=30.0,
        ge=5,
        le=120,
        title="Ring",
        description="Seconds of every camera's packets kept in memory.",
    )
    ring_mb: float = Field(
        default=16.0, ge=1, le=200, title="Ring size", description="MB of memory for that, a camera at most."
    )
    keep_days: float = Field(
        default=90.0,
        ge=1,
        le=36500,
        title="Keep",
        description="Days that evidence of dismissed and of released incidents is kept. That of all "
        "other incidents is kept until somebody releases it.",
    )
    quota_gb: float = Field(
        default=200.0,
        gt=0,
        le=1_000_000,
        title="Quota",
        description="GB of clips; above it the oldest that are not protected go.",
    )
    picture_quota_gb: float = Field(
        default=50.0,
        gt=0,
        le=1_000_000,
        title="Picture quota",
        description="GB of pictures, likewise.",
    )
    reserve_mb: float = Field(
        default=1000.0,
        ge=0,
        le=10_000_000,
        title="Reserve",
        description="MB to keep free on the disk that holds the evidence: below it the oldest evidence that "
        "is not protected goes, and an alarm is raised.",
    )
