"""`firewatch live CONFIG`: the live view alone, as `firewatch run` starts it beside the centre."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command("live")(live)


def live(
    config_file: Annotated[Path, typer.Argument(metavar="CONFIG", help="Deployment file (YAML).")],
    state: Annotated[
        Path, typer.Option("--state", metavar="DIR", help="Where its socket is, live.sock.")
    ] = Path("var"),
) -> None:
    """Show cameras to viewers over a unix socket, until told to stop; the console forwards to it."""
    from config import load
    from firewatch.live_app import run_live
    from firewatch.logs import start_logging
    from firewatch.plan import live_socket
    from firewatch.prepare import registered

    deployment = registered(load(config_file), state)
    start_logging(settings=deployment.logs, name="live")
    run_live(deployment, live_socket(state))
