"""How often one may try to log in. Counted in memory: a restart forgives, the store's lock-out does not."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable


class RateLimit:
    """At most `most` attempts in `within_s` seconds for each key; remembers at most `keys` keys."""

    def __init__(
        self, most: int, within_s: float, monotonic: Callable[[], float], *, keys: int = 10_000
    ) -> None:
        self._most = most
        self._within_s = within_s
        self._monotonic = monotonic
        self._keys = keys
        self._attempts: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def attempt(self, key: str) -> float:
        """Count one attempt. 0: go on. Otherwise refused, and the seconds until another is allowed."""
        now = self._monotonic()
        with self._lock:
            times = self._attempts.setdefault(key, deque())
            self._attempts.move_to_end(key)
            while len(self._attempts) > self._keys:
                self._attempts.popitem(last=False)
            while times and times[0] <= now - self._within_s:
                times.popleft()
            if len(times) >= self._most:
                return times[0] + self._within_s - now
            times.append(now)
            return 0.0
