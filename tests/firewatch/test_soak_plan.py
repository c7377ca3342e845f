"""The soak's judge of health histories: it must be able to find a soak wanting."""

from __future__ import annotations

import itertools

from benchmarks.soak_plan import EXPECTED, LONG_S, Injection, Told, contradictions, plan

FREEZE = Injection("freeze", "a", 100, 200)
LIVE = Told("a", 10, "live")


def test_a_history_that_tells_of_the_fault_is_accepted() -> None:
    history = [Told("a", 0, "connecting"), LIVE, Told("a", 115, "frozen"), Told("a", 215, "live")]
    assert contradictions([FREEZE], history, 900) == []


def test_a_fault_nobody_told_of_is_found() -> None:
    assert contradictions([FREEZE], [LIVE], 900) == ["a: freeze from 100 to 200 s not told"]


def test_the_wrong_name_for_a_fault_is_found() -> None:
    assert contradictions([FREEZE], [LIVE, Told("a", 115, "stale"), Told("a", 215, "live")], 900) == [
        "a: freeze from 100 to 200 s not told"
    ]


def test_blindness_without_a_cause_is_found() -> None:
    history = [LIVE, Told("a", 500, "frozen"), Told("a", 520, "live")]
    assert contradictions([], history, 900) == ["a: frozen from 500 to 520 s without a cause"]


def test_blindness_that_outlives_its_cause_is_found() -> None:
    history = [LIVE, Told("a", 115, "frozen"), Told("a", 400, "live")]
    assert contradictions([FREEZE], history, 900) == ["a: frozen from 115 to 400 s without a cause"]


def test_a_plan_is_the_same_for_the_same_seed_and_leaves_each_camera_time_to_recover() -> None:
    cameras = [f"c{number}" for number in range(20)]
    faults = plan(cameras, 3600, seed=1)
    assert faults == plan(cameras, 3600, seed=1)
    assert {fault.kind for fault in faults} >= {*EXPECTED, "drop", "clock", "kill a worker", "restart all"}
    assert max(fault.ends_s for fault in faults) <= 3600 - 240
    for camera in cameras:
        mine = [fault for fault in faults if fault.camera == camera]
        assert all(later.begins_s >= fault.ends_s + 90 for fault, later in itertools.pairwise(mine))
        assert all(f.ends_s - f.begins_s >= LONG_S[0] for f in mine if f.kind in EXPECTED)
