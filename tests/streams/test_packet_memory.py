"""Packets lie in pages that belong to their camera, come back as they were, and leave nothing behind."""

from __future__ import annotations

import random
from collections import deque

from streams.packet_memory import SLAB_BYTES, SPARE_SLABS, PacketMemory, Place


def test_each_piece_comes_back_as_it_was_while_others_come_and_go() -> None:
    chance, memory = random.Random(1), PacketMemory()
    kept: deque[tuple[bytes, Place]] = deque()
    for _ in range(2000):
        piece = chance.randbytes(chance.choice((0, 700, 9_000, 120_000)))
        kept.append((piece, memory.keep(piece)))
        while len(kept) > 40:
            memory.forget(kept.popleft()[1])
        piece, place = chance.choice(kept)
        assert memory.read(place) == piece


def test_memory_stays_what_is_held_however_long_it_goes_on() -> None:
    chance, memory = random.Random(2), PacketMemory()
    kept: deque[tuple[int, Place]] = deque()
    held = 0
    for _ in range(5000):
        size = chance.choice((2_000, 8_000, 100_000))
        kept.append((size, memory.keep(bytes(size))))
        held += size
        while held > 4_000_000:
            gone, place = kept.popleft()
            memory.forget(place)
            held -= gone
        # A slab ends where the next piece does not fit: at most 100 kB of it are left empty.
        assert memory.slabs <= held / (SLAB_BYTES - 100_000) + 2 + SPARE_SLABS


def test_a_piece_larger_than_a_slab_has_one_of_its_own_that_is_not_kept_as_a_spare() -> None:
    memory = PacketMemory()
    large = bytes(range(256)) * (SLAB_BYTES // 100)
    place = memory.keep(large)
    assert memory.read(place) == large
    memory.forget(place)
    assert memory.slabs == 0
