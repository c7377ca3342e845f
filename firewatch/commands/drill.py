"""`firewatch drill CAMERA`: an exercise sighting through the whole chain, each step timed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command("drill")(drill)


def drill(
    camera: Annotated[str, typer.Argument(metavar="CAMERA", help="Id of the camera said to see the fire.")],
    config_file: Annotated[Path, typer.Option("--config", metavar="FILE", help="Deployment file (YAML).")],
    patience_s: Annotated[
        float, typer.Option("--patience", min=1, help="Seconds to wait for each round of acknowledgements.")
    ] = 60.0,
    state: Annotated[
        Path, typer.Option("--state", metavar="DIR", help="The state folder of `firewatch run`.")
    ] = Path("var"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Send a marked exercise through the running centre and report what each step took. Exit code 2 if one
    failed. `drill` in the deployment file does the same every day."""
    from dataclasses import asdict

    from rich.table import Table

    from alerting.store import Store
    from config import load
    from firewatch.drill import run_drill
    from firewatch.failures import UserError
    from firewatch.prepare import registered
    from firewatch.terminal import out, print_json

    deployment = registered(load(config_file), state)
    try:
        chosen = deployment.camera(camera)
    except KeyError as error:
        raise UserError(str(error.args[0])) from None
    store = Store.open(deployment.storage.database_url.reveal())
    try:
        report = run_drill(store, deployment, chosen, patience_s=patience_s)
    finally:
        store.close()
    if as_json:
        print_json({"passed": report.passed, **asdict(report)})
    else:
        table = Table("step", "seconds", "problem")
        for step in report.steps:
            took = "-" if step.took_s is None else f"{step.took_s:.2f}"
            table.add_row(step.name, took, f"[red]{step.problem}[/red]" if step.problem else "")
        out.print(table)
        out.print("[green]drill passed[/green]" if report.passed else "[red]drill failed[/red]")
    if not report.passed:
        raise typer.Exit(2)
