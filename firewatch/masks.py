"""Masks of a camera: private parts are blacked out before anything sees them, ignored parts raise nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from config import Mask
from detector.detection import Box
from streams.frame import Frame, Image
from streams.privacy import blacked_out, private_masks


def without_private_parts(frame: Frame, masks: Sequence[Mask]) -> Frame:
    """The frame with the private parts of its view blacked out (the given one when there are none).

    Where it is not sure which view it is, those of every view are.
    """
    private = private_masks(masks, None if frame.place_unsure else frame.preset)
    if not private:
        return frame
    return dataclasses.replace(frame, picture=_Blackened(frame, tuple(private)))


def is_ignored(box: Box, frame: Frame, masks: Sequence[Mask]) -> bool:
    """Whether the middle of a box lies in an ignored part of this view, if it is sure which one it is."""
    x = (box.x1 + box.x2) / 2 / frame.width_px
    y = (box.y1 + box.y2) / 2 / frame.height_px
    return any(
        cv2.pointPolygonTest(np.array(mask.polygon, np.float32), (x, y), False) >= 0
        for mask in masks
        if mask.kind == "ignore"
        and (mask.preset is None or (mask.preset == frame.preset and not frame.place_unsure))
    )


@dataclass(frozen=True, eq=False)
class _Blackened:
    """A picture (`streams.frame.Picture`) with the private parts of its view filled with black."""

    frame: Frame
    private: tuple[Mask, ...]

    @property
    def width_px(self) -> int:
        return self.frame.width_px

    @property
    def height_px(self) -> int:
        return self.frame.height_px

    def bgr(self, width_px: int, height_px: int) -> Image:
        return blacked_out(self.frame.scaled(width_px, height_px), self.private)
