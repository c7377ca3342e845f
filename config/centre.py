"""What the centre needs: receivers of alerts, storage, the console."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from config.base import Identifier, Name, Section
from config.secrets import SecretSource, resolved


class DispatchTarget(Section):
    """A receiver of alerts."""

    id: Identifier = Field(title="Target id", description="Stable machine name, unique in the deployment.")
    name: Name = Field(title="Name", description="What operators call the receiver.")
    url: str = Field(
        title="URL",
        description="http:// or https:// address the alert is posted to, without user and password; "
        "${NAME} stands for an environment variable.",
        examples=["https://dispatch.example.gov.cn/api/alerts"],
    )
    secret: SecretStr = Field(
        min_length=8,
        title="Secret",
        description="Key of the HMAC signature, at least 8 characters; write ${NAME} or ${file:PATH}.",
    )
    timeout_s: float = Field(
        default=10.0,
        ge=0.5,
        le=120,
        title="Time-out",
        description="Seconds to wait for the receiver's answer.",
    )

    @field_validator("url", "secret", mode="before")
    @classmethod
    def _resolve(cls, value: object, info: ValidationInfo) -> object:
        return resolved(value, info)

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise PydanticCustomError(
                "target_url",
                "is not an http:// or https:// address",
                {"mend": "for example https://host/api/alerts"},
            )
        if "@" in url.partition("://")[2].partition("/")[0]:
            raise PydanticCustomError(
                "target_url",
                "carries a user or password",
                {"mend": "leave them out; requests are signed with 'secret' instead"},
            )
        return url


class Storage(Section):
    """Where incidents and evidence are kept. Relative paths start at the working directory."""

    database_url: SecretSource = Field(
        default=SecretSource("sqlite:///var/firewatch.db"),
        title="Database",
        description="SQLAlchemy URL: sqlite:///PATH, or postgresql+psycopg://USER:${NAME}@HOST/DATABASE.",
    )
    evidence: str = Field(
        default="var/evidence",
        min_length=1,
        title="Evidence",
        description="Folder for pictures, or any fsspec URL such as s3://bucket/prefix.",
    )

    @field_validator("evidence", mode="before")
    @classmethod
    def _resolve(cls, value: object, info: ValidationInfo) -> object:
        return resolved(value, info)

    @field_validator("database_url")
    @classmethod
    def _check_database(cls, url: SecretSource) -> SecretSource:
        if url.scheme.split("+")[0] not in ("sqlite", "postgresql"):
            raise PydanticCustomError(
                "database_url",
                "is not a database this program knows",
                {"mend": "write sqlite:///PATH or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"},
            )
        return url


class ConsoleSettings(Section):
    """The web console."""

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        title="Host",
        description="Address to listen on; 0.0.0.0 for every interface (then put TLS in front).",
    )
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/@?#]+(/[^@?#]*)?$",
        title="Public URL",
        description="How receivers of alerts reach the console, for links to evidence; without it, host "
        "and port.",
        examples=["https://firewatch.example.gov.cn"],
    )
    port: int = Field(
        default=8080, ge=0, le=65535, title="Port", description="TCP port; 0 takes a free one and prints it."
    )
