"""Records a camera from its first suspicion on, and makes evidence of what was confirmed.

Every camera's newest packets are in its ring (`streams.ring`). On the first suspicion the ring is spilled to
disk and what follows is added to it, until a sighting was confirmed and `after_s` have passed, or the
suspicion is over, or `longest_s` is reached. A recording without a sighting is thrown away; of the others
the clip and the pictures of the lead-up become evidence, and an Update tells the receivers.

The looking thread only says what it saw. One thread writes recordings, following the rings (a disk may
stall for as long as they are), another makes evidence of those that are closed and hands it over, again and
again until that succeeds: recordings outlive the process. A disk that is full costs recordings, nothing else.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from alerting.evidence import EvidenceError
from config import Camera, EvidenceSettings, Mask
from detector.pipeline import LookResult
from firewatch.evidence import small_jpeg
from firewatch.masks import is_ignored
from firewatch.recording import (
    About,
    Product,
    Recording,
    Seen,
    add_main_picture,
    discard,
    finish,
    read_about,
)
from streams.cameras import main_picture
from streams.clips import ClipError
from streams.errors import BadPicture, SourceError
from streams.frame import Frame
from streams.ring import PacketRing

_log = logging.getLogger(__name__)

CALM_S = 10.0
"""A suspicion that came to nothing is recorded so much longer: it may come back."""
GRACE_S = 15.0
"""A camera that sends nothing any more does not hold its recording open longer than this."""
FOLLOW_INTERVAL_S = 0.5
RETRY_S = 5.0
HAND_OVER_GRACE_S = 0.5
"""A worker that is told to stop has 3 s; what is not handed over by then is at the next start."""
LONGEST_RETRY_S = 120.0
GIVEN_UP_AFTER = timedelta(days=7)
"""Nobody will ever ask for the clip of a sighting that the store has not taken in by then."""
MOST_PICTURES = 30
"""Kept of cameras that send no video: about 5 MB each."""


class EvidenceSink(Protocol):
    """Takes what a recording has become. Raises while it cannot: it will be asked again."""

    def add(self, about: About, products: Sequence[Product]) -> None: ...


@dataclass
class _Episode:
    """A suspicion and what follows. Times are capture times, `_s` the monotonic clock."""

    camera: Camera
    began_at: datetime
    began_s: float
    pictures: list[tuple[datetime, bytes]] = field(default_factory=list)
    """Not written yet."""
    sightings: list[Seen] = field(default_factory=list)
    """Not noted yet."""
    newest_at: datetime | None = None
    ends_at: datetime | None = None
    ends_s: float | None = None
    calm_since: datetime | None = None
    recording: Recording | None = None
    failed: bool = False
    photographed: bool = False
    """A picture of the main stream was asked for, where looks are made from the smaller one."""


class ClipRecorder:
    """A `LookObserver` and the taps it needs. `start()` before, `stop()` after use."""

    def __init__(
        self,
        cameras: Sequence[Camera],
        settings: EvidenceSettings,
        folder: Path,
        sink: EvidenceSink,
        *,
        masks_of: Callable[[Camera], Sequence[Mask]] = lambda camera: camera.masks,
        on_trouble: Callable[[str], None] = lambda _reason: None,
        retry_s: float = RETRY_S,
    ) -> None:
        self._cameras = {camera.id: camera for camera in cameras}
        self._settings = settings
        self._folder = folder
        self._sink = sink
        self._masks_of = masks_of
        self._on_trouble = on_trouble
        self._retry_s = retry_s
        self._rings = {camera.id: self._new_ring() for camera in cameras}
        self._strips: dict[str, list[tuple[datetime, bytes]]] = {}
        self._lock = threading.Lock()
        self._episodes: dict[str, _Episode] = {}
        self._spent: set[str] = set()
        """Cameras still suspicious about what was recorded already."""
        self._stop = threading.Event()
        self._closed_one = threading.Event()
        self._threads = [
            threading.Thread(target=self._record, name="clip-recorder"),
            threading.Thread(target=self._hand_over, name="clip-delivery", daemon=True),
        ]

    def start(self) -> None:
        """What an earlier process left is finished first."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Recordings end where they are; those with a sighting are finished at the next start."""
        self._stop.set()
        self._closed_one.set()
        self._threads[0].join()
        self._threads[1].join(HAND_OVER_GRACE_S)

    def tap_for(self, camera: Camera) -> PacketRing:
        """Of a connection that is about to be made: what the one before left is forgotten."""
        self._cameras[camera.id] = camera
        ring = self._rings[camera.id] = self._new_ring()
        return ring

    def know(self, cameras: Sequence[Camera]) -> None:
        """These are the cameras now: what is left of any of them is handed over here."""
        for camera in cameras:
            self._rings.setdefault(camera.id, self._new_ring())
            self._cameras[camera.id] = camera

    def forget(self, camera_id: str) -> None:
        """It is not watched any more: its packets go, its recordings stay."""
        self._rings[camera_id] = self._new_ring()

    def _new_ring(self) -> PacketRing:
        return PacketRing(self._settings.ring_s, round(self._settings.ring_mb * 1_000_000))

    @property
    def ring_bytes(self) -> int:
        return sum(ring.bytes for ring in self._rings.values())

    def looked(self, camera: Camera, frame: Frame, result: LookResult) -> None:
        """In the looking thread: begins, prolongs and ends episodes; writes nothing."""
        at = frame.captured_at
        seen = [
            Seen(one.sighting_id, one.first_seen_at, one.confirmed_at)
            for one in result.sightings
            if not is_ignored(one.box, frame, self._masks_of(camera))
        ]
        picture = None if self._rings[camera.id].is_used else (at, small_jpeg(frame))
        with self._lock:
            if not result.suspicious:
                self._spent.discard(camera.id)
            episode = self._episodes.get(camera.id)
            if episode is None and (seen or (result.suspicious and camera.id not in self._spent)):
                episode = _Episode(camera, at, time.monotonic())
                episode.pictures = list(self._strips.get(camera.id, ()))
                self._episodes[camera.id] = episode
            if picture is not None:
                self._strips[camera.id] = [*self._strips.get(camera.id, ()), picture][-MOST_PICTURES:]
            if episode is None:
                return
            episode.newest_at = at
            if picture is not None and len(episode.pictures) < 4 * MOST_PICTURES:
                episode.pictures.append(picture)
            calm = not result.suspicious and not seen
            episode.calm_since = (episode.calm_since or at) if calm else None
            for one in seen:
                episode.sightings.append(one)
                episode.ends_at = one.confirmed_at + timedelta(seconds=self._settings.after_s)
                remaining_s = (episode.ends_at - at).total_seconds()
                episode.ends_s = time.monotonic() + remaining_s + GRACE_S

    # The writing thread

    def _record(self) -> None:
        while not self._stop.wait(FOLLOW_INTERVAL_S):
            self._follow_all()
        with self._lock:
            episodes = list(self._episodes.values())
        for episode in episodes:
            self._follow(episode)
            self._close(episode, incomplete=episode.ends_at is not None)

    def _follow_all(self) -> None:
        with self._lock:
            episodes = list(self._episodes.values())
        for episode in episodes:
            self._follow(episode)
            newest_at = self._newest(episode)
            if (over := self._is_over(episode, newest_at)) is not None:
                self._close(episode, incomplete=over == "cut off")

    def _newest(self, episode: _Episode) -> datetime | None:
        ring = self._rings[episode.camera.id]
        return ring.newest_at if ring.is_used else episode.newest_at

    def _is_over(self, episode: _Episode, newest_at: datetime | None) -> str | None:
        """None while it goes on; else how it ended: "whole", "cut off" or "nothing"."""
        now_s = time.monotonic()
        with self._lock:
            if episode.ends_at is not None and newest_at is not None and newest_at >= episode.ends_at:
                return "whole"
            if episode.ends_s is not None and now_s >= episode.ends_s:
                return "cut off"
            if now_s - episode.began_s >= self._settings.longest_s:
                return "cut off" if episode.ends_at is not None else "nothing"
            calm_at = episode.calm_since
            if (
                episode.ends_at is None
                and calm_at is not None
                and episode.newest_at is not None
                and (episode.newest_at - calm_at).total_seconds() >= CALM_S
            ):
                return "nothing"
            return None

    def _follow(self, episode: _Episode) -> None:
        with self._lock:
            pictures, episode.pictures = episode.pictures, []
            sightings, episode.sightings = episode.sightings, []
        if episode.failed:
            self._note_at_least(episode, sightings)
            return
        try:
            if episode.recording is None:
                episode.recording = Recording(self._new_folder(episode), episode.camera, episode.began_at)
                _log.info("recording camera=%s folder=%s", episode.camera.id, episode.recording.folder.name)
            for seen in sightings:
                episode.recording.saw(seen)
            episode.recording.follow(self._rings[episode.camera.id])
            for at, jpeg in pictures:
                episode.recording.add_picture(at, jpeg)
            if sightings and not episode.photographed:
                episode.photographed = True
                self._photograph(episode.camera, episode.recording.folder)
        except (OSError, ClipError) as error:
            episode.failed = True
            reason = getattr(error, "strerror", None) or str(error)
            _log.error("recording failed, detection goes on camera=%s: %s", episode.camera.id, reason)
            self._on_trouble(f"{episode.camera.id}: {reason}")

    def _photograph(self, camera: Camera, folder: Path) -> None:
        """Evidence at full size of a camera that is watched on its smaller stream; nothing waits for it."""

        def photograph() -> None:
            try:
                add_main_picture(folder, camera, main_picture(camera))
            except (SourceError, BadPicture, OSError) as error:
                _log.warning("no picture of the main stream camera=%s: %s", camera.id, error)

        if camera.watched_source is not camera.source:
            threading.Thread(target=photograph, name=f"main-picture-{camera.id}", daemon=True).start()

    def _note_at_least(self, episode: _Episode, sightings: Sequence[Seen]) -> None:
        """What was recorded before the disk was full is evidence, too."""
        with contextlib.suppress(OSError):
            for seen in sightings:
                if episode.recording is not None:
                    episode.recording.saw(seen)

    def _close(self, episode: _Episode, *, incomplete: bool) -> None:
        with self._lock:
            self._episodes.pop(episode.camera.id, None)
            self._spent.add(episode.camera.id)
        recording = episode.recording
        if recording is None:
            return
        try:
            recording.close(incomplete=incomplete or episode.failed)
        except OSError as error:
            _log.error("recording not closed camera=%s: %s", episode.camera.id, error)
        if recording.about.sightings:
            self._closed_one.set()
        else:
            discard(recording.folder)

    def _new_folder(self, episode: _Episode) -> Path:
        return self._folder / f"{episode.camera.id}-{episode.began_at:%Y%m%dT%H%M%S%f}"

    # The delivering thread

    def _hand_over(self) -> None:
        left_over = {path.name for path in self._folder.iterdir() if path.is_dir()}
        pause_s = self._retry_s
        while not self._stop.is_set():
            waiting = False
            for folder in sorted(path for path in self._folder.iterdir() if path.is_dir()):
                about = read_about(folder)
                if about is not None and about.camera_id not in self._cameras:
                    continue  # another worker's
                found_after_a_crash = folder.name in left_over
                if about is None or (found_after_a_crash and not about.sightings):
                    if found_after_a_crash:
                        discard(folder)
                    continue
                if about.closed or found_after_a_crash:
                    waiting = not self._handed_over(folder, about) or waiting
            pause_s = min(2 * pause_s, LONGEST_RETRY_S) if waiting else self._retry_s
            self._closed_one.wait(pause_s if waiting else None)
            self._closed_one.clear()

    def _handed_over(self, folder: Path, about: About) -> bool:
        settings = self._settings
        try:
            products = finish(
                folder,
                self._cameras[about.camera_id],
                about,
                before=timedelta(seconds=settings.before_s),
                after=timedelta(seconds=settings.after_s),
            )
            if products:
                self._sink.add(about, products)
        except Exception as error:  # store away, disk full, sighting still on its way: it will be tried again
            if datetime.now(UTC) - about.began_at > GIVEN_UP_AFTER:
                _log.error("clip given up folder=%s: %s", folder.name, error)
                discard(folder)
                return True
            _log.warning("clip waits folder=%s: %s", folder.name, error)
            if isinstance(error, OSError | EvidenceError):
                self._on_trouble(str(error))
            return False
        _log.info("recording became evidence folder=%s files=%d", folder.name, len(products))
        discard(folder)
        return True


@contextlib.contextmanager
def recording(
    cameras: Sequence[Camera],
    settings: EvidenceSettings,
    folder: Path,
    sink: EvidenceSink,
    *,
    masks_of: Callable[[Camera], Sequence[Mask]],
    on_trouble: Callable[[str], None],
) -> Iterator[ClipRecorder]:
    """A recorder at work while the block runs."""
    recorder = ClipRecorder(cameras, settings, folder, sink, masks_of=masks_of, on_trouble=on_trouble)
    recorder.start()
    try:
        yield recorder
    finally:
        recorder.stop()
