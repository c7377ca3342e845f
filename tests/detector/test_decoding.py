"""Raw network output to detections."""

from __future__ import annotations

import numpy as np
import pytest

from detector.decoding import MOST_DETECTIONS, decode
from detector.errors import BackendError

SQUARE = (640, 640)


def rows(*values: tuple[float, ...]) -> np.ndarray:
    return np.array(values, np.float32)


def decoded(raw: np.ndarray, *, frame: tuple[int, int] = SQUARE, least: float = 0.1):
    return decode(raw, input_size_px=SQUARE, frame_size_px=frame, least_score=least)


def test_overlapping_boxes_of_one_class_become_the_strongest_one():
    result = decoded(rows((100, 100, 50, 50, 0.5, 0), (102, 100, 50, 50, 0.9, 0), (400, 400, 50, 50, 0.4, 0)))
    assert [round(d.confidence, 2) for d in result] == [0.9, 0.4]


def test_smoke_and_fire_at_one_place_are_both_kept():
    result = decoded(rows((100, 100, 50, 50, 0.5, 0.6)))
    assert [(d.label, round(d.confidence, 2)) for d in result] == [("fire", 0.6), ("smoke", 0.5)]


def test_boxes_are_scaled_to_the_frame_and_kept_inside_it():
    result = decoded(rows((630, 320, 40, 64, 0.5, 0)), frame=(1280, 1920))
    box = result[0].box
    assert (box.x1, box.y1, box.x2, box.y2) == (1220, 864, 1280, 1056)


def test_boxes_wholly_outside_the_frame_are_dropped():
    assert decoded(rows((-100, 100, 50, 50, 0.9, 0))) == ()


def test_scores_below_the_least_one_are_dropped():
    assert decoded(rows((100, 100, 50, 50, 0.09, 0))) == ()


@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_output_that_is_not_finite_is_an_error_and_no_silence(poison):
    with pytest.raises(BackendError, match="not finite"):
        decoded(rows((100, 100, 50, 50, 0.01, poison)))


def test_another_number_of_classes_is_an_error_that_names_ours():
    with pytest.raises(BackendError, match="smoke, fire"):
        decoded(np.zeros((10, 84), np.float32))


def test_a_picture_full_of_boxes_gives_a_bounded_answer_strongest_first():
    places = [
        (x * 3.0, y * 3.0, 2.0, 2.0, 0.1 + 0.0001 * (x + y * 200), 0.0) for x in range(200) for y in range(20)
    ]
    scores = [d.confidence for d in decoded(rows(*places))]
    assert len(scores) == MOST_DETECTIONS
    assert scores == sorted(scores, reverse=True)


def test_suppression_does_not_depend_on_the_least_score():
    raw = rows((100, 100, 50, 50, 0.9, 0), (102, 100, 50, 50, 0.3, 0), (300, 100, 50, 50, 0.6, 0))
    assert decoded(raw, least=0.5) == tuple(d for d in decoded(raw, least=0.01) if d.confidence >= 0.5)
