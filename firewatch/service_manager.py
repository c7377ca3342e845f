"""Tells systemd that we are ready and alive: the protocol of sd_notify(3).

A unit of `Type=notify` with `WatchdogSec=` restarts a supervisor that hangs, as the supervisor restarts its
processes. Under any other parent nothing is sent.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping

_SHARE = 0.4
"""Of the time the watchdog allows: two signs may be late before it acts."""


class ServiceManager:
    """`alive` may be called as often as one likes."""

    def __init__(
        self, environment: Mapping[str, str] = os.environ, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._monotonic = monotonic
        allowed_us = environment.get("WATCHDOG_USEC", "")
        mine = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._every_s = int(allowed_us) / 1e6 * _SHARE if allowed_us.isdigit() and mine else None
        self._due_s = 0.0

    def ready(self, status: str) -> None:
        self._tell(f"READY=1\nSTATUS={status}")

    def alive(self) -> None:
        now_s = self._monotonic()
        if self._every_s is not None and now_s >= self._due_s:
            self._due_s = now_s + self._every_s
            self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        self._tell("STOPPING=1")

    def _tell(self, message: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            try:
                out.sendto(message.encode(), address)
            except OSError:  # nobody listens any more: nothing we do depends on it
                return
