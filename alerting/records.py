"""The values the store hands out: incidents, sightings, alerts, deliveries, evidence, camera states.

Frozen dataclasses only; nothing here touches a database. Times are timezone-aware UTC, angles degrees
clockwise from true north, lengths metres.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from alerting.lifecycle import Cause, Stage, State, Status, Verdict
from detector.detection import Box, Label

Level = Literal["grid", "village", "town", "district"]
LocationMethod = Literal["terrain", "combined", "flat_earth", "behind_ridge", "bearing_only"]
AlertType = Literal["Alert", "Update", "Cancel"]
DeliveryState = Literal["pending", "delivered", "dead"]
EvidenceKind = Literal["snapshot", "annotated", "thumbnail", "clip", "original", "lead_up"]
"""`lead_up`: what the camera saw before; a picture at full size, as the snapshot is."""


FLAGGED_M = 300.0
"""A location whose 95 % ellipse reaches farther than this is flagged."""


@dataclass(frozen=True)
class Ellipse:
    """Where the fire is with 95 % probability, on the ground around the estimated point."""

    semi_major_m: float
    semi_minor_m: float
    azimuth_deg: float
    """Direction of the major axis, 0..180."""


@dataclass(frozen=True)
class Location:
    """Where a fire is and how sure that is.

    `method` says what the answer rests on: `terrain` (one ray against the terrain model), `combined` (several
    cameras), `bearing_only` (no point: the ray meets no ground, or there is no terrain model). `caution` says
    in words why the answer deserves distrust, or is None.
    Bearing and range are seen from the camera that sees the fire best.
    """

    method: LocationMethod
    bearing_deg: float
    elevation_deg: float
    lat_deg: float | None = None
    lon_deg: float | None = None
    height_m: float | None = None
    ellipse: Ellipse | None = None
    range_m: float | None = None
    range_min_m: float | None = None
    range_max_m: float | None = None
    caution: str | None = None
    bearing_sigma_deg: float | None = None
    """One standard deviation of the bearing, and of the elevation: what several cameras are weighted by."""
    elevation_sigma_deg: float | None = None
    possibly_two: bool = False
    """One view saw two feet that it cannot tell apart by their ranges: there may be two fires here."""

    @property
    def flagged(self) -> bool:
        """Too unsure to send people to the point alone."""
        return self.ellipse is None or self.ellipse.semi_major_m > FLAGGED_M

    @property
    def has_point(self) -> bool:
        return self.lat_deg is not None and self.lon_deg is not None


@dataclass(frozen=True)
class Contact:
    """A person or duty desk to call. Held for dispatch; do not log."""

    name: str
    role: str
    phone: str
    channels: Mapping[str, str] = field(default_factory=dict)
    """Addresses by gateway (WeCom, DingTalk, ...), for calling this person; never sent to receivers."""


@dataclass(frozen=True)
class GridArea:
    """One level of the chain grid -> village -> town -> district."""

    level: Level
    code: str
    name: str
    contacts: tuple[Contact, ...] = ()


@dataclass(frozen=True)
class GridShare:
    """One area that the error ellipse touches, with the probability that the fire lies in it."""

    level: Level
    code: str
    name: str
    share: float


@dataclass(frozen=True)
class NearPlace:
    """A named place near a fire: the fire lies `distance_m` from it in the direction `bearing_deg`."""

    name: str
    name_en: str | None
    distance_m: float
    bearing_deg: float


@dataclass(frozen=True)
class Response:
    """Who deals with an incident, and how far the outside was asked to act."""

    stage: Stage = Stage.NOTIFY
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    assigned_to: str | None = None
    accepted_by: str | None = None
    accepted_at: datetime | None = None
    called: Level | None = None
    """The level of the grid chain called last."""
    permitted_burn_id: int | None = None
    """The permitted burn it is taken for: to be verified, not dispatched."""
    merged_into: str | None = None
    repeats: int = 0
    """Sightings that told nothing new and came too fast to be kept one by one."""


@dataclass(frozen=True)
class IncidentSummary:
    """One incident as a list shows it. `version` rises with every change that a decision
    should know of: it guards against lost updates."""

    number: int
    incident_id: str
    status: Status
    verdict: Verdict | None
    cause: Cause | None
    label: Label
    confidence: float
    first_seen_at: datetime
    confirmed_at: datetime
    last_seen_at: datetime
    raised_at: datetime
    updated_at: datetime
    location: Location
    grid_chain: tuple[GridArea, ...]
    camera_ids: tuple[str, ...]
    picture_evidence_id: int | None
    version: int
    exercise: bool = False
    """Raised by a drill: marked everywhere, counted nowhere."""
    response: Response = Response()

    @property
    def state(self) -> State:
        return State(self.status, self.verdict, self.cause, self.response.stage)

    grids_touched: tuple[GridShare, ...] = ()
    """All areas that the 95 % ellipse touches: the neighbours to be informed. Without a point, those that the
    line of sight crosses between its nearest and farthest range."""
    near_place: NearPlace | None = None
    """What people call a place nearby, from the gazetteer."""


@dataclass(frozen=True)
class Frame:
    """A rectangle of the map in degrees, WGS 84."""

    south_deg: float
    west_deg: float
    north_deg: float
    east_deg: float


@dataclass(frozen=True)
class MapMark:
    """An incident as a map shows it."""

    number: int
    incident_id: str
    status: Status
    stage: Stage
    label: Label
    confirmed_at: datetime
    lat_deg: float
    lon_deg: float
    ellipse: Ellipse | None


@dataclass(frozen=True)
class BoxAt:
    """One step of a sighting's box history."""

    at: datetime
    label: Label
    confidence: float
    box: Box


