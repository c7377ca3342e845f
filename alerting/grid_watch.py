"""The grid file as it is now: changed on disk, it is read again, checked, and used without a restart.

A file that cannot be used changes nothing: the last good one stays in force and the log says what is wrong.
The file is looked at when somebody asks, at most every few seconds, so an incident never waits for a
watcher."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from alerting.grids import GridError, Grids

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 5.0


class WatchedGrids:
    """The newest usable grids of one file. Thread-safe."""

    def __init__(
        self,
        path: Path | str,
        time_zone: str = "Asia/Shanghai",
        *,
        look_every_s: float = _LOOK_EVERY_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises GridError when the file cannot be used at the start."""
        self._path = Path(path)
        self._time_zone = time_zone
        self._look_every_s = look_every_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._stamp = self._stamp_now()
        self._grids = Grids.open(self._path, time_zone)
        self._looked_at = monotonic()
        self._report()

    @classmethod
    def fixed(cls, grids: Grids) -> WatchedGrids:
        """Grids that come from no file and never change."""
        fixed = cls.__new__(cls)
        fixed._grids, fixed._lock, fixed._monotonic = grids, threading.Lock(), time.monotonic
        fixed._looked_at, fixed._look_every_s = 0.0, float("inf")
        return fixed

    def now(self) -> Grids:
        with self._lock:
            if self._monotonic() - self._looked_at >= self._look_every_s:
                self._looked_at = self._monotonic()
                self._look()
            return self._grids

    def _look(self) -> None:
        stamp = self._stamp_now()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._grids = Grids.open(self._path, self._time_zone)
        except GridError as error:
            log.error("the changed grid file is not used, the last good one stays in force: %s", error)
            return
        log.info("grids read again: %s", self._path)
        self._report()

    def _report(self) -> None:
        for problem in self._grids.problems():
            log.warning("grids %s: %s", self._path, problem)

    def _stamp_now(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size
