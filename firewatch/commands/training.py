"""`firewatch train` and `firewatch export`: from labelled footage to weights the product runs.

Both need an extra of their own and run the modules of `detector.training`, which say what they do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def register(app: typer.Typer) -> None:
    app.command("train", context_settings=PASS_ON)(train)
    app.command("export")(export)


def train(context: typer.Context) -> None:
    """Train the detector; all options go to `detector.training.train` (docs/training.md). Needs [train]."""
    _need("train", "torch", "ultralytics")
    raise typer.Exit(_run("detector.training.train", context.args or ["--help"]))


def export(
    checkpoint: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="last.pt of a run, or an OpenVINO .xml to quantise."),
    ],
    out_folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the files are written.")],
    name: Annotated[str, typer.Option("--name", help="What the files are called.")] = "smoke",
    int8: Annotated[
        Path | None,
        typer.Option(
            "--int8",
            metavar="FOOTAGE",
            help="Also write NAME.int8.xml, calibrated on the train split of this footage. Needs [export].",
        ),
    ] = None,
) -> None:
    """Write ONNX and OpenVINO files of trained weights, with --int8 also quantised ones.

    Whether INT8 loses accuracy is for `firewatch evaluate --model DIR/NAME.int8.xml` to say, on val.
    """
    from firewatch.terminal import out

    weights = checkpoint
    if checkpoint.suffix != ".xml":
        _need("train", "torch", "ultralytics")
        code = _run("detector.training.export", [str(checkpoint), "--out", str(out_folder), "--name", name])
        if code:
            raise typer.Exit(code)
        weights = out_folder / f"{name}.xml"
    if int8 is not None:
        _need("export", "nncf")
        out.print(f"wrote {_quantised(weights, int8, out_folder / f'{name}.int8.xml')}")


def _quantised(weights: Path, footage: Path, target: Path) -> Path:
    from detector.registry import load_model
    from detector.training.quantise import calibration_looks, quantise
    from firewatch.failures import UserError

    model = load_model(weights)
    backend = model.open_backend("openvino")
    looks = calibration_looks(footage, model.ages_for(backend), model.look_width_px)
    if not looks:
        raise UserError(f"{footage}: no dated sequence of split train to calibrate on")
    return quantise(weights, looks, target)


def _need(extra: str, *modules: str) -> None:
    from importlib.util import find_spec

    from firewatch.failures import UserError

    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise UserError(f"{', '.join(missing)} is not installed; run `pip install .[{extra}]`")


def _run(module: str, arguments: list[str]) -> int:
    """Run a module as a process of its own, as the documentation names it; its exit status."""
    import subprocess
    import sys

    return subprocess.run([sys.executable, "-m", module, *arguments], check=False).returncode
