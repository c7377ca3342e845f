"""The cameras of one worker, as the register has them now: a thread of its own asks the store now and then.

Those that are known to belong to the worker are told first, then those it shall watch: what a new camera
reports finds its way from the first sighting on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from alerting.camera_register import CameraRegister
from config import Camera
from firewatch.plan import places_of, watched_here
from firewatch.rounds import Rounds

FOLLOW_S = 2.0


class FollowedCameras:
    """Worker `index` of `of`. `watched` changes while it is entered; a camera never changes its worker."""

    def __init__(self, register: CameraRegister, index: int, of: int, *, follow_s: float = FOLLOW_S) -> None:
        self._register = register
        self._index, self._of = index, of
        self._hearers: list[Callable[[tuple[Camera, ...]], None]] = []
        self._known = self._now()
        self._rounds = Rounds("cameras", follow_s, self._follow)

    def __enter__(self) -> Self:
        self._rounds.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._rounds.stop()

    @property
    def known(self) -> tuple[Camera, ...]:
        """All of this worker, those out of service too: something of theirs may still wait to be stored."""
        return self._known

    def watched(self) -> tuple[Camera, ...]:
        return watched_here(self._known)

    def tell(self, hearer: Callable[[tuple[Camera, ...]], None]) -> None:
        """`hearer` is told of all that are known, whenever that changes, in the thread that follows."""
        self._hearers.append(hearer)

    def _now(self) -> tuple[Camera, ...]:
        return places_of(self._register.cameras, self._index, self._of)

    def _follow(self) -> None:
        """Whatever one round stumbles over, the cameras stay as they were."""
        known = self._now()
        if known == self._known:
            return
        for hearer in self._hearers:
            hearer(known)
        self._known = known
