"""What the registers (of cameras, of rosters, of receivers) share: each keeps its things version by version,
and the first version of a thing that a file has is the file's word."""

from __future__ import annotations

from typing import Protocol

SEEDED = "seeded"
"""The action of a version that only says what the file said before somebody changed it."""


class Versioned(Protocol):
    """A row of a register, or what is made of it."""

    @property
    def version(self) -> int: ...

    @property
    def action(self) -> str: ...


def seen_number(newest: Versioned | None) -> int:
    """What to send back as `seen`; 0: the file's, never changed here. What was the file's a moment ago was
    seen as 0."""
    return 0 if newest is None or newest.action == SEEDED else newest.version
