"""`firewatch calibrate CONFIG CAMERA`: where a camera looks, from landmarks or from the skyline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from geometry.calibration import Calibration, Landmark
    from geometry.camera import CameraModel


def register(app: typer.Typer) -> None:
    app.command("calibrate")(calibrate)


def calibrate(
    config_file: Annotated[Path, typer.Argument(metavar="CONFIG", help="Deployment file (YAML).")],
    camera_id: Annotated[str, typer.Argument(metavar="CAMERA", help="Which camera.")],
    landmarks: Annotated[
        Path | None,
        typer.Option(help="CSV: name,x_px,y_px,lat_deg,lon_deg[,height_m]; at least 3, far apart."),
    ] = None,
    skyline: Annotated[
        Path | None,
        typer.Option(help="CSV: x_px,y_px along the skyline, 20 points or more, to refine the pose."),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(help="A picture of a clear day, whose skyline is found and matched to the terrain."),
    ] = None,
    size: Annotated[str, typer.Option(help="Size of the picture the pixels were read from.")] = "1920x1080",
    preset: Annotated[str | None, typer.Option(help="Which preset; none for the camera's own pose.")] = None,
) -> None:
    """Pose and field of view from landmarks (pixel and coordinate), refined by the skyline: of a picture, or
    given by points. The believed azimuth may be 6 degrees off for a picture. Prints residuals,
    uncertainty, and the lines for the deployment file."""
    from alerting.placement import surface_of
    from alerting.viewpoint import camera_model
    from config import load
    from firewatch.failures import UserError
    from geometry.calibration import CalibrationError, from_landmarks, from_skyline
    from geometry.raster_terrain import RasterTerrain

    deployment = load(config_file)
    try:
        camera = deployment.camera(camera_id)
    except KeyError as error:
        raise UserError(str(error.args[0])) from None
    if deployment.terrain is None:
        raise UserError(f"{config_file} names no terrain: calibration needs the ground's heights")
    if landmarks is None and skyline is None and picture is None:
        raise UserError("give --landmarks, --picture or --skyline")
    terrain = RasterTerrain.open(deployment.terrain)
    seen = _picture(picture) if picture is not None else None
    size_px: tuple[int, int] = (seen.shape[1], seen.shape[0]) if seen is not None else _size(size)
    model, lens_m = camera_model(camera, preset, *size_px, terrain)
    surface = surface_of(deployment, terrain)
    if lens_m is None:
        raise UserError(f"the height of {camera_id} is not known: it stands outside the terrain model")
    try:
        if landmarks is not None:
            marks = _landmarks(landmarks, terrain)
            found = from_landmarks(model, marks)
            _print(found, marks)
            model = _with(model, found)
        if seen is not None:
            model = _by_picture(model, seen, surface)
        if skyline is not None:
            found = from_skyline(model, [(row[0], row[1]) for row in _numbers(skyline, 2)], surface)
            _print(found, None)
    except CalibrationError as error:
        raise UserError(str(error)) from None


def _picture(path: Path) -> Any:
    import cv2
    import numpy as np

    from firewatch.failures import UserError

    pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise UserError(f"{path}: not a picture that can be read")
    return pixels


def _by_picture(model: CameraModel, picture: Any, surface: Any) -> CameraModel:
    import numpy as np

    from firewatch.terminal import out
    from geometry.skyline import match, trace

    skyline = trace(picture)
    found = match(model, skyline, surface)
    size = np.abs(found.residuals_px)
    out.print(
        f"skyline: {len(skyline.x_px)} columns, {skyline.clear_share:.0%} of the picture's; off the terrain's"
        f" horizon by {np.median(size):.1f} px (median), {np.percentile(size, 95):.1f} px (95 %); the next"
        f" best azimuth fits by {found.next_misfit_px:.1f} px, this one by {found.misfit_px:.1f}"
    )
    _print(found.calibration, None)
    return _with(model, found.calibration)


def _with(model: CameraModel, found: Calibration) -> CameraModel:
    from dataclasses import replace

    return replace(model, pose=found.pose)


def _size(text: str) -> tuple[int, int]:
    from firewatch.failures import UserError

    try:
        width, height = (int(one) for one in text.lower().split("x"))
    except ValueError:
        raise UserError(f"--size {text}: write it like 1920x1080") from None
    return width, height


def _landmarks(path: Path, terrain: Any) -> list[Landmark]:
    import csv

    from firewatch.failures import UserError
    from geometry.calibration import Landmark
    from geometry.position import Position

    marks = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            try:
                lat, lon = float(row["lat_deg"]), float(row["lon_deg"])
                height = float(row.get("height_m") or terrain.height_m(lat, lon))
                place = Position(lat, lon, height)
                marks.append(Landmark(row["name"], float(row["x_px"]), float(row["y_px"]), place))
            except (KeyError, TypeError, ValueError) as error:
                raise UserError(
                    f"{path}, line {number}: {error}; columns: name,x_px,y_px,lat_deg,lon_deg[,height_m]"
                ) from None
    return marks


def _numbers(path: Path, columns: int) -> list[list[float]]:
    from firewatch.failures import UserError

    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        parts = line.split(",")
        try:
            rows.append([float(one) for one in parts[:columns]])
        except ValueError:
            if number > 1:  # the first line may name the columns
                raise UserError(f"{path}, line {number}: not {columns} numbers") from None
    return rows


def _print(found: Calibration, marks: list[Landmark] | None) -> None:
    from rich.table import Table

    from firewatch.terminal import out

    pose = found.pose
    if marks is not None:
        table = Table("landmark", "x off, px", "y off, px")
        for mark, (x, y) in zip(marks, found.residuals_px, strict=True):
            table.add_row(mark.name, f"{x:+.1f}", f"{y:+.1f}")
        out.print(table)
    else:
        out.print(f"skyline: {len(found.residuals_px)} points")
    out.print(f"residuals: {found.rms_px:.1f} px (root mean square)")
    out.print(
        f"azimuth {pose.azimuth_deg:.3f} ± {found.azimuth_sigma_deg:.3f}, tilt {pose.tilt_deg:.3f}"
        f" ± {found.tilt_sigma_deg:.3f}, roll {pose.roll_deg:.3f} ± {found.roll_sigma_deg:.3f}, field of view"
        f" {pose.hfov_deg:.3f} ± {found.hfov_sigma_deg:.3f} degrees (one standard deviation)"
    )
    out.print(found.deployment_line, soft_wrap=True)
