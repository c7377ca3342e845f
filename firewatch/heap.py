"""How a worker's memory is handed out by the C library.

Every camera has a thread that allocates; what is kept for long lies elsewhere (`streams.own_pages`). The
GNU C library gives each thread an arena of its own, where what one camera frees another cannot use; and
what was needed for a moment (a clip is made, pictures at full size) stays with the process, as do the holes
between what is held. One arena, whole pictures in pages of their own, and giving back now and then what
lies free, keep a worker's memory close to what it holds.

Files and streams of PyAV refer to each other, so only Python's search for such circles frees them, with
all that FFmpeg has for them. By itself it looks at everything only when what is new is a quarter of what is
old, which beside three quarters of a million loaded objects is five times in half an hour.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
from collections.abc import Iterator

from firewatch.rounds import Rounds

ARENAS = 1
"""Two threads seldom allocate at the same moment: the interpreter runs one at a time. And only the first
arena gives back what lies free at its end; a decoder's pictures stayed at the end of a second one."""
PAGES_OF_ITS_OWN_BYTES = 1 << 20
"""What is as large as a picture is mapped, and unmapped when it is freed. Without a word the library raises
this limit to whatever was freed last."""
LEFT_AT_THE_TOP_BYTES = 8 << 20
"""So much may lie free at the end of a heap before it is given back at once."""
GIVEN_BACK_EVERY_S = 10.0
"""A sighting leaves half a megabyte of circles behind, and a worker keeps what its highest pile took: when
all its cameras return together, that of a minute was ten megabytes."""
_M_ARENA_MAX, _M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -8, -3, -1  # malloc.h of the GNU C library


@contextlib.contextmanager
def small_heap(every_s: float = GIVEN_BACK_EVERY_S) -> Iterator[None]:
    """Enter before threads begin. Without the GNU C library nothing changes."""
    libc = ctypes.CDLL(None)
    if not (hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim")):
        yield
        return
    libc.mallopt(_M_ARENA_MAX, ARENAS)
    libc.mallopt(_M_MMAP_THRESHOLD, PAGES_OF_ITS_OWN_BYTES)
    libc.mallopt(_M_TRIM_THRESHOLD, LEFT_AT_THE_TOP_BYTES)

    def give_back() -> None:
        gc.collect()
        libc.malloc_trim(0)  # some milliseconds, in which the interpreter's lock is free

    giving_back = Rounds("heap", every_s, give_back)
    giving_back.start()
    try:
        yield
    finally:
        giving_back.stop()


def keep_what_is_loaded() -> None:
    """Call when all is set up: what is there by now stays, and no search for circles looks at it again.

    A search takes a few milliseconds then instead of a tenth of a second, in which no camera is looked at.
    """
    gc.collect()
    gc.freeze()
