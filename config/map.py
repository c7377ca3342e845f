"""Base maps beside the terrain's own picture. None is bundled: a deployment names those it may show."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from config.base import Identifier, Name, Section
from config.secrets import resolved
from config.surroundings import surroundings_of

TILE_FILES = (".pmtiles", ".mbtiles")


class BaseMap(Section):
    """Raster tiles in Web Mercator: of a file on the centre's machine, or of a service browsers can reach."""

    id: Identifier = Field(title="Id", description="Stable name of the map.")
    name: Name = Field(title="Name", description="As the map's chooser shows it.")
    file: Path | None = Field(
        default=None,
        title="File",
        description="PMTiles or MBTiles file with raster tiles, or a folder {z}/{x}/{y}.png|jpg|webp; served "
        "by the centre (relative paths start at this file).",
        examples=["maps/county.pmtiles"],
    )
    tiles: str | None = Field(
        default=None,
        title="Tile addresses",
        description="Address of a tile with {z}, {x}, {y}, and {s} for `subdomains`. Browsers ask it "
        "themselves: the content policy allows this host and no other, and a key in it is known to everyone "
        "who is signed in.",
        examples=[
            "https://t{s}.tianditu.gov.cn/img_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=img"
            "&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}"
            "&tk=${TIANDITU_KEY}"
        ],
    )
    subdomains: tuple[str, ...] = Field(
        default=(),
        max_length=16,
        title="Subdomains",
        description="What stands for {s}, to spread requests.",
        examples=[["0", "1", "2", "3"]],
    )
    datum: Literal["wgs84", "cgcs2000", "gcj02"] = Field(
        default="wgs84",
        title="Datum",
        description="What the tiles are drawn in. Tiles in gcj02 are put where they belong; a service must "
        "then allow reading by other sites (CORS). 天地图 is cgcs2000, which is taken as WGS 84.",
    )
    min_zoom: int = Field(default=0, ge=0, le=22, title="Least zoom", description="Of the tiles there are.")
    max_zoom: int = Field(
        default=18, ge=0, le=22, title="Greatest zoom", description="Closer, tiles are enlarged."
    )
    tile_px: Literal[256, 512] = Field(default=256, title="Tile size", description="Pixels of a side.")
    attribution: str = Field(
        default="", max_length=200, title="Attribution", description="Whose map it is; shown on it."
    )
    approval_number: str = Field(
        default="",
        max_length=100,
        title="审图号",
        description="The map's approval number, shown on it.",
        examples=["GS(2024)0650号"],
    )

    @field_validator("tiles", mode="before")
    @classmethod
    def _resolve(cls, value: object, info: ValidationInfo) -> object:
        return resolved(value, info)

    @field_validator("tiles")
    @classmethod
    def _check_tiles(cls, tiles: str | None) -> str | None:
        if tiles is None:
            return None
        host = urlsplit(tiles).netloc
        whole = all(f"{{{part}}}" in tiles for part in "zxy")
        if not re.match(r"https?://", tiles) or not re.fullmatch(r"[A-Za-z0-9.{}:-]+", host) or not whole:
            raise PydanticCustomError(
                "tile_address",
                "is no address of tiles",
                {"mend": "write https://HOST/... with {z}, {x} and {y} in it"},
            )
        return tiles

    @field_validator("file")
    @classmethod
    def _check_file(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        surroundings = surroundings_of(info)
        if path is None or surroundings is None:
            return path
        full = surroundings.path(path)
        if not full.is_dir() and not (full.is_file() and full.suffix.lower() in TILE_FILES):
            raise PydanticCustomError(
                "tile_file",
                "there is no {path}, or it holds no tiles",
                {"path": str(full), "mend": "name a .pmtiles or .mbtiles file, or a folder {z}/{x}/{y}.png"},
            )
        return full

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.file is None) == (self.tiles is None):
            raise PydanticCustomError(
                "tile_source", "needs either a file or tile addresses", {"mend": "give one of file and tiles"}
            )
        if self.tiles is not None and ("{s}" in self.tiles) != bool(self.subdomains):
            raise PydanticCustomError(
                "subdomains",
                "{place} in the address and subdomains go together",
                {"place": "{s}", "mend": "give both, or neither"},
            )
        return self

    @property
    def addresses(self) -> tuple[str, ...]:
        """The tile addresses, one for each subdomain."""
        if self.tiles is None:
            return ()
        return tuple(self.tiles.replace("{s}", one) for one in self.subdomains) or (self.tiles,)

    @property
    def origins(self) -> tuple[str, ...]:
        """Scheme and host of each: what a browser must be allowed to ask.

        >>> BaseMap(id="a", name="a", tiles="https://t{s}.x.cn/{z}/{x}/{y}", subdomains=("0", "1")).origins
        ('https://t0.x.cn', 'https://t1.x.cn')
        """
        parts = [urlsplit(one) for one in self.addresses]
        return tuple(dict.fromkeys(f"{one.scheme}://{one.netloc}" for one in parts))


class MapSettings(Section):
    """What lies under cameras and fires on the map."""

    base_maps: tuple[BaseMap, ...] = Field(
        default=(),
        max_length=20,
        title="Base maps",
        description="Maps to choose from; the first is shown at the start. The terrain's own picture is "
        "always among them.",
    )

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        ids = [one.id for one in self.base_maps]
        twice = next((one for one in ids if ids.count(one) > 1), None)
        if twice is not None:
            raise PydanticCustomError(
                "duplicate_id",
                "the base map id '{id}' is used more than once",
                {"id": twice, "mend": "give each its own id"},
            )
        return self
