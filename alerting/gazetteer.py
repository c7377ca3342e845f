"""Names of places near a fire: "大岗顶东北 1.2 公里" says more to those who go there than coordinates.

The file is GeoJSON (points in WGS 84 with the properties `name`, and if wanted `name_en` and `importance`) or
CSV in UTF-8 (`name,lat_deg,lon_deg[,name_en][,importance]`). Importance goes from 1 (a field hut) to 5 (a
town, a peak everybody knows), 3 where nothing is said: of two places equally far the more important one is
named, and a place twice as important may be twice as far. Nothing farther than 10 km is named."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alerting.records import NearPlace
from geometry.position import Position, bearing_deg, distance_m

FARTHEST_M = 10_000.0
_AT_HAND_M = 300.0
"""Added to every distance: a hut 50 m away is not six times better than a peak 300 m away."""


class GazetteerError(Exception):
    """A file of places cannot be used; the message says where, why, and how to mend it."""


class Place(BaseModel):
    """One line of the file."""

    model_config = ConfigDict(extra="ignore", frozen=True, str_strip_whitespace=True)
    name: str = Field(min_length=1, max_length=60)
    name_en: str | None = Field(default=None, max_length=60)
    lat_deg: float = Field(ge=-90, le=90)
    lon_deg: float = Field(ge=-180, le=180)
    importance: float = Field(default=3, ge=1, le=5)


@dataclass(frozen=True)
class Gazetteer:
    """Places, looked up by point."""

    places: tuple[Place, ...]

    @classmethod
    def open(cls, path: Path | str) -> Gazetteer:
        """GeoJSON by its ending (.geojson, .json), CSV otherwise."""
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except OSError as error:
            raise GazetteerError(f"{path}: the file of places cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise GazetteerError(f"{path}: the file of places is not UTF-8; save it as UTF-8") from error
        from_json = Path(path).suffix.lower() in (".geojson", ".json")
        rows = _geojson_rows(text, path) if from_json else _csv_rows(text, path)
        places = tuple(_place(row, where) for where, row in rows)
        if not places:
            raise GazetteerError(f"{path}: there are no places in it")
        return cls(places)

    def near(self, lat_deg: float, lon_deg: float) -> NearPlace | None:
        """The place to name a point by; None where there is none within 10 km.

        >>> tops = Gazetteer((Place(name="大岗顶", lat_deg=23.1, lon_deg=116.4),))
        >>> near = tops.near(23.1076, 116.4083)
        >>> near.name, round(near.distance_m, -2), round(near.bearing_deg)
        ('大岗顶', 1200.0, 45)
        """
        lat = np.array([one.lat_deg for one in self.places])
        lon = np.array([one.lon_deg for one in self.places])
        importance = np.array([one.importance for one in self.places])
        north = (lat - lat_deg) * 110_574
        east = ((lon - lon_deg + 180) % 360 - 180) * 111_320 * np.cos(np.radians(lat_deg))
        away = np.hypot(east, north)
        if not (away <= FARTHEST_M).any():
            return None
        felt = np.where(away <= FARTHEST_M, (away + _AT_HAND_M) / importance, np.inf)
        best = self.places[int(np.argmin(felt))]
        place, point = Position(best.lat_deg, best.lon_deg, 0), Position(lat_deg, lon_deg, 0)
        return NearPlace(best.name, best.name_en, distance_m(place, point), bearing_deg(place, point))


def _place(row: dict[str, Any], where: str) -> Place:
    try:
        return Place.model_validate({name: value for name, value in row.items() if value not in (None, "")})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise GazetteerError(f"{where}: '{field}': {first['msg']}") from error


def _geojson_rows(text: str, path: Path | str) -> list[tuple[str, dict[str, Any]]]:
    try:
        collection = json.loads(text)
    except ValueError as error:
        raise GazetteerError(f"{path}: the file of places is not JSON: {error}") from error
    if not isinstance(collection, dict) or collection.get("type") != "FeatureCollection":
        raise GazetteerError(f"{path}: the file of places must be a GeoJSON FeatureCollection")
    rows = []
    for number, feature in enumerate(collection.get("features") or [], 1):
        where = f"{path}: feature {number}"
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        if not isinstance(geometry, dict) or geometry.get("type") != "Point":
            raise GazetteerError(f"{where}: a place must be a Point; use the middle of an area")
        point = geometry.get("coordinates")
        if not isinstance(point, list) or len(point) < 2:
            raise GazetteerError(f"{where}: 'coordinates' must be [longitude, latitude]")
        rows.append((where, {**(feature.get("properties") or {}), "lon_deg": point[0], "lat_deg": point[1]}))
    return rows


def _csv_rows(text: str, path: Path | str) -> list[tuple[str, dict[str, Any]]]:
    table = csv.DictReader(io.StringIO(text, newline=""))
    missing = [name for name in ("name", "lat_deg", "lon_deg") if name not in (table.fieldnames or ())]
    if missing:
        raise GazetteerError(
            f"{path}, line 1: the column {missing[0]} is missing; the first line must be "
            "name,lat_deg,lon_deg[,name_en][,importance]"
        )
    return [(f"{path}, line {table.line_num}", row) for row in table]
