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
    from rich.progress import Progress

    from firewatch.terminal import err, out
    from simulator.render import render_file

    out_folder.mkdir(parents=True, exist_ok=True)
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task(f"rendering {scene.stem}", total=1.0)
        rendered = render_file(scene, out_folder, lambda share: progress.update(task, completed=share))
    for path in (rendered.video, rendered.truth, rendered.clearing, rendered.calm):
        if path is not None:
            out.print(f"wrote {path}")
