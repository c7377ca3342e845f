"""The frame: what every source yields and every look reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
"""A BGR picture, uint8, height x width x 3."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of one camera.

    `captured_at` is timezone-aware UTC, the time the light fell on the sensor as well as we know it;
    `sequence` rises by at least one from frame to frame of a source and never repeats.
    `new_footage` marks the first frame after the recording jumped (a loop point, a cut): memory of the
    view no longer holds.
    """

    image: Image
    camera_id: str
    captured_at: datetime
    sequence: int
    preset: str | None = None
    new_footage: bool = False

    @property
    def width_px(self) -> int:
        return int(self.image.shape[1])

    @property
    def height_px(self) -> int:
        return int(self.image.shape[0])
