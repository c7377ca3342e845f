"""Watches the clocks of incidents and lets those ring that have run out. One keeper a store is enough; a
second one breaks nothing: each clock rings once, in the transaction that takes it away.

A wall clock may be set back or forward while we wait. A clock therefore rings when the wall says so, or when
its time has passed on the monotonic clock since this keeper first saw it, whichever is earlier: a clock set
back by an hour makes nobody wait an hour for a call.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from alerting import clocks
from alerting.database import first_line
from alerting.policy import Rules
from alerting.store import Store
from alerting.tables import ClockRow

log = logging.getLogger(__name__)

POLL_S = 1.0
STORE_PAUSE_S = 2.0


class ClockKeeper:
    """Rings the clocks of a store. `run` is its whole life; `ring_due` one round of it."""

    def __init__(
        self,
        store: Store,
        rules: Rules,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        poll_s: float = POLL_S,
    ) -> None:
        self._store = store
        self._rules = rules
        self._monotonic = monotonic
        self._poll_s = poll_s
        self._deadline_s: dict[int, float] = {}

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self.ring_due()
            except SQLAlchemyError as error:
                reason = first_line(error)
                log.error("store unusable, clocks wait: %s", reason)
                stop.wait(STORE_PAUSE_S)
            stop.wait(self._poll_s)

    def ring_due(self) -> int:
        """Ring what has run out; how many did."""
        with self._store.reading() as session:
            rows = [(row.clock_id, row.set_at, row.due_at) for row in session.scalars(select(ClockRow))]
        now, now_s = self._store.clock(), self._monotonic()
        known = self._deadline_s
        self._deadline_s = {
            clock_id: known.get(clock_id, now_s + _remaining_s(set_at, due_at, now))
            for clock_id, set_at, due_at in rows
        }
        due = [row[0] for row in rows if row[2] <= now or self._deadline_s[row[0]] <= now_s]
        return sum(self._ring(clock_id) for clock_id in due)

    def _ring(self, clock_id: int) -> bool:
        try:
            with self._store.writing() as session:
                clock = session.get(ClockRow, clock_id)
                if clock is None:  # somebody acted meanwhile
                    return False
                clocks.ring(session, clock, self._rules, self._store.clock())
        except SQLAlchemyError:
            raise
        except Exception:
            # A fault of ours about one incident must not end what calls people about all the others.
            log.exception("a clock failed in an unforeseen way: clock=%d", clock_id)
            return False
        return True


def _remaining_s(set_at: datetime, due_at: datetime, now: datetime) -> float:
    """Never more than the whole time: the wall clock may have been set back since."""
    return max(0.0, min((due_at - now).total_seconds(), (due_at - set_at).total_seconds()))
