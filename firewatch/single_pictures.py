"""What the detector sees in single pictures, without any memory of a view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table

from detector.annotate import annotated, to_jpeg
from detector.backend import Backend
from detector.detection import Detection
from detector.pipeline import Looker
from detector.registry import Model
from streams.errors import BadPicture
from streams.frame import Frame
from streams.picture import read_picture


@dataclass(frozen=True)
class PictureAnswer:
    """What was seen in one file, or why nothing could be."""

    image: str
    width_px: int | None
    height_px: int | None
    detections: tuple[Detection, ...]
    problem: str | None = None


def look_at_picture(
    path: Path, model: Model, backend: Backend, least_score: float, annotated_folder: Path | None = None
) -> PictureAnswer:
    """Look at one file; with `annotated_folder`, write NAME.detected.jpg there."""
    try:
        image = read_picture(path)
    except BadPicture as error:
        return PictureAnswer(str(path), None, None, (), str(error))
    looker = Looker(backend, model.ages_for(backend), model.look_width_px, calibration=model.calibration)
    frame = Frame(image, "picture", datetime.fromtimestamp(0, UTC), 1)
    detections, bad = looker.detections(frame, least_score)
    if annotated_folder is not None:
        annotated_folder.mkdir(parents=True, exist_ok=True)
        drawn = annotated(image, detections=detections, caption=path.name)
        (annotated_folder / f"{path.stem}.detected.jpg").write_bytes(to_jpeg(drawn))
    problem = f"cannot be judged: {bad}" if bad else None
    return PictureAnswer(str(path), frame.width_px, frame.height_px, detections, problem)


def table_of(answers: Sequence[PictureAnswer]) -> Table:
    """All answers, one line a box."""
    table = Table()
    for heading in ("picture", "class", "score", "x1", "y1", "x2", "y2"):
        table.add_column(heading, justify="left" if heading in ("picture", "class") else "right")
    for answer in answers:
        if not answer.detections:
            table.add_row(answer.image, "cannot be judged" if answer.problem else "nothing found")
        for number, found in enumerate(answer.detections):
            box = found.box
            edges = (f"{edge:.0f}" for edge in (box.x1, box.y1, box.x2, box.y2))
            table.add_row("" if number else answer.image, found.label, f"{found.confidence:.2f}", *edges)
    return table
