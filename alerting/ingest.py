"""What travels between the centre and a worker elsewhere (a hill box with a thin link): the shapes of
`/api/v1/ingest`, and what the store keeps of them. Sightings travel as `detector.detection.Sighting`.

Not for: HTTP (`console.routes.ingest` answers, `firewatch.remote` asks).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter
from sqlalchemy import select

from alerting import access_tokens, drawn_masks
from alerting.site_memories import Judged, judged_since
from alerting.store import Store
from alerting.tables import RemoteWorkerRow
from config import Mask
from detector.detection import Sighting
from detector.site_memory import DISMISSED_DAYS
from streams.condition import Condition

SIGHTING = TypeAdapter(Sighting)

MOST_STATES = 200
"""In one message: as many cameras as a worker can have, and far less than a request may hold."""
CLOCK_WARN_S = 2.0
"""A worker's clock off by more is worth a warning: capture times are kept as they come."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
CameraId = Annotated[str, Field(min_length=1, max_length=128)]


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True)


class StateChange(_Shape):
    """A camera's condition, since when by the worker's clock, and why."""

    camera_id: CameraId
    state: Condition
    since: AwareDatetime
    reason: str = Field(default="", max_length=500)


class LifeSign(_Shape):
    """A worker watches these cameras now."""

    sent_at: AwareDatetime = Field(description="By the worker's clock; the centre compares it with its own.")
    cameras: tuple[StateChange, ...] = Field(default=(), max_length=MOST_STATES)
    figures: dict[Annotated[str, Field(max_length=40)], float] = Field(
        default={}, max_length=40, description="How it is doing: looks, waiting sightings, and so on."
    )


class LifeAnswer(_Shape):
    clock_ahead_s: float = Field(
        description="How far the worker's clock seems ahead of the centre's, seconds, the way included."
    )


class Taken(_Shape):
    """Where a sighting went."""

    incident_id: str = Field(description="Empty while its camera learns: it is kept, and nobody is told.")
    known: bool = Field(description="It had been taken in before: nothing happened now.")


class LaterFile(_Shape):
    """A file of evidence made after the alert left: the clip and the pictures of its lead-up."""

    kind: Literal["snapshot", "clip", "original", "lead_up"]
    sha256: Sha256
    size_bytes: int = Field(ge=1, le=2**40)
    media_type: Literal["image/jpeg", "video/mp4"]
    captured_at: AwareDatetime
    incomplete: bool = Field(default=False, description="Its end, or a part of it, is missing.")


class Named(_Shape):
    """Which of the files the centre does not have yet. Upload them, then name them all again: only when
    none is missing do they belong to the sighting."""

    missing: tuple[Sha256, ...]


class ViewNews(_Shape):
    camera_id: str
    preset: str | None
    judged: Judged


class MaskNews(_Shape):
    camera_id: str
    mask: Mask


class News(_Shape):
    """What people decided about these cameras' sightings lately, and what they drew into their pictures."""

    views: tuple[ViewNews, ...] = ()
    masks: tuple[MaskNews, ...] = ()


class NewsAnswer(_Shape):
    cursor: str = Field(description="Send it as `after` the next time.")
    news: News | None = Field(description="All there is now; null: as it was at the cursor.")


def news_for(store: Store, camera_ids: Collection[str]) -> News:
    """Everything a worker of these cameras has to know now."""
    judged = judged_since(store, store.clock() - timedelta(days=DISMISSED_DAYS), camera_ids)
    return News(
        views=tuple(
            ViewNews(camera_id=camera_id, preset=preset, judged=one)
            for (camera_id, preset), one in judged.items()
        ),
        masks=tuple(
            MaskNews(camera_id=one.camera_id, mask=one.mask)
            for one in drawn_masks.current(store)
            if one.camera_id in camera_ids
        ),
    )


SILENT_AFTER = timedelta(minutes=2)
"""A worker elsewhere that was not heard for so long is not at work, or cannot say so."""


@dataclass(frozen=True)
class RemoteWorker:
    """What a worker elsewhere said last. `name` is that of its token."""

    token_id: int
    name: str
    heard_at: datetime
    clock_ahead_s: float
    figures: dict[str, Any]


def heard(store: Store, token_id: int, sign: LifeSign) -> LifeAnswer:
    """Keep a sign of life: of the worker, and of the cameras it watches."""
    now = store.clock()
    ahead_s = round((sign.sent_at - now).total_seconds(), 3)
    store.heard_from({one.camera_id: (one.state.value, one.since, one.reason) for one in sign.cameras})
    with store.writing() as session:
        session.merge(
            RemoteWorkerRow(token_id=token_id, heard_at=now, clock_ahead_s=ahead_s, figures=sign.figures)
        )
    return LifeAnswer(clock_ahead_s=ahead_s)


def remote_workers(store: Store) -> tuple[RemoteWorker, ...]:
    """Those whose token is still good, by number."""
    good = {
        one.token_id: one.name
        for one in access_tokens.all_tokens(store)
        if one.revoked_at is None and one.expires_at > store.clock()
    }
    with store.reading() as session:
        rows = session.scalars(select(RemoteWorkerRow).order_by(RemoteWorkerRow.token_id))
        return tuple(
            RemoteWorker(row.token_id, good[row.token_id], row.heard_at, row.clock_ahead_s, row.figures)
            for row in rows
            if row.token_id in good
        )
