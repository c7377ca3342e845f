"""The figures of a profile chosen on some masts and judged on others: what to expect of figures chosen so.

Figures that were chosen on the footage that judges them flatter. So every mast (its cameras share weather,
light and lens) is left out in turn: the figures are chosen on the footage of all other masts and judged on
those it never saw. Raw detections are made once (`detector.evaluation.scoring`); all this is done with them.

What is chosen, and by what (`RECALL_WEIGHT` says how eager a profile is meant to be):

1. The threshold of a single look: by the F of pictures, recall weighing so many times as much as precision.
2. The reference and evidence of a track and those of a place, all four at once: by the F of pictures judged
   by their view, less a fortieth (the footage after ignition is forty minutes long) for each minute it takes
   on average to find a well-boxed fire, and for each false sighting in so many camera-days.

Equals go to the more cautious figures. Footage the network was trained on may help to choose, it is never
judged: its scores are learned by heart. Not for: shipping what it chooses. A person does that, who has seen
the rendered dust and fog as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

from detector.confirmation import Policy
from detector.evaluation.footage import FilmedSequence
from detector.evaluation.images import NOT_FOUND_MIN, ImageFigures, Intervals, count, intervals
from detector.evaluation.report import follow_sequence, judged_pictures
from detector.evaluation.scoring import Scores, with_figures
from detector.evaluation.sightings import SequenceFigures, SequenceOutcome, judge, summarise
from detector.registry import Profile, ProfileName

RECALL_WEIGHT: Mapping[ProfileName, float] = {"sensitive": 4.0, "balanced": 1.0, "quiet": 0.25}

THRESHOLDS = (0.03, 0.05, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3)
REFERENCES = (0.08, 0.13, 0.18, 0.23, 0.28)
EVIDENCE_SCORE_S = (1.5, 3.0, 4.5)
LASTING_REFERENCES = (0.03, 0.05, 0.08, 0.1, 0.12, 0.15)
LASTING_EVIDENCE_SCORE_S = (3.0, 5.0, 7.5, 10.0, 15.0)


@dataclass(frozen=True)
class Judged:
    """What figures amount to on the sequences they are judged on; intervals are over sequences."""

    views: ImageFigures
    views_intervals: Intervals
    looks: ImageFigures
    looks_intervals: Intervals
    sequence: SequenceFigures


@dataclass(frozen=True)
class Fold:
    """One mast held out, and the figures chosen on the others."""

    mast: str
    sequences: int
    chosen: Profile


@dataclass(frozen=True)
class CrossValidation:
    """One profile: the shipped figures, those chosen with everything in sight, and those of the folds."""

    shipped: Profile
    shipped_judged: Judged
    in_sight: Profile
    in_sight_judged: Judged
    folds: tuple[Fold, ...]
    out_of_fold: Judged
    choosing: int
    """Sequences that help to choose."""
    judging: int
    """Those of them the network was not trained on."""

    def document(self) -> dict[str, Any]:
        """Everything, for a JSON file."""
        return {
            "recall_weight": RECALL_WEIGHT[self.shipped.name],
            "sequences.choosing": self.choosing,
            "sequences.judging": self.judging,
            "shipped": {**chosen_figures(self.shipped), **_named(self.shipped_judged)},
            "in_sight": {**chosen_figures(self.in_sight), **_named(self.in_sight_judged)},
            "out_of_fold": _named(self.out_of_fold),
            "folds": [
                {"mast": fold.mast, "sequences": fold.sequences, **chosen_figures(fold.chosen)}
                for fold in self.folds
            ],
        }


def cross_validate(
    sequences: Sequence[FilmedSequence],
    scores: Scores,
    profiles: Sequence[Profile],
    trained_on: Iterable[str] = (),
) -> list[CrossValidation]:
    """Each profile, one mast left out after the other. Only sequences with a sound clock count."""
    sound = [sequence for sequence in sequences if sequence.clock == "sound"]
    known = frozenset(trained_on)
    unseen = [sequence for sequence in sound if sequence.name not in known]
    outcomes = _Outcomes(scores)
    found = []
    for profile in profiles:
        folds = tuple(
            Fold(
                mast,
                sum(sequence.mast == mast for sequence in unseen),
                outcomes.choose(profile, [sequence for sequence in sound if sequence.mast != mast]),
            )
            for mast in sorted({sequence.mast for sequence in unseen})
        )
        in_sight = outcomes.choose(profile, sound)
        by_mast = {fold.mast: fold.chosen for fold in folds}
        found.append(
            CrossValidation(
                profile,
                outcomes.judged((sequence, profile) for sequence in unseen),
                in_sight,
                outcomes.judged((sequence, in_sight) for sequence in unseen),
                folds,
                outcomes.judged((sequence, by_mast[sequence.mast]) for sequence in unseen),
                len(sound),
                len(unseen),
            )
        )
    return found


def chosen_figures(profile: Profile) -> dict[str, float]:
    """The figures of a profile that are chosen here."""
    policy = profile.policy
    return {
        "threshold": profile.threshold,
        "reference_score": policy.reference_score,
        "evidence_to_confirm_score_s": policy.evidence_to_confirm_score_s,
        "lasting_reference_score": policy.lasting_reference_score,
        "lasting_evidence_score_s": policy.lasting_evidence_score_s,
    }


def f_score(figures: ImageFigures, recall_weight: float) -> float:
    """F of pictures, recall weighing `recall_weight` times as much as precision (1: F1, 4: F2).

    >>> f_score(ImageFigures(8, 2, 9, 8), 1.0) == ImageFigures(8, 2, 9, 8).f1
    True
    """
    hits = (1 + recall_weight) * figures.true_positives
    whole = hits + recall_weight * figures.false_negatives + figures.false_positives
    return hits / whole if whole else 0.0


def cost_min(figures: SequenceFigures, recall_weight: float) -> float:
    """Mean minutes to find a fire, and one more for each false sighting in `recall_weight` camera-days.

    False ones after ignition, beside the fire, count as well; the hours are those before it.
    """
    false = figures.false_sightings + figures.false_after
    days = figures.camera_hours_before / 24
    return (figures.ttd_mean_min or 0.0) + (false / days / recall_weight if days else 0.0)


class _Outcomes:
    """What scored sequences amount to, each worked out once for every policy and threshold that is tried."""

    def __init__(self, scores: Scores) -> None:
        self._scores = scores
        self._looks: dict[tuple[str, float], ImageFigures] = {}
        self._views: dict[tuple[str, Policy], tuple[ImageFigures, SequenceOutcome]] = {}

    def choose(self, profile: Profile, sequences: Sequence[FilmedSequence]) -> Profile:
        """The profile with the figures these sequences ask for."""
        weight = RECALL_WEIGHT[profile.name]

        def worth_of_looks(tried: Profile) -> float:
            return f_score(_sum(self.looks(sequence, tried) for sequence in sequences), weight)

        def worth_of_policy(tried: Profile) -> float:
            views, outcomes = zip(*(self.views(sequence, tried) for sequence in sequences), strict=True)
            return f_score(_sum(views), weight) - cost_min(summarise(outcomes), weight) / NOT_FOUND_MIN

        profile = _best((replace(profile, threshold=threshold) for threshold in THRESHOLDS), worth_of_looks)
        policies = product(REFERENCES, EVIDENCE_SCORE_S, LASTING_REFERENCES, LASTING_EVIDENCE_SCORE_S)
        return _best(
            (
                with_figures(
                    profile,
                    reference_score=reference,
                    evidence_to_confirm_score_s=evidence,
                    lasting_reference_score=lasting_reference,
                    lasting_evidence_score_s=lasting_evidence,
                )
                for reference, evidence, lasting_reference, lasting_evidence in policies
            ),
            worth_of_policy,
        )

    def judged(self, each: Iterable[tuple[FilmedSequence, Profile]]) -> Judged:
        """What sequences, each with a profile of its own, amount to together."""
        pairs = list(each)
        looks = [self.looks(*pair) for pair in pairs]
        views = [self.views(*pair) for pair in pairs]
        counts = [counted for counted, _ in views]
        return Judged(
            _sum(counts),
            intervals(counts),
            _sum(looks),
            intervals(looks),
            summarise([outcome for _, outcome in views]),
        )

    def looks(self, sequence: FilmedSequence, profile: Profile) -> ImageFigures:
        key = (sequence.name, profile.threshold)
        if key not in self._looks:
            self._looks[key] = count(judged_pictures(sequence, self._scores, None), profile.threshold)
        return self._looks[key]

    def views(self, sequence: FilmedSequence, profile: Profile) -> tuple[ImageFigures, SequenceOutcome]:
        key = (sequence.name, profile.policy)
        if key not in self._views:
            followed = follow_sequence(sequence, self._scores, profile)
            pictures = judged_pictures(sequence, self._scores, followed)
            counted = count(pictures, profile.policy.lasting_evidence_score_s)
            self._views[key] = counted, judge(sequence, followed.sightings)
        return self._views[key]


def _best(candidates: Iterable[Profile], worth: Callable[[Profile], float]) -> Profile:
    """The candidate of most worth; of equals the last, for the more cautious come later."""
    best, most = None, float("-inf")
    for candidate in candidates:
        own = round(worth(candidate), 6)
        if own >= most:
            best, most = candidate, own
    if best is None:
        raise ValueError("nothing to choose from")
    return best


def _sum(figures: Iterable[ImageFigures]) -> ImageFigures:
    total = ImageFigures(0, 0, 0, 0)
    for one in figures:
        total = total.plus(one)
    return total


def _named(judged: Judged) -> dict[str, Any]:
    return {
        **{f"image.{name}": round(value, 4) for name, value in judged.views.ratios().items()},
        "image.intervals90": judged.views_intervals,
        **{f"image.single_look.{name}": round(value, 4) for name, value in judged.looks.ratios().items()},
        "image.single_look.intervals90": judged.looks_intervals,
        **{f"sequence.{name}": value for name, value in asdict(judged.sequence).items()},
    }
