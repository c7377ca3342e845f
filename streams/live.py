"""Keeps one live camera connected, for ever, and holds its latest frame.

A reader is one thread. It connects, reads until the connection breaks, waits (doubling pauses with jitter,
so that a hundred cameras behind one switch do not return in step) and connects again; it never gives up.
Latest frame wins: a frame that nobody took is replaced by the next one, no queue grows.
"""

from __future__ import annotations

import dataclasses
import logging
import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from streams.condition import CameraState, camera_state
from streams.errors import SourceError
from streams.frame import Frame
from streams.source import LiveConnection, SourceCounts

_log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.5
_STEADY_S = 10.0
"""A connection that lasted this long was a good one: the next pause is short again."""


def pause_s(failures: int, longest_s: float, jitter: float) -> float:
    """Seconds to wait after `failures` failed connections in a row; `jitter` is 0..1.

    >>> [pause_s(n, 30.0, 1.0) for n in (1, 2, 3, 10)]
    [0.5, 1.0, 2.0, 30.0]
    >>> pause_s(3, 30, 0.0)
    1.0
    """
    full: float = min(longest_s, FIRST_PAUSE_S * 2.0 ** min(failures - 1, 30))
    return full * (0.5 + jitter / 2)


class LiveReader:
    """One camera's thread. `take()` gives the newest frame not taken yet."""

    def __init__(
        self,
        camera_id: str,
        connect: Callable[[], LiveConnection],
        *,
        wanted_interval_s: float = 2.0,
        stale_after_s: float = 30.0,
        retry_max_s: float = 30.0,
        on_frame: Callable[[], None] = lambda: None,
        random_source: random.Random | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.camera_id = camera_id
        self.connections = 0
        self.bad_pictures = 0
        self.replaced = 0
        self._connect = connect
        self._wanted_interval_s = wanted_interval_s
        self._stale_after_s = stale_after_s
        self._retry_max_s = retry_max_s
        self._on_frame = on_frame
        self._random = random_source or random.Random()
        self._now = now
        self._lock = threading.Lock()
        self._latest: Frame | None = None
        self._connection: LiveConnection | None = None
        self._started_at = now()
        self._live_since: datetime | None = None
        self._last_picture_at: datetime | None = None
        self._stopped_at: datetime | None = None
        self._problem = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"reader-{camera_id}", daemon=True)

    def start(self) -> None:
        self._started_at = self._now()
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; `join` waits for it."""
        with self._lock:
            self._stopped_at = self._stopped_at or self._now()
        self._stop.set()

    def join(self, timeout_s: float) -> bool:
        """True when the thread has ended. A silent camera holds it up to its read time-out."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def take(self) -> Frame | None:
        """The newest frame, once."""
        with self._lock:
            frame, self._latest = self._latest, None
            return frame

    @property
    def has_frame(self) -> bool:
        return self._latest is not None

    @property
    def wanted_interval_s(self) -> float:
        return self._wanted_interval_s

    @wanted_interval_s.setter
    def wanted_interval_s(self, seconds: float) -> None:
        with self._lock:
            self._wanted_interval_s = seconds
            if self._connection is not None:
                self._connection.wanted_interval_s = seconds

    def state(self) -> CameraState:
        with self._lock:
            return camera_state(
                self._now(),
                started_at=self._started_at,
                live_since=self._live_since,
                last_picture_at=self._last_picture_at,
                stale_after_s=self._stale_after_s,
                stopped_at=self._stopped_at,
                problem=self._problem,
            )

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            began = self._now()
            try:
                self._read_until_it_breaks()
            except SourceError as error:
                self._failed(str(error))
            except Exception as error:  # a reader must outlive any surprise of one camera
                self._failed(f"unexpected {type(error).__name__}")
                _log.exception("reader failed camera=%s", self.camera_id)
            steady = (self._now() - began).total_seconds() >= _STEADY_S
            failures = 1 if steady else failures + 1
            self._stop.wait(pause_s(failures, self._retry_max_s, self._random.random()))

    def _read_until_it_breaks(self) -> None:
        connection = self._connect()
        with connection:
            with self._lock:
                self._connection = connection
                connection.wanted_interval_s = self._wanted_interval_s
            self.connections += 1
            seen = SourceCounts()
            try:
                for frame in connection.frames():
                    self._offer(frame)
                    self._count_bad(connection, seen)
                    if self._stop.is_set():
                        return
            finally:
                self._count_bad(connection, seen)
                with self._lock:
                    self._connection = None

    def _offer(self, frame: Frame) -> None:
        now = self._now()
        with self._lock:
            stale = (
                self._last_picture_at is None
                or (now - self._last_picture_at).total_seconds() > self._stale_after_s
            )
            if stale:
                self._live_since = now
                _log.info("camera live camera=%s", self.camera_id)
            self._last_picture_at = now
            self._problem = ""
            if self._latest is not None:
                self.replaced += 1
                if self._latest.new_footage:  # the mark must not be lost with the frame that carried it
                    frame = dataclasses.replace(frame, new_footage=True)
            self._latest = frame
        self._on_frame()

    def _count_bad(self, connection: LiveConnection, seen: SourceCounts) -> None:
        new = connection.counts.bad_pictures - seen.bad_pictures
        if new > 0:
            if self.bad_pictures == 0:
                reason = connection.counts.last_bad_picture
                _log.warning("bad picture camera=%s reason=%s", self.camera_id, reason)
            self.bad_pictures += new
            seen.bad_pictures += new

    def _failed(self, problem: str) -> None:
        with self._lock:
            news = problem != self._problem
            self._problem = problem
        if news and not self._stop.is_set():
            _log.warning("no connection camera=%s reason=%s", self.camera_id, problem)
