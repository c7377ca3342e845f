"""Boxes of ours: what the network saw in unboxed training pictures, where it is no chance and no habit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from detector.detection import Box, Detection
from detector.evaluation.footage import FilmedSequence, TimedPicture, TruthBox
from detector.evaluation.scoring import ScoredPicture
from detector.training import manifest
from detector.training.own_boxes import own_boxes, write

IGNITION = datetime(2026, 1, 1, 12, tzinfo=UTC)
PLUME, POST = Box(300, 200, 340, 240), Box(100, 250, 120, 300)
MINUTES = range(-6, 7)


def filmed(boxed_by_people: dict[int, Box] | None = None, clock: str = "sound") -> FilmedSequence:
    pictures = []
    for minute in MINUTES:
        drawn = (boxed_by_people or {}).get(minute)
        share = drawn and Box(drawn.x1 / 640, drawn.y1 / 480, drawn.x2 / 640, drawn.y2 / 480)
        pictures.append(
            TimedPicture(
                Path(f"{minute:+03d}.jpg"),
                IGNITION + timedelta(minutes=minute),
                60.0 * minute,
                (TruthBox("smoke", share),) if share else None,
            )
        )
    return FilmedSequence("Fire", clock, tuple(pictures))  # type: ignore[arg-type]


def seen(at: dict[int, list[tuple[Box, float]]]) -> tuple[ScoredPicture, ...]:
    return tuple(
        ScoredPicture(
            f"{minute:+03d}.jpg",
            IGNITION + timedelta(minutes=minute),
            60.0 * minute,
            640,
            480,
            tuple(Detection("smoke", score, box) for box, score in at.get(minute, [])),
        )
        for minute in MINUTES
    )


def minutes_boxed(sequence: FilmedSequence, scored: tuple[ScoredPicture, ...]) -> list[int]:
    return [round((box.picture.offset_s or 0) / 60) for box in own_boxes(sequence, scored)]


def test_what_the_network_saw_three_times_at_one_place_after_ignition_is_boxed() -> None:
    assert minutes_boxed(filmed(), seen({m: [(PLUME, 0.2)] for m in (2, 3, 4)})) == [2, 3, 4]


def test_a_gap_between_boxes_of_people_is_filled_and_their_own_pictures_are_left_alone() -> None:
    sequence = filmed({2: PLUME, 4: PLUME})
    assert minutes_boxed(sequence, seen({m: [(PLUME, 0.2)] for m in (2, 3, 4)})) == [3]


def test_something_seen_twice_or_weakly_is_no_box() -> None:
    assert minutes_boxed(filmed(), seen({m: [(PLUME, 0.5)] for m in (2, 3)})) == []
    assert minutes_boxed(filmed(), seen({m: [(PLUME, 0.09)] for m in (2, 3, 4)})) == []


def test_what_is_seen_there_before_ignition_too_is_a_habit_of_the_place() -> None:
    assert minutes_boxed(filmed(), seen({m: [(POST, 0.4)] for m in (-5, -3, 2, 3, 4)})) == []


def test_a_part_of_a_plume_that_has_its_box_gets_none() -> None:
    part = Box(305, 205, 335, 235)
    boxes = list(own_boxes(filmed(), seen({m: [(PLUME, 0.4), (part, 0.2)] for m in (2, 3, 4)})))
    assert [box.score for box in boxes] == [0.4, 0.4, 0.4]


def test_a_doubtful_clock_gives_no_boxes() -> None:
    assert minutes_boxed(filmed(clock="weak"), seen({m: [(PLUME, 0.4)] for m in (2, 3, 4)})) == []


def test_the_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    boxes = list(own_boxes(filmed(), seen({m: [(PLUME, 0.2)] for m in (2, 3, 4)})))
    write(boxes, tmp_path / "own.csv")
    read = manifest.read_own_boxes(tmp_path / "own.csv")
    assert list(read) == [("Fire", "+02"), ("Fire", "+03"), ("Fire", "+04")]
    (box,) = read["Fire", "+02"]
    assert box == pytest.approx((0, 320 / 640, 220 / 480, 40 / 640, 40 / 480), abs=1e-4)


def test_a_broken_line_of_the_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("sequence,picture,class,x,y,w,h\nFire,+02,0,0.5,half,0.1,0.1\n")
    with pytest.raises(ValueError, match=r"own\.csv:2"):
        manifest.read_own_boxes(tmp_path / "own.csv")
