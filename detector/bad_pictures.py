"""Pictures that show nothing: all black, overexposed, decoder damage.

A bad picture must not count as "no fire seen": the look says why it is bad, the memory of the view does
not take it in, and confirmation does not read it as evidence either way. (Files and arrays that are no
picture at all are refused earlier, by `streams.picture`.)
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from streams.frame import Image

Plane = npt.NDArray[np.uint8]

PROBE_WIDTH_PX = 320
"""Bad pictures are recognised on every n-th pixel, so that an 8K frame costs no more than a small one."""

CELL = 8  # probe pixels; 16 to 192 pixels of the frame

BLACK_LEVEL = 24  # brightest 0.1 % of pixels below this: no lamp, no star, no horizon
WHITE_LEVEL = 250  # darkest 2 % of pixels above this: nothing but glare
GREY_SHARE = 0.15  # one flat decoder colour; 0.00 on all 2,376 real hill frames tried


def bad_picture(image: Image) -> str | None:
    """Why `image` cannot be judged, in a few words, or None when it can.

    >>> bad_picture(np.zeros((480, 640, 3), np.uint8))
    'all black'
    >>> bad_picture(np.full((480, 640, 3), 255, np.uint8))
    'overexposed'
    """
    step = max(1, image.shape[1] // PROBE_WIDTH_PX)
    green = np.ascontiguousarray(image[::step, ::step, 1])
    levels = cv2.calcHist([green], [0], None, [256], [0, 256]).ravel() / green.size
    black_possible = levels[:BLACK_LEVEL].sum() > 0.99
    white_possible = levels[WHITE_LEVEL + 1 :].sum() > 0.97
    of_one_colour = (levels[126:141] + levels[127:142]).max()  # within a level
    damage_possible = of_one_colour > 0.5 * GREY_SHARE
    if not (black_possible or white_possible or damage_possible):
        return None  # like nearly every picture: its green alone rules out what all of it would have to show
    probe = cv2.resize(image, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_NEAREST)
    if black_possible and _percentile(probe.max(axis=2), 99.9) < BLACK_LEVEL:
        return "all black"
    if white_possible and _percentile(probe.min(axis=2), 2) > WHITE_LEVEL:
        return "overexposed"
    if damage_possible and _damaged_share(probe) > GREY_SHARE:
        return "decoder damage (flat grey or green areas)"
    return None


def _percentile(plane: Plane, percent: float) -> int:
    """The lowest grey level that at least `percent` of the pixels do not exceed."""
    levels = cv2.calcHist([plane], [0], None, [256], [0, 256]).ravel().cumsum()
    return int(np.searchsorted(levels, plane.size * percent / 100))


def _damaged_share(probe: Image) -> float:
    """Share of the picture filled by one of the flat colours a decoder shows where data is missing.

    FFmpeg conceals lost macroblocks with YUV (128,128,128), or leaves a zeroed buffer: YUV (0,0,0), a pure
    green. Fog can be as grey, but never so flat: only cells of one even colour count, and of those only the
    most common colour.
    """
    rows, columns = probe.shape[0] // CELL, probe.shape[1] // CELL
    if rows == 0 or columns == 0:
        return 0.0
    cells = probe[: rows * CELL, : columns * CELL].reshape(rows, CELL, columns, CELL, 3).astype(np.int16)
    lowest, highest = cells.min(axis=(1, 3)), cells.max(axis=(1, 3))
    blue, green, red = (lowest[..., channel] for channel in range(3))
    grey = (abs(green - 129) <= 3) & (abs(blue - green) <= 2) & (abs(red - green) <= 2)
    zeroed = (blue <= 2) & (red <= 2) & (abs(green - 135) <= 4)
    even = green[(grey | zeroed) & ((highest - lowest) <= 1).all(axis=2)]
    return float(np.bincount(even).max() / green.size) if even.size else 0.0
