"""Tells people what waits for them in the outbox: at once, but no more than they can read.

What waits for one person arrives as one message. When a person has had so many messages within ten minutes
as the deployment allows, the next waits until the oldest is ten minutes old, and then carries all that came
since: nothing is dropped. A message nobody's gateway takes within six hours is dead: a person must be
called.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

import config
from alerting import claims, message
from alerting.backoff import Backoff, Breaker
from alerting.claims import SenderName
from alerting.composing import Composer
from alerting.deliveries import add_delivery_event, end_delivery
from alerting.formats import words
from alerting.formats.origin import MessageError
from alerting.people import LANE, Recipient
from alerting.store import Store
from alerting.tables import DeliveryRow
from alerting.targets.line import Answer, Outcome
from alerting.targets.people import Message, PeopleLine
from alerting.trouble import Trouble

log = logging.getLogger(__name__)

WINDOW = timedelta(minutes=10)
PATIENCE = timedelta(hours=6)
LEASE_S = 120.0
"""More than all channels of a person take when each runs into its time-out."""

NO_BREAKER = Breaker(failures=1_000_000_000)
"""People share a lane but not a fate: the gateway of one may work when another's does not."""


@dataclass(frozen=True)
class _Claimed:
    delivery_ids: tuple[int, ...]
    channels: Mapping[str, str]
    message: Message


class Notifier:
    """Sends what waits in the people's lane. Thread-safe."""

    def __init__(
        self,
        store: Store,
        line: PeopleLine,
        persons: Mapping[str, Recipient],
        *,
        time_zone: tzinfo,
        most_per_window: int,
        trouble: Trouble | None = None,
        backoff: Backoff | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._line = line
        self._persons = dict(persons)
        self._time_zone = time_zone
        self._most = most_per_window
        self._trouble = trouble or Trouble()
        self._backoff = backoff or Backoff(first_s=5.0)
        self._chance = chance

    @classmethod
    def of(cls, store: Store, deployment: config.Deployment, time_zone: tzinfo) -> Notifier:
        """For the people and gateways of a deployment."""
        notify = deployment.notify
        persons = [Recipient.of_person(person) for person in notify.people]
        return cls(
            store,
            PeopleLine({gateway.id: gateway.url for gateway in notify.gateways}),
            {person.target_id: person for person in persons},
            time_zone=time_zone,
            most_per_window=notify.most_per_10_min,
            trouble=Trouble.of(deployment),
        )

    def tell_next(self, composer: Composer, me: SenderName) -> bool:
        """Tell one person what waits for them; False when nothing is due."""
        now = self._store.clock()
        with self._store.reading() as session:
            if not claims.something_is_due(session, LANE, now, NO_BREAKER):
                return False
        with self._store.writing() as session:
            claimed = self._claim(session, composer, me, now)
        if claimed is not None:
            self._record(claimed, self._line.send(claimed.channels, claimed.message))
        return True

    def _claim(self, session: Session, composer: Composer, me: SenderName, now: datetime) -> _Claimed | None:
        first = claims.claim(session, LANE, me, now, LEASE_S, NO_BREAKER)
        if first is None:
            return None
        if (wait_until := self._full_until(session, first.target_id, now)) is not None:
            self._put_off(session, first.target_id, wait_until)
            return None
        rows = [first]
        for row in session.scalars(
            select(DeliveryRow)
            .where(
                DeliveryRow.target_id == first.target_id,
                DeliveryRow.state == "pending",
                DeliveryRow.leased_until.is_(None),
                DeliveryRow.delivery_id != first.delivery_id,
            )
            .order_by(DeliveryRow.delivery_id)
        ):
            row.leased_by, row.leased_until = first.leased_by, first.leased_until
            rows.append(row)
        rows.sort(key=lambda row: row.delivery_id)
        try:
            text = self._message(session, composer, rows, now)
        except MessageError as error:
            for row in rows:
                row.attempts += 1
                end_delivery(session, row, "dead", str(error), now)
            return None
        channels = self._channels_of(first)
        return _Claimed(tuple(row.delivery_id for row in rows), channels, text)

    def _message(
        self, session: Session, composer: Composer, rows: list[DeliveryRow], now: datetime
    ) -> Message:
        contents = [composer.message_of(session, row, now) for row in rows]
        newest = contents[-1]
        alert = newest if rows[-1].alert_id else composer.newest_alert(session, rows[-1].incident_id, now)
        picture = message.picture_of(alert) if alert else None
        if len(contents) > 1:
            title, text = words.digest(contents)
        else:
            title, text = words.title(newest), words.text(newest, self._time_zone, alert)
        for row in rows:
            row.body, row.media_type = f"{title}\n{text}", "text/plain"
        return Message(title, text, picture, urgent=any(_is_urgent(one) for one in contents))

    def _channels_of(self, row: DeliveryRow) -> Mapping[str, str]:
        if row.recipient is not None:
            channels: dict[str, str] = row.recipient["channels"]
            return channels
        person = self._persons.get(row.target_id)
        return person.channels if person is not None else {}

    def _full_until(self, session: Session, target_id: str, now: datetime) -> datetime | None:
        """When this person may be told again, if they have been told enough for now."""
        told = session.scalars(
            select(DeliveryRow.acknowledged_at)
            .where(
                DeliveryRow.target_id == target_id,
                DeliveryRow.state == "delivered",
                DeliveryRow.acknowledged_at > now - WINDOW,
                DeliveryRow.acknowledged_at <= now,
            )
            .distinct()
            .order_by(DeliveryRow.acknowledged_at)
        ).all()
        if len(told) < self._most:
            return None
        oldest_that_counts = told[-self._most]
        return oldest_that_counts + WINDOW if oldest_that_counts is not None else None

    def _put_off(self, session: Session, target_id: str, until: datetime) -> None:
        waiting = session.scalars(select(DeliveryRow).filter_by(target_id=target_id, state="pending")).all()
        for row in waiting:
            row.next_attempt_at = max(row.next_attempt_at, until)
            row.leased_by = row.leased_until = None
        log.info("told enough for now: target=%s waiting=%d", target_id, len(waiting))

    def _record(self, claimed: _Claimed, answer: Answer) -> None:
        now = self._store.clock()
        with self._store.writing() as session:
            for delivery_id in claimed.delivery_ids:
                row = session.get_one(DeliveryRow, delivery_id)
                if row.state != "pending":
                    continue
                row.attempts += 1
                row.leased_by = row.leased_until = None
                if answer.outcome is Outcome.ACKNOWLEDGED:
                    row.acknowledged_at = now
                    end_delivery(session, row, "delivered", answer.reason or None, now)
                elif answer.outcome is Outcome.REFUSED or now - row.created_at > PATIENCE:
                    end_delivery(session, row, "dead", answer.reason, now)
                    self._trouble.dead_letter(session, row, now)
                else:
                    self._postpone(session, row, answer, now)

    def _postpone(self, session: Session, row: DeliveryRow, answer: Answer, now: datetime) -> None:
        pause_s = self._backoff.pause_s(row.attempts, self._chance(), answer.retry_after_s)
        row.next_attempt_at = now + timedelta(seconds=pause_s)
        first_of_its_kind = row.last_error != answer.reason
        row.last_error = answer.reason
        log.warning(
            "person not told yet: target=%s attempts=%d: %s", row.target_id, row.attempts, answer.reason
        )
        if first_of_its_kind:
            add_delivery_event(session, row, now)


def _is_urgent(content: dict[str, Any]) -> bool:
    return not content.get("exercise") and content.get("type") != "Cancel"
