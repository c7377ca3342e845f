"""Who sends what next: senders claim deliveries in the store, so that two never send the same one at once.

A claim is a lease: it ends by itself, or at once when its owner was a process of this machine that is gone.
One delivery of a stream (an incident) is out at a time, the earliest that is not done.
"""

from __future__ import annotations

import os
import socket
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select, update
from sqlalchemy.orm import Session, aliased

from alerting.backoff import Backoff, Breaker
from alerting.tables import DeliveryRow, TargetStateRow

LEASE_SPARE_S = 30.0
"""A lease lasts for the target's time-outs and this: what an attempt can take when the machine is slow."""


@dataclass(frozen=True)
class SenderName:
    """Names one running sender; a restarted one has another name."""

    host: str
    pid: int
    token: str

    @classmethod
    def of_this_process(cls) -> SenderName:
        return cls(socket.gethostname()[:60], os.getpid(), uuid.uuid4().hex[:12])

    @classmethod
    def parse(cls, text: str) -> SenderName:
        host, pid, token = text.rsplit(":", 2)
        return cls(host, int(pid), token)

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}:{self.token}"

    def knows_gone(self, other: SenderName) -> bool:
        """Whether the other was a process of this machine and has ended."""
        if other.host != self.host or other == self:
            return False
        if other.pid == self.pid:
            return False  # another sender of this very process
        try:
            os.kill(other.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False


def something_is_due(session: Session, lane: str, now: datetime, breaker: Breaker) -> bool:
    """A cheap look before claiming; may say yes for what another sender holds."""
    if _is_left_alone(session, lane, now, breaker):
        return False
    return session.scalar(_due(lane, now, session.get(TargetStateRow, lane), breaker)) is not None


def claim(
    session: Session, lane: str, me: SenderName, now: datetime, lease_s: float, breaker: Breaker
) -> DeliveryRow | None:
    """Take the next delivery of a lane, inside a write transaction; None when nothing may be sent now."""
    if _is_left_alone(session, lane, now, breaker):
        return None
    state = session.get(TargetStateRow, lane)
    delivery_id = session.scalar(_due(lane, now, state, breaker))
    if delivery_id is None:
        return None
    row = session.get_one(DeliveryRow, delivery_id)
    row.leased_by, row.leased_until = str(me), now + timedelta(seconds=lease_s)
    if state is not None and breaker.is_open_after(state.failures):
        state.open_until = row.leased_until  # one tries, the others wait for what becomes of it
    return row


def any_lease(session: Session) -> bool:
    """Whether any sender holds anything; cheap."""
    held = select(DeliveryRow.delivery_id).where(
        DeliveryRow.state == "pending", DeliveryRow.leased_by.is_not(None)
    )
    return session.scalar(held.limit(1)) is not None


def free_leases_of_the_gone(session: Session, me: SenderName) -> int:
    """A sender that was killed must not hold up its alerts until its leases end. Returns how many were
    freed."""
    holders = session.scalars(
        select(DeliveryRow.leased_by)
        .where(DeliveryRow.state == "pending", DeliveryRow.leased_by.is_not(None))
        .distinct()
    )
    gone = [one for one in holders if one and me.knows_gone(SenderName.parse(one))]
    if not gone:
        return 0
    held = session.scalars(select(DeliveryRow).where(DeliveryRow.leased_by.in_(gone))).all()
    for row in held:
        row.leased_by = row.leased_until = None
        state = session.get(TargetStateRow, row.lane)
        if state is not None:
            state.open_until = None
    return len(held)


def target_answered(session: Session, lane: str, breaker: Breaker) -> bool:
    """The target gave an answer; True when that closes its circuit, and what waited may go at once."""
    state = session.get(TargetStateRow, lane)
    if state is None:
        return False
    was_open = breaker.is_open_after(state.failures)
    session.delete(state)
    if was_open:
        _due_at_once(session, lane)
    return was_open


def target_failed(
    session: Session,
    lane: str,
    reason: str,
    now: datetime,
    breaker: Breaker,
    *,
    chance: float,
    retry_after_s: float | None,
) -> bool:
    """Count a failure of the target; True when this one opens its circuit."""
    state = session.get(TargetStateRow, lane)
    if state is None:
        state = TargetStateRow(target_id=lane, failures=0, failing_since=now, open_until=None, reason=reason)
        session.add(state)
    state.failures += 1
    state.reason = reason
    if not breaker.is_open_after(state.failures):
        return False
    state.open_until = now + timedelta(seconds=breaker.pause_s(state.failures, chance, retry_after_s))
    return state.failures == breaker.failures


def try_now(session: Session, lane: str) -> None:
    """Something about the target has changed: what waits for it is tried at once, whatever failed before."""
    state = session.get(TargetStateRow, lane)
    if state is not None:
        state.open_until = None
    _due_at_once(session, lane)


def _due_at_once(session: Session, lane: str) -> None:
    session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.lane == lane, DeliveryRow.state == "pending")
        .values(next_attempt_at=DeliveryRow.created_at)
    )


def _is_left_alone(session: Session, lane: str, now: datetime, breaker: Breaker) -> bool:
    state = session.get(TargetStateRow, lane)
    if state is None or state.open_until is None:
        return False
    longest = timedelta(seconds=max(breaker.pauses.longest_retry_after_s, breaker.pauses.longest_s))
    return now < state.open_until <= now + longest  # farther away: the clock was set back meanwhile


def _due(lane: str, now: datetime, state: TargetStateRow | None, breaker: Breaker) -> Select[Any]:
    """The delivery to send next: due, not leased, and no earlier one of its stream still waiting."""
    earlier = aliased(DeliveryRow)
    blocked = (
        select(earlier.delivery_id)
        .where(
            earlier.stream == DeliveryRow.stream,
            earlier.target_id == DeliveryRow.target_id,
            earlier.state == "pending",
            earlier.sequence < DeliveryRow.sequence,
        )
        .exists()
    )
    query = select(DeliveryRow.delivery_id).where(
        DeliveryRow.lane == lane, DeliveryRow.state == "pending", _is_free(now), ~blocked
    )
    if state is not None and breaker.is_open_after(state.failures):
        return query.order_by(DeliveryRow.attempts, DeliveryRow.delivery_id).limit(1)
    # What was never tried or postponed is due at once, even if the clock has been set back meanwhile.
    fresh = and_(DeliveryRow.attempts == 0, DeliveryRow.next_attempt_at == DeliveryRow.created_at)
    due = or_(fresh, DeliveryRow.next_attempt_at <= now)
    return query.where(due).order_by(DeliveryRow.next_attempt_at, DeliveryRow.delivery_id).limit(1)


def _is_free(now: datetime) -> ColumnElement[bool]:
    longest = now + timedelta(seconds=2 * Backoff().longest_retry_after_s)
    until = DeliveryRow.leased_until
    return or_(until.is_(None), until <= now, until > longest)  # so far away: the clock was set back
