"""Scenes of other kinds beside a folder of val sequences, each judged and printed for itself.

They are too few or too different to be mixed into the figures: a val camera at twice the resolution and more,
a hillside in another country without times, and near flames, the only real pictures of the class `fire`. No
shipped weights were trained on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from detector.evaluation.footage import FilmedSequence, read_footage
from detector.evaluation.report import Evaluation, evaluate
from detector.evaluation.scoring import Scores
from detector.registry import Profile

SCENES = ("figlib_full/20190925_FIRE_wc-s-mobo-c", "unimi_smoke3")
NEAR_FIRES = "near_biplab"


@dataclass(frozen=True)
class Scene:
    """What was found in one such scene; counts are of pictures, single looks at the profile's threshold."""

    name: str
    evaluation: Evaluation
    with_boxes: int
    reported: int
    empty: int
    falsely_reported: int

    def figures(self) -> dict[str, Any]:
        """The figures by their published names."""
        return {
            **self.evaluation.figures(),
            "pictures.with_boxes": self.with_boxes,
            "pictures.reported": self.reported,
            "pictures.empty": self.empty,
            "pictures.falsely_reported": self.falsely_reported,
        }


def scenes_beside(folder: Path) -> list[FilmedSequence]:
    """Those of the scenes above that lie beside `folder`."""
    beside = folder.resolve().parent
    found = [
        sequence for name in SCENES if (beside / name).is_dir() for sequence in read_footage(beside / name)
    ]
    if (beside / NEAR_FIRES).is_dir():
        found += [held_third(sequence) for sequence in read_footage(beside / NEAR_FIRES)]
    return found


def held_third(sequence: FilmedSequence) -> FilmedSequence:
    """Every third boxed picture, which training leaves out, without those it saw in another copy.

    Copies of one source differ in what follows `.rf.` in their names.
    """
    boxed = [picture for picture in sequence.pictures if picture.truth is not None]
    trained = {_source(picture.path) for number, picture in enumerate(boxed) if number % 3}
    held = tuple(p for n, p in enumerate(boxed) if n % 3 == 0 and _source(p.path) not in trained)
    return replace(sequence, name=f"{sequence.name} (held third)", pictures=held)


def judge_scene(sequence: FilmedSequence, scores: Scores, profile: Profile) -> Scene:
    """Figures of one scene."""
    shown = _shown(sequence, scores, profile.threshold)
    return Scene(
        sequence.name,
        evaluate([sequence], scores, profile, sweep=False),
        with_boxes=sum(boxed for boxed, _ in shown),
        reported=sum(boxed and seen for boxed, seen in shown),
        empty=sum(not boxed for boxed, _ in shown),
        falsely_reported=sum(seen and not boxed for boxed, seen in shown),
    )


def _shown(sequence: FilmedSequence, scores: Scores, threshold: float) -> Sequence[tuple[bool, bool]]:
    """For each picture that is surely with or without smoke: (with a box, reported)."""
    return [
        (bool(picture.truth), scored.score >= threshold)
        for picture, scored in zip(sequence.pictures, scores.pictures[sequence.name], strict=True)
        if picture.truth is not None
        or (picture.offset_s is not None and picture.offset_s < sequence.quiet_until_s)
    ]


def _source(path: Path) -> str:
    return path.name.split(".rf.")[0]
