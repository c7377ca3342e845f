"""One thread for each target, as the targets are now: a target that hangs delays no other.

A target that changed gets a new thread at once; the old one ends after what it is at, because leases in the
store let no two send the same thing (`alerting.claims`).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from alerting.formats.origin import MessageError
from alerting.targets import Target

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Running:
    target: Target
    stop: threading.Event
    thread: threading.Thread


class TargetThreads:
    """Runs `work(target, stop)` for each of the targets that `serve` was given last, from `start` to
    `stop`."""

    def __init__(self, name: str, work: Callable[[Target, threading.Event], None]) -> None:
        self._name = name
        self._work = work
        self._lock = threading.Lock()
        self._wanted: Mapping[str, Target] = {}
        self._running: dict[str, _Running] = {}
        self._leaving: list[_Running] = []
        self._works = False

    def serve(self, targets: Iterable[Target]) -> None:
        """These from now on."""
        with self._lock:
            self._wanted = {target.id: target for target in targets}
            if self._works:
                self._settle()

    def start(self) -> None:
        with self._lock:
            self._works = True
            self._settle()

    def stop(self) -> None:
        """Returns when every thread has ended."""
        with self._lock:
            self._works = False
            self._wanted = {}
            self._settle()
            leaving = tuple(self._leaving)
        for one in leaving:
            one.thread.join()

    def _settle(self) -> None:
        for target_id, one in list(self._running.items()):
            if self._wanted.get(target_id) != one.target or not one.thread.is_alive():
                one.stop.set()
                self._leaving.append(self._running.pop(target_id))
        self._leaving = [one for one in self._leaving if one.thread.is_alive()]
        for target_id, target in self._wanted.items():
            if target_id not in self._running:
                stop = threading.Event()
                thread = threading.Thread(
                    target=self._run, args=(target, stop), name=f"{self._name}-{target_id}"
                )
                self._running[target_id] = _Running(target, stop, thread)
                thread.start()

    def _run(self, target: Target, stop: threading.Event) -> None:
        try:
            self._work(target, stop)
        except (OSError, MessageError) as error:
            # A certificate or template that cannot be read; its messages wait until that is mended.
            log.critical("target unusable: target=%s: %s", target.id, error)
