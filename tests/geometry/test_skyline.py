"""Skylines of rendered pictures, whose pose is known, and pictures that prove nothing.

The elevation model is the one the pictures were rendered from, but the renderer plants trees on it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from geometry.calibration import CalibrationError
from geometry.camera import CameraModel, Pose
from geometry.position import Position
from geometry.raster_terrain import RasterTerrain
from geometry.skyline import Skyline, match, trace
from geometry.terrain import FlatTerrain

VIDEOS = Path(__file__).resolve().parents[2] / "sample_videos"
TERRAIN = RasterTerrain.open(VIDEOS / "terrain.tif")


def first_picture(scene: str) -> Any:
    video = cv2.VideoCapture(str(VIDEOS / f"{scene}.mp4"))
    fine, picture = video.read()
    video.release()
    assert fine
    return picture


def true_camera(scene: str) -> CameraModel:
    truth = json.loads((VIDEOS / f"{scene}.json").read_text(encoding="utf-8"))
    one = truth["camera"]
    pose = Pose(one["azimuth_deg"], one["tilt_deg"], one["roll_deg"], one["hfov_deg"])
    height_m = one["ground_height_m"] + one["mast_height_m"]
    place = Position(one["lat_deg"], one["lon_deg"], height_m)
    return CameraModel(place, pose, truth["width_px"], truth["height_px"])


def believed(true: CameraModel, azimuth_off_deg: float) -> CameraModel:
    pose = true.pose
    wrong = Pose((pose.azimuth_deg + azimuth_off_deg) % 360, pose.tilt_deg - 0.7, 0.4, pose.hfov_deg)
    return replace(true, pose=wrong)


@pytest.mark.parametrize("scene", ["near_fire", "pair_south", "sun_glare"])
@pytest.mark.parametrize("off_deg", [2.3, -4.0])
def test_a_pose_degrees_off_is_found_again_within_its_own_uncertainty(scene: str, off_deg: float) -> None:
    true = true_camera(scene)
    found = match(believed(true, off_deg), trace(first_picture(scene)), TERRAIN).calibration
    azimuth_off = abs(found.pose.azimuth_deg - true.pose.azimuth_deg)
    tilt_off = abs(found.pose.tilt_deg - true.pose.tilt_deg)
    assert azimuth_off < 0.1
    assert tilt_off < 0.2
    assert azimuth_off < 3 * found.azimuth_sigma_deg < 0.6
    assert tilt_off < 3 * found.tilt_sigma_deg < 1.5


@pytest.mark.parametrize("scene", ["night_fire", "cloud_fog", "chimney"])
def test_night_fog_and_a_plain_in_haze_prove_nothing_and_are_refused(scene: str) -> None:
    with pytest.raises(CalibrationError, match="skyline"):
        match(believed(true_camera(scene), 1.0), trace(first_picture(scene)), TERRAIN)


def test_a_picture_that_looks_elsewhere_is_refused() -> None:
    """The skyline of one camera, said to be another's."""
    with pytest.raises(CalibrationError, match="fits"):
        match(true_camera("sun_glare"), trace(first_picture("pair_south")), TERRAIN)


def test_a_horizon_that_is_the_same_everywhere_is_too_even_to_tell() -> None:
    camera = CameraModel(Position(23.1, 116.4, 100), Pose(90, 0, 0, 40), 1280, 720)
    columns = np.arange(0, 1280, 2.0)
    level = Skyline(columns, np.full_like(columns, 366.0), 1.0)
    with pytest.raises(CalibrationError, match="too even to tell, use landmarks"):
        match(camera, level, FlatTerrain(0))


def test_a_picture_without_contrast_has_no_skyline() -> None:
    skyline = trace(np.full((720, 1280, 3), 140, np.uint8))
    assert skyline.clear_share == 0
    with pytest.raises(CalibrationError, match="only 0% of the picture shows a clear skyline"):
        match(true_camera("near_fire"), skyline, TERRAIN)