@dataclass(frozen=True)
class SightingRecord:
    """What one camera saw, with its own location estimate."""

    sighting_id: str
    incident_id: str
    camera_id: str
    camera_name: str
    camera_lat_deg: float
    camera_lon_deg: float
    camera_height_m: float | None
    """Height of the lens in the datum of the terrain model; None when no ground height is known."""
    preset: str | None
    label: Label
    confidence: float
    first_seen_at: datetime
    confirmed_at: datetime
    received_at: datetime
    box: Box
    width_px: int
    height_px: int
    history: tuple[BoxAt, ...]
    location: Location
    model_id: str
    profile: str
    config_version: str
    reason: str
    probability: float | None = None
    """Calibrated; None for weights that were never calibrated."""
    usual_score: float | None = None
    """What is usual at this place at this hour, which the sighting has risen above."""
    usual_cause: str | None = None
    """What people called it when they dismissed it; None: nobody did."""


@dataclass(frozen=True)
class HistoryRow:
    """One append-only line of an incident's history: who did what, when and why."""

    history_id: int
    at: datetime
    who: str
    action: str
    why: str
    status_before: Status | None
    status_after: Status
    verdict: Verdict | None
    cause: Cause | None
    undoes: int | None
    """The `history_id` this row takes back, if it is an undo."""
    source: str = ""
    """From where: the address of the browser, a token's name, a process of the centre."""


@dataclass(frozen=True)
class AlertRecord:
    """One message about an incident. `content` is the message without what only sending can know."""

    alert_id: str
    incident_id: str
    sequence: int
    type: AlertType
    created_at: datetime
    content: Mapping[str, Any]


@dataclass(frozen=True)
class DeliveryRecord:
    """One message, an alert or a notice, on its way to one target or person."""

    delivery_id: int
    alert_id: str | None
    notice_id: str | None
    incident_id: str | None
    sequence: int
    target_id: str
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime
    last_error: str | None
    acknowledged_at: datetime | None
    created_at: datetime
    recipient: str | None = None
    """Name of the person, when it goes to one."""


@dataclass(frozen=True)
class EvidenceRecord:
    """One evidence file. `path` is relative to the evidence store."""

    evidence_id: int
    incident_id: str
    sighting_id: str
    kind: EvidenceKind
    path: str
    sha256: str
    size_bytes: int
    media_type: str
    captured_at: datetime
    incomplete: bool = False
    """Its end, or a part of it, is missing."""


@dataclass(frozen=True)
class LocationEstimate:
    """Where an incident was said to be from some time on, and from how many sightings."""

    at: datetime
    sightings: int
    location: Location


@dataclass(frozen=True)
class IncidentDetail:
    """Everything known about one incident, oldest first within each part."""

    summary: IncidentSummary
    sightings: tuple[SightingRecord, ...]
    history: tuple[HistoryRow, ...]
    alerts: tuple[AlertRecord, ...]
    deliveries: tuple[DeliveryRecord, ...]
    evidence: tuple[EvidenceRecord, ...]
    estimates: tuple[LocationEstimate, ...] = ()
    """Where the incident was said to be, oldest first; the last is its present location."""


@dataclass(frozen=True)
class IncidentPage:
    """A page of incidents, newest first; `next_cursor` is None on the last page."""

    incidents: tuple[IncidentSummary, ...]
    next_cursor: str | None


EventKind = Literal["incident", "alert", "delivery", "camera", "roster", "target"]


@dataclass(frozen=True)
class Event:
    """One line of the event log that drives live pages. Ids rise in commit order and never repeat."""

    event_id: int
    at: datetime
    kind: EventKind
    incident_id: str | None
    camera_id: str | None
    data: Mapping[str, Any]


@dataclass(frozen=True)
class CameraState:
    """What a camera is doing (connecting, live, stale, frozen, ..., off) since when, and why."""

    camera_id: str
    state: str
    since: datetime
    reason: str
    heard_at: datetime | None = None
    """When its worker last said that it watches the camera."""


@dataclass(frozen=True)
class CameraPeriod:
    """A time during which a camera was blind, or stood elsewhere than its pose says."""

    camera_id: str
    condition: str
    since: datetime
    until: datetime | None
    """None: it lasts."""
    reason: str
