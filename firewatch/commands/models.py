"""`firewatch models`: which weights there are, whether they are whole, and which of them are used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="The detector's weights: list, check, promote, roll back.", no_args_is_help=True)


def register(main_app: typer.Typer) -> None:
    main_app.add_typer(app, name="models")


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
DAMAGED_STATUS = 1
WORSE_STATUS = 1


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


@app.command("promote")
def promote_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A model of the registry.")],
    verdicts: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="This deployment's verdicts, exported as sequences (split frozen)."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Promote even what is clearly worse.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare a model with the current one and make it current; clearly worse is refused. Status 1 then.

    Without --verdicts the rendered scenes are a regression check: they show that nothing broke, no more.
    Running workers take the new model when they are started again.
    """
    from dataclasses import asdict

    from detector.registry import load_model, promote
    from firewatch.promotion import compare
    from firewatch.terminal import out, print_error, print_json

    compared = compare(load_model(), load_model(name), verdicts)
    promoted = compared.problem is None or force
    if promoted:
        promote(name)
    if as_json:
        print_json({**asdict(compared), "problem": compared.problem, "promoted": promoted})
    else:
        out.print(f"compared on {compared.set_name}; a good result says {compared.proves}")
        for outcome in (compared.current, compared.candidate):
            delay = "-" if outcome.mean_delay_s is None else f"{outcome.mean_delay_s:.0f} s"
            out.print(
                f"{outcome.model_id}: {outcome.found} of {outcome.fires} fires found, mean delay {delay}, "
                f"{outcome.false_sightings} false sightings"
            )
        if promoted:
            out.print(
                f"[green]{name} is current[/green]; `firewatch models rollback` returns to the one before"
            )
    if compared.problem is not None:
        print_error(f"{name} is clearly worse: {compared.problem}" + (" (forced)" if force else ""))
    if not promoted:
        raise typer.Exit(WORSE_STATUS)


@app.command("rollback")
def rollback_command() -> None:
    """Return to the model that was current before the last promotion."""
    from detector.registry import rollback
    from firewatch.terminal import out

    out.print(f"[green]{rollback()} is current[/green]; it takes effect when the workers are started again")
