"""What the centre needs: storage, the console."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from config.base import Section
from config.secrets import SecretSource, resolved
from config.sign_on import SingleSignOn


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
    oidc: SingleSignOn | None = Field(
        default=None,
        title="Single sign-on",
        description="The organisation's OpenID Connect provider, if people sign in through it.",
    )
    port: int = Field(
        default=8080, ge=0, le=65535, title="Port", description="TCP port; 0 takes a free one and prints it."
    )
