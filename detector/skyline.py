"""Where the sky of a view ends: smoke stands on the ground, cloud does not.

The ground has edges that stay where they are; clouds drift, and clear sky has none. So the skyline is, column
by column, the topmost edge found at the same place in all of several pictures taken minutes apart. It errs to
one side: lens borders, masts and a cloud that stood still raise the line, which merely leaves more of the
picture to the network. What could lower it is not trusted: a column whose ground shows few edges (night,
dense fog) has no skyline, and a line once found sinks by one cell an hour at most. And a detection that hangs
in the sky is not dropped; only its score is quartered, for no rule of thumb may blind a camera.

On 27 hill-camera sequences the line lay 20 to 60 px (of 480) above the true skyline, and none of 183 boxed
plumes of unseen cameras had its base above it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from detector.detection import Box, Detection

Grey = npt.NDArray[np.uint8]
Skyline = npt.NDArray[np.int64]
"""For each cell column of the look, the row (px) of the topmost lasting edge; 0 where it is unknown."""

CELL_PX = 16
LEAST_PICTURES = 3
LEAST_SPAN_S = 300.0  # clouds move by more than a cell in five minutes
SINKING_PX_PER_HOUR = CELL_PX
SKY_SCORE_SHARE = 0.25
_EDGE = 2.0  # grey levels per px, after slight smoothing; sensor noise stays below in the minimum of three
_EDGE_SHARE = 0.12  # of a cell
_GROUND_SHARE = 0.5  # of the cells below the line must have edges, else it is night or fog
_CAPTION_SHARE = 0.06  # the picture's top rows often carry a burnt-in caption, which stays, too


def find_skyline(pictures: Sequence[Grey]) -> Skyline:
    """The skyline of one view from `pictures` of it (HxW uint8 each, all of one size)."""
    height, width = pictures[0].shape
    lasting = np.full((height, width), np.inf, np.float32)
    for picture in pictures:
        smooth = cv2.GaussianBlur(picture, (0, 0), 1.0).astype(np.float32)
        across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
        edge = cv2.dilate(cv2.magnitude(across, down) / 4, np.ones((3, 3)))  # dilated: a pixel of sway
        lasting = cv2.min(lasting, edge)
    rows, columns = height // CELL_PX, width // CELL_PX
    share = cv2.resize((lasting > _EDGE).astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
    cells = share > _EDGE_SHARE
    cells[: max(1, round(_CAPTION_SHARE * rows))] = False
    top = cells.argmax(axis=0)
    known = cells.any(axis=0) & (cells.sum(axis=0) >= _GROUND_SHARE * (rows - top))
    return np.asarray(np.where(known, top * CELL_PX, 0), np.int64)


def settle(found: Skyline, previous: Skyline | None, elapsed_s: float) -> Skyline:
    """A newly found skyline held against the previous one: it rises at once and sinks slowly.

    >>> settle(np.array([200, 50]), np.array([100, 100]), elapsed_s=3600)
    array([116,  50])
    """
    if previous is None:
        return found
    return np.minimum(found, previous + round(SINKING_PX_PER_HOUR * elapsed_s / 3600))


def hangs_in_the_sky(box: Box, skyline: Skyline) -> bool:
    """Whether the lower edge of `box` (look pixels) is above the skyline in every column it covers.

    >>> skyline = np.array([100, 100, 60])
    >>> hangs_in_the_sky(Box(2, 10, 20, 90), skyline), hangs_in_the_sky(Box(2, 10, 40, 90), skyline)
    (True, False)
    """
    first = int(np.clip(box.x1 // CELL_PX, 0, len(skyline) - 1))
    last = int(np.clip(box.x2 // CELL_PX, 0, len(skyline) - 1))
    return bool(box.y2 < skyline[first : last + 1].min())


def doubt_the_sky(
    detections: tuple[Detection, ...],
    skyline: Skyline | None,
    look_px_per_frame_px: float,
    least_score: float,
) -> tuple[Detection, ...]:
    """Detections (frame pixels), the scores of those that hang in the sky quartered, strongest first.

    Those that fall below `least_score` go.
    """
    if skyline is None:
        return detections
    judged = [
        replace(d, confidence=d.confidence * SKY_SCORE_SHARE)
        if hangs_in_the_sky(_scaled(d.box, look_px_per_frame_px), skyline)
        else d
        for d in detections
    ]
    return tuple(sorted((d for d in judged if d.confidence >= least_score), key=lambda d: -d.confidence))


def _scaled(box: Box, scale: float) -> Box:
    return Box(box.x1 * scale, box.y1 * scale, box.x2 * scale, box.y2 * scale)
