"""`firewatch replay VIDEO|FOLDER`: the production pipeline over recorded footage."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from firewatch.commands.detector_options import ModelOption

if TYPE_CHECKING:
    from config import Camera, Deployment
    from detector.pipeline import Pipeline
    from detector.registry import ProfileName
    from firewatch.replay import ReplayCounts
    from firewatch.replay_dispatch import DispatchObserver
    from streams.source import Source


def register(app: typer.Typer) -> None:
    app.command("replay")(replay)


def replay(
    footage: Annotated[
        Path, typer.Argument(metavar="VIDEO|FOLDER", help="Video file, or folder of EPOCH[_OFFSET].jpg.")
    ],
    camera_id: Annotated[str, typer.Option("--camera", metavar="ID", help="Camera the footage is of.")],
    config_file: Annotated[
        Path | None,
        typer.Option("--config", help="Deployment: name, masks, detector and confirmation settings."),
    ] = None,
    model: ModelOption = None,
    profile: Annotated[
        str | None, typer.Option("--profile", help="sensitive, balanced or quiet; overrides --config.")
    ] = None,
    speed: Annotated[str, typer.Option("--speed", metavar="max|1x|Nx", help="How fast.")] = "max",
    start: Annotated[
        datetime | None,
        typer.Option(
            "--start", help="When a video begins (UTC); without it, times count from its first picture."
        ),
    ] = None,
    out_folder: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where results are written.")
    ] = Path("replay"),
    dispatch: Annotated[
        str | None, typer.Option(metavar="URL", help="Also push alerts there (needs --config).")
    ] = None,
) -> None:
    """Pass recorded footage through the production pipeline, on the footage's own clock.

    Writes annotated.mp4, snapshots/ and events.json (the same bytes for the same footage and settings).
    """
    from contextlib import ExitStack

    from config import LookSettings
    from firewatch import replay as replaying
    from firewatch.replay_outputs import AnnotatedVideo, EventLog, prepare_folder
    from firewatch.replay_progress import ReplayProgress
    from firewatch.terminal import out
    from streams.recorded import FOOTAGE_EPOCH, open_recorded

    factor = replaying.speed_of(speed)
    deployment, camera = _deployment(config_file, camera_id)
    pipeline = _pipeline(deployment, model, _profile_name(profile))
    source = open_recorded(
        footage, camera_id, starts_at=start.replace(tzinfo=UTC) if start else FOOTAGE_EPOCH
    )
    with ExitStack() as stack:
        stack.enter_context(source)
        prepare_folder(out_folder)
        events = EventLog(out_folder / "snapshots")
        pusher = _pusher(deployment, camera, dispatch, out_folder)
        video = stack.enter_context(
            AnnotatedVideo(out_folder / "annotated.mp4", camera.name if camera else camera_id)
        )
        bar = stack.enter_context(ReplayProgress(source))
        counts = replaying.replay(
            source,
            pipeline,
            deployment.looks if deployment else LookSettings(),
            [events, video, bar, *([pusher] if pusher else [])],
            masks=camera.masks if camera else (),
            speed=factor,
        )
    events.write(
        out_folder / "events.json",
        {
            "footage": _name_of(footage),
            "camera_id": camera_id,
            "model_id": pipeline.model.model_id,
            "profile": pipeline.profile.name,
            "frames": counts.frames,
            "looks": counts.looks,
            "footage_s": round(counts.footage_s, 3),
        },
    )
    _tell(counts, source, out_folder)
    if pusher is not None:
        pushed = pusher.finish()
        out.print(f"dispatch: {pushed.delivered} alerts delivered")
        for failure in pushed.failed:
            out.print(f"[red]dispatch: not delivered ({failure})[/red]")


def _deployment(config_file: Path | None, camera_id: str) -> tuple[Deployment | None, Camera | None]:
    from config import load
    from firewatch.failures import UserError

    if config_file is None:
        return None, None
    deployment = load(config_file)
    try:
        return deployment, deployment.camera(camera_id)
    except KeyError as error:
        raise UserError(f"{config_file}: {error.args[0]}; correct --camera") from None


def _pipeline(deployment: Deployment | None, model: str | None, profile: ProfileName | None) -> Pipeline:
    """With a deployment its pipeline (other weights may be named), else the shipped one."""
    from detector.pipeline import Pipeline
    from detector.registry import load_model
    from firewatch.detecting import open_detector, pipeline_for

    if deployment is None:
        return Pipeline(load_model(model), profile or "balanced")
    if model is not None:
        detector = deployment.detector.model_copy(update={"model": model})
        deployment = deployment.model_copy(update={"detector": detector})
    return pipeline_for(deployment, *open_detector(deployment), profile)


def _name_of(footage: Path) -> str:
    """A name that says something: a sequence's pictures lie in a folder called images."""
    full = footage.resolve()
    return f"{full.parent.name}/{full.name}" if full.name == "images" else full.name


def _profile_name(name: str | None) -> ProfileName | None:
    from detector.registry import PROFILE_NAMES
    from firewatch.failures import UserError

    if name is None:
        return None
    for known in PROFILE_NAMES:
        if name == known:
            return known
    raise UserError(f"--profile {name}: give {', '.join(PROFILE_NAMES)}")


def _pusher(
    deployment: Deployment | None, camera: Camera | None, url: str | None, out_folder: Path
) -> DispatchObserver | None:
    from firewatch.failures import UserError
    from firewatch.replay_dispatch import DispatchObserver

    if url is None:
        return None
    if deployment is None or camera is None:
        raise UserError("--dispatch needs --config: an alert says where the camera stands and looks")
    return DispatchObserver(deployment, camera, url, out_folder)


def _tell(counts: ReplayCounts, source: Source, out_folder: Path) -> None:
    from firewatch.terminal import out

    out.print(
        f"{counts.frames} pictures, {counts.footage_s:.0f} s of footage, {counts.looks} looks, "
        f"[bold]{counts.sightings} sightings[/bold]; see {out_folder}"
    )
    if counts.bad_pictures:
        out.print(
            f"[yellow]{counts.bad_pictures} looks at bad pictures, not judged (see events.json)[/yellow]"
        )
    if source.counts.bad_pictures:
        out.print(
            f"[yellow]{source.counts.bad_pictures} pictures could not be read: "
            f"{source.counts.last_bad_picture}[/yellow]"
        )
