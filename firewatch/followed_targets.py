"""The receivers of alerts, as the register has them now: the store is asked now and then."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from sqlalchemy.exc import SQLAlchemyError

from alerting.database import first_line
from alerting.target_register import TargetRegister
from config import DispatchTarget

_log = logging.getLogger(__name__)

FOLLOW_S = 1.0
Hearer = Callable[[Sequence[DispatchTarget]], None]


class FollowedTargets:
    """Tells `hearers` which receivers are to be served, whenever that changes. `run` is its whole life."""

    def __init__(self, register: TargetRegister, *hearers: Hearer, follow_s: float = FOLLOW_S) -> None:
        self._register = register
        self._hearers = hearers
        self._follow_s = follow_s
        self._known: int | None = None

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self.follow()
            except SQLAlchemyError as error:
                _log.error("store unusable, receivers are as they were: %s", first_line(error))
            stop.wait(self._follow_s)

    def follow(self) -> None:
        """One round."""
        newest = self._register.newest()
        if newest == self._known:
            return
        targets = [target for target in self._register.opened() if target.enabled]
        for hearer in self._hearers:
            hearer(targets)
        self._known = newest
        _log.info("receivers served: %s", ", ".join(target.id for target in targets) or "none")
