"""The line to a centre: one HTTPS client, one token, and two ways in which a request fails.

`CentreAwayError`: it may succeed later (nobody answers, the answer is not the centre's, the token is not
good at the moment); ask again. `RefusedError`: the centre itself says that this request will never do. A
proxy or a captive portal between may answer anything: only problem details of the centre count as a refusal.

An outage is logged when it begins and when it ends. The token is read anew for each request, so that it can
be replaced while we run; it is in no log and no error.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from firewatch.failures import UserError

_log = logging.getLogger(__name__)

API = "/api/v1/ingest"
CONNECT_S = 10.0
SILENCE_S = 30.0
"""A thin link may be slow, but something must move."""
_PROBLEM = "urn:firewatch:problem:"
_FOR_GOOD = frozenset({400, 404, 409, 413, 415, 422})
_NOT_NOW = frozenset({"wrong-hash"})
"""It arrived damaged: the next copy may not."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class CentreAwayError(Exception):
    """The centre does not take it now; the message says why."""


class RefusedError(Exception):
    """The centre refuses this for good. `kind` is its stable name of the reason."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind


class CentreLink:
    """Thread-safe. `close` it, or use it in a `with`."""

    def __init__(self, url: str, token_file: Path, *, authority: Path | None = None) -> None:
        """`authority`: certificates to trust instead of the system's (PEM). Raises UserError for an address
        or a token file that cannot be used."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise UserError(
                f"the centre's address must be like https://HOST[:PORT], not {parts.scheme}://..."
            )
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise UserError(
                f"http://{parts.hostname} would show the token to everybody on the way: use https:// (or a "
                "tunnel that ends on this machine)"
            )
        self._token_file = token_file
        self._token()
        try:
            context = ssl.create_default_context(cafile=authority)
        except (OSError, ssl.SSLError) as error:
            raise UserError(f"the certificates in {authority} cannot be read: {error}") from None
        self._client = httpx.Client(
            base_url=url.rstrip("/") + API,
            verify=context,
            trust_env=False,
            timeout=httpx.Timeout(SILENCE_S, connect=CONNECT_S),
        )
        self._lock = threading.Lock()
        self._away_since_s: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.close()

    @property
    def is_away(self) -> bool:
        """Whether the last request found no centre."""
        return self._away_since_s is not None

    def ask(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: Any = None,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        params: Mapping[str, str | Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The centre's good answer to one request. Raises CentreAwayError, RefusedError."""
        try:
            answer = self._answer(method, path, json, content, files, params, headers)
        except CentreAwayError as error:
            self._note_away(str(error))
            raise
        self._note_there()
        return answer

    def _answer(
        self, method: str, path: str, json: Any, content: Any, files: Any, params: Any, headers: Any
    ) -> httpx.Response:
        try:
            bearer = {"Authorization": f"Bearer {self._token()}"}
        except UserError as error:
            raise CentreAwayError(str(error)) from None
        try:
            answer = self._client.request(
                method,
                path,
                json=json,
                content=content,
                files=files,
                params=params,
                headers={**(headers or {}), **bearer},
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CentreAwayError(f"{type(error).__name__}: {error}") from None
        if answer.is_success:
            return answer
        kind, detail = _problem_of(answer)
        lasting = answer.status_code in _FOR_GOOD or kind == "not-your-camera"
        if kind is not None and lasting and kind not in _NOT_NOW:
            raise RefusedError(kind, detail)
        raise CentreAwayError(f"it answers {answer.status_code} {detail}".rstrip())

    def _token(self) -> str:
        try:
            token = self._token_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no token"
            raise UserError(f"the token file {self._token_file} cannot be read: {reason}") from None
        if not token or not token.isprintable() or " " in token:
            raise UserError(
                f"the file {self._token_file} holds no token: write its secret into it, nothing else"
            )
        return token

    def _note_away(self, reason: str) -> None:
        with self._lock:
            first = self._away_since_s is None
            if first:
                self._away_since_s = time.monotonic()
        if first:
            _log.warning("the centre is away, everything waits here: %s", reason)

    def _note_there(self) -> None:
        with self._lock:
            since_s, self._away_since_s = self._away_since_s, None
        if since_s is not None:
            _log.warning("the centre is there again after %.0f s", time.monotonic() - since_s)


def _problem_of(answer: httpx.Response) -> tuple[str | None, str]:
    """The kind and the words of the centre's problem details; no kind: it is not the centre that answers."""
    try:
        told = answer.json()
        kind = str(told["type"])
    except (ValueError, KeyError, TypeError):
        return None, ""
    if not kind.startswith(_PROBLEM):
        return None, ""
    return kind.removeprefix(_PROBLEM), str(told.get("detail", ""))[:500]
