"""How workers are doing: written into their heartbeat files, read by the centre for whoever keeps figures."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from firewatch.worker import WorkerFigures

SILENT_AFTER_S = 60.0
"""Figures of a worker that has not told any for so long are not those of the present."""


def beating_into(path: Path | None) -> Callable[[WorkerFigures], None]:
    """Tells the supervisor that we are alive, and whoever reads the file how we are doing (JSON)."""

    def beat(figures: WorkerFigures) -> None:
        if path is not None:
            with suppress(OSError):  # on a full disk the file is emptied, and its time still tells
                path.write_text(json.dumps(asdict(figures)), encoding="utf-8")

    return beat


def told_in(folder: Path) -> dict[str, dict[str, float]]:
    """The newest figures of each worker that beats into a file of `folder`, by its name."""
    found: dict[str, dict[str, float]] = {}
    for path in sorted(folder.glob("worker-*")):
        with suppress(OSError, ValueError):  # just being written, or emptied by a full disk
            if time.time() - path.stat().st_mtime <= SILENT_AFTER_S:
                told = json.loads(path.read_text(encoding="utf-8"))
                found[path.name] = {name: float(value) for name, value in told.items()}
    return found
