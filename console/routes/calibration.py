"""Where a camera looks, from landmarks that somebody finds on its picture and on the map.

Only worked out here: `PATCH /api/v1/cameras/{id}` saves a pose, and the answer has the line for who keeps
cameras in a deployment file.
"""

from __future__ import annotations

import math

from fastapi import APIRouter
from pydantic import BaseModel, Field

from alerting.viewpoint import camera_model
from config.camera import Share
from console.auth import Supervisor
from console.context import InCentre, require_camera
from console.problems import Problem
from console.views import View
from geometry.calibration import FEWEST_LANDMARKS, CalibrationError, Landmark, from_landmarks
from geometry.position import Position
from geometry.terrain import Terrain, ground_below

router = APIRouter(prefix="/api/v1/cameras", tags=["cameras"])


class LandmarkBody(BaseModel):
    name: str = Field(default="", max_length=64)
    x: Share = Field(description="Share of the frame from the left.")
    y: Share = Field(description="Share of the frame from the top.")
    lat_deg: float = Field(ge=-90, le=90)
    lon_deg: float = Field(ge=-180, le=180)
    height_m: float | None = Field(
        default=None, ge=-500, le=9000, description="Of the point itself; without it, of the ground there."
    )


class CalibrationBody(BaseModel):
    landmarks: tuple[LandmarkBody, ...] = Field(min_length=FEWEST_LANDMARKS, max_length=50)
    preset: str | None = Field(default=None, max_length=64)
    width_px: int = Field(ge=16, le=16384, description="Size of the picture the points were found on.")
    height_px: int = Field(ge=16, le=16384)


class ResidualView(View):
    """Where the landmark is seen, less where the pose found would show it."""

    x_px: float
    y_px: float


class CalibrationView(View):
    azimuth_deg: float
    tilt_deg: float
    roll_deg: float
    hfov_deg: float
    azimuth_sigma_deg: float = Field(description="One standard deviation, as all sigmas.")
    tilt_sigma_deg: float
    roll_sigma_deg: float
    hfov_sigma_deg: float
    rms_px: float
    residuals: tuple[ResidualView, ...] = Field(description="In the order of the landmarks.")
    deployment_line: str = Field(description="For the camera in the deployment file.")


@router.post("/{camera_id}/calibration")
def calibrate(
    camera_id: str, given: CalibrationBody, _session: Supervisor, centre: InCentre
) -> CalibrationView:
    """Pose and field of view that put the landmarks where they are seen. Changes nothing."""
    camera = require_camera(camera_id, centre)
    terrain = centre.placement.terrain
    if terrain is None:
        raise Problem(422, "no-terrain", "calibration needs the ground's heights: the deployment has none")
    if given.preset is not None and given.preset not in {preset.id for preset in camera.presets}:
        raise Problem(422, "invalid-request", f"camera {camera_id!r} has no preset {given.preset!r}")
    model, lens_m = camera_model(camera, given.preset, given.width_px, given.height_px, terrain)
    if lens_m is None:
        raise Problem(
            422, "no-terrain", "the camera stands outside the elevation model: its height is unknown"
        )
    marks = [_landmark(one, number, given, terrain) for number, one in enumerate(given.landmarks, 1)]
    try:
        found = from_landmarks(model, marks)
    except CalibrationError as error:
        raise Problem(422, "not-calibrated", str(error)) from error
    pose = found.pose
    return CalibrationView(
        azimuth_deg=pose.azimuth_deg,
        tilt_deg=pose.tilt_deg,
        roll_deg=pose.roll_deg,
        hfov_deg=pose.hfov_deg,
        azimuth_sigma_deg=found.azimuth_sigma_deg,
        tilt_sigma_deg=found.tilt_sigma_deg,
        roll_sigma_deg=found.roll_sigma_deg,
        hfov_sigma_deg=found.hfov_sigma_deg,
        rms_px=found.rms_px,
        residuals=tuple(ResidualView(x_px=x, y_px=y) for x, y in found.residuals_px),
        deployment_line=found.deployment_line,
    )


def _landmark(one: LandmarkBody, number: int, given: CalibrationBody, terrain: Terrain) -> Landmark:
    name = one.name or str(number)
    ground_m = float(ground_below(terrain).height_m(one.lat_deg, one.lon_deg))
    height_m = ground_m if one.height_m is None else one.height_m
    if math.isnan(height_m):
        raise Problem(422, "no-terrain", f"landmark {name}: the ground's height there is not known")
    place = Position(one.lat_deg, one.lon_deg, height_m)
    return Landmark(name, one.x * given.width_px, one.y * given.height_px, place)
