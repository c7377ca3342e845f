"""Whose turn it is: fair under overload, dense under suspicion, never for ever."""

from __future__ import annotations

import itertools
from collections import Counter

from config import LookSettings
from firewatch.schedule import LookSchedule

LOOKS = LookSettings(patrol_interval_s=2, dense_interval_s=0.5, dense_max_s=10)


def test_a_camera_is_not_looked_at_again_before_its_interval() -> None:
    schedule = LookSchedule(["a"], LOOKS, now_s=0)
    schedule.looked("a", 0, suspicious=False)
    assert schedule.next(["a"], 1.9) is None
    assert schedule.next(["a"], 2.0) == "a"


def test_the_camera_most_overdue_is_next() -> None:
    schedule = LookSchedule(["a", "b", "c"], LOOKS, now_s=0)
    for now_s, camera in ((0.0, "b"), (1.5, "c"), (1.9, "a")):
        schedule.looked(camera, now_s, suspicious=False)
    assert schedule.next(["a", "b", "c"], 5) == "b"


def test_a_camera_without_a_fresh_frame_waits_without_holding_up_the_others() -> None:
    schedule = LookSchedule(["a", "b"], LOOKS, now_s=0)
    assert schedule.next(["b"], 0) == "b"


def test_nobody_starves_when_looks_take_longer_than_there_is_time() -> None:
    cameras = [f"c{number}" for number in range(20)]
    schedule = LookSchedule(cameras, LOOKS, now_s=0)
    looks: Counter[str] = Counter()
    now_s = 0.0
    for _ in range(400):  # each look takes 0.5 s: twenty cameras want twice as much as there is
        camera = schedule.next(cameras, now_s)
        assert camera is not None
        now_s += 0.5
        schedule.looked(camera, now_s, suspicious=camera == "c0")
        looks[camera] += 1
    assert min(looks.values()) >= 15
    assert max(looks[camera] for camera in cameras[1:]) <= min(looks.values()) + 1
    assert looks["c0"] <= 5 * min(looks.values())  # wants four times as many, and goes first


def test_a_look_that_was_late_once_does_not_stay_late() -> None:
    schedule = LookSchedule(["a"], LOOKS, now_s=0)
    schedule.looked("a", 0, suspicious=False)
    schedule.looked("a", 2.8, suspicious=False)  # 0.8 s late; the next key frame comes at 4, not at 4.8
    assert schedule.next(["a"], 4.0) == "a"


def test_live_pictures_may_come_a_little_early_without_making_looks_more_frequent() -> None:
    schedule = LookSchedule(["a"], LOOKS, now_s=0, slack=0.25)
    looks = 0
    for key_frame_s in (1.5 * number for number in range(200)):  # a key frame every 1.5 s, wanted every 2 s
        if schedule.next(["a"], key_frame_s):
            schedule.looked("a", key_frame_s, suspicious=False)
            looks += 1
    assert 0.48 <= looks / 300 <= 0.52


def test_cameras_that_start_together_do_not_stay_in_step() -> None:
    cameras = [f"c{number}" for number in range(10)]
    schedule = LookSchedule(cameras, LOOKS, now_s=0, slack=0.25)
    for camera in cameras:
        schedule.looked(camera, 0, suspicious=False)
    due = [sum(schedule.next([camera], now_s / 10) is not None for camera in cameras) for now_s in range(40)]
    assert due[0] == 0
    assert max(later - earlier for earlier, later in itertools.pairwise(due)) <= 2
    assert due[-1] == 10


def test_suspicion_goes_first_but_not_for_ever() -> None:
    schedule = LookSchedule(["calm", "smoky"], LOOKS, now_s=0)
    schedule.looked("calm", 0, suspicious=False)
    schedule.looked("smoky", 2, suspicious=True)
    assert schedule.next(["calm", "smoky"], 2.6) == "smoky"
    assert schedule.next(["calm"], 2.6) == "calm"
    schedule.looked("smoky", 5.6, suspicious=True)
    assert schedule.next(["calm", "smoky"], 6.0) == "calm"


def test_the_stretch_says_how_much_rarer_looks_are_for_want_of_time() -> None:
    cameras = [f"c{number}" for number in range(20)]
    schedule = LookSchedule(cameras, LOOKS, now_s=0)
    assert schedule.stretch == 1
    now_s, ready_since_s = 0.0, dict.fromkeys(cameras, 0.0)
    for _ in range(2000):  # 20 looks of 0.2 s take 4 s: twice what there is
        camera = schedule.next(cameras, now_s)
        assert camera is not None
        schedule.looked(camera, now_s, suspicious=False, ready_since_s=ready_since_s[camera])
        now_s += 0.2
        ready_since_s[camera] = now_s
    assert 1.7 < schedule.stretch < 2.3


def test_suspicion_makes_looks_dense_and_their_end_makes_them_rare() -> None:
    schedule = LookSchedule(["a"], LOOKS, now_s=0)
    assert schedule.looked("a", 0, suspicious=True) == 0.5
    assert schedule.looked("a", 0.5, suspicious=False) == 2


def test_a_restless_view_rests_on_patrol_as_long_as_it_was_dense() -> None:
    schedule = LookSchedule(["a"], LOOKS, now_s=0)
    intervals = {now_s: schedule.looked("a", now_s, suspicious=True) for now_s in range(0, 40, 2)}
    assert [now_s for now_s, interval in intervals.items() if interval == 2] == [
        12,
        14,
        16,
        18,
        20,
        34,
        36,
        38,
    ]


def test_a_dense_interval_longer_than_the_patrol_does_not_slow_a_suspicion() -> None:
    schedule = LookSchedule(["a"], LookSettings(patrol_interval_s=1, dense_interval_s=5), now_s=0)
    assert schedule.looked("a", 0, suspicious=True) == 1


def test_overload_is_measured_by_the_camera_that_waits_longest() -> None:
    schedule = LookSchedule(["a", "b"], LOOKS, now_s=0)
    schedule.looked("a", 0, suspicious=False)
    assert schedule.overdue_s(40, ["a"]) == 38
    assert schedule.overdue_s(40, []) == 0
