"""What the detector says: boxes, detections, looks and sightings. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Label = Literal["smoke", "fire"]
LABELS: tuple[Label, ...] = ("smoke", "fire")
"""Class names in the order of the network's class ids."""


@dataclass(frozen=True)
class Box:
    """A rectangle in frame pixels, x to the right and y down; x2 and y2 are exclusive edges."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width_px(self) -> float:
        return max(0.0, self.x2 - self.x1)

    @property
    def height_px(self) -> float:
        return max(0.0, self.y2 - self.y1)

    @property
    def area_px2(self) -> float:
        return self.width_px * self.height_px

    def widened(self, share: float) -> Box:
        """The box grown about its centre: `share` 0.5 makes each side half as long again.

        >>> Box(10, 10, 20, 20).widened(0.5)
        Box(x1=7.5, y1=7.5, x2=22.5, y2=22.5)
        """
        dx, dy = self.width_px * share / 2, self.height_px * share / 2
        return Box(self.x1 - dx, self.y1 - dy, self.x2 + dx, self.y2 + dy)

    def mirrored(self, width_px: float) -> Box:
        """The box in the picture of `width_px` seen in a mirror.

        >>> Box(10, 0, 30, 5).mirrored(100)
        Box(x1=70, y1=0, x2=90, y2=5)
        """
        return Box(width_px - self.x2, self.y1, width_px - self.x1, self.y2)

    def intersection_px2(self, other: Box) -> float:
        """Area shared with `other`.

        >>> Box(0, 0, 10, 10).intersection_px2(Box(5, 5, 20, 20))
        25
        """
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        return max(0.0, width) * max(0.0, height) if width > 0 and height > 0 else 0.0

    def share_of_smaller(self, other: Box) -> float:
        """How much of the smaller of the two lies in the other, 0..1; 0 where one has no area.

        >>> Box(0, 0, 10, 10).share_of_smaller(Box(5, 0, 105, 100))
        0.5
        """
        smaller_px2 = min(self.area_px2, other.area_px2)
        return self.intersection_px2(other) / smaller_px2 if smaller_px2 > 0 else 0.0

    def iou(self, other: Box) -> float:
        """Intersection over union, 0..1."""
        shared = self.intersection_px2(other)
        union = self.area_px2 + other.area_px2 - shared
        return shared / union if union > 0 else 0.0


@dataclass(frozen=True)
class Detection:
    """One class at one place in one look. `confidence` is the network's score, 0..1.

    `probability` is the share of such scores that were real (`detector.calibration`); None for weights that
    were never calibrated.
    """

    label: Label
    confidence: float
    box: Box
    probability: float | None = None


@dataclass(frozen=True)
class Look:
    """One analysis of one frame. A look on a bad picture has no detections and says why it is bad."""

    camera_id: str
    preset: str | None
    captured_at: datetime
    sequence: int
    width_px: int
    height_px: int
    detections: tuple[Detection, ...]
    model_id: str
    bad_picture: str | None = None


@dataclass(frozen=True)
class Usual:
    """What is usual at a place at this hour: a score, and what operators said it was (None: nobody did)."""

    score: float
    cause: str | None = None


@dataclass(frozen=True)
class Sighting:
    """A confirmed track: one camera says "this is smoke" or "this is fire".

    `sighting_id` is derived from camera, preset, label, times and boxes, so that the same footage gives the
    same id. `history` holds (capture time, detection) of the track, oldest first, up to confirmation.
    `box` is the box at confirmation, in pixels of a frame of `width_px` x `height_px`.
    """

    sighting_id: str
    camera_id: str
    preset: str | None
    label: Label
    confidence: float
    first_seen_at: datetime
    confirmed_at: datetime
    box: Box
    width_px: int
    height_px: int
    history: tuple[tuple[datetime, Detection], ...]
    model_id: str
    profile: str
    reason: str = ""
    """Why it was confirmed, in words an engineer can check against the policy."""
    probability: float | None = None
    """The highest calibrated probability of its detections; None for weights that were never calibrated."""
    usual: Usual | None = None
    """What is usual here at this hour, which the sighting has risen above; None: nothing is known."""
    off_pose_deg: tuple[float, float] | None = None
    """By how much the camera stood off its configured pose (azimuth, tilt) when this was seen, as far as its
    health judge found; None: where the pose says."""
