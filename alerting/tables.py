"""The store's tables. Shape only: what may be written when is decided in the modules that write.

Types exist on SQLite and PostgreSQL alike. A change here needs a migration beside it (a test compares both).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Date,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    false,
    true,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in and out. SQLite keeps no zone, so what is stored is UTC; naive times are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(
                f"time {value.isoformat()} has no zone; the store takes timezone-aware times only"
            )
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy reads it from the class)
        datetime: UtcDateTime,
        float: Double,
        bool: Boolean,
        dict[str, Any]: JSON,
        dict[str, Any] | None: JSON(none_as_null=True),
        list[Any]: JSON,
    }


class LocationColumns:
    """Where, how sure, and what the answer rests on."""

    location_method: Mapped[str] = mapped_column(String(32))
    bearing_deg: Mapped[float]
    elevation_deg: Mapped[float]
    lat_deg: Mapped[float | None]
    lon_deg: Mapped[float | None]
    height_m: Mapped[float | None]
    ellipse_semi_major_m: Mapped[float | None]
    ellipse_semi_minor_m: Mapped[float | None]
    ellipse_azimuth_deg: Mapped[float | None]
    range_m: Mapped[float | None]
    range_min_m: Mapped[float | None]
    range_max_m: Mapped[float | None]
    location_caution: Mapped[str | None] = mapped_column(Text)
    bearing_sigma_deg: Mapped[float | None]
    elevation_sigma_deg: Mapped[float | None]
    possibly_two: Mapped[bool] = mapped_column(default=False, server_default=false())


class IncidentRow(LocationColumns, Base):
    __tablename__ = "incidents"
    __table_args__ = (
        # With the position, so that a map passes by what lies outside its frame without fetching the row.
        Index(None, "confirmed_at", "number", "lat_deg", "lon_deg"),
        Index(None, "status", "confirmed_at", "number", "lat_deg", "lon_deg"),
        Index(None, "status", "last_seen_at"),
        # For the few that lie in a small frame of the map, however long ago.
        Index(None, "cell", "confirmed_at", "status", "number", "lat_deg", "lon_deg"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[str] = mapped_column(String(64), unique=True)
    status: Mapped[str] = mapped_column(String(16))
    verdict: Mapped[str | None] = mapped_column(String(16))
    cause: Mapped[str | None] = mapped_column(String(16))
    label: Mapped[str] = mapped_column(String(16))
    confidence: Mapped[float]
    first_seen_at: Mapped[datetime]
    confirmed_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    raised_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    grid_chain: Mapped[list[Any]]
    grids_touched: Mapped[list[Any] | None] = mapped_column(JSON)
    near_place: Mapped[dict[str, Any] | None]
    camera_ids: Mapped[list[Any]]
    picture_evidence_id: Mapped[int | None]
    version: Mapped[int]
    cell: Mapped[int | None]
    """Of its position (`alerting.cells`)."""
    stage: Mapped[str] = mapped_column(String(16), default="notify", server_default="notify")
    """`notify` or `dispatch`: how far the outside has been asked to act."""
    targets: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """Who is to be told about this incident, by target id: from which stage on."""
    acknowledged_by: Mapped[str | None] = mapped_column(String(128))
    acknowledged_at: Mapped[datetime | None]
    assigned_to: Mapped[str | None] = mapped_column(String(128))
    accepted_by: Mapped[str | None] = mapped_column(String(128))
    accepted_at: Mapped[datetime | None]
    escalated_to: Mapped[str | None] = mapped_column(String(16))
    """The level of the grid chain called last."""
    permitted_burn_id: Mapped[int | None]
    """The permitted burn this is taken for; while set, the incident is lowered."""
    merged_into: Mapped[str | None] = mapped_column(String(64))
    repeats: Mapped[int] = mapped_column(default=0, server_default="0")
    """Sightings that told nothing new and came too fast to be kept one by one."""
    exercise: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Raised by a drill: marked everywhere, counted nowhere."""
    evidence_released_at: Mapped[datetime | None]
    """Its evidence need not be kept any longer; only then may it go (`alerting.retention`)."""
    evidence_released_by: Mapped[str | None] = mapped_column(String(128))


