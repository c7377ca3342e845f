"""Options the commands around the detector share. No command of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

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
