"""How a worker's memory is handed out by the C library.

A worker holds half a minute of packets of every camera, allocated by as many threads. The GNU C library
gives each thread an arena of its own and lets large pieces share them, so that what one camera frees another
cannot use. Few arenas, and large pieces mapped apart and given back at once, keep a worker's memory close
to what it holds (`benchmarks.cameras`: some 4 MB less a camera).
"""

from __future__ import annotations

import contextlib
import ctypes

ARENAS = 2
"""Two threads seldom allocate at the same moment: the interpreter runs one at a time."""
MAPPED_FROM_BYTES = 65_536
"""Pieces of at least this size are mapped apart: key frames, pictures of the view's memory."""
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # malloc.h of the GNU C library


def keep_heap_small() -> None:
    """Call before threads begin. Without the GNU C library nothing changes."""
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, ARENAS)
