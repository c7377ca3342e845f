"""Where along a line of sight the thing seen stands: a distribution over the ground, not a point.

For every place along the ray, and along rays a little to its left and right, the question is how well that
place explains the pixel: its apparent elevation angle (Earth curvature and refraction included) against the
observed one, within the errors of pose, pixel, terrain and lens height, and whether ground in front of it
hides it. The answer is Bayes' rule on that grid; before looking, every metre along the ray is equally
likely (there is more ground farther away, but a plume there must grow larger to be noticed). It stays
honest where a single intersection does not: at grazing angles, on crests, and where an error of a few
metres lifts the ray over one hill and onto the next. A foot on a crest may also belong to a fire hidden
behind it: that is weighed as a hypothesis of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from geometry.camera import Ray, drop_m
from geometry.position import FloatArray, Position, lat_lon_near
from geometry.terrain import Terrain

_STEP_M = 20.0
_REFINED = 300
_OFFSETS = np.array([-4.0, -2.6, -1.6, -0.8, 0.0, 0.8, 1.6, 2.6, 4.0])
"""Rays beside the central one, in standard deviations of the azimuth."""

_FINE_OFFSETS = np.linspace(-4.0, 4.0, 33)

_OWN_SLOPE_M = 60.0
"""Ground this close in front of a place is its own slope and does not hide it."""

_PLUME_M = 40.0
"""A hidden plume that must rise this high to be seen is 1/e as likely as one that need not."""

_IN_SIGHT = 0.1
"""Places less probably visible than this are not where the ray is said to meet the ground."""

_UNEXPLAINED = 3.0
"""No ground within this many standard deviations of the ray: what is seen does not stand on visible
ground."""


@dataclass(frozen=True)
class SightError:
    """Standard deviations of one line of sight. A share of cameras is worse than it says (`wide_share` of
    them by `wide_factor`): a heavy tail, because somebody will bump into a mast."""

    pose_azimuth_deg: float
    pose_elevation_deg: float
    pixel_azimuth_deg: float
    pixel_elevation_deg: float
    terrain_m: float
    lens_m: float
    """Of the lens's height; as large as `terrain_m` where the mast's foot was read off the model."""
    correlation_m: float = 300.0
    """Terrain errors this far apart have little in common (exponential law)."""
    wide_share: float = 0.05
    wide_factor: float = 3.0

    @property
    def laws(self) -> tuple[tuple[float, float, float], ...]:
        """(probability, azimuth, elevation) of each normal law that the pose error may come from."""
        return tuple(
            (
                share,
                math.hypot(factor * self.pose_azimuth_deg, self.pixel_azimuth_deg),
                math.hypot(factor * self.pose_elevation_deg, self.pixel_elevation_deg),
            )
            for share, factor in ((1 - self.wide_share, 1.0), (self.wide_share, self.wide_factor))
            if share > 0
        )

    @property
    def azimuth_deg(self) -> float:
        """One standard deviation for all laws together.

        >>> round(SightError(0.1, 0.05, 0, 0, 5, 0, wide_share=0).azimuth_deg, 3)
        0.1
        >>> round(SightError(0.1, 0.05, 0, 0, 5, 0).azimuth_deg, 3)
        0.118
        """
        return math.sqrt(sum(share * azimuth**2 for share, azimuth, _ in self.laws))

    @property
    def elevation_deg(self) -> float:
        return math.sqrt(sum(share * elevation**2 for share, _, elevation in self.laws))

    def height_variance_m2(self, range_m: FloatArray) -> FloatArray:
        """Of the ground at this range against the lens: near ones share part of the model's error."""
        common = np.exp(-range_m / self.correlation_m) if self.lens_m > 0 else np.zeros_like(range_m)
        return np.asarray(self.terrain_m**2 + self.lens_m**2 - 2 * common * self.terrain_m * self.lens_m)


