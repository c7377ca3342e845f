"""What the store knows for site memories: their kept states, and what people decided about sightings.

The memory itself is `detector.site_memory`; the state is bytes to the store.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from pydantic import TypeAdapter
from sqlalchemy import Select, select

from alerting.association import relative_box
from alerting.lifecycle import Status, Verdict
from alerting.store import Store
from alerting.tables import IncidentRow, LearningSightingRow, SightingRow, SiteMemoryRow
from detector.detection import Box, Label, Sighting
from detector.site_memory import Dismissal, KnownFire

View = tuple[str, str | None]
"""Camera and preset."""

_NO_FIRE = (Verdict.FALSE_ALARM, Verdict.OTHER_SMOKE)


@dataclass(frozen=True)
class Judged:
    """What people decided about the sightings of one view."""

    dismissals: tuple[Dismissal, ...] = ()
    fires: tuple[KnownFire, ...] = ()


class StoredSiteMemories:
    """Keeps the states of site memories in the store (`detector.site_memory.SiteMemoryKeeper`)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def load(self, camera_id: str, preset: str | None) -> bytes | None:
        with self._store.reading() as session:
            row = session.get(SiteMemoryRow, (camera_id, preset or ""))
            return None if row is None else row.state

    def save(self, camera_id: str, preset: str | None, state: bytes) -> None:
        now = self._store.clock()
        with self._store.writing() as session:
            session.merge(
                SiteMemoryRow(camera_id=camera_id, preset=preset or "", state=state, updated_at=now)
            )


def judged_since(store: Store, since: datetime, camera_ids: Collection[str]) -> dict[View, Judged]:
    """What people decided about sightings of these cameras since then, by view, as it stands now."""
    dismissed = (IncidentRow.status == str(Status.DISMISSED)) & IncidentRow.verdict.in_(map(str, _NO_FIRE))
    query = (
        select(SightingRow, IncidentRow.verdict, IncidentRow.cause)
        .join(IncidentRow, IncidentRow.incident_id == SightingRow.incident_id)
        .where(
            SightingRow.confirmed_at >= since,
            SightingRow.camera_id.in_(camera_ids),
            IncidentRow.exercise.is_(False),
            dismissed | (IncidentRow.verdict == str(Verdict.WILDFIRE)),
        )
        .order_by(SightingRow.confirmed_at)
    )
    found: dict[View, Judged] = {}
    with store.reading() as session:
        for row, verdict, cause in session.execute(query):
            view = (row.camera_id, row.preset)
            known = found.get(view, Judged())
            width, height = row.width_px, row.height_px
            box = Box(row.x1 / width, row.y1 / height, row.x2 / width, row.y2 / height)
            if verdict == Verdict.WILDFIRE:
                fire = KnownFire(box, row.first_seen_at)
                found[view] = Judged(known.dismissals, (*known.fires, fire))
            else:
                said = cause or str(verdict)
                dismissal = Dismissal(cast(Label, row.label), box, row.confirmed_at, row.confidence, said)
                found[view] = Judged((*known.dismissals, dismissal), known.fires)
        for one in session.scalars(_dismissed_while_learning(since, camera_ids)):
            sighting = TypeAdapter(Sighting).validate_python(one.sighting)
            box = relative_box(sighting.box, sighting.width_px, sighting.height_px)
            dismissal = Dismissal(sighting.label, box, one.confirmed_at, one.confidence, str(one.cause))
            known = found.get((one.camera_id, one.preset), Judged())
            found[one.camera_id, one.preset] = Judged((*known.dismissals, dismissal), known.fires)
    return found


def _dismissed_while_learning(since: datetime, camera_ids: Collection[str]) -> Select[LearningSightingRow]:
    return (
        select(LearningSightingRow)
        .where(
            LearningSightingRow.confirmed_at >= since,
            LearningSightingRow.camera_id.in_(camera_ids),
            LearningSightingRow.cause.is_not(None),
        )
        .order_by(LearningSightingRow.confirmed_at)
    )
