"""`firewatch worker CONFIG --centre URL --token-file FILE`: a worker on a hill box, without a store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command("worker")(worker)


def worker(
    config_file: Annotated[Path, typer.Argument(metavar="CONFIG", help="Deployment file (YAML).")],
    centre: Annotated[str, typer.Option(metavar="URL", help="The centre's address: https://HOST[:PORT].")],
    token_file: Annotated[
        Path, typer.Option(metavar="FILE", help="Holds the secret of a token of role machine.")
    ],
    state: Annotated[
        Path, typer.Option("--state", metavar="DIR", help="Where everything waits and is kept.")
    ] = Path("var"),
    authority: Annotated[
        Path | None,
        typer.Option("--ca", metavar="FILE", help="Certificates to trust instead of the system's (PEM)."),
    ] = None,
    camera: Annotated[list[str] | None, typer.Option(help="Only this camera; may be repeated.")] = None,
    picture_interval: Annotated[
        float, typer.Option(min=1, help="Seconds between two pictures of a camera for the console.")
    ] = 60.0,
) -> None:
    """Watch cameras here and report to a centre over HTTPS; what cannot be sent waits on this disk.

    Watches the cameras of CONFIG that say `watched_by: box`; the centre's own file names them, too.
    """
    from config import load
    from detector.registry import load_model
    from firewatch.failures import UserError
    from firewatch.logs import start_logging
    from firewatch.plan import at_boxes
    from firewatch.remote.link import CentreLink
    from firewatch.running import alone
    from firewatch.service_manager import ServiceManager
    from firewatch.supervision import ProcessSpec, Supervisor

    deployment = load(config_file)
    load_model(deployment.detector.model)
    mine = [one.id for one in at_boxes(deployment.cameras)]
    for wanted in camera or ():
        if wanted not in mine:
            raise UserError(f"no camera '{wanted}' of {config_file} is enabled with 'watched_by: box'")
    if not mine:
        raise UserError(
            f"no camera of {config_file} says 'watched_by: box'; write it at those that this machine "
            "watches, here and in the centre's file"
        )
    with CentreLink(centre, token_file, authority=authority):
        pass  # mistakes in these are told now
    start_logging(settings=deployment.logs, name="supervisor")
    heartbeat = state / "heartbeats" / "box"
    cameras = camera or mine
    command = [
        *(sys.executable, "-m", "firewatch.processes.box", str(config_file)),
        *("--centre", centre, "--token-file", str(token_file), "--state", str(state)),
        *("--picture-interval", str(picture_interval), "--heartbeat", str(heartbeat)),
        *(("--authority", str(authority)) if authority else ()),
        *(part for one in cameras for part in ("--camera", one)),
    ]
    with alone(state, wanted_for="worker"):
        manager = ServiceManager()
        manager.ready(f"watching {len(cameras)} cameras for {centre}")
        try:
            Supervisor((ProcessSpec("box", tuple(command), heartbeat=heartbeat),)).run(manager.alive)
        finally:
            manager.stopping()
