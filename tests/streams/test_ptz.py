"""Which preset a picture shows: only one at which the camera certainly stood when it was taken."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from streams.ptz import Position, Reading, Standing, is_known, preset_during

NOON = datetime(2026, 11, 27, 4, 0, tzinfo=UTC)
EAST, WEST = Position(0.5, 0.1, 0.2), Position(-0.5, 0.1, 0.2)
PRESETS = {"east": EAST, "west": WEST}
STANDING = Standing(settle_s=2, tolerance=0.01, farthest_apart_s=4)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def told(seconds: float, position: Position = EAST, moving: bool | None = False) -> Reading:
    return Reading(after(seconds), after(seconds + 0.1), position, moving)


def at_rest(seconds: int, position: Position = EAST, moving: bool | None = False) -> list[Reading]:
    return [told(n, position, moving) for n in range(seconds)]


def shown(readings: Sequence[Reading], taken_s: float) -> str | None:
    return preset_during(readings, PRESETS, after(taken_s), after(taken_s), STANDING)


def test_a_picture_of_a_camera_that_stands_shows_its_preset() -> None:
    assert shown(at_rest(10), 6) == "east"
    assert shown(at_rest(10, WEST), 6) == "west"


def test_a_camera_that_does_not_say_whether_it_moves_is_judged_by_its_position() -> None:
    assert shown(at_rest(10, moving=None), 6) == "east"


def test_a_camera_that_moves_shows_no_preset_even_while_it_passes_one() -> None:
    assert shown(at_rest(10, moving=True), 6) is None


def test_a_picture_is_used_only_once_the_camera_has_settled() -> None:
    readings = [told(n, Position(0.1 * n, 0.1, 0.2), moving=True) for n in range(5)]
    readings += [told(n) for n in range(5, 15)]
    assert shown(readings, 6) is None
    assert shown(readings, 7) is None, "what was told at 5.1 s is less than two seconds before"
    assert shown(readings, 7.2) == "east"


def test_a_picture_taken_just_before_the_camera_was_seen_to_move_is_not_used() -> None:
    readings = [*at_rest(8), told(8, Position(0.4, 0.1, 0.2), moving=True)]
    assert shown(readings, 6.9) == "east"
    assert shown(readings, 7.5) is None


def test_a_short_stop_between_two_presets_or_at_another_zoom_is_in_between() -> None:
    assert shown(at_rest(10, Position(0.0, 0.1, 0.2)), 6) is None
    assert shown(at_rest(10, Position(0.5, 0.1, 0.4)), 6) is None
    assert shown(at_rest(10, Position(0.505, 0.1, 0.2)), 6) == "east"


def test_a_camera_without_zoom_is_judged_by_pan_and_tilt() -> None:
    assert shown(at_rest(10, Position(0.5, 0.1)), 6) == "east"


def test_nothing_is_said_of_a_time_without_readings() -> None:
    assert shown([], 6) is None
    assert shown(at_rest(10), 20) is None, "nobody has asked since"
    assert shown(at_rest(10), 1) is None, "nobody had asked long enough before"
    gap = [one for one in at_rest(20) if not 5 <= (one.asked_at - NOON).total_seconds() <= 10]
    assert shown(gap, 7) is None, "it may have been away and back"
    assert shown(gap, 15) == "east"


def test_a_picture_whose_time_is_not_certain_needs_the_camera_to_stand_all_that_time() -> None:
    readings = [*at_rest(8), told(8, WEST), told(9, WEST)]
    assert preset_during(readings, PRESETS, after(5), after(6), STANDING) == "east"
    assert preset_during(readings, PRESETS, after(5), after(7.5), STANDING) is None


@pytest.mark.parametrize(("asked_s", "known"), [(5.9, False), (6, True), (7, True)])
def test_whether_it_stood_is_known_when_it_was_asked_afterwards(asked_s: float, known: bool) -> None:
    assert is_known([*at_rest(5), told(asked_s)], after(6)) == known
    assert not is_known([], after(6))


def test_of_two_presets_close_together_the_nearer_is_meant() -> None:
    presets = {"a": Position(0.5, 0.1), "b": Position(0.505, 0.1)}
    readings = at_rest(10, Position(0.504, 0.1))
    assert preset_during(readings, presets, after(6), after(6), STANDING) == "b"
