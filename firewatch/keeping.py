"""Evidence files: recordings become evidence in the store; a thread keeps the room they take in bounds."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerting import learning
from alerting.clips import LaterEvidence, add_later
from alerting.evidence import EvidenceStore
from alerting.notices import Notice
from alerting.retention import MB, Keeper
from alerting.store import NotFoundError, Store
from alerting.trouble import Trouble
from config import Deployment
from firewatch.recording import About, Product

_log = logging.getLogger(__name__)

KEEP_INTERVAL_S = 60.0


@dataclass(frozen=True)
class StoreEvidence:
    """An `EvidenceSink`: files into the evidence store, then their names and the Update into the store."""

    store: Store
    evidence: EvidenceStore

    def add(self, about: About, products: Sequence[Product]) -> None:
        """Raises NotFoundError when the store lacks a sighting yet; the others have the files then."""
        if learning.is_known(self.store, [one.sighting_id for one in about.sightings]):
            return  # of a camera that learns: its picture is enough
        stored = [
            LaterEvidence(
                one.kind,
                self.evidence.write_file(one.path, one.media_type),
                one.captured_at,
                one.incomplete,
            )
            for one in products
        ]
        unknown: NotFoundError | None = None
        for seen in about.sightings:  # one that is still on its way holds up no other
            try:
                add_later(self.store, seen.sighting_id, stored)
            except NotFoundError as error:
                unknown = error
        if unknown is not None:
            raise unknown


class DiskAlarm:
    """Says once an hour that the disk runs full: in the log, and to those who hear of trouble."""

    def __init__(self, store: Store, trouble: Trouble) -> None:
        self._store = store
        self._trouble = trouble

    def raise_(self, reason: str) -> None:
        _log.error("evidence disk is full, alerts go on without clips: %s", reason)
        try:
            now = self._store.clock()
            with self._store.writing() as session:
                self._trouble.tell(session, _notice(reason, now), now)
        except Exception:  # the store may be on the same disk; the log has said it
            _log.exception("disk alarm not stored")


def _notice(reason: str, now: datetime) -> Notice:
    return Notice(
        notice_id=f"evidence-disk-{now:%Y%m%dT%H}",
        kind="trouble",
        title="证据磁盘空间不足",
        text=f"报警照常发出，但录像可能无法保存。请清理磁盘或释放已结案火情的证据。（{reason}）",
        title_en="the disk for evidence is full",
        text_en="Alerts go on, clips may be lost. Make room, or release evidence of closed incidents "
        f"({reason}).",
    )


class KeepingThread:
    """Applies retention now and then, and at once when somebody found the disk full."""

    def __init__(self, keeper: Keeper, alarm: DiskAlarm, interval_s: float = KEEP_INTERVAL_S) -> None:
        self._keeper = keeper
        self._alarm = alarm
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="evidence-keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(0.2)  # it can be cut off anywhere: rows go before their files

    def hurry(self, reason: str) -> None:
        """Somebody could not write: make room, and say so."""
        self._wake.set()
        self._alarm.raise_(reason)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                kept = self._keeper.keep()
            except Exception:  # the store may be away; the next round tries again
                _log.exception("evidence not kept in bounds")
            else:
                if kept.removed:
                    _log.info("evidence removed files=%d mb=%d", kept.removed, kept.removed_bytes // MB)
                if kept.short_bytes:
                    free_mb, short_mb = (kept.free_bytes or 0) // MB, kept.short_bytes // MB
                    self._alarm.raise_(f"{free_mb} MB free, {short_mb} MB below the reserve")
            self._wake.wait(self._interval_s)
            self._wake.clear()


@contextlib.contextmanager
def keeping_room(deployment: Deployment, store: Store, *, first: bool) -> Iterator[KeepingThread]:
    """Whom to tell of a full disk; in the `first` worker of a centre also the thread that keeps the evidence
    of all of them within bounds, while the block runs."""
    evidence = EvidenceStore(deployment.storage.evidence)
    keeping = KeepingThread(
        Keeper(store, evidence, deployment.evidence), DiskAlarm(store, Trouble.of(deployment))
    )
    if first:
        keeping.start()
    try:
        yield keeping
    finally:
        keeping.stop()
