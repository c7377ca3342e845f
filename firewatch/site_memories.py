"""Site memories of a worker's cameras: read when a view is first seen, kept, told what operators decide.

The looking thread records and asks; one thread of its own follows what people decide, so that a dismissal
reaches the memory within seconds, and writes memories that changed back to the store now and then. A store
that is away costs neither a look nor a memory: both go on with what they have, and it is tried again.
"""

from __future__ import annotations

import logging
import threading
from typing import Self

from alerting.site_memories import View
from detector.site_memory import SiteMemory, SiteMemoryKeeper
from firewatch.feedback import Feedback
from firewatch.rounds import Rounds

_log = logging.getLogger(__name__)

FOLLOW_S = 2.0
SAVE_S = 300.0


class SiteMemories:
    """The memories of the views that `feedback` tells of; followed and kept while it is entered."""

    def __init__(
        self,
        feedback: Feedback,
        keeper: SiteMemoryKeeper,
        *,
        follow_s: float = FOLLOW_S,
        save_s: float = SAVE_S,
    ) -> None:
        self._feedback = feedback
        self._keeper = keeper
        self._follow_s, self._save_s = follow_s, save_s
        self._lock = threading.Lock()
        self._memories: dict[View, SiteMemory] = {}
        self._saved: dict[View, bytes] = {}
        self._last_event: int | None = None
        self._unsaved_s = 0.0
        self._rounds = Rounds("site-memories", follow_s, self._round)

    def __enter__(self) -> Self:
        self._rounds.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """End the thread and write what changed."""
        self._rounds.stop()
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
        newest = self._feedback.newest()
        if last is not None and not self._feedback.decided_between(last, newest):
            self._remember_event(last, newest)
            return
        judged = self._feedback.judged()
        for view, memory in memories.items():
            known = judged.get(view)
            memory.judged(known.dismissals if known else (), known.fires if known else ())
        self._remember_event(last, newest)

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

    def _round(self) -> None:
        self._unsaved_s += self._follow_s
        if self._unsaved_s >= self._save_s:
            self._unsaved_s = 0.0
            self.save()
        self.follow()
