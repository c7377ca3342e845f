"""Sequence level: is the fire found, when, and how often was something else reported.

A sighting's time is when it was confirmed. Before ignition it is false, even if it is still open at
ignition. From ignition on it finds the fire when its box meets a box of the boxed picture nearest in time
(both widened by half), and is false after ignition otherwise; where a sequence has no boxed picture at all
it cannot be placed and is shown apart. One cause at one place counts again after ten minutes without it:
that is the confirmation policy's own rule, so sightings are counted as they come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from statistics import mean, median

from detector.confirmation import meets
from detector.detection import Sighting
from detector.evaluation.footage import FilmedSequence
from detector.evaluation.images import NOT_FOUND_MIN

FOUND_WITHIN_MIN = 15.0


@dataclass(frozen=True)
class TimedSighting:
    """A sighting and the offset from ignition at which it was confirmed."""

    offset_s: float
    sighting: Sighting


@dataclass(frozen=True)
class SequenceOutcome:
    """What the sightings of one sequence amount to."""

    name: str
    well_boxed: bool
    found_s: float | None
    first_boxed_s: float | None
    false_before: int
    false_after: int
    unplaced_after: int
    hours_before: float

    @property
    def ttd_min(self) -> float:
        return NOT_FOUND_MIN if self.found_s is None else min(self.found_s / 60, NOT_FOUND_MIN)

    @property
    def delay_min(self) -> float | None:
        """Minutes from the first boxed picture to the find (negative: found before people drew it)."""
        return None if self.first_boxed_s is None else self.ttd_min - self.first_boxed_s / 60


@dataclass(frozen=True)
class SequenceFigures:
    """Finds over the well-boxed fires, false sightings over all sequences with a sound clock."""

    fires: int
    found: float | None
    ttd_mean_min: float | None
    ttd_median_min: float | None
    delay_median_min: float | None
    false_sightings: int
    false_after: int
    unplaced_after: int
    camera_hours_before: float

    @property
    def false_per_hour(self) -> float:
        return self.false_sightings / self.camera_hours_before if self.camera_hours_before else 0.0

    @property
    def false_per_hour_bound(self) -> float | None:
        """95 % upper bound of the false rate."""
        hours = self.camera_hours_before
        return poisson_upper_bound(self.false_sightings) / hours if hours else None


def judge(sequence: FilmedSequence, sightings: Sequence[TimedSighting]) -> SequenceOutcome:
    """Sort the sightings of one sequence into finds and false ones."""
    before = [s for s in sightings if s.offset_s < 0]
    after = sorted((s for s in sightings if s.offset_s >= 0), key=lambda s: s.offset_s)
    placed = [s for s in after if _finds_fire(sequence, s)] if sequence.boxed else []
    return SequenceOutcome(
        name=sequence.name,
        well_boxed=sequence.well_boxed,
        found_s=placed[0].offset_s if placed else None,
        first_boxed_s=sequence.first_boxed_s,
        false_before=len(before),
        false_after=len(after) - len(placed) if sequence.boxed else 0,
        unplaced_after=0 if sequence.boxed else len(after),
        hours_before=sequence.hours_before,
    )


def summarise(outcomes: Sequence[SequenceOutcome]) -> SequenceFigures:
    """The published figures over sequences with a sound clock."""
    fires = [outcome for outcome in outcomes if outcome.well_boxed]
    times = [outcome.ttd_min for outcome in fires]
    delays = [outcome.delay_min for outcome in fires if outcome.delay_min is not None]
    return SequenceFigures(
        fires=len(fires),
        found=mean(time <= FOUND_WITHIN_MIN for time in times) if times else None,
        ttd_mean_min=mean(times) if times else None,
        ttd_median_min=median(times) if times else None,
        delay_median_min=median(delays) if delays else None,
        false_sightings=sum(outcome.false_before for outcome in outcomes),
        false_after=sum(outcome.false_after for outcome in outcomes),
        unplaced_after=sum(outcome.unplaced_after for outcome in outcomes),
        camera_hours_before=sum(outcome.hours_before for outcome in outcomes),
    )


def poisson_upper_bound(events: int, confidence: float = 0.95) -> float:
    """Largest mean count that still gives `events` or fewer with a chance of 1 - `confidence`.

    >>> round(poisson_upper_bound(0), 2), round(poisson_upper_bound(3), 2)
    (3.0, 7.75)
    """
    low, high = 0.0, 10.0 * (events + 3)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _chance_of_at_most(events, middle) > 1 - confidence else (low, middle)
    return (low + high) / 2


def _chance_of_at_most(events: int, mean_count: float) -> float:
    term = total = exp(-mean_count)
    for number in range(1, events + 1):
        term *= mean_count / number
        total += term
    return total


def _finds_fire(sequence: FilmedSequence, timed: TimedSighting) -> bool:
    nearest = min(sequence.boxed, key=lambda picture: abs((picture.offset_s or 0.0) - timed.offset_s))
    sighting = timed.sighting
    return any(
        meets(truth.in_px(sighting.width_px, sighting.height_px), sighting.box)
        for truth in nearest.truth or ()
    )
