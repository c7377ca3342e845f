"""GeoJSON (RFC 7946): the alert on a map, for geographic information systems.

Features: the fire (a point, or null geometry when only a bearing is known) with every field of the message,
its 95 % ellipse, the cameras, and their lines of sight.
"""

from __future__ import annotations

from typing import Any

from alerting.formats import ellipse
from alerting.formats.origin import kind_of

MEDIA_TYPE = "application/geo+json"

_LINE_M = 20_000.0
"""How far a line of sight is drawn when nothing limits it."""


def render(message: dict[str, Any]) -> dict[str, Any]:
    """A FeatureCollection; notices and heartbeats have no features but themselves as a foreign member."""
    if kind_of(message) != "alert":
        return {"type": "FeatureCollection", "features": [], kind_of(message): message}
    where = message["location"]
    plain = {name: value for name, value in message.items() if name not in ("picture", "cameras", "location")}
    features = [_feature("fire", _point(where), {**plain, "location": where})]
    if corners := ellipse.ring(where):
        polygon = {"type": "Polygon", "coordinates": [[[lon, lat] for lat, lon in corners]]}
        features.append(_feature("ellipse_95", polygon, {"alert_id": message["alert_id"]}))
    for camera in message["cameras"]:
        features.append(_feature("camera", _point(camera), camera))
        line = {"type": "LineString", "coordinates": _line_of_sight(camera, where)}
        features.append(_feature("line_of_sight", line, {"camera_id": camera["camera_id"]}))
    return {"type": "FeatureCollection", "features": features}


def _feature(role: str, geometry: dict[str, Any] | None, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": {"role": role, **properties}}


def _point(place: dict[str, Any]) -> dict[str, Any] | None:
    if place.get("lat_deg") is None:
        return None
    return {"type": "Point", "coordinates": [place["lon_deg"], place["lat_deg"]]}


def _line_of_sight(camera: dict[str, Any], where: dict[str, Any]) -> list[list[float]]:
    start = [camera["lon_deg"], camera["lat_deg"]]
    if where.get("lat_deg") is not None:
        return [start, [where["lon_deg"], where["lat_deg"]]]
    lat, lon = ellipse.towards(camera, where.get("range_max_m") or _LINE_M)
    return [start, [lon, lat]]
