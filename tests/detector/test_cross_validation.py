"""Figures of a profile chosen on some masts and judged on others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from handmade import filmed, found, scored

from detector.confirmation import Policy
from detector.detection import Box
from detector.evaluation import cross_validation
from detector.evaluation.cross_validation import CrossValidation, cost_min, cross_validate, f_score
from detector.evaluation.footage import FilmedSequence
from detector.evaluation.images import ImageFigures
from detector.evaluation.scoring import ScoredPicture, Scores
from detector.evaluation.sightings import SequenceFigures
from detector.registry import Profile

SHIPPED = Profile("balanced", 0.3, Policy())
CLOUD = Box(400, 40, 440, 80)


@pytest.fixture(autouse=True)
def few_figures_to_choose_from(monkeypatch):
    monkeypatch.setattr(cross_validation, "THRESHOLDS", (0.1, 0.3, 0.5))
    monkeypatch.setattr(cross_validation, "REFERENCES", (0.1, 0.3))
    monkeypatch.setattr(cross_validation, "EVIDENCE_SCORE_S", (1.5,))
    monkeypatch.setattr(cross_validation, "LASTING_REFERENCES", (0.1, 0.3))
    monkeypatch.setattr(cross_validation, "LASTING_EVIDENCE_SCORE_S", (5.0,))


def fire(
    name: str, mast: str, smoke: float, cloud: float = 0.0, clock="sound"
) -> tuple[FilmedSequence, tuple[ScoredPicture, ...]]:
    """Ten quiet minutes, ten of a cloud that scores `cloud`, twenty of a boxed fire that scores `smoke`."""
    sequence = replace(filmed(name, offsets=range(-1200, 1201, 60), boxed_from=0, clock=clock), mast=mast)
    pictures = scored(sequence, dict.fromkeys(range(0, 1201, 60), smoke))
    return sequence, tuple(
        replace(p, detections=(found(cloud, CLOUD),)) if cloud and -600 <= p.offset_s < 0 else p
        for p in pictures
    )


def chosen_on(*fires: tuple[FilmedSequence, tuple[ScoredPicture, ...]], trained_on=()) -> CrossValidation:
    scores = Scores("m", {sequence.name: pictures for sequence, pictures in fires})
    return cross_validate([sequence for sequence, _ in fires], scores, [SHIPPED], trained_on)[0]


def test_a_mast_has_no_say_in_the_figures_it_is_judged_by():
    faint, cloudy = fire("faint", "hp", 0.25), fire("cloudy", "rm", 0.6, cloud=0.28)
    found_here = chosen_on(faint, cloudy)
    by_mast = {fold.mast: fold.chosen for fold in found_here.folds}
    assert by_mast["hp"].threshold == 0.5, "chosen on the cloudy mast alone"
    assert by_mast["rm"].threshold == 0.1, "chosen on the mast of the faint fire alone"
    assert found_here.out_of_fold.looks.true_positives == 21, "the faint fire is missed"
    assert found_here.out_of_fold.looks.false_positives == 10, "the cloud is reported"
    assert found_here.out_of_fold.sequence.found == 0.5
    assert found_here.out_of_fold.sequence.false_sightings == 1


def test_sequences_of_one_mast_are_left_out_together():
    found_here = chosen_on(fire("a", "hp", 0.25), fire("b", "hp", 0.25), fire("c", "rm", 0.6, cloud=0.28))
    assert [(fold.mast, fold.sequences) for fold in found_here.folds] == [("hp", 2), ("rm", 1)]
    assert found_here.folds[0].chosen.threshold == 0.5


def test_equals_go_to_the_more_cautious_figures():
    found_here = chosen_on(fire("a", "hp", 0.9), fire("b", "rm", 0.9))
    assert found_here.in_sight.threshold == 0.5
    assert found_here.in_sight.policy.lasting_reference_score == 0.3


def test_footage_the_network_has_seen_helps_to_choose_and_is_not_judged():
    found_here = chosen_on(fire("a", "hp", 0.6), fire("seen", "lp", 0.25), trained_on=["seen"])
    assert (found_here.choosing, found_here.judging) == (2, 1)
    assert [fold.mast for fold in found_here.folds] == ["hp"]
    assert found_here.folds[0].chosen.threshold == 0.1
    assert found_here.out_of_fold.looks.pictures == 41


def test_a_doubtful_clock_has_no_say_at_all():
    found_here = chosen_on(fire("a", "hp", 0.6), fire("b", "rm", 0.6), fire("c", "om", 0.2, clock="weak"))
    assert (found_here.choosing, found_here.judging) == (2, 2)


def test_an_eager_profile_weighs_recall_and_a_quiet_one_precision():
    eager, quiet = ImageFigures(18, 12, 8, 2), ImageFigures(10, 0, 20, 10)
    assert f_score(eager, 4.0) > f_score(quiet, 4.0)
    assert f_score(eager, 0.25) < f_score(quiet, 0.25)


@pytest.mark.parametrize(("weight", "minutes"), [(1.0, 12.0), (4.0, 9.0), (0.25, 24.0)])
def test_a_false_sighting_costs_as_many_minutes_as_the_profile_says(weight, minutes):
    figures = SequenceFigures(6, 1.0, 8.0, 8.0, 0.0, 1, 3, 0, camera_hours_before=24.0)
    assert cost_min(figures, weight) == minutes
