"""Where a configured camera stands and looks when it made a sighting."""

from __future__ import annotations

import math
from dataclasses import dataclass

import config
from detector.detection import Sighting
from geometry.camera import CameraModel, Pose
from geometry.position import Position
from geometry.terrain import Terrain


@dataclass(frozen=True)
class Viewpoint:
    """The camera model of one sighting. `lens_height_m` is None when no ground height is known; then
    `terrain` is None too, because rays from an unknown height meet no ground that one could trust."""

    model: CameraModel
    lens_height_m: float | None
    terrain: Terrain | None

    @classmethod
    def of(cls, camera: config.Camera, sighting: Sighting, terrain: Terrain | None) -> Viewpoint:
        ground_m = camera.ground_height_m
        if ground_m is None and terrain is not None:
            modelled_m = float(terrain.height_m(camera.lat_deg, camera.lon_deg))
            ground_m = None if math.isnan(modelled_m) else modelled_m
        lens_m = ground_m + camera.mast_height_m if ground_m is not None else None
        pose = camera.pose_at(sighting.preset)
        model = CameraModel(
            Position(camera.lat_deg, camera.lon_deg, lens_m or 0.0),
            Pose(pose.azimuth_deg, pose.tilt_deg, pose.roll_deg, pose.hfov_deg),
            sighting.width_px,
            sighting.height_px,
        )
        return cls(model, lens_m, terrain if lens_m is not None else None)
