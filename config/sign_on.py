"""Signing in through the organisation's own identity provider (OpenID Connect)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from config.base import Name, Section
from config.secrets import resolved
from config.surroundings import existing_file

Role = Literal["viewer", "operator", "supervisor", "admin"]
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class SingleSignOn(Section):
    """An OpenID Connect provider. Local accounts go on beside it; needs the `oidc` extra."""

    issuer: str = Field(
        pattern=r"^https?://[^/@?#]+(/[^@?#]*)?$",
        title="Issuer",
        description="The provider's issuer address, as in its /.well-known/openid-configuration.",
        examples=["https://sso.example.gov.cn/realms/forest"],
    )
    client_id: str = Field(min_length=1, max_length=200, title="Client id", description="Ours, over there.")
    client_secret: SecretStr | None = Field(
        default=None,
        min_length=1,
        title="Client secret",
        description="For a confidential client; write ${NAME} or ${file:PATH}.",
    )
    label: Name = Field(
        default="统一身份认证",
        title="Label",
        description="What the button on the log-in page calls the provider.",
    )
    scopes: str = Field(
        default="openid profile",
        pattern=r"^openid( [\x21-\x7e]+)*$",
        title="Scopes",
        description="What is asked for, separated by spaces; begins with openid.",
    )
    username_claim: str = Field(
        default="preferred_username",
        min_length=1,
        max_length=100,
        title="User name claim",
        description="Claim of the ID token that becomes the user name at the first log-in.",
    )
    role_claim: str = Field(
        default="roles",
        min_length=1,
        max_length=200,
        title="Role claim",
        description="Claim with the person's roles or groups, a text or a list of them; dots lead into "
        "objects (realm_access.roles).",
    )
    roles: dict[str, Role] = Field(
        min_length=1,
        max_length=100,
        title="Roles",
        description="Values of that claim and the role here that each stands for; the highest counts, and "
        "who has none does not get in.",
        examples=[{"forest-duty": "operator", "forest-admin": "admin"}],
    )
    authority: Path | None = Field(
        default=None,
        title="Authority",
        description="Certificates (PEM) to trust instead of the system's (relative paths start at "
        "this file).",
    )

    @field_validator("client_id", "client_secret", mode="before")
    @classmethod
    def _resolve(cls, value: object, info: ValidationInfo) -> object:
        return resolved(value, info)

    @field_validator("authority")
    @classmethod
    def _from_the_file(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        return existing_file(path, info)

    @model_validator(mode="after")
    def _keep_codes_secret(self) -> Self:
        parts = urlsplit(self.issuer)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise PydanticCustomError(
                "oidc_issuer",
                "an http:// issuer shows who signs in to everybody on the way",
                {"mend": "write the provider's https:// address"},
            )
        return self
