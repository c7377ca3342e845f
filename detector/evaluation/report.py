"""All figures of one evaluation under their published names, and the sweeps printed for information.

Which sequences count where:

| sequence | box | image | false sightings | finds |
|---|---|---|---|---|
| sound clock, >= 10 boxed pictures ("well boxed") | yes | yes | yes | yes |
| sound clock, fewer boxes | yes | yes | yes | shown apart |
| weak clock, undated | yes | no | no | no |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from detector.detection import LABELS
from detector.errors import FootageError
from detector.evaluation.boxes import (
    SIZE_LIMITS_PX,
    BoxedPicture,
    average_precision_of,
    mean_average_precision,
)
from detector.evaluation.footage import FilmedSequence
from detector.evaluation.images import (
    ImageFigures,
    ImageLevel,
    JudgedPicture,
    always,
    count,
    has_smoke,
    image_level,
)
from detector.evaluation.scoring import Followed, Scores, follow, with_figures
from detector.evaluation.sightings import SequenceFigures, SequenceOutcome, judge, summarise
from detector.registry import Model, Profile

SWEPT_THRESHOLDS = (0.02, *(round(0.05 * step, 2) for step in range(1, 19)))
SWEPT_EVIDENCE = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0)  # times the profile's
SWEPT_REFERENCE = (-0.05, -0.03, 0.0, 0.03, 0.05, 0.1)  # added to the profile's


@dataclass(frozen=True)
class SweptPolicy:
    """Sequence figures with the profile's policy changed in two places."""

    reference_score: float
    evidence_to_confirm_score_s: float
    figures: SequenceFigures


@dataclass(frozen=True)
class Evaluation:
    """One model and profile on one set of sequences."""

    model_id: str
    profile: Profile
    split: str | None
    sequences: int
    pictures: int
    bad_pictures: int
    views: ImageLevel
    """Pictures judged by the evidence of their view, from this picture and earlier ones."""
    views_well_boxed: ImageLevel
    looks: ImageLevel
    """Pictures judged alone, by their strongest detection and the profile's threshold."""
    looks_well_boxed: ImageLevel
    always_yes: ImageFigures
    always_no: ImageFigures
    map50: Mapping[str, float | None]
    boxed_pictures: int
    outcomes: tuple[SequenceOutcome, ...]
    sequence: SequenceFigures
    threshold_sweep: tuple[tuple[float, ImageFigures, ImageFigures], ...]
    policy_sweep: tuple[SweptPolicy, ...]
    seen_in_training: bool
    training_unknown: bool

    def figures(self) -> dict[str, Any]:
        """The figures by their published names."""
        values = {
            "model_id": self.model_id,
            "profile": self.profile.name,
            "split": self.split,
            "threshold": self.profile.threshold,
            "sequences": self.sequences,
            "pictures": self.pictures,
            "bad_pictures": self.bad_pictures,
            "lasting_evidence_score_s": self.profile.policy.lasting_evidence_score_s,
            **_level("image", self.views),
            **_level("image.well_boxed", self.views_well_boxed),
            **_level("image.single_look", self.looks),
            **_level("image.single_look.well_boxed", self.looks_well_boxed),
            **_named("image.always_yes", self.always_yes),
            **_named("image.always_no", self.always_no),
            **{f"box.{name}": value for name, value in self.map50.items()},
            "box.pictures": self.boxed_pictures,
            **{f"sequence.{name}": value for name, value in asdict(self.sequence).items()},
            "sequence.false_per_hour": self.sequence.false_per_hour,
            "sequence.false_per_hour_bound95": self.sequence.false_per_hour_bound,
            "seen_in_training": self.seen_in_training,
            "training_unknown": self.training_unknown,
        }
        return {name: round(v, 4) if isinstance(v, float) else v for name, v in values.items()}

    def document(self) -> dict[str, Any]:
        """The figures, and below `details` every sequence and both sweeps."""
        return {
            **self.figures(),
            "details": {
                "policy": asdict(self.profile.policy),
                "intervals90": {
                    "image": self.views.intervals,
                    "image.well_boxed": self.views_well_boxed.intervals,
                    "image.single_look": self.looks.intervals,
                    "image.single_look.well_boxed": self.looks_well_boxed.intervals,
                },
                "sequences": [
                    {**asdict(outcome), "ttd_min": outcome.ttd_min, "delay_min": outcome.delay_min}
                    for outcome in self.outcomes
                ],
                "sweep_threshold": [
                    {
                        "threshold": threshold,
                        **_named("image.single_look", every),
                        **_named("image.single_look.well_boxed", well_boxed),
                    }
                    for threshold, every, well_boxed in self.threshold_sweep
                ],
                "sweep_policy": [
                    {
                        "reference_score": swept.reference_score,
                        "evidence_to_confirm_score_s": swept.evidence_to_confirm_score_s,
                        **{f"sequence.{name}": value for name, value in asdict(swept.figures).items()},
                    }
                    for swept in self.policy_sweep
                ],
            },
        }


def refuse_training_data(model: Model, sequences: Sequence[FilmedSequence], *, include_train: bool) -> bool:
    """Whether any sequence was trained on; raises FootageError naming them unless that is wanted."""
    seen = sorted(sequence.name for sequence in sequences if sequence.name in (model.trained_on or ()))
    if seen and not include_train:
        raise FootageError(
            f"model {model.name} was trained on {len(seen)} of these sequences ({', '.join(seen[:4])}"
            f"{', ...' if len(seen) > 4 else ''}), figures on them would mislead; choose others "
            "(--split val), or give --include-train to label every figure as seen in training"
        )
    return bool(seen)


