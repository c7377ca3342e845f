"""Which sightings are the same fire, and where several cameras together place it. Pure.

One camera and view: boxes that touch are one fire, unless they stand on ranges that cannot be the same; the
pose error is common to both, so boxes tell better than positions. Different cameras (or presets): positions
that agree within their errors are one fire. A second alarm for one fire is a nuisance, a second fire hidden
in the first one's incident is a danger: in doubt they stay apart. Two that one view cannot tell apart are
one incident marked "possibly two".

Nothing here depends on the order in which sightings arrive: a late one refines the place as it would have
done in time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import combinations

import numpy as np

from alerting.location import DEFAULT_ERRORS, MAX_RANGE_M, covariance_of, ellipse_of
from alerting.records import Location
from detector.detection import Box, Label
from geometry.camera import Ray
from geometry.fusion import Fix, Line, fuse
from geometry.position import Position, bearing_deg, distance_m, enu_m
from geometry.terrain import Canopy, Terrain

JOIN_WITHIN = timedelta(hours=2)
"""One view: a sighting later than this after the last is a new fire at an old place."""

OTHER_VIEW_WITHIN = timedelta(minutes=30)
"""Different views: their positions are coarse, so they must agree in time too."""

SAME_SITE_M = 50.0
"""Cameras nearer than this see a fire under the same angle and share their mast's errors."""

POSSIBLY_TWO = "possibly two fires on this bearing"

_CHI2_99 = 9.21
_BEARING_SIGMAS = 3.0
_BOX_WIDENED = 0.5
_SAME_PLUME = 0.5
"""Boxes that share more than this of the smaller one show one plume, wherever their feet seem to stand."""

_NESTED = 0.8
"""Boxes that share this much of the smaller one are one within the other, as flames are within their smoke:
that their feet differ then says nothing of two fires."""

_SAME_BOX = 0.8
"""Boxes this much alike (IoU) are one thing seen twice."""

_APART_M = 500.0
_TERRAIN_SIGMA_M = DEFAULT_ERRORS.ground_m


@dataclass(frozen=True)
class Observation:
    """What association needs to know of a sighting. `box` is in shares of the frame."""

    camera_id: str
    preset: str | None
    label: Label
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
        one_plume = any(_one_plume(new, one) for one in same_view)
        return 0.0 if one_plume and _near_in_time(new, known, JOIN_WITHIN) else None
    if not _near_in_time(new, known, OTHER_VIEW_WITHIN):
        return None
    if not incident.has_point:
        return None  # two bearings cross somewhere almost always: no evidence of one fire
    if new.location.has_point:
        return _position_misfit(new.location, incident)
    return _bearing_misfit(new, incident)


def combine(observations: Sequence[Observation], terrain: Terrain | None) -> Location:
    """Where the observations of one fire place it together.

    Each site counts once, by its best estimate, because repeated looks share the errors of pose and terrain:
    cameras on one mast are never triangulated.
    """
    sites = _best_of_each_site(observations)
    best = sites[0].location
    two = _possibly_two(observations)
    cautions = [POSSIBLY_TWO] if two else []
    if len(sites) > 1:
        starts = [_point(one.location) for one in sites if one.location.has_point]
        fix = fuse([_line(one) for one in sites], terrain, _TERRAIN_SIGMA_M, starts)
        if fix is None or not _in_front(fix, sites):
            cautions.append("the cameras do not agree on a place, the surest one is shown")
        else:
            best = _combined(sites[fix.used[0]], fix, terrain)
            if len(fix.used) < len(sites):
                left_out = len(sites) - len(fix.used)
                cautions.append(f"{left_out} of {len(sites)} lines of sight does not fit, it is left out")
    if not cautions:
        return best
    caution = "; ".join([*cautions, *([best.caution] if best.caution else [])])
    return replace(best, caution=caution, possibly_two=two)


def ranges_overlap(a: Location, b: Location) -> bool:
    """Whether two locations of one camera may be the same place, by their 95 % range intervals."""
    a_min, a_max = a.range_min_m or 0.0, a.range_max_m or MAX_RANGE_M
    b_min, b_max = b.range_min_m or 0.0, b.range_max_m or MAX_RANGE_M
    return a_min <= b_max and b_min <= a_max


def _near_in_time(new: Observation, known: Sequence[Observation], within: timedelta) -> bool:
    start = min(one.first_seen_at for one in known) - within
    end = max(one.confirmed_at for one in known) + within
    return new.confirmed_at >= start and new.first_seen_at <= end


def _one_plume(a: Observation, b: Observation) -> bool:
    """Boxes of one view that touch, or stand one above the other, and may stand on the same ground."""
    a_box, b_box = a.box.widened(_BOX_WIDENED), b.box.widened(_BOX_WIDENED)
    touch = a_box.intersection_px2(b_box) > 0
    if not touch and not (a.box.x1 < b.box.x2 and b.box.x1 < a.box.x2):
        return False
    if a.box.share_of_smaller(b.box) > _SAME_PLUME:
        return True
    if not _at_the_same_time(a, b):
        return touch
    return ranges_overlap(a.location, b.location)


