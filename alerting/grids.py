"""Whose ground it is: from a point to the chain grid -> village -> town -> district with its contacts.

The file is GeoJSON (WGS 84), or a shapefile or GeoPackage in any coordinate system. Each feature is one area
with the properties `level`, `code`, `name`, `parent` (code of the area above; none for a district) and
`contacts`: a list (in a shapefile its JSON text) of name, role, phone, and if wanted `channels` (gateway:
address) and `duty` (days 1-7, from, to; over midnight allowed), which limits a contact to its shift. Areas
above a grid may leave their polygon out (`"geometry": null`): the chain follows the codes.

What may be said of a contact is `ListedContact`, for the file and for what is saved in the console
(`alerting.roster_register`).
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from pathlib import Path
from statistics import NormalDist
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo

import numpy as np
import shapely
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)
from shapely.errors import ShapelyError
from shapely.geometry import shape

from alerting.records import Contact, Ellipse, GridArea, GridShare

Level = Literal["grid", "village", "town", "district"]
_LEVELS: tuple[Level, ...] = get_args(Level)


_SLIVER = 0.001
"""Overlaps and gaps below this share of an area come from drawing, not from a mistake."""

_POINTS = 256

_MOST = 0.8
"""An area that holds this share of a line of sight answers for it."""


class GridError(Exception):
    """A grid file cannot be used; the message says which feature, why, and how to mend it."""


class Grids:
    """Areas of responsibility, looked up by point."""

    @classmethod
    def open(cls, path: Path | str, time_zone: str = "Asia/Shanghai") -> Grids:
        return cls(read_features(path), str(path), time_zone)

    def __init__(self, features: list[Any], source: str = "grids", time_zone: str = "Asia/Shanghai") -> None:
        self._zone = ZoneInfo(time_zone)
        self._areas: dict[str, ListedArea] = {}
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
        self._polygons = [polygon for polygon, _ in polygons]
        self._tree = shapely.STRtree(self._polygons)

    def chain_at(self, lat_deg: float, lon_deg: float, at: datetime | None = None) -> tuple[GridArea, ...]:
        """The areas around a point, smallest first, with who is on duty `at` that time (everybody without
        one); empty outside all of them. On a border between two, the one that stands first in the file."""
        found = self._tree.query(shapely.Point(lon_deg, lat_deg), predicate="intersects")
        return self._chain(self._codes[int(min(found))], at) if len(found) else ()

    def listed(self) -> tuple[ListedArea, ...]:
        """Every area, with all contacts and their shifts."""
        return tuple(self._areas.values())

    def area(self, code: str) -> ListedArea | None:
        """The area of this code, with all contacts and their shifts."""
        return self._areas.get(code)

    def with_rosters(self, saved: Mapping[str, tuple[ListedContact, ...]]) -> Grids:
        """The same areas, with these people where there are such areas."""
        made = copy.copy(self)
        made._areas = self._areas | {
            code: self._areas[code].model_copy(update={"contacts": contacts})
            for code, contacts in saved.items()
            if code in self._areas
        }
        return made

    def on_duty(self, areas: Iterable[GridArea], at: datetime) -> tuple[GridArea, ...]:
        """These areas, with who is on duty there at that time."""
        return tuple(self._area(one.code, at) for one in areas)

    def touched(self, lat_deg: float, lon_deg: float, ellipse: Ellipse) -> tuple[GridShare, ...]:
        """All smallest areas that the 95 % ellipse touches, each with the probability that the fire lies in
        it, most probable first: the neighbours to be informed. An area touched at its edge alone has 0."""
        scale = 111_320 * math.cos(math.radians(lat_deg)), 110_574
        points = _normal_points(ellipse) / scale + (lon_deg, lat_deg)
        counts = self._counts(points)
        smallest = {
            int(one) for one in self._tree.query(_outline(lat_deg, lon_deg, ellipse, scale), "intersects")
        }
        smallest = {one for one in smallest if not self._has_parts(one, smallest)}
        return self._ranked({one: counts.get(one, 0) for one in smallest | set(counts)})

    def crossed(
        self,
        camera_deg: tuple[float, float],
        bearing_deg: float,
        sigma_deg: float,
        range_m: tuple[float, float],
    ) -> tuple[GridShare, ...]:
        """All smallest areas that a line of sight from `camera_deg` (latitude, longitude) crosses between its
        nearest and farthest range, each with the share of it that lies there, most first: every metre is
        equally likely, the bearing normally distributed."""
        number = np.arange(_POINTS) + 0.5
        away = range_m[0] + (range_m[1] - range_m[0]) * number / _POINTS
        law = NormalDist(bearing_deg, sigma_deg)
        golden = (number * (math.sqrt(5) - 1) / 2) % 1  # spread evenly whatever the range
        azimuth = np.radians([law.inv_cdf(min(max(float(one), 1e-3), 1 - 1e-3)) for one in golden])
        lat, lon = camera_deg
        scale = 111_320 * math.cos(math.radians(lat)), 110_574
        points = np.stack([away * np.sin(azimuth), away * np.cos(azimuth)], axis=1) / scale + (lon, lat)
        return self._ranked(self._counts(points))

    def holding(self, touched: Sequence[GridShare], at: datetime | None = None) -> tuple[GridArea, ...]:
        """The chain from the smallest area on that holds most (`_MOST`) of what is known of these shares;
        empty where none does."""
        total = sum(one.share for one in touched)
        held: dict[str, float] = {}
        for one in touched:
            for code in (one.code, *self._codes_above(one.code)):
                held[code] = held.get(code, 0.0) + one.share
        enough = [code for code, share in held.items() if total > 0 and share >= _MOST * total]
        smallest = min(enough, key=lambda code: _LEVELS.index(self._areas[code].level), default=None)
        return self._chain(smallest, at) if smallest is not None else ()

    def problems(self) -> list[str]:
        """Overlaps between areas of one level and gaps between them, in words; empty for a clean file."""
        found = []
        for level in _LEVELS:
            ours = [i for i, code in enumerate(self._codes) if self._areas[code].level == level]
            if not ours:
                continue
            polygons = [self._polygons[i] for i in ours]
            tree = shapely.STRtree(polygons)
            for a, b in zip(*tree.query(polygons, predicate="intersects"), strict=True):
                if a >= b:
                    continue
                common = shapely.area(polygons[a].intersection(polygons[b]))
                share = float(common / min(shapely.area(polygons[a]), shapely.area(polygons[b])))
                if share > _SLIVER:
                    names = " and ".join(self._areas[self._codes[ours[i]]].name for i in (a, b))
                    found.append(f"the {level}s {names} overlap by {share:.1%} of the smaller one")
            for hole in _holes(shapely.union_all(polygons)):
                if hole.area > _SLIVER * float(min(shapely.area(polygons))):
                    where = hole.representative_point()
                    found.append(f"there is a gap between {level}s around {where.y:.5f} N {where.x:.5f} E")
        return found

    def outlines(self) -> list[tuple[GridArea, shapely.Geometry]]:
        """Every polygon with its area, for maps and coverage."""
        pairs = zip(self._codes, self._polygons, strict=True)
        return [(self._area(code, None), polygon) for code, polygon in pairs]

    def _counts(self, points: np.ndarray[Any, np.dtype[np.float64]]) -> dict[int, int]:
        """How many of the points (longitude, latitude) lie in each polygon, each in its smallest."""
        which, areas = self._tree.query(shapely.points(points), predicate="intersects")
        counts: dict[int, int] = {}
        for point in np.unique(which):
            first = int(areas[which == point].min())
            counts[first] = counts.get(first, 0) + 1
        return counts

    def _ranked(self, counts: Mapping[int, int]) -> tuple[GridShare, ...]:
        in_order = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        ranked = [(self._areas[self._codes[one]], round(number / _POINTS, 4)) for one, number in in_order]
        return tuple(GridShare(area.level, area.code, area.name, share) for area, share in ranked)

    def _has_parts(self, one: int, others: set[int]) -> bool:
        """Whether a smaller area among `others` lies in this one, by its code."""
        return any(self._codes[one] in self._codes_above(self._codes[other]) for other in others - {one})

    def _codes_above(self, code: str) -> list[str]:
        above = []
        parent = self._areas[code].parent
        while parent is not None:
            above.append(parent)
            parent = self._areas[parent].parent
        return above

    def _chain(self, code: str, at: datetime | None) -> tuple[GridArea, ...]:
        return tuple(self._area(one, at) for one in (code, *self._codes_above(code)))

    def _area(self, code: str, at: datetime | None) -> GridArea:
        area = self._areas[code]
        local = at.astimezone(self._zone) if at is not None else None
        contacts = (one.contact for one in area.contacts if local is None or one.covers(local))
        return GridArea(area.level, area.code, area.name, tuple(contacts))

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


def _without_zone(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("is local time, without a zone")
    return value


_Time = Annotated[
    time,
    AfterValidator(_without_zone),
    PlainSerializer(lambda value: value.isoformat()[: 8 if value.second else 5], when_used="json"),
    WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"}),
]
_Weekday = Annotated[int, Field(ge=1, le=7)]
_Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128)]
_Address = Annotated[str, StringConstraints(strip_whitespace=True, max_length=256)]


class Duty(BaseModel):
    """A shift that comes back every week; one that ends before it starts ends the next morning."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    days: tuple[_Weekday, ...] = Field(
        default=(1, 2, 3, 4, 5, 6, 7),
        min_length=1,
        max_length=7,
        description="On which the shift starts; 1 is Monday.",
    )
    start: _Time = Field(alias="from", description="HH:MM in the deployment's time zone.")
    end: _Time = Field(alias="to", description="Of the next morning where it is not after `from`.")

    def covers(self, local: datetime) -> bool:
        today, now = local.isoweekday(), local.time()
        if self.start < self.end:
            return today in self.days and self.start <= now < self.end
        yesterday = (today - 2) % 7 + 1
        return (today in self.days and now >= self.start) or (yesterday in self.days and now < self.end)

    def ends(self, local: datetime) -> datetime:
        """When the shift that covers this time is over."""
        tonight = self.start >= self.end and local.time() >= self.start
        return datetime.combine(local.date() + timedelta(days=tonight), self.end, local.tzinfo)


