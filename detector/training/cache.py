"""Decoded pictures on disk: one memory-mapped array a sequence, so that drawing a crop costs no JPEG."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from detector.training.manifest import OwnBoxes, Picture, sequences, stills
from detector.training.views import HEIGHT_PX, WIDTH_PX, Boxes, ViewSequence


def load_sequences(
    root: Path, work: Path, splits: frozenset[str] = frozenset({"train"}), own: OwnBoxes | None = None
) -> list[ViewSequence]:
    """The dated and undated sequences of the wanted splits; decoded once into `work`."""
    work.mkdir(parents=True, exist_ok=True)
    return [_sequence(pictures, work) for pictures in sequences(root, splits, own)]


def _sequence(pictures: list[Picture], work: Path) -> ViewSequence:
    name = pictures[0].sequence
    file = work / f"{name}.npy"
    if not file.exists():
        part = file.with_suffix(".part.npy")
        whole = np.lib.format.open_memmap(part, "w+", np.uint8, (len(pictures), HEIGHT_PX, WIDTH_PX, 3))
        for i, picture in enumerate(pictures):
            whole[i] = read(picture.path)
        whole.flush()
        part.rename(file)
    dated = all(picture.offset_s is not None for picture in pictures)
    return ViewSequence(
        name,
        np.load(file, mmap_mode="r"),
        np.array([picture.offset_s for picture in pictures]) if dated else None,
        tuple(None if p.boxes is None else in_pixels(p.boxes, WIDTH_PX, HEIGHT_PX) for p in pictures),
        np.array([picture.empty and dated for picture in pictures]),
    )


def load_stills(
    folder: Path, size: tuple[int, int], **rules: bool
) -> list[tuple[npt.NDArray[np.uint8], Boxes]]:
    """Single pictures scaled to `size` (width, height px) with their boxes; unboxed ones are left out."""
    return [
        (read(picture.path, size), in_pixels(picture.boxes or (), *size))
        for picture in stills(folder, **rules)
        if picture.boxes or picture.empty
    ]


def read(path: Path, size: tuple[int, int] = (WIDTH_PX, HEIGHT_PX)) -> npt.NDArray[np.uint8]:
    """A picture as BGR of `size`; raises ValueError naming the file when it cannot be decoded."""
    image = cv2.imread(str(path))
    if image is None:
        raise ValueError(f"{path}: not a readable picture")
    if (image.shape[1], image.shape[0]) != size:
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(image, np.uint8)


def in_pixels(boxes: tuple[tuple[int, float, float, float, float], ...], width: int, height: int) -> Boxes:
    """YOLO shares to N x 5 pixels (class, x1, y1, x2, y2)."""
    rows = [
        (kind, (x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
        for kind, x, y, w, h in boxes
    ]
    return np.array(rows, np.float32).reshape(-1, 5)
