"""Live view: how many may watch, and how their browsers are reached."""

from __future__ import annotations

from typing import Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from config.base import Section
from config.secrets import resolved


class IceServer(Section):
    """A STUN or TURN server, for viewers behind address translation. An intranet needs none."""

    url: str = Field(
        pattern=r"^(stun|turns?):[^\s@/]+$",
        title="URL",
        description="stun:HOST:PORT, turn:HOST:PORT?transport=udp or turns:HOST:PORT.",
        examples=["turn:10.2.0.5:3478?transport=udp"],
    )
    username: str | None = Field(default=None, title="User", description="User of the TURN server.")
    credential: SecretStr | None = Field(
        default=None,
        title="Credential",
        description="Password of the TURN server; write ${NAME} or ${file:PATH}.",
    )

    @field_validator("username", "credential", mode="before")
    @classmethod
    def _resolve(cls, value: object, info: ValidationInfo) -> object:
        return resolved(value, info)


class LiveSettings(Section):
    """Live view in browsers. It opens camera connections of its own and never touches detection."""

    udp_first_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        title="First UDP port",
        description="First of the UDP ports video leaves from, one a viewer; 0 lets the system choose.",
    )
    udp_last_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        title="Last UDP port",
        description="Last of them, to be opened in the firewall together with the first.",
    )
    media_address: str | None = Field(
        default=None,
        title="Media address",
        description="The only address of this machine that video is sent from; without it, every address.",
        examples=["10.2.0.4"],
    )
    ice_servers: tuple[IceServer, ...] = Field(
        default=(),
        max_length=4,
        title="ICE servers",
        description="STUN and TURN servers; none are asked unless named here.",
    )
    viewers_per_camera: int = Field(
        default=8, ge=1, le=100, title="Viewers of one camera", description="Most at the same time."
    )
    viewers: int = Field(
        default=24, ge=1, le=1000, title="Viewers", description="Most at the same time over all cameras."
    )
    transcodes: int = Field(
        default=1,
        ge=0,
        le=32,
        title="Transcodes",
        description="Most cameras re-encoded at the same time (H.265, B-frames, private masks): about half a "
        "core each. Further ones are shown as single pictures.",
    )
    pictures_per_s: float = Field(
        default=4.0,
        gt=0,
        le=25,
        title="Pictures a second",
        description="Rate of the MJPEG fallback, where WebRTC cannot be used.",
    )

    @model_validator(mode="after")
    def _ports_are_a_range(self) -> Self:
        first, last = self.udp_first_port, self.udp_last_port
        if (first == 0) != (last == 0) or last < first:
            raise PydanticCustomError(
                "udp_ports",
                "udp_first_port and udp_last_port are no range of ports",
                {"mend": "give both, the first not above the last, or neither"},
            )
        return self
