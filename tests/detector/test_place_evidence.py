"""Evidence of a place: what adds to it, what takes it away, what is usual there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from handmade import START, found

from detector.detection import Box, Detection
from detector.place_evidence import PlaceEvidence

FRAME_PX = (640, 480)
HERE, THERE = Box(100, 100, 130, 130), Box(400, 300, 440, 330)
Scene = Callable[[float], list[Detection]]


def watch(scene: Scene, *, every_s: float, until_s: float, ceiling_score_s: float = 90.0) -> PlaceEvidence:
    evidence = PlaceEvidence(FRAME_PX, reference_score=0.1, ceiling_score_s=ceiling_score_s)
    for n in range(int(until_s / every_s) + 1):
        evidence.advance(
            START + timedelta(seconds=n * every_s), scene(n * every_s), min(every_s, 30.0) if n else 0.0
        )
    return evidence


@pytest.mark.parametrize("every_s", [0.5, 1, 5, 20])
def test_evidence_is_score_above_reference_over_time_at_any_rhythm(every_s):
    evidence = watch(lambda _t: [found(0.4, HERE)], every_s=every_s, until_s=60)
    assert evidence.at("smoke", HERE) == pytest.approx(60 * (0.4 - 0.1), rel=1e-3)


def test_evidence_stays_at_its_place_and_class():
    evidence = watch(lambda _t: [found(0.4, HERE)], every_s=5, until_s=60)
    assert evidence.at("smoke", THERE) == evidence.at("fire", HERE) == 0
    assert evidence.strongest_score_s == evidence.at("smoke", HERE) > 0


def test_looks_without_a_detection_take_evidence_away_until_none_is_left():
    def ends(t: float) -> list[Detection]:
        return [found(0.5, HERE)] if t <= 60 else []

    assert watch(ends, every_s=5, until_s=120).at("smoke", HERE) == pytest.approx(24 - 6, abs=0.1)
    assert watch(ends, every_s=5, until_s=600).strongest_score_s == 0


def test_evidence_never_exceeds_the_ceiling():
    assert (
        watch(lambda _t: [found(0.9, HERE)], every_s=5, until_s=500, ceiling_score_s=20).strongest_score_s
        == 20
    )


@pytest.mark.parametrize("every_s", [1, 5, 60])
def test_what_gleams_all_day_becomes_usual_and_smoke_beside_it_does_not(every_s):
    def post(t: float) -> list[Detection]:
        smoke = [found(0.4, THERE)] if t >= 5400 else []
        return [found(0.3, HERE), *smoke]

    calm = watch(post, every_s=every_s, until_s=5399)
    assert calm.at("smoke", HERE) < 5
    burning = watch(post, every_s=every_s, until_s=5400 + 240)
    assert burning.at("smoke", THERE) > 25


def test_a_new_fire_does_not_explain_itself_away_in_its_first_ten_minutes():
    evidence = watch(
        lambda t: [found(0.3, HERE)] if t >= 3600 else [], every_s=5, until_s=3600 + 590, ceiling_score_s=1e6
    )
    assert evidence.at("smoke", HERE) == pytest.approx(590 * (0.3 - 0.1), rel=0.05)


def test_a_frame_narrower_than_the_grid_is_no_error():
    evidence = PlaceEvidence((20, 15), reference_score=0.1, ceiling_score_s=90)
    evidence.advance(START, [found(0.9, Box(-5, -5, 300, 300))], 10.0)
    assert evidence.strongest_score_s == pytest.approx(8)