def _possibly_two(observations: Sequence[Observation]) -> bool:
    """One view saw two plumes that may both be real: both in sight, and of one class or apart in the picture
    or, neither within the other, with feet far behind one another; or, at about the same time, hardly
    overlapping and with such feet.

    The detector takes boxes of one class that touch for one thing as long as it is in sight
    (`detector.confirmation`): two of them at once, in different boxes, are two to it, however they overlap.
    Flames within their smoke are not."""
    return any(
        (a.camera_id, a.preset) == (b.camera_id, b.preset) and _two_plumes(a, b)
        for a, b in combinations(observations, 2)
    )


def _two_plumes(a: Observation, b: Observation) -> bool:
    common = a.box.intersection_px2(b.box)
    in_sight_together = a.first_seen_at <= b.confirmed_at and b.first_seen_at <= a.confirmed_at
    if in_sight_together and (common == 0 or (a.label == b.label and a.box.iou(b.box) < _SAME_BOX)):
        return True
    smaller = min(a.box.area_px2, b.box.area_px2)
    separate = common <= _SAME_PLUME * smaller and _at_the_same_time(a, b)
    beside = common < _NESTED * smaller and in_sight_together
    return (separate or beside) and _far_apart(a.location, b.location)


def _far_apart(a: Location, b: Location) -> bool:
    return a.range_m is None or b.range_m is None or abs(a.range_m - b.range_m) > _APART_M


def _at_the_same_time(a: Observation, b: Observation) -> bool:
    """Near enough for a fire not to have walked from one place to the other."""
    return abs(a.first_seen_at - b.first_seen_at) <= OTHER_VIEW_WITHIN


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
    nearest, farthest = new.location.range_min_m or 0.0, new.location.range_max_m or MAX_RANGE_M
    if not nearest * 0.8 <= away_m <= farthest * 1.2:
        return None
    assert incident.ellipse is not None
    difference = (bearing_deg(new.camera, point) - new.location.bearing_deg + 180) % 360 - 180
    azimuth = math.radians(new.location.bearing_deg)
    across = np.array([math.cos(azimuth), -math.sin(azimuth)])
    spread_m = math.sqrt(float(across @ covariance_of(incident.ellipse) @ across))
    sigma_deg = math.hypot(_line(new).azimuth_sigma_deg, math.degrees(math.atan2(spread_m, away_m)))
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


def _line(one: Observation) -> Line:
    where = one.location
    return Line(
        one.camera,
        Ray(where.bearing_deg, where.elevation_deg),
        where.bearing_sigma_deg or DEFAULT_ERRORS.azimuth_deg,
        where.elevation_sigma_deg or DEFAULT_ERRORS.tilt_deg,
    )


def _in_front(fix: Fix, sites: Sequence[Observation]) -> bool:
    """Within sight of every camera used, and not behind it."""
    for i in fix.used:
        away_m = distance_m(sites[i].camera, fix.position)
        apart = (bearing_deg(sites[i].camera, fix.position) - sites[i].location.bearing_deg + 180) % 360 - 180
        if away_m > 1.5 * MAX_RANGE_M or abs(apart) > 90:
            return False
    return True


def _combined(best: Observation, fix: Fix, terrain: Terrain | None) -> Location:
    point, covariance = fix.position, fix.covariance_m2
    azimuth = math.radians(bearing_deg(best.camera, point))
    along = np.array([math.sin(azimuth), math.cos(azimuth)])
    half_m = 1.96 * math.sqrt(float(along @ covariance @ along))
    east, north, up = enu_m(best.camera, point)
    level_m = math.hypot(east, north)
    range_m = math.hypot(level_m, up)
    line = _line(best)
    return Location(
        method="combined",
        bearing_deg=math.degrees(math.atan2(east, north)) % 360,
        elevation_deg=math.degrees(math.atan2(up, level_m)),
        bearing_sigma_deg=line.azimuth_sigma_deg,
        elevation_sigma_deg=line.elevation_sigma_deg,
        lat_deg=point.lat_deg,
        lon_deg=point.lon_deg,
        height_m=point.height_m - (terrain.vegetation_height_m if isinstance(terrain, Canopy) else 0.0),
        ellipse=ellipse_of(covariance),
        range_m=range_m,
        range_min_m=max(0.0, range_m - half_m),
        range_max_m=range_m + half_m,
    )


def _point(location: Location) -> Position:
    assert location.lat_deg is not None
    assert location.lon_deg is not None
    return Position(location.lat_deg, location.lon_deg, location.height_m or 0.0)
