"""`firewatch config schema`: the JSON Schema of deployment files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Deployment files.", no_args_is_help=True)
    group.command("schema")(schema)
    group.callback()(lambda: None)
    app.add_typer(group, name="config")


def schema(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write there instead of standard output.")
    ] = None,
) -> None:
    """Print the JSON Schema of deployment files (config/deployment.schema.json), for editors."""
    from config.json_schema import deployment_schema_text

    if out is None:
        typer.echo(deployment_schema_text(), nl=False)
    else:
        out.write_text(deployment_schema_text(), encoding="utf-8")
        typer.echo(f"wrote {out}")
