"""Which sightings are the same fire, and where several cameras together place it. Pure.

One camera and view: boxes that touch are one fire; its pose error is common to both, so boxes tell better
than positions. Different cameras (or presets): positions that agree within their errors are one fire. A
second alarm for one fire is a nuisance, a second fire hidden in the first one's incident is a danger: in
doubt they stay apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from alerting.location import DEFAULT_ERRORS, covariance_of, ellipse_of
from alerting.records import Location
from detector.detection import Box
from geometry.position import FloatArray, Position, bearing_deg, distance_m, enu_m, from_enu
from geometry.terrain import Terrain

JOIN_WITHIN = timedelta(hours=2)
"""One view: a sighting later than this after the last is a new fire at an old place."""

OTHER_VIEW_WITHIN = timedelta(minutes=30)
"""Different views: their positions are coarse, so they must agree in time too."""

SAME_SITE_M = 50.0
"""Cameras nearer than this see a fire under the same angle and share their mast's errors."""

_CHI2_99 = 9.21
_BEARING_SIGMAS = 3.0
_BOX_WIDENED = 0.5
_MAX_RANGE_M = 20_000.0


@dataclass(frozen=True)
class Observation:
    """What association needs to know of a sighting. `box` is in shares of the frame."""

    camera_id: str
    preset: str | None
    first_seen_at: datetime
    confirmed_at: datetime
    box: Box
    camera: Position
    location: Location


def relative_box(box: Box, width_px: int, height_px: int) -> Box:
    """The box in shares of the frame, so that a camera may change its resolution.

    >>> relative_box(Box(64, 36, 128, 72), 1280, 720)
    Box(x1=0.05, y1=0.05, x2=0.1, y2=0.1)
    """
    return Box(box.x1 / width_px, box.y1 / height_px, box.x2 / width_px, box.y2 / height_px)


def misfit(new: Observation, known: Sequence[Observation], incident: Location) -> float | None:
    """None: `new` is not the incident of the `known` observations at `incident`. Otherwise how badly it
    fits; 0 for touching boxes of one view, so that the best of several incidents can be taken."""
    if not known:
        return None
    same_view = [one for one in known if (one.camera_id, one.preset) == (new.camera_id, new.preset)]
    if same_view:
        touches = any(_boxes_meet(new.box, one.box) for one in same_view)
        return 0.0 if touches and _near_in_time(new, known, JOIN_WITHIN) else None
    if not _near_in_time(new, known, OTHER_VIEW_WITHIN):
        return None
    if not incident.has_point:
        return None  # two bearings cross somewhere almost always: no evidence of one fire
    if new.location.has_point:
        return _position_misfit(new.location, incident)
    return _bearing_misfit(new, incident)


def combine(observations: Sequence[Observation], terrain: Terrain | None) -> Location:
    """Where the observations of one fire place it together.

    Each site counts once, by its best estimate, because repeated looks share the errors of pose and terrain.
    Positions are weighted by their covariances; a bearing without position pulls across itself only.
    """
    sites = _best_of_each_site(observations)
    best = sites[0]
    if len(sites) == 1 or not best.location.has_point:
        return best.location
    origin = best.camera
    information = np.zeros((2, 2))
    weighted = np.zeros(2)
    for one in sites:
        matrix, point = _information(one, origin, best.location)
        information += matrix
        weighted += matrix @ point
    covariance: FloatArray = np.asarray(np.linalg.inv(information), np.float64)
    east, north = covariance @ weighted
    return _combined(best, from_enu(origin, float(east), float(north), 0.0), covariance, terrain)


def _near_in_time(new: Observation, known: Sequence[Observation], within: timedelta) -> bool:
    start = min(one.first_seen_at for one in known) - within
    end = max(one.confirmed_at for one in known) + within
    return new.confirmed_at >= start and new.first_seen_at <= end


def _boxes_meet(a: Box, b: Box) -> bool:
    return a.widened(_BOX_WIDENED).intersection_px2(b.widened(_BOX_WIDENED)) > 0


