"""What a scene file says: a camera over the terrain, weather and light, and what burns, smokes or drifts.

Scene files are YAML; `load_scene` checks them and raises `SceneError`, which names the file, the place in it
and what is wrong. Relative paths are relative to the scene file. Places are latitude and longitude (WGS 84);
what stands on the ground gets its height from the elevation model.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from geometry.camera import CameraModel, Pose
from geometry.position import Position
from geometry.terrain import Terrain

Latitude = Annotated[float, Field(ge=-90, le=90, description="Latitude, degrees north (WGS 84)")]
Longitude = Annotated[float, Field(ge=-180, le=180, description="Longitude, degrees east (WGS 84)")]
Azimuth = Annotated[float, Field(ge=0, lt=360, description="Degrees clockwise from true north")]
Share = Annotated[float, Field(ge=0, le=1)]


class SceneError(Exception):
    """A scene file cannot be used; the message says where, what is wrong and how to mend it."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SceneCamera(_Part):
    """The camera that films the scene."""

    id: str = Field(min_length=1, description="Camera id, as in a deployment file")
    name: str = Field(min_length=1, description="Name for people")
    lat_deg: Latitude
    lon_deg: Longitude
    mast_height_m: float = Field(gt=0, le=200, description="Lens above the ground, metres")
    azimuth_deg: Azimuth
    tilt_deg: float = Field(ge=-60, le=30, description="Up is positive, degrees")
    roll_deg: float = Field(
        default=0.0, ge=-20, le=20, description="Clockwise from behind is positive, degrees"
    )
    hfov_deg: float = Field(gt=1, lt=120, description="Horizontal field of view, degrees")

    def model(self, terrain: Terrain, width_px: int, height_px: int) -> CameraModel:
        """The camera model, standing on this terrain."""
        position = Position(self.lat_deg, self.lon_deg, ground_m(terrain, self.lat_deg, self.lon_deg))
        lens = Position(position.lat_deg, position.lon_deg, position.height_m + self.mast_height_m)
        pose = Pose(self.azimuth_deg, self.tilt_deg, self.roll_deg, self.hfov_deg)
        return CameraModel(lens, pose, width_px, height_px)


class Light(_Part):
    """Sun, or moon by night."""

    sun_azimuth_deg: Azimuth = 140.0
    sun_elevation_deg: float = Field(default=45.0, ge=-1, le=90, description="Degrees above the horizon")
    night: bool = Field(default=False, description="Moonlight, lamps lit, a dark sky")


class Weather(_Part):
    """Air, clouds and wind."""

    visibility_m: float = Field(
        default=25_000, ge=500, le=200_000, description="Meteorological visibility, metres"
    )
    cloud_cover: Share = 0.35
    wind_m_s: float = Field(default=3.0, ge=0, le=25, description="Wind near the ground, metres a second")
    wind_to_deg: Azimuth = 90.0


class Fire(_Part):
    """A fire at a known place that starts at a known time of the scene."""

    lat_deg: Latitude
    lon_deg: Longitude
    ignition_s: float = Field(default=25.0, ge=0, description="Seconds from the start of the scene")
    label: Literal["smoke", "fire"] = Field(default="smoke", description="What an observer reports first")
    flames: bool = Field(default=False, description="Whether flames are seen")
    rise_m_s: float = Field(
        default=8.0, gt=0, le=30, description="Speed of the hottest smoke, metres a second"
    )
    source_radius_m: float = Field(
        default=7.0, gt=0, le=100, description="Half the width of the burning ground"
    )
    spread: float = Field(default=0.2, gt=0, le=1, description="Metres of plume radius per metre of way")
    density: float = Field(
        default=1.0, gt=0, le=5, description="1 is an opaque young column, 0.2 a thin veil"
    )
    growth_s: float = Field(
        default=30.0, gt=0, le=3600, description="Time in which the fire grows strong, seconds"
    )


class Chimney(_Part):
    """A stack that always smokes: no fire."""

    lat_deg: Latitude
    lon_deg: Longitude
    stack_m: float = Field(default=45.0, gt=0, le=300, description="Height of the stack, metres")
    density: float = Field(default=0.6, gt=0, le=5)


