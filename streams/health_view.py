"""The memory of a fixed view, and what a picture says against it: moved, out of focus, or covered?

One per camera and preset. The memory is renewed slowly (a time constant of ten minutes) by pictures that
raise no suspicion, so it follows light, season and weather. Where the view stands is `streams.health_anchor`.

How the four things that take detail away are told apart:

- Blur takes fine detail and leaves coarse structure: *defocused*.
- Haze, fog and dusk lower both alike, or hide both slowly: not the camera's fault, nothing is said.
- A cover hides both from one look to the next, and then stands still: *obstructed*. (A fog bank needs longer
  to swallow a third of a view, wisps of cloud move; a cover that grows over days is not found here.)
- A turned camera shows the same edges at another place: *moved*.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime

import cv2
import numpy as np
import numpy.typing as npt

from streams.health_anchor import FEWEST_LOOKS, Anchor, renewal
from streams.health_measures import Cells, Measures
from streams.health_registration import Field, Shift

TEXTURED = 6.0  # detail of a cell worth comparing; sensor noise of 3 grey levels at 640 px makes 1.4
FEWEST_TEXTURED = 0.06  # share of cells; darkest of 77 real stills (a night view of lamps): 0.14
KEPT_DETAIL = 0.4  # a cell keeps at least this share of its detail, or has lost it
BLURRED = 0.35  # detail lost over structure lost; haze ~1; blur of 1.5 px at 640 px <= 0.27, of 3 px <= 0.12
KEPT_STRUCTURE = 0.25  # share of a cell's structure still there: haze that leaves less hides the cell
SAME_STRUCTURE = 0.7  # correlation of a cell's structure with what it was

DEFOCUSED_FROM, DEFOCUSED_UNTIL = 0.6, 0.3  # share of the textured cells that are blurred
OBSTRUCTED_FROM, OBSTRUCTED_UNTIL = 0.35, 0.15  # share of the textured cells that are hidden
SUDDENLY_HIDDEN = 0.25
CLEAR_DETAIL = 0.6
SUDDEN_S = 6.0
"""A cover hides that much of what was clear (had so much of its detail) within this time before, or within
one and a half looks, if looks are rarer; fog takes longer from clear to hidden, even where it is even."""
STILL = 2.0
"""Grey levels by which the structure of what hides the view may change from look to look."""


@dataclass(frozen=True)
class ViewReading:
    """What one picture says. None: it cannot tell."""

    defocused: bool | None = None
    obstructed: bool | None = None
    moved: bool | None = None
    shift: Shift | None = None
    hidden_share: float = 0.0
    blurred_share: float = 0.0


class ViewMemory:
    """Compares pictures with what the view looked like, and remembers them."""

    def __init__(self, reference: Field | None = None) -> None:
        """`reference`: where the view stood when an earlier process looked at it (`Anchor.reference`)."""
        self.anchor = Anchor(reference)
        self._forget()

    def _forget(self) -> None:
        self._detail: Cells | None = None
        self._structure: Cells | None = None
        self._looks = 0
        self._seen_at: datetime | None = None
        self._kept: deque[tuple[datetime, Cells]] = deque()
        self._before: Cells | None = None
        self._covered_suddenly = False

    def observe(self, now: Measures, at: datetime) -> ViewReading:
        """Compare, then remember."""
        if self._detail is None or self._detail.shape != now.detail.shape:
            self._forget()
            self._detail, self._structure = now.detail.copy(), now.structure.copy()
        interval_s = (at - self._seen_at).total_seconds() if self._seen_at is not None else 0.0
        self._seen_at = at
        self._looks += 1
        moved = self.anchor.observe(now, at)
        defocused, obstructed, hidden, blurred = self._lost(now, at, interval_s)
        if moved and self.anchor.shift is None and (defocused or obstructed):
            moved = None  # not turned away, but not to be recognised
        elif moved:
            obstructed = False  # what lay in the cells is found elsewhere
        known = self._looks > FEWEST_LOOKS
        if not (known and (defocused or obstructed or moved)):
            self._remember(now, interval_s)
        if not known:
            return ViewReading()
        return ViewReading(defocused, obstructed, moved, self.anchor.shift, hidden, blurred)

    def _lost(
        self, now: Measures, at: datetime, interval_s: float
    ) -> tuple[bool | None, bool | None, float, float]:
        """Defocused, obstructed, hidden share, blurred share."""
        assert self._detail is not None
        assert self._structure is not None
        textured = self._detail > TEXTURED
        if textured.mean() < FEWEST_TEXTURED:
            return None, None, 0.0, 0.0
        kept = np.asarray(now.detail / np.maximum(self._detail, 1.0), np.float32)
        share, same = _structure_kept(now.structure, self._structure, now.cells)
        lost = kept < KEPT_DETAIL
        there = (share > KEPT_STRUCTURE) & (same > SAME_STRUCTURE)
        blurred = lost & there & (kept < BLURRED * share)
        hidden = lost & ~there
        of_textured = float(textured.sum())
        blurred_share = float((blurred & textured).sum()) / of_textured
        hidden_share = float((hidden & textured).sum()) / of_textured
        defocused = _between(blurred_share, DEFOCUSED_UNTIL, DEFOCUSED_FROM)
        obstructed = _between(hidden_share, OBSTRUCTED_UNTIL, OBSTRUCTED_FROM)
        just_hidden = hidden & textured & self._was_clear(kept, at, max(SUDDEN_S, 1.5 * interval_s))
        if float(just_hidden.sum()) / of_textured >= SUDDENLY_HIDDEN:
            self._covered_suddenly = True
        if obstructed is False:
            self._covered_suddenly = False
        elif obstructed:
            obstructed = self._covered_suddenly and (self._still(now, hidden & textured) or None)
        self._before = now.structure
        return defocused, obstructed, hidden_share, blurred_share

    def _was_clear(self, kept: Cells, at: datetime, within_s: float) -> npt.NDArray[np.bool_]:
        """The cells that had their detail in some picture of the last `within_s` seconds."""
        while self._kept and (at - self._kept[0][0]).total_seconds() > within_s:
            self._kept.popleft()
        clear = np.zeros(kept.shape, np.bool_)
        for _, before in self._kept:
            clear = clear | (before >= CLEAR_DETAIL)
        self._kept.append((at, kept))
        return clear

    def _still(self, now: Measures, where: npt.NDArray[np.bool_]) -> bool:
        if self._before is None:
            return False
        rows, columns = now.structure.shape
        change = cv2.resize(
            np.abs(now.structure - self._before), (columns // 2, rows // 2), interpolation=cv2.INTER_AREA
        )
        return float(change[where].mean()) <= STILL

    def _remember(self, now: Measures, interval_s: float) -> None:
        assert self._detail is not None
        assert self._structure is not None
        weight = np.float32(renewal(interval_s, self._looks))
        self._detail = self._detail + weight * (now.detail - self._detail)
        self._structure = self._structure + weight * (now.structure - self._structure)


def _structure_kept(now: Cells, before: Cells, cells: tuple[int, int]) -> tuple[Cells, Cells]:
    """A cell's share of structure still there (1: all), and its correlation with what it was."""

    def around(values: Cells) -> Cells:
        wide = cv2.blur(values, (6, 6), borderType=cv2.BORDER_REFLECT)
        return np.asarray(cv2.resize(wide, (cells[1], cells[0]), interpolation=cv2.INTER_AREA), np.float32)

    energy, energy_before = around(now * now), around(before * before)
    share = energy / np.maximum(energy_before, 0.5)
    same = around(now * before) / np.sqrt(np.maximum(energy * energy_before, 0.25))
    return np.asarray(share, np.float32), np.asarray(same, np.float32)


def _between(value: float, lower: float, upper: float) -> bool | None:
    """True from `upper` on, False up to `lower`, None between: hysteresis."""
    return True if value >= upper else False if value <= lower else None
