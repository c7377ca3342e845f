"""Whose ground it is: from a point to the chain grid -> village -> town -> district with its contacts.

The file is GeoJSON (WGS 84). Each feature is one area with the properties `level`, `code`, `name`, `parent`
(code of the area above; none for a district) and `contacts` (list of name, role, phone). Areas above a grid
may leave their polygon out (`"geometry": null`): the chain follows the codes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, get_args

import shapely
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from shapely.errors import ShapelyError
from shapely.geometry import shape

from alerting.records import Contact, GridArea

Level = Literal["grid", "village", "town", "district"]
_LEVELS: tuple[Level, ...] = get_args(Level)


class GridError(Exception):
    """A grid file cannot be used; the message says which feature, why, and how to mend it."""


class Grids:
    """Areas of responsibility, looked up by point."""

    @classmethod
    def open(cls, path: Path | str) -> Grids:
        try:
            collection = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise GridError(f"{path}: the grid file cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise GridError(f"{path}: the grid file is not JSON in UTF-8: {error}") from error
        if not isinstance(collection, dict) or collection.get("type") != "FeatureCollection":
            raise GridError(f"{path}: the grid file must be a GeoJSON FeatureCollection")
        return cls(collection.get("features") or [], str(path))

    def __init__(self, features: list[Any], source: str = "grids") -> None:
        self._areas: dict[str, _Area] = {}
        polygons: list[tuple[shapely.Geometry, str]] = []
        for index, feature in enumerate(features):
            where = f"{source}: feature {index + 1}"
            area = _read_area(feature, where)
            if area.code in self._areas:
                raise GridError(f"{where}: the code '{area.code}' is used twice; give each area its own")
            self._areas[area.code] = area
            if feature.get("geometry") is not None:
                polygons.append((_read_polygon(feature["geometry"], where), area.code))
        self._check_parents(source)
        # Smaller areas first: the first polygon found around a point starts the chain.
        polygons.sort(key=lambda one: _LEVELS.index(self._areas[one[1]].level))
        if not polygons:
            raise GridError(f"{source}: no area has a polygon, so no point can be looked up")
        self._codes = [code for _, code in polygons]
        self._tree = shapely.STRtree([polygon for polygon, _ in polygons])

    def chain_at(self, lat_deg: float, lon_deg: float) -> tuple[GridArea, ...]:
        """The areas around a point, smallest first; empty outside all of them. On a border between two,
        the one that stands first in the file."""
        found = self._tree.query(shapely.Point(lon_deg, lat_deg), predicate="intersects")
        if len(found) == 0:
            return ()
        chain = []
        code: str | None = self._codes[int(min(found))]
        while code is not None:
            area = self._areas[code]
            contacts = tuple(Contact(one.name, one.role, one.phone) for one in area.contacts)
            chain.append(GridArea(area.level, area.code, area.name, contacts))
            code = area.parent
        return tuple(chain)

    def _check_parents(self, source: str) -> None:
        for area in self._areas.values():
            if area.parent is None:
                continue
            parent = self._areas.get(area.parent)
            if parent is None:
                raise GridError(
                    f"{source}: '{area.name}' ({area.code}) lies in '{area.parent}', which is not in the file"
                )
            if _LEVELS.index(parent.level) <= _LEVELS.index(area.level):
                raise GridError(
                    f"{source}: the {area.level} '{area.name}' ({area.code}) cannot lie in the {parent.level}"
                    f" '{parent.name}'; the chain goes {' -> '.join(_LEVELS)}"
                )


class _Contact(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(min_length=1)
    role: str = Field(min_length=1)
    phone: str = Field(min_length=1)


class _Area(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    level: Level
    code: str = Field(min_length=1)
    name: str = Field(min_length=1)
    parent: str | None = None
    contacts: tuple[_Contact, ...] = ()


def _read_area(feature: Any, where: str) -> _Area:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise GridError(f"{where} is not a GeoJSON Feature")
    try:
        return _Area.model_validate(feature.get("properties") or {})
    except ValidationError as error:
        first = error.errors(include_input=False)[0]  # contacts stay out of messages
        field = ".".join(str(part) for part in first["loc"])
        raise GridError(f"{where}: property '{field}': {first['msg']}") from error


def _read_polygon(geometry: Any, where: str) -> shapely.Geometry:
    try:
        polygon = shape(geometry)
    except (ShapelyError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise GridError(f"{where}: the geometry cannot be read: {error}") from error
    if polygon.geom_type not in ("Polygon", "MultiPolygon") or polygon.is_empty:
        raise GridError(f"{where}: the geometry must be a Polygon or MultiPolygon, not {polygon.geom_type}")
    if not polygon.is_valid:
        raise GridError(
            f"{where}: the polygon crosses itself ({shapely.is_valid_reason(polygon)}); mend it in a GIS"
        )
    west, south, east, north = polygon.bounds
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        raise GridError(f"{where}: coordinates must be WGS 84 longitude, latitude in degrees")
    return polygon
