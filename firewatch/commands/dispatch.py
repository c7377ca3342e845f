"""`firewatch dispatch test|redeliver TARGET`: is a receiver fit for alerts; send again what it refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from config import Deployment, DispatchTarget

ConfigFile = Annotated[Path, typer.Option("--config", metavar="FILE", help="Deployment file (YAML).")]
TargetId = Annotated[str, typer.Argument(metavar="TARGET", help="Id of the target in `dispatch`.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        help="Receivers of alerts: test one, send again what it refused.", no_args_is_help=True
    )
    group.command("test")(test_target)
    group.command("redeliver")(redeliver)
    app.add_typer(group, name="dispatch")


def test_target(
    target: TargetId,
    config_file: ConfigFile,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,  # noqa: PT028 (no test)
) -> None:
    """Send marked exercises to a receiver and judge its answers. Exit code 2 if a "must" fails."""
    from dataclasses import asdict
    from zoneinfo import ZoneInfo

    from rich.table import Table

    from alerting.formats import Origin
    from config import load
    from firewatch.conformance import check_target
    from firewatch.terminal import out, print_json

    deployment = load(config_file)
    chosen = _target(deployment, target)
    origin = Origin(deployment.name, deployment.sender, ZoneInfo(deployment.time_zone))
    checks = check_target(chosen, origin)
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        table = Table("the receiver", "", "", "answer")
        for check in checks:
            result = "[green]yes[/green]" if check.passed else "[red]no[/red]"
            table.add_row(check.name, check.need, result, check.answer)
        out.print(table)
    if any(check.need == "must" and not check.passed for check in checks):
        raise typer.Exit(2)


def redeliver(target: TargetId, config_file: ConfigFile) -> None:
    """Send again everything that a receiver refused, once the cause is mended."""
    from alerting.outbox import redeliver_all
    from alerting.store import Store
    from config import load
    from firewatch.terminal import out

    deployment = load(config_file)
    _target(deployment, target)
    store = Store.open(deployment.storage.database_url.reveal())
    try:
        out.print(f"{redeliver_all(store, target)} messages go to {target} again")
    finally:
        store.close()


def _target(deployment: Deployment, target_id: str) -> DispatchTarget:
    from firewatch.failures import UserError

    for target in deployment.dispatch:
        if target.id == target_id:
            return target
    known = ", ".join(target.id for target in deployment.dispatch) or "none"
    raise UserError(f"there is no dispatch target '{target_id}'; there are: {known}")