@dataclass(frozen=True)
class Outlook:
    """What may be seen along a ray. `ranges_m` are along the level, `weights` sum to one over (azimuth,
    range), `east_m` and `north_m` are from the camera."""

    ranges_m: FloatArray
    weights: FloatArray
    east_m: FloatArray
    north_m: FloatArray
    clearance_m: FloatArray
    """Height of the central ray above the ground at each range."""
    likelihood: FloatArray
    """How well the ground under the central ray explains it, at each range."""
    misfit_sigmas: float
    """How far the ray passes from the best visible ground, in standard deviations."""
    hidden_share: float
    """Probability that the foot is hidden behind the crest on which it seems to stand."""
    hidden_m: tuple[float, float] | None
    """Where behind it: from the crest to the farthest place from which a plume would be seen (95 %)."""
    known_to_m: float
    """The terrain model ends here, or the search."""

    @property
    def on_ground(self) -> bool:
        """Visible ground explains what is seen."""
        return self.misfit_sigmas <= _UNEXPLAINED

    def along(self) -> FloatArray:
        """Probability of each range."""
        return np.asarray(self.weights.sum(axis=0))

    def meets_m(self, among: FloatArray) -> float:
        """Where the central ray meets the ground, of the ranges where `among` is not zero."""
        best = int(np.argmax(np.where(among > 0, self.likelihood, -1.0)))
        for other in (best - 1, best + 1):
            if not 0 <= other < len(self.ranges_m):
                continue
            here, there = float(self.clearance_m[best]), float(self.clearance_m[other])
            if here * there < 0:
                step_m = float(self.ranges_m[other] - self.ranges_m[best])
                return float(self.ranges_m[best]) + step_m * here / (here - there)
        return float(self.ranges_m[best])

    def quantiles_m(self, shares: list[float]) -> list[float]:
        """Ranges below which these shares of the probability lie."""
        return [float(v) for v in np.interp(shares, np.cumsum(self.along()), self.ranges_m)]


def look_along(
    terrain: Terrain,
    origin: Position,
    ray: Ray,
    error: SightError,
    max_range_m: float,
    min_range_m: float = 20.0,
) -> Outlook | None:
    """The outlook along `ray` from the lens at `origin`; None where nothing is known of the ground.

    >>> from geometry.terrain import FlatTerrain
    >>> error = SightError(0.1, 0.05, 0.03, 0.03, 5, 0)
    >>> seen = look_along(FlatTerrain(0), Position(23.1, 116.4, 300), Ray(45, -5), error, 20_000)
    >>> [round(v) for v in seen.quantiles_m([0.5])], seen.on_ground
    ([3438], True)
    """
    coarse = np.arange(min_range_m, max_range_m + _STEP_M, _STEP_M)
    azimuths = ray.azimuth_deg + _OFFSETS * error.azimuth_deg
    first = _Fan.over(terrain, origin, azimuths, coarse)
    known = int(first.known.sum(axis=1).max())
    if known < 2:
        return None
    visible = coarse_visible = first.visibility(error)
    weights = first.weights(ray, error, visible, step_slack=True)
    misfit = first.misfit(ray, error, visible)
    hidden_weights, crests = first.hidden(ray, error)
    hidden_share = _share(hidden_weights.sum(), weights.sum(axis=1) @ _law_widths())
    hidden_m = _interval(hidden_weights, crests, coarse)
    total = weights.sum()
    if not total > 0:
        weights, total = np.full_like(weights, 1.0), float(weights.size)
    cumulated = np.cumsum(weights.sum(axis=0)) / total
    low, high = (float(v) for v in np.interp([2e-4, 1 - 2e-4], cumulated, coarse))
    low, high = max(min_range_m, low - 2 * _STEP_M), min(float(coarse[known - 1]), high + 2 * _STEP_M)
    fan = first
    if (high - low) / _REFINED < _STEP_M:
        fine = np.linspace(low, high, _REFINED)
        fan = _Fan.over(terrain, origin, azimuths, fine)
        visible = np.stack([np.interp(fine, coarse, row) for row in visible])
        refined = fan.weights(ray, error, visible)
        if refined.sum() > 0:
            weights = refined
        else:
            fan = first
    weights = _between_azimuths(weights)
    weights /= weights.sum()
    spread = np.radians(ray.azimuth_deg + _FINE_OFFSETS * error.azimuth_deg)[:, None]
    return Outlook(
        fan.ranges_m,
        weights,
        fan.ranges_m * np.sin(spread),
        fan.ranges_m * np.cos(spread),
        *fan.central(ray, error, visible if fan is not first else coarse_visible),
        misfit,
        hidden_share,
        hidden_m,
        float(coarse[known - 1]),
    )


