"""The world of the location benchmark: true terrain, what the estimator is given of it, cameras and fires.

Everything follows from one seed. The truth is a fractal hill country with 5 m cells. The estimator gets its
30 m means plus a spatially correlated error. Cameras stand on local tops; each has one pose error for all
that it sees, as a real one has, and 5 % of them have it from a law three times wider."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from rasterio import Affine
from rasterio.crs import CRS

from geometry.camera import CameraModel, Pose
from geometry.position import FloatArray, Position, bearing_deg, distance_m, lat_lon_near
from geometry.raster_terrain import RasterTerrain

CENTRE = Position(23.1, 116.4, 0.0)
SIDE_M = 24_000
CELL_M = 5.0
BLOCK = 6
DEM_SIGMA_M, DEM_CORRELATION_M = 5.0, 300.0
AZIMUTH_SIGMA_DEG, TILT_SIGMA_DEG = 0.1, 0.05
WIDE_SHARE, WIDE_FACTOR = 0.05, 3.0
PIXEL_SIGMA_PX = 2.0
NEAREST_M, FARTHEST_M = 1_000.0, 10_000.0
MAST_M = 30.0
WIDTH_PX, HEIGHT_PX = 1920, 1080
STRATA = ((-90.0, 3.0), (3.0, 10.0), (10.0, 90.0))
"""Angle between line of sight and ground, degrees, over 60 m of the true ground."""

STRATUM_NAMES = ("< 3 deg", "3-10 deg", "> 10 deg")


@dataclass(frozen=True)
class Site:
    """One camera: where its lens truly is, and how far its pose is from what its owner believes."""

    lens: Position
    azimuth_error_deg: float
    tilt_error_deg: float
    hfov_deg: float


@dataclass(frozen=True)
class Spot:
    """A place on the ground that a camera sees, as a line from the camera."""

    azimuth_deg: float
    range_m: float
    incidence_deg: float
    position: Position

    @property
    def stratum(self) -> int:
        return next(i for i, (low, high) in enumerate(STRATA) if low <= self.incidence_deg < high)


@dataclass(frozen=True)
class Shot:
    """A fire in a picture: the pixel of its foot, and the camera as its owner believes it to be."""

    camera: CameraModel
    pixel: tuple[float, float]
    spot: Spot


class World:
    """Terrain, model and cameras of one seed."""

    def __init__(self, seed: int, cameras: int) -> None:
        self._rng = np.random.default_rng(seed)
        cells = round(SIDE_M / CELL_M)
        heights = _hills(self._rng, cells)
        self.truth = _raster(heights, CELL_M)
        means = heights.reshape(cells // BLOCK, BLOCK, cells // BLOCK, BLOCK).mean(axis=(1, 3))
        error = _correlated(self._rng, means.shape[0], CELL_M * BLOCK)
        self.dem = _raster(means + error.astype(np.float32), CELL_M * BLOCK)
        self.mean_height_m = float(means.mean())
        self.visible_area = np.zeros(len(STRATA))
        """Of all directions looked at so far, how much visible ground lay in each stratum (relative)."""
        self.sites = [self._site(heights) for _ in range(cameras)]

    def spots(
        self, site: Site, per_stratum: int, near_m: float = NEAREST_M, far_m: float = FARTHEST_M
    ) -> list[Spot]:
        """Up to `per_stratum` places of each stratum that the camera sees, in random directions; every
        visible square metre of a stratum is equally likely."""
        ranges = np.arange(20.0, FARTHEST_M + 60, CELL_M)
        azimuths = self._rng.uniform(0, 360, 24)
        profiles = [self._profile(site.lens, float(azimuth), ranges) for azimuth in azimuths]
        slope, ground, lat, lon = (np.stack(one) for one in zip(*profiles, strict=True))
        in_front = np.maximum.accumulate(slope, axis=1)
        reach = round(30 / CELL_M)
        rise = np.full_like(ground, np.nan)
        rise[:, reach:-reach] = (ground[:, 2 * reach :] - ground[:, : -2 * reach]) / (2 * reach * CELL_M)
        incidence = np.degrees(np.arctan(rise) - np.arctan(slope))
        seen = (ranges >= near_m) & (ranges <= far_m) & ~np.isnan(incidence)
        seen[:, 1:] &= slope[:, 1:] >= in_front[:, :-1]
        chosen = []
        for stratum, (low, high) in enumerate(STRATA):
            rows, columns = np.nonzero(seen & (incidence >= low) & (incidence < high))
            if not rows.size:
                continue
            self.visible_area[stratum] += ranges[columns].sum()
            area = ranges[columns] / ranges[columns].sum()
            for at in self._rng.choice(rows.size, per_stratum, p=area):
                row, column = rows[at], columns[at]
                place = Position(float(lat[row, column]), float(lon[row, column]), float(ground[row, column]))
                line = float(azimuths[row]), float(ranges[column]), float(incidence[row, column])
                chosen.append(Spot(*line, place))
        return chosen

    def shuffled_sites(self) -> list[Site]:
        return [self.sites[i] for i in self._rng.permutation(len(self.sites))]

    def sees(self, site: Site, place: Position) -> Spot | None:
        """The same place seen from another camera; None where the true ground hides it."""
        away_m, azimuth = distance_m(site.lens, place), bearing_deg(site.lens, place)
        slope, ground, _, _ = self._profile(site.lens, azimuth, np.arange(20.0, away_m + 35, CELL_M))
        bend = 0.87 * away_m**2 / (2 * 6_371_008.8)
        own = (place.height_m - site.lens.height_m - bend) / away_m
        steps = np.arange(20.0, away_m + 35, CELL_M)
        if (slope[steps < away_m - CELL_M] > own).any():
            return None
        before, after = (float(np.interp(away_m + d, steps, ground)) for d in (-30, 30))
        incidence = math.degrees(math.atan((after - before) / 60) - math.atan(own))
        return Spot(azimuth, away_m, incidence, place)

    def photograph(self, site: Site, spot: Spot) -> Shot:
        """The fire somewhere in the picture, through the true pose, with the pixel's own error."""
        return self.photograph_together(site, [spot])[0]

    def photograph_together(self, site: Site, spots: Sequence[Spot]) -> list[Shot]:
        """Several fires in one picture: the first anywhere, the others where they then appear."""
        elevation = self._elevation_deg(site, spots[0])
        pose = Pose(
            (spots[0].azimuth_deg + self._rng.uniform(-0.4, 0.4) * site.hfov_deg) % 360,
            elevation + self._rng.uniform(-0.2, 0.2) * site.hfov_deg,
            0.0,
            site.hfov_deg,
        )
        true = CameraModel(site.lens, pose, WIDTH_PX, HEIGHT_PX)
        believed_pose = replace(
            pose,
            azimuth_deg=(pose.azimuth_deg + site.azimuth_error_deg) % 360,
            tilt_deg=pose.tilt_deg + site.tilt_error_deg,
        )
        believed = CameraModel(site.lens, believed_pose, WIDTH_PX, HEIGHT_PX)
        shots = []
        for spot in spots:
            pixel = true.project(spot.position)
            assert pixel is not None
            x, y = (value + self._rng.normal(0, PIXEL_SIGMA_PX) for value in pixel)
            shots.append(Shot(believed, (x, y), spot))
        return shots

    def _elevation_deg(self, site: Site, spot: Spot) -> float:
        rise_m = spot.position.height_m - site.lens.height_m - 0.87 * spot.range_m**2 / (2 * 6_371_008.8)
        return math.degrees(math.atan(rise_m / spot.range_m))

    def _profile(
        self, lens: Position, azimuth_deg: float, ranges_m: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        azimuth = math.radians(azimuth_deg)
        lat, lon = lat_lon_near(lens, ranges_m * math.sin(azimuth), ranges_m * math.cos(azimuth))
        ground = self.truth.height_m(lat, lon)
        bend = 0.87 * ranges_m**2 / (2 * 6_371_008.8)
        slope = np.where(np.isnan(ground), -np.inf, (ground - lens.height_m - bend) / ranges_m)
        return slope, ground, lat, lon

    def _site(self, heights: np.ndarray) -> Site:  # type: ignore[type-arg]
        margin, reach = round(1_000 / CELL_M), round(1_000 / CELL_M)
        row, column = self._rng.integers(margin, heights.shape[0] - margin, 2)
        for _ in range(4):  # up to the top
            top, left = max(row - reach, margin), max(column - reach, margin)
            window = heights[top : row + reach, left : column + reach]
            at = np.unravel_index(int(np.argmax(window)), window.shape)
            row, column = top + int(at[0]), left + int(at[1])
        lat, lon = _transform(CELL_M) * (column + 0.5, row + 0.5)
        lens = Position(lon, lat, float(heights[row, column]) + MAST_M)
        factor = WIDE_FACTOR if self._rng.random() < WIDE_SHARE else 1.0
        return Site(
            lens,
            float(self._rng.normal(0, AZIMUTH_SIGMA_DEG * factor)),
            float(self._rng.normal(0, TILT_SIGMA_DEG * factor)),
            float(self._rng.uniform(15, 40)),
        )


def _hills(rng: np.random.Generator, cells: int) -> np.ndarray:  # type: ignore[type-arg]
    """Heights with a falling power spectrum (Hurst exponent 0.95) below hills of 8 km, smoother below 500 m
    as soil-covered slopes are. The mean slope is 16 degrees, at 5 m and at 30 m."""
    frequency = np.hypot(np.fft.fftfreq(cells, CELL_M)[:, None], np.fft.rfftfreq(cells, CELL_M)[None, :])
    spectrum = np.fft.rfft2(rng.standard_normal((cells, cells), dtype=np.float32))
    fall = (frequency**2 + (1 / 8_000) ** 2) ** (-(0.95 + 1) / 2) / np.sqrt(1 + (500 * frequency) ** 2)
    heights = np.fft.irfft2(spectrum * fall.astype(np.float32), s=(cells, cells))
    return np.asarray(800 + 180 * (heights - heights.mean()) / heights.std(), np.float32)


def _correlated(rng: np.random.Generator, cells: int, cell_m: float) -> FloatArray:
    """Noise with an exponential covariance of the model's sigma and correlation length."""
    frequency = np.hypot(np.fft.fftfreq(cells, cell_m)[:, None], np.fft.rfftfreq(cells, cell_m)[None, :])
    spectrum = np.fft.rfft2(rng.standard_normal((cells, cells)))
    spectrum *= (1 + (2 * np.pi * frequency * DEM_CORRELATION_M) ** 2) ** -0.75
    noise = np.fft.irfft2(spectrum, s=(cells, cells))
    return np.asarray(DEM_SIGMA_M * noise / noise.std())


def _transform(cell_m: float) -> Affine:
    lat, lon = lat_lon_near(CENTRE, np.array([0.0, cell_m]), np.array([cell_m, 0.0]))
    d_lat, d_lon = float(lat[0]) - CENTRE.lat_deg, float(lon[1]) - CENTRE.lon_deg
    half = SIDE_M / cell_m / 2
    return Affine(d_lon, 0, CENTRE.lon_deg - half * d_lon, 0, -d_lat, CENTRE.lat_deg + half * d_lat)


def _raster(heights: np.ndarray, cell_m: float) -> RasterTerrain:  # type: ignore[type-arg]
    return RasterTerrain(heights, _transform(cell_m), CRS.from_epsg(4326))
