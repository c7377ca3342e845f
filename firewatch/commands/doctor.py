"""`firewatch doctor`: is this installation well?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


def doctor(
    config_file: Annotated[Path, typer.Argument(metavar="CONFIG", help="Deployment file (YAML).")],
    state: Annotated[
        Path, typer.Option("--state", metavar="DIR", help="The state folder of `firewatch run`.")
    ] = Path("var"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Clock, disks, certificates, time zone, store, dead letters, blind cameras. Exit code 2 for an alarm."""
    from dataclasses import asdict

    from rich.table import Table

    from config import load
    from firewatch.doctor import examine
    from firewatch.terminal import out, print_json

    findings = examine(load(config_file), state)
    if as_json:
        print_json([asdict(one) for one in findings])
    else:
        colours = {"ok": "green", "warn": "yellow", "alarm": "bold red"}
        table = Table(box=None, show_header=False)
        for one in findings:
            table.add_row(f"[{colours[one.level]}]{one.level}[/]", one.subject, one.text)
        out.print(table)
    if any(one.level == "alarm" for one in findings):
        raise typer.Exit(2)
