"""The worker's way to the store: sightings go onto the disk at once and from there into the store.

The looking loop waits for the disk only. A thread takes the waiting ones in, oldest first, and tries again
for as long as the store refuses; they outlive the process.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Self
from zoneinfo import ZoneInfo

from alerting.intake import Intake, SightingError
from config import Camera
from detector.detection import Sighting
from firewatch.evidence import evidence_of
from firewatch.spool import FloodError, Spool, SpoolError
from streams.frame import Frame

_log = logging.getLogger(__name__)

RETRY_S = 2.0


class SpoolingSink:
    """A `SightingSink` whose sightings wait on disk. Use it in a `with`."""

    def __init__(
        self,
        spool: Spool,
        intake: Intake,
        cameras: Sequence[Camera],
        time_zone: ZoneInfo,
        *,
        retry_s: float = RETRY_S,
    ) -> None:
        self._spool = spool
        self._intake = intake
        self._cameras = {camera.id: camera for camera in cameras}
        self._time_zone = time_zone
        self._retry_s = retry_s
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="spool")
        self.dropped = 0
        """Sightings of a camera that floods."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Take in what waits, once; what the store refuses stays on the disk."""
        self._stop.set()
        self._wake.set()
        self._thread.join()

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
                except SightingError:  # trying again would only keep the sightings behind it waiting
                    _log.exception("sighting refused camera=%s", sighting.camera_id)
                except Exception:  # the store may be locked, full or away
                    _log.exception("sighting not stored, will retry sighting=%s", sighting.sighting_id)
                    return False
                self._spool.remove(spooled)
        except (SpoolError, OSError) as error:
            _log.error("spool: %s", error)
        return True

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            if self.take_in():
                self._wake.wait()
            else:
                self._stop.wait(self._retry_s)
        self.take_in()
