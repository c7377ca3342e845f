"""Which cameras can look at a place: for a second angle on a fire, and for whoever asks the map.

Over the elevation model (`geometry.viewshed`), in each camera's own pose. Whether that is right and the air
clear is not known here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from alerting.viewpoint import camera_model
from config import Camera
from geometry.position import Position, enu_m
from geometry.terrain import Terrain
from geometry.viewshed import SEEN_M, rise_needed_m

PLUME_M = 60.0
"""Smoke that has risen this high is seen although the fire itself is hidden."""
_OWN_M = SEEN_M + 1.0
"""Elevation models are coarse: ground that needs to rise no farther counts as seen."""
_FRAME = 1920, 1080


class Sees(StrEnum):
    GROUND = "ground"
    PLUME = "plume"
    """Only what rises above the ridge in front of it."""
    HIDDEN = "hidden"
    OUTSIDE = "outside"
    """The camera looks elsewhere."""


@dataclass(frozen=True)
class View:
    camera_id: str
    sees: Sees
    bearing_deg: float
    range_m: float


def look_at(camera: Camera, lat_deg: float, lon_deg: float, terrain: Terrain) -> View | None:
    """How the camera sees a place; None where the ground's height is not known."""
    ground_m = float(terrain.height_m(lat_deg, lon_deg))
    model, lens_m = camera_model(camera, None, *_FRAME, terrain)
    if math.isnan(ground_m) or lens_m is None:
        return None
    place = Position(lat_deg, lon_deg, ground_m)
    east, north, _ = enu_m(model.position, place)
    bearing_deg, range_m = math.degrees(math.atan2(east, north)) % 360, math.hypot(east, north)
    pixel = model.project(place)
    if pixel is None or not 0 <= pixel[0] < model.width_px:  # above or below counts: smoke rises, heads tilt
        return View(camera.id, Sees.OUTSIDE, bearing_deg, range_m)
    rise_m = rise_needed_m(terrain, model.position, lat_deg, lon_deg)
    sees = Sees.GROUND if rise_m <= _OWN_M else Sees.PLUME if rise_m <= PLUME_M else Sees.HIDDEN
    return View(camera.id, sees, bearing_deg, range_m)