class SightingRow(LocationColumns, Base):
    __tablename__ = "sightings"
    __table_args__ = (Index(None, "incident_id", "representative", "confirmed_at"),)

    sighting_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.incident_id"))
    camera_id: Mapped[str] = mapped_column(String(128))
    camera_name: Mapped[str] = mapped_column(String(256))
    camera_lat_deg: Mapped[float]
    camera_lon_deg: Mapped[float]
    camera_height_m: Mapped[float | None]
    preset: Mapped[str | None] = mapped_column(String(128))
    label: Mapped[str] = mapped_column(String(16))
    confidence: Mapped[float]
    first_seen_at: Mapped[datetime]
    confirmed_at: Mapped[datetime]
    received_at: Mapped[datetime]
    x1: Mapped[float]
    y1: Mapped[float]
    x2: Mapped[float]
    y2: Mapped[float]
    width_px: Mapped[int]
    height_px: Mapped[int]
    history: Mapped[list[Any]]
    model_id: Mapped[str] = mapped_column(String(128))
    profile: Mapped[str] = mapped_column(String(64))
    config_version: Mapped[str] = mapped_column(String(128))
    reason: Mapped[str] = mapped_column(Text)
    probability: Mapped[float | None]
    usual_score: Mapped[float | None]
    """What is usual at this place at this hour, which the sighting has risen above."""
    usual_cause: Mapped[str | None] = mapped_column(String(16))
    representative: Mapped[bool] = mapped_column(default=True, server_default=true())
    """One of the few that stand for their view when another sighting is compared with the incident."""
    told: Mapped[bool] = mapped_column(default=True, server_default=true())
    """Receivers were told because of it."""


class HistoryTableRow(Base):
    """Append-only: triggers made by the first migration refuse UPDATE and DELETE."""

    __tablename__ = "incident_history"
    __table_args__ = ({"sqlite_autoincrement": True},)

    history_id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.incident_id"), index=True)
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(String(128))
    action: Mapped[str] = mapped_column(String(32))
    why: Mapped[str] = mapped_column(Text)
    status_before: Mapped[str | None] = mapped_column(String(16))
    status_after: Mapped[str] = mapped_column(String(16))
    verdict: Mapped[str | None] = mapped_column(String(16))
    cause: Mapped[str | None] = mapped_column(String(16))
    undoes: Mapped[int | None] = mapped_column(ForeignKey("incident_history.history_id"))
    source: Mapped[str] = mapped_column(String(128), default="", server_default="")
    """From where: the address of the browser, a token's number, a process of the centre."""
    detail: Mapped[dict[str, Any] | None]
    """What undoing it needs to know (merge, split)."""


class AuditRow(Base):
    """What was done to accounts, tokens, permits and deliveries. Append-only, as the history of incidents."""

    __tablename__ = "audit_entries"
    __table_args__ = ({"sqlite_autoincrement": True},)

    audit_id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    who: Mapped[str] = mapped_column(String(128))
    source: Mapped[str] = mapped_column(String(128))
    action: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(String(128))
    """The user, token, burn or delivery it was done to."""
    detail: Mapped[dict[str, Any] | None]


class AlertRow(Base):
    __tablename__ = "alerts"
    __table_args__ = (UniqueConstraint("incident_id", "sequence"),)

    alert_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.incident_id"))
    sequence: Mapped[int]
    type: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]
    content: Mapped[dict[str, Any]]


class NoticeRow(Base):
    """Something to be told that is no alert: somebody is called, a camera is blind, a delivery is dead."""

    __tablename__ = "notices"

    notice_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    incident_id: Mapped[str | None] = mapped_column(ForeignKey("incidents.incident_id"), index=True)
    camera_id: Mapped[str | None] = mapped_column(String(128))
    created_at: Mapped[datetime]
    content: Mapped[dict[str, Any]]


