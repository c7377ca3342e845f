"""`firewatch health CONFIG`: how long each camera was blind, by the day."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command("health")(health)


def health(
    config_file: Annotated[Path, typer.Argument(metavar="CONFIG", help="Deployment file (YAML).")],
    days: Annotated[int, typer.Option(min=1, max=366, help="How many days, up to today.")] = 7,
    camera: Annotated[str | None, typer.Option(help="Only this camera.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Blind minutes per camera and day (the deployment's time zone), and how each camera is now."""
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    from rich.table import Table

    from alerting.camera_periods import blind_minutes, days_until, minutes_per_day, span_of
    from alerting.store import Store
    from config import load
    from firewatch.prepare import registered
    from firewatch.terminal import out, print_json

    deployment = registered(load(config_file))
    cameras = [deployment.camera(camera)] if camera else list(deployment.cameras)
    zone, now = ZoneInfo(deployment.time_zone), datetime.now(UTC)
    wanted = days_until(now.astimezone(zone).date(), days)
    store = Store.open(deployment.storage.database_url.reveal())
    try:
        minutes = minutes_per_day(store.camera_periods(*span_of(wanted, zone), camera), wanted, zone, now)
        states = {state.camera_id: state for state in store.camera_states()}
    finally:
        store.close()
    if as_json:
        print_json(
            [
                {
                    "camera_id": one.id,
                    "state": states[one.id].state if one.id in states else None,
                    "days": [
                        {
                            "day": day.isoformat(),
                            "blind_minutes": round(blind_minutes(found), 2),
                            "minutes": found,
                        }
                        for day in wanted
                        for found in (minutes.get((one.id, day), {}),)
                    ],
                }
                for one in cameras
            ]
        )
        return
    table = Table("camera", "now", *(f"{day:%m-%d}" for day in wanted), title="blind minutes")
    for one in cameras:
        state = states[one.id].state if one.id in states else "-"
        cells = (blind_minutes(minutes.get((one.id, day), {})) for day in wanted)
        table.add_row(one.id, state, *(f"{cell:.0f}" if cell else "" for cell in cells))
    out.print(table)
