"""Takes confirmed sightings in: where it is, which incident it belongs to, and who must be told.

A sighting, its incident, the history row, the event, the alert, its deliveries and the incident's clock are
written in one transaction, before anything is sent. Taking the same sighting in twice changes nothing. A
picture that cannot be stored (evidence disk full) delays no alarm: the alert goes out with its small inline
picture and says nothing about files; if the store itself cannot be written, nothing has happened and the
caller tries again.

What tells nothing new and comes too fast is counted, not kept: see `REPEAT_S` and `alerting.storms`.
"""

from __future__ import annotations

import hashlib
import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

import config
from alerting import association, burns, clocks, journal, learning, location, pictures, policy, receivers
from alerting.association import Observation, relative_box
from alerting.camera_register import is_learning, newest_version
from alerting.database import first_line
from alerting.evidence import EvidenceError, EvidenceStore, StoredFile
from alerting.journal import MACHINE, By
from alerting.lifecycle import OPEN, MachineAct, Stage, State, Status
from alerting.news import GROWING, KnownFire, news_of
from alerting.placement import Placement
from alerting.policy import Rules
from alerting.reading import location as read_location
from alerting.reading import state_of
from alerting.records import EvidenceKind, Location
from alerting.sighting_rows import (
    Prepared,
    add_evidence,
    add_sighting,
    observation_of,
    representatives,
)
from alerting.store import Store, StoreError
from alerting.storms import MOST_INCIDENTS, MOST_SIGHTINGS, Storms
from alerting.tables import IncidentRow, SightingRow, VerdictDayRow
from alerting.viewpoint import Viewpoint
from detector.detection import Sighting

log = logging.getLogger(__name__)

REPEAT_S = 5.0
"""The same box of the same view again within this time is counted, not kept."""

_SAME_BOX_IOU = 0.5


TURNED_AWAY_DEG = 90.0
"""Off by more: nobody knows by how much."""


class SightingError(ValueError):
    """A sighting that makes no sense; no retry can mend it."""


@dataclass(frozen=True)
class Evidence:
    """The pictures of a sighting at confirmation, as JPEG; `annotated_jpeg` shows the box."""

    snapshot_jpeg: bytes
    annotated_jpeg: bytes


@dataclass(frozen=True)
class IncidentRef:
    """Where a sighting went."""

    incident_id: str
    number: int
    raised: bool
    """This sighting raised the incident; False: it joined one, or was known already."""
    alert_id: str | None
    """The message it caused, if it told receivers anything new."""
    known: bool = False
    """It had been taken in before: nothing happened now."""
    learning: bool = False
    """Its camera still learns: there is no incident, and nobody is told."""


_LEARNT = IncidentRef("", 0, raised=False, alert_id=None, learning=True)


