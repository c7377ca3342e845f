"""Which pictures there are, what each may teach, and which cameras must stay unseen.

Reads folders laid out as the shared data describes itself. The rules that keep the data honest stand here:
a picture after ignition without a box is never taken as empty; `weak` clocks give no negatives; `unused`
sequences and `val` cameras are left out; undated pictures have boxes but no history.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

OWN_BOX_COLUMNS = ("sequence", "picture", "class", "x", "y", "w", "h")

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


OwnBoxes = Mapping[tuple[str, str], tuple[Box, ...]]
"""Boxes of ours by (sequence, stem of the picture's file): they stand in the place of the data's own."""


def read_own_boxes(*files: Path) -> OwnBoxes:
    """Tables by `detector.training.own_boxes` or by hand. Raises ValueError naming file and line."""
    found: dict[tuple[str, str], tuple[Box, ...]] = {}
    for file in files:
        with file.open(newline="") as rows:
            for number, row in enumerate(csv.DictReader(rows), 2):
                try:
                    x, y, w, h = (float(row[name]) for name in ("x", "y", "w", "h"))
                    picture, box = (row["sequence"], row["picture"]), (int(row["class"]), x, y, w, h)
                except (KeyError, TypeError, ValueError) as error:
                    columns = ",".join(OWN_BOX_COLUMNS)
                    raise ValueError(f"{file}:{number}: expected {columns}, got {row}") from error
                found[picture] = (*found.get(picture, ()), box)
    return found


def sequences(
    root: Path, splits: frozenset[str] = frozenset({"train"}), own: OwnBoxes | None = None
) -> list[list[Picture]]:
    """The fixed-camera sequences of the wanted splits, each in time order.

    Raises ValueError when `own` boxes are for other than training cameras: those judge the result.
    """
    with (root / "sequences.csv").open() as file:
        listed = list(csv.DictReader(file))
    trained = {row["sequence"] for row in listed if row["split"] == "train"}
    if strange := sorted({sequence for sequence, _ in own or ()} - trained):
        raise ValueError(
            f"boxes of our own for {', '.join(strange)}: only sequences of split train may have any"
        )
    return [_sequence(root / row["sequence"], row, own or {}) for row in listed if row["split"] in splits]


def _sequence(folder: Path, row: dict[str, str], own: OwnBoxes) -> list[Picture]:
    first_boxed_s = int(row["first_boxed_s"]) if row["first_boxed_s"] else None
    pictures = []
    for path in sorted((folder / "images").glob("*.jpg")):
        offset_s = int(path.stem.split("_")[1]) if row["clock"] != "none" else None
        boxes = own.get((folder.name, path.stem)) or read_boxes(folder / "labels" / f"{path.stem}.txt")
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
