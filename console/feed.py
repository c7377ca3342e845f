"""Follows the store's event log once for all open pages.

Other processes write the log; one task here reads what is new a few times a second, keeps the last events in
memory and wakes whoever waits. A page that was away longer than the memory reaches reads from the store.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError

from alerting.database import first_line
from alerting.records import Event
from alerting.store import Store

log = logging.getLogger(__name__)

POLL_S = 0.25
KEPT = 2000
PAGE = 200


class EventFeed:
    """Start `run` as a task; `after` gives what a page has not seen, waiting for it if need be."""

    def __init__(self, store: Store, *, poll_s: float = POLL_S) -> None:
        self._store = store
        self._poll_s = poll_s
        self._recent: deque[Event] = deque(maxlen=KEPT)
        self._complete_after = 0
        """Every event with a higher id is in `_recent`."""
        self._last_id = 0
        self._news = asyncio.Event()
        self.started = asyncio.Event()
        self.closed = False

    async def run(self) -> None:
        """Follow the log until cancelled. A store that fails is asked again."""
        while True:
            try:
                if not self.started.is_set():
                    self._last_id = self._complete_after = await asyncio.to_thread(self._store.last_event_id)
                    self.started.set()
                while await self._read():
                    pass
            except SQLAlchemyError as error:
                log.error("event log unreadable, pages wait: %s", first_line(error))
            await asyncio.sleep(self._poll_s)

    def close(self) -> None:
        """Let everybody who waits go: the server wants to stop."""
        self.closed = True
        self._news.set()

    async def after(self, event_id: int, timeout_s: float) -> Sequence[Event]:
        """Events after `event_id`, oldest first; empty when none came within `timeout_s`."""
        await self.started.wait()
        news = self._news
        if self.closed:
            return ()
        if event_id >= self._last_id:
            try:
                await asyncio.wait_for(news.wait(), timeout_s)
            except TimeoutError:
                return ()
        if event_id < self._complete_after:
            return await asyncio.to_thread(self._store.events_since, event_id, PAGE)
        return [event for event in self._recent if event.event_id > event_id]

    async def _read(self) -> bool:
        events = await asyncio.to_thread(self._store.events_since, self._last_id, PAGE)
        if not events:
            return False
        for event in events:
            if len(self._recent) == KEPT:
                self._complete_after = self._recent[0].event_id
            self._recent.append(event)
        self._last_id = events[-1].event_id
        news, self._news = self._news, asyncio.Event()
        news.set()
        return True
