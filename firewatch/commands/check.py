"""`firewatch check CONFIG`: is the deployment file right, are the weights whole, do the cameras answer?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from config import Deployment
    from detector.registry import Model
    from streams.probe import CameraProbe


def register(app: typer.Typer) -> None:
    app.command("check")(check)


def check(
    config_file: Annotated[Path, typer.Argument(metavar="CONFIG", help="Deployment file (YAML).")],
    probe: Annotated[
        bool, typer.Option("--probe", help="Open each camera: codec, size, fps, key frames, clock.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a deployment file, the weights it uses and with --probe its cameras. Exit code 2 if one fails."""
    from config import load
    from detector.registry import load_model

    deployment = load(config_file)
    model = load_model(deployment.detector.model)
    remarks = _check_files(deployment)
    probes = _probe_all(deployment) if probe else None
    if as_json:
        _print_json(deployment, model, remarks, probes)
    else:
        _print_tables(deployment, model, remarks, probes)
    if probes and any(found.problem for found in probes):
        raise typer.Exit(2)


def _probe_all(deployment: Deployment) -> list[CameraProbe]:
    from concurrent.futures import ThreadPoolExecutor

    from rich.progress import Progress

    from firewatch.terminal import err
    from streams.probe import probe_camera

    cameras = [camera for camera in deployment.cameras if camera.enabled]
    with Progress(console=err, transient=True) as progress, ThreadPoolExecutor(8) as pool:
        task = progress.add_task("opening cameras", total=len(cameras))
        probes = []
        for found in pool.map(probe_camera, cameras):
            probes.append(found)
            progress.advance(task)
    return probes


def _check_files(deployment: Deployment) -> list[str]:
    """Opens terrain, grids and places, whose errors pass through; overlaps and gaps of the grids in words."""
    from alerting.gazetteer import Gazetteer
    from alerting.grids import Grids
    from geometry.raster_terrain import RasterTerrain

    if deployment.terrain is not None:
        RasterTerrain.open(deployment.terrain)
    if deployment.gazetteer is not None:
        Gazetteer.open(deployment.gazetteer)
    if deployment.grids is None:
        return []
    return [f"{deployment.grids.name}: {problem}" for problem in Grids.open(deployment.grids).problems()]


def _print_json(
    deployment: Deployment, model: Model, remarks: list[str], probes: list[CameraProbe] | None
) -> None:
    from dataclasses import asdict

    from firewatch.terminal import print_json

    answer: dict[str, Any] = {
        "deployment": deployment.name,
        "version": deployment.version,
        "cameras": len(deployment.cameras),
        "model": {"id": model.model_id, "title": model.title, "licence": model.licence},
        "remarks": remarks,
    }
    if probes is not None:
        answer["probes"] = [
            {name: value for name, value in asdict(found).items() if name != "picture_jpeg"}
            for found in probes
        ]
    print_json(answer)


def _print_tables(
    deployment: Deployment, model: Model, remarks: list[str], probes: list[CameraProbe] | None
) -> None:
    from rich.table import Table

    from firewatch.terminal import out

    out.print(
        f"[green]ok[/green] {deployment.name}: {len(deployment.cameras)} cameras, "
        f"version {deployment.version}"
    )
    out.print(f"weights: {model.model_id} - {model.title}")
    out.print(f"licence of the weights: [yellow]{model.licence}[/yellow]")
    for remark in remarks:
        out.print(f"[yellow]{remark}[/yellow]", soft_wrap=True)
    if probes is None:
        return
    table = Table("camera", "codec", "size", "fps", "key frames", "clock")
    for found in probes:
        if found.problem:
            table.add_row(found.camera_id, "-", "-", "-", "-", "[red]no picture[/red]")
            continue
        table.add_row(
            found.camera_id,
            found.codec,
            f"{found.width_px}x{found.height_px}",
            f"{found.fps:.1f}" if found.fps else "?",
            f"every {found.key_frame_spacing_s:.1f} s" if found.key_frame_spacing_s else "?",
            found.clock,
        )
    out.print(table)
    for found in probes:
        for remark in found.remarks:
            out.print(f"[yellow]{found.camera_id}[/yellow]: {remark}")
        if found.problem:
            out.print(f"[red]{found.camera_id}: {found.problem}[/red]")
