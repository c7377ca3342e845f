"""One HTTP POST of one alert: signing, time-outs, and what the answer means. No store, no retries here."""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto

import httpx
from pydantic import SecretStr

_LONGEST_REASON = 300
_LARGEST_ANSWER_BYTES = 64 * 1024
_RETRY_STATUS = frozenset({408, 429})


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


def signature(secret: SecretStr, timestamp: str, body: bytes) -> str:
    """The value of X-Firewatch-Signature; receivers compute the same over header and raw body.

    >>> signature(SecretStr("key"), "1700000000", b"{}")[:23]
    'sha256=9d713ed406bb7076'
    """
    key = secret.get_secret_value().encode()
    return "sha256=" + hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class Poster:
    """Posts to one target over one kept connection. Not shared between threads."""

    def __init__(self, url: str, secret: SecretStr, timeout_s: float) -> None:
        self._url = url
        self._secret = secret
        self._timeout_s = timeout_s
        # trust_env=False: a proxy that happens to be in the environment must not decide about alarms.
        self._client = httpx.Client(timeout=timeout_s, follow_redirects=False, trust_env=False)

    def close(self) -> None:
        self._client.close()

    def post(self, body: bytes, *, idempotency_key: str, now: datetime) -> Answer:
        """Never raises for anything the network or the receiver does."""
        timestamp = str(int(now.timestamp()))
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": idempotency_key,
            "X-Firewatch-Timestamp": timestamp,
            "X-Firewatch-Signature": signature(self._secret, timestamp, body),
        }
        try:
            with self._client.stream("POST", self._url, content=body, headers=headers) as response:
                # An answer cut short is no acknowledgement: the receiver may have died while keeping it.
                text = self._read(response)
        except httpx.TimeoutException:
            return Answer(Outcome.RETRY, f"no answer within {self._timeout_s:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            return Answer(Outcome.RETRY, _shortened(f"{type(error).__name__}: {error}"))
        return _judge(response, text, now)

    def _read(self, response: httpx.Response) -> str:
        """The answer's text; a receiver that drips it may not hold us for longer than the time-out."""
        deadline = time.monotonic() + self._timeout_s
        answer = bytearray()
        for chunk in response.iter_raw():
            answer += chunk
            if len(answer) > _LARGEST_ANSWER_BYTES:
                break
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout("answer too slow")
        return answer.decode("utf-8", "replace")


def _judge(response: httpx.Response, text: str, now: datetime) -> Answer:
    status = response.status_code
    if 200 <= status < 300:
        return Answer(Outcome.ACKNOWLEDGED, f"HTTP {status}")
    reason = _shortened(f"HTTP {status}: {text.strip()}" if text.strip() else f"HTTP {status}")
    if 400 <= status < 500 and status not in _RETRY_STATUS:
        return Answer(Outcome.REFUSED, reason)
    return Answer(Outcome.RETRY, reason, _retry_after_s(response.headers.get("Retry-After"), now))


def _retry_after_s(value: str | None, now: datetime) -> float | None:
    """Seconds, from either form that RFC 9110 allows.

    >>> _retry_after_s("120", datetime(2026, 11, 24, tzinfo=UTC))
    120.0
    >>> _retry_after_s("Tue, 24 Nov 2026 00:01:00 GMT", datetime(2026, 11, 24, tzinfo=UTC))
    60.0
    >>> _retry_after_s("soon", datetime(2026, 11, 24, tzinfo=UTC)) is None
    True
    """
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def _shortened(reason: str) -> str:
    one_line = " ".join(reason.split())
    return one_line if len(one_line) <= _LONGEST_REASON else one_line[: _LONGEST_REASON - 1] + "…"
