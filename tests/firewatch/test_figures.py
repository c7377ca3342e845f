"""What workers say of themselves reaches whoever keeps figures, and nothing that is over does."""

from __future__ import annotations

import os
import time
from pathlib import Path

from firewatch.figures import SILENT_AFTER_S, beating_into, told_in
from firewatch.worker import WorkerFigures


def test_the_newest_figures_of_each_worker_that_beats_are_told_and_no_others(tmp_path: Path) -> None:
    figures = WorkerFigures(
        cameras=3, looks=7, failed_looks=1, sightings=0, stretch=1.5, unlooked=0, connections=3, given_up=0
    )
    for name in ("worker-1", "worker-2"):
        beating_into(tmp_path / name)(figures)
    (tmp_path / "worker-3").touch()  # just being written
    (tmp_path / "live").touch()
    silent_since = time.time() - SILENT_AFTER_S - 1
    os.utime(tmp_path / "worker-2", (silent_since, silent_since))
    assert set(told_in(tmp_path)) == {"worker-1"}
    assert told_in(tmp_path)["worker-1"]["stretch"] == 1.5
    assert told_in(tmp_path)["worker-1"]["failed_looks"] == 1
    assert told_in(tmp_path / "not there") == {}
