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

from streams.errors import SourceError
from streams.frame import Frame
from streams.source import LiveConnection, SourceCounts
from streams.vitals import Vitals

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
        retry_max_s: float = 30.0,
        on_frame: Callable[[], None] = lambda: None,
        random_source: random.Random | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.camera_id = camera_id
        self.connections = 0
        self.replaced = 0
        self._connect = connect
        self._wanted_interval_s = wanted_interval_s
        self._retry_max_s = retry_max_s
        self._on_frame = on_frame
        self._random = random_source or random.Random()
        self._now = now
        self._lock = threading.Lock()
        self._latest: Frame | None = None
        self._connection: LiveConnection | None = None
        self._started_at = now()
        self._connected_since: datetime | None = None
        self._last_picture_at: datetime | None = None
        self._before = SourceCounts()  # of the connections that ended
        self._bad_at_last_good = 0
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

    def vitals(self) -> Vitals:
        """What is known of the camera at this moment."""
        with self._lock:
            connection = self._connection
            now_counts = connection.counts if connection is not None else SourceCounts()
            counts = self._before.plus(now_counts)
            return Vitals(
                camera_id=self.camera_id,
                started_at=self._started_at,
                stopped_at=self._stopped_at,
                connected_since=self._connected_since if connection is not None else None,
                connections=self.connections,
                last_packet_at=counts.last_packet_at or self._last_picture_at,
                last_picture_at=self._last_picture_at,
                packets=counts.packets,
                bytes=counts.bytes,
                bad_pictures=counts.bad_pictures,
                last_bad_picture=counts.last_bad_picture,
                bad_since_good=counts.bad_pictures - self._bad_at_last_good,
                problem=self._problem,
                clock_skew_s=counts.clock_skew_s,
                key_frame_spacing_s=counts.key_frame_spacing_s,
                warnings=(),
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
                self._connected_since = self._now()
                connection.wanted_interval_s = self._wanted_interval_s
            self.connections += 1
            try:
                for frame in connection.frames():
                    self._offer(frame)
                    if self._stop.is_set():
                        return
            finally:
                with self._lock:
                    self._before = self._before.plus(connection.counts)
                    self._connection = None

    def _offer(self, frame: Frame) -> None:
        with self._lock:
            self._last_picture_at = self._now()
            self._problem = ""
            counts = self._connection.counts if self._connection is not None else SourceCounts()
            self._bad_at_last_good = self._before.bad_pictures + counts.bad_pictures
            if self._latest is not None:
                self.replaced += 1
                if self._latest.new_footage:  # the mark must not be lost with the frame that carried it
                    frame = dataclasses.replace(frame, new_footage=True)
            self._latest = frame
        self._on_frame()

    def _failed(self, problem: str) -> None:
        with self._lock:
            news = problem != self._problem
            self._problem = problem
        if news and not self._stop.is_set():
            _log.warning("no connection camera=%s reason=%s", self.camera_id, problem)
