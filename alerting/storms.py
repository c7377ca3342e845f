"""A camera that sees fire everywhere: it burns itself, or is broken. After the first sightings of a minute
the others only count; the operators have been told, and the other cameras must get through. In memory: a
process that starts afresh lets a storm in again for its first sightings.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

WITHIN_S = 60.0
MOST_SIGHTINGS = 30
"""A view confirms a cause once and then rests it (`same_cause_s`): on real footage at most a few a minute."""

MOST_INCIDENTS = 5

View = tuple[str, str | None]


@dataclass
class _Recent:
    sightings_s: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_SIGHTINGS))
    incidents_s: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_INCIDENTS))
    incident_id: str = ""
    told: bool = False


class Storms:
    """Which views are in a storm. Thread-safe."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._views: defaultdict[View, _Recent] = defaultdict(_Recent)
        self._lock = Lock()

    def kept(self, view: View, incident_id: str, *, raised: bool) -> None:
        """A sighting of this view was recorded in full."""
        with self._lock:
            recent, now_s = self._views[view], self._monotonic()
            recent.sightings_s.append(now_s)
            if raised:
                recent.incidents_s.append(now_s)
            recent.incident_id, recent.told = incident_id, False

    def incident_of(self, view: View) -> str | None:
        """During a storm, the incident that the view's sightings are counted with."""
        with self._lock:
            recent = self._views.get(view)
            if recent is None:
                return None
            since_s = self._monotonic() - WITHIN_S
            many = any(
                len(times) == times.maxlen and times[0] > since_s
                for times in (recent.sightings_s, recent.incidents_s)
            )
            return recent.incident_id if many else None

    def counted(self, view: View) -> None:
        """A sighting of this view was only counted: as long as they come as fast, it is the same storm."""
        with self._lock:
            self._views[view].sightings_s.append(self._monotonic())

    def tell(self, view: View) -> bool:
        """True once in a storm: now it is to be told."""
        with self._lock:
            first = not self._views[view].told
            self._views[view].told = True
            return first
