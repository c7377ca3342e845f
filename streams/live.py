"""Keeps one live camera connected, for ever, and holds what is newest of it.

A reader is one thread. It connects, reads until the connection breaks, waits (doubling pauses with jitter,
so that a hundred cameras behind one switch do not return in step) and connects again; it never gives up.
Latest frame wins: an arrival that nobody took is replaced by the next one, no queue grows, and what is not
taken is not decoded.

FFmpeg's own time-outs come two to three times late, and a frozen camera can hold it longer. So whoever owns
the reader calls `watch` about once a second: a connection that is silent for longer than it may be is left
to its thread, which ends when FFmpeg lets it, and a new thread connects again.
"""

from __future__ import annotations

import dataclasses
import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from streams.errors import BadPicture, SourceError
from streams.frame import Frame
from streams.source import Arrival, LiveConnection, Ready, SourceCounts
from streams.vitals import Vitals

_log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.5
MOST_ABANDONED = 3
"""So many threads of one camera may hang in FFmpeg at once."""
PATIENCE = 1.2
"""The source's own time-outs say more precisely what is wrong: they get this share of time first."""
SLEPT_S = 3.0
FAR_APART_S = 5.0
LARGE_SKEW_S = 1.0
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


@dataclass(eq=False)
class _Attempt:
    """One thread and its connections; the reader listens to the newest attempt only."""

    thread: threading.Thread | None = None
    connection: LiveConnection | None = None
    opening_since_s: float | None = None
    connected_since: datetime | None = None
    connected_since_s: float = 0.0


