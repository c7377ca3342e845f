"""Image level: does the detector say smoke at a picture while there is smoke.

Judged in two ways, with the same counts: by the **view**, whose evidence comes from this picture and those
before it (`detector.place_evidence`; nothing later is used), and by the **single look** alone.

Positive pictures are those from ignition on (offset >= 0), whether boxed or not; negative ones lie before
ignition and before the first boxed picture; the few between a first box and a later recorded ignition are
left out.
"""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median

from detector.evaluation.footage import FilmedSequence

NOT_FOUND_MIN = 40.0
"""A fire that is not found counts as found at the end of the footage, 40 minutes after ignition."""


@dataclass(frozen=True)
class JudgedPicture:
    """The strongest detection of a picture, or the evidence after it (0: none); whether there is smoke."""

    offset_s: float
    smoke: bool
    score: float


@dataclass(frozen=True)
class ImageFigures:
    """Counts of pictures at one threshold, and what follows from them. Undefined ratios are 0."""

    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int

    @property
    def pictures(self) -> int:
        return self.true_positives + self.false_positives + self.true_negatives + self.false_negatives

    @property
    def precision(self) -> float:
        return _share(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        return _share(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float:
        return _share(
            2 * self.true_positives, 2 * self.true_positives + self.false_positives + self.false_negatives
        )

    @property
    def accuracy(self) -> float:
        return _share(self.true_positives + self.true_negatives, self.pictures)

    @property
    def prevalence(self) -> float:
        """Share of pictures with smoke: the precision of always saying yes."""
        return _share(self.true_positives + self.false_negatives, self.pictures)

    def plus(self, other: ImageFigures) -> ImageFigures:
        return ImageFigures(
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.true_negatives + other.true_negatives,
            self.false_negatives + other.false_negatives,
        )

    def ratios(self) -> dict[str, float]:
        """The four ratios by their published names."""
        return {
            "f1": self.f1, "precision": self.precision, "recall": self.recall, "accuracy": self.accuracy
        }  # fmt: skip


Intervals = Mapping[str, tuple[float, float]]
REPEATS = 1000


@dataclass(frozen=True)
class ImageLevel:
    """One way of judging pictures on some sequences: the figures and how sure they are."""

    figures: ImageFigures
    intervals: Intervals
    """For each ratio the middle nine tenths of what other such sequences would have given (bootstrap)."""
    auc: float | None
    ttd_mean_min: float | None
    ttd_median_min: float | None


def image_level(sequences: Sequence[Sequence[JudgedPicture]], threshold: float) -> ImageLevel:
    """The image level of sequences of judged pictures."""
    every = [picture for pictures in sequences for picture in pictures]
    times = [time_to_detection_min(pictures, threshold) for pictures in sequences]
    counts = [count(pictures, threshold) for pictures in sequences]
    return ImageLevel(
        count(every, threshold), intervals(counts), area_under_roc(every), *mean_and_median(times)
    )


def intervals(counts: Sequence[ImageFigures]) -> Intervals:
    """Bootstrap over whole sequences, for the pictures of one are alike; 5 and 95 %, with a fixed seed.

    >>> same = [ImageFigures(8, 2, 8, 2)] * 3
    >>> intervals(same)["precision"]
    (0.8, 0.8)
    """
    if not counts:
        return {}
    chance = random.Random(0)
    drawn = []
    for _ in range(REPEATS):
        total = ImageFigures(0, 0, 0, 0)
        for one in chance.choices(counts, k=len(counts)):
            total = total.plus(one)
        drawn.append(total.ratios())
    found = {}
    for name in drawn[0]:
        ordered = sorted(ratios[name] for ratios in drawn)
        found[name] = (ordered[REPEATS // 20], ordered[-REPEATS // 20 - 1])
    return found


def has_smoke(sequence: FilmedSequence, offset_s: float) -> bool | None:
    """Whether a picture at `offset_s` is positive, negative, or (None) neither."""
    if offset_s >= 0:
        return True
    first = sequence.first_boxed_s
    return False if first is None or offset_s < first else None


def count(pictures: Iterable[JudgedPicture], threshold: float) -> ImageFigures:
    """Figures when a picture says smoke from `threshold` on.

    >>> found = count([JudgedPicture(0, True, 0.6), JudgedPicture(-60, False, 0.2)], 0.5)
    >>> found.precision, found.recall, found.accuracy
    (1.0, 1.0, 1.0)
    """
    counts = {(smoke, said): 0 for smoke in (True, False) for said in (True, False)}
    for picture in pictures:
        counts[picture.smoke, picture.score >= threshold] += 1
    return ImageFigures(counts[True, True], counts[False, True], counts[False, False], counts[True, False])


def always(pictures: Sequence[JudgedPicture], *, yes: bool) -> ImageFigures:
    """The baselines: a detector that always says yes, or never."""
    return count(pictures, 0.0 if yes else 2.0)


def area_under_roc(pictures: Sequence[JudgedPicture]) -> float | None:
    """How often a picture with smoke scores above one without (ties count half); None without both kinds.

    >>> area_under_roc([JudgedPicture(0, True, 0.6), JudgedPicture(-60, False, 0.2)])
    1.0
    """
    smoke = sorted(picture.score for picture in pictures if picture.smoke)
    clear = [picture.score for picture in pictures if not picture.smoke]
    if not smoke or not clear:
        return None
    above = sum(len(smoke) - (bisect_left(smoke, c) + bisect_right(smoke, c)) / 2 for c in clear)
    return above / (len(smoke) * len(clear))


def time_to_detection_min(pictures: Sequence[JudgedPicture], threshold: float) -> float:
    """Minutes from ignition to the first picture at or after it that says smoke; 40 where none does."""
    offsets = [
        picture.offset_s for picture in pictures if picture.offset_s >= 0 and picture.score >= threshold
    ]
    return min(min(offsets) / 60, NOT_FOUND_MIN) if offsets else NOT_FOUND_MIN


def mean_and_median(values: Sequence[float]) -> tuple[float | None, float | None]:
    return (mean(values), median(values)) if values else (None, None)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
