"""Boxes of ours for training pictures that nobody boxed: pseudo-labels, tracked through time.

    firewatch evaluate DATA/hpwren --split train --keep-detections seen.json
    python -m detector.training.own_boxes seen.json --footage DATA/hpwren --out own.csv --sheets DIR

Half of the fires on training cameras have no box at all, and boxed ones have gaps, though every picture after
ignition shows smoke. A detection there becomes a box of ours when it is no chance and no habit of the place:

1. it scores `LEAST_SCORE`, after ignition, in a picture without boxes of a sequence with a sound clock;
2. in at least `LEAST_SUPPORT` other pictures within `SUPPORT_S` a person or the network boxed the same place;
3. before ignition at most one picture was boxed there.

A network that follows its own guesses can teach itself nonsense: the sheets of all are there to be looked
at, and `--leave-out SEQUENCE[:FROM_S]` drops what the eye does not confirm. Val cameras are never touched.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from detector.detection import Box
from detector.evaluation.footage import FilmedSequence, TimedPicture, read_footage
from detector.evaluation.scoring import ScoredPicture, Scores
from detector.training.manifest import OWN_BOX_COLUMNS
from streams.picture import read_picture

LEAST_SCORE = 0.10
LEAST_SUPPORT = 2
SUPPORT_S = 200.0
SAME_PLACE = 0.25
"""Intersection over union from which two boxes mark the same place."""
TILE_PX = 160


@dataclass(frozen=True)
class OwnBox:
    """A box in shares (0..1) of its picture, and the score that the network gave it."""

    sequence: str
    picture: TimedPicture
    share: Box
    score: float


def own_boxes(sequence: FilmedSequence, scored: Sequence[ScoredPicture]) -> Iterator[OwnBox]:
    """The boxes that the rules above give a sequence. Pictures and scores are the same, in the same order."""
    if sequence.clock != "sound":
        return
    smoke = [
        [
            (_share(d.box, row), d.confidence)
            for d in row.detections
            if d.label == "smoke" and d.confidence >= LEAST_SCORE
        ]
        for row in scored
    ]
    seen = [
        [truth.share for truth in picture.truth if truth.label == "smoke"]
        if picture.truth
        else [box for box, _ in found]
        for picture, found in zip(sequence.pictures, smoke, strict=True)
    ]
    offsets = [picture.offset_s or 0.0 for picture in sequence.pictures]
    before = [found for found, at_s in zip(seen, offsets, strict=True) if at_s < sequence.quiet_until_s]
    for i, picture in enumerate(sequence.pictures):
        if picture.truth is not None or offsets[i] < max(0.0, sequence.quiet_until_s):
            continue
        near = [seen[j] for j, at_s in enumerate(offsets) if j != i and abs(at_s - offsets[i]) <= SUPPORT_S]
        kept: list[Box] = []
        for box, score in sorted(smoke[i], key=lambda one: -one[1]):
            if any(box.share_of_smaller(other) > 0.5 for other in kept):
                continue  # part of a plume that has its box
            if _times(box, near) >= LEAST_SUPPORT and _times(box, before) <= 1:
                kept.append(box)
                yield OwnBox(sequence.name, picture, box, score)


def _times(box: Box, pictures: Iterable[Sequence[Box]]) -> int:
    """In how many pictures something marks the place of `box`."""
    return sum(any(box.iou(other) >= SAME_PLACE for other in found) for found in pictures)


def _share(box: Box, picture: ScoredPicture) -> Box:
    width, height = picture.width_px, picture.height_px
    return Box(box.x1 / width, box.y1 / height, box.x2 / width, box.y2 / height)


def write(boxes: Iterable[OwnBox], file: Path) -> None:
    """The table that `detector.training.train --own-boxes` reads."""
    with file.open("w", newline="") as out:
        table = csv.writer(out, lineterminator="\n")
        table.writerow(OWN_BOX_COLUMNS)
        for box in boxes:
            s = box.share
            shares = ((s.x1 + s.x2) / 2, (s.y1 + s.y2) / 2, s.x2 - s.x1, s.y2 - s.y1)
            table.writerow([box.sequence, box.picture.path.stem, 0, *(f"{share:.4f}" for share in shares)])


def sheet(boxes: Sequence[OwnBox], columns: int = 10) -> npt.NDArray[np.uint8]:
    """Each box with its surroundings, in rows of `columns`; offset from ignition in minutes, and score."""
    rows = -(-len(boxes) // columns)
    whole = np.zeros((rows * TILE_PX, columns * TILE_PX, 3), np.uint8)
    for number, box in enumerate(boxes):
        picture = read_picture(box.picture.path)
        height, width = picture.shape[:2]
        x, y = (box.share.x1 + box.share.x2) / 2 * width, (box.share.y1 + box.share.y2) / 2 * height
        side = max(80.0, 2.2 * max(box.share.width_px * width, box.share.height_px * height))
        scale = TILE_PX / side
        to_tile = np.array([[scale, 0, TILE_PX / 2 - x * scale], [0, scale, TILE_PX / 2 - y * scale]])
        tile = cv2.warpAffine(picture, to_tile, (TILE_PX, TILE_PX), flags=cv2.INTER_AREA)
        corners = [(box.share.x1, box.share.y1), (box.share.x2, box.share.y2)]
        one, two = (to_tile @ [u * width, v * height, 1] for u, v in corners)
        cv2.rectangle(tile, one.astype(int).tolist(), two.astype(int).tolist(), (0, 255, 255), 1)
        text = f"{(box.picture.offset_s or 0) / 60:+.0f} min  {box.score:.2f}"
        cv2.putText(
            tile, text, (4, TILE_PX - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1, cv2.LINE_AA
        )
        row, column = divmod(number, columns)
        whole[row * TILE_PX :, column * TILE_PX :][:TILE_PX, :TILE_PX] = tile
    return whole


def main() -> None:
    """Write the table and the sheets, and say how many boxes each sequence got."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("detections", type=Path, help="what `firewatch evaluate --keep-detections` wrote")
    parser.add_argument("--footage", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sheets", type=Path, help="a folder for one sheet a sequence")
    parser.add_argument("--leave-out", nargs="*", default=[], metavar="SEQUENCE[:FROM_S]")
    args = parser.parse_args()
    left_out = {
        name: float(from_s or 0) for name, _, from_s in (one.partition(":") for one in args.leave_out)
    }
    scores = Scores.load(args.detections)
    found: list[OwnBox] = []
    for sequence in read_footage(args.footage, "train"):
        boxes = list(own_boxes(sequence, scores.pictures[sequence.name]))
        boxes = [b for b in boxes if (b.picture.offset_s or 0) < left_out.get(sequence.name, float("inf"))]
        print(f"{sequence.name}: {len(sequence.boxed)} pictures boxed by people, {len(boxes)} boxes of ours")
        if boxes and args.sheets:
            args.sheets.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(args.sheets / f"{sequence.name}.jpg"), sheet(boxes))
        found += boxes
    write(found, args.out)


if __name__ == "__main__":
    main()
