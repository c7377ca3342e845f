"""Which files workers elsewhere may upload: those that they have said belong to a sighting, no others and no
larger. Kept in memory: after any error a worker names its files again before it uploads them."""

from __future__ import annotations

import threading
from collections import OrderedDict


class ExpectedUploads:
    """Remembers at most `most` files. Thread-safe.

    >>> expected = ExpectedUploads()
    >>> expected.expect(token_id=7, sha256="ab", size_bytes=100)
    >>> expected.size_bytes(7, "ab"), expected.size_bytes(8, "ab")
    (100, None)
    """

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._sizes: OrderedDict[tuple[int, str], int] = OrderedDict()
        self._lock = threading.Lock()

    def expect(self, token_id: int, sha256: str, size_bytes: int) -> None:
        with self._lock:
            self._sizes[token_id, sha256] = size_bytes
            self._sizes.move_to_end((token_id, sha256))
            while len(self._sizes) > self._most:
                self._sizes.popitem(last=False)

    def size_bytes(self, token_id: int, sha256: str) -> int | None:
        """How large the file is; None: nobody with this token has named it."""
        with self._lock:
            return self._sizes.get((token_id, sha256))

    def arrived(self, token_id: int, sha256: str) -> None:
        with self._lock:
            self._sizes.pop((token_id, sha256), None)
