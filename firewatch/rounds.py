"""A thread that goes round: does one thing now and then, and goes on whatever one round stumbles over."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)

END_S = 5.0
"""A round that hangs longer than this is left to the end of the process."""


class Rounds:
    """Calls `do` every `every_s`, from `start` to `stop`, in a thread of this name."""

    def __init__(self, name: str, every_s: float, do: Callable[[], None]) -> None:
        self._every_s = every_s
        self._do = do
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=END_S)

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                self._do()
            except Exception:  # the store may be away: what was known stays, the next round tries again
                _log.exception("round failed thread=%s", threading.current_thread().name)
