"""From a network's score to a probability: what share of detections with this score were real.

The figures are measured for one set of weights on cameras they never saw and stand with them in the registry
(`calibration`). Weights without them give scores only: a probability is never made up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from detector.detection import Detection


@dataclass(frozen=True)
class Calibration:
    """Straight lines between (score, probability) points; both rise.

    >>> Calibration(((0.0, 0.0), (0.2, 0.5), (1.0, 0.9))).probability(0.1)
    0.25
    """

    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        scores, probabilities = zip(*self.points, strict=True)
        rising = all(a < b for a, b in pairwise(scores))
        never_falling = all(a <= b for a, b in pairwise(probabilities))
        if len(self.points) < 2 or not rising or not never_falling:
            raise ValueError("needs at least two points whose scores rise and whose probabilities never fall")
        if min(scores + probabilities) < 0 or max(scores + probabilities) > 1:
            raise ValueError("scores and probabilities are within 0..1")

    def probability(self, score: float) -> float:
        """The probability that goes with a score; beyond the first and last point theirs."""
        scores, probabilities = zip(*self.points, strict=True)
        return round(float(np.interp(score, scores, probabilities)), 4)


def with_probabilities(
    detections: Sequence[Detection], calibration: Calibration | None
) -> tuple[Detection, ...]:
    """The detections with their probability, or as they are for weights that were never calibrated."""
    if calibration is None:
        return tuple(detections)
    return tuple(replace(d, probability=calibration.probability(d.confidence)) for d in detections)
