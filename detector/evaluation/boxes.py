"""Box level: how well boxes are found, as average precision at half overlap (AP50), also by object size.

The definition is the one Ultralytics and pycocotools share: detections of all pictures sorted by score,
each matched to the free truth box of its class it overlaps most (IoU >= 0.5), the precision curve made
monotonous and read at 101 recalls. mAP50 is the mean over classes that occur. For a size class, truth
boxes of other sizes are neither asked for nor counted against a detection that finds them (as pycocotools
does).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detector.detection import LABELS, Box, Detection, Label

SIZE_LIMITS_PX = {"small": (0.0, 32.0), "medium": (32.0, 96.0), "large": (96.0, float("inf"))}
"""Side of a square of the same area, in pixels of a picture 640 wide."""

SIZE_WIDTH_PX = 640
HALF_OVERLAP = 0.5


@dataclass(frozen=True)
class BoxedPicture:
    """Truth and detections of one picture, in its pixels."""

    width_px: int
    truth: tuple[tuple[Label, Box], ...]
    detections: tuple[Detection, ...]


def mean_average_precision(pictures: Sequence[BoxedPicture], size: str | None = None) -> float | None:
    """mAP50 over the classes that occur among the truth boxes (of `size`), or None where there are none."""
    found = [average_precision_of(pictures, label, size) for label in LABELS]
    values = [value for value in found if value is not None]
    return float(np.mean(values)) if values else None


def average_precision_of(
    pictures: Sequence[BoxedPicture], label: Label, size: str | None = None
) -> float | None:
    """AP50 of one class, or None where no truth box of it (and of `size`) exists."""
    scores: list[float] = []
    hits: list[bool] = []
    asked = 0
    for picture in pictures:
        in_size = _size_test(size, picture.width_px)
        truth = [box for kind, box in picture.truth if kind == label]
        asked += sum(in_size(box) for box in truth)
        for score, hit in _judge(picture, label, truth, in_size):
            scores.append(score)
            hits.append(hit)
    if asked == 0:
        return None
    order = np.argsort(-np.array(scores), kind="stable") if scores else np.zeros(0, int)
    return average_precision(np.array(hits, bool)[order], asked)


def average_precision(hits: npt.NDArray[np.bool_], asked: int) -> float:
    """Area below the precision-recall curve of detections sorted by falling score.

    >>> round(average_precision(np.array([True, True]), 2), 3)
    0.995
    >>> round(average_precision(np.array([True]), 2), 3)  # half of what was asked for, without a mistake
    0.495
    >>> average_precision(np.array([], bool), 3)
    0.0
    """
    if not hits.any():
        return 0.0
    true, false = np.cumsum(hits), np.cumsum(~hits)
    reached = true[-1] / asked  # beyond this recall precision is 0: no line down to (1, 0)
    recall = np.concatenate([[0.0], true / asked, [reached, 1.0]])
    precision = np.concatenate([[1.0], true / (true + false), [0.0, 0.0]])
    envelope = np.flip(np.maximum.accumulate(np.flip(precision)))
    at = np.linspace(0, 1, 101)
    return float(np.trapezoid(np.interp(at, recall, envelope), at))


def _judge(
    picture: BoxedPicture, label: Label, truth: Sequence[Box], in_size: Callable[[Box], bool]
) -> Iterable[tuple[float, bool]]:
    """(score, hit) of each detection of `label` that counts."""
    free = list(truth)
    for detection in sorted(picture.detections, key=lambda d: -d.confidence):
        if detection.label != label:
            continue
        # truth of the asked size first, then more overlap; truth of another size only excuses a detection
        overlapping = [(in_size(box), box.iou(detection.box), -place) for place, box in enumerate(free)]
        best = max((found for found in overlapping if found[1] >= HALF_OVERLAP), default=None)
        if best is None:
            if in_size(detection.box):
                yield detection.confidence, False
            continue
        free.pop(-best[2])
        if best[0]:
            yield detection.confidence, True


def _size_test(size: str | None, width_px: int) -> Callable[[Box], bool]:
    if size is None:
        return lambda _box: True
    low, high = SIZE_LIMITS_PX[size]
    scale = SIZE_WIDTH_PX / width_px
    return lambda box: low <= box.area_px2**0.5 * scale < high
