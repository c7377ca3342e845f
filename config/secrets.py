"""Secrets in a deployment file: written as references, resolved at load, shown to nobody.

A secret field may hold `${NAME}` (environment variable; `${NAME:-DEFAULT}` with a default) or
`${file:PATH}` (contents of a file without its trailing newline; a relative path starts at the deployment
file). The resolved value is reached only through `reveal()` / `get_secret_value()`; `str`, `repr` and JSON
show it redacted.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from config.surroundings import Surroundings, surroundings_of

_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def redact_url(url: str) -> str:
    """`url` without user, password and query values; a URL that cannot be read is hidden whole.

    >>> redact_url("rtsp://admin:s3cret@10.2.0.11:554/Streaming/101?token=abc&q=1")
    'rtsp://***@10.2.0.11:554/Streaming/101?token=***&q=***'
    >>> redact_url("videos/near.mp4")
    'videos/near.mp4'
    >>> redact_url("sqlite:///var/firewatch.db")
    'sqlite:///var/firewatch.db'
    """
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is the check: a '/' or '#' in a password makes a false port
    except ValueError:
        return "***"
    if "://" not in url:
        return url
    host = parts.netloc.rpartition("@")
    netloc = f"***@{host[2]}" if host[1] else parts.netloc
    if "@" in parts.path or "@" in parts.query or "@" in parts.fragment:  # an unescaped password leaked there
        return f"{parts.scheme}://***"
    query = (
        re.sub(r"(?<==)[^&]*", "***", parts.query) if "=" in parts.query else ("***" if parts.query else "")
    )
    return f"{parts.scheme}://{netloc}{parts.path}" + (f"?{query}" if query else "")


def resolve_references(text: str, surroundings: Surroundings) -> str:
    """`text` with every `${...}` replaced. Raises PydanticCustomError naming the reference, never a value.

    Where a URL's user and password stand (before its '@') values are percent-encoded: a password may hold
    any character.
    """
    user_info_ends = text.rfind("@") if "://" in text else -1

    def replacement(match: re.Match[str]) -> str:
        value = _referred(match[1], surroundings)
        return quote(value, safe="") if match.start() < user_info_ends else value

    return _REFERENCE.sub(replacement, text)


def resolved(value: object, info: ValidationInfo) -> object:
    """For `field_validator(..., mode="before")`: references in a text are replaced, anything else is left."""
    surroundings = surroundings_of(info)
    if isinstance(value, str) and surroundings is not None:
        return resolve_references(value, surroundings)
    return value


def _referred(reference: str, surroundings: Surroundings) -> str:
    if reference.startswith("file:"):
        path = surroundings.folder / reference.removeprefix("file:")
        try:
            return path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            raise PydanticCustomError(
                "secret_file",
                "the secret file {path} cannot be read: {reason}",
                {
                    "path": str(path),
                    "reason": reason,
                    "mend": "create it, readable by the user who runs firewatch",
                },
            ) from None
    name, has_default, default = reference.partition(":-")
    if not _VARIABLE.match(name):
        raise PydanticCustomError(
            "secret_reference",
            "'${{{reference}}}' is not a reference",
            {"reference": name, "mend": "write ${NAME} for a variable or ${file:PATH} for a file"},
        )
    if name in surroundings.environment:
        return surroundings.environment[name]
    if has_default:
        return default
    raise PydanticCustomError(
        "secret_variable",
        "the environment variable {name} is not set",
        {"name": name, "mend": f"export {name}=... before starting, or use ${{file:PATH}}"},
    )


class SecretSource:
    """A URL or path that may hold a password. `reveal()` gives it whole; everything else is redacted.

    >>> source = SecretSource("rtsp://admin:s3cret@10.2.0.11/live")
    >>> source
    SecretSource('rtsp://***@10.2.0.11/live')
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value with its secrets, to open a connection with; never log it."""
        return self._value

    @property
    def scheme(self) -> str:
        """Lower-case URL scheme, or "" for a path.

        >>> SecretSource("RTSP://10.2.0.11/live").scheme
        'rtsp'
        """
        head, separator, _ = self._value.partition("://")
        return head.lower() if separator else ""

    def __str__(self) -> str:
        return redact_url(self._value)

    def __repr__(self) -> str:
        return f"SecretSource({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretSource) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    @classmethod
    def _validate(cls, value: Any, info: ValidationInfo) -> SecretSource:
        if isinstance(value, SecretSource):
            return value
        if not isinstance(value, str) or not value.strip():
            raise PydanticCustomError("secret_type", "must be a text that is not empty", {})
        surroundings = surroundings_of(info)
        if surroundings is None:
            return cls(value)
        return cls(resolve_references(value, surroundings))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            cls._validate, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "minLength": 1}
