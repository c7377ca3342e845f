"""Where a sighting is: its base's line of sight, the ground it meets, and how sure that is.

The fire is at the foot of the plume, so the ray goes through the bottom of the box. Errors of pose, pixel and
terrain are carried through by sampling: the same intersection for a fixed set of disturbed rays (the same for
every call, so the same sighting has the same answer). Where the ray meets no ground the answer is a bearing
and a range interval, never a point.

This is the first, honest model; learned pose errors and full fusion build on it. It takes every pose to be
equally uncertain, and the box's bottom to be the foot: a foot hidden behind a ridge is placed on the ridge.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np

from alerting.records import Ellipse, Location
from detector.detection import Box, Sighting
from geometry.camera import CameraModel, Ray, refraction_m
from geometry.position import FloatArray, Position, enu_m, geodetic_of_enu
from geometry.terrain import GroundHit, Terrain, intersect

CHI2_95 = 5.991
"""95 % quantile of chi square with two degrees of freedom."""

_BASE_SHARE = 0.5
_SAMPLES = 96
_FEWEST_HITS = 0.5
_NEAREST_M = 20.0
_STEP_M = 30.0
_GRAZING_DEG = 3.0
_GAP = 1.3
"""Neighbouring samples whose ranges differ by more than this factor lie on different slopes."""


@dataclass(frozen=True)
class ErrorModel:
    """Standard deviations of what the answer rests on."""

    azimuth_deg: float = 0.3
    """A fixed camera levelled by hand and turned by landmarks; a PTZ's presets come back about as well."""
    tilt_deg: float = 0.15
    foot_across_share: float = 0.25
    """Error of the foot along the box's bottom edge, as a share of its width: in wind it stands anywhere."""
    foot_height_share: float = 0.1
    """Error of the bottom edge as a share of the box's height, because a detector's box has soft edges."""
    pixel_min_px: float = 2.0
    """Either is at least this."""
    terrain_m: float = 5.0
    vegetation_m: float = 5.0
    """Trees stand on the model's ground and hide the foot of the plume by about this much."""

    @property
    def height_m(self) -> float:
        return math.hypot(self.terrain_m, self.vegetation_m)


DEFAULT_ERRORS = ErrorModel()


def base_of(sighting: Sighting) -> tuple[float, float]:
    """The pixel of the plume's foot: bottom centre of the box, steadied over its history.

    Smoke grows upwards and drifts with the wind while its foot stays; a wide, late box has its middle far
    from the fire. So the foot is looked for in the earlier half of the history (medians, against jitter), and
    flames, which sit on the fire, are taken where they are now.
    """
    boxes: Sequence[Box] = [detection.box for _, detection in sighting.history] or [sighting.box]
    if sighting.label == "fire":
        boxes = [d.box for _, d in sighting.history if d.label == "fire"] or [sighting.box]
    else:
        boxes = boxes[: max(1, math.ceil(len(boxes) * _BASE_SHARE))]
    x = float(np.median([(box.x1 + box.x2) / 2 for box in boxes]))
    y = float(np.median([box.y2 for box in boxes]))
    return min(max(x, 0.0), sighting.width_px), min(max(y, 0.0), sighting.height_px)


def locate(
    sighting: Sighting,
    camera: CameraModel,
    terrain: Terrain | None,
    errors: ErrorModel = DEFAULT_ERRORS,
    max_range_m: float = 20_000,
) -> Location:
    """Where the sighting's foot is. `camera` must have the sighting's picture size."""
    if terrain is None:
        return direction_only(sighting, camera, "the ground's height is not known, only the direction is")
    ray = camera.ray(*base_of(sighting))
    hit = intersect(terrain, camera.position, ray, max_range_m)
    spread = _ray_spread(sighting, camera, errors)
    samples = _disturbed(camera.position, ray, spread, terrain, max_range_m)
    if hit is None or samples.hits < _SAMPLES * _FEWEST_HITS:
        return _without_point(ray, hit, samples)
    return _with_point(camera.position, ray, hit, samples, terrain)


def direction_only(sighting: Sighting, camera: CameraModel, caution: str) -> Location:
    """The direction of the sighting's foot and nothing more; `caution` says why."""
    return _bearing_only(camera.ray(*base_of(sighting)), caution)


@dataclass(frozen=True)
class _Spread:
    """Standard deviations of a line of sight."""

    azimuth_deg: float
    elevation_deg: float
    height_m: float