def _slack(clearance: FloatArray) -> FloatArray:
    """Variance to add where the ray meets the ground between two steps, so that it does not slip through."""
    step = np.diff(clearance, axis=1)
    met = np.where(clearance[:, 1:] * clearance[:, :-1] <= 0, (step / 2) ** 2, 0.0)
    slack = np.zeros_like(clearance)
    slack[:, 1:] = met
    slack[:, :-1] = np.maximum(slack[:, :-1], met)
    return slack


def _between_azimuths(density: FloatArray) -> FloatArray:
    """Densities on the few rays computed, read off linearly for many: an ellipse needs a smooth edge."""
    at = np.searchsorted(_OFFSETS, _FINE_OFFSETS, side="right").clip(1, len(_OFFSETS) - 1)
    share = ((_FINE_OFFSETS - _OFFSETS[at - 1]) / (_OFFSETS[at] - _OFFSETS[at - 1]))[:, None]
    return np.asarray(density[at - 1] * (1 - share) + density[at] * share)


def _law_widths() -> FloatArray:
    """Width of each azimuth's cell in standard deviations."""
    return np.asarray(np.gradient(_OFFSETS))


def _share(part: float, rest: float) -> float:
    return float(part / (part + rest)) if part + rest > 0 else 0.0


def _interval(weights: FloatArray, crests_m: FloatArray, ranges_m: FloatArray) -> tuple[float, float] | None:
    if not weights.sum() > 0:
        return None
    far = float(np.interp(0.975, np.cumsum(weights) / weights.sum(), ranges_m))
    return float(crests_m[int(np.argmax(weights))]), far


