"""What the commands around the detector share: their options, and errors told without a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from detector.errors import DetectorError

ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", help="Name in models/registry.yaml, or path to weights of your own (.xml, .onnx, .pt)."
    ),
]
ProfileOption = Annotated[
    Literal["sensitive", "balanced", "quiet"], typer.Option("--profile", help="How eager the model is.")
]
BackendOption = Annotated[
    Literal["openvino", "onnxruntime", "ultralytics"] | None,
    typer.Option("--backend", help="Inference engine; without it, the one the weights are made for."),
]
JsonFileOption = Annotated[
    Path | None, typer.Option("--json", help="Also write everything to this JSON file.")
]

USER_ERROR_STATUS = 2


@contextmanager
def told_plainly(*more: type[Exception]) -> Iterator[None]:
    """Errors a user can act on end the command with their message on standard error and status 2."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, (DetectorError, *more)):
            raise
        Console(stderr=True).print(
            f"[bold red]error:[/] {error}", markup=True, highlight=False, soft_wrap=True
        )
        raise typer.Exit(USER_ERROR_STATUS) from None
