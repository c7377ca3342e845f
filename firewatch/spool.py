"""Sightings on disk between the worker that confirms them and the store that takes them in.

A worker whose centre cannot be reached, whose disk is full at the store's side, or that is killed, loses
none: a sighting is on this disk before the worker looks on, and is removed when the store has it. Taking one
in twice does no harm (`alerting.intake`), so a kill between the two is harmless. What is refused for good is
set aside, with the reason.

One file a sighting, written aside, synced and renamed: a file that has its name is whole. Workers share the
folder; each takes what its own cameras saw.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from alerting.intake import Evidence
from detector.detection import Sighting

MOST_PER_CAMERA = 50
"""A camera that burns must not fill the disk that the others need."""

MOST = 2000
"""At about 1 MB a sighting."""

_SIGHTING = TypeAdapter(Sighting)
_SUFFIX = ".sighting"
_UNREADABLE = ".unreadable"
_REFUSED = ".refused"


class SpoolError(Exception):
    """The spool cannot take or give a sighting; the message says why."""


class FloodError(SpoolError):
    """One camera has too many waiting already."""


@dataclass(frozen=True)
class Spooled:
    """A waiting sighting; `path` names it."""

    path: Path
    sighting: Sighting
    evidence: Evidence


class Spool:
    """A folder of waiting sightings. Several processes may use one folder for different cameras."""

    def __init__(
        self,
        folder: Path,
        camera_ids: Collection[str],
        *,
        most_per_camera: int = MOST_PER_CAMERA,
        most: int = MOST,
    ) -> None:
        self._folder = folder
        self._most_per_camera, self._most = most_per_camera, most
        self.know(camera_ids)
        folder.mkdir(parents=True, exist_ok=True)
        for torn in folder.glob("*.tmp"):
            if self._is_ours(torn):
                torn.unlink(missing_ok=True)

    def know(self, camera_ids: Collection[str]) -> None:
        """These are our cameras now."""
        self._marks = {camera_id: _mark(camera_id) for camera_id in camera_ids}

    def put(self, sighting: Sighting, evidence: Evidence) -> None:
        """Returns when the sighting is safe on the disk. Raises FloodError, SpoolError, OSError."""
        waiting = self._names()
        mark = self._marks[sighting.camera_id]
        if sum(mark in name for name in waiting) >= self._most_per_camera:
            raise FloodError(
                f"camera {sighting.camera_id} has {self._most_per_camera} sightings waiting already"
            )
        if len(waiting) >= self._most:
            raise SpoolError(f"{self._most} sightings wait already in {self._folder}")
        confirmed = sighting.confirmed_at.astimezone(UTC).strftime("%Y%m%dT%H%M%S%f")
        which = hashlib.sha256(sighting.sighting_id.encode()).hexdigest()[:16]
        path = self._folder / f"{confirmed}{mark}{which}{_SUFFIX}"
        parts = (_SIGHTING.dump_json(sighting), evidence.snapshot_jpeg, evidence.annotated_jpeg)
        lengths = json.dumps([len(part) for part in parts]).encode()
        aside = path.with_suffix(".tmp")
        try:
            with aside.open("wb") as file:
                file.write(lengths + b"\n" + b"".join(parts))
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        except OSError:
            aside.unlink(missing_ok=True)
            raise
        _sync_folder(self._folder)

    def waiting(self) -> Iterator[Spooled]:
        """Those of our cameras, oldest first. What cannot be read is set aside, and said by SpoolError at the
        end."""
        unreadable = []
        for name in self._names():
            path = self._folder / name
            if not self._is_ours(path):
                continue
            try:
                yield _read(path)
            except FileNotFoundError:
                continue
            except (ValueError, OSError) as error:
                path.rename(path.with_suffix(_UNREADABLE))
                unreadable.append(f"{name}: {error}")
        if unreadable:
            raise SpoolError(f"sightings set aside in {self._folder}: " + "; ".join(unreadable))

    def remove(self, spooled: Spooled) -> None:
        """The store has it."""
        spooled.path.unlink(missing_ok=True)

    def set_aside(self, spooled: Spooled, reason: str) -> None:
        """It was refused for good: kept, but not offered again, with the reason beside it. Renamed back to
        `.sighting` it waits again."""
        refused = spooled.path.with_suffix(_REFUSED)
        refused.with_suffix(_REFUSED + ".txt").write_text(reason + "\n", encoding="utf-8")
        spooled.path.rename(refused)

    def __len__(self) -> int:
        return len(self._names())

    def _names(self) -> list[str]:
        return sorted(entry.name for entry in os.scandir(self._folder) if entry.name.endswith(_SUFFIX))

    def _is_ours(self, path: Path) -> bool:
        return any(mark in path.name for mark in self._marks.values())


def _read(path: Path) -> Spooled:
    lengths, _, content = path.read_bytes().partition(b"\n")
    try:
        first, second, third = json.loads(lengths)
        if len(content) != first + second + third:
            raise ValueError("its length is wrong")
        sighting = _SIGHTING.validate_json(content[:first])
    except (ValidationError, TypeError) as error:
        raise ValueError(f"no sighting: {error}") from error
    return Spooled(path, sighting, Evidence(content[first : first + second], content[first + second :]))


def _mark(camera_id: str) -> str:
    """How a camera's files are recognised by their names."""
    return "-" + hashlib.sha256(camera_id.encode()).hexdigest()[:12] + "-"


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
