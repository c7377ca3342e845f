"""What a dispatch centre does with an alert that arrives: check who sent it, keep it once, remember it.

No HTTP here: bytes and headers in, a verdict out. Alerts are appended to `received.jsonl` in the folder
given, one JSON object a line, and read back at the next start, so that a repeated delivery is recognised
after a restart too.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simulator.receiver_messages import UnreadableError, read_message

OLDEST_S = 300.0
"""A signature is good for so long before and after its time stamp, or it could be replayed for ever."""

_REJECTIONS_KEPT = 200


class Rejected(Exception):
    """An alert that is not accepted; `status` is the HTTP status that says so."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True)
class ReceivedAlert:
    """An alert that was accepted."""

    number: int
    """1 for the first one ever kept in this folder."""
    received_at: datetime
    idempotency_key: str
    body_sha256: str
    alert: dict[str, Any]
    deliveries: int = 1
    """How often it arrived, counted since this receiver started."""


@dataclass(frozen=True)
class Rejection:
    """A request that was turned away."""

    at: datetime
    status: int
    reason: str


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Value of `X-Firewatch-Signature`: HMAC-SHA256 over `timestamp + "." + body`.

    >>> signature("key", "1700000000", b"{}")[:23]
    'sha256=9d713ed406bb7076'
    """
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={digest.hexdigest()}"


class Inbox:
    """Alerts received so far; every method may be called from any thread."""

    def __init__(
        self,
        secret: str,
        folder: Path | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`folder=None` keeps alerts in memory only. Raises ValueError when the folder's file is damaged."""
        if not secret:
            raise ValueError("the receiver needs a secret to check signatures with; it is empty")
        self._secret = secret
        self._now = now
        self._lock = threading.Lock()
        self._by_key: dict[str, ReceivedAlert] = {}
        self._rejections: deque[Rejection] = deque(maxlen=_REJECTIONS_KEPT)
        self._heartbeat_at: datetime | None = None
        self._file: Path | None = None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = folder / "received.jsonl"
            self._load(self._file)

    def __repr__(self) -> str:
        return f"Inbox({len(self._by_key)} alerts)"

    @property
    def alerts(self) -> list[ReceivedAlert]:
        """All alerts, the oldest first."""
        with self._lock:
            return list(self._by_key.values())

    @property
    def rejections(self) -> list[Rejection]:
        with self._lock:
            return list(self._rejections)

    def check(
        self, body: bytes, timestamp: str | None, signed: str | None, key: str | None
    ) -> dict[str, Any]:
        """The alert in a request that is genuine and fresh; raises Rejected otherwise."""
        try:
            return self._checked(body, timestamp, signed, key)
        except Rejected as rejected:
            self._note(rejected)
            raise

    def keep(self, alert: dict[str, Any], body: bytes, key: str) -> tuple[ReceivedAlert, bool]:
        """Keep a checked alert; the flag is False when it had been kept before (a repeated delivery)."""
        sha256 = hashlib.sha256(body).hexdigest()
        with self._lock:
            known = self._by_key.get(key)
            if known is None:
                received = ReceivedAlert(len(self._by_key) + 1, self._now(), key, sha256, alert)
                self._append(received)
                self._by_key[key] = received
                return received, True
            if known.body_sha256 == sha256:
                again = replace(known, deliveries=known.deliveries + 1)
                self._by_key[key] = again
                return again, False
        rejected = Rejected(409, "Idempotency-Key was used before for another alert; use a new key")
        self._note(rejected)
        raise rejected

    def _checked(
        self, body: bytes, timestamp: str | None, signed: str | None, key: str | None
    ) -> dict[str, Any]:
        if timestamp is None or signed is None:
            raise Rejected(401, "X-Firewatch-Timestamp or X-Firewatch-Signature is missing")
        if not hmac.compare_digest(signature(self._secret, timestamp, body).encode(), signed.encode()):
            raise Rejected(401, "X-Firewatch-Signature does not match; are both sides using one secret?")
        try:
            sent_s = float(timestamp)
        except ValueError:
            sent_s = math.nan
        if not math.isfinite(sent_s):
            raise Rejected(401, "X-Firewatch-Timestamp is no number of seconds since 1970")
        age_s = self._now().timestamp() - sent_s
        if abs(age_s) > OLDEST_S:
            raise Rejected(401, f"X-Firewatch-Timestamp is {age_s:.0f} s old; {OLDEST_S:.0f} s are allowed")
        if not key or len(key) > 200:
            raise Rejected(400, "Idempotency-Key is missing or longer than 200 characters")
        try:
            return read_message(body)
        except UnreadableError as error:
            raise Rejected(400, str(error)) from None

    def note_heartbeat(self) -> None:
        """Remember that the centre was alive now; heartbeats are not kept."""
        with self._lock:
            self._heartbeat_at = self._now()

    @property
    def heartbeat_at(self) -> datetime | None:
        """When the centre was last heard."""
        with self._lock:
            return self._heartbeat_at

    def _note(self, rejected: Rejected) -> None:
        with self._lock:
            self._rejections.append(Rejection(self._now(), rejected.status, rejected.reason))

    def _append(self, received: ReceivedAlert) -> None:
        if self._file is None:
            return
        values = asdict(received)
        del values["deliveries"]
        values["received_at"] = received.received_at.isoformat()
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values, ensure_ascii=False) + "\n")

    def _load(self, file: Path) -> None:
        if not file.exists():
            return
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                values = json.loads(line)
                values["received_at"] = datetime.fromisoformat(values["received_at"])
                received = ReceivedAlert(**values)
            except (ValueError, TypeError, KeyError):
                raise ValueError(f"{file}:{number}: is no received alert; move the file away") from None
            self._by_key[received.idempotency_key] = received
