"""Cameras that give one picture for each question: HTTP(S) snapshots, asked for as often as somebody looks.

Conditional requests (ETag, Last-Modified) make an unchanged picture cost next to nothing; it is no new
picture either, so a camera that answers "not modified" for ever goes stale. Redirects are followed; user
and password in the URL are used for digest or basic authentication, whichever the camera asks for. The
capture time is what `Last-Modified` says, if it can be trusted, else that of arrival.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

import httpx

from config import SecretSource
from streams.capture_clock import CaptureClock
from streams.errors import BadPicture, SourceRefused, SourceTimeout, SourceUnreachable, SourceUnreadable
from streams.frame import Frame
from streams.picture import decode_picture
from streams.source import Arrival, SourceCounts, pictures_of

LARGEST_PICTURE_BYTES = 32_000_000
MOST_REDIRECTS = 5
MOST_BAD_IN_A_ROW = 5
"""So many answers without a picture, and the connection counts as broken (the reader then backs off)."""


class SnapshotSource:
    """Pictures of an HTTP snapshot URL, one every `wanted_interval_s`."""

    def __init__(
        self,
        url: SecretSource,
        camera_id: str,
        *,
        open_timeout_s: float = 10.0,
        read_timeout_s: float = 10.0,
        wanted_interval_s: float = 2.0,
        clock: CaptureClock | None = None,
        sequence: Iterator[int] | None = None,
    ) -> None:
        self.camera_id = camera_id
        self.wanted_interval_s = wanted_interval_s
        self.counts = SourceCounts()
        self.clock = clock or CaptureClock()
        self._url = url
        self._timeout = httpx.Timeout(read_timeout_s, connect=open_timeout_s)
        self._longest_s = read_timeout_s
        self._sequence = sequence or count(1)
        self._client: httpx.Client | None = None
        self._unchanged: dict[str, str] = {}
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        parts = urlsplit(self._url.reveal())
        login = (unquote(parts.username or ""), unquote(parts.password or ""))
        self._plain_url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        self._login = login if any(login) else None
        self._client = httpx.Client(
            timeout=self._timeout, follow_redirects=True, max_redirects=MOST_REDIRECTS, trust_env=False
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        if self._client is not None:
            self._client.close()
            self._client = None

    def abandon(self) -> None:
        self._closed.set()

    def frames(self) -> Iterator[Frame]:
        return pictures_of(self.arrivals())

    def arrivals(self) -> Iterator[Arrival]:
        bad_in_a_row = 0
        while not self._closed.is_set():
            due_s = time.monotonic() + self.wanted_interval_s
            answer = self._ask()
            if answer is not None:
                content, camera_time = answer
                self.counts.packets += 1
                self.counts.bytes += len(content)
                captured_at = self.clock.stamp(camera_time, datetime.now(UTC))
                self.counts.clock_skew_s = self.clock.skew_s
                if content[:4] in (b"\x89PNG", b"RIFF") or content[:2] == b"\xff\xd8":
                    bad_in_a_row = 0
                    yield _Undecoded(self, content, captured_at)
                else:
                    bad_in_a_row += 1
                    self.counts.bad("the answer is no picture")
            if bad_in_a_row >= MOST_BAD_IN_A_ROW:
                raise SourceUnreadable(
                    f"{self._url} answers with something that is no picture; check its path"
                )
            self._wait(due_s)

    def decode(self, content: bytes, captured_at: datetime) -> Frame:
        try:
            image = decode_picture(content)
        except BadPicture as error:
            self.counts.bad(str(error))
            raise
        self.counts.decoded += 1
        return Frame(image, self.camera_id, captured_at, next(self._sequence))

    def _wait(self, due_s: float) -> None:
        """Until the next question; not asking is not silence of the camera."""
        while (left_s := due_s - time.monotonic()) > 0 and not self._closed.wait(min(1.0, left_s)):
            self.counts.last_packet_s = time.monotonic()

    def _ask(self) -> tuple[bytes, datetime | None] | None:
        """The picture and the camera's own time for it; None when it has not changed."""
        if self._client is None:
            raise RuntimeError("open the source first: `with source: ...`")
        try:
            response = self._get(self._client)
        except httpx.ConnectError as error:
            known = "Name or service not known" not in str(error) and "resolution" not in str(error)
            what = "nothing listens at" if known else "there is no host of this name:"
            raise SourceUnreachable(f"{what} {self._url}; check address, port and network") from None
        except httpx.TimeoutException:
            raise SourceTimeout(f"{self._url} did not answer within {self._longest_s:g} s") from None
        except httpx.TooManyRedirects:
            raise SourceRefused(f"{self._url} redirects in a circle; check its path") from None
        except httpx.HTTPError:
            raise SourceUnreadable(f"{self._url} does not answer as a web server does") from None
        self.counts.last_packet_s = time.monotonic()
        if response.status_code == 304:
            return None
        self._check(response)
        self.counts.last_packet_at = datetime.now(UTC)
        self._unchanged = {
            asks: response.headers[told]
            for asks, told in (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified"))
            if told in response.headers
        }
        return response.content, _http_time(response.headers.get("Last-Modified"))

    def _get(self, client: httpx.Client) -> httpx.Response:
        response = self._fetch(client)
        if response.status_code == 401 and self._login is not None and client.auth is None:
            asked = response.headers.get("WWW-Authenticate", "").lower()
            client.auth = (
                httpx.DigestAuth(*self._login) if "digest" in asked else httpx.BasicAuth(*self._login)
            )
            response = self._fetch(client)
        return response

    def _fetch(self, client: httpx.Client) -> httpx.Response:
        with client.stream("GET", self._plain_url, headers=self._unchanged) as response:
            content = bytearray()
            for part in response.iter_bytes():
                self.counts.last_packet_s = time.monotonic()
                content += part
                if len(content) > LARGEST_PICTURE_BYTES:
                    raise SourceUnreadable(f"{self._url} sends more than a picture; is it a video?")
            return httpx.Response(
                response.status_code, headers=_plain(response.headers), content=bytes(content)
            )

    def _check(self, response: httpx.Response) -> None:
        status = response.status_code
        if status in (401, 403):
            raise SourceRefused(
                f"{self._url} refuses the user or password; check them in the deployment file"
            )
        if status == 404:
            raise SourceRefused(f"{self._url} does not know this path; check the URL")
        if status != 200:
            raise SourceRefused(f"{self._url} answers with HTTP status {status}")


@dataclass(frozen=True)
class _Undecoded:
    source: SnapshotSource
    content: bytes
    captured_at: datetime

    def frame(self) -> Frame:
        return self.source.decode(self.content, self.captured_at)


def _plain(headers: httpx.Headers) -> dict[str, str]:
    """Without those that say how the content was packed: it is unpacked already."""
    return {
        key: value for key, value in headers.items() if not key.lower().startswith(("content-", "transfer-"))
    }


def _http_time(text: str | None) -> datetime | None:
    try:
        time_ = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return time_ if time_ is None or time_.tzinfo else time_.replace(tzinfo=UTC)
