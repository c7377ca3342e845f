"""Cameras of a deployment: where each stands, where it looks, where its pictures come from."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from config.base import Identifier, Name, Section
from config.health import HealthSettings
from config.optics import LensSettings, in_our_systems
from config.ptz import OnvifToken, PtzSettings
from config.secrets import SecretSource, resolved
from config.surroundings import surroundings_of

Share = Annotated[float, Field(ge=0, le=1)]
SOURCE_SCHEMES = ("rtsp", "rtsps", "http", "https", "play+http", "play+https")


class Pose(Section):
    """Where the optical axis points and how much it sees."""

    azimuth_deg: float = Field(
        ge=0,
        lt=360,
        title="Azimuth",
        description="Direction of the optical axis, degrees clockwise from true north.",
    )
    tilt_deg: float = Field(
        ge=-90,
        le=90,
        title="Tilt",
        description="Elevation of the optical axis, degrees above the horizon (up positive).",
    )
    roll_deg: float = Field(
        default=0.0,
        ge=-45,
        le=45,
        title="Roll",
        description="Rotation about the axis, degrees, clockwise seen from behind.",
    )
    hfov_deg: float = Field(
        gt=0,
        lt=170,
        title="Horizontal field of view",
        description="Degrees from the left to the right edge of the picture. Follows from focal length "
        "and sensor "
        "width when those are given instead.",
    )
    azimuth_sigma_deg: float = Field(
        default=0.3,
        gt=0,
        le=20,
        title="Uncertainty of the azimuth",
        description="One standard deviation, degrees; `firewatch calibrate` finds it. The default is that of "
        "a camera turned by landmarks by hand.",
    )
    tilt_sigma_deg: float = Field(
        default=0.15,
        gt=0,
        le=20,
        title="Uncertainty of the tilt",
        description="One standard deviation, degrees.",
    )
    focal_length_mm: float | None = Field(
        default=None,
        gt=0,
        le=2000,
        title="Focal length",
        description="Real (not 35 mm equivalent) focal length, mm.",
    )
    sensor_width_mm: float | None = Field(
        default=None,
        gt=0,
        le=50,
        title="Sensor width",
        description="Width of the used part of the sensor, mm.",
    )

    @model_validator(mode="before")
    @classmethod
    def _field_of_view_from_lens(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        focal, sensor = data.get("focal_length_mm"), data.get("sensor_width_mm")
        given = [name for name in ("focal_length_mm", "sensor_width_mm") if data.get(name) is not None]
        if data.get("hfov_deg") is None:
            if (
                isinstance(focal, int | float)
                and isinstance(sensor, int | float)
                and focal > 0
                and sensor > 0
            ):
                return {**data, "hfov_deg": math.degrees(2 * math.atan(sensor / (2 * focal)))}
            if len(given) < 2:
                raise PydanticCustomError(
                    "field_of_view",
                    "the field of view is not given",
                    {"mend": "give hfov_deg, or both focal_length_mm and sensor_width_mm"},
                )
        elif given:
            _require_same_field_of_view(data["hfov_deg"], focal, sensor)
        return data


def _require_same_field_of_view(hfov_deg: Any, focal_mm: Any, sensor_mm: Any) -> None:
    """Both ways at once are accepted only when they say the same (a validated pose read again does)."""
    numbers = (hfov_deg, focal_mm, sensor_mm)
    if all(isinstance(value, int | float) and value > 0 for value in numbers):
        from_lens = math.degrees(2 * math.atan(sensor_mm / (2 * focal_mm)))
        if abs(from_lens - hfov_deg) < 0.01:
            return
    raise PydanticCustomError(
        "field_of_view",
        "the field of view is given in two ways that differ or are incomplete",
        {"mend": "keep hfov_deg alone, or focal_length_mm and sensor_width_mm without hfov_deg"},
    )


class Preset(Section):
    """A named position of a pan-tilt-zoom camera."""

    id: Identifier = Field(title="Preset id", description="Stable machine name, unique within the camera.")
    name: Name = Field(title="Name", description="What operators call this view.")
    pose: Pose = Field(title="Pose", description="Where the camera looks at this preset.")
    onvif_token: OnvifToken | None = Field(
        default=None,
        title="ONVIF token",
        description="The camera's own name of this preset, as its ONVIF service gives it (often a number). A "
        "preset without one is never recognised.",
        examples=["1"],
    )


class Mask(Section):
    """A part of the picture treated differently."""

    kind: Literal["ignore", "private"] = Field(
        title="Kind",
        description="ignore: nothing whose centre lies here is reported (a permitted chimney). "
        "private: the pixels are blacked out before anything looks at or stores them (homes).",
    )
    name: Name = Field(default="mask", title="Name", description="Why the mask is there.")
    preset: Identifier | None = Field(
        default=None,
        title="Preset",
        description="The preset it belongs to; without one, every view of the camera.",
    )
    polygon: tuple[tuple[Share, Share], ...] = Field(
        min_length=3,
        max_length=200,
        title="Polygon",
        description="Corners as [x, y] shares of the frame, 0..1 from the left and from the top.",
    )


class PlayUrl(Section):
    """How a gateway (GB/T 28181) is asked for the address of a channel, for sources `play+https://...`."""

    method: Literal["GET", "POST"] = Field(
        default="GET", title="Method", description="HTTP method of the question."
    )
    token: SecretStr | None = Field(
        default=None,
        title="Token",
        description="Sent as `Authorization: Bearer`; write ${NAME} or ${file:PATH}.",
    )
    path: str = Field(
        default="data.flv",
        pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$",
        title="Path",
        description="Where in the JSON answer the play URL stands, keys joined by dots.",
    )

    @field_validator("token", mode="before")
    @classmethod
    def _resolve(cls, value: object, info: ValidationInfo) -> object:
        return resolved(value, info)


class StreamSettings(Section):
    """How the pictures are fetched and decoded."""

    kind: Literal["auto", "stream", "snapshot", "mjpeg"] = Field(
        default="auto",
        title="Kind",
        description="What an http(s):// source sends. auto: a path that ends in .flv or .m3u8 is a stream "
        "(HTTP-FLV, HLS), any other a snapshot, asked for at each look; mjpeg: one endless answer.",
    )
    transport: Literal["tcp", "udp"] = Field(
        default="tcp",
        title="Transport",
        description="How RTSP carries its packets; udp only where a camera cannot do tcp (lost packets "
        "damage pictures).",
    )
    looks_from: Literal["main", "sub"] = Field(
        default="main",
        title="Looks from",
        description="Which stream the detector watches: the main one (source), or the smaller one "
        "(sub_source), which costs less and shows distant smoke worse.",
    )
    play_url: PlayUrl = Field(
        default=PlayUrl(), title="Play URL", description="How a gateway is asked for a play URL."
    )

    decoder: Literal["pyav", "opencv"] = Field(
        default="pyav",
        title="Decoder",
        description="pyav decodes key frames only on patrol looks (least CPU); opencv decodes every "
        "frame, for cameras "
        "that PyAV cannot read.",
    )
    open_timeout_s: float = Field(
        default=10.0,
        ge=0.5,
        le=120,
        title="Open time-out",
        description="Seconds to wait for the camera to answer.",
    )
    read_timeout_s: float = Field(
        default=10.0,
        ge=0.5,
        le=120,
        title="Read time-out",
        description="Seconds without a packet before reconnecting.",
    )
    stale_after_s: float = Field(
        default=30.0,
        ge=1,
        le=3600,
        title="Stale after",
        description="Seconds without a picture until the camera is stale.",
    )
    retry_max_s: float = Field(
        default=30.0,
        ge=0.1,
        le=600,
        title="Longest pause",
        description="Seconds, the longest pause between reconnections.",
    )


class Camera(Section):
    """One video channel on a mast."""

    id: Identifier = Field(title="Camera id", description="Stable machine name, unique in the deployment.")
    name: Name = Field(title="Name", description="What operators call the camera.")
    source: SecretSource = Field(
        title="Source",
        description="rtsp(s):// URL; http(s):// URL of a snapshot, an HTTP-FLV or an HLS stream; "
        "play+http(s):// address of a gateway that is asked for such a URL; or the path of a video file or "
        "of a folder of time-stamped pictures (relative paths start at this file). ${NAME} and ${file:PATH} "
        "stand for secrets; values put into a URL are percent-encoded for you.",
        examples=["rtsp://viewer:${CAMERA_PASSWORD}@10.2.0.11:554/Streaming/Channels/101"],
    )
    sub_source: SecretSource | None = Field(
        default=None,
        title="Sub stream",
        description="The camera's smaller second stream, if it has one; see stream.looks_from.",
    )
    channel_id: str | None = Field(
        default=None,
        pattern=r"^\d{20}$",
        title="Channel id",
        description="The camera's 20-digit GB/T 28181 channel; {channel_id} in a play+https:// source "
        "stands for it.",
        examples=["34020000001320000001"],
    )
    lat_deg: float = Field(
        ge=-90, le=90, title="Latitude", description="WGS 84 latitude of the mast, degrees north."
    )
    lon_deg: float = Field(
        ge=-180,
        le=180,
        title="Longitude",
        description="WGS 84 longitude of the mast, degrees east. For coordinates read off a Chinese web map "
        "add `datum: gcj02`; `datum: cgcs2000` is taken as WGS 84.",
    )
    ground_height_m: float | None = Field(
        default=None,
        ge=-500,
        le=9000,
        title="Ground height",
        description="Height of the mast's foot in the terrain model's datum, metres; without it, taken "
        "from the terrain. For a GNSS (ellipsoidal) height give `ground_height_gnss_m` and `geoid_height_m`.",
    )
    mast_height_m: float = Field(
        ge=0, le=500, title="Mast height", description="Height of the lens above the ground, metres."
    )
    pose: Pose = Field(title="Pose", description="Where the camera looks when it stands at no preset.")
    lens: LensSettings = Field(default=LensSettings(), title="Lens", description="Distortion.")
    zoom_table: tuple[tuple[float, float], ...] = Field(
        default=(),
        max_length=100,
        title="Zoom table",
        description="Measured [zoom, horizontal field of view in degrees] of a zoom lens, so that a pose may "
        "give `zoom` instead of `hfov_deg`.",
    )
    presets: tuple[Preset, ...] = Field(
        default=(), max_length=300, title="Presets", description="Views of a pan-tilt-zoom camera."
    )
    ptz: PtzSettings | None = Field(
        default=None,
        title="Pan-tilt-zoom",
        description="How a turning camera is asked where it stands. Without it all its pictures are taken to "
        "be of one view.",
    )
    masks: tuple[Mask, ...] = Field(
        default=(), max_length=100, title="Masks", description="Parts treated differently."
    )
    stream: StreamSettings = Field(
        default=StreamSettings(), title="Stream", description="Fetching and decoding."
    )
    health: HealthSettings | None = Field(
        default=None, title="Health", description="What differs from the deployment's health section."
    )
    profile: Literal["sensitive", "balanced", "quiet"] | None = Field(
        default=None,
        title="Profile",
        description="How eager the detector is on this camera; without it, as the detector section says.",
    )
    watched_by: Literal["centre", "box"] = Field(
        default="centre",
        title="Watched by",
        description="box: by a worker on a hill box, which posts to the centre (`firewatch worker`); the "
        "centre's own workers leave the camera alone.",
    )
    enabled: bool = Field(
        default=True, title="Enabled", description="False: kept in the file, but not watched."
    )

    @model_validator(mode="before")
    @classmethod
    def _in_our_systems(cls, data: Any) -> Any:
        return in_our_systems(data)

    @field_validator("source", "sub_source")
    @classmethod
    def _check_source(cls, source: SecretSource | None, info: ValidationInfo) -> SecretSource | None:
        if source is None or source.scheme in SOURCE_SCHEMES:
            return source
        if source.scheme:
            raise PydanticCustomError(
                "source_scheme",
                "sources of the kind '{scheme}://' cannot be read",
                {
                    "scheme": source.scheme,
                    "mend": "use rtsp://, rtsps://, http://, https://, play+https://, or the path of a "
                    "video file or folder",
                },
            )
        surroundings = surroundings_of(info)
        if surroundings is None:
            return source
        path = surroundings.path(Path(source.reveal()))
        if not path.exists():
            raise PydanticCustomError(
                "source_path",
                "there is no file or folder {path}",
                {"path": str(path), "mend": "correct the path (relative paths start at the deployment file)"},
            )
        return SecretSource(str(path))

    @model_validator(mode="after")
    def _presets_have_ids_of_their_own(self) -> Self:
        ids = [preset.id for preset in self.presets]
        twice = next((id_ for id_ in ids if ids.count(id_) > 1), None)
        if twice is not None:
            raise PydanticCustomError(
                "duplicate_preset",
                "the preset id '{id}' is used more than once",
                {"id": twice, "mend": "give each preset of a camera its own id"},
            )
        return self

    @model_validator(mode="after")
    def _presets_can_be_recognised(self) -> Self:
        tokens = [preset.onvif_token for preset in self.presets if preset.onvif_token is not None]
        twice = next((token for token in tokens if tokens.count(token) > 1), None)
        if twice is not None:
            raise PydanticCustomError(
                "duplicate_onvif_token",
                "two presets have the ONVIF token '{token}'",
                {"token": twice, "mend": "give each preset the token that the camera itself has for it"},
            )
        if self.ptz is not None and not tokens:
            raise PydanticCustomError(
                "ptz_without_presets",
                "the camera is asked where it stands, but no preset has an onvif_token to compare with",
                {"mend": "give onvif_token in at least one preset, or take the ptz section out"},
            )
        return self

    @model_validator(mode="after")
    def _masks_name_presets_of_this_camera(self) -> Self:
        known = {preset.id for preset in self.presets}
        for mask in self.masks:
            if mask.preset is not None and mask.preset not in known:
                raise PydanticCustomError(
                    "mask_preset",
                    "the mask '{mask}' names the preset '{preset}', which this camera does not have",
                    {"mask": mask.name, "preset": mask.preset, "mend": "add the preset or correct the mask"},
                )
        return self

    @model_validator(mode="after")
    def _names_what_its_source_needs(self) -> Self:
        if self.stream.looks_from == "sub" and self.sub_source is None:
            raise PydanticCustomError(
                "sub_source",
                "looks are to be made from the sub stream, but there is none",
                {"mend": "give sub_source, or leave stream.looks_from out"},
            )
        if "{channel_id}" in self.watched_source.reveal() and self.channel_id is None:
            raise PydanticCustomError(
                "channel_id",
                "the source asks for the channel id, but there is none",
                {"mend": "give channel_id (20 digits)"},
            )
        return self

    @property
    def watched_source(self) -> SecretSource:
        """The stream that the detector watches."""
        if self.stream.looks_from == "sub" and self.sub_source is not None:
            return self.sub_source
        return self.source

    def pose_at(self, preset: str | None) -> Pose:
        """The pose at a preset; `None` or an unknown preset gives the camera's own pose."""
        return next((candidate.pose for candidate in self.presets if candidate.id == preset), self.pose)
