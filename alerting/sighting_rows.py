"""Rows of a sighting: how what a camera saw is written into the store, and read back for comparison."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerting.association import Observation, relative_box
from alerting.evidence import StoredFile
from alerting.reading import location as read_location
from alerting.reading import put_location, stored_box_at
from alerting.records import EvidenceKind
from alerting.tables import EvidenceRow, IncidentRow, SightingRow
from detector.detection import Box, Label, Sighting
from geometry.position import Position

MOST_TOLD = 8


@dataclass(frozen=True)
class Prepared:
    """A sighting with everything worked out that needs no transaction."""

    sighting: Sighting
    camera_name: str
    camera_height_m: float | None
    observation: Observation
    files: tuple[tuple[EvidenceKind, StoredFile], ...]
    picture_jpeg: bytes | None
    exercise: bool = False
    """Of a drill: never joined with anything real."""


def add_sighting(
    session: Session, incident_id: str, new: Prepared, config_version: str, now: datetime, *, told: bool
) -> None:
    """`told`: receivers hear of the incident because of it."""
    sighting, seen = new.sighting, new.observation
    row = SightingRow(
        sighting_id=sighting.sighting_id,
        incident_id=incident_id,
        camera_id=sighting.camera_id,
        camera_name=new.camera_name,
        camera_lat_deg=seen.camera.lat_deg,
        camera_lon_deg=seen.camera.lon_deg,
        camera_height_m=new.camera_height_m,
        preset=sighting.preset,
        label=sighting.label,
        confidence=sighting.confidence,
        first_seen_at=sighting.first_seen_at,
        confirmed_at=sighting.confirmed_at,
        received_at=now,
        x1=sighting.box.x1,
        y1=sighting.box.y1,
        x2=sighting.box.x2,
        y2=sighting.box.y2,
        width_px=sighting.width_px,
        height_px=sighting.height_px,
        history=[stored_box_at(at, d.label, d.confidence, d.box) for at, d in sighting.history],
        model_id=sighting.model_id,
        profile=sighting.profile,
        config_version=config_version,
        reason=sighting.reason,
        probability=sighting.probability,
        usual_score=sighting.usual.score if sighting.usual else None,
        usual_cause=sighting.usual.cause if sighting.usual else None,
        representative=True,
        told=told,
    )
    put_location(row, seen.location)
    session.add(row)
    session.flush()
    choose_representatives(session, incident_id, sighting.camera_id, sighting.preset)


def choose_representatives(session: Session, incident_id: str, camera_id: str, preset: str | None) -> None:
    """Let few stand for all that this view has seen of the fire, however long it burns: the first, the
    largest, the best located, the newest, and the newest of those that were told."""
    rows = [
        row
        for row in representatives(session, incident_id)
        if (row.camera_id, row.preset) == (camera_id, preset)
    ]
    if len(rows) <= 4:
        return
    told = [row for row in rows if row.told][-MOST_TOLD:]
    chosen = {
        rows[0].sighting_id,
        rows[-1].sighting_id,
        max(rows, key=lambda row: (row.x2 - row.x1) * (row.y2 - row.y1)).sighting_id,
        min(rows, key=lambda row: row.ellipse_semi_major_m or math.inf).sighting_id,
        *(row.sighting_id for row in told),
    }
    for row in rows:
        row.representative = row.sighting_id in chosen


def representatives(session: Session, incident_id: str) -> list[SightingRow]:
    """The sightings that stand for all of the incident's, in the order of their confirmation."""
    query = (
        select(SightingRow)
        .filter_by(incident_id=incident_id, representative=True)
        .order_by(SightingRow.confirmed_at, SightingRow.received_at)
    )
    return list(session.scalars(query))


def add_evidence(session: Session, incident_id: str, new: Prepared) -> int | None:
    """The id of the annotated picture, or of any picture there is."""
    best = None
    for kind, file in new.files:
        row = EvidenceRow(
            incident_id=incident_id,
            sighting_id=new.sighting.sighting_id,
            kind=kind,
            path=file.path,
            sha256=file.sha256,
            size_bytes=file.size_bytes,
            media_type=file.media_type,
            captured_at=new.sighting.confirmed_at,
        )
        session.add(row)
        session.flush()
        best = row.evidence_id
    return best


def observation_of(row: SightingRow) -> Observation:
    return Observation(
        camera_id=row.camera_id,
        preset=row.preset,
        label=cast(Label, row.label),
        first_seen_at=row.first_seen_at,
        confirmed_at=row.confirmed_at,
        box=relative_box(Box(row.x1, row.y1, row.x2, row.y2), row.width_px, row.height_px),
        camera=Position(row.camera_lat_deg, row.camera_lon_deg, row.camera_height_m or 0.0),
        location=read_location(row),
    )


def observations(session: Session, incident: IncidentRow) -> list[Observation]:
    """Those of the representative sightings."""
    return [observation_of(row) for row in representatives(session, incident.incident_id)]
