"""`firewatch demo`: the whole centre on loopback, with simulated cameras and a sandbox dispatch receiver."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command("demo")(demo)


def demo(
    state: Annotated[
        Path, typer.Option("--state", metavar="DIR", help="Where the demo keeps its store; emptied at start.")
    ] = Path("var/demo"),
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Console port; another one if it is taken.")
    ] = 8080,
    browser: Annotated[
        bool, typer.Option(help="Open the console in a browser, if there is a display.")
    ] = True,
) -> None:
    """Show everything at once: nine simulated hill cameras, five of which see a fire; Ctrl-C ends it."""
    from firewatch.demo import run_demo

    run_demo(state, port, open_browser=browser)
