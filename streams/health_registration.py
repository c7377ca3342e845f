"""How far a view has shifted against its reference, from the directions of its edges.

The reference is an average of edge directions over minutes: what stays (terrain, masts) adds up, what drifts
(cloud, shadow edges) averages out, so sky needs no mask. Correlation is over all shifts at once (Fourier).
An answer needs agreement over much of the picture; fog and darkness give none rather than a wrong one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from streams.health_measures import EDGE_WIDTH_PX

Field = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Shift:
    """By how much the picture's content lies off its place, as shares of the picture's width.

    Positive x: the content moved right, so the camera turned left; positive y: the content moved down.
    """

    x: float
    y: float

    @property
    def size(self) -> float:
        return math.hypot(self.x, self.y)

    def degrees(self, hfov_deg: float) -> tuple[float, float]:
        """Azimuth and tilt by which the camera turned (right and up positive), near the optical axis.

        >>> azimuth, tilt = Shift(-0.1, 0.0).degrees(53.13)
        >>> round(azimuth, 1), round(tilt, 1)
        (5.7, 0.0)
        """
        focal = 0.5 / math.tan(math.radians(hfov_deg) / 2)  # in picture widths
        return math.degrees(math.atan(-self.x / focal)), math.degrees(math.atan(self.y / focal))


@dataclass(frozen=True)
class Registration:
    """`agreement` is the correlation (0..1) at `shift`, `in_place` that without any shift."""

    shift: Shift
    agreement: float
    in_place: float


def register(edges: Field, reference: Field) -> Registration:
    """Where `edges` lie in comparison with `reference`; both from `Measures.edges`, same size."""
    norm = math.sqrt(float((edges * edges).sum()) * float((reference * reference).sum()))
    if norm == 0:
        return Registration(Shift(0, 0), 0.0, 0.0)
    product = cv2.mulSpectrums(cv2.dft(edges), cv2.dft(reference), 0, conjB=True)
    plane = cv2.dft(product, flags=cv2.DFT_INVERSE | cv2.DFT_SCALE)[..., 0]
    height, width = plane.shape
    row, column = np.unravel_index(int(np.argmax(plane)), plane.shape)
    x = column + _vertex(plane[row, column - 1], plane[row, column], plane[row, (column + 1) % width])
    y = row + _vertex(plane[row - 1, column], plane[row, column], plane[(row + 1) % height, column])
    x = x - width if x > width / 2 else x
    y = y - height if y > height / 2 else y
    shift = Shift(float(x) / EDGE_WIDTH_PX, float(y) / EDGE_WIDTH_PX)
    return Registration(shift, float(plane[row, column]) / norm, float(plane[0, 0]) / norm)


def moved_back(edges: Field, shift: Shift) -> Field:
    """`edges` where they would lie without `shift`."""
    there = np.array([[1, 0, -shift.x * EDGE_WIDTH_PX], [0, 1, -shift.y * EDGE_WIDTH_PX]])
    return np.asarray(cv2.warpAffine(edges, there, (edges.shape[1], edges.shape[0])), np.float32)


def _vertex(before: float, top: float, after: float) -> float:
    """Where a parabola through three neighbours has its top, -0.5..0.5 from the middle one."""
    bend = float(before - 2 * top + after)
    return 0.0 if bend == 0 else min(0.5, max(-0.5, 0.5 * float(before - after) / bend))
