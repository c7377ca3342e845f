"""Coordinates and heights of other systems, turned into ours at the border. Inside everything is WGS 84.

* GCJ-02 (火星坐标), the shifted system of Chinese web maps: the formula that is publicly known agrees with
  such maps to a metre or two; it is not official, and the official one is secret. The way back is iterated
  until it returns to the same point within a millimetre. Outside China's bounding box nothing is shifted.
* CGCS2000, the national system, is tied to ITRF97 at epoch 2000.0 and so moves with the plate: against WGS 84
  of today it is off by 3 to 4 cm a year in eastern China, about a metre in 2026. It is taken as equal: less
  than what a 30 m elevation model gets wrong. Its Gauss-Krueger coordinates are unprojected by `unprojected`.
* Heights are orthometric, in the elevation model's vertical datum. A GNSS receiver measures ellipsoidal
  heights, which differ by the geoid's undulation, -15 to +10 m in southern China: refused without its value.
"""

from __future__ import annotations

import math

import rasterio.warp
from rasterio.crs import CRS

_SEMI_MAJOR_M = 6_378_245.0  # Krassovsky 1940, which the shift is defined on
_ECCENTRICITY2 = 0.006_693_421_622_965_943
_CHINA = (0.8293, 55.8271, 72.004, 137.8347)
"""South, north, west, east of where the shift applies."""


def gcj02_from_wgs84(lat_deg: float, lon_deg: float) -> tuple[float, float]:
    """The shifted coordinates (latitude, longitude) of a WGS 84 place.

    >>> [round(v, 6) for v in gcj02_from_wgs84(39.915, 116.404)]
    [39.916404, 116.410244]
    >>> gcj02_from_wgs84(48.85, 2.35)
    (48.85, 2.35)
    """
    south, north, west, east = _CHINA
    if not (south <= lat_deg <= north and west <= lon_deg <= east):
        return lat_deg, lon_deg
    x, y = lon_deg - 105.0, lat_deg - 35.0
    sin_lat = math.sin(math.radians(lat_deg))
    magic = 1 - _ECCENTRICITY2 * sin_lat**2
    meridian_m = _SEMI_MAJOR_M * (1 - _ECCENTRICITY2) / magic**1.5
    parallel_m = _SEMI_MAJOR_M / math.sqrt(magic) * math.cos(math.radians(lat_deg))
    return (
        lat_deg + math.degrees(_north_shift_m(x, y) / meridian_m),
        lon_deg + math.degrees(_east_shift_m(x, y) / parallel_m),
    )


def wgs84_from_gcj02(lat_deg: float, lon_deg: float) -> tuple[float, float]:
    """The WGS 84 place of shifted coordinates.

    >>> [round(v, 8) for v in wgs84_from_gcj02(*gcj02_from_wgs84(23.1, 116.4))]
    [23.1, 116.4]
    """
    lat, lon = lat_deg, lon_deg
    for _ in range(30):
        there = gcj02_from_wgs84(lat, lon)
        d_lat, d_lon = lat_deg - there[0], lon_deg - there[1]
        lat, lon = lat + d_lat, lon + d_lon
        if max(abs(d_lat), abs(d_lon)) < 1e-9:
            break
    return lat, lon


def unprojected(crs: str, x: float, y: float) -> tuple[float, float]:
    """Latitude and longitude of coordinates in a projected system, e.g. CGCS2000 / 3-degree Gauss-Krueger.

    >>> [round(v, 5) for v in unprojected("EPSG:4547", 500_000.0, 2_555_500.0)]
    [23.09899, 114.0]
    """
    lon, lat = rasterio.warp.transform(CRS.from_user_input(crs), CRS.from_epsg(4490), [x], [y])
    return float(lat[0]), float(lon[0])


def orthometric_m(ellipsoidal_m: float, geoid_m: float | None) -> float:
    """Height above the geoid from a GNSS height.

    >>> orthometric_m(612.0, -8.5)
    620.5
    >>> orthometric_m(612.0, None)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: an ellipsoidal (GNSS) height needs the height of the geoid at this place; ...
    """
    if geoid_m is None:
        raise ValueError(
            "an ellipsoidal (GNSS) height needs the height of the geoid at this place; "
            "look it up in a geoid model (EGM2008, CQG2000), or give a levelled height"
        )
    return ellipsoidal_m - geoid_m


def _north_shift_m(x: float, y: float) -> float:
    shift = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
    shift += _waves(20, 6 * x, 20, 2 * x)
    shift += _waves(20, y, 40, y / 3)
    return shift + _waves(160, y / 12, 320, y / 30)


def _east_shift_m(x: float, y: float) -> float:
    shift = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x))
    shift += _waves(20, 6 * x, 20, 2 * x)
    shift += _waves(20, x, 40, x / 3)
    return shift + _waves(150, x / 12, 300, x / 30)


def _waves(a: float, half_turns_a: float, b: float, half_turns_b: float) -> float:
    return 2 / 3 * (a * math.sin(math.pi * half_turns_a) + b * math.sin(math.pi * half_turns_b))
