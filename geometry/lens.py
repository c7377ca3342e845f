"""How far from the middle of the picture a lens draws what it sees at an angle from its axis.

Two laws, both radial, in units of the focal length: a pinhole with polynomial distortion (Brown 1966,
tan(angle) * (1 + k1 r2 + k2 r4 + k3 r6) with r = tan(angle)), and for wide lenses the equidistant fisheye of
Kannala and Brandt (2006), angle * (1 + k1 a2 + k2 a4 + k3 a6). The tangential terms of cheap lenses are below
a pixel in the cameras we have and are not modelled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from geometry.position import FloatArray

LensKind = Literal["pinhole", "fisheye"]


@dataclass(frozen=True)
class Lens:
    """One law and its coefficients.

    >>> import math
    >>> barrel = Lens("pinhole", -0.1)
    >>> round(float(barrel.radius(math.radians(30))), 4)
    0.5581
    >>> round(math.degrees(float(barrel.angle(0.5581))), 2)
    30.0
    >>> round(float(Lens("fisheye").radius(math.radians(80))), 4)
    1.3963
    """

    kind: LensKind = "pinhole"
    k1: float = 0.0
    k2: float = 0.0
    k3: float = 0.0

    @property
    def distorts(self) -> bool:
        return self.kind == "fisheye" or (self.k1, self.k2, self.k3) != (0.0, 0.0, 0.0)

    def radius(self, angle_rad: npt.ArrayLike) -> FloatArray:
        """Distance from the middle of the picture, in focal lengths."""
        angle = np.asarray(angle_rad, float)
        base = angle if self.kind == "fisheye" else np.tan(np.minimum(angle, 1.57))
        square = base**2
        return np.asarray(base * (1 + square * (self.k1 + square * (self.k2 + square * self.k3))))

    def angle(self, radius: npt.ArrayLike) -> FloatArray:
        """The inverse of `radius`, by Newton's method."""
        wanted = np.asarray(radius, float)
        angle = wanted if self.kind == "fisheye" else np.arctan(wanted)
        for _ in range(20):
            slope = (self.radius(angle + 1e-6) - self.radius(angle - 1e-6)) / 2e-6
            step = (self.radius(angle) - wanted) / np.where(np.abs(slope) > 1e-3, slope, 1e-3)
            angle = np.clip(angle - np.clip(step, -0.2, 0.2), 0.0, 1.56 if self.kind == "pinhole" else 3.1)
            if float(np.max(np.abs(step), initial=0.0)) < 1e-12:
                break
        return np.asarray(angle)

    def check(self, half_field_rad: float) -> None:
        """Raises ValueError where the law turns back within the field of view: then it cannot be inverted."""
        radii = self.radius(np.linspace(0, half_field_rad, 200))
        if not bool((np.diff(radii) > 0).all()):
            raise ValueError("the lens's distortion turns back within the field of view; check k1, k2 and k3")


PINHOLE = Lens()


def field_of_view_deg(zoom: float, table: tuple[tuple[float, float], ...]) -> float:
    """The horizontal field of view at a zoom, from a measured table of (zoom, degrees): between two entries
    the focal length is linear in the zoom's logarithm, because that is how zoom lenses are geared.

    >>> round(field_of_view_deg(10, ((1, 60.0), (20, 3.3))), 2)
    6.6
    >>> field_of_view_deg(1, ((1, 60.0), (20, 3.3)))
    60.0
    """
    if zoom <= 0 or len(table) < 2 or not table[0][0] <= zoom <= table[-1][0]:
        raise ValueError(f"the zoom {zoom:g} is not within the table of the lens")
    logs = np.log([one[0] for one in table])
    focal_logs = -np.log(np.tan(np.radians([one[1] for one in table]) / 2))
    focal = np.exp(np.interp(np.log(zoom), logs, focal_logs))
    return round(float(np.degrees(2 * np.arctan(1 / focal))), 9)
