"""Pages of their own for what is kept for a while: packets of half a minute, reference pictures of an hour.

In the process's heap everything that is allocated for a moment lies between what is kept, and when it is
gone its place stays, in pieces too small to be given back: twenty to thirty megabytes of a worker after an
hour. Pages of their own go back to the system whole.
"""

from __future__ import annotations

import mmap

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]


def own_pages(size: int) -> mmap.mmap:
    """So many bytes, at least one; rounded up to pages of 4 kB, and dear to make: not for single packets."""
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def in_own_pages(pixels: Pixels) -> Pixels:
    """A copy of a picture or plane in pages that are gone with it.

    >>> kept = in_own_pages(np.arange(6, dtype=np.uint8).reshape(2, 3))
    >>> kept.tolist()
    [[0, 1, 2], [3, 4, 5]]
    """
    kept = np.frombuffer(own_pages(pixels.nbytes), np.uint8).reshape(pixels.shape)
    kept[...] = pixels
    return kept
