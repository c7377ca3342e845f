"""Watches over the watching: tells receivers when a camera has been blind or displaced for long enough and
when that is over, and notices when a camera's worker itself has fallen silent.

Each change is told once. The notices of one camera are numbered and reach a receiver in that order.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

import config
from alerting import notices, people, receivers
from alerting.camera_periods import GAP, UNWATCHED
from alerting.camera_register import CameraRegister
from alerting.database import first_line
from alerting.notices import Notice
from alerting.people import Recipient
from alerting.receivers import Hearers
from alerting.store import Store, set_state
from alerting.tables import CameraStateRow
from streams.condition import BLIND, Condition

log = logging.getLogger(__name__)

CHECK_S = 5.0

_BLIND = frozenset(condition.value for condition in BLIND)
_CONDITIONS_ZH = {
    Condition.OFF: "无人值守（停用或监测进程停止）",
    Condition.CONNECTING: "连接不上",
    Condition.BAD_PICTURE: "画面损坏",
    Condition.STALE: "画面中断",
    Condition.FROZEN: "画面冻结",
    Condition.DARK: "画面全黑",
    Condition.OVEREXPOSED: "过曝",
    Condition.OBSTRUCTED: "镜头被遮挡",
    Condition.DEFOCUSED: "失焦",
    Condition.MOVED: "方位偏移，定位不可靠",
    Condition.LIVE: "正常",
}


class CameraWatch:
    """Run it in one process of the centre. `check` is one round."""

    def __init__(
        self,
        store: Store,
        cameras: Callable[[], Mapping[str, tuple[str, config.HealthSettings]]],
        *,
        hearers: Iterable[Recipient] = (),
        targets: Hearers = receivers.nobody,
    ) -> None:
        """`cameras`: name and settings by id, of those that are meant to be watched now."""
        self._store = store
        self._cameras_now = cameras
        self._cameras = cameras()
        self._hearers = tuple(hearers)
        self._targets = targets

    @classmethod
    def of(cls, store: Store, register: CameraRegister) -> CameraWatch:
        """People who hear of cameras, and targets that want notices. Of a camera that learns nobody hears."""

        def cameras() -> Mapping[str, tuple[str, config.HealthSettings]]:
            deployment = register.deployment
            return {
                one.id: (one.name, deployment.health_of(one))
                for one in deployment.cameras
                if one.enabled and register.learning_until(one.id) is None
            }

        deployment = register.deployment
        return cls(
            store,
            cameras,
            hearers=people.who_hear(deployment.notify, "cameras"),
            targets=receivers.wanting_notices(deployment),
        )

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self.check()
            except SQLAlchemyError as error:
                reason = first_line(error)
                log.error("store unusable, cameras are not watched over: %s", reason)
            stop.wait(CHECK_S)

    def check(self) -> None:
        now = self._store.clock()
        self._cameras = self._cameras_now()
        with self._store.reading() as session:
            due = [row.camera_id for row in self._rows(session) if self._is_silent(row, now)]
            due += [row.camera_id for row in self._rows(session) if self._news_of(row, now) is not None]
        for camera_id in due:
            with self._store.writing() as session:
                row = session.get_one(CameraStateRow, camera_id)
                if self._is_silent(row, now) and row.heard_at is not None:
                    log.error("worker silent camera=%s heard_at=%s", camera_id, row.heard_at.isoformat())
                    off = Condition.OFF.value
                    set_state(session, camera_id, off, row.heard_at, UNWATCHED, now=now)
                if (told := self._news_of(row, now)) is not None:
                    self._tell(session, row, told, now)

    def _rows(self, session: Session) -> list[CameraStateRow]:
        rows = session.scalars(select(CameraStateRow).order_by(CameraStateRow.camera_id))
        return [row for row in rows if row.camera_id in self._cameras]

    @staticmethod
    def _is_silent(row: CameraStateRow, now: datetime) -> bool:
        if row.heard_at is None or row.state == Condition.OFF.value:
            return False
        return now - row.heard_at > GAP

    def _news_of(self, row: CameraStateRow, now: datetime) -> str | None:
        """What is to be told about this camera now: `blind`, `moved`, `` (all is well again), or None."""
        settings = self._cameras[row.camera_id][1]
        if row.state == Condition.LIVE.value:
            return "" if row.told else None
        is_blind = row.state in _BLIND
        what, since = ("blind", row.blind_since) if is_blind else ("moved", row.since)
        if row.told == what or since is None or row.state not in settings.alert_on:
            return None
        return what if now - since >= timedelta(seconds=settings.alert_after_s) else None

    def _tell(self, session: Session, row: CameraStateRow, told: str, now: datetime) -> None:
        name = self._cameras[row.camera_id][0]
        condition = Condition(row.state)
        since = (row.blind_since if told == "blind" else None) or row.since
        words_zh = _CONDITIONS_ZH[condition]
        title_zh = {"blind": "摄像机失明", "moved": "摄像机偏移", "": "摄像机恢复正常"}[told]
        title_en = {"blind": "camera blind", "moved": "camera moved", "": "camera sees again"}[told]
        row.told = told
        row.notices += 1
        notice = Notice(
            notice_id=f"camera-{row.camera_id}-{row.notices}",
            kind="camera",
            title=f"{title_zh}：{name}",
            text=f"{words_zh}，自 {since:%Y-%m-%d %H:%M:%S} UTC。{row.reason}",
            title_en=f"{title_en}: {name}",
            text_en=f"{condition.value} since {since:%Y-%m-%d %H:%M:%S} UTC. {row.reason}",
            camera_id=row.camera_id,
        )
        log.warning("camera told camera=%s told=%s state=%s", row.camera_id, told or "well", row.state)
        notices.post(
            session,
            notice,
            now=now,
            people=self._hearers,
            targets=self._targets(session),
            stream=f"camera-{row.camera_id}",
            sequence=row.notices,
        )
