"""A deployment as it may be shown: every option that is in force, and no secret.

Of what is declared a secret nothing is left; of an address with a host of its own (`SecretSource`: cameras,
notification services, databases) only the scheme, because a notification service's host may be its token; of
other addresses scheme and host, because a receiver's path may be one.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr
from pydantic_core import to_jsonable_python

from config.deployment import Deployment
from config.secrets import SecretSource, redact_url
from config.targets import Person

HIDDEN = "***"


def outline(deployment: Deployment) -> dict[str, Any]:
    """All options as JSON values, with the defaults that the file does not name."""
    told: dict[str, Any] = _told(deployment)
    return told


def _told(value: Any) -> Any:
    if isinstance(value, Person):  # an address may be a robot's token
        value = value.model_copy(update={"channels": dict.fromkeys(value.channels, HIDDEN)})
    if isinstance(value, BaseModel):
        return {name: _told(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {str(name): _told(one) for name, one in value.items()}
    if isinstance(value, (tuple, list, set, frozenset)):
        return [_told(one) for one in value]
    return _told_one(value)


def _told_one(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, SecretSource):
        return _scheme_of(value)
    if isinstance(value, str) and "://" in value:
        return host_of(value)
    return to_jsonable_python(value)


def _scheme_of(source: SecretSource) -> str:
    """
    >>> _scheme_of(SecretSource("rtsp://10.2.0.11/live")), _scheme_of(SecretSource("videos/near.mp4"))
    ('rtsp://***', 'videos/near.mp4')
    >>> _scheme_of(SecretSource("sqlite:///var/firewatch.db"))
    'sqlite:///var/firewatch.db'
    """
    if not source.scheme or source.reveal().startswith(f"{source.scheme}:///"):
        return str(source)
    return f"{source.scheme}://{HIDDEN}"


def host_of(url: str) -> str:
    """
    >>> host_of("https://dispatch.example/hooks/T0KEN?key=1"), host_of("https://firewatch.example")
    ('https://dispatch.example/***', 'https://firewatch.example')
    """
    shown = redact_url(url)
    parts = urlsplit(shown)
    rest = f"/{HIDDEN}" if parts.path.strip("/") or parts.query or parts.fragment else ""
    return f"{parts.scheme}://{parts.netloc}{rest}"
