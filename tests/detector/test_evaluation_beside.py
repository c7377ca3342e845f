"""Scenes beside the val sequences are judged apart, near fires only where training saw no copy of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from detector.detection import Box, Detection
from detector.evaluation.beside import held_third, judge_scene, scenes_beside
from detector.evaluation.footage import FilmedSequence, TimedPicture, TruthBox
from detector.evaluation.scoring import ScoredPicture, Scores
from detector.registry import FALLBACK_PROFILES

AT = datetime(2026, 1, 1, tzinfo=UTC)
FLAME = TruthBox("fire", Box(0.4, 0.4, 0.6, 0.6))


def still(name: str, *truth: TruthBox) -> TimedPicture:
    return TimedPicture(Path(name), None, None, truth)


def test_near_fires_that_training_saw_in_another_copy_are_not_judged():
    pictures = [
        still(f"{name}.jpg", FLAME) for name in ("a.rf.1", "b.rf.1", "c.rf.1", "b.rf.2", "d.rf.1", "e.rf.1")
    ]
    held = held_third(FilmedSequence("near", "none", tuple(pictures)))
    assert [picture.path.name for picture in held.pictures] == [
        "a.rf.1.jpg"
    ]  # b: its other copy was trained on


def test_pictures_nobody_boxed_are_not_counted_among_the_near_fires():
    unboxed = replace(still("0.rf.1.jpg"), truth=None)
    held = held_third(FilmedSequence("near", "none", (unboxed, still("a.rf.1.jpg", FLAME))))
    assert [picture.path.name for picture in held.pictures] == ["a.rf.1.jpg"]


def test_a_scene_counts_what_is_reported_of_pictures_with_boxes_and_of_empty_ones():
    flame = Detection("fire", 0.9, Box(40, 40, 60, 60))
    weak = Detection("fire", 0.1, Box(40, 40, 60, 60))
    seen = [(still("1.jpg", FLAME), (flame,)), (still("2.jpg", FLAME), (weak,)), (still("3.jpg"), (flame,))]
    sequence = FilmedSequence("near", "none", tuple(picture for picture, _ in seen))
    rows = tuple(
        ScoredPicture(picture.path.name, AT + timedelta(days=n), None, 100, 100, found)
        for n, (picture, found) in enumerate(seen)
    )
    scene = judge_scene(sequence, Scores("m", {"near": rows}), FALLBACK_PROFILES["balanced"])
    assert (scene.reported, scene.with_boxes) == (1, 2)
    assert (scene.falsely_reported, scene.empty) == (1, 1)
    assert scene.figures()["box.ap50_fire"] is not None


def test_nothing_beside_the_folder_is_no_scene(tmp_path):
    assert scenes_beside(tmp_path / "hpwren") == []
