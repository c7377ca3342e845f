"""How well fires are located: python -m benchmarks.location [--quick] [--json FILE]

On the world of benchmarks.location_scenery, whose truth is known. Every visible square metre at 1-10 km is
equally likely to burn. The sample is stratified by incidence: each stratum gets the same number of fires, and
figures over all of them weigh a stratum by its share of the visible ground (the plain mean over the sample is
printed beside). An answer without a point counts as flagged and as not covering the truth. The estimator is
the product's own (`alerting.location`, `alerting.association`), told the laws of the errors, not the errors.

Baseline in the same run: pixels linear in angle, and flat ground at the mean height of the model.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from alerting import association
from alerting.association import Observation
from alerting.location import CHI2_95, ErrorModel, covariance_of, locate_ray
from alerting.records import Location
from benchmarks.location_scenery import (
    AZIMUTH_SIGMA_DEG,
    DEM_SIGMA_M,
    FARTHEST_M,
    HEIGHT_PX,
    PIXEL_SIGMA_PX,
    STRATA,
    STRATUM_NAMES,
    TILT_SIGMA_DEG,
    WIDTH_PX,
    Shot,
    Site,
    Spot,
    World,
)
from benchmarks.reporting import machine, write_figures
from detector.detection import Box
from geometry.position import Position, bearing_deg, distance_m, enu_m, from_enu

SEED = 20_261_124
ERRORS = ErrorModel(
    azimuth_deg=AZIMUTH_SIGMA_DEG,
    tilt_deg=TILT_SIGMA_DEG,
    terrain_m=DEM_SIGMA_M,
    vegetation_m=0.0,
    lens_m=0.0,
)
"""The laws of the benchmark; its masts are surveyed."""

AT_M, WITHIN_M = 5_000.0, 1_000.0
CROSSING_DEG = 25.0
NOON = datetime(2026, 11, 24, 4, tzinfo=UTC)
PLUME_M, SMALLEST_BOX_PX = 20.0, 8.0
"""A young plume, as wide as high, and the smallest box that a detector reports."""

_DOUBLES = (
    "one camera, ranges apart",
    "one camera, ranges overlap, boxes apart",
    "one camera, ranges overlap, boxes touch",
    "two cameras, ranges apart",
    "two cameras, ranges overlap",
)
TARGETS = {
    "location.single_p50_m": "<= 60",
    "location.single_p95_m": "<= 250",
    "location.steep_p50_m": "<= 30",
    "location.two_p50_m": "<= 20",
    "location.coverage": "0.92..0.98",
    "location.flagged_share": "<= 0.40",
}


@dataclass(frozen=True)
class Result:
    """One located fire. `miss_m` is NaN where there is no point."""

    stratum: int
    range_m: float
    miss_m: float
    covered: bool
    flagged: bool
    baseline_m: float


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.location", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer fires, the same definitions")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    options = parser.parse_args()
    cameras, pairs, doubles = (240, 120, 20) if options.quick else (500, 500, 50)
    print(f"machine: {machine()}\nseed {SEED}, {cameras} cameras, 24 x 24 km", flush=True)
    world = World(SEED, cameras)
    singles = [_single(world, site, spot) for site in world.sites for spot in world.spots(site, 3)]
    figures = _report_singles(singles, world.visible_area)
    figures |= _report_pairs(world, pairs)
    figures |= _report_doubles(world, doubles)
    figures |= _report_cost(world)
    print("\ntargets")
    for name, target in TARGETS.items():
        print(f"  {name:26} {figures[name]:8.3f}   {target}")
    write_figures(options.json, figures, seed=SEED, cameras=cameras, fires=len(singles))


def _locate(world: World, shot: Shot) -> Location:
    error = ERRORS.of_ray(shot.camera, PIXEL_SIGMA_PX, PIXEL_SIGMA_PX)
    return locate_ray(shot.camera.position, shot.camera.ray(*shot.pixel), error, world.dem, FARTHEST_M)


def _single(world: World, site: Site, spot: Spot) -> Result:
    shot = world.photograph(site, spot)
    miss_m, covered, flagged = _judge(_locate(world, shot), spot.position)
    baseline_m = distance_m(_linear_flat(shot, world), spot.position)
    return Result(spot.stratum, spot.range_m, miss_m, covered, flagged, baseline_m)


def _judge(where: Location, truth: Position) -> tuple[float, bool, bool]:
    if where.lat_deg is None or where.lon_deg is None or where.ellipse is None:
        return math.nan, False, True
    miss = np.array(enu_m(Position(where.lat_deg, where.lon_deg, truth.height_m), truth)[:2])
    distance2 = float(miss @ np.linalg.solve(covariance_of(where.ellipse), miss))
    return float(np.hypot(*miss)), distance2 <= CHI2_95, where.flagged


def _linear_flat(shot: Shot, world: World) -> Position:
    """What many systems do: degrees per pixel from the field of view, ground flat at the mean height."""
    camera, (x, y) = shot.camera, shot.pixel
    degrees_per_px = camera.pose.hfov_deg / WIDTH_PX
    azimuth = math.radians(camera.pose.azimuth_deg + (x - WIDTH_PX / 2) * degrees_per_px)
    elevation = math.radians(camera.pose.tilt_deg - (y - HEIGHT_PX / 2) * degrees_per_px)
    above_m = camera.position.height_m - world.mean_height_m
    reach_m = above_m / -math.tan(elevation) if elevation < 0 < above_m else FARTHEST_M
    reach_m = min(reach_m, FARTHEST_M)
    return from_enu(camera.position, reach_m * math.sin(azimuth), reach_m * math.cos(azimuth), 0.0)


def _report_singles(results: Sequence[Result], visible_area: np.ndarray) -> dict[str, float]:  # type: ignore[type-arg]
    stratum = np.array([one.stratum for one in results])
    share = visible_area / visible_area.sum()
    weight = np.array([share[i] / (stratum == i).sum() for i in stratum])
    covered = np.array([one.covered for one in results], float)
    flagged = np.array([one.flagged for one in results])
    miss, baseline = (np.array([getattr(one, name) for one in results]) for name in ("miss_m", "baseline_m"))
    near = np.abs(np.array([one.range_m for one in results]) - AT_M) <= WITHIN_M
    chosen = near & ~flagged
    steep = chosen & (stratum == 2)
    print(f"\none camera, {len(results)} fires at 1-10 km")
    print("  stratum    fires  of ground  covered  flagged  p50 m  p95 m   (not flagged, all ranges)")
    for i, name in enumerate(STRATUM_NAMES):
        ours = stratum == i
        sure = miss[ours & ~flagged]
        p50, p95 = np.percentile(sure, [50, 95])
        print(
            f"  {name:9} {ours.sum():6}  {share[i]:8.1%} {covered[ours].mean():8.1%}"
            f" {flagged[ours].mean():8.1%} {p50:6.0f} {p95:6.0f}"
        )
    print(
        f"  all, by ground     {(covered * weight).sum():16.1%} {(flagged * weight).sum():8.1%}\n"
        f"  all, plain mean    {covered.mean():16.1%} {flagged.mean():8.1%}\n"
        f"  without a point: {np.isnan(miss).mean():.1%} (counted as flagged and not covered)"
    )
    p50, p95 = (_quantile(miss[chosen], weight[chosen], q) for q in (0.5, 0.95))
    base50, base95 = (_quantile(baseline[chosen], weight[chosen], q) for q in (0.5, 0.95))
    steep50 = float(np.median(miss[steep]))
    print(f"  at 5 +- 1 km, not flagged ({chosen.sum()} fires): p50 {p50:.0f} m, p95 {p95:.0f} m")
    print(f"    linear pixels and flat earth on the same: p50 {base50:.0f} m, p95 {base95:.0f} m")
    print(f"    ratio: {base50 / p50:.0f} x, {base95 / p95:.0f} x; incidence > 10 deg: p50 {steep50:.0f} m")
    figures = {
        "location.single_p50_m": p50,
        "location.single_p95_m": p95,
        "location.steep_p50_m": steep50,
        "location.coverage": float((covered * weight).sum()),
        "location.coverage_plain": float(covered.mean()),
        "location.flagged_share": float((flagged * weight).sum()),
        "location.flagged_share_plain": float(flagged.mean()),
        "location.baseline_p50_m": base50,
        "location.baseline_p95_m": base95,
    }
    for i, (low, _) in enumerate(STRATA):
        key = f"location.coverage_from_{max(0, round(low))}_deg"
        figures[key] = float(covered[stratum == i].mean())
    return figures


def _quantile(values: np.ndarray, weights: np.ndarray, share: float) -> float:  # type: ignore[type-arg]
    order = np.argsort(values)
    cumulated = np.cumsum(weights[order])
    return float(np.interp(share * cumulated[-1], cumulated, values[order]))


def _report_pairs(world: World, wanted: int) -> dict[str, float]:
    """Fires that two cameras see at 5 +- 1 km, their lines crossing at more than 25 degrees."""
    misses, covered, outside = [], [], 0
    for shots in _pairs(world, wanted):
        observations = [_observation(world, f"camera-{i}", shot) for i, shot in enumerate(shots)]
        fused = association.combine(observations, world.dem)
        outside += association.misfit(observations[1], observations[:1], observations[0].location) is None
        miss_m, inside, _ = _judge(fused, shots[0].spot.position)
        misses.append(miss_m)
        covered.append(inside)
    p50, p95 = np.nanpercentile(misses, [50, 95])
    print(f"\ntwo cameras, {len(misses)} fires at 5 +- 1 km, crossing at > {CROSSING_DEG:.0f} deg")
    print(f"  p50 {p50:.0f} m, p95 {p95:.0f} m, 95 % ellipse covers {np.mean(covered):.1%}")
    print(f"  taken for two fires: {outside / len(misses):.1%}")
    return {
        "location.two_p50_m": float(p50),
        "location.two_p95_m": float(p95),
        "location.two_coverage": float(np.mean(covered)),
        "location.two_kept_apart_share": outside / len(misses),
    }


def _pairs(world: World, wanted: int) -> list[tuple[Shot, Shot]]:
    found: list[tuple[Shot, Shot]] = []
    for site in world.sites:
        for spot in world.spots(site, 1, AT_M - WITHIN_M, AT_M + WITHIN_M):
            other = _other_camera(world, site, spot.position)
            if other is not None:
                found.append((world.photograph(site, spot), world.photograph(*other)))
            if len(found) >= wanted:
                return found
    return found


def _other_camera(world: World, site: Site, place: Position) -> tuple[Site, Spot] | None:
    first = bearing_deg(place, site.lens)
    for other in world.shuffled_sites():
        if abs(distance_m(other.lens, place) - AT_M) > WITHIN_M:
            continue
        apart = abs(first - bearing_deg(place, other.lens)) % 180
        if min(apart, 180 - apart) > CROSSING_DEG and (spot := world.sees(other, place)) is not None:
            return other, spot
    return None


def _report_doubles(world: World, wanted: int) -> dict[str, float]:
    """Two fires 1 km apart on one bearing, in one picture: how many incidents come of them?

    Where the range intervals overlap, one incident marked "possibly two" is right, otherwise two. Where
    another camera sees both as well, it is two in either case. Boxes that touch are shown apart, though they
    count: only a detector that tells the plumes apart in spite of it gives two sightings. The rarest kind
    decides how many are drawn."""
    right: dict[str, list[bool]] = {kind: [] for kind in _DOUBLES}
    for site in world.sites:
        for double in _doubles(world, site):
            shots = world.photograph_together(site, double)
            near, far = (_observation(world, "first", shot) for shot in shots)
            overlap = association.ranges_overlap(near.location, far.location)
            incidents = _incidents(world, [near, far])
            marked = any(where.possibly_two for _, where in incidents)
            if overlap:
                kind = "apart" if near.box.intersection_px2(far.box) == 0 else "touch"
                right[f"one camera, ranges overlap, boxes {kind}"].append(len(incidents) == 1 and marked)
            else:
                right["one camera, ranges apart"].append(len(incidents) == 2 and not marked)
            if (second := _seen_by_another(world, site, double)) is not None:
                kind = "two cameras, " + ("ranges overlap" if overlap else "ranges apart")
                right[kind].append(len(_incidents(world, [near, far, *second])) == 2)
        if len(right[_DOUBLES[1]]) >= wanted:
            break
    print("\ntwo fires 1 km apart on one bearing, reported as they should be")
    for name, outcomes in right.items():
        print(f"  {name:39} {sum(outcomes):4} of {len(outcomes)}")
    shares = {
        f"location.{name.replace(',', '').replace(' ', '_')}_right_share": float(np.mean(outcomes))
        for name, outcomes in right.items()
        if outcomes
    }
    every = [one for outcomes in right.values() for one in outcomes]
    return {"location.two_fires_right_share": float(np.mean(every)), **shares}


def _doubles(world: World, site: Site) -> list[tuple[Spot, Spot]]:
    """Pairs of visible places, one of each stratum with another 1 km behind it."""
    pairs = []
    for spot in world.spots(site, 1, 1_000, 9_000):
        for further_m in (1_000.0, 1_010.0, 990.0, 1_020.0, 980.0):
            azimuth = math.radians(spot.azimuth_deg)
            reach_m = spot.range_m + further_m
            flat = from_enu(site.lens, reach_m * math.sin(azimuth), reach_m * math.cos(azimuth), 0.0)
            ground_m = float(world.truth.height_m(flat.lat_deg, flat.lon_deg))
            if math.isnan(ground_m):
                continue
            far = world.sees(site, Position(flat.lat_deg, flat.lon_deg, ground_m))
            if far is not None:
                pairs.append((spot, far))
                break
    return pairs


def _seen_by_another(world: World, site: Site, double: tuple[Spot, Spot]) -> list[Observation] | None:
    """Both fires in one picture of a second camera at 5 +- 1 km from the nearer one."""
    other = _other_camera(world, site, double[0].position)
    if other is None:
        return None
    second, near = other
    far = world.sees(second, double[1].position)
    if far is None:
        return None
    seen = [near, far]
    if abs((far.azimuth_deg - near.azimuth_deg + 180) % 360 - 180) > 0.4 * second.hfov_deg:
        return [_observation(world, "second", world.photograph(second, one)) for one in seen]
    return [_observation(world, "second", shot) for shot in world.photograph_together(second, seen)]


def _incidents(world: World, observations: Sequence[Observation]) -> list[tuple[list[Observation], Location]]:
    """What the intake does with sightings as they come: the incident that fits best, or a new one."""
    incidents: list[tuple[list[Observation], Location]] = []
    for one in observations:
        fits = [association.misfit(one, known, where) for known, where in incidents]
        best = min((i for i, fit in enumerate(fits) if fit is not None), key=lambda i: fits[i], default=None)
        if best is None:
            incidents.append(([one], one.location))
            continue
        known = [*incidents[best][0], one]
        incidents[best] = (known, association.combine(known, world.dem))
    return incidents


def _observation(world: World, camera_id: str, shot: Shot) -> Observation:
    """The foot in the box of a young plume."""
    x, y = shot.pixel
    size_px = max(SMALLEST_BOX_PX, PLUME_M / shot.spot.range_m * shot.camera.focal_px)
    return Observation(
        camera_id=camera_id,
        preset=None,
        label="smoke",
        first_seen_at=NOON,
        confirmed_at=NOON,
        box=association.relative_box(
            Box(x - size_px / 2, y - size_px, x + size_px / 2, y), WIDTH_PX, HEIGHT_PX
        ),
        camera=shot.camera.position,
        location=_locate(world, shot),
    )


def _report_cost(world: World) -> dict[str, float]:
    """Median over single calls; what other work on the machine costs is in it."""
    shots = [world.photograph(site, spot) for site in world.sites[:40] for spot in world.spots(site, 1)]
    took = []
    for shot in shots:
        start = time.perf_counter()
        _locate(world, shot)
        took.append(time.perf_counter() - start)
    cost_ms = 1e3 * float(np.median(took))
    print(f"\none location takes {cost_ms:.1f} ms (median of {len(took)})")
    return {"location.cost_ms": cost_ms}


if __name__ == "__main__":
    main()
