"""A worker at work in a thread of its own, while a block runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from firewatch.worker import Worker

END_LIMIT_S = 60.0


@contextmanager
def at_work(worker: Worker) -> Iterator[Worker]:
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,), name="worker")
    thread.start()
    try:
        yield worker
    finally:
        stop.set()
        thread.join(END_LIMIT_S)
        assert not thread.is_alive()
