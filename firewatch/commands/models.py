"""`firewatch models list|verify`: which weights there are, whether they are whole, and their licence."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="The detector's weights: list them, check them.", no_args_is_help=True)


def register(main_app: typer.Typer) -> None:
    main_app.add_typer(app, name="models")


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
DAMAGED_STATUS = 1


@app.command("list")
def list_command(as_json: JsonOption = False) -> None:
    """All models of models/registry.yaml; the one in use is marked."""
    from rich.table import Table

    from detector.registry import list_models
    from firewatch.terminal import out, print_json

    current, models = list_models()
    if as_json:
        rows = [
            {
                "name": model.name,
                "model_id": model.model_id,
                "current": model.name == current,
                "title": model.title,
                "licence": model.licence,
                "files": [str(path) for path in model.files],
                "thresholds": {name: profile.threshold for name, profile in model.profiles.items()},
            }
            for model in models
        ]
        print_json(rows)
        return
    table = Table(title="Models (*: in use)", title_justify="left")
    for heading in ("model", "what it is", "licence of the weights", "threshold: sensitive, balanced, quiet"):
        table.add_column(heading)
    for model in models:
        table.add_row(
            f"{model.model_id}{' *' if model.name == current else ''}",
            model.title,
            model.licence,
            ", ".join(f"{model.profiles[name].threshold:g}" for name in ("sensitive", "balanced", "quiet")),
        )
    out.print(table)


@app.command("verify")
def verify_command(as_json: JsonOption = False) -> None:
    """Compare every weights file with its checksum; status 1 when one is missing or damaged."""
    from detector.registry import verify
    from firewatch.terminal import out, print_json

    problems = verify()
    if as_json:
        print_json(problems)
    else:
        for name, files in problems.items():
            for file, problem in files.items():
                out.print(f"{name}: {file}: " + (f"[red]{problem}[/]" if problem else "[green]whole[/]"))
    if any(problem for files in problems.values() for problem in files.values()):
        raise typer.Exit(DAMAGED_STATUS)
