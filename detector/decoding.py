"""From the raw output of a YOLO head to detections: one decoding and one suppression for every backend.

A raw output is an array (N, 4 + classes): centre x, centre y, width, height in input pixels, then one
score per class, after the sigmoid (Ultralytics' detect head without its own suppression).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from detector.detection import LABELS, Box, Detection, Label
from detector.errors import BackendError

OVERLAP_LIMIT = 0.5  # two boxes of one class sharing more than this (IoU) are one thing
MOST_DETECTIONS = 100  # per look, strongest first; the busiest real frame of the val cameras keeps far fewer

RawOutput = npt.NDArray[np.float32]


def decode(
    raw: RawOutput,
    *,
    input_size_px: tuple[int, int],
    frame_size_px: tuple[int, int],
    least_score: float,
    labels: Sequence[Label] = LABELS,
    overlap_limit: float = OVERLAP_LIMIT,
) -> tuple[Detection, ...]:
    """Detections in frame pixels, strongest first, overlapping ones of the same class suppressed.

    Sizes are (width, height). Raises BackendError when the output has another shape than `labels` asks for,
    or holds a value that is not finite: such an output is never an alert and never "no fire".

    >>> raw = np.array([[32, 32, 16, 16, 0.9, 0.0], [33, 32, 16, 16, 0.8, 0.0]], np.float32)
    >>> decode(raw, input_size_px=(64, 64), frame_size_px=(128, 64), least_score=0.1)
    (Detection(label='smoke', confidence=0.9, box=Box(x1=48.0, y1=24.0, x2=80.0, y2=40.0), probability=None),)
    """
    if raw.ndim != 2 or raw.shape[1] != 4 + len(labels):
        raise BackendError(
            f"the network answers with shape {raw.shape}, expected (boxes, {4 + len(labels)}) for the "
            f"classes {', '.join(labels)}; export it without built-in suppression and with these classes"
        )
    if not np.isfinite(raw).all():
        raise BackendError("the network answered with values that are not finite; this look is lost")
    scores = raw[:, 4:]
    candidates, classes = np.nonzero(scores >= least_score)
    if candidates.size == 0:
        return ()
    confidences = scores[candidates, classes]
    centres_sizes = raw[candidates, :4].astype(np.float64)
    corners = np.concatenate(
        [centres_sizes[:, :2] - centres_sizes[:, 2:] / 2, centres_sizes[:, :2] + centres_sizes[:, 2:] / 2],
        axis=1,
    )
    corners *= np.array(frame_size_px * 2) / np.array(input_size_px * 2)
    corners = corners.clip(0, np.array(frame_size_px * 2))
    kept = _suppress(corners, confidences, classes, overlap_limit)
    return tuple(
        Detection(
            labels[classes[index]],
            round(float(confidences[index]), 4),
            Box(*(round(float(edge), 1) for edge in corners[index])),
        )
        for index in kept
        if (corners[index, 2:] > corners[index, :2]).all()
    )


def _suppress(
    corners: npt.NDArray[np.float64],
    confidences: npt.NDArray[np.float32],
    classes: npt.NDArray[np.intp],
    overlap_limit: float,
) -> list[int]:
    """Indices that survive class-wise suppression, strongest first, ties in input order."""
    order = np.argsort(-confidences, kind="stable")[: 30 * MOST_DETECTIONS]
    sizes = corners[order, 2:] - corners[order, :2]
    kept = cv2.dnn.NMSBoxesBatched(
        np.concatenate([corners[order, :2], sizes], axis=1).tolist(),
        confidences[order].tolist(),
        classes[order].tolist(),
        0.0,
        overlap_limit,
    )
    return [int(order[index]) for index in sorted(int(k) for k in kept)][:MOST_DETECTIONS]
