"""`firewatch dispatch test|redeliver TARGET`: is a receiver fit for alerts; send again what it refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from alerting.store import Store
    from alerting.target_register import TargetRegister
    from config import Deployment, DispatchTarget

ConfigFile = Annotated[Path, typer.Option("--config", metavar="FILE", help="Deployment file (YAML).")]
TargetId = Annotated[str, typer.Argument(metavar="TARGET", help="Id of the receiver.")]
State = Annotated[Path, typer.Option("--state", metavar="DIR", help="The state folder of `firewatch run`.")]


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
    state: State = Path("var"),  # noqa: PT028 (no test)
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
    chosen = _chosen(deployment, state, target)
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


def redeliver(target: TargetId, config_file: ConfigFile, state: State = Path("var")) -> None:
    """Send again everything that a receiver refused, once the cause is mended."""
    from alerting.outbox import redeliver_all
    from config import load
    from firewatch.terminal import out

    with _register(load(config_file), state) as (register, store):
        _require_known(register.shown(), target)
        out.print(f"{redeliver_all(store, target)} messages go to {target} again")


@contextmanager
def _register(deployment: Deployment, state: Path) -> Iterator[tuple[TargetRegister, Store]]:
    """The receivers as they are in the store, and the store."""
    from alerting.secret_box import KEY_FILE, SecretBox
    from alerting.store import Store
    from alerting.target_register import TargetRegister

    store = Store.open(deployment.storage.database_url.reveal())
    try:
        yield TargetRegister(store, deployment, SecretBox(state / KEY_FILE)), store
    finally:
        store.close()


def _chosen(deployment: Deployment, state: Path, target_id: str) -> DispatchTarget:
    """As the store has it; before the first start, which makes the store, as the file has it."""
    from alerting import snapshot

    if snapshot.is_empty(deployment.storage.database_url.reveal()):
        _require_known(deployment.dispatch, target_id)
        return next(target for target in deployment.dispatch if target.id == target_id)
    with _register(deployment, state) as (register, _store):
        _require_known(register.shown(), target_id)
        return register.opened_one(target_id)


def _require_known(targets: Sequence[DispatchTarget], target_id: str) -> None:
    from firewatch.failures import UserError

    known = [target.id for target in targets]
    if target_id not in known:
        raise UserError(f"there is no receiver '{target_id}'; there are: {', '.join(known) or 'none'}")
