"""Which cameras can look at a place: for a second angle on a fire, and for whoever asks the map.

A line of sight to the ground there, or to a plume above it, over the elevation model. Whether the pose is
right and the air clear is not known here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from alerting.viewpoint import camera_model
from config import Camera
from geometry.camera import CameraModel, Ray
from geometry.position import Position, enu_m
from geometry.terrain import Terrain, intersect

PLUME_M = 60.0
"""Smoke that has risen this high is seen although the fire itself is hidden."""
_EYE_M = 2.0
_NEAR_M = 60.0
_NEAR_SHARE = 0.02
"""Ground met this shortly before the place is the place's own: elevation models are coarse."""
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
    """How the camera, in its own pose, sees a place; None where the ground's height is not known."""
    ground_m = float(terrain.height_m(lat_deg, lon_deg))
    model, lens_m = camera_model(camera, None, *_FRAME, terrain)
    if math.isnan(ground_m) or lens_m is None:
        return None
    foot = Position(lat_deg, lon_deg, ground_m + _EYE_M)
    east, north, _ = enu_m(model.position, foot)
    bearing, range_m = math.degrees(math.atan2(east, north)) % 360, math.hypot(east, north)
    sees = Sees.HIDDEN
    if not _in_frame(model, foot):
        sees = Sees.OUTSIDE
    elif _is_clear(model, foot, terrain):
        sees = Sees.GROUND
    elif _is_clear(model, Position(lat_deg, lon_deg, ground_m + PLUME_M), terrain):
        sees = Sees.PLUME
    return View(camera.id, sees, bearing, range_m)


def _in_frame(model: CameraModel, place: Position) -> bool:
    """Within the picture's width; above or below it counts, smoke rises and a preset tilts."""
    pixel = model.project(place)
    return pixel is not None and 0 <= pixel[0] < model.width_px


def _is_clear(model: CameraModel, place: Position, terrain: Terrain) -> bool:
    pixel = model.project(place)
    if pixel is None:
        return False
    east, north, up = enu_m(model.position, place)
    range_m = math.sqrt(east**2 + north**2 + up**2)
    needed_m = range_m - max(_NEAR_M, _NEAR_SHARE * range_m)
    if needed_m <= _NEAR_M:
        return True
    ray: Ray = model.ray(*pixel)
    return intersect(terrain, model.position, ray, needed_m) is None
