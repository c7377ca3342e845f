"""The masks of a worker's cameras: those of the deployment file, and those drawn in the console meanwhile.

A thread of its own asks now and then; a store that is away leaves the masks as they were.
"""

from __future__ import annotations

import logging
from typing import Self

from config import Camera, Mask
from firewatch.feedback import Feedback
from firewatch.rounds import Rounds

_log = logging.getLogger(__name__)

FOLLOW_S = 2.0


class DrawnMasks:
    """`of(camera)` gives the masks that count now; followed while it is entered."""

    def __init__(self, feedback: Feedback, *, follow_s: float = FOLLOW_S) -> None:
        self._feedback = feedback
        self._drawn: dict[str, tuple[Mask, ...]] = {}
        self._newest_event = -1
        self._rounds = Rounds("drawn-masks", follow_s, self._follow)

    def __enter__(self) -> Self:
        self._follow()
        self._rounds.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._rounds.stop()

    def of(self, camera: Camera) -> tuple[Mask, ...]:
        return (*camera.masks, *self._drawn.get(camera.id, ()))

    def _follow(self) -> None:
        try:
            newest = self._feedback.newest()
            if newest == self._newest_event:
                return
            self._drawn = {camera_id: tuple(masks) for camera_id, masks in self._feedback.masks().items()}
            self._newest_event = newest
        except Exception:  # the store may be away; the next round tries again
            _log.exception("drawn masks not read")
