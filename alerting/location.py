"""Where a sighting is: its base's line of sight, the ground it meets, and how sure that is.

The fire is at the foot of the plume, so the ray goes through the bottom of the box. `geometry.sightline`
says how probable every piece of ground along it is, given the errors of pose, pixel, terrain and lens
height; this module turns that into an answer for people. There are four: a point with its 95 % ellipse
(`terrain`); the same without an elevation model, marked as such (`flat_earth`); "behind this ridge, along
this bearing" with a range interval (`behind_ridge`); and a bearing alone (`bearing_only`). The same
sighting always has the same answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from alerting.records import Ellipse, Location, LocationMethod
from detector.detection import Box, Sighting
from geometry.camera import CameraModel, Ray
from geometry.position import FloatArray, Position, lat_lon_near
from geometry.sightline import Outlook, SightError, look_along
from geometry.terrain import AssumedFlat, Canopy, Terrain

CHI2_95 = 5.991
"""95 % quantile of chi square with two degrees of freedom."""

MAX_RANGE_M = 20_000.0

_BASE_SHARE = 0.5
_GRAZING_DEG = 3.0
_HIDDEN = 0.9
"""Probability from which a foot on a crest is taken to belong to a fire behind it."""

_SKY_SIGMAS = 6.0
"""Smoke that begins farther than this above all ground tells nothing of where its foot is."""

_WORTH_SAYING = 0.05
_FLAT_LENS_M = 100.0
"""Standard deviation of the lens above ground that is unknown and taken to be level with the mast's foot."""

_UNKNOWN_ELEVATION_DEG = 30.0


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
    lens_m: float = 5.0
    """Of the lens's height: the model's own error under the mast; a metre where the mast was surveyed."""

    @property
    def ground_m(self) -> float:
        """Of the height at which a foot seems to stand."""
        return math.hypot(self.terrain_m, self.vegetation_m)

    def of_ray(self, camera: CameraModel, across_px: float, upright_px: float) -> SightError:
        """The errors of a line of sight whose pixel is known to `across_px` and `upright_px`."""
        degrees_per_px = math.degrees(1 / camera.focal_px)
        return SightError(
            pose_azimuth_deg=self.azimuth_deg,
            pose_elevation_deg=self.tilt_deg,
            pixel_azimuth_deg=across_px * degrees_per_px,
            pixel_elevation_deg=upright_px * degrees_per_px,
            terrain_m=self.ground_m,
            lens_m=self.lens_m,
        )


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
    terrain: Terrain,
    errors: ErrorModel = DEFAULT_ERRORS,
    max_range_m: float = MAX_RANGE_M,
) -> Location:
    """Where the sighting's foot is. `camera` must have the sighting's picture size."""
    error = errors.of_ray(
        camera,
        max(errors.pixel_min_px, errors.foot_across_share * sighting.box.width_px),
        max(errors.pixel_min_px, errors.foot_height_share * sighting.box.height_px),
    )
    ray = camera.ray(*base_of(sighting))
    if isinstance(terrain, AssumedFlat):
        return _on_flat_earth(locate_ray(camera.position, ray, replace(error, lens_m=_FLAT_LENS_M), terrain))
    return locate_ray(camera.position, ray, error, terrain, max_range_m)


def direction_only(sighting: Sighting, camera: CameraModel, caution: str) -> Location:
    """The direction of the sighting's foot and nothing more; `caution` says why."""
    return _bearing_only(camera.ray(*base_of(sighting)), caution)


def locate_ray(
    lens: Position, ray: Ray, error: SightError, terrain: Terrain, max_range_m: float = MAX_RANGE_M
) -> Location:
    """Where what is seen along `ray` from `lens` stands on `terrain`."""
    outlook = look_along(terrain, lens, ray, error, max_range_m)
    if outlook is None:
        return _bearing_only(ray, "the ground's height is not known, only the direction is", error)
    if not outlook.on_ground:
        return _above_ground(ray, error, outlook)
    if outlook.hidden_share > _HIDDEN and outlook.hidden_m is not None:
        return _behind_ridge(ray, error, *outlook.hidden_m)
    return _on_ground(lens, ray, error, outlook, terrain)


def _on_flat_earth(where: Location) -> Location:
    """Marked as what it is; the elevation says nothing to other cameras, because the lens's height is
    unknown."""
    caution = "there is no elevation model: the ground was taken to be flat, the range is very unsure"
    method: LocationMethod = "flat_earth" if where.has_point else "bearing_only"
    return replace(where, method=method, elevation_sigma_deg=_UNKNOWN_ELEVATION_DEG, caution=caution)


