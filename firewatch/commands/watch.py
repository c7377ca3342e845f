"""`firewatch watch URL`: on a second machine, alarms when a centre is not heard any more."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

VARIABLE = "FIREWATCH_WATCH_NOTIFY"


def register(app: typer.Typer) -> None:
    app.command("watch")(watch)


def watch(
    url: Annotated[str, typer.Argument(metavar="URL", help="Address of the centre's console.")],
    interval_s: Annotated[
        float, typer.Option("--interval", min=0.1, help="Seconds between two looks.")
    ] = 60.0,
    missed: Annotated[int, typer.Option(min=1, help="Missed in a row before the alarm.")] = 3,
    once: Annotated[
        bool, typer.Option("--once", help="End with code 2 at the first alarm (for cron or a service).")
    ] = False,
) -> None:
    """Ask a centre every minute whether it lives; alarm people after three missed heartbeats.

    People are told through the Apprise URLs in the environment variable FIREWATCH_WATCH_NOTIFY, separated by
    spaces (run the command once with a wrong URL to see that they are reached). Without it the alarm is only
    printed, with a bell.
    """
    from datetime import UTC, datetime

    from firewatch.failures import UserError
    from firewatch.processes.life import stop_on_signals
    from firewatch.terminal import err, out
    from firewatch.watching import Report, Watch, asking

    if not url.startswith(("http://", "https://")):
        raise UserError(f"{url} is no http:// or https:// address")
    people = _people(os.environ.get(VARIABLE, ""))
    stop = stop_on_signals()
    alarmed = False

    def tell(report: Report) -> None:
        nonlocal alarmed
        if report.silent:
            err.print(f"[bold red]{report.title}[/bold red] {report.text}\a")
        else:
            out.print(f"[green]{report.title}[/green] {report.text}")
        if people is not None and not people.notify(title=report.title, body=report.text):
            err.print("[red]not everybody in FIREWATCH_WATCH_NOTIFY was reached[/red]")
        if report.silent and once:
            alarmed = True
            stop.set()

    if people is None:
        err.print(f"{VARIABLE} is not set: alarms are only printed here")
    out.print(f"watching {url} every {interval_s:g} s; alarm after {missed} missed")
    Watch(asking(url), tell, lambda: datetime.now(UTC), missed=missed, interval_s=interval_s).run(stop)
    if alarmed:
        raise typer.Exit(2)


def _people(urls: str) -> Any:
    """An Apprise of these URLs; None for none. Raises UserError for one it does not know."""
    import apprise

    from firewatch.failures import UserError

    if not urls.strip():
        return None
    made = apprise.Apprise()
    for number, url in enumerate(urls.split(), start=1):
        if not made.add(url):
            raise UserError(f"{VARIABLE}: URL {number} is none that Apprise knows (it is not shown here)")
    return made