@dataclass(frozen=True)
class _Fan:
    """The ground under neighbouring rays: arrays of (azimuth, range)."""

    ranges_m: FloatArray
    east_m: FloatArray
    north_m: FloatArray
    slope: FloatArray
    """Tangent of the apparent elevation angle of the ground."""
    known: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

    @classmethod
    def over(cls, terrain: Terrain, origin: Position, azimuths_deg: FloatArray, ranges_m: FloatArray) -> _Fan:
        azimuths = np.radians(azimuths_deg)[:, None]
        east, north = ranges_m * np.sin(azimuths), ranges_m * np.cos(azimuths)
        lat, lon = lat_lon_near(origin, east, north)
        ground = terrain.height_m(lat, lon)
        known = np.logical_and.accumulate(~np.isnan(ground), axis=1)
        slope = np.where(known, (ground - origin.height_m - drop_m(ranges_m)) / ranges_m, -np.inf)
        return cls(ranges_m, east, north, slope, known)

    def weights(
        self, ray: Ray, error: SightError, visible: FloatArray, *, step_slack: bool = False
    ) -> FloatArray:
        """How well each place explains the ray, over all laws; `step_slack` for steps wider than the law."""
        clearance = self._clearance(ray)
        slack = _slack(clearance) if step_slack else 0.0
        total = np.zeros_like(clearance)
        for share, azimuth_deg, elevation_deg in error.laws:
            sideways = _OFFSETS[:, None] * error.azimuth_deg / azimuth_deg
            variance = self._variance(ray, error, elevation_deg) + slack
            scale = share * self.ranges_m / (azimuth_deg * np.sqrt(variance))  # density of the angle
            total += scale * np.exp(-0.5 * (sideways**2 + clearance**2 / variance))
        return np.asarray(np.where(self.known, total * visible, 0.0))

    def central(self, ray: Ray, error: SightError, visible: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(clearance, likelihood) along the ray itself."""
        middle = len(_OFFSETS) // 2
        clearance = self._clearance(ray)[middle]
        variance = self._variance(ray, error, error.elevation_deg)
        return clearance, np.exp(-0.5 * clearance**2 / variance) * (visible[middle] > _IN_SIGHT)

    def misfit(self, ray: Ray, error: SightError, visible: FloatArray) -> float:
        """Distance of the ray from the nearest visible ground, in standard deviations."""
        clearance = self._clearance(ray)
        variance = self._variance(ray, error, error.elevation_deg) + _slack(clearance)
        sideways = _OFFSETS[:, None] ** 2
        seen = np.where(self.known & (visible > 0.02), clearance**2 / variance + sideways, np.inf)
        return math.sqrt(float(seen.min()))

    def visibility(self, error: SightError) -> FloatArray:
        """Probability that no ground in front hides a place, by what the model's errors leave open."""
        own = max(1, round(_OWN_SLOPE_M / _STEP_M))
        highest, blocker_m = self._crests(own)
        with np.errstate(invalid="ignore"):
            margin_m = np.where(self.known & np.isfinite(highest), (self.slope - highest) * blocker_m, np.inf)
        apart_m = self.ranges_m - blocker_m
        # Measured on the terrain of benchmarks.location (another seed), 5 m errors: half of the places are
        # visible at 4.3 m above their own slope 60 m in front, and 1 m above crests far in front.
        own_slope = np.exp(-np.maximum(0.0, apart_m - _OWN_SLOPE_M) / 100)
        margin_m = margin_m - error.terrain_m * (0.2 + 0.65 * own_slope)
        sigma_m = error.terrain_m * (1.1 - 0.3 * own_slope) + 0.3
        with np.errstate(over="ignore"):  # the logistic stands in for the normal distribution
            return np.asarray(1 / (1 + np.exp(-1.702 * margin_m / sigma_m)))

    def hidden(self, ray: Ray, error: SightError) -> tuple[FloatArray, FloatArray]:
        """For the central ray: weight of a fire at each range behind a crest, and that crest's range."""
        middle = len(_OFFSETS) // 2
        highest, blockers = self._crests(1)
        crest_slope, crest_m = highest[middle], blockers[middle]
        with np.errstate(invalid="ignore"):
            below_m = (crest_slope - self.slope[middle]) * self.ranges_m
            over_m = (math.tan(math.radians(ray.elevation_deg)) - crest_slope) * crest_m
        behind = self.known[middle] & np.isfinite(crest_slope) & (below_m > 0) & (crest_m > 0)
        total = np.zeros_like(self.ranges_m)
        for share, azimuth_deg, elevation_deg in error.laws:
            variance = error.height_variance_m2(crest_m) + (crest_m * math.radians(elevation_deg)) ** 2
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                law = (
                    share * crest_m / (azimuth_deg * np.sqrt(variance)) * np.exp(-0.5 * over_m**2 / variance)
                )
            total += np.where(behind, law, 0.0)
        width = math.sqrt(2 * math.pi)  # the visible weights are summed over azimuths in sigmas, this is not
        return np.where(
            behind, total * width * np.exp(-np.where(behind, below_m, 0) / _PLUME_M), 0.0
        ), crest_m

    def _clearance(self, ray: Ray) -> FloatArray:
        """Height of the ray above the ground."""
        clearance = (math.tan(math.radians(ray.elevation_deg)) - self.slope) * self.ranges_m
        return np.where(self.known, clearance, 1e9)

    def _variance(self, ray: Ray, error: SightError, elevation_deg: float) -> FloatArray:
        lever_m = self.ranges_m / math.cos(math.radians(ray.elevation_deg)) ** 2
        return error.height_variance_m2(self.ranges_m) + (lever_m * math.radians(elevation_deg)) ** 2

    def _crests(self, own: int) -> tuple[FloatArray, FloatArray]:
        """For each place the highest slope at least `own` steps in front of it, and that crest's range."""
        slope = np.full_like(self.slope, -np.inf)
        slope[:, own:] = self.slope[:, :-own]
        highest = np.maximum.accumulate(slope, axis=1)
        steps = np.arange(self.slope.shape[1])
        at = np.maximum.accumulate(np.where(slope >= highest, steps, 0), axis=1)
        return highest, np.where(np.isfinite(highest), self.ranges_m[np.maximum(at - own, 0)], 0.0)
