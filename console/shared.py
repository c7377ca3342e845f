"""An answer that many pages ask for at once, made for all of them together.

A duty centre has twenty pages open and a hundred cameras; asking the store, shaping the answer and
compressing it twenty times would cost more than everything else the console does.
"""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable

from fastapi import Request, Response

from console.tags import tag_of

LEVEL = 5


class SharedAnswer:
    """Bytes of JSON that are made again when they are older than `for_s`. Thread-safe."""

    def __init__(self, for_s: float, monotonic: Callable[[], float]) -> None:
        self._for_s = for_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._made_s = float("-inf")
        self._plain = self._packed = b""
        self._tag = ""

    def to(self, request: Request, make: Callable[[], bytes]) -> Response:
        """The answer to a request, compressed if its sender takes that."""
        with self._lock:
            if self._monotonic() - self._made_s >= self._for_s:
                made_s = self._monotonic()  # what happens while it is made is in the next one
                self._plain = make()
                self._packed = gzip.compress(self._plain, LEVEL)
                self._tag = tag_of(self._plain)
                self._made_s = made_s
            plain, packed, headers = self._plain, self._packed, {"ETag": self._tag}
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
            return Response(packed, headers=headers, media_type="application/json")
        return Response(plain, headers=headers, media_type="application/json")

    def forget(self) -> None:
        """Something changed that whoever asks next must see."""
        with self._lock:
            self._made_s = float("-inf")