@dataclass(frozen=True)
class _Samples:
    """Where disturbed rays met ground; those that met none are missing."""

    ranges_m: FloatArray
    offsets_m: FloatArray
    """East and north of the camera, one row a sample."""

    @property
    def hits(self) -> int:
        return len(self.ranges_m)


def _ray_spread(sighting: Sighting, camera: CameraModel, errors: ErrorModel) -> _Spread:
    degrees_per_px = math.degrees(1 / camera.focal_px)
    x_px = max(errors.pixel_min_px, errors.foot_across_share * sighting.box.width_px)
    y_px = max(errors.pixel_min_px, errors.foot_height_share * sighting.box.height_px)
    return _Spread(
        azimuth_deg=math.hypot(errors.azimuth_deg, x_px * degrees_per_px),
        elevation_deg=math.hypot(errors.tilt_deg, y_px * degrees_per_px),
        height_m=errors.height_m,
    )


def _disturbed(origin: Position, ray: Ray, spread: _Spread, terrain: Terrain, max_range_m: float) -> _Samples:
    """`intersect` for all samples at once, with longer steps: metres do not matter to a spread."""
    across, along, height = _standard_normals().T
    level = max(0.05, math.cos(math.radians(ray.elevation_deg)))
    azimuth = np.radians(ray.azimuth_deg + across * spread.azimuth_deg / level)[:, None]
    elevation = np.radians(np.clip(ray.elevation_deg + along * spread.elevation_deg, -89, 89))[:, None]
    ranges = np.arange(_NEAREST_M, max_range_m + _STEP_M, _STEP_M)
    levels = ranges * np.cos(elevation)
    east, north = levels * np.sin(azimuth), levels * np.cos(azimuth)
    # A terrain that is higher than modelled is the same as a camera that stands lower.
    lens = height[:, None] * spread.height_m
    lat, lon, up = geodetic_of_enu(
        origin, east, north, lens + ranges * np.sin(elevation) - refraction_m(levels)
    )
    clearance = up - terrain.height_m(lat, lon)
    stop = ~(clearance > 0)  # at the ground, under it, or unknown
    every, after = np.arange(_SAMPLES), np.argmax(stop, axis=1)
    before = np.maximum(after - 1, 0)
    high, low = clearance[every, before], clearance[every, after]
    met = stop.any(axis=1) & ~np.isnan(low)
    share = np.where(after > 0, high / np.where(high > low, high - low, 1.0), 0.0)
    hit_m = ranges[before] + share * (ranges[after] - ranges[before])
    flat = hit_m * np.cos(elevation[:, 0])
    offsets = np.stack([flat * np.sin(azimuth[:, 0]), flat * np.cos(azimuth[:, 0])], axis=1)
    return _Samples(hit_m[met], offsets[met])


def _with_point(origin: Position, ray: Ray, hit: GroundHit, samples: _Samples, terrain: Terrain) -> Location:
    east, north, _ = enu_m(origin, hit.position)
    range_min, range_max = (float(v) for v in np.quantile(samples.ranges_m, [0.025, 0.975]))
    return Location(
        method="terrain",
        bearing_deg=ray.azimuth_deg,
        elevation_deg=ray.elevation_deg,
        lat_deg=hit.position.lat_deg,
        lon_deg=hit.position.lon_deg,
        height_m=hit.position.height_m,
        ellipse=_covering_ellipse(samples.offsets_m - np.array([east, north])),
        range_m=hit.range_m,
        range_min_m=min(range_min, hit.range_m),
        range_max_m=max(range_max, hit.range_m),
        caution=_caution(ray, hit, samples, terrain),
    )


def _without_point(ray: Ray, hit: GroundHit | None, samples: _Samples) -> Location:
    """No ground on the line of sight, or only by luck: the direction, and how near it might still be."""
    near = [hit.range_m] if hit is not None else []
    possible = [*samples.ranges_m.tolist(), *near]
    reason = "the line of sight passes above the ground"
    if possible:
        reason += f"; the fire may stand behind a ridge, {min(possible) / 1000:.1f} km away or farther"
    return _bearing_only(ray, reason, range_min_m=min(possible) if possible else None)


def _bearing_only(ray: Ray, caution: str, range_min_m: float | None = None) -> Location:
    return Location(
        method="bearing_only",
        bearing_deg=ray.azimuth_deg,
        elevation_deg=ray.elevation_deg,
        range_min_m=range_min_m,
        caution=caution,
    )


