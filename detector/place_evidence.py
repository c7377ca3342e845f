"""How much each place of a fixed view has looked like smoke lately, compared with what is usual there.

One number for every place (a cell a fortieth of the picture wide) and class, the **evidence**, in
score-seconds: each look adds (score - reference - habit) x seconds since the look before, never below zero
and never above a ceiling. This is Page's cumulative-sum test for the onset of a change. It belongs to the
place and not to a box, because smoke keeps its place while boxes come and go.

The **habit** of a place is its mean score between ten and forty minutes ago. What smokes or gleams there all
day thereby explains itself. What began less than ten minutes ago is not part of it, so a new fire does not
explain itself away before it is confirmed; one that has burnt for half an hour does, in part.

Times come with the looks: half a second or a minute apart, the sums mean the same. Bounded: one small array
a minute for forty minutes. Not for: what makes a sighting of it (`detector.confirmation`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from detector.detection import LABELS, Box, Detection, Label

COLUMNS = 40
REACH_WIDENING = 0.3  # a detection speaks for its box and a little around it: boxes of a plume shift
HABIT_FROM_S, HABIT_TO_S = 600.0, 2400.0
LEAST_HABIT_MIN = 5  # minutes that make a habit; with fewer the mean counts the missing ones as empty

_Grid = npt.NDArray[np.float32]
_MINUTE = timedelta(seconds=60)


class PlaceEvidence:
    """Evidence for one view of `frame_size_px` (width, height). Deterministic: time comes with the looks."""

    def __init__(
        self, frame_size_px: tuple[int, int], *, reference_score: float, ceiling_score_s: float
    ) -> None:
        width_px, height_px = frame_size_px
        self._cell_px = max(1.0, width_px / COLUMNS)
        self._shape = (len(LABELS), max(1, round(height_px / self._cell_px)), COLUMNS)
        self._reference_score, self._ceiling_score_s = reference_score, ceiling_score_s
        self.reset()

    def reset(self) -> None:
        """Forget everything: the view is another one."""
        self._evidence: _Grid = np.zeros(self._shape, np.float32)
        self._habit: _Grid = np.zeros(self._shape, np.float32)
        self._minutes: deque[tuple[datetime, int, _Grid]] = deque()  # start, looks, summed scores

    def advance(self, at: datetime, detections: Iterable[Detection], vouched_s: float) -> None:
        """Take in one look that answers for the last `vouched_s` seconds."""
        scores = np.zeros(self._shape, np.float32)
        for detection in detections:
            part = self._part(scores, detection.label, detection.box.widened(REACH_WIDENING))
            np.maximum(part, detection.confidence, out=part)
        self._remember(at, scores)
        change = (scores - self._reference_score - self._habit) * np.float32(vouched_s)
        self._evidence = np.clip(self._evidence + change, 0, self._ceiling_score_s)

    def at(self, label: Label, box: Box) -> float:
        """The strongest evidence within `box`, in score-seconds."""
        return float(self._part(self._evidence, label, box).max())

    @property
    def strongest_score_s(self) -> float:
        """The strongest evidence anywhere in the view, of either class."""
        return float(self._evidence.max())

    def _part(self, grid: _Grid, label: Label, box: Box) -> _Grid:
        """The cells of `grid` that `box` touches (at least one)."""
        _, rows, columns = self._shape
        left, right = (min(max(int(x // self._cell_px), 0), columns - 1) for x in (box.x1, box.x2))
        top, bottom = (min(max(int(y // self._cell_px), 0), rows - 1) for y in (box.y1, box.y2))
        return grid[LABELS.index(label), top : bottom + 1, left : right + 1]

    def _remember(self, at: datetime, scores: _Grid) -> None:
        if self._minutes and at - self._minutes[-1][0] < _MINUTE:
            began, looks, summed = self._minutes[-1]
            self._minutes[-1] = (began, looks + 1, summed + scores)
            return
        self._minutes.append((at, 1, scores))
        while (at - self._minutes[0][0]).total_seconds() > HABIT_TO_S:
            self._minutes.popleft()
        old = [
            summed / looks
            for began, looks, summed in self._minutes
            if (at - began).total_seconds() >= HABIT_FROM_S
        ]
        self._habit = np.zeros(self._shape, np.float32)
        if old:
            self._habit += np.sum(old, axis=0, dtype=np.float32) / max(len(old), LEAST_HABIT_MIN)
