"""What flows back to a worker: what people decided about its cameras' sightings, and the masks they drew.

`Feedback` is what site memories and masks need of whoever knows it; `StoreFeedback` is a store that is at
hand. A worker elsewhere hears it over the network (`firewatch.remote.news`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from alerting import drawn_masks
from alerting.learning import JUDGED
from alerting.site_memories import Judged, View, judged_since
from alerting.store import Store
from config import Mask
from detector.site_memory import DISMISSED_DAYS


class Feedback(Protocol):
    """Any method may raise while it is away: it will be asked again."""

    def newest(self) -> int:
        """A number that grows when something has happened."""
        ...

    def decided_between(self, last: int, newest: int) -> bool:
        """Whether people may have decided something after `last`, up to `newest`."""
        ...

    def judged(self) -> Mapping[View, Judged]:
        """What people decided lately, by view, as it stands now."""
        ...

    def masks(self) -> Mapping[str, Sequence[Mask]]:
        """What is drawn now, by camera."""
        ...


class StoreFeedback:
    """From a store, for these cameras."""

    def __init__(self, store: Store, camera_ids: Collection[str]) -> None:
        self._store = store
        self.know(camera_ids)

    def know(self, camera_ids: Collection[str]) -> None:
        """These are the cameras now."""
        self._camera_ids = frozenset(camera_ids)

    def newest(self) -> int:
        return self._store.last_event_id()

    def decided_between(self, last: int, newest: int) -> bool:
        if newest <= last:
            return False
        events = self._store.events_since(last)
        return events[-1].event_id < newest or any(
            event.kind == "incident" or JUDGED.items() <= event.data.items() for event in events
        )

    def judged(self) -> Mapping[View, Judged]:
        since = self._store.clock() - timedelta(days=DISMISSED_DAYS)
        return judged_since(self._store, since, self._camera_ids)

    def masks(self) -> Mapping[str, Sequence[Mask]]:
        found: dict[str, list[Mask]] = defaultdict(list)
        for one in drawn_masks.current(self._store):
            found[one.camera_id].append(one.mask)
        return found
