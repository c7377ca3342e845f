"""Where a configured camera stands and looks when it made a sighting."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import config
from alerting.location import DEFAULT_ERRORS, ErrorModel
from detector.detection import Sighting
from geometry.camera import CameraModel, Pose
from geometry.lens import Lens
from geometry.position import Position
from geometry.terrain import AssumedFlat, Canopy, Terrain, ground_below

_SURVEYED_M = 1.0
"""Standard deviation of a ground height somebody measured."""

VEGETATION_SHARE = 0.3
"""Standard deviation of the trees' height, as a share of it: a stand has gaps, young trees and old ones."""


@dataclass(frozen=True)
class Viewpoint:
    """The camera model of one sighting. `lens_height_m` is None when no ground height is known; then, or
    without an elevation model, `terrain` is a flat one that is marked as assumed."""

    model: CameraModel
    lens_height_m: float | None
    terrain: Terrain
    errors: ErrorModel
    """How well all this is known."""

    @classmethod
    def of(cls, camera: config.Camera, sighting: Sighting, terrain: Terrain | None) -> Viewpoint:
        model, lens_m = camera_model(camera, sighting.preset, sighting.width_px, sighting.height_px, terrain)
        pose = camera.pose_at(sighting.preset)
        errors = replace(
            DEFAULT_ERRORS,
            azimuth_deg=pose.azimuth_sigma_deg,
            tilt_deg=pose.tilt_sigma_deg,
            lens_m=_SURVEYED_M if camera.ground_height_m is not None else DEFAULT_ERRORS.lens_m,
        )
        if isinstance(terrain, Canopy):
            errors = replace(errors, vegetation_m=VEGETATION_SHARE * terrain.vegetation_height_m)
        if lens_m is None or terrain is None or math.isnan(_ground_m(camera, terrain)):
            return cls(model, lens_m, AssumedFlat(camera.ground_height_m or 0.0), errors)
        return cls(model, lens_m, terrain, errors)


def camera_model(
    camera: config.Camera, preset: str | None, width_px: int, height_px: int, terrain: Terrain | None
) -> tuple[CameraModel, float | None]:
    """The camera in one of its views, and the height of its lens; without a known ground height the model
    stands on height 0. The mast stands on the ground, not on the trees."""
    ground_m = camera.ground_height_m
    if ground_m is None and terrain is not None and not math.isnan(modelled_m := _ground_m(camera, terrain)):
        ground_m = modelled_m
    lens_m = ground_m + camera.mast_height_m if ground_m is not None else None
    pose = camera.pose_at(preset)
    model = CameraModel(
        Position(camera.lat_deg, camera.lon_deg, lens_m if lens_m is not None else camera.mast_height_m),
        Pose(pose.azimuth_deg, pose.tilt_deg, pose.roll_deg, pose.hfov_deg),
        width_px,
        height_px,
        Lens(camera.lens.kind, camera.lens.k1, camera.lens.k2, camera.lens.k3),
    )
    return model, lens_m


def _ground_m(camera: config.Camera, terrain: Terrain) -> float:
    return float(ground_below(terrain).height_m(camera.lat_deg, camera.lon_deg))
