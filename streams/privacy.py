"""Private parts of a camera's view: blacked out before anything looks at, stores or shows them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from config import Mask
from streams.frame import Image


def private_masks(masks: Sequence[Mask], preset: str | None) -> list[Mask]:
    """Those that hold for a view; without a preset those of every view: nobody knows which one it is."""
    return [
        mask for mask in masks if mask.kind == "private" and (preset is None or mask.preset in (None, preset))
    ]


def blacked_out(image: Image, masks: Sequence[Mask]) -> Image:
    """A copy of the picture with the polygons filled; the picture itself when there are none."""
    if not masks:
        return image
    height, width = image.shape[:2]
    image = image.copy()
    for mask in masks:
        corners = np.array(mask.polygon) * (width, height)
        cv2.fillPoly(image, [corners.round().astype(np.int32)], (0, 0, 0))
    return image
