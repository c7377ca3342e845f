"""Which detections are the same thing over time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from handmade import START, found

from detector.detection import Box
from detector.tracking import MOST_POINTS, Track, TrackPoint, associate, base_drift


def track(*boxes: Box, step_s: float = 60, label: str = "smoke") -> Track:
    points = [
        TrackPoint(START + timedelta(seconds=n * step_s), found(box=box, label=label))
        for n, box in enumerate(boxes)
    ]
    return Track(1, label, tuple(points), looks_seen=len(points))


def test_a_detection_at_the_same_place_continues_the_track():
    step = associate([track(Box(100, 100, 130, 130))], [found(box=Box(105, 95, 140, 130))], START, next_id=2)
    assert [t.looks_seen for t in step.seen] == [2]
    assert (step.new, step.unseen) == ((), ())


def test_a_detection_elsewhere_opens_a_new_track_and_leaves_the_old_unseen():
    step = associate([track(Box(100, 100, 130, 130))], [found(box=Box(400, 100, 430, 130))], START, next_id=7)
    assert [t.track_id for t in step.new] == [7]
    assert [t.track_id for t in step.unseen] == [1]


def test_a_plume_three_times_as_large_after_a_minute_is_the_same_track():
    step = associate([track(Box(100, 100, 120, 120))], [found(box=Box(95, 60, 155, 120))], START, next_id=2)
    assert len(step.seen) == 1


def test_fire_inside_smoke_is_a_track_of_its_own():
    step = associate([track(Box(100, 100, 130, 130))], [found(label="fire")], START, next_id=2)
    assert [t.label for t in step.new] == ["fire"]


def test_each_detection_goes_to_the_nearest_track_and_none_is_used_twice():
    near, far = track(Box(100, 100, 130, 130)), track(Box(140, 100, 170, 130))
    step = associate([far, near], [found(box=Box(102, 100, 132, 130))], START, next_id=3)
    assert [t.points[0].detection.box.x1 for t in step.seen] == [100]
    assert [t.points[0].detection.box.x1 for t in step.unseen] == [140]


def test_the_memory_of_a_track_is_bounded_and_keeps_its_beginning():
    long = track(Box(0, 0, 10, 10))
    for n in range(1, 3 * MOST_POINTS):
        long = long.with_point(TrackPoint(START + timedelta(seconds=n), found()))
    assert len(long.points) == MOST_POINTS
    assert long.first_seen_at == START
    assert long.looks_seen == 3 * MOST_POINTS


@pytest.mark.parametrize("count", [2, 3, 7, 30])
def test_a_growing_leaning_plume_has_a_fixed_base(count):
    boxes = [Box(100, 100 - 5 * n, 130 + 10 * n, 130) for n in range(count)]
    assert base_drift(track(*boxes)) == 0


def test_a_drifting_cloud_moves_as_a_whole():
    assert base_drift(track(*(Box(100 + 8 * n, 50, 160 + 8 * n, 90) for n in range(12)))) > 1


def test_one_wrong_box_is_no_drift():
    boxes = [Box(100, 100, 130, 130)] * 9
    boxes[-1] = Box(300, 100, 330, 130)
    assert base_drift(track(*boxes)) == 0
