"""One recording on disk: what a camera sent from half a minute before a suspicion on, and what became of it.

A recording is a folder. Everything in it is of use whatever happens to the process: `about.json` (replaced
whole at each change) says what it is about, `part-N.mp4` are fragmented MP4 files, one a connection,
`pictures/` the single pictures of cameras that send no video, `main-TIME.jpg` what the main stream showed of
a camera that is watched on its smaller one. `finish` makes evidence of a folder, be it
closed properly or found after a crash.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from alerting.records import EvidenceKind
from config import Camera
from detector.annotate import to_jpeg
from streams.clips import (
    ClipError,
    ClipWriter,
    MaskedWriter,
    RemuxWriter,
    cut,
    encode_clip,
    encode_pictures,
    key_pictures,
    plays_everywhere,
)
from streams.frame import Frame
from streams.privacy import blacked_out, private_masks
from streams.ring import PacketRing, RingPacket

_log = logging.getLogger(__name__)

LEAD_UP_PICTURES = 4
GAP = timedelta(seconds=3)
"""Packets farther apart than this: something is missing between them."""
_ABOUT = "about.json"
_MAIN = "main-"
_PICTURE_TIME = "%Y%m%dT%H%M%S%f%z"


@dataclass(frozen=True)
class Seen:
    """A sighting, as far as its clip needs to know."""

    sighting_id: str
    first_seen_at: datetime
    confirmed_at: datetime


@dataclass(frozen=True)
class Part:
    """A file of one connection; `begins_at` is the capture time of its first picture."""

    file: str
    begins_at: datetime


@dataclass(frozen=True)
class About:
    """What a recording is about. `closed`: nothing is written any more; `incomplete`: it should go on."""

    camera_id: str
    began_at: datetime
    sightings: tuple[Seen, ...] = ()
    parts: tuple[Part, ...] = ()
    closed: bool = False
    incomplete: bool = False


@dataclass(frozen=True)
class Product:
    """A file made of a recording, to become evidence."""

    kind: EvidenceKind
    path: Path
    media_type: str
    captured_at: datetime
    incomplete: bool


_ABOUTS = TypeAdapter(About)
_ORDER = {"clip": 1, "original": 2}
"""Pictures are there at once, and first."""


class Recording:
    """A recording that is being written; one thread at a time. Raises OSError and ClipError."""

    def __init__(self, folder: Path, camera: Camera, began_at: datetime) -> None:
        self.folder = folder
        self.about = About(camera.id, began_at)
        self._masks = private_masks(camera.masks, None)
        self._writer: ClipWriter | None = None
        self._connection = 0
        self._number = -1
        self._last_at: datetime | None = None
        self._pictures = 0
        folder.mkdir(parents=True)
        self._note()

    def follow(self, ring: PacketRing) -> None:
        """Write what came since the last call; the first time, everything the ring holds."""
        for one in ring.after(self._number):
            if self._number >= 0 and one.number > self._number + 1:
                self._missed(one.number - self._number - 1)
            if self._last_at is not None and one.captured_at - self._last_at > GAP:
                self._note(incomplete=True)  # the camera was away
            self._number, self._last_at = one.number, one.captured_at
            if one.connection != self._connection:
                self._close_part()
                self._open_part(ring, one)
            if self._writer is not None:
                self._writer.write(one)

    def add_picture(self, at: datetime, jpeg: bytes) -> None:
        """A single picture, for cameras that send no video."""
        folder = self.folder / "pictures"
        folder.mkdir(exist_ok=True)
        self._pictures += 1
        (folder / f"{self._pictures:06}-{at.strftime(_PICTURE_TIME)}.jpg").write_bytes(jpeg)

    def saw(self, seen: Seen) -> None:
        self._note(sightings=(*self.about.sightings, seen))

    def close(self, *, incomplete: bool) -> None:
        """Nothing more will be written. What cannot be closed is left for `finish` as it is."""
        try:
            self._close_part()
        except (OSError, ClipError) as error:
            incomplete = True
            _log.warning("recording cut off folder=%s: %s", self.folder.name, error)
        self._note(closed=True, incomplete=incomplete or self.about.incomplete)

    def _missed(self, packets: int) -> None:
        """The disk was slower than the ring is long."""
        _log.warning("recording has a gap folder=%s packets=%d", self.folder.name, packets)
        with contextlib.suppress(ClipError):
            self._close_part()
        self._connection = 0
        self._note(incomplete=True)

    def _open_part(self, ring: PacketRing, first: RingPacket) -> None:
        template = ring.template(first.connection)
        if template is None or not first.packet.is_keyframe:
            return
        file = f"part-{len(self.about.parts) + 1}.mp4"
        path = self.folder / file
        if self._masks:
            self._writer = MaskedWriter(path, template, self._masks)
        else:
            self._writer = RemuxWriter(path, template)
        self._connection = first.connection
        self._note(parts=(*self.about.parts, Part(file, first.captured_at)))

    def _close_part(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _note(self, **changes: object) -> None:
        self.about = _changed(self.about, **changes)
        _write_about(self.folder, self.about)


def add_main_picture(folder: Path, camera: Camera, frame: Frame) -> None:
    """A picture of the main stream, at full size; whole or not at all. Raises OSError."""
    target = folder / f"{_MAIN}{frame.captured_at.strftime(_PICTURE_TIME)}.jpg"
    partial = target.with_suffix(".part")
    partial.write_bytes(to_jpeg(blacked_out(frame.image, private_masks(camera.masks, None))))
    os.replace(partial, target)


def read_about(folder: Path) -> About | None:
    """What a folder is about; None when that cannot be read (it was never begun)."""
    try:
        return _ABOUTS.validate_json((folder / _ABOUT).read_bytes())
    except (OSError, ValidationError):
        return None


def finish(
    folder: Path, camera: Camera, about: About, *, before: timedelta, after: timedelta
) -> list[Product]:
    """The evidence in a recording: pictures, then clips. Empty when nothing in it can be used."""
    begin = min(one.first_seen_at for one in about.sightings) - before
    first_seen = min(one.first_seen_at for one in about.sightings)
    end = max(one.confirmed_at for one in about.sightings) + after
    incomplete = about.incomplete or not about.closed
    made: list[Product] = []
    for part in about.parts:
        made += _of_part(folder, camera, part, begin, first_seen, end, incomplete)
    made += _time_lapse(folder, begin, end, incomplete)
    made += [
        Product("snapshot", path, "image/jpeg", at, incomplete=False)
        for at, path in _timed(folder.glob(f"{_MAIN}*.jpg"))
    ]
    return sorted(made, key=lambda one: (_ORDER.get(one.kind, 0), one.captured_at))


def discard(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _of_part(
    folder: Path,
    camera: Camera,
    part: Part,
    begin: datetime,
    first_seen: datetime,
    end: datetime,
    incomplete: bool,
) -> Iterator[Product]:
    source, target = folder / part.file, folder / f"clip-{part.file}"
    try:
        piece = cut(source, target, part.begins_at, begin, end)
    except ClipError as error:
        _log.warning("part of a recording is of no use folder=%s: %s", folder.name, error)
        return
    masks = private_masks(camera.masks, None)
    for number, (at, image) in enumerate(
        key_pictures(source, part.begins_at, first_seen, LEAD_UP_PICTURES), 1
    ):
        if at < begin:
            continue
        path = folder / f"lead-up-{part.file}-{number}.jpg"
        path.write_bytes(to_jpeg(blacked_out(image, masks)))
        yield Product("lead_up", path, "image/jpeg", at, incomplete=False)
    shown = target
    if not plays_everywhere(target):
        try:
            encode_clip(target, shown := folder / f"shown-{part.file}")
        except ClipError as error:
            _log.warning("clip stays as the camera sent it folder=%s: %s", folder.name, error)
            shown = target
    yield Product("clip", shown, "video/mp4", piece.begins_at, incomplete)
    if shown is not target:
        yield Product("original", target, "video/mp4", piece.begins_at, incomplete)


def _time_lapse(folder: Path, begin: datetime, end: datetime, incomplete: bool) -> Sequence[Product]:
    found = _timed((folder / "pictures").glob("*.jpg"))
    # The look that confirmed is always in it, however seldom the camera sends.
    wanted = [one for one in found if begin <= one[0] <= end]
    if not wanted:
        return []
    target = folder / "clip-pictures.mp4"
    try:
        encode_pictures(target, (path.read_bytes() for _, path in wanted))
    except ClipError as error:
        _log.warning("no time-lapse folder=%s: %s", folder.name, error)
        return []
    return [Product("clip", target, "video/mp4", wanted[0][0], incomplete)]


def _timed(paths: Iterable[Path]) -> list[tuple[datetime, Path]]:
    """Pictures with the capture time that stands behind the first hyphen of their names, in order."""
    found: list[tuple[datetime, Path]] = []
    for path in sorted(paths):
        with contextlib.suppress(ValueError):
            found.append((datetime.strptime(path.stem.partition("-")[2], _PICTURE_TIME), path))
    return found


def _changed(about: About, **changes: object) -> About:
    return About(**{**{name: getattr(about, name) for name in About.__dataclass_fields__}, **changes})


def _write_about(folder: Path, about: About) -> None:
    partial = folder / f"{_ABOUT}.part"
    partial.write_text(json.dumps(_ABOUTS.dump_python(about, mode="json")), encoding="utf-8")
    os.replace(partial, folder / _ABOUT)