class Dust(_Part):
    """A tractor that drives along a straight track and raises dust: no fire."""

    from_lat_deg: Latitude
    from_lon_deg: Longitude
    to_lat_deg: Latitude
    to_lon_deg: Longitude
    start_s: float = Field(default=25.0, ge=0, description="When it sets off, seconds")
    speed_m_s: float = Field(default=5.0, gt=0, le=30)


class Fog(_Part):
    """Banks of fog or low cloud that drift through the hills: no fire."""

    base_m: float = Field(description="Height of the middle of the banks above the datum, metres")
    depth_m: float = Field(default=90.0, gt=0, le=1000)
    amount: Share = 0.6
    nearest_m: float = Field(default=1200, ge=100)
    farthest_m: float = Field(default=9000, ge=200)


class Village(_Part):
    """Houses, lit by night."""

    lat_deg: Latitude
    lon_deg: Longitude
    houses: int = Field(default=40, ge=1, le=2000)
    radius_m: float = Field(default=150.0, gt=0, le=3000)


class Road(_Part):
    """A dirt road through these places."""

    places: tuple[tuple[Latitude, Longitude], ...] = Field(min_length=2)
    width_m: float = Field(default=6.0, gt=0, le=40)


class Sensor(_Part):
    """What the camera does to the picture."""

    noise: float = Field(
        default=1.6, ge=0, le=20, description="Noise by day, grey levels (standard deviation)"
    )
    sway_px: float = Field(default=0.0, ge=0, le=10, description="Sway of the mast in the wind, pixels")
    bitrate_kbit_s: int = Field(default=330, ge=20, le=20_000, description="Of the video, kilobits a second")


class Scene(_Part):
    """One scene: a video, its ground truth, and for fires a calm view that goes on from it."""

    name: str = Field(pattern=r"^[a-z0-9_]+$", description="File name of the video, without ending")
    title: str = Field(description="One line for people")
    seed: int = Field(ge=0, lt=2**31, description="The same seed gives the same scene")
    terrain: Path = Field(description="Elevation model, relative to the scene file")
    camera: SceneCamera
    width_px: int = Field(default=1280, ge=64, le=7680, multiple_of=2)
    height_px: int = Field(default=720, ge=64, le=4320, multiple_of=2)
    fps: int = Field(default=10, ge=1, le=60)
    duration_s: float = Field(default=90.0, gt=0, le=3600)
    clearing_s: float = Field(
        default=0.0, ge=0, le=300, description="Length of the clip in which the smoke clears"
    )
    calm_s: float = Field(default=0.0, ge=0, le=300, description="Length of the calm loop; 0 for none")
    light: Light = Field(default_factory=Light)
    weather: Weather = Field(default_factory=Weather)
    fire: Fire | None = None
    chimneys: tuple[Chimney, ...] = ()
    dust: Dust | None = None
    fog: Fog | None = None
    villages: tuple[Village, ...] = ()
    roads: tuple[Road, ...] = ()
    sensor: Sensor = Field(default_factory=Sensor)

    @model_validator(mode="after")
    def _the_fire_starts_within_the_scene(self) -> Self:
        if self.fire is not None and self.fire.ignition_s >= self.duration_s:
            raise ValueError(
                f"fire.ignition_s {self.fire.ignition_s:g} lies after the end of the scene "
                f"({self.duration_s:g} s); ignite earlier or make the scene longer"
            )
        return self


def load_scene(path: Path) -> Scene:
    """Read and check a scene file."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SceneError(f"{path}: the scene file cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise SceneError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(raw, dict):
        raise SceneError(f"{path}: a scene file holds named settings (name, seed, camera, ...)")
    try:
        scene = Scene.model_validate(raw)
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, e['loc'])) or 'scene'}: {e['msg']}" for e in error.errors())
        raise SceneError(f"{path}: " + "; ".join(problems)) from None
    terrain = (path.parent / scene.terrain).resolve()
    if not terrain.is_file():
        raise SceneError(
            f"{path}: terrain: {terrain} does not exist; make one with "
            "`python -m simulator.terrain FILE.tif` or name another"
        )
    return scene.model_copy(update={"terrain": terrain})


def ground_m(terrain: Terrain, lat_deg: float, lon_deg: float) -> float:
    """Ground height at a place; SceneError where the elevation model does not reach."""
    height = float(terrain.height_m(lat_deg, lon_deg))
    if math.isnan(height):
        raise SceneError(
            f"the elevation model has no height at {lat_deg}, {lon_deg}; move the place or extend it"
        )
    return height
