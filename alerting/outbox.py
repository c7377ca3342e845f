"""Sends what the store says must be sent, until it is acknowledged.

Promises: every alert reaches every target at least once, under the same key and with the same bytes; the
alerts of one incident reach a target in their order; a target that hangs or fails delays no other. All state
is in the store: a killed sender goes on where it stopped. One sender process per store; a second one breaks
no promise but sends twice.

A target's answer decides: 2xx delivered; 408, 429, 3xx, 5xx, and no answer: tried again later; any other 4xx:
dead, because the same bytes would be refused again, and a person must look. Behind a dead alert the later
ones of its incident still go out: each is complete in itself.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import SecretStr
from sqlalchemy import or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, aliased

from alerting import message
from alerting.evidence_links import EvidenceLinks
from alerting.message import MessageError
from alerting.posting import Answer, Outcome, Poster
from alerting.store import NotFoundError, Store, add_event
from alerting.tables import AlertRow, DeliveryRow

log = logging.getLogger(__name__)

POLL_S = 0.5
"""How soon a new alert is noticed; two small queries a second and target."""

STORE_PAUSE_S = 2.0
"""After an error of the store; it is retried for ever."""


class Target(Protocol):
    """A receiver of alerts; `config.DispatchTarget` is one."""

    @property
    def id(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def secret(self) -> SecretStr: ...
    @property
    def timeout_s(self) -> float: ...


@dataclass(frozen=True)
class Backoff:
    """Pauses between attempts: doubling from `first_s` up to `longest_s`, each shortened by chance to spread
    the load on a receiver that comes back."""

    first_s: float = 1.0
    longest_s: float = 300.0
    longest_retry_after_s: float = 3600.0
    """A receiver may ask for more patience than we take, but not for more than this."""

    def pause_s(self, attempts: int, chance: float, retry_after_s: float | None = None) -> float:
        """Seconds to wait after the `attempts`-th failure; `chance` is 0..1.

        >>> [Backoff().pause_s(attempts, chance=1.0) for attempts in (1, 2, 3, 20)]
        [1.0, 2.0, 4.0, 300.0]
        >>> Backoff().pause_s(3, chance=0.0)
        2.0
        >>> Backoff().pause_s(1, chance=0.5, retry_after_s=120)
        120
        """
        full = min(self.longest_s, self.first_s * 2.0 ** min(attempts - 1, 30))
        own = full * (0.5 + 0.5 * chance)
        if retry_after_s is None:
            return own
        return max(own, min(retry_after_s, self.longest_retry_after_s))


class Sender:
    """Delivers the outbox to `targets`, one thread each."""

    def __init__(
        self,
        store: Store,
        targets: Sequence[Target],
        links: EvidenceLinks | None = None,
        *,
        backoff: Backoff | None = None,
        chance: Callable[[], float] = random.random,
        poll_s: float = POLL_S,
    ) -> None:
        self._store = store
        self._targets = tuple(targets)
        self._links = links
        self._backoff = backoff or Backoff()
        self._chance = chance
        self._poll_s = poll_s

    def run(self, stop: threading.Event) -> None:
        """Send until `stop` is set; returns when every thread has ended (at most one time-out later)."""
        self._warn_about_unknown_targets()
        threads = [
            threading.Thread(target=self._serve, args=(target, stop), name=f"outbox-{target.id}")
            for target in self._targets
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def send_next(self, target: Target, poster: Poster) -> bool:
        """Attempt the delivery that is due; False when none is."""
        now = self._store.clock()
        with self._store.reading() as session:
            delivery_id = _next_due(session, target.id, now)
        if delivery_id is None:
            return False
        prepared = self._prepare(delivery_id, now)
        if prepared is None:
            return True
        alert_id, body = prepared
        answer = poster.post(body.encode(), idempotency_key=alert_id, now=now)
        self._record(delivery_id, answer)
        return True

    def _serve(self, target: Target, stop: threading.Event) -> None:
        poster = Poster(target.url, target.secret, target.timeout_s)
        try:
            while not stop.is_set():
                try:
                    busy = self.send_next(target, poster)
                except SQLAlchemyError as error:
                    reason = str(error.__cause__ or error).splitlines()[0]
                    log.error("store unusable, deliveries wait: target=%s: %s", target.id, reason)
                    stop.wait(STORE_PAUSE_S)
                    continue
                except Exception:
                    # A fault of ours in one delivery must not end the thread that carries all the others.
                    log.exception("delivery failed in an unforeseen way: target=%s", target.id)
                    stop.wait(STORE_PAUSE_S)
                    continue
                if not busy:
                    stop.wait(self._poll_s)
        finally:
            poster.close()

    def _prepare(self, delivery_id: int, now: datetime) -> tuple[str, str] | None:
        """Alert id and body; the body is fixed in the store before it is first sent. None: it became dead."""
        with self._store.reading() as session:
            row = session.get_one(DeliveryRow, delivery_id)
            if row.body is not None:
                return row.alert_id, row.body
        with self._store.writing() as session:
            row = session.get_one(DeliveryRow, delivery_id)
            content = session.get_one(AlertRow, row.alert_id).content
            try:
                row.body = message.finish(content, sent_at=now, links=self._links)
            except MessageError as error:
                self._finish(session, row, "dead", str(error), now)
                return None
            return row.alert_id, row.body

    def _record(self, delivery_id: int, answer: Answer) -> None:
        now = self._store.clock()
        with self._store.writing() as session:
            row = session.get_one(DeliveryRow, delivery_id)
            row.attempts += 1
            match answer.outcome:
                case Outcome.ACKNOWLEDGED:
                    row.acknowledged_at = now
                    self._finish(session, row, "delivered", None, now)
                case Outcome.REFUSED:
                    self._finish(session, row, "dead", answer.reason, now)
                case Outcome.RETRY:
                    self._postpone(session, row, answer, now)

    def _postpone(self, session: Session, row: DeliveryRow, answer: Answer, now: datetime) -> None:
        pause_s = self._backoff.pause_s(row.attempts, self._chance(), answer.retry_after_s)
        row.next_attempt_at = now + timedelta(seconds=pause_s)
        first_of_its_kind = row.last_error != answer.reason
        row.last_error = answer.reason
        log.warning(
            "delivery postponed: alert=%s target=%s attempts=%d pause_s=%.0f: %s",
            row.alert_id,
            row.target_id,
            row.attempts,
            pause_s,
            answer.reason,
        )
        if first_of_its_kind:  # pages show trouble once, not at every attempt
            _add_delivery_event(session, row, now)

    def _finish(
        self, session: Session, row: DeliveryRow, state: str, error: str | None, now: datetime
    ) -> None:
        row.state, row.last_error = state, error
        level = logging.ERROR if state == "dead" else logging.INFO
        log.log(
            level,
            "delivery %s: alert=%s target=%s attempts=%d%s",
            state,
            row.alert_id,
            row.target_id,
            row.attempts,
            f": {error}" if error else "",
        )
        _add_delivery_event(session, row, now)

    def _warn_about_unknown_targets(self) -> None:
        known = {target.id for target in self._targets}
        with self._store.reading() as session:
            waiting = session.scalars(
                select(DeliveryRow.target_id).where(DeliveryRow.state == "pending").distinct()
            ).all()
        for target_id in sorted(set(waiting) - known):
            log.warning("alerts wait for target=%s, which the configuration does not name", target_id)


def redeliver(store: Store, delivery_id: int) -> None:
    """Try a dead delivery again, now, from the first pause on. Raises NotFoundError unless it is dead."""
    now = store.clock()
    with store.writing() as session:
        row = session.get(DeliveryRow, delivery_id)
        if row is None or row.state != "dead":
            raise NotFoundError(f"no dead delivery {delivery_id}")
        row.state, row.attempts, row.next_attempt_at = "pending", 0, now
        _add_delivery_event(session, row, now)


def _next_due(session: Session, target_id: str, now: datetime) -> int | None:
    """The oldest due delivery that has no earlier one of its incident still waiting."""
    earlier = aliased(DeliveryRow)
    blocked = (
        select(earlier.delivery_id)
        .where(
            earlier.incident_id == DeliveryRow.incident_id,
            earlier.target_id == target_id,
            earlier.state == "pending",
            earlier.sequence < DeliveryRow.sequence,
        )
        .exists()
    )
    return session.scalar(
        select(DeliveryRow.delivery_id)
        .where(
            DeliveryRow.target_id == target_id,
            DeliveryRow.state == "pending",
            # What was never tried is due at once, even if the clock has been set back meanwhile.
            or_(DeliveryRow.attempts == 0, DeliveryRow.next_attempt_at <= now),
            ~blocked,
        )
        .order_by(DeliveryRow.next_attempt_at, DeliveryRow.delivery_id)
        .limit(1)
    )


def _add_delivery_event(session: Session, row: DeliveryRow, now: datetime) -> None:
    data = {
        "delivery_id": row.delivery_id,
        "alert_id": row.alert_id,
        "target_id": row.target_id,
        "state": row.state,
        "attempts": row.attempts,
        "last_error": row.last_error,
    }
    add_event(session, now, "delivery", incident_id=row.incident_id, data=data)
