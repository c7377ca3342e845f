"""Every figure of an evaluation, on cases small enough to be counted by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from handmade import FIRE, START, filmed, found, scored

from detector.confirmation import Policy
from detector.detection import Box, Detection, Sighting
from detector.evaluation.boxes import BoxedPicture, mean_average_precision
from detector.evaluation.footage import FilmedSequence
from detector.evaluation.images import (
    JudgedPicture,
    always,
    area_under_roc,
    count,
    has_smoke,
    time_to_detection_min,
)
from detector.evaluation.report import Evaluation, evaluate
from detector.evaluation.scoring import Scores, follow
from detector.evaluation.sightings import TimedSighting, judge, poisson_upper_bound, summarise
from detector.registry import FALLBACK_PROFILES, Profile


def sighting(offset_s: float, box: Box = FIRE) -> TimedSighting:
    at = START + timedelta(seconds=offset_s)
    return TimedSighting(
        offset_s, Sighting("id", "c", None, "smoke", 0.6, at, at, box, 640, 480, (), "m", "balanced")
    )


# image level


def test_offsets_from_ignition_on_are_positive_and_before_it_negative():
    sequence = filmed(boxed_from=300)
    assert [has_smoke(sequence, o) for o in (-60, 0, 60, 300)] == [False, True, True, True]


def test_pictures_between_an_early_first_box_and_ignition_are_neither():
    sequence = filmed(boxed_from=-120)
    assert [has_smoke(sequence, o) for o in (-180, -120, -60, 0)] == [False, None, None, True]


def test_image_figures_follow_from_the_four_counts():
    pictures = [JudgedPicture(0, True, 0.6), JudgedPicture(60, True, 0.1), JudgedPicture(-60, False, 0.5)]
    pictures += [JudgedPicture(-120, False, 0.0)] * 2
    figures = count(pictures, 0.5)
    assert (figures.true_positives, figures.false_negatives) == (1, 1)
    assert (figures.false_positives, figures.true_negatives) == (1, 2)
    assert (figures.precision, figures.recall, figures.f1, figures.accuracy) == (0.5, 0.5, 0.5, 0.6)
    assert figures.prevalence == 0.4


def test_a_score_equal_to_the_threshold_says_smoke():
    assert count([JudgedPicture(0, True, 0.5)], 0.5).recall == 1


def test_always_yes_scores_the_prevalence_and_always_no_nothing():
    pictures = [JudgedPicture(0, True, 0.0), JudgedPicture(-60, False, 0.9)]
    assert always(pictures, yes=True).precision == 0.5
    assert always(pictures, yes=True).f1 == pytest.approx(2 / 3)
    assert (always(pictures, yes=False).f1, always(pictures, yes=False).accuracy) == (0, 0.5)


def test_the_area_under_the_curve_counts_ties_half():
    smoke = [JudgedPicture(0, True, s) for s in (0.9, 0.5)]
    clear = [JudgedPicture(-60, False, s) for s in (0.5, 0.1)]
    assert area_under_roc(smoke + clear) == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    assert area_under_roc(smoke) is None


def test_image_time_to_detection_ignores_alarms_before_ignition_and_ends_at_forty_minutes():
    pictures = [JudgedPicture(-60, False, 0.9), JudgedPicture(0, True, 0.1), JudgedPicture(300, True, 0.8)]
    assert time_to_detection_min(pictures, 0.5) == 5
    assert time_to_detection_min(pictures, 0.95) == 40


# box level


def picture(*detections: Detection, truth: tuple[Box, ...] = (FIRE,), width_px: int = 640) -> BoxedPicture:
    return BoxedPicture(width_px, tuple(("smoke", box) for box in truth), detections)


def test_perfect_boxes_score_nearly_one_and_none_score_nothing():
    assert mean_average_precision([picture(found(0.9, FIRE))]) == pytest.approx(0.995)
    assert mean_average_precision([picture()]) == 0
    assert mean_average_precision([picture(found(0.9, Box(300, 300, 340, 340)))]) == 0


def test_a_stronger_wrong_box_halves_the_precision():
    wrong = found(0.95, Box(300, 300, 340, 340))
    assert mean_average_precision([picture(wrong, found(0.9, FIRE))]) == pytest.approx(0.5, abs=0.01)


def test_a_second_box_on_the_same_smoke_is_wrong():
    double = [picture(found(0.9, FIRE), found(0.95, FIRE)), picture(found(0.5, FIRE))]
    assert mean_average_precision(double) < 0.9


def test_overlap_below_one_half_is_no_find():
    assert mean_average_precision([picture(found(0.9, Box(100, 100, 140, 118)))]) == 0


def test_a_detection_of_the_other_class_does_not_find():
    assert mean_average_precision([picture(found(0.9, FIRE, "fire"))]) == 0


def test_classes_without_truth_do_not_count():
    assert mean_average_precision([BoxedPicture(640, (), (found(0.9),))]) is None


def test_sizes_are_judged_in_pixels_of_a_640_px_wide_look():
    wide = picture(found(0.9, Box(200, 200, 280, 280)), truth=(Box(200, 200, 280, 280),), width_px=2560)
    assert mean_average_precision([wide], "small") == pytest.approx(0.995)
    assert mean_average_precision([wide], "medium") is None


def test_finding_smoke_of_another_size_is_neither_right_nor_wrong():
    small, large = Box(10, 10, 30, 30), Box(200, 200, 400, 400)
    both = picture(found(0.9, large), found(0.8, small), truth=(small, large))
    assert mean_average_precision([both], "small") == pytest.approx(0.995)


# sequence level


def test_a_sighting_at_the_fire_after_ignition_finds_it():
    outcome = judge(filmed(), [sighting(420)])
    assert (outcome.found_s, outcome.ttd_min, outcome.delay_min) == (420, 7, 2)
    assert (outcome.false_before, outcome.false_after) == (0, 0)


def test_a_sighting_before_the_first_box_finds_the_fire_with_a_negative_delay():
    assert judge(filmed(), [sighting(60)]).delay_min == -4


def test_a_sighting_before_ignition_is_false_even_at_the_place_of_the_fire():
    outcome = judge(filmed(), [sighting(-60)])
    assert (outcome.found_s, outcome.false_before) == (None, 1)
    assert outcome.ttd_min == 40


def test_a_sighting_elsewhere_after_ignition_is_false_and_counted_apart():
    outcome = judge(filmed(), [sighting(420, Box(400, 100, 440, 140))])
    assert (outcome.found_s, outcome.false_before, outcome.false_after) == (None, 0, 1)


def test_boxes_meet_when_both_are_widened_by_half():
    near, beyond = (
        Box(158, 100, 198, 140),
        Box(162, 100, 202, 140),
    )  # gaps of 18 and 22 px between 40 px boxes
    assert judge(filmed(), [sighting(420, near)]).found_s == 420
    assert judge(filmed(), [sighting(420, beyond)]).found_s is None


def test_later_sightings_of_the_found_fire_are_not_false():
    outcome = judge(filmed(), [sighting(420), sighting(1500)])
    assert (outcome.found_s, outcome.false_after) == (420, 0)


def test_where_nothing_is_boxed_a_late_sighting_cannot_be_judged():
    outcome = judge(filmed(boxed_from=None), [sighting(420), sighting(-60)])
    assert (outcome.found_s, outcome.false_before, outcome.false_after, outcome.unplaced_after) == (
        None,
        1,
        0,
        1,
    )


def test_the_figures_of_fires_with_few_boxes_are_kept_apart():
    good, poor = filmed("good"), filmed("poor", most=3)
    figures = summarise([judge(good, [sighting(420)]), judge(poor, [sighting(-60)])])
    assert (figures.fires, figures.found, figures.ttd_median_min) == (1, 1, 7)
    assert figures.false_sightings == 1
    assert figures.camera_hours_before == pytest.approx(2 * 600 / 3600)


def test_a_fire_found_after_a_quarter_of_an_hour_is_late():
    figures = summarise([judge(filmed("a"), [sighting(900)]), judge(filmed("b"), [sighting(960)])])
    assert figures.found == 0.5
    assert figures.ttd_mean_min == 15.5


def test_the_bound_of_a_false_rate_is_that_of_the_poisson_distribution():
    # textbook values of the one-sided 95 % limit
    assert [round(poisson_upper_bound(k), 2) for k in (0, 1, 2, 5)] == [3.0, 4.74, 6.3, 10.51]
    figures = summarise([judge(filmed(), [])])
    assert figures.false_per_hour_bound == pytest.approx(2.9957 / (600 / 3600), rel=1e-3)


# all together


PROFILE = Profile("balanced", 0.3, Policy(evidence_to_confirm_score_s=3.0, lasting_evidence_score_s=3.0))


def evaluated(*sequences: FilmedSequence, scores: dict[str, dict[int, float]]) -> Evaluation:
    kept = Scores("m", {s.name: scored(s, scores.get(s.name, {})) for s in sequences})
    return evaluate(sequences, kept, PROFILE)


def test_a_fire_seen_every_minute_is_found_by_the_production_confirmation():
    figures = evaluated(filmed(), scores={"hill": dict.fromkeys(range(300, 2401, 60), 0.6)}).figures()
    assert figures["sequence.found"] == 1
    assert figures["sequence.ttd_median_min"] == 6
    assert figures["sequence.delay_median_min"] == 1
    assert figures["image.single_look.precision"] == figures["image.precision"] == 1
    assert figures["image.single_look.recall"] == pytest.approx(36 / 41, abs=1e-3)
    assert figures["image.single_look.ttd_mean_min"] == 5
    assert figures["image.ttd_mean_min"] == 5
    assert figures["box.map50"] == pytest.approx(0.995)


def test_a_view_remembers_for_a_while_what_a_single_look_misses():
    result = evaluated(filmed(), scores={"hill": dict.fromkeys(range(300, 601, 60), 0.6)})
    assert result.looks.figures.true_positives == 6
    assert 6 < result.views.figures.true_positives < 6 + 30
    assert result.views.figures.false_positives == 0


def test_a_view_is_judged_by_nothing_that_comes_later():
    pictures = scored(filmed(), dict.fromkeys(range(300, 901, 60), 0.6))
    whole = follow(pictures, "hill", PROFILE, "m").evidence_score_s
    for known in range(len(pictures)):
        assert follow(pictures[:known], "hill", PROFILE, "m").evidence_score_s == whole[:known]


def test_intervals_are_those_of_whole_sequences():
    seen = dict.fromkeys(range(0, 2401, 60), 0.9)
    alike = evaluated(filmed("a"), filmed("b"), scores={"a": seen, "b": seen})
    low, high = alike.looks.intervals["recall"]
    assert low == high == 1
    unlike = evaluated(filmed("a"), filmed("b"), scores={"a": seen})
    assert unlike.looks.intervals["recall"] == (0, 1)
    assert unlike.looks.figures.recall == 0.5


def test_weak_clocks_count_for_boxes_only():
    figures = evaluated(
        filmed("a"), filmed("weak", clock="weak"), scores={"weak": dict.fromkeys(range(-300, 2401, 60), 0.9)}
    ).figures()
    assert figures["image.pictures"] == 51
    assert figures["sequence.false_sightings"] == 0
    assert figures["box.pictures"] == 72
    assert figures["box.map50"] == pytest.approx(0.5, abs=0.03)


def test_fires_with_few_boxes_count_for_images_and_false_sightings_only():
    figures = evaluated(
        filmed("poor", most=9), scores={"poor": {-120: 0.9, -60: 0.9, 300: 0.9, 360: 0.9}}
    ).figures()
    assert figures["sequence.fires"] == 0
    assert figures["sequence.found"] is None
    assert figures["sequence.false_sightings"] == 1
    assert figures["image.pictures"] == 51
    assert figures["image.well_boxed.pictures"] == 0


def test_the_same_false_cause_counts_once_while_it_lasts():
    every_minute = dict.fromkeys(range(-420, 0, 60), 0.9)
    assert evaluated(filmed(), scores={"hill": every_minute}).figures()["sequence.false_sightings"] == 1


def test_a_bad_picture_is_not_judged():
    sequence = filmed()
    kept = tuple(replace(p, bad_picture="all black") if p.offset_s == 0 else p for p in scored(sequence, {}))
    found_figures = evaluate([sequence], Scores("m", {"hill": kept}), PROFILE).figures()
    assert (found_figures["image.pictures"], found_figures["bad_pictures"]) == (50, 1)


def test_the_published_names_are_all_there():
    names = (
        "image.f1 image.precision image.recall image.accuracy image.ttd_mean_min image.ttd_median_min "
        "image.well_boxed.accuracy image.single_look.precision image.single_look.well_boxed.recall image.auc "
        "box.map50 sequence.found sequence.ttd_mean_min sequence.ttd_median_min sequence.delay_median_min "
        "sequence.false_sightings sequence.false_after sequence.camera_hours_before model_id profile"
    )
    assert set(names.split()) <= set(evaluated(filmed(), scores={}).document())


def test_the_sweep_holds_the_profile_itself():
    result = evaluated(filmed(), scores={"hill": dict.fromkeys(range(300, 2401, 60), 0.6)})
    same = [
        s.figures
        for s in result.policy_sweep
        if s.reference_score == PROFILE.policy.reference_score and s.evidence_to_confirm_score_s == 3.0
    ]
    assert same == [result.sequence]


def test_scores_survive_a_round_through_a_file(tmp_path):
    kept = Scores("m", {"hill": scored(filmed(), {300: 0.5})})
    kept.save(tmp_path / "kept.json")
    assert Scores.load(tmp_path / "kept.json") == kept
    assert FALLBACK_PROFILES["balanced"].policy == Policy()
