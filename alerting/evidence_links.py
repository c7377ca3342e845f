"""Links to evidence that carry their own permission: signed, and expiring.

A receiver outside has no account here; whoever holds the link may fetch that one file until it expires. The
key is the deployment's secret: links signed before a restart stay valid only while the key stays the same.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

MIN_KEY_BYTES = 16
DEFAULT_LIFETIME = timedelta(days=7)
"""A receiver may come back after days; the pictures matter for the report on the fire."""

PATH = "/api/v1/evidence"


class LinkError(Exception):
    """The link was not made by us, was changed, or has expired."""


class EvidenceLinks:
    """Signs links and checks them. `base_url` is how receivers reach the console, e.g. https://host:8080."""

    def __init__(self, key: bytes, base_url: str, lifetime: timedelta = DEFAULT_LIFETIME) -> None:
        if len(key) < MIN_KEY_BYTES:
            raise ValueError(f"the key of evidence links needs at least {MIN_KEY_BYTES} bytes")
        self._key = key
        self._base_url = base_url.rstrip("/")
        self._lifetime = lifetime

    def sign(self, evidence_id: int, now: datetime) -> tuple[str, datetime]:
        """The link and when it expires."""
        expires = int((now + self._lifetime).timestamp())
        signature = self._signature(evidence_id, expires)
        url = f"{self._base_url}{PATH}/{evidence_id}?expires={expires}&signature={signature}"
        return url, datetime.fromtimestamp(expires, UTC)

    def verify(self, evidence_id: int, expires: int, signature: str, now: datetime) -> None:
        """Raises LinkError unless `expires` and `signature` are what `sign` put into the link."""
        if not hmac.compare_digest(self._signature(evidence_id, expires).encode(), signature.encode()):
            raise LinkError("this link was not made here, or was changed")
        if now.timestamp() >= expires:
            raise LinkError("this link has expired; sign in to see the evidence")

    def _signature(self, evidence_id: int, expires: int) -> str:
        text = f"evidence:{evidence_id}:{expires}"
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
