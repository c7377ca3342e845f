"""Calls a level of the grid chain about a fire: finds its people, and puts a message for each into the
outbox.

Whoever no gateway reaches is named to those who hear of trouble, to be called by telephone: a call nobody
gets must not look like one that was made.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from alerting import notices, people
from alerting.notices import Notice
from alerting.people import Recipient
from alerting.records import Contact
from alerting.tables import IncidentRow
from alerting.trouble import Trouble

log = logging.getLogger(__name__)

LEVELS = {"grid": "网格", "village": "村居", "town": "镇街", "district": "区"}

Roster = Callable[[Session, dict[str, Any], datetime], Sequence[Contact]]
"""Who answers for an area of an incident's grid chain at a moment."""


def contacts_of(_session: Session, area: dict[str, Any], _at: datetime) -> tuple[Contact, ...]:
    """The contacts that the incident carries for one area of its chain."""
    return tuple(Contact(**one) for one in area["contacts"])


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
    contacts = roster(session, area, now) if area is not None else ()
    found = [Recipient.of_contact(one.name, one.role, one.phone, one.channels) for one in contacts]
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
        title=f"请{area}处置{incident.number}号火情",
        text=f"请核实并接单；逾时未接单将通知上一级。原因：{why}",
        title_en=f"incident {incident.number}: {area} is called",
        text_en=f"Go and see, and accept; if nobody accepts in time the next level is called. Why: {why}",
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
