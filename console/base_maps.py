"""Raster tiles of a deployment's own base maps, read from the file they came in: PMTiles, MBTiles, a folder.

Tiles are given as they are, named by XYZ in Web Mercator. Not for vector tiles: what a map looks like would
then be ours to say, and its approval was for how it was drawn.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from pmtiles.reader import MmapSource, Reader
from pmtiles.tile import TileType

MEDIA_TYPES = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp"}
_CACHED = 2000


class BaseMapError(Exception):
    """A file cannot be used as a base map; the message says which, why, and how to mend it."""


class Tiles(Protocol):
    """Thread-safe."""

    def tile(self, zoom: int, x: int, y: int) -> bytes | None:
        """The picture of a tile as it is in the file; None where there is none."""


def open_tiles(path: Path) -> Tiles:
    """Raises BaseMapError."""
    if path.is_dir():
        return FolderTiles(path)
    try:
        return MbTiles(path) if path.suffix.lower() == ".mbtiles" else PmTiles(path)
    except (OSError, sqlite3.Error, ValueError, KeyError) as error:
        raise BaseMapError(
            f"{path}: the base map cannot be read ({error}); is it whole, and what its name says?"
        ) from error


def media_type_of(picture: bytes) -> str:
    """By how the picture begins; files sometimes say otherwise.

    >>> media_type_of(b"\\x89PNG...."), media_type_of(b"\\xff\\xd8\\xff..."), media_type_of(b"RIFF....WEBP")
    ('image/png', 'image/jpeg', 'image/webp')
    """
    if picture.startswith(b"\x89PNG"):
        return "image/png"
    return "image/jpeg" if picture.startswith(b"\xff\xd8") else "image/webp"


class FolderTiles:
    """`{z}/{x}/{y}.png` and the like."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def tile(self, zoom: int, x: int, y: int) -> bytes | None:
        for ending in MEDIA_TYPES:
            with suppress(OSError):
                return (self._folder / str(zoom) / str(x) / f"{y}.{ending}").read_bytes()
        return None


class MbTiles:
    """SQLite by the MBTiles specification, whose rows count from the south."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._file = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        with self._lock:
            row = self._file.execute("SELECT value FROM metadata WHERE name = 'format'").fetchone()
        if row is not None and row[0] not in MEDIA_TYPES:
            raise BaseMapError(f"{path}: holds {row[0]} tiles; give one with pictures (png, jpg, webp)")

    def tile(self, zoom: int, x: int, y: int) -> bytes | None:
        query = "SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?"
        with self._lock:
            row = self._file.execute(query, (zoom, x, 2**zoom - 1 - y)).fetchone()
        return bytes(row[0]) if row is not None else None


class PmTiles:
    """One file by the PMTiles specification, version 3."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._reader = Reader(MmapSource(file))  # the mapping stays when the file is closed
        try:
            kind = self._reader.header()["tile_type"]
        except Exception as error:  # the library says it in many ways
            raise BaseMapError(f"{path}: is no PMTiles file of version 3 ({error})") from error
        if kind not in (TileType.PNG, TileType.JPEG, TileType.WEBP):
            raise BaseMapError(f"{path}: holds {kind.name} tiles; give one with pictures (png, jpg, webp)")
        self.tile = lru_cache(maxsize=_CACHED)(self._tile)

    def _tile(self, zoom: int, x: int, y: int) -> bytes | None:
        found: bytes | None = self._reader.get(zoom, x, y)
        return found
