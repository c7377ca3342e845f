"""What a lens draws where, and positions given in other systems than ours: read here, converted here."""

from __future__ import annotations

from typing import Any, Literal, TypeGuard

from pydantic import Field
from pydantic_core import PydanticCustomError

from config.base import Section


class LensSettings(Section):
    """Distortion of a lens; without it, a perfect pinhole."""

    kind: Literal["pinhole", "fisheye"] = Field(
        default="pinhole",
        title="Kind",
        description="pinhole: tan(angle) with radial distortion (Brown); fisheye: equidistant "
        "(Kannala and Brandt), for lenses wider than about 100 degrees.",
    )
    k1: float = Field(default=0.0, ge=-2, le=2, title="k1", description="First radial coefficient.")
    k2: float = Field(default=0.0, ge=-2, le=2, title="k2", description="Second radial coefficient.")
    k3: float = Field(default=0.0, ge=-2, le=2, title="k3", description="Third radial coefficient.")


WRITTEN_OTHERWISE: dict[str, dict[str, dict[str, Any]]] = {
    "Camera": {
        "datum": {
            "enum": ["wgs84", "cgcs2000", "gcj02"],
            "default": "wgs84",
            "title": "Datum",
            "description": "What lat_deg and lon_deg are given in: gcj02 for coordinates from Chinese web "
            "maps (converted, right to a metre or two); cgcs2000 is taken as WGS 84.",
        },
        "ground_height_gnss_m": {
            "type": "number",
            "title": "GNSS ground height",
            "description": "Ellipsoidal height of the mast's foot, metres, instead of ground_height_m; needs "
            "geoid_height_m.",
        },
        "geoid_height_m": {
            "type": "number",
            "title": "Geoid height",
            "description": "Height of the geoid above the ellipsoid at the mast, metres, from a geoid model.",
        },
    },
    "Pose": {
        "zoom": {
            "type": "number",
            "exclusiveMinimum": 0,
            "title": "Zoom",
            "description": "Zoom instead of hfov_deg, for a camera with a zoom_table.",
        },
    },
}
"""What `in_our_systems` reads and the sections no longer have, for the schema: properties by section."""


def in_our_systems(data: Any) -> Any:
    """A camera's mapping with its position in WGS 84, its ground height orthometric, and the field of view of
    poses that give a zoom. What is malformed is left for the fields to complain about."""
    if not isinstance(data, dict):
        return data
    data = dict(data)
    _position(data)
    _ground_height(data)
    _zooms(data)
    return data


def _position(data: dict[str, Any]) -> None:
    datum = data.pop("datum", "wgs84")
    if datum in ("wgs84", "cgcs2000"):
        return
    if datum != "gcj02":
        raise PydanticCustomError(
            "datum", "the datum '{datum}' is not known", {"datum": datum, "mend": "wgs84, cgcs2000 or gcj02"}
        )
    lat, lon = data.get("lat_deg"), data.get("lon_deg")
    if _is_number(lat) and _is_number(lon):
        from geometry.datums import wgs84_from_gcj02

        lat, lon = wgs84_from_gcj02(lat, lon)
        data["lat_deg"], data["lon_deg"] = round(lat, 8), round(lon, 8)


def _ground_height(data: dict[str, Any]) -> None:
    ellipsoidal, geoid = data.pop("ground_height_gnss_m", None), data.pop("geoid_height_m", None)
    if ellipsoidal is None:
        return
    if data.get("ground_height_m") is not None:
        raise PydanticCustomError(
            "ground_height",
            "the ground height is given twice",
            {"mend": "keep ground_height_m, or ground_height_gnss_m with geoid_height_m"},
        )
    if not _is_number(geoid):
        raise PydanticCustomError(
            "geoid",
            "an ellipsoidal (GNSS) height needs the height of the geoid at this place",
            {"mend": "add geoid_height_m from a geoid model such as EGM2008, or give a levelled height"},
        )
    if _is_number(ellipsoidal):
        data["ground_height_m"] = ellipsoidal - geoid


def _zooms(data: dict[str, Any]) -> None:
    table = data.get("zoom_table")
    presets = data.get("presets")
    places = [data, *[dict(one) if isinstance(one, dict) else one for one in presets or ()]]
    if presets is not None:
        data["presets"] = places[1:]
    for place in places:
        pose = place.get("pose") if isinstance(place, dict) else None
        if not isinstance(pose, dict) or "zoom" not in pose:
            continue
        rest = {name: value for name, value in pose.items() if name != "zoom"}
        place["pose"] = {**rest, "hfov_deg": _hfov_deg(pose["zoom"], table)}


def _hfov_deg(zoom: Any, table: Any) -> float:
    try:
        pairs = sorted((float(one), float(degrees)) for one, degrees in table)
        from geometry.lens import field_of_view_deg

        return field_of_view_deg(float(zoom), tuple(pairs))
    except (TypeError, ValueError):
        raise PydanticCustomError(
            "zoom",
            "the zoom {zoom} is not within the camera's zoom_table",
            {"zoom": str(zoom), "mend": "give zoom_table as [[zoom, degrees], ...], or hfov_deg in the pose"},
        ) from None


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
