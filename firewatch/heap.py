"""How a worker's memory is handed out by the C library.

A worker holds half a minute of packets of every camera, allocated by as many threads. The GNU C library
gives each thread an arena of its own, where what one camera frees another cannot use; and what was needed for
a moment (a clip is made, pictures at full size) stays with the process. Two arenas, and giving back what lies
free after such a moment, keep a worker's memory close to what it holds.
"""

from __future__ import annotations

import contextlib
import ctypes

ARENAS = 2
"""Two threads seldom allocate at the same moment: the interpreter runs one at a time."""
_M_ARENA_MAX = -8  # malloc.h of the GNU C library


def keep_heap_small() -> None:
    """Call before threads begin. Without the GNU C library nothing changes."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS)


def give_back_free_memory() -> None:
    """Some milliseconds of the calling thread; the interpreter's lock is free meanwhile."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
