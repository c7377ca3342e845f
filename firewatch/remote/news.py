"""Hears what people decided and drew at the centre, and keeps on this machine's disk what a store would keep:
the last news, for a start while the centre is away, and the site memories, which the centre never needs."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from alerting.backoff import Backoff
from alerting.ingest import News, NewsAnswer
from alerting.site_memories import Judged, View
from config import Mask
from firewatch.remote.link import CentreAwayError, CentreLink, RefusedError

_log = logging.getLogger(__name__)

POLL_S = 3.0
PAUSES = Backoff(first_s=5.0, longest_s=60.0)


class RemoteFeedback:
    """`firewatch.feedback.Feedback` over a link. Whoever asks for `newest` makes it look, at most every
    `poll_s`; while the centre is away it goes on with what it has heard."""

    def __init__(
        self,
        link: CentreLink,
        camera_ids: Sequence[str],
        file: Path,
        *,
        poll_s: float = POLL_S,
        pauses: Backoff = PAUSES,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._link = link
        self._camera_ids = tuple(camera_ids)
        self._file = file
        self._poll_s, self._pauses = poll_s, pauses
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._cursor = ""
        self._news = _read(file)
        self._version = 1
        self._due_s = float("-inf")
        self._failures = 0

    def newest(self) -> int:
        with self._lock:
            if self._monotonic() >= self._due_s:
                self._poll()
            return self._version

    def decided_between(self, last: int, newest: int) -> bool:
        return newest > last

    def judged(self) -> Mapping[View, Judged]:
        return {(one.camera_id, one.preset): one.judged for one in self._news.views}

    def masks(self) -> Mapping[str, Sequence[Mask]]:
        found: dict[str, list[Mask]] = defaultdict(list)
        for one in self._news.masks:
            found[one.camera_id].append(one.mask)
        return found

    def _poll(self) -> None:
        params = {"camera_id": self._camera_ids, "after": self._cursor}
        try:
            answer = self._link.ask("GET", "/news", params=params)
        except (CentreAwayError, RefusedError) as error:
            self._failures += 1
            self._due_s = self._monotonic() + self._pauses.pause_s(self._failures, random.random())
            if isinstance(error, RefusedError) and self._failures == 1:
                _log.error("the centre tells no news: %s", error)
            return
        self._failures, self._due_s = 0, self._monotonic() + self._poll_s
        told = NewsAnswer.model_validate_json(answer.content)
        self._cursor = told.cursor
        if told.news is not None:
            self._news = told.news
            self._version += 1
            _keep(self._file, told.news.model_dump_json().encode())


class FolderSiteMemories:
    """A `SiteMemoryKeeper`: one file a view."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, camera_id: str, preset: str | None) -> bytes | None:
        try:
            return self._path(camera_id, preset).read_bytes()
        except OSError:
            return None

    def save(self, camera_id: str, preset: str | None, state: bytes) -> None:
        _keep(self._path(camera_id, preset), state)

    def _path(self, camera_id: str, preset: str | None) -> Path:
        """Ids are plain names (`config.Identifier`), and none has a dot."""
        return self._folder / f"{camera_id}.{preset or ''}.memory"


def _read(file: Path) -> News:
    try:
        return News.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return News()
    except (OSError, ValueError):
        _log.exception("kept news cannot be read, the centre will tell them again")
        return News()


def _keep(file: Path, content: bytes) -> None:
    """Whole or not at all; a full disk costs only what is kept."""
    aside = file.with_suffix(".part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(content)
        os.replace(aside, file)
    except OSError as error:
        _log.error("not kept: %s", error)
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
