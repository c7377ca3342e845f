"""Keeps processes alive: starts them, restarts those that die or hang, and leaves none behind.

Runs in the main thread of the command. Each process has its own session (a Ctrl-C in the terminal reaches
only the supervisor, which stops the others in order) and dies with the supervisor, even when that is
killed (`firewatch/die_with_parent.py`). A process that ends is started again at once; after
`RestartPolicy.most` restarts within `within_s` it rests for `rest_s` first: it may fail for ever, but not
spin. One that hangs is told to end, waited for, then killed. Whoever wants to know of deaths (cameras
without a worker are blind) is told through `on_death`. A process that ends with `EXIT_UNUSABLE` cannot work
without a person (wrong configuration, missing weights): everything stops and the command says so.

Not for: what the processes do.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from firewatch.die_with_parent import that_dies_with_us

_log = logging.getLogger(__name__)

EXIT_UNUSABLE = 2
STOP_GRACE_S = 5.0
POLL_S = 0.1


@dataclass(frozen=True)
class RestartPolicy:
    """How often a process may die before it has to rest."""

    most: int = 5
    within_s: float = 60.0
    rest_s: float = 30.0

    def pause_s(self, deaths_s: Sequence[float], now_s: float) -> float:
        """Seconds to wait before the next start, given the times of past deaths.

        >>> RestartPolicy(most=2, within_s=60, rest_s=30).pause_s([0, 10], now_s=10)
        0.0
        >>> RestartPolicy(most=2, within_s=60, rest_s=30).pause_s([0, 10, 20], now_s=20)
        30
        """
        recent = sum(1 for death_s in deaths_s if now_s - death_s <= self.within_s)
        return self.rest_s if recent > self.most else 0.0


@dataclass(frozen=True)
class ProcessSpec:
    """One process to keep alive.

    `heartbeat` is a file the process touches at least every `heartbeat_limit_s` seconds; one that does not
    is killed and started again. What counts is that its time changes: a clock that is set kills
    nobody and hides nothing. `keep_open` are file descriptors it inherits. `log` takes its output;
    without it, the output goes where the supervisor's goes.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    log: Path | None = None
    heartbeat: Path | None = None
    heartbeat_limit_s: float = 60.0
    keep_open: tuple[int, ...] = ()


class ProcessUnusableError(Exception):
    """A process says that it cannot work as configured."""

    def __init__(self, spec: ProcessSpec) -> None:
        super().__init__(f"{spec.name} cannot work as configured")
        self.spec = spec


@dataclass
class _Kept:
    spec: ProcessSpec
    process: subprocess.Popen[bytes] | None = None
    beat_ns: int | None = None
    beat_seen_s: float = 0.0
    start_due_s: float = 0.0
    asked_to_end_s: float | None = None
    deaths_s: deque[float] = field(default_factory=lambda: deque(maxlen=50))