class ListedContact(BaseModel):
    """A person of an area; without `duty` always on duty."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    name: _Said
    role: _Said
    phone: _Said
    channels: dict[_Said, _Address] = Field(
        default_factory=dict, max_length=20, description="Gateways by which they can be reached: address."
    )
    duty: Duty | None = Field(default=None, description="Null: always on duty.")

    @property
    def contact(self) -> Contact:
        return Contact(self.name, self.role, self.phone, dict(self.channels))

    def covers(self, local: datetime) -> bool:
        return self.duty is None or self.duty.covers(local)


class ListedArea(BaseModel):
    """An area as the file has it."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    level: Level
    code: str = Field(min_length=1)
    name: str = Field(min_length=1)
    parent: str | None = None
    contacts: tuple[ListedContact, ...] = ()


def read_features(path: Path | str) -> list[Any]:
    """The areas of a grid file as features of GeoJSON, as they are written there. Raises GridError."""
    if Path(path).suffix.lower() not in (".geojson", ".json"):
        return _read_vector_file(path)
    try:
        collection = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise GridError(f"{path}: the grid file cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise GridError(f"{path}: the grid file is not JSON in UTF-8: {error}") from error
    if not isinstance(collection, dict) or collection.get("type") != "FeatureCollection":
        raise GridError(f"{path}: the grid file must be a GeoJSON FeatureCollection")
    return collection.get("features") or []


def _read_area(feature: Any, where: str) -> ListedArea:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise GridError(f"{where} is not a GeoJSON Feature")
    try:
        return ListedArea.model_validate(feature.get("properties") or {})
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


def _read_vector_file(path: Path | str) -> list[Any]:
    """Features of a shapefile or GeoPackage as GeoJSON, in WGS 84."""
    import pyogrio
    from pyogrio.errors import DataSourceError
    from pyogrio.raw import read
    from rasterio.warp import transform_geom

    try:
        meta, _, shapes, columns = read(path)
    except (DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise GridError(f"{path}: the grid file cannot be read: {error}") from error
    if meta["crs"] is None:
        raise GridError(f"{path}: the grid file names no coordinate system; put its .prj beside it")
    names = [str(name) for name in meta["fields"]]
    features = []
    for row, wkb in enumerate(shapes):
        properties = {
            name: None if values[row] is None or values[row] != values[row] else values[row]
            for name, values in zip(names, columns, strict=True)
        }
        if isinstance(contacts := properties.get("contacts"), str):
            try:
                properties["contacts"] = json.loads(contacts)
            except ValueError:
                raise GridError(f"{path}: feature {row + 1}: 'contacts' is not JSON") from None
        geometry = None
        if wkb is not None:
            geometry = transform_geom(
                meta["crs"], "EPSG:4326", shapely.geometry.mapping(shapely.from_wkb(wkb))
            )
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    return features


def _normal_points(ellipse: Ellipse) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Points spread as the fire's place is, east and north in metres: a sunflower through the normal law."""
    number = np.arange(_POINTS) + 0.5
    radius = np.sqrt(-2 * np.log(1 - number / _POINTS)) / math.sqrt(5.991)
    turn = number * math.pi * (3 - math.sqrt(5))
    along, across = ellipse.semi_major_m * radius * np.cos(turn), ellipse.semi_minor_m * radius * np.sin(turn)
    return _turned(along, across, ellipse.azimuth_deg)


def _outline(
    lat_deg: float, lon_deg: float, ellipse: Ellipse, scale: tuple[float, float]
) -> shapely.Geometry:
    turn = np.linspace(0, 2 * math.pi, 73)[:-1]
    ring = _turned(
        ellipse.semi_major_m * np.cos(turn), ellipse.semi_minor_m * np.sin(turn), ellipse.azimuth_deg
    )
    return shapely.Polygon(ring / scale + (lon_deg, lat_deg))


def _turned(along: Any, across: Any, azimuth_deg: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    azimuth = math.radians(azimuth_deg)
    east = along * math.sin(azimuth) + across * math.cos(azimuth)
    north = along * math.cos(azimuth) - across * math.sin(azimuth)
    return np.stack([east, north], axis=1)


def _holes(union: Any) -> list[shapely.Polygon]:
    parts = union.geoms if union.geom_type == "MultiPolygon" else [union]
    return [shapely.Polygon(ring) for part in parts for ring in part.interiors]
