"""When a track becomes a sighting: by time, not by the number of looks."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from handmade import START, found

from detector.confirmation import Confirmer, Policy, Verdict
from detector.detection import Box, Detection

POLICY = Policy()
FRAME_PX = (640, 480)
Scene = Callable[[float], list[Detection]]


def watch(
    scene: Scene, *, every_s: float, until_s: float, policy: Policy = POLICY
) -> list[tuple[float, Verdict]]:
    """The verdicts of looks at a scene (seconds -> detections) in a fixed rhythm."""
    confirmer = Confirmer(policy, FRAME_PX)
    times = [n * every_s for n in range(int(until_s / every_s) + 1)]
    return [(t, confirmer.advance(START + timedelta(seconds=t), scene(t))) for t in times]


def confirmed_at_s(
    scene: Scene, *, every_s: float, until_s: float = 1800, policy: Policy = POLICY
) -> list[float]:
    return [t for t, v in watch(scene, every_s=every_s, until_s=until_s, policy=policy) for _ in v.confirmed]


def plume(ignition_s: float = 600, score: float = 0.6) -> Scene:
    """Smoke that grows slowly at one place from `ignition_s` on."""

    def at(t: float) -> list[Detection]:
        if t < ignition_s:
            return []
        growth = min(60.0, (t - ignition_s) / 10)
        return [found(score, Box(100, 200 - growth, 120 + growth, 220))]

    return at


@pytest.mark.parametrize("score", [0.4, 0.45, 0.6, 0.9])
def test_one_scene_is_confirmed_alike_at_looks_every_half_second_five_seconds_and_a_minute(score):
    times = {every: confirmed_at_s(plume(score=score), every_s=every) for every in (0.5, 1, 5, 60)}
    assert all(len(found_at) == 1 for found_at in times.values()), times
    for every, (at_s,) in times.items():
        assert abs(at_s - times[0.5][0]) <= max(2 * every, 20), times


def test_strong_smoke_under_dense_looks_is_confirmed_within_twenty_seconds():
    (at_s,) = confirmed_at_s(plume(score=0.7), every_s=0.5)
    assert 600 + POLICY.persistence_s <= at_s <= 620


def test_smoke_seen_once_a_minute_is_confirmed_at_the_second_or_third_look():
    assert confirmed_at_s(plume(score=0.7), every_s=60) == [660]
    assert confirmed_at_s(plume(score=0.4), every_s=60)[0] <= 780


@pytest.mark.parametrize("every_s", [0.5, 5, 60])
def test_weak_scores_are_never_confirmed_however_long_they_last(every_s):
    assert confirmed_at_s(plume(score=POLICY.lasting_reference_score), every_s=every_s) == []


@pytest.mark.parametrize("every_s", [1, 5, 60])
def test_weak_smoke_is_confirmed_once_it_has_lasted(every_s):
    weak = plume(score=POLICY.reference_score - 0.01)
    (at_s,) = confirmed_at_s(weak, every_s=every_s)
    assert POLICY.lasting_s <= at_s - 600 <= 300


def test_weak_smoke_that_ends_soon_is_not_confirmed():
    weak = lambda t: [found(0.24)] if 600 <= t <= 600 + POLICY.lasting_s - 10 else []  # noqa: E731
    assert confirmed_at_s(weak, every_s=5) == []


def test_what_gleams_weakly_all_day_is_confirmed_by_no_patience():
    policy = replace(POLICY, lasting_evidence_score_s=60.0)
    gleam = lambda t: [found(0.22)] if t >= 60 else []  # noqa: E731
    assert confirmed_at_s(gleam, every_s=5, until_s=7200, policy=policy) == []


@pytest.mark.parametrize("every_s", [0.5, 2, 60])
def test_a_single_flash_is_never_confirmed(every_s):
    assert confirmed_at_s(lambda t: [found(0.99)] if t == 600 else [], every_s=every_s) == []


def test_two_chance_hits_many_minutes_apart_are_two_tracks():
    assert confirmed_at_s(lambda t: [found(0.9)] if t in (600, 900) else [], every_s=60) == []


def test_a_flicker_seen_in_one_look_of_four_is_not_confirmed():
    assert confirmed_at_s(lambda t: [found(0.6)] if t > 60 and int(t) % 4 == 0 else [], every_s=1) == []


def test_smoke_missed_in_one_look_of_four_is_still_confirmed():
    times = confirmed_at_s(lambda t: plume()(t) if int(t) % 4 else [], every_s=1)
    assert len(times) == 1
    assert times[0] <= 660


def test_a_drifting_cloud_is_not_confirmed():
    def cloud(t: float) -> list[Detection]:
        return [found(0.5, Box(100 + 1.5 * t, 50, 130 + 1.5 * t, 70))] if t > 60 else []

    for every_s in (1, 5):
        assert confirmed_at_s(cloud, every_s=every_s, until_s=300) == []


def test_one_fire_is_confirmed_once_however_long_it_burns():
    assert len(confirmed_at_s(plume(), every_s=5, until_s=7200)) == 1


def test_a_fire_lost_for_five_minutes_is_not_confirmed_again():
    gap = lambda t: [] if 900 <= t < 1200 else plume()(t)  # noqa: E731
    assert len(confirmed_at_s(gap, every_s=5, until_s=3600)) == 1


def test_a_fire_gone_for_more_than_ten_minutes_counts_anew():
    gap = lambda t: [] if 900 <= t < 1505 else plume()(t)  # noqa: E731
    assert len(confirmed_at_s(gap, every_s=5, until_s=3600)) == 2


def test_flames_within_confirmed_smoke_are_the_same_cause():
    def scene(t: float) -> list[Detection]:
        smoke = plume()(t)
        return [*smoke, found(0.9, Box(105, 205, 115, 220), "fire")] if t > 900 else smoke

    assert len(confirmed_at_s(scene, every_s=5)) == 1


def night_fire(smoke: Box) -> Scene:
    """Flames of a score that never suffices by itself, and faint smoke that does not either."""
    seen = [found(POLICY.reference_score, Box(110, 190, 120, 200), "fire"), found(0.2, smoke)]
    return lambda t: seen if t >= 600 else []


@pytest.mark.parametrize("every_s", [1, 5, 60])
def test_flames_under_faint_smoke_are_confirmed_as_fire_though_neither_would_be_alone(every_s):
    looks = watch(night_fire(smoke=Box(100, 120, 160, 200)), every_s=every_s, until_s=720)
    (confirmed,) = [track for _, verdict in looks for track in verdict.confirmed]
    assert confirmed.label == "fire"
    assert confirmed.confidence == POLICY.reference_score  # what was seen is told as it was


def test_a_hint_of_flames_in_strong_smoke_does_not_make_it_a_fire():
    def scene(t: float) -> list[Detection]:
        hint = found(POLICY.candidate_score, Box(105, 205, 115, 220), "fire")
        return [hint, *plume()(t)] if t > 590 else []

    (confirmed,) = [
        track for _, verdict in watch(scene, every_s=1, until_s=900) for track in verdict.confirmed
    ]
    assert confirmed.label == "smoke"


def test_flames_and_smoke_at_different_places_do_not_vouch_for_each_other():
    assert confirmed_at_s(night_fire(smoke=Box(300, 120, 360, 200)), every_s=5, until_s=720) == []


def test_two_fires_at_two_places_are_two_sightings():
    def scene(t: float) -> list[Detection]:
        return [found(0.6, Box(100, 200, 130, 230)), found(0.6, Box(500, 200, 530, 230))] if t > 60 else []

    assert len(confirmed_at_s(scene, every_s=5)) == 2


def test_overlapping_boxes_of_one_plume_in_one_look_are_one_sighting():
    def scene(t: float) -> list[Detection]:
        return [found(0.6, Box(100, 200, 130, 230)), found(0.5, Box(120, 150, 150, 190))] if t > 60 else []

    assert len(confirmed_at_s(scene, every_s=5)) == 1


def test_suspicion_rises_with_the_first_strong_detection_and_ends_with_confirmation():
    verdicts = watch(plume(score=0.7), every_s=2, until_s=700)
    suspicious = [t for t, v in verdicts if v.suspicious]
    confirmed = [t for t, v in verdicts if v.confirmed]
    assert suspicious[0] == 600
    assert suspicious[-1] < confirmed[0] + 2
    assert not verdicts[-1][1].suspicious


def test_suspicion_of_something_never_confirmed_ends_after_a_while():
    policy = replace(POLICY, evidence_to_confirm_score_s=1e6, lasting_evidence_score_s=1e6)
    suspicious = [t for t, v in watch(plume(), every_s=2, until_s=1800, policy=policy) if v.suspicious]
    assert suspicious[0] == 600
    assert suspicious[-1] <= 600 + policy.suspicion_s


def test_a_look_from_the_past_starts_the_view_anew():
    confirmer = Confirmer(POLICY, FRAME_PX)
    for t in range(0, 60, 5):
        confirmer.advance(START + timedelta(seconds=t), [found()])
    verdict = confirmer.advance(START - timedelta(hours=1), [found()])
    assert [track.looks_seen for track in verdict.tracks] == [1]


def test_two_looks_at_the_same_instant_add_no_evidence():
    confirmer = Confirmer(POLICY, FRAME_PX)
    first = confirmer.advance(START, [found(0.9)])
    second = confirmer.advance(START, [found(0.9)])
    assert first.tracks[0].evidence_score_s == second.tracks[0].evidence_score_s == 0


def test_evidence_never_leaves_its_bounds_whatever_is_seen():
    chance = random.Random(4)
    confirmer = Confirmer(POLICY, FRAME_PX)
    t = 0.0
    for _ in range(500):
        t += chance.choice([0.0, 0.5, 2.0, 60.0, 4000.0])
        boxes = [Box(x, 10.0, x + 30, 40.0) for x in chance.sample(range(0, 600, 20), chance.randint(0, 5))]
        verdict = confirmer.advance(
            START + timedelta(seconds=t), [found(round(chance.random(), 3), box) for box in boxes]
        )
        assert all(track.evidence_score_s >= 0 for track in verdict.tracks)
        assert len(verdict.tracks) <= 2500
        assert all(t.confirmed_at is not None for t in verdict.confirmed)


def test_the_same_looks_give_the_same_tracks():
    runs = [watch(plume(), every_s=5, until_s=900) for _ in range(2)]
    assert runs[0] == runs[1]


@pytest.mark.parametrize("every_s", [0.5, 5, 60])
def test_a_chimney_that_smokes_since_watching_began_is_not_new(every_s):
    chimney = lambda t: [found(0.7, Box(100, 200, 130 + 5 * (t // every_s % 3), 230))]  # noqa: E731
    assert confirmed_at_s(chimney, every_s=every_s) == []


@pytest.mark.parametrize("every_s", [0.5, 5, 60])
def test_a_fire_that_already_burns_when_watching_begins_is_confirmed_once_it_has_grown(every_s):
    (at_s,) = confirmed_at_s(plume(ignition_s=0, score=0.7), every_s=every_s)
    assert at_s <= 300


def test_smoke_that_appears_after_the_first_seconds_needs_no_growth():
    still = lambda t: [found(0.7)] if t >= 12 else []  # noqa: E731
    assert confirmed_at_s(still, every_s=2) != []


def test_after_a_cut_of_the_footage_nothing_is_new_again():
    confirmer = Confirmer(POLICY, FRAME_PX)
    confirmer.advance(START, [])
    confirmer.advance(START + timedelta(seconds=60), [])
    confirmer.reset()
    verdicts = [confirmer.advance(START + timedelta(seconds=100 + n), [found(0.9)]) for n in range(120)]
    assert not any(verdict.confirmed for verdict in verdicts)


@pytest.mark.parametrize("every_s", [1, 5, 60])
def test_a_slope_that_was_first_seen_in_part_is_not_new_when_it_is_seen_whole(every_s):
    part, whole = Box(410, 135, 471, 204), Box(360, 130, 630, 246)

    def slope(t: float) -> list[Detection]:
        return [found(0.27, part) if int(t // every_s) in (1, 2, 3) else found(0.7, whole)]

    assert confirmed_at_s(slope, every_s=every_s) == []


def test_a_plume_beside_a_slope_that_scored_before_is_confirmed_by_its_second_look():
    slope, plume = Box(360, 130, 630, 246), Box(316, 134, 405, 216)  # overlap enough to be one track
    looks = {540: found(0.24, slope), 600: found(0.29, slope), 660: found(0.5, plume), 720: found(0.5, plume)}
    scene = lambda t: [looks[t]] if t in looks else []  # noqa: E731
    assert confirmed_at_s(scene, every_s=60, until_s=720) == [720]


def test_a_slope_that_scores_now_and_then_since_watching_began_is_never_new():
    """Longer between two times than a track lives: what stood there is remembered like a cause."""
    slope = lambda t: [found(0.5, Box(360, 130, 630, 246))] if t % 300 <= 60 else []  # noqa: E731
    assert confirmed_at_s(slope, every_s=60, until_s=3600) == []
