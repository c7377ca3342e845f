"""Where a view stands: its edges as they were learned, and whether the camera still looks there.

The reference is renewed slowly by pictures put back in place first, so a view that drifts a pixel an hour is
still compared with where it was; it may outlive the process (`reference`). In fog and by night, when nothing
is recognised, it is kept as it is. A view that is not recognised any more from one look to the next, by day
and with as many edges as before, was turned away farther than can be measured.
"""

from __future__ import annotations

import math
from datetime import datetime

import numpy as np

from streams.health_measures import Measures
from streams.health_registration import Field, Registration, Shift, moved_back, register

RENEWED_S = 600.0
FEWEST_LOOKS = 5
"""Looks until a new view is known well enough to be compared with."""
REGISTER_EVERY_S = 4.0

AGREES = 0.35
"""Least correlation of one view with its reference. On 27 hpwren sequences (2,100 pictures, one a minute)
0.67 to 0.99; the same cameras weeks or a year apart 0.51 to 0.95."""
AGREES_SHARE = 0.5
"""The same as a share of what the view usually has: shifted by up to 20 % of the width it keeps 0.59 or more;
another camera's picture has 0.33 to 0.48 of a full agreement where both show a dome's rim and a horizon."""

MOVED_FROM, MOVED_UNTIL = 0.01, 0.006
"""Shares of the width. Half a degree at 50 degrees of view: more than the error assumed for a pose (0.3)."""
BETTER = 0.06
"""How much better a shift must agree than none."""

SUDDEN_S = 10.0
STRONG = 0.6  # edges, as a share of the usual: fog and blur have fewer
DAYLIGHT = 50.0  # mean grey level; lamps and infrared light make another picture of the same view
UNRECOGNISED_S = 600.0
"""An inherited view that is not recognised for so long was turned while nobody looked."""
RELEARN_S = 3600.0
"""A view that slowly became unrecognisable for so long, edges and all (snow, harvest), is learned anew."""


class Anchor:
    """Compares a view's edges with its reference. One per view."""

    def __init__(self, reference: Field | None = None) -> None:
        self._reference = reference
        self._inherited = reference is not None
        self._looks = 0 if reference is None else FEWEST_LOOKS
        self._registered_at: datetime | None = None
        self._renewed_at: datetime | None = None
        self._found_at: datetime | None = None
        self._found_light = 0.0
        self._usual_agreement: float | None = None
        self._usual_strength = 0.0
        self._turned_away = False
        self._moved: bool | None = None
        self.registration: Registration | None = None
        self.shift: Shift | None = None
        """Where the view lies, as far as it was recognised in the newest picture."""

    @property
    def reference(self) -> Field | None:
        """To be given to the next process; None until the view is known."""
        return self._reference if self._looks > FEWEST_LOOKS else None

    def observe(self, now: Measures, at: datetime) -> bool | None:
        """Has the view moved? None: it cannot be recognised. Registers now and then; between, the last answer
        holds."""
        if self._reference is None or self._reference.shape != now.edges.shape:
            self._learn(now, at)
            return None
        since_s = (at - self._registered_at).total_seconds() if self._registered_at else math.inf
        if since_s < REGISTER_EVERY_S and self._looks > FEWEST_LOOKS:
            return self._moved
        self._registered_at = at
        self._looks += 1
        self.registration = register(now.edges, self._reference)
        if self._looks <= FEWEST_LOOKS:
            self._renew(now.edges, at)
            self._moved = None
        elif self._is_recognised(self.registration):
            self._moved = self._judge_place(self.registration, now, at)
        else:
            self._moved = self._judge_loss(now, at, since_s)
        return self._moved

    def _is_recognised(self, found: Registration) -> bool:
        usual = self._usual_agreement
        return found.agreement >= AGREES and (usual is None or found.agreement >= AGREES_SHARE * usual)

    def _judge_place(self, found: Registration, now: Measures, at: datetime) -> bool | None:
        self._turned_away = False
        self.shift = found.shift
        self._found_at, self._found_light = at, now.mean
        if found.shift.size >= MOVED_FROM and found.agreement - found.in_place >= BETTER:
            return True
        weight = self._renew(moved_back(now.edges, found.shift), at)
        usual = self._usual_agreement
        self._usual_agreement = (
            found.agreement if usual is None else usual + weight * (found.agreement - usual)
        )
        strength = _strength(now.edges)
        self._usual_strength += (weight if self._usual_strength else 1.0) * (strength - self._usual_strength)
        return False if found.shift.size < MOVED_UNTIL else None

    def _judge_loss(self, now: Measures, at: datetime, interval_s: float) -> bool | None:
        self.shift = None
        if self._found_at is None:  # never recognised by this process
            assert self._reference is not None
            self._found_at, self._found_light = at, DAYLIGHT
            self._usual_strength = _strength(self._reference)
        lost_s = (at - self._found_at).total_seconds()
        is_strong = _strength(now.edges) >= STRONG * self._usual_strength
        if not is_strong or now.mean < DAYLIGHT or self._found_light < DAYLIGHT:
            return None
        if self._usual_agreement is not None:
            self._turned_away |= lost_s <= max(SUDDEN_S, 1.5 * interval_s)
        elif self._inherited:
            self._turned_away |= lost_s >= UNRECOGNISED_S
        if not self._turned_away and lost_s >= RELEARN_S:
            self._learn(now, at)
        return self._turned_away or None

    def _learn(self, now: Measures, at: datetime) -> None:
        self._reference, self._looks, self._inherited = now.edges.copy(), 1, False
        self._registered_at = self._renewed_at = self._found_at = at
        self._found_light = now.mean
        self._usual_agreement, self._usual_strength = None, 0.0
        self._moved, self._turned_away = None, False

    def _renew(self, edges: Field, at: datetime) -> float:
        assert self._reference is not None
        since_s = (at - self._renewed_at).total_seconds() if self._renewed_at is not None else 0.0
        weight = renewal(since_s, self._looks)
        self._reference = self._reference + np.float32(weight) * (edges - self._reference)
        self._renewed_at = at
        return weight


def renewal(interval_s: float, looks: int) -> float:
    """How much of a new picture goes into the memory; at first their plain mean.

    >>> renewal(2.0, 1), renewal(2.0, 4), round(renewal(60.0, 100), 3)
    (1.0, 0.25, 0.095)
    """
    return max(1.0 / max(1, looks), 1.0 - math.exp(-max(0.0, interval_s) / RENEWED_S))


def _strength(edges: Field) -> float:
    return math.sqrt(float((edges * edges).sum()))
