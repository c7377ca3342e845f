"""`firewatch api`: the reference of the API, docs/api.md."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command("api")(api)


def api(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write there instead of standard output.")
    ] = None,
    form: Annotated[
        str,
        typer.Option("--form", help="markdown (docs/api.md), or openapi for the OpenAPI document (JSON)."),
    ] = "markdown",
) -> None:
    """Print the reference of the centre's API: every route, who may ask, examples."""
    import json

    from console import api_reference
    from console.app import api_document
    from firewatch.failures import UserError

    if form not in ("markdown", "openapi"):
        raise UserError(f"--form is markdown or openapi, not {form!r}")
    document = api_document()
    text = (
        api_reference.write(document)
        if form == "markdown"
        else json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    )
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
        typer.echo(f"wrote {out}")
