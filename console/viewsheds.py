"""What each camera sees of the ground, as areas for the map: worked out once for a camera, then kept.

Over the elevation model and in the camera's own pose and presets (`alerting.coverage`). One to
two seconds of work for a camera with a reach of 10 km.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from alerting.coverage import cover, outlines
from config import Camera
from geometry.terrain import Terrain

CELL_M = 60.0
"""Coarser than `firewatch coverage`: a map is looked at, not counted."""


@dataclass(frozen=True)
class Viewshed:
    """Coordinates of GeoJSON MultiPolygons; `smoke` is where a plume 50 m high is seen and the ground not."""

    ground: list[Any]
    smoke: list[Any]


class Viewsheds:
    """Of the cameras of one deployment; worked out anew for one that has changed. Thread-safe."""

    def __init__(self, surface: Terrain, bounds_deg: tuple[float, float, float, float]) -> None:
        self._surface = surface
        self._bounds_deg = bounds_deg
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Camera, Viewshed | None]] = {}

    def of(self, camera: Camera) -> Viewshed | None:
        """None where the camera's height is not known."""
        with self._lock:  # one at a time: twenty pages asking at once must not cost twenty cores
            known = self._known.get(camera.id)
            if known is None or known[0] != camera:
                known = self._known[camera.id] = (camera, self._worked_out(camera))
            return known[1]

    def _worked_out(self, camera: Camera) -> Viewshed | None:
        found = cover([camera], self._surface, self._bounds_deg, None, cell_m=CELL_M)
        if not found.views:
            return None
        (view,) = found.views
        return Viewshed(outlines(view.ground, found.frame), outlines(view.smoke & ~view.ground, found.frame))
