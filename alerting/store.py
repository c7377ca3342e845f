"""The store: the single truth about incidents, alerts, deliveries, camera states and events.

This module reads, and keeps camera states. Who writes what else: `alerting.intake` takes sightings in,
`alerting.decisions` records what people decide, `alerting.outbox` sends, `alerting.accounts` keeps users.
Every write is one transaction opened with `Store.writing()`.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, and_, func, or_, select
from sqlalchemy.orm import Session

from alerting import camera_periods, database, map_query
from alerting.database import StoreError, StoreVersionError
from alerting.lifecycle import Status
from alerting.reading import (
    alert_record,
    camera_period,
    camera_state,
    delivery_record,
    event_record,
    evidence_record,
    history_row,
    incident_summary,
    location_estimate,
    sighting_record,
)
from alerting.records import (
    AlertRecord,
    CameraPeriod,
    CameraState,
    DeliveryRecord,
    DeliveryState,
    Event,
    EventKind,
    EvidenceRecord,
    Frame,
    IncidentDetail,
    IncidentPage,
    MapMark,
)
from alerting.tables import (
    AlertRow,
    CameraPeriodRow,
    CameraStateRow,
    DeliveryRow,
    EventRow,
    EvidenceRow,
    HistoryTableRow,
    IncidentAreaRow,
    IncidentCountRow,
    IncidentRow,
    LocationEstimateRow,
    SightingRow,
)

__all__ = ["ConflictError", "NotFoundError", "Store", "StoreError", "StoreVersionError", "utc_now"]

MAX_PAGE = 500

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


class NotFoundError(StoreError):
    """No such incident, delivery, user, ..."""


class ConflictError(StoreError):
    """Somebody else changed it first; read again and decide again."""


class Store:
    """Open with `Store.open(url)`, share between threads, `close()` at the end."""

    def __init__(self, engine: Engine, clock: Clock = utc_now) -> None:
        self._engine = engine
        self._reader = database.reader(engine)
        self._writer = database.writer(engine)
        self.clock = clock

    @classmethod
    def open(
        cls,
        database_url: str,
        clock: Clock = utc_now,
        *,
        kept_connections: int = database.KEPT_CONNECTIONS,
        cache_kib: int = database.CACHE_KIB,
    ) -> Store:
        """Open and migrate; `cache_kib` is what a connection to SQLite may remember of the file.

        Raises StoreError with how to mend it, StoreVersionError for a newer store.
        """
        engine = database.open_engine(database_url, kept_connections, cache_kib)
        try:
            database.migrate(engine)
        except Exception:
            engine.dispose()
            raise
        return cls(engine, clock)

    def close(self) -> None:
        self._engine.dispose()

    @property
    def backend(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One moment of the store: nothing changes while it is open."""
        with Session(self._reader, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One write transaction, alone among writers: all of it happens, or nothing."""
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    def list_incidents(
        self,
        *,
        status: Collection[Status] | None = None,
        area_codes: Collection[str] = (),
        limit: int = 50,
        cursor: str | None = None,
    ) -> IncidentPage:
        """Newest first by confirmation time; with `area_codes`, those that touch one of these areas. `cursor`
        is the `next_cursor` of the page before."""
        if not 1 <= limit <= MAX_PAGE:
            raise ValueError(f"limit {limit} is not within 1..{MAX_PAGE}")
        query = select(IncidentRow).order_by(IncidentRow.confirmed_at.desc(), IncidentRow.number.desc())
        if cursor is not None:
            query = query.where(after_cursor(cursor))
        if area_codes:
            there = select(IncidentAreaRow.incident_id).where(IncidentAreaRow.code.in_(area_codes))
            query = query.where(IncidentRow.incident_id.in_(there))
        with self.reading() as session:
            if status is None:
                rows = list(session.scalars(query.limit(limit + 1)))
            else:
                # One short walk along the index per status; asking for all at once would sort every match.
                rows = [
                    row
                    for one in set(status)
                    for row in session.scalars(query.where(IncidentRow.status == str(one)).limit(limit + 1))
                ]
                rows.sort(key=lambda row: (row.confirmed_at, row.number), reverse=True)
        page = tuple(incident_summary(row) for row in rows[:limit])
        more = len(rows) > limit
        return IncidentPage(page, write_cursor(page[-1].confirmed_at, page[-1].number) if more else None)

    def map_incidents(
        self,
        frame: Frame,
        *,
        since: datetime,
        until: datetime | None = None,
        status: Collection[Status] | None = None,
        limit: int = MAX_PAGE,
    ) -> tuple[MapMark, ...]:
        """The newest incidents with a position in this frame, confirmed in this time."""
        if not 1 <= limit <= MAX_PAGE:
            raise ValueError(f"limit {limit} is not within 1..{MAX_PAGE}")
        with self.reading() as session:
            return map_query.marks(session, frame, since, until or self.clock(), status, limit)

    def count_incidents(self) -> dict[Status, int]:
        """How many incidents stand at each status; statuses without any are 0."""
        with self.reading() as session:
            rows = session.execute(select(IncidentCountRow.status, IncidentCountRow.incidents)).all()
        counts = dict.fromkeys(Status, 0)
        counts.update({Status(status): count for status, count in rows})
        return counts

    def incident(self, incident_id: str) -> IncidentDetail:
        with self.reading() as session:
            return read_incident(session, incident_id)

    def newest_alert(self, incident_id: str) -> AlertRecord | None:
        """What receivers were told last about it; None: nothing yet."""
        of_it = select(AlertRow).filter_by(incident_id=incident_id)
        with self.reading() as session:
            find_incident(session, incident_id)
            row = session.scalars(of_it.order_by(AlertRow.sequence.desc()).limit(1)).one_or_none()
            return alert_record(row) if row else None

    def evidence(self, evidence_id: int) -> EvidenceRecord:
        with self.reading() as session:
            row = session.get(EvidenceRow, evidence_id)
            if row is None:
                raise NotFoundError(f"no evidence {evidence_id}")
            return evidence_record(row)

    def deliveries(
        self,
        *,
        state: DeliveryState | None = None,
        target_id: str | None = None,
        limit: int = 100,
    ) -> tuple[DeliveryRecord, ...]:
        """Newest first; `state="dead"` lists what needs a person."""
        query = select(DeliveryRow).order_by(DeliveryRow.delivery_id.desc()).limit(limit)
        if state is not None:
            query = query.where(DeliveryRow.state == state)
        if target_id is not None:
            query = query.where(DeliveryRow.target_id == target_id)
        with self.reading() as session:
            return tuple(delivery_record(row) for row in session.scalars(query))

    def events_since(self, event_id: int, limit: int = 200) -> tuple[Event, ...]:
        """Events after `event_id`, oldest first. Nothing committed later ever gets a lower id."""
        query = select(EventRow).where(EventRow.event_id > event_id).order_by(EventRow.event_id).limit(limit)
        with self.reading() as session:
            return tuple(event_record(row) for row in session.scalars(query))

    def last_event_id(self) -> int:
        """Where a page that has just loaded everything starts to follow; 0 in an empty store."""
        with self.reading() as session:
            return session.scalar(select(func.max(EventRow.event_id))) or 0

    def camera_states(self) -> tuple[CameraState, ...]:
        with self.reading() as session:
            rows = session.scalars(select(CameraStateRow).order_by(CameraStateRow.camera_id))
            return tuple(camera_state(row) for row in rows)

    def set_camera_state(
        self, camera_id: str, state: str, since: datetime, reason: str = "", *, counts: bool = True
    ) -> None:
        """Remember what a camera is doing; writes an event only when state or reason changed.

        Without `counts` it is nobody's fault (the camera is switched off on purpose): no blind time.
        """
        with self.writing() as session:
            set_state(session, camera_id, state, since, reason, now=self.clock(), counts=counts)

    def heard_from(self, states: Mapping[str, tuple[str, datetime, str]]) -> None:
        """A worker watches these cameras now: condition, since when, and why, by camera id.

        Says what `set_camera_state` says, should that have been overwritten meanwhile.
        """
        now = self.clock()
        with self.writing() as session:
            for camera_id, (state, since, reason) in states.items():
                row = session.get(CameraStateRow, camera_id)
                was_given_up = row is not None and row.reason == camera_periods.UNWATCHED
                since_then = now if was_given_up else since
                set_state(session, camera_id, state, since_then, reason, now=now)
                session.flush()
                session.get_one(CameraStateRow, camera_id).heard_at = now

    def camera_periods(
        self, start: datetime, end: datetime, camera_id: str | None = None
    ) -> tuple[CameraPeriod, ...]:
        """Times of blindness (and of standing elsewhere) that touch the given time, oldest first."""
        query = select(CameraPeriodRow).where(
            CameraPeriodRow.since < end,
            or_(CameraPeriodRow.until.is_(None), CameraPeriodRow.until > start),
        )
        if camera_id is not None:
            query = query.where(CameraPeriodRow.camera_id == camera_id)
        query = query.order_by(CameraPeriodRow.since, CameraPeriodRow.period_id)
        with self.reading() as session:
            return tuple(camera_period(row) for row in session.scalars(query))


def read_incident(
    session: Session, incident_id: str, *, only_representatives: bool = False
) -> IncidentDetail:
    """The incident with everything that belongs to it, inside a transaction already open; of its sightings
    and their evidence only those that stand for all, if wanted."""
    row = find_incident(session, incident_id)
    of_it = select(SightingRow).filter_by(incident_id=incident_id)
    if only_representatives:
        of_it = of_it.filter_by(representative=True)
    sightings = session.scalars(of_it.order_by(SightingRow.confirmed_at)).all()
    history = session.scalars(
        select(HistoryTableRow).filter_by(incident_id=incident_id).order_by(HistoryTableRow.history_id)
    )
    alerts = session.scalars(select(AlertRow).filter_by(incident_id=incident_id).order_by(AlertRow.sequence))
    deliveries = session.scalars(
        select(DeliveryRow).filter_by(incident_id=incident_id).order_by(DeliveryRow.delivery_id)
    )
    files = select(EvidenceRow).filter_by(incident_id=incident_id, removed_at=None)
    if only_representatives:
        files = files.where(EvidenceRow.sighting_id.in_([one.sighting_id for one in sightings]))
    evidence = session.scalars(files.order_by(EvidenceRow.evidence_id))
    estimates = select(LocationEstimateRow).filter_by(incident_id=incident_id)
    estimates = estimates.order_by(LocationEstimateRow.estimate_id)
    return IncidentDetail(
        summary=incident_summary(row),
        sightings=tuple(sighting_record(one) for one in sightings),
        history=tuple(history_row(one) for one in history),
        alerts=tuple(alert_record(one) for one in alerts),
        deliveries=tuple(delivery_record(one) for one in deliveries),
        evidence=tuple(evidence_record(one) for one in evidence),
        estimates=tuple(location_estimate(one) for one in session.scalars(estimates)),
    )


def find_incident(session: Session, incident_id: str) -> IncidentRow:
    row = session.scalars(select(IncidentRow).filter_by(incident_id=incident_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"no incident {incident_id!r}")
    return row


def add_event(
    session: Session,
    at: datetime,
    kind: EventKind,
    *,
    incident_id: str | None = None,
    camera_id: str | None = None,
    data: dict[str, Any],
) -> None:
    session.add(EventRow(at=at, kind=kind, incident_id=incident_id, camera_id=camera_id, data=data))


def set_state(
    session: Session,
    camera_id: str,
    state: str,
    since: datetime,
    reason: str,
    *,
    now: datetime,
    counts: bool = True,
) -> None:
    """`Store.set_camera_state`, inside a transaction already open."""
    row = session.get(CameraStateRow, camera_id)
    if row is not None and (row.state, row.reason) == (state, reason):
        return
    before = row.state if row is not None else None
    row = row or CameraStateRow(camera_id=camera_id, told="", notices=0)
    if before != state or not counts:
        camera_periods.change(session, row, state, since, reason, counts=counts)
    row.state, row.since, row.reason = state, since, reason
    session.add(row)
    data = {"state": state, "before": before, "reason": reason}
    add_event(session, now, "camera", camera_id=camera_id, data=data)


def write_cursor(at: datetime, number: int) -> str:
    """Where a list goes on behind this incident."""
    return base64.urlsafe_b64encode(json.dumps([at.isoformat(), number]).encode()).decode().rstrip("=")


def after_cursor(cursor: str) -> ColumnElement[bool]:
    """What comes after it, newest first. Raises ValueError for a cursor that is none."""
    at, number = _read_cursor(cursor)
    # The plain bound lets the index start there; the rest alone would walk from the newest on.
    return and_(
        IncidentRow.confirmed_at <= at, or_(IncidentRow.confirmed_at < at, IncidentRow.number < number)
    )


def _read_cursor(cursor: str) -> tuple[datetime, int]:
    try:
        at, number = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError("no zone")
        return moment, int(number)
    except (ValueError, TypeError, binascii.Error) as error:
        raise ValueError(f"{cursor!r} is no cursor of this list; start again without one") from error
