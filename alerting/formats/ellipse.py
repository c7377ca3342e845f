"""The error ellipse and lines of sight as coordinates."""

from __future__ import annotations

import math
from typing import Any

from geometry.position import Position, from_enu

CORNERS = 36


def ring(location: dict[str, Any]) -> list[tuple[float, float]]:
    """Corners of the 95 % ellipse as (latitude, longitude), counter-clockwise and closed; [] without a point.

    >>> where = {"lat_deg": 23.1, "lon_deg": 116.4,
    ...          "ellipse_95": {"semi_major_m": 100, "semi_minor_m": 50, "azimuth_deg": 0}}
    >>> ring(where)[0], ring(where)[9], ring(where)[0] == ring(where)[-1]
    ((23.100903, 116.4), (23.1, 116.399512), True)
    """
    ellipse = location.get("ellipse_95")
    if ellipse is None or location.get("lat_deg") is None:
        return []
    centre = Position(location["lat_deg"], location["lon_deg"], 0.0)
    azimuth = math.radians(ellipse["azimuth_deg"])
    corners = []
    for corner in range(CORNERS):
        angle = 2 * math.pi * corner / CORNERS
        along, aside = ellipse["semi_major_m"] * math.cos(angle), ellipse["semi_minor_m"] * math.sin(angle)
        # Counter-clockwise seen from above, as GeoJSON (RFC 7946) wants outer rings.
        east = along * math.sin(azimuth) - aside * math.cos(azimuth)
        north = along * math.cos(azimuth) + aside * math.sin(azimuth)
        there = from_enu(centre, east, north, 0.0)
        corners.append((round(there.lat_deg, 6), round(there.lon_deg, 6)))
    return [*corners, corners[0]]


def towards(camera: dict[str, Any], range_m: float) -> tuple[float, float]:
    """The point (latitude, longitude) so far from a camera along its bearing."""
    bearing = math.radians(camera["bearing_deg"])
    start = Position(camera["lat_deg"], camera["lon_deg"], 0.0)
    there = from_enu(start, range_m * math.sin(bearing), range_m * math.cos(bearing), 0.0)
    return round(there.lat_deg, 6), round(there.lon_deg, 6)
