"""`firewatch run CONFIG`: the centre with its workers and its sender, until told to stop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command("run")(run)


def run(
    config_file: Annotated[Path, typer.Argument(metavar="CONFIG", help="Deployment file (YAML).")],
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Worker processes; one for each core by default.")
    ] = None,
    state: Annotated[
        Path, typer.Option("--state", metavar="DIR", help="Where the supervisor keeps heartbeats.")
    ] = Path("var"),
) -> None:
    """Watch the cameras of a deployment: console, workers and alert sender, each supervised."""
    from config import load
    from firewatch.dead_workers import tell_of_dead_workers
    from firewatch.logs import start_logging
    from firewatch.plan import Plan, watched_here
    from firewatch.prepare import base_url, check_parts, link_key, listening_socket, prepare_store, registered
    from firewatch.running import alone
    from firewatch.service_manager import ServiceManager
    from firewatch.supervision import Supervisor
    from firewatch.terminal import out

    deployment = load(config_file)
    check_parts(deployment)
    start_logging(settings=deployment.logs, name="supervisor")
    with (
        alone(state, wanted_for="run"),
        listening_socket(deployment.console.host, deployment.console.port) as console,
    ):
        first = prepare_store(deployment)
        url = base_url(deployment, console)
        watched = len(watched_here(registered(deployment).cameras))
        plan = Plan(config_file, deployment, state, console.fileno(), url, link_key(state), workers, watched)
        out.print(f"{deployment.name}: console at {url}/")
        if first:
            out.print(f"first log-in: [bold]{first.username}[/bold] / [bold]{first.password}[/bold]")
        manager = ServiceManager()
        manager.ready(f"watching {watched} cameras, console at {url}/")
        try:
            Supervisor(plan.processes(), on_death=tell_of_dead_workers(plan)).run(manager.alive)
        finally:
            manager.stopping()
