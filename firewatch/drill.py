"""Drills: one picture from the camera, and then the chain from sighting to acknowledgement
(`alerting.drill`)."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from alerting import drill
from alerting.camera_register import CameraRegister
from alerting.drill import DrillReport, Step
from alerting.intake import Intake
from alerting.notices import Notice
from alerting.store import Store
from alerting.trouble import Trouble
from config import Camera, Deployment
from firewatch.evidence import evidence_of
from streams.cameras import connector
from streams.errors import SourceError
from streams.frame import Frame

log = logging.getLogger(__name__)

PICTURE_PATIENCE_S = 30.0


def run_drill(
    store: Store,
    deployment: Deployment,
    camera: Camera,
    *,
    sighting_id: str | None = None,
    patience_s: float = drill.PATIENCE_S,
) -> DrillReport:
    """One drill of a camera. A camera without a picture ends it: the report says so."""
    began_s = time.monotonic()
    try:
        frame = one_frame(camera)
    except SourceError as error:
        return DrillReport("", (Step("picture", None, str(error)),))
    picture = Step("picture", round(time.monotonic() - began_s, 3))
    sighting = drill.exercise_sighting(
        camera,
        frame.captured_at,
        frame.width_px,
        frame.height_px,
        sighting_id or f"drill-{camera.id}-{datetime.now(UTC):%Y%m%dT%H%M%S}",
    )
    evidence = evidence_of(camera, sighting, frame, ZoneInfo(deployment.time_zone))
    intake = Intake.from_deployment(store, deployment)
    return drill.run(store, intake, camera, sighting, evidence, before=(picture,), patience_s=patience_s)


def one_frame(camera: Camera) -> Frame:
    """The camera's next picture. Raises SourceError."""
    with connector(camera)() as connection:
        for frame in connection.frames():
            return frame
    raise SourceError(f"camera {camera.id} ended without a picture")


class DailyDrill:
    """Runs the deployment's drill once a day and tells those who hear of trouble how it went."""

    def __init__(self, store: Store, register: CameraRegister, trouble: Trouble) -> None:
        self._store = store
        self._register = register
        self._trouble = trouble

    def run(self, stop: threading.Event) -> None:
        """Wait for the time of day, again and again."""
        due = next_drill(self._register.deployment, self._store.clock())
        while due is not None and not stop.wait(5.0):
            now = self._store.clock()
            if now < due:
                continue
            try:
                self._drill(due)
            except Exception:  # a drill must never end the process that carries the real alerts
                log.exception("drill failed in an unforeseen way")
            due = next_drill(self._register.deployment, max(now, due))
        stop.wait()

    def _drill(self, due: datetime) -> None:
        deployment = self._register.deployment
        assert deployment.drill is not None
        camera = deployment.camera(deployment.drill.camera)
        # Named by its day: two senders on one store make one drill.
        report = run_drill(
            self._store, deployment, camera, sighting_id=f"drill-{camera.id}-{due:%Y%m%dT%H%M}"
        )
        log.log(
            logging.INFO if report.passed else logging.ERROR,
            "drill %s: camera=%s %s",
            "passed" if report.passed else "failed",
            camera.id,
            "; ".join(f"{step.name} {step.problem or step.took_s}" for step in report.steps),
        )
        now = self._store.clock()
        with self._store.writing() as session:
            self._trouble.tell(session, notice_of(report, camera, due), now)


def next_drill(deployment: Deployment, after: datetime) -> datetime | None:
    """When the next drill is due, UTC; None where none is planned."""
    if deployment.drill is None:
        return None
    zone = ZoneInfo(deployment.time_zone)
    local = after.astimezone(zone)
    due = datetime.combine(local.date(), deployment.drill.at, zone)
    if due <= local:
        due = datetime.combine(local.date() + timedelta(days=1), deployment.drill.at, zone)
    return due.astimezone(UTC)


def notice_of(report: DrillReport, camera: Camera, due: datetime) -> Notice:
    """The report as people read it."""
    lines = [f"{step.name}: {step.problem or f'{step.took_s} s'}" for step in report.steps]
    result, result_en = ("通过", "passed") if report.passed else ("未通过", "failed")
    return Notice(
        notice_id=f"drill-report-{camera.id}-{due:%Y%m%dT%H%M}",
        kind="drill",
        title=f"每日演练{result}：{camera.name}",
        text="\n".join(lines),
        title_en=f"daily drill {result_en}: {camera.name}",
        text_en="\n".join(lines),
        incident_id=report.incident_id or None,
        camera_id=camera.id,
        exercise=True,
    )
