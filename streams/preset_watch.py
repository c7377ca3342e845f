"""Knows where a turning camera stands, from asking it all the time.

One thread a camera: it connects, reads the camera's own presets (and again now and then: somebody may store
one anew), asks for the position every `poll_s`, and begins again after a pause when anything fails; it never
gives up. What a picture shows is judged by `streams.ptz`; while the camera has said nothing for longer than
`SILENT_AFTER_S`, nobody knows, and pictures are said to show the preset known last, not for sure: a fire must
be seen although its place is in doubt.
"""

from __future__ import annotations

import logging
import random
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from config import Camera, PtzSettings
from streams.errors import SourceError, SourceUnreadable
from streams.live import pause_s
from streams.onvif import OnvifCamera
from streams.ptz import Position, Reading, Standing, Whereabouts, is_known, preset_during, preset_of

_log = logging.getLogger(__name__)

SILENT_AFTER_S = 15.0
"""A connection made anew, after one lost answer, takes some 6 s with a camera that is slow but well."""
PRESETS_EVERY = timedelta(minutes=10)
LONGEST_PAUSE_S = 30.0
KEPT = 400
"""Readings: more than a settling time of a minute at five a second."""


@dataclass(frozen=True)
class Place:
    """The view a picture shows."""

    preset: str | None
    sure: bool


class NoPlace(Enum):
    BETWEEN = "between"
    """The camera turned, settled, or stood at no preset of ours."""
    PENDING = "pending"
    """It has to be asked once more before anybody knows."""


class PresetWatch:
    """One camera. `place` may be called from any thread."""

    def __init__(
        self,
        camera: Camera,
        settings: PtzSettings,
        *,
        silent_after_s: float = SILENT_AFTER_S,
        longest_pause_s: float = LONGEST_PAUSE_S,
        random_source: random.Random | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.camera_id = camera.id
        self._settings = settings
        self._tokens = {one.id: one.onvif_token for one in camera.presets if one.onvif_token is not None}
        self._standing = Standing(settings.settle_s, settings.tolerance, 3 * settings.poll_s + 1)
        self._silent_after = timedelta(seconds=silent_after_s)
        self._longest_pause_s = longest_pause_s
        self._random = random_source or random.Random()
        self._now = now
        self._lock = threading.Lock()
        self._positions: Mapping[str, Position] = {}
        self._readings: deque[Reading] = deque(maxlen=KEPT)
        self._last_preset: str | None = None
        self._heard_at = now()
        self._problem = ""
        self._told = ""
        """The problem that is in the log; one answer lost is no news."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"ptz-{camera.id}", daemon=True)

    # For its owner

    def start(self) -> None:
        self._heard_at = self._now()
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; a silent camera holds it for a time-out."""
        self._stop.set()

    def join(self, timeout_s: float) -> bool:
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def place(self, first: datetime, last: datetime) -> Place | NoPlace:
        """What a picture shows that was taken between `first` and `last`."""
        with self._lock:
            if is_known(self._readings, last):
                found = preset_during(tuple(self._readings), self._positions, first, last, self._standing)
                return Place(found, True) if found is not None else NoPlace.BETWEEN
            return Place(self._last_preset, False) if self._silent else NoPlace.PENDING

    def whereabouts(self, between_since: datetime | None) -> Whereabouts:
        with self._lock:
            return Whereabouts(
                silent_since=self._heard_at if self._silent else None,
                problem=self._problem or "it has not answered yet",
                between_since=between_since,
                missing=tuple(one for one in self._tokens if self._positions and one not in self._positions),
            )

    @property
    def _silent(self) -> bool:
        return self._now() - self._heard_at > self._silent_after

    # In its thread

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            before = self._heard_at
            try:
                self._ask_until_it_fails()
            except SourceError as error:
                self._failed(str(error))
            except Exception as error:  # whatever one camera answers must not end its watch
                self._failed(f"unexpected {type(error).__name__}")
                _log.exception("position not read camera=%s", self.camera_id)
            failures = 1 if self._heard_at != before else failures + 1
            self._stop.wait(pause_s(failures, self._longest_pause_s, self._random.random()))

    def _ask_until_it_fails(self) -> None:
        settings = self._settings
        with OnvifCamera(settings.onvif, profile=settings.profile, now=self._now) as camera:
            self._know_presets(camera)
            known_at = self._now()
            while not self._stop.is_set():
                self._heard(camera.reading())
                if self._now() - known_at > PRESETS_EVERY:
                    self._know_presets(camera)
                    known_at = self._now()
                self._stop.wait(settings.poll_s)

    def _know_presets(self, camera: OnvifCamera) -> None:
        theirs = {one.token: one.position for one in camera.presets()}
        found = {id_: theirs.get(token) for id_, token in self._tokens.items()}
        positions = {id_: position for id_, position in found.items() if position is not None}
        if not positions:
            raise SourceUnreadable(
                f"{self._settings.onvif} has no preset, with a position, of any onvif_token that is given"
            )
        if positions == self._positions:
            return
        _log.info("presets read camera=%s tokens=%s", self.camera_id, ascii(list(theirs)[:50]))
        for id_ in found.keys() - positions.keys():
            _log.warning(
                "preset never recognised: no such token in the camera, or no position camera=%s preset=%s",
                self.camera_id,
                id_,
            )
        with self._lock:
            self._positions = positions

    def _heard(self, reading: Reading) -> None:
        with self._lock:
            if self._readings and reading.told_at < self._readings[-1].told_at:
                self._readings.clear()  # the clock was set back: times before say nothing any more
            self._readings.append(reading)
            self._heard_at = reading.told_at
            news, self._problem, self._told = bool(self._told), "", ""
            preset = preset_of(reading, self._positions, self._standing.tolerance)
            self._last_preset = preset or self._last_preset
        if news:
            _log.info("position known again camera=%s", self.camera_id)

    def _failed(self, problem: str) -> None:
        with self._lock:
            self._problem = problem
            news = self._silent and problem != self._told
            self._told = problem if news else self._told
        if news and not self._stop.is_set():
            _log.warning("position not known camera=%s reason=%s", self.camera_id, problem)
