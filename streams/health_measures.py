"""What one picture says about its camera: light, fine detail, coarse structure, edges. Pure, < 1 ms.

Everything is measured on a grey picture 320 px wide, in cells of 20 px. What the numbers mean is decided
in `streams.health_view` (against the view's memory) and `streams.health` (over time).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from streams.frame import Image

Grey = npt.NDArray[np.uint8]
Cells = npt.NDArray[np.float32]

WIDTH_PX = 320
CELL_PX = 20
EDGE_WIDTH_PX = 160
"""Edges are compared at this width: a shift is found to about 0.1 px, 0.06 % of the width."""

RIM = 7
"""Cameras write time and name into the top and bottom seventh."""

EDGE_FLOOR = 24.0
"""Gradients (Sobel, grey levels) well below this weigh little: sensor noise and compression make 5 to 15."""


@dataclass(frozen=True, eq=False)
class Measures:
    """One picture, measured. Cells run over the picture in rows, `CELL_PX` wide and high."""

    grey: Grey
    brightest: int
    """Grey level that only one pixel in a thousand exceeds, the rims with their clock and name drawn in left
    out: is there a lamp, a star, a horizon?"""
    darkest: int
    """Grey level below which lies a fiftieth of the picture."""
    mean: float

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns."""
        height, width = self.grey.shape
        return max(1, round(height / CELL_PX)), max(1, round(width / CELL_PX))

    @cached_property
    def detail(self) -> Cells:
        """Energy of the finest detail (about 3 px) a cell, in grey levels squared: what blur takes away."""
        fine = cv2.subtract(self.grey, cv2.GaussianBlur(self.grey, (3, 3), 0), dtype=cv2.CV_32F)
        return _averaged(fine * fine, self.cells)

    @cached_property
    def structure(self) -> Cells:
        """The picture at half a cell a pixel, without what is wider than some cells: what blur leaves."""
        rows, columns = self.cells
        coarse = cv2.resize(self.grey, (2 * columns, 2 * rows), interpolation=cv2.INTER_AREA)
        wide = cv2.blur(coarse.astype(np.float32), (5, 5), borderType=cv2.BORDER_REFLECT)
        return np.asarray(coarse - wide, np.float32)

    @cached_property
    def edges(self) -> npt.NDArray[np.float32]:
        """Direction of the gradient at every pixel as a vector of length 0..1, HxWx2, at 160 px width.

        The length says how surely there is an edge, not how strong it is: a change of light leaves it alone.
        """
        height, width = self.grey.shape
        size = (EDGE_WIDTH_PX, max(8, round(height * EDGE_WIDTH_PX / width)))
        small = cv2.resize(self.grey, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        dx, dy = cv2.Sobel(small, cv2.CV_32F, 1, 0), cv2.Sobel(small, cv2.CV_32F, 0, 1)
        weight = 1.0 / (cv2.magnitude(dx, dy) + EDGE_FLOOR)
        field = cv2.merge([dx * weight, dy * weight])
        field[:2], field[-2:], field[:, :2], field[:, -2:] = 0, 0, 0, 0
        return np.asarray(field, np.float32)


def measure(image: Image) -> Measures:
    """`image` is BGR of any size; a look's size is cheapest.

    >>> measure(np.full((360, 640, 3), 90, np.uint8)).cells
    (9, 16)
    """
    height = max(CELL_PX, round(image.shape[0] * WIDTH_PX / image.shape[1]))
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    grey = np.asarray(cv2.resize(grey, (WIDTH_PX, height), interpolation=cv2.INTER_AREA), np.uint8)
    rim = height // RIM
    levels = np.cumsum(np.bincount(grey[rim : height - rim].ravel(), minlength=256))
    brightest, darkest = np.searchsorted(levels, [0.999 * levels[-1], 0.02 * levels[-1]])
    return Measures(grey, int(brightest), int(darkest), float(cv2.mean(grey)[0]))


def change(before: Measures, after: Measures) -> float:
    """How much the picture changed, in grey levels: three quarters of its cells changed by no more.

    Not the mean, so that a running clock in a corner of a frozen picture changes nothing.
    """
    if before.grey.shape != after.grey.shape:
        return 255.0
    difference = cv2.absdiff(before.grey, after.grey).astype(np.float32)
    return float(np.percentile(_averaged(difference, after.cells), 75))


def _averaged(picture: npt.NDArray[np.float32], cells: tuple[int, int]) -> Cells:
    rows, columns = cells
    return np.asarray(cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)
