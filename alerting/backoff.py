"""How long to wait after failures: of one delivery, and of a whole target. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Pauses between attempts: doubling from `first_s` up to `longest_s`, each shortened by chance to spread
    the load on a receiver that comes back."""

    first_s: float = 1.0
    longest_s: float = 300.0
    longest_retry_after_s: float = 3600.0
    """A receiver may ask for more patience than we take, but not for more than this."""

    def pause_s(self, attempts: int, chance: float, retry_after_s: float | None = None) -> float:
        """Seconds to wait after the `attempts`-th failure; `chance` is 0..1.

        >>> [Backoff().pause_s(attempts, chance=1.0) for attempts in (1, 2, 3, 20)]
        [1.0, 2.0, 4.0, 300.0]
        >>> Backoff().pause_s(3, chance=0.0)
        2.0
        >>> Backoff().pause_s(1, chance=0.5, retry_after_s=120)
        120
        """
        full = min(self.longest_s, self.first_s * 2.0 ** min(attempts - 1, 30))
        own = full * (0.5 + 0.5 * chance)
        if retry_after_s is None:
            return own
        return max(own, min(retry_after_s, self.longest_retry_after_s))


@dataclass(frozen=True)
class Breaker:
    """When to leave a whole target alone.

    After `failures` failed attempts in a row the circuit is open: nothing is tried for a pause that doubles
    up to `longest_s`. Then one delivery tries, the one tried least so far, so that a message the receiver
    chokes on does not stand for all. The first answer closes the circuit and everything that waited goes
    out at once, oldest first. Without it, hundreds of waiting alerts would each wait out a time-out in
    turn, and a receiver that comes back would wait for the longest pause of each.
    """

    failures: int = 5
    pauses: Backoff = Backoff(first_s=2.0, longest_s=30.0)

    def is_open_after(self, failures: int) -> bool:
        """
        >>> [Breaker().is_open_after(failures) for failures in (4, 5)]
        [False, True]
        """
        return failures >= self.failures

    def pause_s(self, failures: int, chance: float, retry_after_s: float | None = None) -> float:
        """Seconds without any attempt after so many failures in a row.

        >>> [Breaker().pause_s(failures, chance=1.0) for failures in (5, 6, 20)]
        [2.0, 4.0, 30.0]
        """
        return self.pauses.pause_s(failures - self.failures + 1, chance, retry_after_s)