class DeliveryRow(Base):
    """One message, an alert or a notice, on its way to one receiver: a target, or a person."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("alert_id", "target_id"),
        UniqueConstraint("notice_id", "target_id"),
        Index(None, "lane", "state", "next_attempt_at"),
        Index(None, "stream", "target_id", "sequence"),
        {"sqlite_autoincrement": True},
    )

    delivery_id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[str | None] = mapped_column(ForeignKey("alerts.alert_id"))
    notice_id: Mapped[str | None] = mapped_column(ForeignKey("notices.notice_id"))
    incident_id: Mapped[str | None] = mapped_column(ForeignKey("incidents.incident_id"), index=True)
    stream: Mapped[str] = mapped_column(String(128))
    """Order is kept within it: the incident, or the notice itself."""
    sequence: Mapped[int]
    target_id: Mapped[str] = mapped_column(String(128))
    lane: Mapped[str] = mapped_column(String(128))
    """Who sends it: a thread for each target; people share theirs."""
    recipient: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """A person as known when called: name, role, channels. People of the deployment are looked up by id."""
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int]
    next_attempt_at: Mapped[datetime]
    last_error: Mapped[str | None] = mapped_column(Text)
    body: Mapped[str | None] = mapped_column(Text)
    """The exact message, fixed before an attempt that may reach the receiver: every retry sends the same."""
    media_type: Mapped[str | None] = mapped_column(String(64))
    leased_by: Mapped[str | None] = mapped_column(String(128))
    leased_until: Mapped[datetime | None]
    """While it lasts, no other sender touches the delivery."""
    acknowledged_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class TargetStateRow(Base):
    """What the senders know about a target that does not take alerts; no row: all is well."""

    __tablename__ = "target_states"

    target_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    failures: Mapped[int]
    failing_since: Mapped[datetime]
    open_until: Mapped[datetime | None]
    """Until then nothing is tried; afterwards one delivery tries."""
    reason: Mapped[str] = mapped_column(Text)


class PulseRow(Base):
    """When a process of the centre last said that it works."""

    __tablename__ = "pulses"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]


class EvidenceRow(Base):
    __tablename__ = "evidence"
    __table_args__ = (UniqueConstraint("sighting_id", "kind", "sha256"), {"sqlite_autoincrement": True})

    evidence_id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.incident_id"), index=True)
    sighting_id: Mapped[str] = mapped_column(ForeignKey("sightings.sighting_id"))
    kind: Mapped[str] = mapped_column(String(16))
    path: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int]
    media_type: Mapped[str] = mapped_column(String(64))
    captured_at: Mapped[datetime]
    incomplete: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Its end, or a part of it, is missing: a recording was cut off."""
    removed_at: Mapped[datetime | None]
    """The file has gone (`alerting.retention`)."""


class EventRow(Base):
    __tablename__ = "events"
    __table_args__ = ({"sqlite_autoincrement": True},)

    event_id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(16))
    incident_id: Mapped[str | None] = mapped_column(String(64))
    camera_id: Mapped[str | None] = mapped_column(String(128))
    data: Mapped[dict[str, Any]]


class CameraStateRow(Base):
    __tablename__ = "camera_states"

    camera_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    state: Mapped[str] = mapped_column(String(32))
    since: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
    heard_at: Mapped[datetime | None]
    """When its worker last said that it watches the camera."""
    blind_since: Mapped[datetime | None]
    """Since when it has been blind without a break, under whatever condition; None: it sees."""
    told: Mapped[str] = mapped_column(String(16), default="", server_default="")
    """What receivers were told last: `blind`, `moved`, or nothing that is not over."""
    notices: Mapped[int] = mapped_column(default=0, server_default="0")
    """How many notices went out about it: the sequence number of the last."""


class CameraPeriodRow(Base):
    """A time during which a camera was blind, or stood elsewhere than its pose says (`moved`)."""

    __tablename__ = "camera_periods"
    __table_args__ = (
        Index(None, "camera_id", "since"),
        Index(None, "until"),
        {"sqlite_autoincrement": True},
    )

    period_id: Mapped[int] = mapped_column(primary_key=True)
    camera_id: Mapped[str] = mapped_column(String(128))
    condition: Mapped[str] = mapped_column(String(32))
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    """None: it lasts."""
    reason: Mapped[str] = mapped_column(Text)


class SiteMemoryRow(Base):
    __tablename__ = "site_memories"

    camera_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    preset: Mapped[str] = mapped_column(String(128), primary_key=True)
    """Empty for a camera without presets."""
    state: Mapped[bytes]
    updated_at: Mapped[datetime]


class UserRow(Base):
    __tablename__ = "users"
    __table_args__ = ({"sqlite_autoincrement": True},)

    user_id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(128), unique=True)
    password_hash: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(String(32))
    must_change: Mapped[bool]
    active: Mapped[bool]
    failed_logins: Mapped[int]
    locked_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]
    oidc_subject: Mapped[str | None] = mapped_column(String(512), index=True, unique=True)
    """Issuer and subject, of those for whom an identity provider vouches."""


