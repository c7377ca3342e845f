"""The `firewatch` command. Each module in `firewatch.commands` adds its commands with `register(app)`.

Modules there import nothing heavy at their top: `firewatch --help` must answer at once.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import traceback
from typing import Annotated

import typer

import firewatch.commands
from firewatch.failures import explained
from firewatch.terminal import print_error

app = typer.Typer(
    name="firewatch",
    help="Forest-fire remote video monitoring for hill cameras (森林防火远程视频监控).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback when something fails.")] = False,
) -> None:
    """Reads the options common to all commands; `main` asks for --debug itself."""
    del debug


def _register_commands() -> None:
    for module in sorted(pkgutil.iter_modules(firewatch.commands.__path__), key=lambda found: found.name):
        register = getattr(importlib.import_module(f"firewatch.commands.{module.name}"), "register", None)
        if register is not None:
            register(app)


def main() -> None:
    """Entry point: no traceback ever reaches the user unless asked for."""
    try:
        _register_commands()
        app()
    except Exception as error:
        if "--debug" in sys.argv[1:]:
            traceback.print_exc()
        paragraph, code = explained(error)
        print_error(paragraph)
        sys.exit(code)


if __name__ == "__main__":
    main()