class LiveReader:
    """One camera. `take()` gives the newest frame not taken yet."""

    def __init__(
        self,
        camera_id: str,
        connect: Callable[[], LiveConnection],
        *,
        wanted_interval_s: float = 2.0,
        open_timeout_s: float = 10.0,
        read_timeout_s: float = 10.0,
        retry_max_s: float = 30.0,
        on_frame: Callable[[], None] = lambda: None,
        random_source: random.Random | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.camera_id = camera_id
        self.connections = 0
        self.replaced = 0
        """Arrivals that nobody took before the next one came."""
        self.abandoned = 0
        self._connect = connect
        self._wanted_interval_s = wanted_interval_s
        self._open_timeout_s = open_timeout_s
        self._read_timeout_s = read_timeout_s
        self._retry_max_s = retry_max_s
        self._on_frame = on_frame
        self._random = random_source or random.Random()
        self._now = now
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._latest: Arrival | None = None
        self._ready_since_s: float | None = None
        self._new_footage = False
        self._attempt = _Attempt()
        self._hanging: list[_Attempt] = []
        self._failures = 0
        self._watched_s = float("-inf")
        self._started_at = now()
        self._last_picture_at: datetime | None = None
        self._stopped_at: datetime | None = None
        self._before = SourceCounts()  # of the connections that ended
        self._bad_at_last_good = 0
        self._problem = ""
        self._stop = threading.Event()

    # For its owner

    def start(self) -> None:
        self._started_at = self._now()
        self._begin()

    def stop(self) -> None:
        """Ask the threads to end; `join` waits for them."""
        with self._lock:
            self._stopped_at = self._stopped_at or self._now()
        self._stop.set()

    def join(self, timeout_s: float) -> bool:
        """True when all its threads have ended. A silent camera holds one up to its read time-out."""
        deadline_s = time.monotonic() + timeout_s
        threads = [
            attempt.thread for attempt in (self._attempt, *self._hanging) if attempt.thread is not None
        ]
        for thread in threads:
            thread.join(max(0.0, deadline_s - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def take(self) -> Frame | None:
        """The newest frame, once; decodes it. None when there is none, or it is damaged."""
        with self._lock:
            arrival, self._latest, self._ready_since_s = self._latest, None, None
        if arrival is None:
            return None
        try:
            frame = arrival.frame()
        except BadPicture:  # the source has counted it
            return None
        if frame is None:
            return None
        with self._lock:
            self._bad_at_last_good = self._counts().bad_pictures
            if self._new_footage:
                self._new_footage = False
                frame = dataclasses.replace(frame, new_footage=True)
        return frame

    @property
    def has_frame(self) -> bool:
        return self._latest is not None

    @property
    def ready_since_s(self) -> float | None:
        """When the first arrival came that was not taken yet (monotonic clock); None when there is none."""
        return self._ready_since_s

    @property
    def wanted_interval_s(self) -> float:
        return self._wanted_interval_s

    @wanted_interval_s.setter
    def wanted_interval_s(self, seconds: float) -> None:
        with self._lock:
            self._wanted_interval_s = seconds
            if self._attempt.connection is not None:
                self._attempt.connection.wanted_interval_s = seconds

    def watch(self) -> None:
        """Give up a connection that has been silent for too long; connect anew beside it."""
        before_s, self._watched_s = self._watched_s, self._monotonic()
        if self._watched_s - before_s > SLEPT_S:
            return  # we slept ourselves (a suspended machine): first let the threads read what has come
        with self._lock:
            attempt = self._attempt
            silent_s = self._silent_s(attempt)
            if silent_s is None or self._stop.is_set():
                return
            self._hanging = [one for one in self._hanging if one.thread is not None and one.thread.is_alive()]
            if len(self._hanging) >= MOST_ABANDONED:
                return
            if attempt.connection is not None:
                self._before = self._before.plus(attempt.connection.counts)
            self._hanging.append(attempt)
            self._attempt = _Attempt()
            self._failures += 1
            self.abandoned += 1
            what = "sent nothing" if attempt.connected_since is not None else "did not answer"
            self._problem = f"the camera {what} for {silent_s:.0f} s"
        _log.warning("connection given up camera=%s reason=%s", self.camera_id, self._problem)
        if attempt.connection is not None:
            attempt.connection.abandon()
        self._begin()

    def vitals(self) -> Vitals:
        """What is known of the camera at this moment."""
        with self._lock:
            counts = self._counts()
            return Vitals(
                camera_id=self.camera_id,
                started_at=self._started_at,
                stopped_at=self._stopped_at,
                connected_since=self._attempt.connected_since,
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
                warnings=_warnings(counts),
            )

    # In its threads

    def _begin(self) -> None:
        attempt = self._attempt
        name = f"reader-{self.camera_id}"
        attempt.thread = threading.Thread(target=self._run, args=(attempt,), name=name, daemon=True)
        attempt.thread.start()

    def _run(self, attempt: _Attempt) -> None:
        while self._is_current(attempt):
            if self._failures:
                self._stop.wait(pause_s(self._failures, self._retry_max_s, self._random.random()))
                if not self._is_current(attempt):
                    return
            began = self._now()
            try:
                self._read_until_it_breaks(attempt)
            except SourceError as error:
                self._failed(attempt, str(error))
            except Exception as error:  # a reader must outlive any surprise of one camera
                self._failed(attempt, f"unexpected {type(error).__name__}")
                _log.exception("reader failed camera=%s", self.camera_id)
            if self._is_current(attempt):
                steady = (self._now() - began).total_seconds() >= _STEADY_S
                self._failures = 1 if steady else self._failures + 1

    def _is_current(self, attempt: _Attempt) -> bool:
        return attempt is self._attempt and not self._stop.is_set()

    def _read_until_it_breaks(self, attempt: _Attempt) -> None:
        connection = self._connect()
        attempt.opening_since_s = self._monotonic()
        try:
            with connection:
                with self._lock:
                    if attempt is not self._attempt:
                        return
                    attempt.connection = connection
                    attempt.connected_since, attempt.connected_since_s = self._now(), self._monotonic()
                    attempt.opening_since_s = None
                    connection.wanted_interval_s = self._wanted_interval_s
                    self.connections += 1
                for arrival in connection.arrivals():
                    if not self._is_current(attempt):
                        return
                    self._offer(arrival)
        finally:
            attempt.opening_since_s = None
            with self._lock:
                if attempt is self._attempt and attempt.connection is not None:
                    self._before = self._before.plus(connection.counts)
                attempt.connection = attempt.connected_since = None

    def _offer(self, arrival: Arrival) -> None:
        with self._lock:
            if self._last_picture_at is None or self._problem:
                _log.info("camera live camera=%s", self.camera_id)
            self._last_picture_at = self._now()
            self._problem = ""
            if self._latest is not None:
                self.replaced += 1
            else:
                self._ready_since_s = self._monotonic()
            if isinstance(arrival, Ready) and arrival.ready.new_footage:
                self._new_footage = True  # the mark must not be lost with the frame that carries it
            self._latest = arrival
        self._on_frame()

    def _failed(self, attempt: _Attempt, problem: str) -> None:
        with self._lock:
            if attempt is not self._attempt:
                return
            news = problem != self._problem
            self._problem = problem
        if news and not self._stop.is_set():
            _log.warning("no connection camera=%s reason=%s", self.camera_id, problem)

    def _counts(self) -> SourceCounts:
        connection = self._attempt.connection
        return self._before if connection is None else self._before.plus(connection.counts)

    def _silent_s(self, attempt: _Attempt) -> float | None:
        """For how long a connection has been silent, when that is too long."""
        now_s = self._monotonic()
        if attempt.opening_since_s is not None:
            silent_s, limit_s = now_s - attempt.opening_since_s, self._open_timeout_s
        elif attempt.connection is not None:
            last_s = max(attempt.connected_since_s, attempt.connection.counts.last_packet_s)
            silent_s, limit_s = now_s - last_s, self._read_timeout_s
        else:
            return None
        return silent_s if silent_s > PATIENCE * limit_s else None


def _warnings(counts: SourceCounts) -> tuple[str, ...]:
    """What makes a camera dearer or worse than it need be, for its health and for people."""
    found = [counts.remark] if counts.remark else []
    spacing_s, skew_s = counts.key_frame_spacing_s, counts.clock_skew_s
    if spacing_s is not None and spacing_s > FAR_APART_S:
        found.append(f"key frames {spacing_s:.0f} s apart: every picture must be decoded; set 1-4 s")
    if skew_s is not None and abs(skew_s) > LARGE_SKEW_S:
        found.append(f"camera clock differs by {skew_s:+.1f} s: set NTP in the camera")
    return tuple(found)
