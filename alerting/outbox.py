"""Sends what the store says must be sent, until it is acknowledged.

Promises: every message reaches every target at least once, under the same key; once the receiver may have
taken it, with the same bytes; the alerts of one incident reach a target in their order; a target that hangs
or fails delays no other. All state is in the store: a killed sender goes on where it stopped, and several
senders share one store, because each claims a delivery before it sends (`alerting.claims`).

A target's answer decides: acknowledged: done; refused (most 4xx): dead, because the same bytes would be
refused again, and a person must look; anything else, and no answer: tried again later (`alerting.backoff`).
What was refused at its first attempt is written anew when it is sent again, in the format that its target has
then. Behind a dead alert the later ones of its incident still go out: each is complete in itself.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from alerting import claims, composing
from alerting.backoff import Backoff, Breaker
from alerting.composing import Composer
from alerting.database import first_line
from alerting.deliveries import add_delivery_event, end_delivery, redeliver, redeliver_all
from alerting.evidence_links import EvidenceLinks
from alerting.formats import Format, MessageError, Origin, format_of
from alerting.notifying import Notifier
from alerting.people import LANE
from alerting.store import Store
from alerting.tables import DeliveryRow
from alerting.target_threads import TargetThreads
from alerting.targets import Answer, Line, Outcome, Parcel, Target, open_line
from alerting.trouble import Trouble

__all__ = ["Backoff", "Breaker", "Sender", "redeliver", "redeliver_all"]

log = logging.getLogger(__name__)

POLL_S = 0.5
"""How soon a new alert is noticed; two small queries a second and target."""

STORE_PAUSE_S = 2.0
"""After an error of the store; it is retried for ever."""

PEOPLE_THREADS = 3
"""People are told side by side, so that one gateway that hangs does not silence the others."""

SWEEP_S = 5.0
"""How often leases of senders that are gone are looked for."""


@dataclass(frozen=True)
class _Claimed:
    delivery_id: int
    parcel: Parcel
    body_is_new: bool


class Sender:
    """Delivers the outbox to `targets`, one thread each, and to people, if there is a `notifier`. `serve`
    says which targets there are from then on; what waits for others goes on waiting."""

    def __init__(
        self,
        store: Store,
        targets: Sequence[Target],
        links: EvidenceLinks | None = None,
        *,
        origin: Origin | None = None,
        notifier: Notifier | None = None,
        trouble: Trouble | None = None,
        backoff: Backoff | None = None,
        breaker: Breaker | None = None,
        chance: Callable[[], float] = random.random,
        poll_s: float = POLL_S,
    ) -> None:
        """Raises MessageError for a target whose template is none."""
        self._store = store
        self._origin = origin or Origin("firewatch")
        self._formats: dict[str, tuple[Target, Format]] = {}  # by id: of the target as it is now
        for target in targets:
            self._format_of(target)
        self._lanes = TargetThreads("outbox", self._serve)
        self._lanes.serve(targets)
        self._composer = Composer(links)
        self._notifier = notifier
        self._trouble = trouble or Trouble()
        self._backoff = backoff or Backoff()
        self._breaker = breaker or Breaker()
        self._chance = chance
        self._poll_s = poll_s
        self._me = claims.SenderName.of_this_process()
        self._ending = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Send until `stop` is set; returns when every thread has ended (at most one time-out later)."""
        self._ending = stop
        threads = []
        if self._notifier is not None:
            threads += [
                threading.Thread(target=self._tell_people, args=(stop,), name=f"outbox-people-{number}")
                for number in range(1, PEOPLE_THREADS + 1)
            ]
        threads.append(threading.Thread(target=self._sweep, args=(stop,), name="outbox-sweep"))
        self._lanes.start()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._lanes.stop()

    def serve(self, targets: Sequence[Target]) -> None:
        """These targets from now on; one that changed is sent to as it is now. May be called at any time."""
        self._warn_about_others(targets)
        for gone in self._formats.keys() - {target.id for target in targets}:
            self._formats.pop(gone, None)
        self._lanes.serve(targets)

    def send_next(self, target: Target, line: Line) -> bool:
        """Attempt the delivery that is due; False when none is."""
        now = self._store.clock()
        with self._store.reading() as session:
            if not claims.something_is_due(session, target.id, now, self._breaker):
                return False
        claimed = self._claim(target, now)
        if claimed is None:
            return True
        self._record(claimed, target, line.send(claimed.parcel))
        return True

    def free_leases_of_the_gone(self) -> None:
        with self._store.reading() as session:
            if not claims.any_lease(session):
                return
        with self._store.writing() as session:
            if freed := claims.free_leases_of_the_gone(session, self._me):
                log.warning("deliveries of a sender that is gone are taken over: count=%d", freed)

    def _serve(self, target: Target, stop: threading.Event) -> None:
        self._format_of(target)
        line = open_line(target)
        try:
            self._repeat(lambda: self.send_next(target, line), target.id, stop)
        finally:
            line.close()
        if not self._ending.is_set():
            self._forget_failures(target)

    def _forget_failures(self, target: Target) -> None:
        """The target has changed: what its old address did with the last attempts puts off nothing."""
        try:
            with self._store.writing() as session:
                claims.try_now(session, target.id)
        except SQLAlchemyError as error:
            log.error("store unusable, deliveries wait: target=%s: %s", target.id, first_line(error))

    def _tell_people(self, stop: threading.Event) -> None:
        notifier = self._notifier
        if notifier is not None:
            self._repeat(lambda: notifier.tell_next(self._composer, self._me), LANE, stop)

    def _sweep(self, stop: threading.Event) -> None:
        def sweep() -> bool:
            self.free_leases_of_the_gone()
            stop.wait(SWEEP_S)
            return True

        self._repeat(sweep, "all", stop)

    def _repeat(self, step: Callable[[], bool], lane: str, stop: threading.Event) -> None:
        """Do `step` until told to stop; it says whether there may be more to do at once."""
        while not stop.is_set():
            try:
                busy = step()
            except SQLAlchemyError as error:
                reason = first_line(error)
                log.error("store unusable, deliveries wait: target=%s: %s", lane, reason)
                stop.wait(STORE_PAUSE_S)
                continue
            except Exception:
                # A fault of ours in one delivery must not end the thread that carries all the others.
                log.exception("delivery failed in an unforeseen way: target=%s", lane)
                stop.wait(STORE_PAUSE_S)
                continue
            if not busy:
                stop.wait(self._poll_s)

    def _claim(self, target: Target, now: datetime) -> _Claimed | None:
        """Take the next delivery; its body is fixed in the store before it is sent. None: nothing to send."""
        lease_s = 3 * target.timeout_s + claims.LEASE_SPARE_S
        with self._store.writing() as session:
            row = claims.claim(session, target.id, self._me, now, lease_s, self._breaker)
            if row is None:
                return None
            fresh = row.body is None
            if row.body is None or row.media_type is None:
                try:
                    body = self._format_of(target)(self._composer.message_of(session, row, now))
                except MessageError as error:
                    row.attempts += 1
                    self._end(session, row, "dead", str(error), now)
                    return None
                row.body, row.media_type = body.text, body.media_type
            return _Claimed(row.delivery_id, composing.parcel_of(row, now), fresh)

    def _record(self, claimed: _Claimed, target: Target, answer: Answer) -> None:
        now = self._store.clock()
        with self._store.writing() as session:
            row = session.get_one(DeliveryRow, claimed.delivery_id)
            ours = row.state == "pending" and row.leased_by in (None, str(self._me))
            if not ours and (answer.outcome is not Outcome.ACKNOWLEDGED or row.state == "delivered"):
                return  # our lease had ended, and another sender deals with it
            row.attempts += 1
            row.leased_by = row.leased_until = None
            untaken = answer.outcome is Outcome.REFUSED or not answer.may_have_arrived
            if claimed.body_is_new and untaken:  # the next one may say how late it is, in another format
                row.body = row.media_type = None
            if answer.outcome is Outcome.RETRY:
                self._postpone(session, row, target, answer, now)
                return
            if claims.target_answered(session, target.id, self._breaker):
                log.warning("target takes alerts again: target=%s", target.id)
                self._trouble.over(session, target.id, now)
            if answer.outcome is Outcome.ACKNOWLEDGED:
                row.acknowledged_at = now
                self._end(session, row, "delivered", None, now)
            else:
                self._end(session, row, "dead", answer.reason, now)

    def _postpone(
        self, session: Session, row: DeliveryRow, target: Target, answer: Answer, now: datetime
    ) -> None:
        chance = self._chance()
        pause_s = self._backoff.pause_s(row.attempts, chance, answer.retry_after_s)
        row.next_attempt_at = now + timedelta(seconds=pause_s)
        first_of_its_kind = row.last_error != answer.reason
        row.last_error = answer.reason
        log.warning(
            "delivery postponed: key=%s target=%s attempts=%d pause_s=%.0f: %s",
            row.alert_id or row.notice_id,
            row.target_id,
            row.attempts,
            pause_s,
            answer.reason,
        )
        if first_of_its_kind:  # pages show trouble once, not at every attempt
            add_delivery_event(session, row, now)
        opened = claims.target_failed(
            session,
            target.id,
            answer.reason,
            now,
            self._breaker,
            chance=chance,
            retry_after_s=answer.retry_after_s,
        )
        if opened:
            log.error("target does not take alerts: target=%s: %s", target.id, answer.reason)
            self._trouble.target_down(session, target.id, answer.reason, now)

    def _end(self, session: Session, row: DeliveryRow, state: str, error: str | None, now: datetime) -> None:
        end_delivery(session, row, state, error, now)
        if state == "dead" and row.alert_id is not None:
            self._trouble.dead_letter(session, row, now)

    def _format_of(self, target: Target) -> Format:
        """Raises MessageError for a template that is none."""
        known = self._formats.get(target.id)
        if known is None or known[0] != target:
            known = self._formats[target.id] = target, format_of(target, self._origin)
        return known[1]

    def _warn_about_others(self, targets: Sequence[Target]) -> None:
        known = {target.id for target in targets} | {LANE}
        with self._store.reading() as session:
            waiting = session.scalars(
                select(DeliveryRow.lane).where(DeliveryRow.state == "pending").distinct()
            ).all()
        for lane in sorted(set(waiting) - known):
            log.warning("alerts wait for target=%s, which is switched off or not there", lane)
