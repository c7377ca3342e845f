"""The newest picture of each camera: one small file per camera, overwritten all the time, never evidence.

The worker writes, the console shows. The capture time travels inside the file (a JPEG comment), so that a
picture is replaced together with its time, and an old picture is never shown as a new one.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime

import fsspec.core

_SOI = b"\xff\xd8"
_COMMENT = b"\xff\xfe"
_PREFIX = b"captured_at="
_CAMERA_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}\Z")
_HEAD_BYTES = 64


@dataclass(frozen=True)
class LatestPicture:
    jpeg: bytes
    captured_at: datetime


class LatestPictures:
    """Files `latest/CAMERA.jpg` under the evidence store (`storage.evidence`)."""

    def __init__(self, evidence_url: str) -> None:
        self._files, root = fsspec.core.url_to_fs(evidence_url)
        self._root = f"{root}/latest"

    def write(self, camera_id: str, jpeg: bytes, captured_at: datetime) -> None:
        """Replace the camera's picture, whole or not at all. Raises OSError."""
        if not jpeg.startswith(_SOI):
            raise ValueError(f"the picture of {camera_id} is no JPEG")
        path = self._path(camera_id)
        text = _PREFIX + captured_at.isoformat().encode()
        content = _SOI + _COMMENT + (len(text) + 2).to_bytes(2, "big") + text + jpeg[2:]
        self._files.makedirs(self._root, exist_ok=True)
        partial = f"{path}.{uuid.uuid4().hex}.part"
        try:
            self._files.pipe_file(partial, content)
            self._files.mv(partial, path)
        except BaseException:
            if self._files.exists(partial):
                self._files.rm_file(partial)
            raise

    def read(self, camera_id: str) -> LatestPicture | None:
        """The newest picture; None when there is none yet."""
        content = self._content(camera_id)
        captured_at = _captured_at(content) if content is not None else None
        return LatestPicture(content, captured_at) if content is not None and captured_at else None

    def captured_at(self, camera_id: str) -> datetime | None:
        """When the newest picture was taken, without reading all of it."""
        head = self._content(camera_id, end=_HEAD_BYTES)
        return _captured_at(head) if head is not None else None

    def _content(self, camera_id: str, end: int | None = None) -> bytes | None:
        try:
            return bytes(self._files.cat_file(self._path(camera_id), end=end))
        except FileNotFoundError:
            return None

    def _path(self, camera_id: str) -> str:
        if not _CAMERA_ID.match(camera_id):
            raise ValueError(f"{camera_id!r} is no camera id")
        return f"{self._root}/{camera_id}.jpg"


def _captured_at(content: bytes) -> datetime | None:
    """The time in the comment that `write` put first; None for a file not written by it."""
    length = int.from_bytes(content[4:6], "big")
    text = content[6 : 4 + length]
    if content[:4] != _SOI + _COMMENT or not text.startswith(_PREFIX):
        return None
    try:
        return datetime.fromisoformat(text.removeprefix(_PREFIX).decode())
    except ValueError:
        return None
