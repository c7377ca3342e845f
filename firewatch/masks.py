"""Masks of a camera: private parts are blacked out before anything sees them, ignored parts raise nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from config import Mask
from detector.detection import Box
from streams.frame import Frame, Image


def without_private_parts(frame: Frame, masks: Sequence[Mask]) -> Frame:
    """The frame with the private parts of its view blacked out (the given one when there are none)."""
    private = [mask for mask in masks if mask.kind == "private" and mask.preset in (None, frame.preset)]
    if not private:
        return frame
    polygons = tuple(np.array(mask.polygon, np.float64) for mask in private)
    return dataclasses.replace(frame, picture=_Blackened(frame, polygons))


def is_ignored(box: Box, frame: Frame, masks: Sequence[Mask]) -> bool:
    """Whether the middle of a box lies in an ignored part of this view."""
    x = (box.x1 + box.x2) / 2 / frame.width_px
    y = (box.y1 + box.y2) / 2 / frame.height_px
    return any(
        cv2.pointPolygonTest(np.array(mask.polygon, np.float32), (x, y), False) >= 0
        for mask in masks
        if mask.kind == "ignore" and mask.preset in (None, frame.preset)
    )


@dataclass(frozen=True, eq=False)
class _Blackened:
    """A picture (`streams.frame.Picture`) with polygons, as shares of its sides, filled with black."""

    frame: Frame
    polygons: tuple[npt.NDArray[np.float64], ...]

    @property
    def width_px(self) -> int:
        return self.frame.width_px

    @property
    def height_px(self) -> int:
        return self.frame.height_px

    def bgr(self, width_px: int, height_px: int) -> Image:
        image = self.frame.scaled(width_px, height_px).copy()
        for polygon in self.polygons:
            corners = polygon * (width_px, height_px)
            cv2.fillPoly(image, [corners.round().astype(np.int32)], (0, 0, 0))
        return image
