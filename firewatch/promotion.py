"""Is a new model fit to take over? Both models pass one set of footage, and clearly worse is refused.

The set is the deployment's own where there is one: verdicts exported as labelled sequences, one an incident,
those of the split `frozen` in their `sequences.csv`; training must never see them. Without it the rendered
scenes in sample_videos/ stand in, which can show that something broke, not that anything got better.
Both profiles are `balanced`: each model is judged at the thresholds it brings.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from config import LookSettings
from detector.detection import Box, Sighting
from detector.errors import FootageError
from detector.evaluation import report
from detector.evaluation.footage import read_footage
from detector.evaluation.scoring import score_footage
from detector.pipeline import LookResult, Pipeline
from detector.registry import Model
from firewatch.replay import replay
from simulator.truth import GroundTruth
from streams.frame import Frame
from streams.recorded import VideoFile

FROZEN_SPLIT = "frozen"
RENDERED = Path(__file__).resolve().parent.parent / "sample_videos"
NEAR_PX = 60.0
MORE_FALSE = 1  # more false sightings than the current model's by more than this are clearly worse
FEWER_FOUND = 0.02  # of the fires


@dataclass(frozen=True)
class Outcome:
    """What one model made of the set."""

    model_id: str
    fires: int
    found: int
    false_sightings: int
    mean_delay_s: float | None
    """From ignition (rendered) or the first picture with smoke (verdicts) to confirmation, of those found."""


@dataclass(frozen=True)
class Comparison:
    """Two models on one set; `problem` says why the candidate is clearly worse, or is None."""

    set_name: str
    proves: str
    """What a good result says, in words."""
    current: Outcome
    candidate: Outcome

    @property
    def problem(self) -> str | None:
        lost = (self.current.found - self.candidate.found) / max(1, self.current.fires)
        if lost > FEWER_FOUND:
            return (
                f"finds {self.candidate.found} of {self.current.fires} fires, the current model "
                f"{self.current.found}"
            )
        if self.candidate.false_sightings > self.current.false_sightings + MORE_FALSE:
            return (
                f"{self.candidate.false_sightings} false sightings, the current model "
                f"{self.current.false_sightings}"
            )
        return None


def compare(current: Model, candidate: Model, verdicts: Path | None) -> Comparison:
    """Both models on the deployment's frozen verdicts, or on the rendered scenes. Raises FootageError."""
    if verdicts is not None:
        return Comparison(
            f"{verdicts} (this deployment's own verdicts, split {FROZEN_SPLIT})",
            "how both do on this deployment's cameras",
            *(_on_verdicts(model, verdicts) for model in (current, candidate)),
        )
    return Comparison(
        f"{RENDERED.name}/ (rendered scenes: a regression check)",
        "that nothing broke; not that anything got better",
        *(_on_rendered(model) for model in (current, candidate)),
    )


def _on_verdicts(model: Model, folder: Path) -> Outcome:
    sequences = read_footage(folder, FROZEN_SPLIT)
    report.refuse_training_data(model, sequences, include_train=False)
    profile = model.profile("balanced")
    scores = score_footage(sequences, model)
    figures = report.evaluate(sequences, scores, profile, split=FROZEN_SPLIT, sweep=False)
    outcomes = [outcome for outcome in figures.outcomes if outcome.first_boxed_s is not None]
    delays = [
        outcome.found_s - outcome.first_boxed_s
        for outcome in outcomes
        if outcome.found_s is not None and outcome.first_boxed_s is not None
    ]
    return Outcome(
        model.model_id,
        len(outcomes),
        len(delays),
        sum(outcome.false_before + outcome.false_after for outcome in figures.outcomes),
        sum(delays) / len(delays) if delays else None,
    )


def _on_rendered(model: Model) -> Outcome:
    truths = sorted(RENDERED.glob("*.json"))
    if not truths:
        raise FootageError(
            f"{RENDERED}: no rendered scenes; fetch the repository with its large files, or give --verdicts"
        )
    backend = model.open_backend()
    fires, delays, false = 0, [], 0
    for path in truths:
        truth, seen = GroundTruth.read(path), _Sightings()
        with VideoFile(path.with_suffix(".mp4"), truth.scene, interval_s=0.25) as source:
            replay(source, Pipeline(model, backend=backend), LookSettings(), [seen])
        right = [at_s for at_s, sighting in seen.kept if _is_true(sighting, truth)]
        false += len(seen.kept) - len(right)
        if truth.hazard is not None:
            fires += 1
            delays += [right[0] - truth.hazard.ignition_s] if right else []
    mean_s = sum(delays) / len(delays) if delays else None
    return Outcome(model.model_id, fires, len(delays), false, mean_s)


class _Sightings:
    """Keeps the sightings of a replay with their time in the footage."""

    def __init__(self) -> None:
        self.kept: list[tuple[float, Sighting]] = []

    def frame(self, frame: Frame, footage_s: float, latest: LookResult | None) -> None:
        del frame, footage_s, latest

    def look(self, frame: Frame, footage_s: float, result: LookResult) -> None:
        del frame
        self.kept += [(footage_s, sighting) for sighting in result.sightings]


def _is_true(sighting: Sighting, truth: GroundTruth) -> bool:
    """Whether something burns where the sighting is, give or take a little."""
    near = sighting.box
    reach = Box(near.x1 - NEAR_PX, near.y1 - NEAR_PX, near.x2 + NEAR_PX, near.y2 + NEAR_PX)
    return any(reach.intersection_px2(Box(b.x1, b.y1, b.x2, b.y2)) > 0 for b in truth.boxes)
