"""Bytes that come and go in order, such as a camera's packets, kept beside the process's heap.

They are copied into slabs; a slab is used again, or goes back to the system (`streams.own_pages`), when its
last piece was forgotten.
"""

from __future__ import annotations

import mmap
from collections import deque
from dataclasses import dataclass

from streams.own_pages import own_pages

SLAB_BYTES = 1 << 18
SPARE_SLABS = 2
"""Empty ones kept for what comes next: pages that are new each time would cost as much as the copying."""


@dataclass(slots=True, eq=False)
class _Slab:
    pages: mmap.mmap
    used: int = 0
    held: int = 0
    """Pieces in it that were not forgotten."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece lies."""

    slab: _Slab
    begin: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.begin


class PacketMemory:
    """Not thread-safe. Pieces are forgotten in the order in which they were kept.

    >>> memory = PacketMemory()
    >>> places = [memory.keep(bytes([number]) * 100_000) for number in range(5)]
    >>> memory.read(places[4])[:3], memory.slabs
    (b'\\x04\\x04\\x04', 3)
    >>> for place in places:
    ...     memory.forget(place)
    >>> memory.slabs
    2
    """

    def __init__(self) -> None:
        self._slabs: deque[_Slab] = deque()
        self._spare: list[_Slab] = []

    def keep(self, piece: bytes) -> Place:
        size = len(piece)
        slab = self._slabs[-1] if self._slabs else None
        if slab is None or len(slab.pages) - slab.used < size:
            slab = self._empty_slab(size)
            self._slabs.append(slab)
        place = Place(slab, slab.used, slab.used + size)
        slab.pages[place.begin : place.end] = piece
        slab.used = place.end
        slab.held += 1
        return place

    def read(self, place: Place) -> bytes:
        return place.slab.pages[place.begin : place.end]

    def forget(self, place: Place) -> None:
        """Must be the oldest that is kept."""
        place.slab.held -= 1
        while self._slabs and self._slabs[0].held == 0:
            empty = self._slabs.popleft()
            if len(empty.pages) == SLAB_BYTES and len(self._spare) < SPARE_SLABS:
                empty.used = 0
                self._spare.append(empty)

    @property
    def slabs(self) -> int:
        """How many there are, spare ones too."""
        return len(self._slabs) + len(self._spare)

    def _empty_slab(self, size: int) -> _Slab:
        if self._spare and size <= SLAB_BYTES:
            return self._spare.pop()
        return _Slab(own_pages(max(size, SLAB_BYTES)))