def _caution(ray: Ray, hit: GroundHit, samples: _Samples, terrain: Terrain) -> str | None:
    reasons = []
    if (behind := _SAMPLES - samples.hits + _beyond_a_gap(hit.range_m, samples.ranges_m)) > 0:
        share = 100 * behind / _SAMPLES
        reasons.append(f"with {share:.0f} % probability the fire stands behind this ridge, farther away")
    if (angle := incidence_deg(ray, hit.position, terrain)) < _GRAZING_DEG:
        reasons.append(f"the line of sight grazes the ground at {angle:.1f} degrees, the range is unsure")
    return "; ".join(reasons) or None


def _beyond_a_gap(range_m: float, ranges_m: FloatArray) -> int:
    """How many samples flew over a crest and met ground much farther away."""
    sorted_m = np.sort(ranges_m[ranges_m >= range_m])
    gaps = np.flatnonzero(sorted_m[1:] > sorted_m[:-1] * _GAP)
    return len(sorted_m) - 1 - int(gaps[0]) if gaps.size else 0


def incidence_deg(ray: Ray, ground: Position, terrain: Terrain, baseline_m: float = 60.0) -> float:
    """Angle between the line of sight and the ground along it: small angles make ranges unsure."""
    slope_m = baseline_m / 2
    north = slope_m * math.cos(math.radians(ray.azimuth_deg)) / 111_000
    east = slope_m * math.sin(math.radians(ray.azimuth_deg))
    east /= 111_320 * math.cos(math.radians(ground.lat_deg))
    lat = np.array([ground.lat_deg - north, ground.lat_deg + north])
    lon = np.array([ground.lon_deg - east, ground.lon_deg + east])
    before, after = terrain.height_m(lat, lon)
    if math.isnan(before) or math.isnan(after):
        return abs(ray.elevation_deg)
    return math.degrees(math.atan2(after - before, baseline_m)) - ray.elevation_deg


def _covering_ellipse(offsets: FloatArray) -> Ellipse:
    """The ellipse about the estimate, shaped by the samples' spread, that holds 95 % of them.

    Samples of grazing rays are skewed: an ellipse from their covariance alone would claim too much.
    """
    second_moment = offsets.T @ offsets / max(1, len(offsets)) + np.eye(2)  # at least a metre
    distance2 = np.einsum("ni,ij,nj->n", offsets, np.linalg.inv(second_moment), offsets)
    scale = max(float(np.quantile(distance2, 0.95)), 1e-6)
    return ellipse_of(second_moment * scale / CHI2_95)


def ellipse_of(covariance_m2: FloatArray) -> Ellipse:
    """The 95 % ellipse of a covariance in east and north.

    >>> ellipse = ellipse_of(np.diag([100.0, 400.0]))
    >>> round(ellipse.semi_major_m), round(ellipse.semi_minor_m), ellipse.azimuth_deg
    (49, 24, 0.0)
    """
    values, vectors = np.linalg.eigh(covariance_m2)
    azimuth = math.degrees(math.atan2(vectors[0, 1], vectors[1, 1])) % 180
    major, minor = (math.sqrt(CHI2_95 * max(0.0, float(values[i]))) for i in (1, 0))
    return Ellipse(major, minor, azimuth)


def covariance_of(ellipse: Ellipse) -> FloatArray:
    """The inverse of `ellipse_of`."""
    azimuth = math.radians(ellipse.azimuth_deg)
    along = np.array([math.sin(azimuth), math.cos(azimuth)])
    across = np.array([math.cos(azimuth), -math.sin(azimuth)])
    major, minor = ellipse.semi_major_m**2 / CHI2_95, ellipse.semi_minor_m**2 / CHI2_95
    return np.asarray(major * np.outer(along, along) + minor * np.outer(across, across))


@cache
def _standard_normals() -> FloatArray:
    """Points that fill the standard normal distribution in three dimensions evenly (Halton)."""
    normal = NormalDist()
    return np.array(
        [[normal.inv_cdf(_halton(i, base)) for base in (2, 3, 5)] for i in range(1, _SAMPLES + 1)]
    )


def _halton(index: int, base: int) -> float:
    value, share = 0.0, 1.0
    while index > 0:
        share /= base
        value += share * (index % base)
        index //= base
    return value
