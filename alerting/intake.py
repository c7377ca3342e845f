"""Takes confirmed sightings in: where it is, which incident it belongs to, and who must be told.

A sighting, its incident, the history row, the event, the alert and its deliveries are written in one
transaction, before anything is sent. Taking the same sighting in twice changes nothing. A picture that cannot
be stored (evidence disk full) delays no alarm: the alert goes out with its small inline picture and says
nothing about files; if the store itself cannot be written, nothing has happened and the caller tries again.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

import config
from alerting import association, grids, location, pictures
from alerting.association import Observation, relative_box
from alerting.evidence import EvidenceError, EvidenceStore, StoredFile
from alerting.lifecycle import OPEN, Status
from alerting.publishing import publish
from alerting.reading import location as read_location
from alerting.reading import put_location, stored_grid_chain
from alerting.records import EvidenceKind, GridArea, Location
from alerting.sighting_rows import (
    MACHINE,
    Prepared,
    add_evidence,
    add_history,
    add_sighting,
    observations,
)
from alerting.store import Store, StoreError, add_event
from alerting.tables import IncidentRow, SightingRow
from alerting.viewpoint import Viewpoint
from detector.detection import Sighting
from geometry.terrain import RasterTerrain, Terrain

log = logging.getLogger(__name__)

GROWN = 2.0
"""A box this many times the largest before is worth telling the receivers again."""

SEEN_AGAIN_AFTER_S = 600.0
"""Seen again after this long: it flared up anew."""


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


class Intake:
    """Takes sightings into a store. Thread-safe; several processes may share the store."""

    def __init__(
        self,
        store: Store,
        evidence: EvidenceStore,
        *,
        terrain: Terrain | None,
        grids: grids.Grids | None,
        target_ids: Sequence[str],
        config_version: str,
        errors: location.ErrorModel = location.DEFAULT_ERRORS,
    ) -> None:
        self._store = store
        self._evidence = evidence
        self._terrain = terrain
        self._grids = grids
        self._target_ids = tuple(target_ids)
        self._config_version = config_version
        self._errors = errors

    @classmethod
    def from_deployment(cls, store: Store, deployment: config.Deployment) -> Intake:
        """Opens the terrain, grids and evidence that the deployment names; their errors pass through."""
        return cls(
            store,
            EvidenceStore(deployment.storage.evidence),
            terrain=RasterTerrain.open(deployment.terrain) if deployment.terrain else None,
            grids=grids.Grids.open(deployment.grids) if deployment.grids else None,
            target_ids=[target.id for target in deployment.dispatch],
            config_version=deployment.version,
        )

    def accept(self, sighting: Sighting, evidence: Evidence, camera: config.Camera) -> IncidentRef:
        """Record the sighting and put what it means into the outbox. Safe to repeat after any error.

        Raises StoreError when nothing could be recorded, SightingError for a sighting that makes no sense.
        """
        _check(sighting)
        try:
            with self._store.reading() as session:
                if (known := _find_known(session, sighting.sighting_id)) is not None:
                    return known
            prepared = self._prepare(sighting, evidence, camera)
            with self._store.writing() as session:
                if (known := _find_known(session, sighting.sighting_id)) is not None:
                    return known
                return self._record(session, prepared)
        except SQLAlchemyError as error:
            raise StoreError(
                f"sighting {sighting.sighting_id} of {sighting.camera_id} was not recorded, try again:"
                f" {str(error.__cause__ or error).splitlines()[0]}"
            ) from error

    def _prepare(self, sighting: Sighting, evidence: Evidence, camera: config.Camera) -> Prepared:
        """All that takes time, before the transaction."""
        viewpoint = Viewpoint.of(camera, sighting, self._terrain)
        where = self._locate(sighting, viewpoint)
        return Prepared(
            sighting=sighting,
            camera_name=camera.name,
            camera_height_m=viewpoint.lens_height_m,
            observation=Observation(
                camera_id=sighting.camera_id,
                preset=sighting.preset,
                first_seen_at=sighting.first_seen_at,
                confirmed_at=sighting.confirmed_at,
                box=relative_box(sighting.box, sighting.width_px, sighting.height_px),
                camera=viewpoint.model.position,
                location=where,
            ),
            files=self._write_evidence(sighting, evidence),
            picture_jpeg=pictures.inline_picture(evidence.annotated_jpeg, sighting.box),
        )

    def _locate(self, sighting: Sighting, viewpoint: Viewpoint) -> Location:
        try:
            return location.locate(sighting, viewpoint.model, viewpoint.terrain, self._errors)
        except Exception:
            # Whatever is wrong with a terrain file read at this one place, the alarm must get through.
            log.exception("sighting=%s could not be located, the alarm goes on", sighting.sighting_id)
            return location.direction_only(sighting, viewpoint.model, "the position could not be worked out")

    def _write_evidence(
        self, sighting: Sighting, evidence: Evidence
    ) -> tuple[tuple[EvidenceKind, StoredFile], ...]:
        files: list[tuple[EvidenceKind, StoredFile]] = []
        pair: tuple[tuple[EvidenceKind, bytes], ...] = (
            ("snapshot", evidence.snapshot_jpeg),
            ("annotated", evidence.annotated_jpeg),
        )
        for kind, content in pair:
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

    def _record(self, session: Session, new: Prepared) -> IncidentRef:
        now = self._store.clock()
        row = self._find_incident(session, new)
        raised = row is None
        if row is None:
            row = self._raise_incident(session, new, now)
            changes = [f"new: {new.sighting.label} seen by {new.camera_name}"]
        else:
            changes = self._join_incident(session, row, new)
        add_sighting(session, row.incident_id, new, self._config_version, now)
        row.picture_evidence_id = add_evidence(session, row.incident_id, new) or row.picture_evidence_id
        alert_id = None
        if changes:
            row.version += 1
            row.updated_at = now
            add_history(session, row, new, now, action="raise" if raised else "join", changes=changes)
            data = {
                "action": "raise" if raised else "join",
                "status": row.status,
                "version": row.version,
                "who": MACHINE,
            }
            add_event(session, now, "incident", incident_id=row.incident_id, data=data)
            alert_id = publish(
                session,
                row.incident_id,
                changes=changes,
                now=now,
                extra_targets=self._target_ids,
                picture_jpeg=new.picture_jpeg,
            )
        return IncidentRef(row.incident_id, row.number, raised, alert_id)

    def _find_incident(self, session: Session, new: Prepared) -> IncidentRow | None:
        """The open incident this sighting fits best."""
        seen = new.observation
        candidates = session.scalars(
            select(IncidentRow).where(
                IncidentRow.status.in_([status.value for status in OPEN]),
                IncidentRow.last_seen_at >= seen.first_seen_at - association.JOIN_WITHIN,
                IncidentRow.first_seen_at <= seen.confirmed_at + association.JOIN_WITHIN,
            )
        )
        best: tuple[float, IncidentRow] | None = None
        for row in candidates:
            fit = association.misfit(seen, observations(session, row), read_location(row))
            if fit is not None and (best is None or fit < best[0]):
                best = (fit, row)
        return best[1] if best is not None else None

    def _raise_incident(self, session: Session, new: Prepared, now: datetime) -> IncidentRow:
        sighting, where = new.sighting, new.observation.location
        row = IncidentRow(
            incident_id="inc-" + hashlib.sha256(sighting.sighting_id.encode()).hexdigest()[:16],
            status=Status.SUSPECTED.value,
            label=sighting.label,
            confidence=sighting.confidence,
            first_seen_at=sighting.first_seen_at,
            confirmed_at=sighting.confirmed_at,
            last_seen_at=sighting.confirmed_at,
            raised_at=now,
            updated_at=now,
            grid_chain=stored_grid_chain(self._grid_chain(where)),
            camera_ids=[sighting.camera_id],
            version=0,
        )
        put_location(row, where)
        session.add(row)
        session.flush()
        return row

    def _join_incident(self, session: Session, row: IncidentRow, new: Prepared) -> list[str]:
        """Add to the incident what the sighting tells; returns what of it receivers should know."""
        sighting = new.sighting
        known = observations(session, row)
        changes = _what_is_new(row, known, new)
        row.confidence = max(row.confidence, sighting.confidence)
        row.first_seen_at = min(row.first_seen_at, sighting.first_seen_at)
        row.last_seen_at = max(row.last_seen_at, sighting.confirmed_at)
        if sighting.label == "fire":
            row.label = "fire"
        if sighting.camera_id not in row.camera_ids:
            row.camera_ids = [*row.camera_ids, sighting.camera_id]
        where = association.combine([*known, new.observation], self._terrain)
        put_location(row, where)
        row.grid_chain = stored_grid_chain(self._grid_chain(where))
        return changes

    def _grid_chain(self, where: Location) -> tuple[GridArea, ...]:
        if self._grids is None or where.lat_deg is None or where.lon_deg is None:
            return ()
        return self._grids.chain_at(where.lat_deg, where.lon_deg)


def _check(sighting: Sighting) -> None:
    """Refuse what no retry could mend, before it reaches the arithmetic."""
    box = sighting.box
    numbers = (box.x1, box.y1, box.x2, box.y2, sighting.confidence)
    if not all(math.isfinite(value) for value in numbers) or not 0 <= sighting.confidence <= 1:
        raise SightingError(
            f"sighting {sighting.sighting_id}: box or confidence is no number within its range"
        )
    if sighting.width_px < 1 or sighting.height_px < 1:
        raise SightingError(f"sighting {sighting.sighting_id}: the picture has no size")
    if sighting.first_seen_at.tzinfo is None or sighting.confirmed_at.tzinfo is None:
        raise SightingError(f"sighting {sighting.sighting_id}: its times have no zone")


def _what_is_new(row: IncidentRow, known: Sequence[Observation], new: Prepared) -> list[str]:
    sighting, seen = new.sighting, new.observation
    changes = []
    if sighting.label == "fire" and row.label != "fire":
        changes.append("flames seen")
    if sighting.camera_id not in row.camera_ids:
        changes.append(f"also seen by {new.camera_name}")
    quiet_s = (sighting.first_seen_at - row.last_seen_at).total_seconds()
    if quiet_s >= SEEN_AGAIN_AFTER_S:
        changes.append(f"seen again after {quiet_s / 60:.0f} min")
    same_view = [one for one in known if (one.camera_id, one.preset) == (seen.camera_id, seen.preset)]
    if same_view and seen.box.area_px2 >= GROWN * max(one.box.area_px2 for one in same_view):
        changes.append("has grown")
    return changes


def _find_known(session: Session, sighting_id: str) -> IncidentRef | None:
    found = session.execute(
        select(IncidentRow.incident_id, IncidentRow.number)
        .join(SightingRow, SightingRow.incident_id == IncidentRow.incident_id)
        .where(SightingRow.sighting_id == sighting_id)
    ).one_or_none()
    return IncidentRef(found.incident_id, found.number, raised=False, alert_id=None) if found else None
