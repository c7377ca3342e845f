"""Site memories of a worker's cameras: read when a view is first seen, kept, told what operators decide.

The looking thread records and asks; one thread of its own follows the store's event log, so that a dismissal
reaches the memory within seconds, and writes memories that changed back to the store now and then. A store
that is away costs neither a look nor a memory: both go on with what they have, and it is tried again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from datetime import timedelta
from typing import Self

from alerting.site_memories import StoredSiteMemories, View, judged_since
from alerting.store import Store
from detector.site_memory import DISMISSED_DAYS, SiteMemory, SiteMemoryKeeper

_log = logging.getLogger(__name__)

FOLLOW_S = 2.0
SAVE_S = 300.0


class SiteMemories:
    """The memories of the cameras `camera_ids`; followed and kept while it is entered."""

    def __init__(
        self,
        store: Store,
        camera_ids: Collection[str],
        *,
        keeper: SiteMemoryKeeper | None = None,
        follow_s: float = FOLLOW_S,
        save_s: float = SAVE_S,
    ) -> None:
        self._store = store
        self._keeper = keeper if keeper is not None else StoredSiteMemories(store)
        self._camera_ids = frozenset(camera_ids)
        self._follow_s, self._save_s = follow_s, save_s
        self._lock = threading.Lock()
        self._memories: dict[View, SiteMemory] = {}
        self._saved: dict[View, bytes] = {}
        self._last_event: int | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="site-memories", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """End the thread and write what changed."""
        self._stop.set()
        self._thread.join(timeout=5.0)
        self.save()

    def of(self, camera_id: str, preset: str | None) -> SiteMemory:
        """The memory of a view; made from its kept state when asked for the first time."""
        view = (camera_id, preset)
        with self._lock:
            memory = self._memories.get(view)
            if memory is None:
                memory = self._memories[view] = self._load(view)
                self._last_event = None  # what people decided about this view is not known yet
            return memory

    def save(self) -> None:
        """Write the memories that changed since they were written last."""
        with self._lock:
            memories = dict(self._memories)
        for view, memory in memories.items():
            state = memory.to_bytes()
            if state == self._saved.get(view):
                continue
            try:
                self._keeper.save(*view, state)
                self._saved[view] = state
            except Exception:  # the store may be locked or away; the next round tries again
                _log.exception("site memory not stored camera=%s preset=%s", *view)

    def follow(self) -> None:
        """Tell the memories what people decided, if anything happened since the last call."""
        with self._lock:
            memories, last = dict(self._memories), self._last_event
        newest = self._store.last_event_id()
        if last is not None and not self._decided_since(last, newest):
            self._remember_event(last, newest)
            return
        since = self._store.clock() - timedelta(days=DISMISSED_DAYS)
        judged = judged_since(self._store, since, self._camera_ids)
        for view, memory in memories.items():
            known = judged.get(view)
            memory.judged(known.dismissals if known else (), known.fires if known else ())
        self._remember_event(last, newest)

    def _decided_since(self, last: int, newest: int) -> bool:
        if newest <= last:
            return False
        events = self._store.events_since(last)
        return events[-1].event_id < newest or any(event.kind == "incident" for event in events)

    def _remember_event(self, before: int | None, newest: int) -> None:
        with self._lock:
            if self._last_event == before:  # else a view came in meanwhile and must be told, too
                self._last_event = newest

    def _load(self, view: View) -> SiteMemory:
        try:
            state = self._keeper.load(*view)
            return SiteMemory() if state is None else SiteMemory.from_bytes(state)
        except Exception:  # damaged, or the store is away: an empty memory only doubts less
            _log.exception("site memory not read camera=%s preset=%s", *view)
            return SiteMemory()

    def _run(self) -> None:
        waited_s = 0.0
        while not self._stop.wait(self._follow_s):
            try:
                self.follow()
            except Exception:  # the store may be away; the next round tries again
                _log.exception("site memories not told what people decided")
            waited_s += self._follow_s
            if waited_s >= self._save_s:
                waited_s = 0.0
                self.save()
