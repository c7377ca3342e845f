"""One centre at a time per state folder, and none while its store is replaced."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from firewatch.failures import UserError


@contextmanager
def alone(state: Path, *, wanted_for: str) -> Iterator[None]:
    """Holds the lock of a state folder. Raises UserError when a running centre or another command has it.

    The kernel lets go of the lock when the process ends, however it ends.
    """
    state.mkdir(parents=True, exist_ok=True)
    path = state / "running.lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise UserError(
                f"cannot {wanted_for}: {holder} uses the state folder {state}; stop it first"
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()} ({wanted_for})")
        file.flush()
        yield
