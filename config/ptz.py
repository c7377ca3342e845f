"""How a pan-tilt-zoom camera is asked where it stands."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from config.base import Section
from config.secrets import SecretSource

PollS = Annotated[float, Field(ge=0.2, le=10)]
SettleS = Annotated[float, Field(ge=0, le=60)]
Tolerance = Annotated[float, Field(gt=0, le=0.5)]
OnvifToken = Annotated[str, Field(min_length=1, max_length=64)]
"""A name that the camera itself gave."""


class PtzSettings(Section):
    """A turning camera is asked over ONVIF at which of its presets it stands; nothing here turns it."""

    onvif: SecretSource = Field(
        title="ONVIF address",
        description="http(s):// URL of the camera's ONVIF device service, with user and password; "
        "${NAME} and ${file:PATH} stand for secrets.",
        examples=["http://viewer:${CAMERA_PASSWORD}@10.2.0.11/onvif/device_service"],
    )
    poll_s: PollS = Field(default=1.0, title="Asked every", description="Seconds between two questions.")
    settle_s: SettleS = Field(
        default=2.0,
        title="Settling time",
        description="Seconds after arrival at a preset during which pictures are not used (focus, exposure, "
        "swinging, the delay of the stream).",
    )
    tolerance: Tolerance = Field(
        default=0.01,
        title="Tolerance",
        description="How far the position may be off a preset's, in ONVIF's normalised units (pan and tilt "
        "-1..1, zoom 0..1), in each axis.",
    )
    profile: OnvifToken | None = Field(
        default=None,
        title="Media profile",
        description="Token of the ONVIF media profile whose PTZ is asked; without it, the first with one.",
    )

    @field_validator("onvif")
    @classmethod
    def _is_a_web_address(cls, onvif: SecretSource) -> SecretSource:
        try:
            parts = urlsplit(onvif.reveal())
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
            usable = usable and "@" not in parts.path + parts.query + parts.fragment
        except ValueError:
            usable = False
        if not usable:
            raise PydanticCustomError(
                "onvif_address",
                "this is no address of an ONVIF service",
                {
                    "mend": "write http(s)://USER:${PASSWORD}@HOST/onvif/device_service; '/', '@' or '#' in "
                    "a password written out must be percent-encoded"
                },
            )
        return onvif