class SessionRow(Base):
    __tablename__ = "sessions"

    token_hash: Mapped[str] = mapped_column(String(128), primary_key=True)
    """SHA-256 of the cookie's token: a stolen store opens no session."""
    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id", ondelete="CASCADE"), index=True)
    csrf: Mapped[str] = mapped_column(String(128))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class LocationEstimateRow(LocationColumns, Base):
    """Where an incident was said to be, each time its sightings said something new: append-only."""

    __tablename__ = "location_estimates"
    __table_args__ = ({"sqlite_autoincrement": True},)

    estimate_id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.incident_id"), index=True)
    at: Mapped[datetime]
    sightings: Mapped[int]


class IncidentAreaRow(Base):
    """Which areas of responsibility an incident lies in: what a responder of an area may see."""

    __tablename__ = "incident_areas"

    code: Mapped[str] = mapped_column(String(64), primary_key=True)
    incident_id: Mapped[str] = mapped_column(
        ForeignKey("incidents.incident_id"), primary_key=True, index=True
    )


class ClockRow(Base):
    """Something that happens by itself at `due_at` unless somebody acts before. Gone when it has happened."""

    __tablename__ = "clocks"
    __table_args__ = (UniqueConstraint("incident_id", "kind"), {"sqlite_autoincrement": True})

    clock_id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.incident_id"))
    kind: Mapped[str] = mapped_column(String(32))
    step: Mapped[int]
    set_at: Mapped[datetime]
    due_at: Mapped[datetime]


class PermittedBurnRow(Base):
    __tablename__ = "permitted_burns"
    __table_args__ = (Index(None, "ends_at"), {"sqlite_autoincrement": True})

    burn_id: Mapped[int] = mapped_column(primary_key=True)
    holder: Mapped[str] = mapped_column(String(128))
    phone: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text)
    area: Mapped[list[Any]]
    """The ring of a polygon as [longitude, latitude] pairs, WGS 84 degrees."""
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    added_by: Mapped[str] = mapped_column(String(128))
    added_at: Mapped[datetime]
    withdrawn_by: Mapped[str | None] = mapped_column(String(128))
    withdrawn_at: Mapped[datetime | None]


class DrawnMaskRow(Base):
    """A part of a view in which nothing is reported, drawn in the console."""

    __tablename__ = "drawn_masks"
    __table_args__ = ({"sqlite_autoincrement": True},)

    mask_id: Mapped[int] = mapped_column(primary_key=True)
    camera_id: Mapped[str] = mapped_column(String(128), index=True)
    name: Mapped[str] = mapped_column(String(128))
    preset: Mapped[str | None] = mapped_column(String(128))
    polygon: Mapped[list[Any]]
    drawn_by: Mapped[str] = mapped_column(String(128))
    drawn_at: Mapped[datetime]
    removed_by: Mapped[str | None] = mapped_column(String(128))
    removed_at: Mapped[datetime | None]


