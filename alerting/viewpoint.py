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
from geometry.terrain import AssumedFlat, Terrain

_SURVEYED_M = 1.0
"""Standard deviation of a ground height somebody measured."""


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
        ground_m = camera.ground_height_m
        if ground_m is None and terrain is not None:
            modelled_m = float(terrain.height_m(camera.lat_deg, camera.lon_deg))
            ground_m = None if math.isnan(modelled_m) else modelled_m
        lens_m = ground_m + camera.mast_height_m if ground_m is not None else None
        pose = camera.pose_at(sighting.preset)
        model = CameraModel(
            Position(camera.lat_deg, camera.lon_deg, lens_m if lens_m is not None else camera.mast_height_m),
            Pose(pose.azimuth_deg, pose.tilt_deg, pose.roll_deg, pose.hfov_deg),
            sighting.width_px,
            sighting.height_px,
            Lens(camera.lens.kind, camera.lens.k1, camera.lens.k2, camera.lens.k3),
        )
        errors = replace(
            DEFAULT_ERRORS,
            azimuth_deg=pose.azimuth_sigma_deg,
            tilt_deg=pose.tilt_sigma_deg,
            lens_m=_SURVEYED_M if camera.ground_height_m is not None else DEFAULT_ERRORS.lens_m,
        )
        known = terrain is not None and lens_m is not None and _is_known(terrain, camera)
        ground = terrain if known and terrain is not None else AssumedFlat(ground_m or 0.0)
        return cls(model, lens_m, ground, errors)


def _is_known(terrain: Terrain, camera: config.Camera) -> bool:
    return not math.isnan(float(terrain.height_m(camera.lat_deg, camera.lon_deg)))
