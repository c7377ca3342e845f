"""Ground truth of a rendered scene: the camera, what burns where and since when, and where it shows."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TruthCamera(_Part):
    """The camera, as a deployment would describe it."""

    id: str
    name: str
    lat_deg: float
    lon_deg: float
    ground_height_m: float
    mast_height_m: float
    azimuth_deg: float
    tilt_deg: float
    roll_deg: float
    hfov_deg: float


class Hazard(_Part):
    """What burns: its place on the ground and the second of the video at which it starts."""

    label: Literal["smoke", "fire"]
    lat_deg: float
    lon_deg: float
    height_m: float
    ignition_s: float


class TruthBox(_Part):
    """Where it shows at a time: x2 and y2 are exclusive edges. Only what is not hidden counts."""

    t_s: float
    label: Literal["smoke", "fire"]
    x1: float
    y1: float
    x2: float
    y2: float


class GroundTruth(_Part):
    """The content of NAME.json beside NAME.mp4."""

    scene: str
    seed: int
    camera: TruthCamera
    width_px: int
    height_px: int
    fps: int
    duration_s: float
    kind: Literal["fire", "no_fire"]
    hazard: Hazard | None
    boxes: tuple[TruthBox, ...] = Field(description="In order of time")

    @classmethod
    def read(cls, path: Path) -> GroundTruth:
        """Read a ground truth file."""
        return cls.model_validate_json(path.read_text(encoding="utf-8"))

    def write(self, path: Path) -> None:
        """Write it, readable, ending in a newline."""
        path.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
