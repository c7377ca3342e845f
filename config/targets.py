"""Who is told: receivers of alerts (machines), people and the ways to reach them, the daily drill."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from config.base import Identifier, Name, Section
from config.secrets import SecretSource, resolved
from config.surroundings import existing_file

Hears = Literal["incidents", "cameras", "trouble"]

PEOPLE = "people"
"""Under this id people have their messages."""

_SCHEMES = ("http", "https", "mqtt", "mqtts")


class BasicAuth(Section):
    """User and password of the receiver (HTTP basic authentication, or the MQTT broker's)."""

    user: str = Field(min_length=1, max_length=200, title="User", description="User name at the receiver.")
    password: SecretStr = Field(
        min_length=1, title="Password", description="Its password; write ${NAME} or ${file:PATH}."
    )

    @field_validator("user", "password", mode="before")
    @classmethod
    def _resolve(cls, value: object, info: ValidationInfo) -> object:
        return resolved(value, info)


class Tls(Section):
    """Certificates, when the system's own are not enough (mutual TLS, a private authority)."""

    authority: Path | None = Field(
        default=None,
        title="Authority",
        description="PEM file of the authority that signed the receiver's certificate; without it, those of "
        "the system (relative paths start at this file).",
    )
    certificate: Path | None = Field(
        default=None,
        title="Certificate",
        description="PEM file of our own certificate (mutual TLS), with its chain.",
    )
    key: Path | None = Field(
        default=None, title="Key", description="PEM file of the key of `certificate`, without a password."
    )

    @field_validator("authority", "certificate", "key")
    @classmethod
    def _check_file(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        return existing_file(path, info)

    @model_validator(mode="after")
    def _key_belongs_to_certificate(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise PydanticCustomError(
                "tls", "needs both 'certificate' and 'key', or neither", {"mend": "add the missing one"}
            )
        return self


class DispatchTarget(Section):
    """A receiver of alerts."""

    id: Identifier = Field(title="Target id", description="Stable machine name, unique in the deployment.")
    name: Name = Field(title="Name", description="What operators call the receiver.")
    enabled: bool = Field(
        default=True,
        title="Enabled",
        description="false: hears of no new fire, and nothing is sent; what waits for it is kept.",
    )
    url: str = Field(
        repr=False,  # the robots of chat platforms have their key in it
        title="URL",
        description="http:// or https:// address the alert is posted to, or mqtt://HOST:PORT/TOPIC (mqtts:// "
        "with TLS), without user and password; ${NAME} stands for an environment variable.",
        examples=[
            "https://dispatch.example.gov.cn/api/alerts",
            "mqtts://broker.example:8883/firewatch/alerts",
        ],
    )
    format: Literal["json", "cap", "geojson", "template"] = Field(
        default="json",
        title="Format",
        description="json: our own message; cap: CAP 1.2 XML; geojson: a FeatureCollection; template: as the "
        "file in `template` says.",
    )
    template: Path | None = Field(
        default=None,
        title="Template",
        description="Jinja file that makes the body from `alert` (format: template).",
    )
    media_type: str = Field(
        default="application/json",
        pattern=r"^[\w.+-]+/[\w.+-]+(; *charset=[\w-]+)?$",
        title="Media type",
        description="Content-Type of what the template makes.",
    )
    secret: SecretStr | None = Field(
        default=None,
        min_length=8,
        title="Secret",
        description="Key of the HMAC signature, at least 8 characters; write ${NAME} or ${file:PATH}.",
    )
    bearer: SecretStr | None = Field(
        default=None,
        min_length=8,
        title="Bearer token",
        description="Sent as 'Authorization: Bearer ...'; write ${NAME} or ${file:PATH}.",
    )
    basic: BasicAuth | None = Field(
        default=None, title="Basic", description="User and password of the receiver."
    )
    tls: Tls | None = Field(default=None, title="TLS", description="Certificates of our own or theirs.")
    from_stage: Literal["notify", "dispatch"] = Field(
        default="notify",
        title="From stage",
        description="`notify`: hears of every incident that is told outside; `dispatch`: only of those "
        "that are dispatched.",
    )
    timeout_s: float = Field(
        default=10.0,
        ge=0.5,
        le=120,
        title="Time-out",
        description="Seconds to wait for the receiver's answer.",
    )
    heartbeat: bool = Field(
        default=False,
        title="Heartbeat",
        description="Tell this receiver every minute that the centre is alive.",
    )
    notices: bool = Field(
        default=False,
        title="Notices",
        description="Send notices too: a camera is blind, an alert could not be delivered.",
    )

    @field_validator("id")
    @classmethod
    def _leave_the_people_theirs(cls, id_: str) -> str:
        if id_ == PEOPLE:
            raise PydanticCustomError(
                "target_id",
                "'{id}' is taken: people have their messages under it",
                {"id": id_, "mend": "choose another"},
            )
        return id_

    @field_validator("url", "secret", "bearer", mode="before")
    @classmethod
    def _resolve(cls, value: object, info: ValidationInfo) -> object:
        return resolved(value, info)

    @field_validator("template")
    @classmethod
    def _check_file(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        return existing_file(path, info)

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            usable = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise PydanticCustomError(
                "target_url",
                "is not an http://, https://, mqtt:// or mqtts:// address",
                {"mend": "for example https://host/api/alerts or mqtts://host:8883/firewatch/alerts"},
            )
        if "@" in url.partition("://")[2].partition("/")[0]:
            raise PydanticCustomError(
                "target_url",
                "carries a user or password",
                {"mend": "leave them out; 'secret', 'bearer', 'basic' or 'tls' say who we are"},
            )
        topic = parts.path.strip("/")
        if parts.scheme.startswith("mqtt") and (not topic or "+" in topic or "#" in topic):
            raise PydanticCustomError(
                "target_url",
                "names no topic to publish to",
                {"mend": "add it as the path, without + and #: mqtts://host:8883/firewatch/alerts"},
            )
        return url

    @model_validator(mode="after")
    def _parts_belong_together(self) -> Self:
        if (self.format == "template") != (self.template is not None):
            raise PydanticCustomError(
                "target_template",
                "'template' and 'format: template' go together",
                {"mend": "give both, or neither"},
            )
        if not any((self.secret, self.bearer, self.basic, self.tls and self.tls.certificate)) and (
            self.format != "template"  # the robots of chat platforms have their key in the URL
        ):
            raise PydanticCustomError(
                "target_secret",
                "the receiver cannot know that alerts come from us",
                {"mend": "add 'secret' (HMAC signature), 'bearer', 'basic' or 'tls' with a certificate"},
            )
        if self.is_mqtt and self.bearer is not None:
            raise PydanticCustomError(
                "target_bearer", "MQTT has no bearer tokens", {"mend": "use 'basic', 'secret' or 'tls'"}
            )
        return self

    @property
    def is_mqtt(self) -> bool:
        return self.url.startswith("mqtt")


class Gateway(Section):
    """A way to reach people: an Apprise URL (WeCom, DingTalk, Feishu, e-mail, SMS and many more)."""

    id: Identifier = Field(title="Gateway id", description="What `channels` of people and contacts name.")
    url: SecretSource = Field(
        title="URL",
        description="Apprise URL; {address} stands for the person's address. Write ${NAME} or ${file:PATH} "
        "for what is secret.",
        examples=["mailtos://user:${MAIL_PASSWORD}@smtp.example.cn?from=firewatch@example.cn&to={address}"],
    )


class Person(Section):
    """Somebody who is told by name, whatever the grid."""

    id: Identifier = Field(title="Person id", description="Stable machine name, unique in the deployment.")
    name: Name = Field(title="Name", description="What colleagues call them.")
    channels: dict[Identifier, Annotated[str, Field(max_length=300)]] = Field(
        min_length=1,
        title="Channels",
        description="Gateway id to address (telephone number, user id, e-mail); '' for a group robot.",
    )
    hears: tuple[Hears, ...] = Field(
        default=("incidents",),
        min_length=1,
        title="Hears",
        description="incidents: every alert; cameras: cameras that do not see; trouble: alerts that could "
        "not be delivered, a drill that failed.",
    )

    @field_validator("channels", mode="before")
    @classmethod
    def _resolve(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, dict):
            return {key: resolved(one, info) for key, one in value.items()}
        return value


class Notify(Section):
    """How people are told."""

    gateways: tuple[Gateway, ...] = Field(
        default=(), max_length=50, title="Gateways", description="The ways to reach people."
    )
    people: tuple[Person, ...] = Field(
        default=(), max_length=500, title="People", description="Who is told, besides the contacts of grids."
    )
    most_per_10_min: int = Field(
        default=10,
        ge=1,
        le=600,
        title="Most messages",
        description="So many messages a person gets within ten minutes; what comes faster arrives as one.",
    )

    @model_validator(mode="after")
    def _channels_have_gateways(self) -> Self:
        known = sorted(gateway.id for gateway in self.gateways)
        for person in self.people:
            if missing := sorted(set(person.channels) - set(known)):
                raise PydanticCustomError(
                    "gateway",
                    "'{person}' has a channel '{channel}', but there is no such gateway",
                    {
                        "person": person.id,
                        "channel": missing[0],
                        "mend": "add it to notify.gateways; there are: " + (", ".join(known) or "none"),
                    },
                )
        return self


class Drill(Section):
    """An exercise sighting sent through the whole chain every day."""

    camera: Identifier = Field(title="Camera", description="Id of the camera that is said to see the fire.")
    at: time = Field(
        title="Time of day", description="When, in the deployment's time zone.", examples=["09:00"]
    )

    @field_validator("at", mode="before")
    @classmethod
    def _read_yaml_time(cls, value: object) -> object:
        """YAML reads 10:30 without quotes as the number 630."""
        if isinstance(value, int) and 0 <= value < 24 * 60:
            return f"{value // 60:02d}:{value % 60:02d}"
        return value
