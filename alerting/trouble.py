"""Tells people that alerts do not arrive: a target is down, a target refuses a message.

Each trouble is told once, not at every attempt: a target that is down when its circuit opens and when it is
well again, refusals of a target at most once an hour. The pages show every one of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

import config
from alerting import notices, people, receivers
from alerting.notices import Notice
from alerting.people import Recipient
from alerting.receivers import Hearers
from alerting.tables import DeliveryRow


class Trouble:
    """Who is told of trouble; by default nobody but the log and the pages."""

    def __init__(self, hearers: Iterable[Recipient] = (), targets: Hearers = receivers.nobody) -> None:
        self._hearers = tuple(hearers)
        self._targets = targets

    @classmethod
    def of(cls, deployment: config.Deployment) -> Trouble:
        """People who hear of trouble, and targets that want notices."""
        return cls(
            people.who_hear(deployment.notify, "trouble"),
            receivers.wanting_notices(deployment),
        )

    def target_down(self, session: Session, target_id: str, reason: str, now: datetime) -> None:
        self.tell(
            session,
            Notice(
                notice_id=f"target-down-{target_id}-{_second(now)}",
                kind="trouble",
                title=f"接收端 {target_id} 不接收报警",
                text=f"报警保存在本中心，恢复后按顺序补发。最近一次结果：{reason}",
                title_en=f"receiver {target_id} does not take alerts",
                text_en=f"They are kept here and sent in order when it is back. Last result: {reason}",
            ),
            now,
            but=target_id,
        )

    def over(self, session: Session, target_id: str, now: datetime) -> None:
        self.tell(
            session,
            Notice(
                notice_id=f"target-up-{target_id}-{_second(now)}",
                kind="trouble",
                title=f"接收端 {target_id} 已恢复",
                text="积压的报警正在按顺序补发。",
                title_en=f"receiver {target_id} takes alerts again",
                text_en="What waited is being sent, in order.",
            ),
            now,
            but=target_id,
        )

    def dead_letter(self, session: Session, row: DeliveryRow, now: datetime) -> None:
        self.tell(
            session,
            Notice(
                notice_id=f"refused-{row.target_id}-{now:%Y%m%dT%H}",
                kind="trouble",
                title=f"报警被拒收：{row.target_id}",
                text=f"{row.alert_id} 未能送达（{row.last_error}）。请检查后在控制台重新发送。",
                title_en=f"alert refused by {row.target_id}",
                text_en=f"{row.alert_id} was refused ({row.last_error}). Mend the cause, send it again.",
                incident_id=row.incident_id,
            ),
            now,
            but=row.target_id,
        )

    def tell(self, session: Session, notice: Notice, now: datetime, *, but: str | None = None) -> None:
        """Post the notice to everybody who hears of trouble, except the one it is about."""
        hearers = [one for one in self._hearers if one.target_id != but]
        targets = [one for one in self._targets(session) if one != but]
        if hearers or targets:
            notices.post(session, notice, now=now, people=hearers, targets=targets)


def _second(now: datetime) -> str:
    return now.strftime("%Y%m%dT%H%M%S")
