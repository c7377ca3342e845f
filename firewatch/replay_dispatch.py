"""Pushes the sightings of a replay to a dispatch receiver, through the same intake and outbox as live ones.

The store of a replay lies in its output folder and starts empty each time, so that a replay never mixes with
a running centre's incidents.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import SecretStr, ValidationError

from alerting.intake import Intake
from alerting.outbox import Sender
from alerting.store import Store
from config import Camera, Deployment, DispatchTarget
from detector.pipeline import LookResult
from firewatch.evidence import StoreSink
from firewatch.failures import UserError
from streams.frame import Frame

SECRET_VARIABLE = "FIREWATCH_DISPATCH_SECRET"
PATIENCE_S = 30.0


@dataclass(frozen=True)
class Pushed:
    """How the deliveries of a replay ended."""

    delivered: int
    failed: tuple[str, ...]


class DispatchObserver:
    """Takes sightings in as the worker does; `finish` sends what was raised."""

    def __init__(self, deployment: Deployment, camera: Camera, url: str, out: Path) -> None:
        self._camera = camera
        self._target = _target(deployment, url)
        database = out / "replay.db"
        for leftover in out.glob("replay.db*"):
            leftover.unlink()
        self._store = Store.open(f"sqlite:///{database}")
        own = deployment.model_copy(
            update={
                "dispatch": (self._target,),
                "storage": deployment.storage.model_copy(update={"evidence": str(out / "evidence")}),
            }
        )
        self._sink = StoreSink(Intake.from_deployment(self._store, own), ZoneInfo(deployment.time_zone))

    def frame(self, frame: Frame, footage_s: float, latest: LookResult | None) -> None:
        """Nothing: alerts come from looks."""

    def look(self, frame: Frame, footage_s: float, result: LookResult) -> None:
        del footage_s
        for sighting in result.sightings:
            self._sink.accept(self._camera, sighting, frame)

    def finish(self, patience_s: float = PATIENCE_S) -> Pushed:
        """Send all alerts; gives up on those a receiver has not taken after `patience_s`."""
        stop = threading.Event()
        sender = threading.Thread(
            target=Sender(self._store, [self._target]).run, args=(stop,), name="replay-sender"
        )
        sender.start()
        try:
            deadline_s = time.monotonic() + patience_s
            while time.monotonic() < deadline_s and self._store.deliveries(state="pending"):
                stop.wait(0.1)
        finally:
            stop.set()
            sender.join()
        rows = self._store.deliveries()
        self._store.close()
        failed = tuple(
            f"{row.state}: {row.last_error or 'no answer yet'}" for row in rows if row.state != "delivered"
        )
        return Pushed(len(rows) - len(failed), failed)


def _target(deployment: Deployment, url: str) -> DispatchTarget:
    """The deployment's target of that URL, or one with the secret of the environment."""
    for target in deployment.dispatch:
        if target.url == url:
            return target
    secret = os.environ.get(SECRET_VARIABLE)
    if not secret:
        raise UserError(
            f"--dispatch {url}: the deployment has no target of this URL; set {SECRET_VARIABLE} to the key "
            "the receiver checks signatures with (at least 8 characters)"
        )
    try:
        return DispatchTarget(id="replay", name="replay", url=url, secret=SecretStr(secret))
    except ValidationError as error:
        raise UserError(f"--dispatch {url}: {error.errors(include_input=False)[0]['msg']}") from None
