"""One HTTP POST of one message: authentication, signing, time-outs, and what the answer means."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from alerting.store import utc_now
from alerting.targets.line import Answer, Clock, Outcome, Parcel, Target, envelope, shortened, tls_context

_LARGEST_ANSWER_BYTES = 64 * 1024
_RETRY_STATUS = frozenset({408, 421, 425, 429})
"""Client errors that the same bytes may survive later."""


class HttpLine:
    """Posts to one target over one kept connection. Not shared between threads."""

    def __init__(self, target: Target, clock: Clock = utc_now) -> None:
        self._target = target
        self._clock = clock
        secure = target.url.startswith("https")
        basic = target.basic
        # trust_env=False: a proxy that happens to be in the environment must not decide about alarms.
        self._client = httpx.Client(
            timeout=target.timeout_s,
            follow_redirects=False,
            trust_env=False,
            verify=tls_context(target.tls) if secure else False,
            auth=httpx.BasicAuth(basic.user, basic.password.get_secret_value()) if basic else None,
            headers={"User-Agent": "firewatch"},
        )

    def close(self) -> None:
        self._client.close()

    def send(self, parcel: Parcel) -> Answer:
        """Post it. Never raises for anything the network or the receiver does."""
        now = self._clock()
        headers = {"Content-Type": parcel.media_type, **envelope(self._target, parcel, now)}
        if self._target.bearer is not None:
            headers["Authorization"] = f"Bearer {self._target.bearer.get_secret_value()}"
        try:
            with self._client.stream(
                "POST", self._target.url, content=parcel.body, headers=headers
            ) as response:
                # An answer cut short is no acknowledgement: the receiver may have died while keeping it.
                text = self._read(response)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            reason = shortened(f"no connection: {error or type(error).__name__}")
            return Answer(Outcome.RETRY, reason, may_have_arrived=False)
        except httpx.TimeoutException:
            return Answer(Outcome.RETRY, f"no answer within {self._target.timeout_s:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            return Answer(Outcome.RETRY, shortened(f"{type(error).__name__}: {error}"))
        return _judge(response, text, now)

    def _read(self, response: httpx.Response) -> str:
        """The answer's text; a receiver that drips it may not hold us for longer than the time-out."""
        deadline = time.monotonic() + self._target.timeout_s
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
    reason = shortened(f"HTTP {status}: {text.strip()}" if text.strip() else f"HTTP {status}")
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