class CameraVersionRow(Base):
    """A camera as it was said to be from then on. Append-only, as the history of incidents."""

    __tablename__ = "camera_versions"
    __table_args__ = (UniqueConstraint("camera_id", "version"), {"sqlite_autoincrement": True})

    version_id: Mapped[int] = mapped_column(primary_key=True)
    camera_id: Mapped[str] = mapped_column(String(128))
    version: Mapped[int]
    """Counts from 1 within the camera."""
    definition: Mapped[dict[str, Any]]
    """`config.Camera` without what is secret, and without `enabled`: that is the state's."""
    secrets: Mapped[str] = mapped_column(Text)
    """Addresses and tokens, sealed (`alerting.secret_box`)."""
    state: Mapped[str] = mapped_column(String(16))
    """learning, live, off."""
    learning_until: Mapped[datetime | None]
    action: Mapped[str] = mapped_column(String(32))
    who: Mapped[str] = mapped_column(String(128))
    source: Mapped[str] = mapped_column(String(128))
    why: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class RosterVersionRow(Base):
    """Who answers for an area, as it was said to be from then on. Append-only, as versions of cameras."""

    __tablename__ = "roster_versions"
    __table_args__ = (UniqueConstraint("code", "version"), {"sqlite_autoincrement": True})

    version_id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(128))
    version: Mapped[int]
    """Counts from 1 within the area."""
    level: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(Text)
    """What the grid file called the area when it was first changed; the file may lose it."""
    contacts: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    """As in the grid file; null: the file's count again."""
    action: Mapped[str] = mapped_column(String(32))
    who: Mapped[str] = mapped_column(String(128))
    source: Mapped[str] = mapped_column(String(128))
    why: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class TargetVersionRow(Base):
    """A receiver of alerts as it was said to be from then on. Append-only, as versions of cameras."""

    __tablename__ = "target_versions"
    __table_args__ = (UniqueConstraint("target_id", "version"), {"sqlite_autoincrement": True})

    version_id: Mapped[int] = mapped_column(primary_key=True)
    target_id: Mapped[str] = mapped_column(String(128))
    version: Mapped[int]
    """Counts from 1 within the receiver."""
    definition: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """`config.DispatchTarget` with what is secret masked; null: the deployment file's counts again."""
    secrets: Mapped[str] = mapped_column(Text)
    """Address, keys and passwords, sealed (`alerting.secret_box`); empty without a definition."""
    action: Mapped[str] = mapped_column(String(32))
    who: Mapped[str] = mapped_column(String(128))
    source: Mapped[str] = mapped_column(String(128))
    why: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class ConfigurationVersionRow(Base):
    """What the deployment file said when a centre started, if another thing than before. Append-only."""

    __tablename__ = "configuration_versions"
    __table_args__ = ({"sqlite_autoincrement": True},)

    version: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    """`config.Deployment.version`."""
    program: Mapped[str] = mapped_column(String(64))
    configuration: Mapped[dict[str, Any]]
    """As `config.outline` tells it: without what is secret."""
    at: Mapped[datetime]


class LearningSightingRow(Base):
    """What a camera that still learns reported: no sighting, of no incident, told to nobody."""

    __tablename__ = "learning_sightings"
    __table_args__ = (
        Index(None, "camera_id", "confirmed_at"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(primary_key=True)
    sighting_id: Mapped[str] = mapped_column(String(128), unique=True)
    camera_id: Mapped[str] = mapped_column(String(128))
    preset: Mapped[str | None] = mapped_column(String(128))
    label: Mapped[str] = mapped_column(String(16))
    confidence: Mapped[float]
    confirmed_at: Mapped[datetime]
    received_at: Mapped[datetime]
    sighting: Mapped[dict[str, Any]]
    """`detector.detection.Sighting` as it came."""
    picture_jpeg: Mapped[bytes]
    """With its box drawn, small."""
    judged_by: Mapped[str | None] = mapped_column(String(128))
    judged_at: Mapped[datetime | None]
    cause: Mapped[str | None] = mapped_column(String(16))
    """What it was, where somebody said that it is no fire."""
    raised_as: Mapped[str | None] = mapped_column(String(64))
    """The incident raised from it, where somebody said that it is one."""


class AccessTokenRow(Base):
    __tablename__ = "access_tokens"
    __table_args__ = ({"sqlite_autoincrement": True},)

    token_id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(128), unique=True)
    """SHA-256 of the token: a stolen store opens nothing."""
    name: Mapped[str] = mapped_column(String(128))
    role: Mapped[str] = mapped_column(String(32))
    area_codes: Mapped[list[Any]]
    camera_ids: Mapped[list[Any]]
    created_by: Mapped[str] = mapped_column(String(128))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class RemoteWorkerRow(Base):
    """What a worker elsewhere said last about itself, by the token it reports with."""

    __tablename__ = "remote_workers"

    token_id: Mapped[int] = mapped_column(ForeignKey("access_tokens.token_id"), primary_key=True)
    heard_at: Mapped[datetime]
    clock_ahead_s: Mapped[float]
    """How far its clock was ahead of the centre's, the way of the message included."""
    figures: Mapped[dict[str, Any]]


class VerdictDayRow(Base):
    """A day on which a person judged something that this model had raised."""

    __tablename__ = "verdict_days"

    model_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)


class IncidentCountRow(Base):
    """How many incidents stand at a status; kept by triggers."""

    __tablename__ = "incident_counts"

    status: Mapped[str] = mapped_column(String(16), primary_key=True)
    incidents: Mapped[int]
