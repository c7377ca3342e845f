"""The worker's way to the store: sightings go onto the disk at once and from there into the store.

The looking loop waits for the disk only. A thread hands the waiting ones over, oldest first, and tries again
for as long as they are not taken, at longer and longer intervals; they outlive the process.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Sequence
from typing import Protocol, Self
from zoneinfo import ZoneInfo

from alerting.backoff import Backoff
from alerting.intake import Evidence, SightingError
from config import Camera
from detector.detection import Sighting
from firewatch.evidence import evidence_of
from firewatch.spool import FloodError, Spool, SpoolError
from streams.frame import Frame

_log = logging.getLogger(__name__)

RETRY_S = 2.0


class Taker(Protocol):
    """Takes sightings in: `alerting.intake.Intake`, or whoever brings them there."""

    def accept(self, sighting: Sighting, evidence: Evidence, camera: Camera) -> object:
        """Safe to repeat after any error. Raises SightingError for one that is refused for good."""
        ...


class SpoolingSink:
    """A `SightingSink` whose sightings wait on disk. Use it in a `with`."""

    def __init__(
        self,
        spool: Spool,
        intake: Taker,
        cameras: Sequence[Camera],
        time_zone: ZoneInfo,
        *,
        retry_s: float = RETRY_S,
        longest_retry_s: float = RETRY_S,
    ) -> None:
        self._spool = spool
        self._intake = intake
        self._cameras = {camera.id: camera for camera in cameras}
        self._time_zone = time_zone
        self._pauses = Backoff(first_s=retry_s, longest_s=max(retry_s, longest_retry_s))
        self._failures = 0
        """Rounds in a row in which one was not taken."""
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="spool")
        self.dropped = 0
        """Sightings of a camera that floods."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Take in what waits, once, unless nothing is taken anyway; it stays on the disk."""
        self._stop.set()
        self._wake.set()
        self._thread.join()

    def know(self, cameras: Sequence[Camera]) -> None:
        """These are our cameras now, as they are now; what waits is taken in as seen by them."""
        self._cameras = {camera.id: camera for camera in cameras}
        self._spool.know(self._cameras.keys())

    def accept(self, camera: Camera, sighting: Sighting, frame: Frame) -> None:
        evidence = evidence_of(camera, sighting, frame, self._time_zone)
        try:
            self._spool.put(sighting, evidence)
        except FloodError as error:
            self.dropped += 1
            if (
                self.dropped & (self.dropped - 1) == 0
            ):  # the 1st, 2nd, 4th, 8th: a flood must not flood the log
                _log.error("sighting dropped, %d so far: %s", self.dropped, error)
        except (SpoolError, OSError):
            # The spool's disk is full: straight into the store then. Raises if that fails, too.
            _log.exception("spool unusable sighting=%s", sighting.sighting_id)
            self._intake.accept(sighting, evidence, camera)
        self._wake.set()

    def take_in(self) -> bool:
        """One round over what waits; False when the store refused one."""
        try:
            for spooled in self._spool.waiting():
                sighting = spooled.sighting
                try:
                    self._intake.accept(sighting, spooled.evidence, self._cameras[sighting.camera_id])
                except SightingError as error:  # trying again would only keep those behind it waiting
                    _log.error("sighting refused, set aside: camera=%s: %s", sighting.camera_id, error)
                    self._spool.set_aside(spooled, str(error))
                    continue
                except Exception as error:  # the store may be locked, full or away
                    self._not_taken(sighting, error)
                    return False
                self._failures = 0
                self._spool.remove(spooled)
        except (SpoolError, OSError) as error:
            _log.error("spool: %s", error)
        return True

    def _not_taken(self, sighting: Sighting, error: Exception) -> None:
        self._failures += 1
        what = "sighting not stored, will retry sighting=%s: %s"
        first = error if self._failures == 1 else None  # a traceback once, not for hours
        _log.warning(what, sighting.sighting_id, error, exc_info=first)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            if self.take_in():
                self._wake.wait()
            else:
                self._stop.wait(self._pauses.pause_s(self._failures, random.random()))
        if not self._failures:
            self.take_in()
