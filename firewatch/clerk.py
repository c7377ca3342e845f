"""Writes down what the worker finds, in a thread of its own: a slow or full disk never holds up looks.

Sightings come first and are offered again until they are kept; then changes of camera states, in order; then
pictures for the console, of which only each camera's newest counts. Everything is bounded.

Not for: deciding what is written.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from config import Camera
from detector.detection import Sighting
from firewatch.evidence import small_jpeg
from streams.condition import CameraState, CameraStateSink
from streams.frame import Frame

_log = logging.getLogger(__name__)

MOST_SIGHTINGS = 100
"""Each holds its picture: 3 MB at 1080p."""
MOST_STATES = 2000
RETRY_S = 2.0
LIFE_SIGN_S = 1.0
CLOSE_S = 2.5
"""So long the last things may take to be written when the worker is told to stop."""


class SightingSink(Protocol):
    """Takes a confirmed sighting and the frame it was confirmed on; raises when it could not be kept."""

    def accept(self, camera: Camera, sighting: Sighting, frame: Frame) -> None: ...


class PictureSink(Protocol):
    """Takes now and then a camera's picture, for people who want to see that it is alive."""

    def write(self, camera_id: str, jpeg: bytes, captured_at: datetime) -> None: ...


@dataclass(frozen=True)
class _Found:
    camera: Camera
    sighting: Sighting
    frame: Frame


class Clerk:
    """One thread that writes. `start`, hand things over from any thread, `close`."""

    def __init__(
        self,
        sightings: SightingSink,
        states: CameraStateSink,
        pictures: PictureSink,
        *,
        life_sign: Callable[[], None] = lambda: None,
        retry_s: float = RETRY_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.lost_sightings = 0
        self._sink = sightings
        self._state_sink = states
        self._picture_sink = pictures
        self._life_sign = life_sign
        self._retry_s = retry_s
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._sightings: deque[_Found] = deque()
        self._states: deque[tuple[str, CameraState, bool]] = deque(maxlen=MOST_STATES)
        self._pictures: dict[str, Frame] = {}
        self._failing: set[str] = set()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="clerk", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def sighting(self, camera: Camera, sighting: Sighting, frame: Frame) -> None:
        with self._changed:
            if len(self._sightings) >= MOST_SIGHTINGS:
                lost = self._sightings.popleft()
                self.lost_sightings += 1
                _log.error("sighting lost, too many wait: sighting=%s", lost.sighting.sighting_id)
            self._sightings.append(_Found(camera, sighting, frame))
            self._changed.notify()

    def state(self, camera_id: str, state: CameraState, *, counts: bool = True) -> None:
        """Without `counts` it is meant to be so: no blind time."""
        with self._changed:
            self._states.append((camera_id, state, counts))
            self._changed.notify()

    def picture(self, frame: Frame) -> None:
        """The camera's newest picture; one that was not written yet is replaced."""
        with self._changed:
            self._pictures[frame.camera_id] = frame
            self._changed.notify()

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Write what waits, once, and end. What hangs is left to the end of the process."""
        with self._changed:
            self._closing = True
            self._pictures.clear()
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        if self._sightings:
            _log.error("sightings not stored at the end: %d", len(self._sightings))

    def _run(self) -> None:
        while True:
            with self._changed:
                closing = self._closing
                if not closing and not (self._sightings or self._states or self._pictures):
                    self._changed.wait(LIFE_SIGN_S)
            well = self._write_sightings() and self._write_states()
            if well:
                self._write_pictures()
            if closing:
                return
            self._try("life sign", self._life_sign)
            if not well:
                with self._changed:
                    if not self._closing:
                        self._changed.wait(self._retry_s)

    def _write_sightings(self) -> bool:
        while self._sightings:
            found = self._sightings[0]
            accept = partial(self._sink.accept, found.camera, found.sighting, found.frame)
            if not self._try(f"sighting {found.sighting.sighting_id}", accept):
                return False
            with self._changed:
                if self._sightings and self._sightings[0] is found:
                    self._sightings.popleft()
        return True

    def _write_states(self) -> bool:
        while self._states:
            camera_id, state, counts = first = self._states[0]
            told = (camera_id, state.condition.value, state.since, state.reason)
            if not self._try("state", partial(self._state_sink.set_camera_state, *told, counts=counts)):
                return False
            with self._changed:
                if self._states and self._states[0] is first:
                    self._states.popleft()
        return True

    def _write_pictures(self) -> None:
        while True:
            with self._changed:
                if not self._pictures or self._sightings:
                    return
                frame = self._pictures.pop(next(iter(self._pictures)))
            self._try("picture", partial(self._write_picture, frame))

    def _write_picture(self, frame: Frame) -> None:
        self._picture_sink.write(frame.camera_id, small_jpeg(frame), frame.captured_at)

    def _try(self, what: str, write: Callable[[], None]) -> bool:
        """Whether it was written. The store may be locked, full or away: said when it begins and ends."""
        kind = what.partition(" ")[0]
        try:
            write()
        except Exception as error:
            if kind not in self._failing:
                self._failing.add(kind)
                _log.exception("%s not stored, will retry (%s)", what, type(error).__name__)
            return False
        if kind in self._failing:
            self._failing.discard(kind)
            _log.warning("%s stored again", kind)
        return True