class Intake:
    """Takes sightings into a store. Thread-safe; several processes may share the store."""

    def __init__(
        self,
        store: Store,
        evidence: EvidenceStore,
        placement: Placement,
        *,
        targets: Callable[[Session], Mapping[str, Stage]],
        config_version: str,
        rules: Rules = policy.DEFAULT,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`targets`: who is told about incidents now, from which stage on. `config_version`: of the
        deployment file; a camera that was changed since adds its own."""
        self._store = store
        self._evidence = evidence
        self._placement = placement
        self._targets = targets
        self._config_version = config_version
        self._rules = rules
        self._storms = Storms(monotonic)

    @classmethod
    def from_deployment(
        cls, store: Store, deployment: config.Deployment, *, placement: Placement | None = None
    ) -> Intake:
        """Opens the evidence and, unless given, the terrain and grids that the deployment names; their errors
        pass through."""
        return cls(
            store,
            EvidenceStore(deployment.storage.evidence),
            placement or Placement.from_deployment(deployment),
            targets=receivers.stages_of(deployment),
            config_version=deployment.version,
            rules=Rules.of(deployment),
        )

    def accept(
        self,
        sighting: Sighting,
        evidence: Evidence,
        camera: config.Camera,
        *,
        exercise: bool = False,
        though_learning: bool = False,
        by: By = MACHINE,
    ) -> IncidentRef:
        """Record the sighting and put what it means into the outbox. Safe to repeat after any error.

        `by` is the machine, and where it stands, if that is elsewhere.

        An `exercise` raises an incident of its own, of which all receivers are told, marked as one. What a
        camera reports while it learns is kept aside (`alerting.learning`), unless a person says that it
        counts `though_learning`.

        Raises StoreError when nothing could be recorded, SightingError for a sighting that makes no sense.
        """
        _check(sighting)
        view = (sighting.camera_id, sighting.preset)
        try:
            with self._store.reading() as session:
                if (known := _find_known(session, sighting.sighting_id)) is not None:
                    return known
                learns = not (exercise or though_learning) and is_learning(
                    session, sighting.camera_id, self._store.clock()
                )
                repeated = None
                if not exercise and not learns:
                    repeated = self._storms.incident_of(view) or self._repeated(session, sighting)
            if learns:
                with self._store.writing() as session:
                    learning.keep(session, sighting, evidence.annotated_jpeg, self._store.clock())
                return _LEARNT
            if repeated is not None and (counted := self._count(repeated, sighting, camera)) is not None:
                return counted
            prepared = replace(self._prepare(sighting, evidence, camera), exercise=exercise)
            with self._store.writing() as session:
                if (known := _find_known(session, sighting.sighting_id)) is not None:
                    return known
                ref = self._record(session, prepared, by)
            if not exercise:
                self._storms.kept(view, ref.incident_id, raised=ref.raised)
            return ref
        except SQLAlchemyError as error:
            raise StoreError(
                f"sighting {sighting.sighting_id} of {sighting.camera_id} was not recorded, try again:"
                f" {first_line(error)}"
            ) from error

    def _prepare(self, sighting: Sighting, evidence: Evidence, camera: config.Camera) -> Prepared:
        """All that takes time, before the transaction."""
        viewpoint = Viewpoint.of(camera, sighting, self._placement.terrain)
        where = self._locate(sighting, viewpoint)
        thumbnail = pictures.inline_picture(evidence.annotated_jpeg, sighting.box)
        return Prepared(
            sighting=sighting,
            camera_name=camera.name,
            camera_height_m=viewpoint.lens_height_m,
            observation=Observation(
                camera_id=sighting.camera_id,
                preset=sighting.preset,
                label=sighting.label,
                first_seen_at=sighting.first_seen_at,
                confirmed_at=sighting.confirmed_at,
                box=relative_box(sighting.box, sighting.width_px, sighting.height_px),
                camera=viewpoint.model.position,
                location=where,
            ),
            files=self._write_evidence(sighting, evidence, thumbnail),
            picture_jpeg=thumbnail,
        )

    def _locate(self, sighting: Sighting, viewpoint: Viewpoint) -> Location:
        try:
            where = location.locate(
                sighting, viewpoint.model, viewpoint.terrain, _errors_of(sighting, viewpoint.errors)
            )
            return _doubted(where, sighting)
        except Exception:
            # Whatever is wrong with a terrain file read at this one place, the alarm must get through.
            log.exception("sighting=%s could not be located, the alarm goes on", sighting.sighting_id)
            return location.direction_only(sighting, viewpoint.model, "the position could not be worked out")

    def _write_evidence(
        self, sighting: Sighting, evidence: Evidence, thumbnail_jpeg: bytes | None
    ) -> tuple[tuple[EvidenceKind, StoredFile], ...]:
        files: list[tuple[EvidenceKind, StoredFile]] = []
        found: tuple[tuple[EvidenceKind, bytes | None], ...] = (
            ("thumbnail", thumbnail_jpeg),
            ("snapshot", evidence.snapshot_jpeg),
            ("annotated", evidence.annotated_jpeg),  # the last is the one that stands for the incident
        )
        for kind, content in found:
            if not content:
                continue
            try:
                files.append((kind, self._evidence.write(content, "image/jpeg")))
            except EvidenceError as error:
                log.error(
                    "evidence lost, the alarm goes on: sighting=%s camera=%s kind=%s: %s",
                    sighting.sighting_id,
                    sighting.camera_id,
                    kind,
                    error,
                )
        return tuple(files)

    def _repeated(self, session: Session, sighting: Sighting) -> str | None:
        """The open incident that has this box of this view already, seen moments ago."""
        box = relative_box(sighting.box, sighting.width_px, sighting.height_px)
        for row in self._near_in_time(session, sighting):
            seen = representatives(session, row.incident_id)
            same_view = [
                one for one in seen if (one.camera_id, one.preset) == (sighting.camera_id, sighting.preset)
            ]
            if not same_view or sighting.label != row.label:
                continue
            apart_s = (sighting.confirmed_at - same_view[-1].confirmed_at).total_seconds()
            if abs(apart_s) < REPEAT_S and box.iou(observation_of(same_view[-1]).box) >= _SAME_BOX_IOU:
                return row.incident_id
        return None

    def _count(self, incident_id: str, sighting: Sighting, camera: config.Camera) -> IncidentRef | None:
        """Count the sighting with the incident; None when that has ended meanwhile."""
        view = (sighting.camera_id, sighting.preset)
        with self._store.writing() as session:
            row = session.scalars(select(IncidentRow).filter_by(incident_id=incident_id)).one_or_none()
            if row is None or Status(row.status) not in OPEN:
                return None
            row.repeats += 1
            _widen(row, sighting)
            alert_id = None
            if self._storms.incident_of(view) is not None:
                self._storms.counted(view)
                if self._storms.tell(view):
                    alert_id = self._tell_storm(session, row, camera)
            return IncidentRef(row.incident_id, row.number, raised=False, alert_id=alert_id)

    def _tell_storm(self, session: Session, row: IncidentRow, camera: config.Camera) -> str | None:
        why = (
            f"{camera.name} reports fire everywhere ({MOST_SIGHTINGS} sightings or {MOST_INCIDENTS} places in"
            " a minute): it may burn itself, or be broken; further ones are only counted"
        )
        log.error(
            "storm camera=%s incident=%s: further sightings are only counted", camera.id, row.incident_id
        )
        now = self._store.clock()
        return journal.write(
            session, row, state_of(row), by=MACHINE, action=MachineAct.STORM, why=why, now=now, tell=[why]
        )

    def _record(self, session: Session, new: Prepared, by: By) -> IncidentRef:
        now = self._store.clock()
        row = None if new.exercise else self._find_incident(session, new)
        raised = row is None
        before: State | None = None
        if row is None:
            row = self._raise_incident(session, new, now)
            changes = [f"new: {new.sighting.label} seen by {new.camera_name}"]
            if new.exercise:
                changes = [f"exercise, said to be seen by {new.camera_name}"]
        else:
            before = state_of(row)
            changes = self._join_incident(session, row, new)
        said = newest_version(session, new.sighting.camera_id)
        config_version = self._config_version + (f".{said.version}" if said is not None else "")
        add_sighting(session, row.incident_id, new, config_version, now, told=bool(changes))
        row.picture_evidence_id = add_evidence(session, row.incident_id, new) or row.picture_evidence_id
        row.targets = {**row.targets, **{one: stage.value for one, stage in self._targets(session).items()}}
        if not new.exercise:
            changes += self._take_for_a_burn(session, row, new, changes, raised=raised)
        alert_id = None
        if changes:
            dispatched = [] if new.exercise else self._go_further(session, row, new)
            alert_id = journal.write(
                session,
                row,
                before,
                by=by,
                action=MachineAct.RAISE if raised else MachineAct.JOIN,
                why="; ".join(changes) + (f" ({new.sighting.reason})" if new.sighting.reason else ""),
                now=now,
                news=True,
                tell=[*changes, *dispatched],
                picture_jpeg=new.picture_jpeg,
            )
            for why in dispatched:
                journal.write(
                    session, row, state_of(row), by=MACHINE, action=MachineAct.AUTO_DISPATCH, why=why, now=now
                )
        if not new.exercise:  # a drill calls nobody out of bed
            clocks.settle(session, row, self._rules, now)
        return IncidentRef(row.incident_id, row.number, raised, alert_id)

    def _go_further(self, session: Session, row: IncidentRow, new: Prepared) -> list[str]:
        """Let the machine go as far as the policy lets it; the reason in words if it dispatches."""
        if row.permitted_burn_id is not None or Status(row.status) not in (
            Status.SUSPECTED,
            Status.CONFIRMED,
        ):
            return []
        days = select(func.count()).where(VerdictDayRow.model_id == new.sighting.model_id)
        seen = policy.Seen(
            cameras_agree=row.location_method == "combined",
            probability=new.sighting.probability,
            days_of_verdicts=session.scalar(days) or 0,
        )
        stage = policy.stage_of(seen, self._rules.settings)
        if Stage(row.stage).includes(stage):
            return []
        row.stage = stage.value
        if stage is not Stage.DISPATCH:
            return []
        if self._rules.settings.policy == "automatic":
            return ["dispatched by itself: this is the policy here"]
        sure = "two cameras agree" if seen.cameras_agree else f"probability {seen.probability or 0:.2f}"
        return [f"dispatched by itself: {sure}"]

    def _take_for_a_burn(
        self, session: Session, row: IncidentRow, new: Prepared, changes: list[str], *, raised: bool
    ) -> list[str]:
        """Lower a new incident inside a permitted burn; raise it again when it leaves the area or the time,
        or has grown: how far a plume reaches cannot be measured, so growing counts as leaving."""
        where, at = read_location(row), new.sighting.confirmed_at
        margin_m = self._rules.settings.burn_margin_m
        if raised:
            burn = burns.covering(session, where, at, margin_m)
            if burn is None:
                return []
            row.permitted_burn_id = burn.burn_id
            until = burn.ends_at.isoformat(timespec="minutes")
            return [f"within the permitted burn of {burn.holder} until {until}: verify"]
        if row.permitted_burn_id is None:
            return []
        burn = burns.find(session, row.permitted_burn_id)
        inside = burn.covers(where, at, margin_m) and burn.covers(new.observation.location, at, margin_m)
        if inside and GROWING not in changes:
            return []
        row.permitted_burn_id = None
        return [f"raised again: beyond the area or the time of the permitted burn of {burn.holder}"]

    def _find_incident(self, session: Session, new: Prepared) -> IncidentRow | None:
        """The open incident this sighting fits best."""
        best: tuple[float, IncidentRow] | None = None
        for row in self._near_in_time(session, new.sighting):
            known = [observation_of(one) for one in representatives(session, row.incident_id)]
            fit = association.misfit(new.observation, known, read_location(row))
            if fit is not None and (best is None or fit < best[0]):
                best = (fit, row)
        return best[1] if best is not None else None

    def _near_in_time(self, session: Session, sighting: Sighting) -> list[IncidentRow]:
        query = select(IncidentRow).where(
            IncidentRow.status.in_([status.value for status in OPEN]),
            IncidentRow.last_seen_at >= sighting.first_seen_at - association.JOIN_WITHIN,
            IncidentRow.first_seen_at <= sighting.confirmed_at + association.JOIN_WITHIN,
            IncidentRow.exercise.is_(False),
        )
        return list(session.scalars(query))

    def _raise_incident(self, session: Session, new: Prepared, now: datetime) -> IncidentRow:
        sighting = new.sighting
        first = Stage.ASK if self._rules.settings.policy == "operator_first" else Stage.NOTIFY
        row = IncidentRow(
            incident_id="inc-" + hashlib.sha256(sighting.sighting_id.encode()).hexdigest()[:16],
            status=Status.SUSPECTED.value,
            stage=Stage.DISPATCH.value if new.exercise else first.value,
            exercise=new.exercise,
            repeats=0,
            label=sighting.label,
            confidence=sighting.confidence,
            first_seen_at=sighting.first_seen_at,
            confirmed_at=sighting.confirmed_at,
            last_seen_at=sighting.confirmed_at,
            raised_at=now,
            updated_at=now,
            grid_chain=[],
            camera_ids=[sighting.camera_id],
            version=0,
        )
        session.add(row)
        self._placement.put(session, row, new.observation.location, [new.observation])
        session.flush()
        return row

    def _join_incident(self, session: Session, row: IncidentRow, new: Prepared) -> list[str]:
        """Add to the incident what the sighting tells; returns what of it receivers should know."""
        sighting = new.sighting
        rows = representatives(session, row.incident_id)
        known = KnownFire(
            label="fire" if row.label == "fire" else "smoke",
            camera_ids=row.camera_ids,
            last_seen_at=row.last_seen_at,
            told=[observation_of(one) for one in rows if one.told],
        )
        changes = news_of(known, new.observation, sighting.label, new.camera_name)
        _widen(row, sighting)
        if sighting.label == "fire":
            row.label = "fire"
        if sighting.camera_id not in row.camera_ids:
            row.camera_ids = [*row.camera_ids, sighting.camera_id]
        one_before = not row.possibly_two
        where = self._placement.place(session, row, [*(observation_of(one) for one in rows), new.observation])
        if where.possibly_two and one_before:
            changes = [*changes, association.POSSIBLY_TWO]
        return changes


def _widen(row: IncidentRow, sighting: Sighting) -> None:
    row.confidence = max(row.confidence, sighting.confidence)
    row.first_seen_at = min(row.first_seen_at, sighting.first_seen_at)
    row.last_seen_at = max(row.last_seen_at, sighting.confirmed_at)


def _errors_of(sighting: Sighting, errors: location.ErrorModel) -> location.ErrorModel:
    """A camera found off its pose may err by as much as it was found off: the pose is not corrected by a
    shift that nobody has checked, it is trusted less."""
    if sighting.off_pose_deg is None:
        return errors
    azimuth_deg, tilt_deg = sighting.off_pose_deg
    return replace(
        errors,
        azimuth_deg=math.hypot(errors.azimuth_deg, azimuth_deg),
        tilt_deg=math.hypot(errors.tilt_deg, tilt_deg),
    )


def _doubted(where: Location, sighting: Sighting) -> Location:
    if sighting.off_pose_deg is None:
        return where
    off_deg = math.hypot(*sighting.off_pose_deg)
    caution = f"the camera stands {off_deg:.1f} degrees off its pose, the position is unreliable"
    if off_deg > TURNED_AWAY_DEG:
        caution = "the camera is turned away from its pose, the position is unreliable"
    return replace(where, caution="; ".join(filter(None, (caution, where.caution))))


def _check(sighting: Sighting) -> None:
    """Refuse what no retry could mend, before it reaches the arithmetic."""
    box = sighting.box
    boxes = [box, *(seen.box for _, seen in sighting.history)]
    numbers = (*(side for one in boxes for side in (one.x1, one.y1, one.x2, one.y2)), sighting.confidence)
    if not all(math.isfinite(value) for value in numbers) or not 0 <= sighting.confidence <= 1:
        raise SightingError(
            f"sighting {sighting.sighting_id}: box or confidence is no number within its range"
        )
    if sighting.width_px < 1 or sighting.height_px < 1:
        raise SightingError(f"sighting {sighting.sighting_id}: the picture has no size")
    times = (sighting.first_seen_at, sighting.confirmed_at, *(at for at, _ in sighting.history))
    if any(at.tzinfo is None for at in times):
        raise SightingError(f"sighting {sighting.sighting_id}: its times have no zone")


def _find_known(session: Session, sighting_id: str) -> IncidentRef | None:
    found = session.execute(
        select(IncidentRow.incident_id, IncidentRow.number)
        .join(SightingRow, SightingRow.incident_id == IncidentRow.incident_id)
        .where(SightingRow.sighting_id == sighting_id)
    ).one_or_none()
    return (
        IncidentRef(found.incident_id, found.number, raised=False, alert_id=None, known=True)
        if found
        else None
    )
