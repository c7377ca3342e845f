"""Calls a level of the grid chain about a fire: finds its people, and puts a message for each into the
outbox.

Who decides that a level has to be called writes a row of `calls`; this module deals with it, once. Whoever no
gateway reaches is named to those who hear of trouble, to be called by telephone: a call nobody gets must not
look like one that was made.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from alerting import notices, people
from alerting.notices import Notice
from alerting.people import Recipient
from alerting.store import Store, find_incident
from alerting.tables import CallRow, IncidentRow
from alerting.trouble import Trouble

log = logging.getLogger(__name__)

POLL_S = 1.0
LEVELS = {"grid": "网格", "village": "村居", "town": "镇街", "district": "区"}

Roster = Callable[[dict[str, Any], datetime], Sequence[Recipient]]
"""Who answers for an area of an incident's grid chain at a moment."""


def contacts_of(area: dict[str, Any], _at: datetime) -> tuple[Recipient, ...]:
    """The contacts that the incident carries for one area of its chain."""
    return tuple(
        Recipient.of_contact(one["name"], one["role"], one["phone"], one.get("channels"))
        for one in area["contacts"]
    )


class Caller:
    """Deals with the calls that wait in the store. Several may share one store."""

    def __init__(
        self,
        store: Store,
        gateways: Sequence[str],
        *,
        roster: Roster = contacts_of,
        trouble: Trouble | None = None,
    ) -> None:
        self._store = store
        self._gateways = tuple(gateways)
        self._roster = roster
        self._trouble = trouble or Trouble()

    def run(self, stop: threading.Event) -> None:
        """Deal with calls as they come, until told to stop."""
        while not stop.is_set():
            try:
                self.call_all()
            except SQLAlchemyError as error:
                log.error("store unusable, calls wait: %s", str(error.__cause__ or error).splitlines()[0])
            except Exception:
                # A fault of ours in one call must not end what calls for all other fires.
                log.exception("call failed in an unforeseen way")
            stop.wait(POLL_S)

    def call_all(self) -> int:
        """Deal with everything that waits; returns how many calls that were."""
        waiting = select(CallRow.call_id).where(CallRow.handled_at.is_(None)).order_by(CallRow.call_id)
        with self._store.reading() as session:
            call_ids = session.scalars(waiting).all()
        return sum(self._call(call_id) for call_id in call_ids)

    def _call(self, call_id: int) -> bool:
        now = self._store.clock()
        with self._store.writing() as session:
            row = session.get_one(CallRow, call_id)
            if row.handled_at is not None:
                return False  # another process was faster
            row.handled_at = now
            call(
                session,
                find_incident(session, row.incident_id),
                row.level,
                key=f"call-{call_id}",
                why=row.why,
                now=now,
                gateways=self._gateways,
                roster=self._roster,
                trouble=self._trouble,
            )
            return True


def call(
    session: Session,
    incident: IncidentRow,
    level: str,
    *,
    key: str,
    why: str,
    now: datetime,
    gateways: Sequence[str],
    roster: Roster = contacts_of,
    trouble: Trouble | None = None,
) -> tuple[Recipient, ...]:
    """Call the people of `level` about an incident, inside an open transaction; returns those who are called.

    `key` makes it once. Nobody is returned when the incident's ground has no such level or no gateway reaches
    anybody there; those who hear of trouble are told then.
    """
    area = next((one for one in incident.grid_chain if one["level"] == level), None)
    found = roster(area, now) if area is not None else ()
    called = tuple(one for one in found if people.reachable(one, gateways))
    missed = [f"{one.name}（{one.role}）" for one in found if one not in called]
    name = area["name"] if area is not None else LEVELS.get(level, level)
    if called:
        notices.post(session, _call_notice(incident, name, key, why), now=now, people=called)
        log.warning(
            "called level=%s area=%s people=%d incident=%s", level, name, len(called), incident.incident_id
        )
    if not called or missed:
        log.error("not reached by message: level=%s area=%s incident=%s", level, name, incident.incident_id)
        (trouble or Trouble()).tell(session, _missed_notice(incident, name, missed, key), now)
    return called


def _call_notice(incident: IncidentRow, area: str, key: str, why: str) -> Notice:
    return Notice(
        notice_id=key,
        kind="call",
        title=f"请处置：{incident.number}号火情，{area}",
        text=f"请立即核实并回复。原因：{why}",
        title_en=f"please act: incident {incident.number}, {area}",
        text_en=f"Please check at once and answer. Reason: {why}",
        incident_id=incident.incident_id,
        exercise=incident.exercise,
    )


def _missed_notice(incident: IncidentRow, area: str, missed: Sequence[str], key: str) -> Notice:
    who = "、".join(missed) or "无联系人"
    return Notice(
        notice_id=f"{key}-missed",
        kind="trouble",
        title=f"请电话通知{area}：{incident.number}号火情",
        text=f"以下人员无法用消息通知，请打电话：{who}",
        title_en=f"telephone {area}: incident {incident.number}",
        text_en=f"No message reaches: {who}. Please telephone.",
        incident_id=incident.incident_id,
        exercise=incident.exercise,
    )
