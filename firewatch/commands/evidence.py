"""`firewatch evidence release`: says that an incident's evidence need not be kept any longer."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Evidence files.", no_args_is_help=True)
    group.command("release")(release)
    app.add_typer(group, name="evidence")


def release(
    config_file: Annotated[Path, typer.Argument(metavar="CONFIG", help="Deployment file (YAML).")],
    incident_id: Annotated[str, typer.Argument(metavar="INCIDENT", help="Its id, as inc-0123456789abcdef.")],
    who: Annotated[str | None, typer.Option(help="Whose decision it is; you, if not given.")] = None,
) -> None:
    """Let the evidence of a closed incident go when it is old or room is needed. It is noted who said so."""
    from alerting import retention
    from alerting.store import NotFoundError, Store
    from config import load
    from firewatch.failures import UserError
    from firewatch.terminal import out

    store = Store.open(load(config_file).storage.database_url.reveal())
    try:
        retention.release(store, incident_id, who or getpass.getuser())
    except (NotFoundError, ValueError) as error:
        raise UserError(str(error)) from None
    finally:
        store.close()
    out.print(f"the evidence of {incident_id} is kept no longer than the settings say")
