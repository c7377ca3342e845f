"""`firewatch detect IMAGE...`: what the detector sees in single pictures, without any memory of the view."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from firewatch.commands.detector_options import BackendOption, ModelOption, ProfileOption


def register(app: typer.Typer) -> None:
    app.command("detect")(detect)


def detect(
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
    from dataclasses import asdict

    from detector.registry import load_model
    from firewatch.failures import EXIT_KNOWN
    from firewatch.single_pictures import look_at_picture, table_of
    from firewatch.terminal import out, print_error, print_json

    loaded = load_model(model)
    network = loaded.open_backend(backend)
    least = threshold if threshold is not None else loaded.profile(profile).threshold
    answers = [look_at_picture(path, loaded, network, least, annotate) for path in images]
    if as_json:
        found = [asdict(answer) for answer in answers]
        print_json({"model_id": loaded.model_id, "threshold": least, "images": found})
    else:
        out.print(table_of(answers))
    problems = [answer for answer in answers if answer.problem]
    for answer in problems:
        print_error(f"{answer.image} {answer.problem}")
    if problems:
        raise typer.Exit(EXIT_KNOWN)
