"""Which pictures there are, what each may teach, and which cameras must stay unseen.

Reads folders laid out as the shared data describes itself. The rules that keep the data honest stand here:
a picture after ignition without a box is never taken as empty; `weak` clocks give no negatives; `unused`
sequences and `val` cameras are left out; undated pictures have boxes but no history.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

Box = tuple[int, float, float, float, float]
"""Class id, then centre x, centre y, width, height as shares of the picture (YOLO text order)."""


@dataclass(frozen=True)
class Picture:
    """One file of the data. `offset_s` is seconds from ignition, None when undated.

    `boxes` is None for a picture nobody boxed (which says nothing about smoke in it); `empty` marks a picture
    known to show none.
    """

    path: Path
    sequence: str
    camera: str
    offset_s: int | None
    boxes: tuple[Box, ...] | None
    empty: bool


def read_boxes(label_file: Path) -> tuple[Box, ...] | None:
    """Boxes of a YOLO text file; None when there is no file. Raises ValueError naming file and line."""
    if not label_file.exists():
        return None
    boxes: list[Box] = []
    for number, line in enumerate(label_file.read_text().splitlines(), 1):
        if not line.strip():
            continue
        try:
            kind, x, y, w, h = line.split()[:5]
            boxes.append((int(kind), float(x), float(y), float(w), float(h)))
        except ValueError as error:
            raise ValueError(f"{label_file}:{number}: expected 'class x y w h', got {line!r}") from error
    return tuple(boxes)


def sequences(root: Path, splits: frozenset[str] = frozenset({"train"})) -> list[list[Picture]]:
    """The fixed-camera sequences of the wanted splits, each in time order."""
    with (root / "sequences.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["split"] in splits]
    return [_sequence(root / row["sequence"], row) for row in rows]


def _sequence(folder: Path, row: dict[str, str]) -> list[Picture]:
    first_boxed_s = int(row["first_boxed_s"]) if row["first_boxed_s"] else None
    pictures = []
    for path in sorted((folder / "images").glob("*.jpg")):
        offset_s = int(path.stem.split("_")[1]) if row["clock"] != "none" else None
        boxes = read_boxes(folder / "labels" / f"{path.stem}.txt")
        before_smoke = (
            offset_s is not None and offset_s < 0 and (first_boxed_s is None or offset_s < first_boxed_s)
        )
        pictures.append(
            Picture(
                path, folder.name, row["camera"], offset_s, boxes, row["clock"] == "sound" and before_smoke
            )
        )
    return pictures


def stills(folder: Path, *, unboxed_is_empty: bool = False) -> Iterator[Picture]:
    """Single pictures of a folder with images/ and labels/, without history."""
    for path in sorted((folder / "images").iterdir()):
        boxes = read_boxes(folder / "labels" / f"{path.stem}.txt")
        empty = not boxes if boxes is not None else unboxed_is_empty
        yield Picture(path, folder.name, folder.name, None, boxes, empty)
