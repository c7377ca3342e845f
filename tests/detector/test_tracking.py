"""Which detections are the same thing over time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from handmade import START, found

from detector.detection import Box
from detector.tracking import MOST_POINTS, Track, TrackPoint, associate, base_drift, growth


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


def test_a_plume_that_grew_tenfold_within_a_minute_is_the_same_track():
    step = associate([track(Box(317, 190, 349, 220))], [found(box=Box(319, 113, 430, 210))], START, next_id=2)
    assert len(step.seen) == 1


def standing(box: Box) -> Track:
    return replace(track(box), standing=True)


def test_smoke_beside_or_in_front_of_what_stood_there_is_a_track_of_its_own():
    slope = standing(Box(360, 130, 630, 246))
    for plume in (Box(316, 134, 405, 216), Box(450, 150, 500, 220)):
        step = associate([slope], [found(box=plume)], START, next_id=2)
        assert [t.standing for t in step.new] == [False]


def test_what_stood_there_is_the_same_thing_when_it_is_seen_again_and_so_is_a_second_box_around_it():
    slope = standing(Box(360, 130, 630, 246))
    again, around = found(0.3, Box(352, 133, 627, 254)), found(0.1, Box(345, 47, 633, 255))
    step = associate([slope], [again, around], START, next_id=2)
    assert [t.points[-1].detection for t in step.seen] == [again]
    assert [t.standing for t in step.new] == [True]


def test_fire_inside_smoke_is_a_track_of_its_own():
    step = associate([track(Box(100, 100, 130, 130))], [found(label="fire")], START, next_id=2)
    assert [t.label for t in step.new] == ["fire"]


def test_each_detection_goes_to_the_nearest_track_and_none_is_used_twice():
    near, far = track(Box(100, 100, 130, 130)), track(Box(140, 100, 170, 130))
    step = associate([far, near], [found(box=Box(102, 100, 132, 130))], START, next_id=3)
    assert [t.points[0].detection.box.x1 for t in step.seen] == [100]
    assert [t.points[0].detection.box.x1 for t in step.unseen] == [140]


def test_a_faint_box_on_part_of_a_plume_does_not_take_the_track_from_the_plume():
    plume, part = found(0.4, Box(90, 60, 132, 130)), found(0.08, Box(101, 98, 131, 130))
    step = associate([track(Box(100, 95, 130, 130))], [part, plume], START, next_id=2)
    assert [t.points[-1].detection for t in step.seen] == [plume]


def test_the_memory_of_a_track_is_bounded_and_keeps_its_beginning():
    long = track(Box(0, 0, 10, 10))
    for n in range(1, 3 * MOST_POINTS):
        long = long.with_point(TrackPoint(START + timedelta(seconds=n), found()))
        assert len(long.points) <= MOST_POINTS
    assert (long.first_seen_at, long.last_seen_at) == (START, START + timedelta(seconds=3 * MOST_POINTS - 1))
    assert long.looks_seen == 3 * MOST_POINTS


def test_the_past_of_a_long_track_is_kept_evenly():
    long = track(Box(0, 0, 10, 10))
    for n in range(1, 10 * MOST_POINTS):
        long = long.with_point(TrackPoint(START + timedelta(seconds=n), found()))
    times = [point.at for point in long.points]
    assert max(later - earlier for earlier, later in pairwise(times)) < timedelta(seconds=60)


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


def with_evidence(*seen: tuple[float, Box]) -> Track:
    """A track of looks a minute apart, each with its evidence."""
    points = [
        TrackPoint(START + timedelta(minutes=n), found(box=box), evidence)
        for n, (evidence, box) in enumerate(seen)
    ]
    return Track(1, "smoke", tuple(points), looks_seen=len(points))


def test_what_was_seen_faintly_beside_it_before_does_not_move_the_base_of_a_plume():
    slope, plume = Box(360, 130, 630, 246), Box(316, 134, 405, 216)
    assert base_drift(with_evidence((0.1, slope), (0.2, slope), (6, plume), (7, plume))) == 0
    assert base_drift(with_evidence((6, slope), (6, slope), (6, plume), (7, plume))) > 0.25


def test_one_strong_look_does_not_bear_out_its_own_base():
    assert base_drift(with_evidence((0.1, Box(360, 130, 630, 246)), (6, Box(316, 134, 405, 216)))) > 0.25
    assert base_drift(with_evidence((6, Box(360, 130, 630, 246)), (0.1, Box(316, 134, 405, 216)))) > 0.25


def test_a_moving_cloud_moves_as_much_in_looks_a_minute_apart_as_in_looks_every_second():
    drifts = []
    for step_s in (1, 5, 60):
        long = None
        for t in range(0, 601, step_s):
            cloud = found(box=Box(t / 5, 50, 60 + t / 5, 90))
            point = TrackPoint(START + timedelta(seconds=t), cloud, float(step_s))
            long = long.with_point(point) if long else Track(1, "smoke", (point,))
        drifts.append(base_drift(long))
    assert max(drifts) <= 1.25 * min(drifts), drifts


def test_a_slope_first_seen_in_part_has_not_grown_when_it_is_seen_whole():
    part, whole = Box(410, 135, 471, 204), Box(360, 130, 630, 246)
    assert growth(with_evidence((3, whole), (0.1, part), (0, part), (3, whole), (3, whole))) == 1