def evaluate(
    sequences: Sequence[FilmedSequence],
    scores: Scores,
    profile: Profile,
    *,
    split: str | None = None,
    seen_in_training: bool = False,
    training_unknown: bool = False,
    sweep: bool = True,
) -> Evaluation:
    """Figures of scored footage at one profile."""
    sound = [sequence for sequence in sequences if sequence.clock == "sound"]
    well_boxed = [sequence for sequence in sound if sequence.well_boxed]
    followed = {sequence.name: follow_sequence(sequence, scores, profile) for sequence in sound}
    looks = {sequence.name: judged_pictures(sequence, scores, None) for sequence in sound}
    views = {sequence.name: judged_pictures(sequence, scores, followed[sequence.name]) for sequence in sound}
    every = [picture for sequence in sound for picture in looks[sequence.name]]
    every_well_boxed = [picture for sequence in well_boxed for picture in looks[sequence.name]]
    enough = profile.policy.lasting_evidence_score_s
    boxed = _boxed_pictures(sequences, scores)
    outcomes = [judge(sequence, followed[sequence.name].sightings) for sequence in sound]
    all_pictures = [picture for sequence in sequences for picture in scores.pictures[sequence.name]]
    return Evaluation(
        model_id=scores.model_id,
        profile=profile,
        split=split,
        sequences=len(sequences),
        pictures=len(all_pictures),
        bad_pictures=sum(picture.bad_picture is not None for picture in all_pictures),
        views=image_level([views[sequence.name] for sequence in sound], enough),
        views_well_boxed=image_level([views[sequence.name] for sequence in well_boxed], enough),
        looks=image_level([looks[sequence.name] for sequence in sound], profile.threshold),
        looks_well_boxed=image_level([looks[sequence.name] for sequence in well_boxed], profile.threshold),
        always_yes=always(every, yes=True),
        always_no=always(every, yes=False),
        map50={
            "map50": mean_average_precision(boxed),
            **{f"map50_{size}": mean_average_precision(boxed, size) for size in SIZE_LIMITS_PX},
            **{f"ap50_{label}": average_precision_of(boxed, label) for label in LABELS},
        },
        boxed_pictures=len(boxed),
        outcomes=tuple(outcomes),
        sequence=summarise(outcomes),
        threshold_sweep=tuple(
            (threshold, count(every, threshold), count(every_well_boxed, threshold))
            for threshold in SWEPT_THRESHOLDS
        ),
        policy_sweep=tuple(_swept(sound, scores, profile)) if sweep else (),
        seen_in_training=seen_in_training,
        training_unknown=training_unknown,
    )


def follow_sequence(sequence: FilmedSequence, scores: Scores, profile: Profile) -> Followed:
    """What tracking and confirmation make of one scored sequence."""
    return follow(scores.pictures[sequence.name], sequence.name, profile, scores.model_id)


def _swept(sound: Sequence[FilmedSequence], scores: Scores, profile: Profile) -> list[SweptPolicy]:
    swept = []
    for shift in SWEPT_REFERENCE:
        reference = round(profile.policy.reference_score + shift, 3)
        if not 0 < reference < 1:
            continue
        for factor in SWEPT_EVIDENCE:
            evidence = round(profile.policy.evidence_to_confirm_score_s * factor, 3)
            changed = with_figures(profile, reference_score=reference, evidence_to_confirm_score_s=evidence)
            outcomes = [
                judge(sequence, follow_sequence(sequence, scores, changed).sightings) for sequence in sound
            ]
            swept.append(SweptPolicy(reference, evidence, summarise(outcomes)))
    return swept


def judged_pictures(
    sequence: FilmedSequence, scores: Scores, followed: Followed | None
) -> list[JudgedPicture]:
    """Pictures of one sequence that are surely with or without smoke; bad pictures are not judged.

    By the evidence of the view where it was `followed`, else each by its own strongest detection.
    """
    judged = []
    for number, picture in enumerate(scores.pictures[sequence.name]):
        if picture.offset_s is None or picture.bad_picture is not None:
            continue
        smoke = has_smoke(sequence, picture.offset_s)
        score = picture.score if followed is None else followed.evidence_score_s[number]
        if smoke is not None and score is not None:
            judged.append(JudgedPicture(picture.offset_s, smoke, score))
    return judged


def _boxed_pictures(sequences: Sequence[FilmedSequence], scores: Scores) -> list[BoxedPicture]:
    """Pictures people drew boxes on (or said hold none), of every clock."""
    boxed = []
    for sequence in sequences:
        for picture, scored in zip(sequence.pictures, scores.pictures[sequence.name], strict=True):
            if picture.truth is not None:
                truth = tuple((t.label, t.in_px(scored.width_px, scored.height_px)) for t in picture.truth)
                boxed.append(BoxedPicture(scored.width_px, truth, scored.detections))
    return boxed


def _level(prefix: str, level: ImageLevel) -> dict[str, float | int | None]:
    figures = level.figures
    return {
        **_named(prefix, figures),
        f"{prefix}.prevalence": figures.prevalence if figures.pictures else None,
        f"{prefix}.auc": level.auc,
        f"{prefix}.ttd_mean_min": level.ttd_mean_min,
        f"{prefix}.ttd_median_min": level.ttd_median_min,
    }


def _named(prefix: str, figures: ImageFigures) -> dict[str, float | int | None]:
    named = {
        f"{prefix}.{name}": value if figures.pictures else None for name, value in figures.ratios().items()
    }
    return {**named, f"{prefix}.pictures": figures.pictures}
