"""Labelled sequences on disk: what was filmed, when, and where people drew boxes.

Two layouts are read: a folder of sequences (`SEQ/images/EPOCH_OFFSET.jpg`, `SEQ/labels/EPOCH_OFFSET.txt`,
optional `sequences.csv`), or one sequence (`images/`, `labels/`) itself. Labels are YOLO text; an empty
label file says "boxed, nothing there", a missing one says nothing. Pictures whose names hold no time, and
folders named `undated_*`, have no clock: they count for boxes only.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, cast

from detector.detection import LABELS, Box, Label
from detector.errors import FootageError

Clock = Literal["sound", "weak", "none"]
PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})
WELL_BOXED_FRAMES = 10  # a fire with fewer boxed frames is too poorly known to say where it should be found

_TIMED_NAME = re.compile(r"(\d{9,11})_([+-]\d{1,6})")


@dataclass(frozen=True)
class TruthBox:
    """One box people drew, in shares (0..1) of the picture's width and height."""

    label: Label
    share: Box

    def in_px(self, width_px: int, height_px: int) -> Box:
        return Box(
            self.share.x1 * width_px,
            self.share.y1 * height_px,
            self.share.x2 * width_px,
            self.share.y2 * height_px,
        )


@dataclass(frozen=True)
class TimedPicture:
    """One picture of a sequence. `offset_s` counts from ignition; `truth` is None where nobody drew boxes."""

    path: Path
    captured_at: datetime | None
    offset_s: float | None
    truth: tuple[TruthBox, ...] | None


@dataclass(frozen=True)
class FilmedSequence:
    """Pictures of one fixed view around one fire, in time order."""

    name: str
    clock: Clock
    pictures: tuple[TimedPicture, ...]
    mast: str = ""
    """What the camera stands on: its cameras share weather, light and lens. Unlisted ones stand alone."""

    @property
    def boxed(self) -> tuple[TimedPicture, ...]:
        """Pictures with at least one box."""
        return tuple(picture for picture in self.pictures if picture.truth)

    @property
    def first_boxed_s(self) -> float | None:
        """Offset of the first picture with a box."""
        return next((picture.offset_s for picture in self.boxed), None)

    @property
    def well_boxed(self) -> bool:
        return len(self.boxed) >= WELL_BOXED_FRAMES

    @property
    def quiet_until_s(self) -> float:
        """Offset before which there is surely no smoke: ignition, or the first box if that came earlier."""
        first = self.first_boxed_s
        return 0.0 if first is None else min(0.0, first)

    @property
    def hours_before(self) -> float:
        """Hours filmed while there was surely no smoke."""
        offsets = [picture.offset_s for picture in self.pictures if picture.offset_s is not None]
        return max(0.0, self.quiet_until_s - offsets[0]) / 3600 if offsets else 0.0


def read_footage(folder: Path, split: str | None = None) -> list[FilmedSequence]:
    """The sequences below `folder`, by name; with `split`, those `sequences.csv` gives it.

    Sequences marked `unused` there are left out unless they are asked for. Raises FootageError.
    """
    if not folder.is_dir():
        raise FootageError(f"{folder}: no such folder")
    listed = _read_list(folder / "sequences.csv")
    if split is not None and not listed:
        raise FootageError(
            f"{folder}: --split {split} needs a sequences.csv in this folder; leave --split out"
        )
    if (folder / "images").is_dir():
        return [_read_sequence(folder, {})]
    names = sorted(path.name for path in folder.iterdir() if (path / "images").is_dir())
    wanted = [name for name in names if _is_wanted(listed.get(name), split)]
    if not wanted:
        known = sorted({row["split"] for row in listed.values()})
        raise FootageError(
            f"{folder}: no sequence of split {split}; sequences.csv knows {', '.join(known)}"
            if split
            else f"{folder}: no sequences here (expected SEQUENCE/images/EPOCH_OFFSET.jpg)"
        )
    return [_read_sequence(folder / name, listed.get(name, {})) for name in wanted]


def time_in_name(name: str) -> tuple[datetime, float] | None:
    """(capture time, seconds from ignition) of a picture named `EPOCH_OFFSET`, or None.

    >>> time_in_name("1498418013_+00480.jpg")
    (datetime.datetime(2017, 6, 25, 19, 13, 33, tzinfo=datetime.timezone.utc), 480.0)
    """
    found = _TIMED_NAME.match(name)
    return None if found is None else (datetime.fromtimestamp(int(found[1]), UTC), float(found[2]))


def read_labels(path: Path) -> tuple[TruthBox, ...] | None:
    """Boxes of one YOLO label file; None where the file is missing. Raises FootageError with the line."""
    if not path.is_file():
        return None
    boxes = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            kind, x, y, width, height = line.split()[:5]
            label = LABELS[int(kind)]
            centre_x, centre_y, half_w, half_h = float(x), float(y), float(width) / 2, float(height) / 2
        except (ValueError, IndexError):
            raise FootageError(
                f"{path}:{number}: expected `class x y width height` with class 0..{len(LABELS) - 1}, "
                f"got {line!r}"
            ) from None
        share = Box(centre_x - half_w, centre_y - half_h, centre_x + half_w, centre_y + half_h)
        boxes.append(TruthBox(label, share))
    return tuple(boxes)


def _read_sequence(folder: Path, row: Mapping[str, str]) -> FilmedSequence:
    """The sequence in a folder; `row` is what `sequences.csv` says of it, if anything."""
    clock = cast(Clock | None, row.get("clock"))
    paths = sorted(p for p in (folder / "images").iterdir() if p.suffix.lower() in PICTURE_SUFFIXES)
    if not paths:
        raise FootageError(f"{folder / 'images'}: no pictures")
    times = [time_in_name(path.name) for path in paths]
    dated = (
        all(time is not None for time in times) and not folder.name.startswith("undated_") and clock != "none"
    )
    pictures = [
        TimedPicture(
            path,
            time[0] if dated and time else None,
            time[1] if dated and time else None,
            read_labels(folder / "labels" / f"{path.stem}.txt"),
        )
        for path, time in zip(paths, times, strict=True)
    ]
    if dated:
        pictures.sort(
            key=lambda picture: (picture.captured_at or datetime.min.replace(tzinfo=UTC), picture.path.name)
        )
    name = folder.resolve().name
    mast = row.get("camera", "").split("-")[0] or name  # cameras are named MAST-DIRECTION
    return FilmedSequence(name, (clock or "sound") if dated else "none", tuple(pictures), mast)


def _read_list(path: Path) -> dict[str, dict[str, str]]:
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = {row.get("sequence", ""): row for row in csv.DictReader(file)}
    for name, row in rows.items():
        if row.get("clock") not in ("sound", "weak", "none") or "split" not in row:
            raise FootageError(
                f"{path}: {name}: needs the columns sequence, split and clock (sound, weak or none)"
            )
    return rows


def _is_wanted(row: dict[str, str] | None, split: str | None) -> bool:
    if split is None:
        return row is None or row["split"] != "unused"
    return row is not None and row["split"] == split
