"""`firewatch detect IMAGE...`: what the detector sees in single pictures, without any memory of the view."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from detector.annotate import annotated, to_jpeg
from detector.detection import Detection
from detector.pipeline import Looker
from detector.registry import load_model
from firewatch.commands.detector_options import (
    USER_ERROR_STATUS,
    BackendOption,
    ModelOption,
    ProfileOption,
    told_plainly,
)
from streams.errors import BadPicture
from streams.frame import Frame
from streams.picture import read_picture


@dataclass(frozen=True)
class _Answer:
    """What was seen in one file, or why nothing could be."""

    image: str
    width_px: int | None
    height_px: int | None
    detections: tuple[Detection, ...]
    problem: str | None = None


def detect_command(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Pictures: JPEG, PNG, TIFF, BMP, WebP.")
    ],
    model: ModelOption = None,
    profile: ProfileOption = "balanced",
    backend: BackendOption = None,
    threshold: Annotated[
        float | None, typer.Option(min=0.01, max=0.99, help="Least score; without it, the profile's.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
    annotate: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write each picture with its boxes into this folder.")
    ] = None,
) -> None:
    """Find smoke and fire in single pictures.

    A single picture has no past: the detector is weaker here than on a watched view (`firewatch replay`).
    Pictures that cannot be judged are named, the others are still answered; the status is then 2.
    """
    with told_plainly():
        loaded = load_model(model)
        network = loaded.open_backend(backend)
        ages_s = loaded.ages_for(network)
        least = threshold if threshold is not None else loaded.profile(profile).threshold
        answers = []
        for path in images:
            looker = Looker(network, ages_s, loaded.look_width_px)
            answers.append(_look_at(path, looker, least, annotate))
    if as_json:
        document = {"model_id": loaded.model_id, "threshold": least, "images": [asdict(a) for a in answers]}
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        Console().print(_table(answers))
    problems = [answer for answer in answers if answer.problem]
    for answer in problems:
        Console(stderr=True, highlight=False).print(
            f"[bold red]error:[/] {answer.image}: {answer.problem}", soft_wrap=True
        )
    if problems:
        raise typer.Exit(USER_ERROR_STATUS)


def _look_at(path: Path, looker: Looker, least_score: float, folder: Path | None) -> _Answer:
    try:
        image = read_picture(path)
    except BadPicture as error:
        return _Answer(str(path), None, None, (), str(error))
    frame = Frame(image, "picture", datetime.fromtimestamp(0, UTC), 1)
    detections, problem = looker.detections(frame, least_score)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        drawn = annotated(image, detections=detections, caption=path.name)
        (folder / f"{path.stem}.detected.jpg").write_bytes(to_jpeg(drawn))
    return _Answer(
        str(path),
        frame.width_px,
        frame.height_px,
        detections,
        f"cannot be judged: {problem}" if problem else None,
    )


def _table(answers: list[_Answer]) -> Table:
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
