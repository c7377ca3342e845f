"""The whole deployment file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from config.base import Name, Section
from config.camera import Camera
from config.centre import ConsoleSettings, Storage
from config.detection import ConfirmationPolicy, DetectorSettings, LookSettings
from config.evidence import EvidenceSettings
from config.health import HealthSettings
from config.live import LiveSettings
from config.logs import LogSettings
from config.map import MapSettings
from config.response import ResponseSettings
from config.surroundings import existing_file
from config.targets import DispatchTarget, Drill, Notify


class Deployment(Section):
    """One installation: its cameras, how they are watched, and who is told."""

    name: Name = Field(
        title="Name", description="What the installation is called, on the console and in alerts."
    )
    time_zone: str = Field(
        default="Asia/Shanghai",
        title="Time zone",
        description="IANA name of the zone times are shown in (stored in UTC).",
    )
    time_server: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]+(:[0-9]{1,5})?$",
        title="Time server",
        description="NTP server in reach (HOST or HOST:PORT) that `firewatch doctor` compares this machine's "
        "clock with.",
        examples=["ntp.example.gov.cn"],
    )
    cameras: tuple[Camera, ...] = Field(
        min_length=1, max_length=2000, title="Cameras", description="The cameras to watch."
    )
    detector: DetectorSettings = Field(
        default=DetectorSettings(), title="Detector", description="Weights and eagerness."
    )
    confirmation: ConfirmationPolicy | None = Field(
        default=None,
        title="Confirmation",
        description="When a track is confirmed; without it, as the profile says.",
    )
    looks: LookSettings = Field(
        default=LookSettings(), title="Looks", description="How often cameras are looked at."
    )
    health: HealthSettings = Field(
        default=HealthSettings(), title="Health", description="When a camera counts as blind."
    )
    terrain: Path | None = Field(
        default=None,
        title="Terrain",
        description="GeoTIFF of ground heights in metres, any CRS (relative paths start at this file). "
        "Without it, "
        "incidents have a bearing but no position.",
    )
    vegetation_height_m: float | None = Field(
        default=None,
        ge=0,
        le=60,
        title="Vegetation height",
        description="Height of the trees that stand on `terrain`, metres, where that is a model of the bare "
        "ground: lines of sight are then met with the treetops, where smoke comes into sight. Surface models "
        "(SRTM, Copernicus GLO-30) hold much of the trees already: leave it out there; the error model then "
        "allows for 5 m of trees either way.",
    )
    grids: Path | None = Field(
        default=None,
        title="Grids",
        description="GeoJSON of the areas of responsibility (relative paths start at this file).",
    )
    gazetteer: Path | None = Field(
        default=None,
        title="Gazetteer",
        description="GeoJSON points or CSV (name,lat_deg,lon_deg[,name_en][,importance 1-5]) of places that "
        "alerts name a fire by (relative paths start at this file).",
    )
    dispatch: tuple[DispatchTarget, ...] = Field(
        default=(), max_length=50, title="Dispatch", description="Receivers of alerts."
    )
    sender: str = Field(
        default="firewatch.local",
        pattern=r"^[^\s,<&]{1,200}$",
        title="Sender",
        description="Who sends, in CAP messages: unique in the world, such as a domain or an e-mail address.",
        examples=["firewatch@forest.example.gov.cn"],
    )
    notify: Notify = Field(default=Notify(), title="Notify", description="How people are told.")
    drill: Drill | None = Field(
        default=None, title="Drill", description="An exercise through the whole chain, every day."
    )
    response: ResponseSettings = Field(
        default=ResponseSettings(),
        title="Response",
        description="What happens by itself, and how long people may take.",
    )
    storage: Storage = Field(
        default=Storage(), title="Storage", description="Where incidents and evidence are kept."
    )
    console: ConsoleSettings = Field(
        default=ConsoleSettings(), title="Console", description="The web console."
    )
    evidence: EvidenceSettings = Field(
        default=EvidenceSettings(), title="Evidence", description="Clips, and how long files are kept."
    )
    live: LiveSettings = Field(
        default=LiveSettings(), title="Live view", description="Watching cameras in the browser."
    )
    map: MapSettings = Field(
        default=MapSettings(), title="Map", description="Base maps beside the terrain's own picture."
    )
    logs: LogSettings = Field(
        default=LogSettings(), title="Logs", description="What processes write about their work, and where."
    )

    @field_validator("time_zone")
    @classmethod
    def _check_time_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (OSError, ValueError, KeyError):
            raise PydanticCustomError(
                "time_zone",
                "there is no time zone '{name}'",
                {"name": name, "mend": "for example Asia/Shanghai"},
            ) from None
        return name

    @field_validator("terrain", "grids", "gazetteer")
    @classmethod
    def _check_file(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        return existing_file(path, info)

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        for kind, ids in {
            "camera": [camera.id for camera in self.cameras],
            "dispatch target": [target.id for target in self.dispatch],
            "gateway": [gateway.id for gateway in self.notify.gateways],
            "person": [person.id for person in self.notify.people],
        }.items():
            twice = sorted({id_ for id_ in ids if ids.count(id_) > 1})
            if twice:
                raise PydanticCustomError(
                    "duplicate_id",
                    "the {kind} id '{id}' is used more than once",
                    {"kind": kind, "id": twice[0], "mend": "give each its own id"},
                )
        if self.drill is not None and self.drill.camera not in {camera.id for camera in self.cameras}:
            raise PydanticCustomError(
                "drill_camera",
                "the drill names a camera '{id}' that does not exist",
                {"id": self.drill.camera, "mend": "name one of 'cameras'"},
            )
        return self

    def camera(self, camera_id: str) -> Camera:
        """The camera of that id. Raises KeyError naming the known ones."""
        for camera in self.cameras:
            if camera.id == camera_id:
                return camera
        raise KeyError(
            f"no camera '{camera_id}'; there are {', '.join(camera.id for camera in self.cameras)}"
        )

    def health_of(self, camera: Camera) -> HealthSettings:
        """The health settings that hold for one camera."""
        return self.health.overridden_by(camera.health)

    @property
    def version(self) -> str:
        """Twelve hex digits that change when anything but a secret changes; stored with every alert."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]
