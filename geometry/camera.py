"""The camera model: where a pixel looks, and where a place in the world appears in the picture.

A pinhole or fisheye with square pixels and the optical axis through the middle of the picture. Light bends a
little towards the ground on its way (refraction); `Ray` is the direction in which the camera *sees*, and
`points_on_ray` follows the bent path. Errors of the pose are not modelled here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geometry.lens import PINHOLE, Lens
from geometry.position import MEAN_RADIUS_M, FloatArray, Position, enu_m, enu_of_geodetic, geodetic_of_enu

REFRACTION_K = 0.13
"""Curvature of light near the ground as a share of the Earth's (the surveyors' usual value by day)."""


@dataclass(frozen=True)
class Pose:
    """Where a camera looks. Azimuth: clockwise from true north. Tilt: up is positive. Roll: clockwise as seen
    from behind the camera is positive. `hfov_deg`: horizontal field of view, edge to edge."""

    azimuth_deg: float
    tilt_deg: float
    roll_deg: float
    hfov_deg: float

    def __post_init__(self) -> None:
        if not 0 < self.hfov_deg < 180:
            raise ValueError(f"horizontal field of view {self.hfov_deg} is not between 0 and 180 degrees")
        if not -90 <= self.tilt_deg <= 90:
            raise ValueError(f"tilt {self.tilt_deg} is not between -90 and 90 degrees")


@dataclass(frozen=True)
class Ray:
    """A direction of sight: azimuth clockwise from true north, elevation above level at the camera."""

    azimuth_deg: float
    elevation_deg: float

    def direction(self) -> tuple[float, float, float]:
        """Unit vector east, north, up."""
        azimuth, elevation = math.radians(self.azimuth_deg), math.radians(self.elevation_deg)
        level = math.cos(elevation)
        return level * math.sin(azimuth), level * math.cos(azimuth), math.sin(elevation)


@dataclass(frozen=True)
class CameraModel:
    """One camera in one pose. `position.height_m` is the height of the lens (ground + mast).

    Pixels are measured from the left and upper edge of the picture: the middle of the first pixel is
    (0.5, 0.5), the middle of the picture (width / 2, height / 2).

    >>> camera = CameraModel(Position(23.1, 116.4, 600), Pose(90, 0, 0, 60), 1280, 720)
    >>> camera.ray(640, 360)
    Ray(azimuth_deg=90.0, elevation_deg=0.0)
    >>> round(camera.ray(1280, 360).azimuth_deg, 6)
    120.0
    """

    position: Position
    pose: Pose
    width_px: int
    height_px: int
    lens: Lens = PINHOLE

    def __post_init__(self) -> None:
        if self.width_px < 1 or self.height_px < 1:
            raise ValueError(f"a picture of {self.width_px} x {self.height_px} pixels cannot be")
        if self.lens.distorts:
            self.lens.check(math.radians(self.pose.hfov_deg) / 2)

    @property
    def focal_px(self) -> float:
        """Focal length in pixels."""
        half = math.radians(self.pose.hfov_deg) / 2
        return self.width_px / 2 / (float(self.lens.radius(half)) if self.lens.distorts else math.tan(half))

    def ray(self, x_px: float, y_px: float) -> Ray:
        """The direction in which the camera sees what it shows at this pixel."""
        east, north, up = (float(v) for v in self.directions(np.float64(x_px), np.float64(y_px)))
        azimuth = math.degrees(math.atan2(east, north)) % 360
        return Ray(azimuth, math.degrees(math.atan2(up, math.hypot(east, north))))

    def directions(
        self, x_px: npt.ArrayLike, y_px: npt.ArrayLike
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Unit vectors (east, north, up) for arrays of pixels."""
        right = (np.asarray(x_px, float) - self.width_px / 2) / self.focal_px
        down = (np.asarray(y_px, float) - self.height_px / 2) / self.focal_px
        rows = self._axes()
        if self.lens.distorts:
            right, down = self._straightened(right, down)
        length = np.sqrt(1 + right**2 + down**2)
        east, north, up = ((right * rows[0, i] + down * rows[1, i] + rows[2, i]) / length for i in range(3))
        return east, north, up

    def project(self, position: Position) -> tuple[float, float] | None:
        """The pixel where `position` appears, or None when it is behind the camera.

        The pixel may lie outside the picture, and a hill may stand in between: neither is checked.

        >>> camera = CameraModel(Position(23.1, 116.4, 600), Pose(0, 0, 0, 60), 1280, 720)
        >>> [round(v) for v in camera.project(Position(23.19, 116.4, 600))]
        [640, 361]
        >>> camera.project(Position(23.0, 116.4, 600)) is None
        True
        """
        east, north, up = enu_m(self.position, position)
        x, y, depth = self.project_enu(east, north, up)
        return (float(x), float(y)) if depth > 0 else None

    def project_positions(
        self, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, height_m: npt.ArrayLike
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """`project` for arrays: x, y, and depth along the optical axis in metres (use where depth > 0)."""
        return self.project_enu(*enu_of_geodetic(self.position, lat_deg, lon_deg, height_m))

    def project_enu(
        self, east_m: npt.ArrayLike, north_m: npt.ArrayLike, up_m: npt.ArrayLike
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """`project_positions` for points given in metres from the lens."""
        east, north = np.asarray(east_m, float), np.asarray(north_m, float)
        up = np.asarray(up_m, float) + refraction_m(np.hypot(east, north))
        rows = self._axes()
        right, down, depth = (east * row[0] + north * row[1] + up * row[2] for row in rows)
        if self.lens.distorts:
            right, down = self._bent(right, down, depth)
        with np.errstate(divide="ignore", invalid="ignore"):
            x = self.width_px / 2 + self.focal_px * right / depth
            y = self.height_px / 2 + self.focal_px * down / depth
        return x, y, depth

    def _straightened(self, right: FloatArray, down: FloatArray) -> tuple[FloatArray, FloatArray]:
        """From the picture to the pinhole plane; what lies 90 degrees off the axis is put just in front."""
        radius = np.hypot(right, down)
        angle = np.minimum(self.lens.angle(radius), math.radians(89.9))
        scale = np.tan(angle) / np.where(radius > 0, radius, 1.0)
        return np.where(radius > 0, right * scale, 0.0), np.where(radius > 0, down * scale, 0.0)

    def _bent(self, right: FloatArray, down: FloatArray, depth: FloatArray) -> tuple[FloatArray, FloatArray]:
        """From the world to the picture, still times the depth."""
        off_axis = np.hypot(right, down)
        radius = self.lens.radius(np.arctan2(off_axis, depth))
        scale = radius * depth / np.where(off_axis > 0, off_axis, 1.0)
        return right * scale, down * scale

    def _axes(self) -> FloatArray:
        """Rows: the unit vectors right, down and forward of the camera in east, north, up."""
        azimuth, tilt, roll = (
            math.radians(v) for v in (self.pose.azimuth_deg, self.pose.tilt_deg, self.pose.roll_deg)
        )
        forward = np.array(
            [math.sin(azimuth) * math.cos(tilt), math.cos(azimuth) * math.cos(tilt), math.sin(tilt)]
        )
        right = np.array([math.cos(azimuth), -math.sin(azimuth), 0.0])
        down = np.cross(forward, right)
        return np.stack(
            [
                math.cos(roll) * right + math.sin(roll) * down,
                math.cos(roll) * down - math.sin(roll) * right,
                forward,
            ]
        )


def refraction_m(level_distance_m: npt.ArrayLike) -> FloatArray:
    """How much higher a thing at this distance appears than it is, in metres.

    >>> round(float(refraction_m(10_000)), 2)
    1.02
    """
    return REFRACTION_K * np.asarray(level_distance_m, float) ** 2 / (2 * MEAN_RADIUS_M)


def drop_m(level_distance_m: npt.ArrayLike) -> FloatArray:
    """How far ground at this distance appears to sink below the level: curvature less refraction, in metres.

    >>> round(float(drop_m(10_000)), 1)
    6.8
    """
    return (1 - REFRACTION_K) * np.asarray(level_distance_m, float) ** 2 / (2 * MEAN_RADIUS_M)


def points_on_ray(
    origin: Position, ray: Ray, range_m: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Latitude, longitude and height of the points seen along `ray` at these ranges from `origin`."""
    east, north, up = ray.direction()
    distance = np.asarray(range_m, float)
    level = distance * math.hypot(east, north)
    return geodetic_of_enu(origin, distance * east, distance * north, distance * up - refraction_m(level))