class Supervisor:
    """Starts the processes in order, watches them, stops them in reverse order."""

    def __init__(
        self,
        specs: Sequence[ProcessSpec],
        *,
        policy: RestartPolicy | None = None,
        on_death: Callable[[ProcessSpec, float], None] = lambda _spec, _pause_s: None,
        grace_s: float = STOP_GRACE_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kept = [_Kept(spec) for spec in specs]
        self._policy = policy or RestartPolicy()
        self._on_death = on_death
        self._grace_s = grace_s
        self._monotonic = monotonic
        self._stop_requested = False

    def run(self, on_tick: Callable[[], None] = lambda: None) -> None:
        """Until SIGINT, SIGTERM or `request_stop()`. Raises ProcessUnusableError.

        Main thread only: the kernel ends a child when the thread that started it ends.

        `on_tick` is called a few times a second; it must be quick.
        """
        before = {
            number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            while not self._stop_requested:
                self.check()
                on_tick()
                time.sleep(POLL_S)
        finally:
            self.stop()
            for number, handler in before.items():
                signal.signal(number, handler)

    def request_stop(self) -> None:
        self._stop_requested = True

    def process_ids(self) -> dict[str, int]:
        """Process id by name, of those that run."""
        return {
            kept.spec.name: kept.process.pid
            for kept in self._kept
            if kept.process is not None and kept.process.poll() is None
        }

    def check(self) -> None:
        """Start what should run and does not; kill what hangs."""
        for kept in self._kept:
            now_s = self._monotonic()
            if kept.process is None:
                if now_s >= kept.start_due_s:
                    self._start(kept, now_s)
            elif (code := kept.process.poll()) is not None:
                self._died(kept, code, now_s)
            elif kept.asked_to_end_s is not None:
                if now_s - kept.asked_to_end_s > self._grace_s:
                    _log.error("process does not end, killing it name=%s", kept.spec.name)
                    _signal_group(kept.process, signal.SIGKILL)
            elif self._hangs(kept, now_s):
                _log.error("process hangs, ending it name=%s pid=%d", kept.spec.name, kept.process.pid)
                kept.asked_to_end_s = now_s
                _signal_group(kept.process, signal.SIGTERM)

    def stop(self) -> None:
        """Terminate all, wait, kill what is left."""
        self._stop_requested = True
        running = [kept for kept in reversed(self._kept) if kept.process is not None]
        for kept in running:
            if kept.process is not None:
                _signal_group(kept.process, signal.SIGTERM)
        deadline_s = self._monotonic() + self._grace_s
        for kept in running:
            if kept.process is None:
                continue
            try:
                kept.process.wait(max(0.0, deadline_s - self._monotonic()))
            except subprocess.TimeoutExpired:
                _log.warning("process does not stop, killing it name=%s", kept.spec.name)
            _signal_group(kept.process, signal.SIGKILL)  # also whatever it may have started
            kept.process.wait()
            kept.process = None

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_requested = True

    def _start(self, kept: _Kept, now_s: float) -> None:
        spec = kept.spec
        output: IO[bytes] | None = None
        if spec.log is not None:
            spec.log.parent.mkdir(parents=True, exist_ok=True)
            output = spec.log.open("ab")
        if spec.heartbeat is not None:
            spec.heartbeat.parent.mkdir(parents=True, exist_ok=True)
            spec.heartbeat.touch()
        with output or contextlib.nullcontext():
            kept.process = subprocess.Popen(
                that_dies_with_us(spec.command),
                env={**os.environ, **spec.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=spec.keep_open,
            )
        kept.beat_seen_s = now_s
        kept.asked_to_end_s = None
        _log.info("process started name=%s pid=%d", spec.name, kept.process.pid)

    def _died(self, kept: _Kept, code: int, now_s: float) -> None:
        if kept.process is not None:
            _signal_group(kept.process, signal.SIGKILL)
        kept.process = None
        if code == EXIT_UNUSABLE:
            raise ProcessUnusableError(kept.spec)
        kept.deaths_s.append(now_s)
        pause_s = self._policy.pause_s(kept.deaths_s, now_s)
        kept.start_due_s = now_s + pause_s
        level = logging.ERROR if pause_s else logging.WARNING
        _log.log(level, "process ended name=%s code=%d restart_in_s=%g", kept.spec.name, code, pause_s)
        self._on_death(kept.spec, pause_s)

    def _hangs(self, kept: _Kept, now_s: float) -> bool:
        heartbeat = kept.spec.heartbeat
        if heartbeat is None:
            return False
        with contextlib.suppress(FileNotFoundError):
            beat_ns = heartbeat.stat().st_mtime_ns
            if beat_ns != kept.beat_ns:
                kept.beat_ns, kept.beat_seen_s = beat_ns, now_s
        return now_s - kept.beat_seen_s > kept.spec.heartbeat_limit_s


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    """Signal a process and whatever it started; each leads a process group of its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
