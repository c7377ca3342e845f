"""How a worker's memory is handed out by the C library.

A worker holds half a minute of packets of every camera, allocated by as many threads. The GNU C library
gives each thread an arena of its own, where what one camera frees another cannot use; and what was needed
for a moment (a clip is made, pictures at full size) stays with the process. Two arenas, whole pictures in
pages of their own (else small things settle in the holes that they leave, and the heap grows by a tenth in an
hour though nothing is lost), and giving back what lies free after such a moment, keep a worker's memory close
to what it holds.
"""

from __future__ import annotations

import contextlib
import ctypes

ARENAS = 2
"""Two threads seldom allocate at the same moment: the interpreter runs one at a time."""
PAGES_OF_ITS_OWN_BYTES = 1 << 20
"""What is as large as a picture is mapped, and unmapped when it is freed. Without a word the library raises
this limit to whatever was freed last."""
LEFT_AT_THE_TOP_BYTES = 8 << 20
"""So much may lie free at the end of a heap before it is given back at once."""
_M_ARENA_MAX, _M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -8, -3, -1  # malloc.h of the GNU C library


def keep_heap_small() -> None:
    """Call before threads begin. Without the GNU C library nothing changes."""
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, ARENAS)
        mallopt(_M_MMAP_THRESHOLD, PAGES_OF_ITS_OWN_BYTES)
        mallopt(_M_TRIM_THRESHOLD, LEFT_AT_THE_TOP_BYTES)


def give_back_free_memory() -> None:
    """Some milliseconds of the calling thread; the interpreter's lock is free meanwhile."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
