"""A dead centre is not silent: every minute each target that wants it hears that we are alive.

A heartbeat is not kept and not repeated: its absence is the message. Each target has a thread of its own, so
that one that hangs silences no other. The sender also leaves a pulse in the store, which the console shows to
`firewatch watch`: a console that answers while nothing is sent is no sign of life.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from alerting.database import first_line
from alerting.formats import Format, Origin, format_of
from alerting.store import Store
from alerting.tables import CameraStateRow, DeliveryRow, PulseRow
from alerting.target_threads import TargetThreads
from alerting.targets import Line, Outcome, Parcel, Target, open_line

log = logging.getLogger(__name__)

FORMAT = "firewatch.heartbeat/1"
INTERVAL_S = 60.0
PULSE_S = 20.0
SENDER_PULSE = "sender"


class Heartbeats:
    """Beats for the targets that want it, and leaves the sender's pulse, until told to stop.

    `alive` is called after every pulse, also one that the store refused; a sender that hangs in the store is
    none that lives.
    """

    def __init__(
        self,
        store: Store,
        targets: Sequence[Target],
        origin: Origin,
        *,
        interval_s: float = INTERVAL_S,
        pulse_s: float = PULSE_S,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._origin = origin
        self._interval_s = interval_s
        self._pulse_s = pulse_s
        self._alive = alive
        self._lanes = TargetThreads("heartbeat", self._beat_for)
        self.serve(targets)

    def serve(self, targets: Sequence[Target]) -> None:
        """These targets from now on. May be called at any time."""
        self._lanes.serve(target for target in targets if target.heartbeat)

    def run(self, stop: threading.Event) -> None:
        self._lanes.start()
        self._pulse(stop)
        self._lanes.stop()

    def beat(self, target: Target, line: Line, make: Format, sequence: int) -> bool:
        """Send one; whether it was taken."""
        body = make(self._message(target.id, sequence))
        key = f"heartbeat.{int(self._store.clock().timestamp())}.{sequence}"
        answer = line.send(Parcel(key, "heartbeat", body.text.encode(), body.media_type))
        if answer.outcome is not Outcome.ACKNOWLEDGED:
            log.warning("heartbeat not taken: target=%s: %s", target.id, answer.reason)
        return answer.outcome is Outcome.ACKNOWLEDGED

    def _beat_for(self, target: Target, stop: threading.Event) -> None:
        line, make, sequence = open_line(target), format_of(target, self._origin), 0
        try:
            while not stop.is_set():
                sequence += 1
                try:
                    self.beat(target, line, make, sequence)
                except SQLAlchemyError as error:
                    # A centre whose store cannot be read is not well: no heartbeat is the right one.
                    log.error("no heartbeat, store unusable: %s", first_line(error))
                except Exception:
                    log.exception("heartbeat failed in an unforeseen way: target=%s", target.id)
                stop.wait(self._interval_s)
        finally:
            line.close()

    def _pulse(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                pulse(self._store, SENDER_PULSE)
            except SQLAlchemyError as error:
                log.error("no pulse, store unusable: %s", first_line(error))
            self._alive()
            stop.wait(self._pulse_s)

    def _message(self, target_id: str, sequence: int) -> dict[str, Any]:
        with self._store.reading() as session:
            states = Counter(session.scalars(select(CameraStateRow.state)))
            counts = session.execute(
                select(DeliveryRow.state, func.count())
                .where(DeliveryRow.lane == target_id, DeliveryRow.state.in_(("pending", "dead")))
                .group_by(DeliveryRow.state)
            )
            waiting: dict[str, int] = {state: count for state, count in counts}  # noqa: C416 (rows)
        return {
            "format": FORMAT,
            "centre": self._origin.name,
            "sequence": sequence,
            "sent_at": _time(self._store.clock()),
            "interval_s": self._interval_s,
            "pending": waiting.get("pending", 0),
            "dead": waiting.get("dead", 0),
            "cameras": dict(states),
        }


def pulse(store: Store, name: str) -> None:
    """Say that the process of this name works."""
    with store.writing() as session:
        session.merge(PulseRow(name=name, at=store.clock()))


def last_pulse(store: Store, name: str) -> datetime | None:
    """When the process of this name last said that it works."""
    with store.reading() as session:
        row = session.get(PulseRow, name)
        return row.at if row is not None else None


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
