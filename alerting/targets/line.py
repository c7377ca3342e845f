"""The small interface that every kind of target stands behind."""

from __future__ import annotations

import hashlib
import hmac
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from pathlib import Path
from typing import Literal, Protocol

from pydantic import SecretStr

from alerting.formats.origin import Kind

LONGEST_REASON = 300

Clock = Callable[[], datetime]


class Outcome(Enum):
    ACKNOWLEDGED = auto()
    RETRY = auto()
    REFUSED = auto()


@dataclass(frozen=True)
class Answer:
    """What became of one attempt. `reason` is safe to log and show."""

    outcome: Outcome
    reason: str
    retry_after_s: float | None = None
    may_have_arrived: bool = True
    """False: nothing can have reached the receiver (no connection), so it cannot know the bytes."""


@dataclass(frozen=True)
class Parcel:
    """One message ready to send."""

    key: str
    """The idempotency key."""
    kind: Kind
    body: bytes
    media_type: str
    late_s: float | None = None
    """How long the message has waited, when that is long."""


class Line(Protocol):
    """An open way to one target, used by one thread."""

    def send(self, parcel: Parcel) -> Answer:
        """Never raises for anything the network or the receiver does."""
        ...

    def close(self) -> None: ...


class BasicAuth(Protocol):
    @property
    def user(self) -> str: ...
    @property
    def password(self) -> SecretStr: ...


class Tls(Protocol):
    @property
    def authority(self) -> Path | None: ...
    @property
    def certificate(self) -> Path | None: ...
    @property
    def key(self) -> Path | None: ...


class Target(Protocol):
    """A receiver of alerts; `config.DispatchTarget` is one."""

    @property
    def id(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def is_mqtt(self) -> bool: ...
    @property
    def format(self) -> Literal["json", "cap", "geojson", "template"]: ...
    @property
    def template(self) -> Path | None: ...
    @property
    def media_type(self) -> str: ...
    @property
    def secret(self) -> SecretStr | None: ...
    @property
    def bearer(self) -> SecretStr | None: ...
    @property
    def basic(self) -> BasicAuth | None: ...
    @property
    def tls(self) -> Tls | None: ...
    @property
    def timeout_s(self) -> float: ...
    @property
    def heartbeat(self) -> bool: ...
    @property
    def notices(self) -> bool: ...


def signature(secret: SecretStr, timestamp: str, body: bytes) -> str:
    """The value of X-Firewatch-Signature; receivers compute the same over header and raw body.

    >>> signature(SecretStr("key"), "1700000000", b"{}")[:23]
    'sha256=9d713ed406bb7076'
    """
    key = secret.get_secret_value().encode()
    return "sha256=" + hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def envelope(target: Target, parcel: Parcel, now: datetime) -> dict[str, str]:
    """What accompanies the body: headers of HTTP, user properties of MQTT."""
    timestamp = str(int(now.timestamp()))
    about = {
        "Idempotency-Key": parcel.key,
        "X-Firewatch-Kind": parcel.kind,
        "X-Firewatch-Timestamp": timestamp,
    }
    if parcel.late_s is not None:
        about["X-Firewatch-Late-S"] = f"{parcel.late_s:.0f}"
    if target.secret is not None:
        about["X-Firewatch-Signature"] = signature(target.secret, timestamp, parcel.body)
    return about


def tls_context(tls: Tls | None) -> ssl.SSLContext:
    """What we trust, and the certificate we show. Raises OSError (ssl.SSLError among it) for unusable
    files."""
    context = ssl.create_default_context(cafile=str(tls.authority) if tls and tls.authority else None)
    if tls and tls.certificate:
        context.load_cert_chain(tls.certificate, tls.key)
    return context


def shortened(reason: str) -> str:
    one_line = " ".join(reason.split())
    return one_line if len(one_line) <= LONGEST_REASON else one_line[: LONGEST_REASON - 1] + "…"
