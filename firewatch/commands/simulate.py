"""`firewatch simulate SCENE.yaml`: renders a hill scene to a video with its ground truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command("simulate")(simulate)


def simulate(
    scene: Annotated[Path, typer.Argument(metavar="SCENE", help="Scene description (YAML).")],
    out_folder: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where NAME.mp4 and NAME.json are written.")
    ] = Path("."),
) -> None:
    """Render a scene through the project's own camera model: NAME.mp4 and NAME.json (ground truth)."""
    from simulator.render import render_file

    render_file(scene, out_folder)
