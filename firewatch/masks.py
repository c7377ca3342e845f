"""Masks of a camera: private parts are blacked out before anything sees them, ignored parts raise nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np

from config import Mask
from detector.detection import Box
from streams.frame import Frame


def without_private_parts(frame: Frame, masks: Sequence[Mask]) -> Frame:
    """The frame with the private parts of its view blacked out (the given one when there are none)."""
    private = [mask for mask in masks if mask.kind == "private" and mask.preset in (None, frame.preset)]
    if not private:
        return frame
    image = frame.image.copy()
    for mask in private:
        corners = np.array(mask.polygon) * (frame.width_px, frame.height_px)
        cv2.fillPoly(image, [corners.round().astype(np.int32)], (0, 0, 0))
    return dataclasses.replace(frame, image=image)


def is_ignored(box: Box, frame: Frame, masks: Sequence[Mask]) -> bool:
    """Whether the middle of a box lies in an ignored part of this view."""
    x = (box.x1 + box.x2) / 2 / frame.width_px
    y = (box.y1 + box.y2) / 2 / frame.height_px
    return any(
        cv2.pointPolygonTest(np.array(mask.polygon, np.float32), (x, y), False) >= 0
        for mask in masks
        if mask.kind == "ignore" and mask.preset in (None, frame.preset)
    )