def _on_ground(lens: Position, ray: Ray, error: SightError, outlook: Outlook, terrain: Terrain) -> Location:
    near, likely, far = _components(outlook)
    level_m, azimuth = outlook.meets_m(likely), math.radians(ray.azimuth_deg)
    east, north = level_m * math.sin(azimuth), level_m * math.cos(azimuth)
    lat, lon = (float(v) for v in lat_lon_near(lens, east, north))
    height_m = float(terrain.height_m(lat, lon))
    if math.isnan(height_m):  # the middle of a curved piece of ground at the model's edge
        height_m = lens.height_m
    point = Position(lat, lon, height_m)
    range_min, range_max = outlook.quantiles_m([0.025, 0.975])
    slant = 1 / math.cos(math.radians(ray.elevation_deg))
    return Location(
        method="terrain",
        bearing_deg=ray.azimuth_deg,
        elevation_deg=ray.elevation_deg,
        bearing_sigma_deg=error.azimuth_deg,
        elevation_sigma_deg=error.elevation_deg,
        lat_deg=point.lat_deg,
        lon_deg=point.lon_deg,
        height_m=point.height_m - (terrain.vegetation_height_m if isinstance(terrain, Canopy) else 0.0),
        ellipse=_covering_ellipse(outlook, east, north),
        range_m=level_m * slant,
        range_min_m=min(range_min, level_m) * slant,
        range_max_m=max(range_max, level_m) * slant,
        caution=_caution(ray, point, terrain, outlook, near, far),
    )


def _components(outlook: Outlook) -> tuple[float, FloatArray, float]:
    """The piece of ground with most of the probability, as a mask over ranges, and the probability of all
    that lies nearer and farther than it."""
    along = outlook.along()
    density = along / np.gradient(outlook.ranges_m)
    dense = density > 2e-3 * density.max()
    edges = np.flatnonzero(np.diff(np.concatenate([[0], dense.astype(int), [0]])))
    pieces = edges.reshape(-1, 2)
    mass = [float(along[start:end].sum()) for start, end in pieces]
    start, end = pieces[int(np.argmax(mass))]
    likely = np.zeros_like(along)
    likely[start:end] = 1.0
    return float(along[:start].sum()), likely, float(along[end:].sum())


def _above_ground(ray: Ray, error: SightError, outlook: Outlook) -> Location:
    """No visible ground on the line of sight: smoke over a ridge, or the pose is wrong."""
    if outlook.hidden_m is not None and outlook.misfit_sigmas <= _SKY_SIGMAS:
        return _behind_ridge(ray, error, *outlook.hidden_m)
    if outlook.known_to_m < MAX_RANGE_M - 100:
        end = f"{outlook.known_to_m / 1000:.1f} km"
        reason = f"the elevation model ends {end} away, before the line of sight meets ground"
        return _bearing_only(ray, reason, error)
    return _bearing_only(ray, "the line of sight passes above the ground", error)


def _behind_ridge(ray: Ray, error: SightError, nearest_m: float, farthest_m: float) -> Location:
    return Location(
        method="behind_ridge",
        bearing_deg=ray.azimuth_deg,
        elevation_deg=ray.elevation_deg,
        bearing_sigma_deg=error.azimuth_deg,
        elevation_sigma_deg=error.elevation_deg,
        range_min_m=nearest_m,
        range_max_m=farthest_m,
        caution=f"the fire stands behind a ridge, between {nearest_m / 1000:.1f} and"
        f" {farthest_m / 1000:.1f} km along this bearing",
    )


def _bearing_only(ray: Ray, caution: str, error: SightError | None = None) -> Location:
    return Location(
        method="bearing_only",
        bearing_deg=ray.azimuth_deg,
        elevation_deg=ray.elevation_deg,
        bearing_sigma_deg=error.azimuth_deg if error else None,
        elevation_sigma_deg=error.elevation_deg if error else None,
        caution=caution,
    )


def _caution(
    ray: Ray, point: Position, terrain: Terrain, outlook: Outlook, near: float, far: float
) -> str | None:
    reasons = []
    if outlook.hidden_share >= _WORTH_SAYING and outlook.hidden_m is not None:
        share, reach = 100 * outlook.hidden_share, f"{outlook.hidden_m[1] / 1000:.1f} km"
        reasons.append(
            f"with {share:.0f} % probability the fire stands behind this ridge, up to {reach} away"
        )
    if far >= _WORTH_SAYING:
        reasons.append(f"with {100 * far:.0f} % probability the fire stands on a slope farther away")
    if near >= _WORTH_SAYING:
        reasons.append(f"with {100 * near:.0f} % probability the fire stands on a slope nearer by")
    if (angle := incidence_deg(ray, point, terrain)) < _GRAZING_DEG:
        reasons.append(f"the line of sight grazes the ground at {angle:.1f} degrees, the range is unsure")
    return "; ".join(reasons) or None


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


def _covering_ellipse(outlook: Outlook, east_m: float, north_m: float) -> Ellipse:
    """The ellipse about the estimate, shaped by the probability's spread, that holds 95 % of it.

    What lies along a grazing ray is skewed: an ellipse from its covariance alone would claim too much.
    """
    weights = outlook.weights.ravel()
    offsets = np.stack([(outlook.east_m - east_m).ravel(), (outlook.north_m - north_m).ravel()], axis=1)
    second_moment = (offsets * weights[:, None]).T @ offsets + np.eye(2)  # at least a metre
    distance2 = np.einsum("ni,ij,nj->n", offsets, np.linalg.inv(second_moment), offsets)
    order = np.argsort(distance2)
    scale = float(np.interp(0.95, np.cumsum(weights[order]), distance2[order]))
    return ellipse_of(second_moment * max(scale, 1e-6) / CHI2_95)


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
