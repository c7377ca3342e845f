"""`firewatch coverage CONFIG`: what the cameras see of the ground, what of it twice, and what nobody sees."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from alerting.coverage import Coverage

_ROWS = 20


def register(app: typer.Typer) -> None:
    app.command("coverage")(coverage)


def coverage(
    config_file: Annotated[Path, typer.Argument(metavar="CONFIG", help="Deployment file (YAML).")],
    out_folder: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for coverage.geojson, coverage.png and coverage.json."),
    ] = None,
    max_range_km: Annotated[
        float, typer.Option(min=0.5, max=50, help="How far a camera is taken to see smoke.")
    ] = 10.0,
    cell_m: Annotated[float, typer.Option(min=5, max=500, help="Size of the cells counted.")] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Viewsheds on the elevation model: the ground each camera sees, each grid's share, overlap, blind spots.

    Cameras that are not enabled are left out. Pictures are taken to be 16:9."""
    from alerting.coverage import cover
    from alerting.grids import Grids
    from alerting.placement import surface_of
    from config import load
    from firewatch.coverage_files import figures, write
    from firewatch.failures import UserError
    from firewatch.prepare import registered
    from firewatch.terminal import out, print_json
    from geometry.raster_terrain import RasterTerrain

    deployment = registered(load(config_file))
    if deployment.terrain is None:
        raise UserError(f"{config_file} names no terrain: what the ground hides cannot be worked out")
    terrain = RasterTerrain.open(deployment.terrain)
    grids = Grids.open(deployment.grids, deployment.time_zone) if deployment.grids else None
    found = cover(
        [camera for camera in deployment.cameras if camera.enabled],
        surface_of(deployment, terrain),
        terrain.bounds_deg,
        grids,
        max_range_m=max_range_km * 1000,
        cell_m=cell_m,
    )
    files = write(found, out_folder) if out_folder is not None else []
    if as_json:
        print_json(figures(found))
        return
    _print(found)
    for file in files:
        out.print(f"written: {file}", soft_wrap=True)


def _print(found: Coverage) -> None:
    from rich.table import Table

    from alerting.coverage import SMOKE_M
    from firewatch.terminal import out

    cell_km2 = found.frame.cell_km2
    table = Table(
        "camera", "name", "ground, km2", f"smoke {SMOKE_M:.0f} m high, km2", "seen by it alone, km2"
    )
    for view in found.views:
        alone = view.ground & (found.count == 1)
        areas = (f"{float(one.sum()) * cell_km2:.1f}" for one in (view.ground, view.smoke, alone))
        table.add_row(view.camera_id, view.name, *areas)
    out.print(table)
    for camera_id in found.left_out:
        out.print(f"[yellow]{camera_id}[/yellow]: left out, it stands outside the elevation model")
    if found.grids:
        _print_grids(found)
    area_km2 = float(found.concerns.sum()) * cell_km2
    what = "the grids" if found.grids else "the ground within range"
    out.print(
        f"of {area_km2:.0f} km2 ({what}): ground seen {found.share(found.count > 0):.1%}, by two or more"
        f" cameras {found.share(found.count > 1):.1%}, smoke {SMOKE_M:.0f} m high"
        f" {found.share(found.smoke):.1%}, blind {found.share(found.blind):.1%}"
        f" (cells of {found.frame.cell_m:.0f} m)"
    )


def _print_grids(found: Coverage) -> None:
    from rich.table import Table

    from firewatch.terminal import out

    worst = sorted(found.grids, key=lambda one: (one.smoke, one.ground))
    title = None if len(worst) <= _ROWS else f"the {_ROWS} of {len(worst)} grids least seen"
    table = Table("grid", "name", "km2", "ground", "twice", "smoke", title=title)
    for one in worst[:_ROWS]:
        shares = (f"{share:.0%}" for share in (one.ground, one.twice, one.smoke))
        table.add_row(one.area.code, one.area.name, f"{one.area_km2:.1f}", *shares)
    out.print(table)