def _position_misfit(a: Location, b: Location) -> float | None:
    east, north, _ = enu_m(_point(a), _point(b))
    apart = np.array([east, north])
    assert a.ellipse is not None
    assert b.ellipse is not None
    covariance = covariance_of(a.ellipse) + covariance_of(b.ellipse)
    distance2 = float(apart @ np.linalg.solve(covariance, apart))
    return distance2 if distance2 <= _CHI2_99 else None


def _bearing_misfit(new: Observation, incident: Location) -> float | None:
    point = _point(incident)
    away_m = distance_m(new.camera, point)
    if not (new.location.range_min_m or 0.0) * 0.8 <= away_m <= _MAX_RANGE_M:
        return None
    assert incident.ellipse is not None
    difference = (bearing_deg(new.camera, point) - new.location.bearing_deg + 180) % 360 - 180
    azimuth = math.radians(new.location.bearing_deg)
    across = np.array([math.cos(azimuth), -math.sin(azimuth)])
    spread_m = math.sqrt(float(across @ covariance_of(incident.ellipse) @ across))
    sigma_deg = math.hypot(DEFAULT_ERRORS.azimuth_deg, math.degrees(math.atan2(spread_m, away_m)))
    sigmas = abs(difference) / sigma_deg
    return sigmas**2 if sigmas <= _BEARING_SIGMAS else None


def _best_of_each_site(observations: Sequence[Observation]) -> list[Observation]:
    """Smallest ellipse first; bearings without position last."""

    def uncertainty(one: Observation) -> float:
        ellipse = one.location.ellipse
        return ellipse.semi_major_m * ellipse.semi_minor_m if ellipse is not None else math.inf

    sites: list[Observation] = []
    for one in sorted(observations, key=uncertainty):
        if all(distance_m(one.camera, other.camera) > SAME_SITE_M for other in sites):
            sites.append(one)
    return sites


def _information(one: Observation, origin: Position, best: Location) -> tuple[FloatArray, FloatArray]:
    """The inverse covariance of what one site says, and the point it says it about, east and north."""
    if one.location.ellipse is not None:
        east, north, _ = enu_m(origin, _point(one.location))
        inverse = np.linalg.inv(covariance_of(one.location.ellipse))
        return np.asarray(inverse, np.float64), np.array([east, north])
    azimuth = math.radians(one.location.bearing_deg)
    across = np.array([math.cos(azimuth), -math.sin(azimuth)])
    away_m = max(100.0, distance_m(one.camera, _point(best)))
    sigma_m = away_m * math.radians(DEFAULT_ERRORS.azimuth_deg)
    east, north, _ = enu_m(origin, one.camera)
    return np.outer(across, across) / sigma_m**2, np.array([east, north])


def _combined(best: Observation, flat: Position, covariance: FloatArray, terrain: Terrain | None) -> Location:
    height_m = float(terrain.height_m(flat.lat_deg, flat.lon_deg)) if terrain is not None else math.nan
    if math.isnan(height_m):
        height_m = best.location.height_m or 0.0
    point = Position(flat.lat_deg, flat.lon_deg, height_m)
    azimuth = math.radians(bearing_deg(best.camera, point))
    along = np.array([math.sin(azimuth), math.cos(azimuth)])
    half_m = 1.96 * math.sqrt(float(along @ covariance @ along))
    east, north, up = enu_m(best.camera, point)
    level_m = math.hypot(east, north)
    range_m = math.hypot(level_m, up)
    return Location(
        method="combined",
        bearing_deg=math.degrees(math.atan2(east, north)) % 360,
        elevation_deg=math.degrees(math.atan2(up, level_m)),
        lat_deg=point.lat_deg,
        lon_deg=point.lon_deg,
        height_m=point.height_m,
        ellipse=ellipse_of(covariance),
        range_m=range_m,
        range_min_m=max(0.0, range_m - half_m),
        range_max_m=range_m + half_m,
    )


def _point(location: Location) -> Position:
    assert location.lat_deg is not None
    assert location.lon_deg is not None
    return Position(location.lat_deg, location.lon_deg, location.height_m or 0.0)
