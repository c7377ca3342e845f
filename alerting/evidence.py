"""Evidence files: named by their content, written before the rows that mention them.

A name that is the content's SHA-256 makes writing repeatable: the same picture twice is one file, and a file
whose transaction failed is found again by the retry. A file without a row does no harm; a row without a
file cannot come about.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec.core
from fsspec.implementations.local import LocalFileSystem

_SUFFIXES = {"image/jpeg": ".jpg", "video/mp4": ".mp4"}
_PIECE_BYTES = 4_000_000


class EvidenceError(Exception):
    """Evidence cannot be written or read; the message says where and why."""


@dataclass(frozen=True)
class StoredFile:
    """A file of evidence as written. `path` is relative to the evidence store."""

    path: str
    sha256: str
    size_bytes: int
    media_type: str


class EvidenceStore:
    """Files under a folder, or under any URL that fsspec opens (s3://bucket/prefix)."""

    def __init__(self, url: str) -> None:
        try:
            self._files, self._root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise EvidenceError(f"storage.evidence {url!r} cannot be opened: {error}") from error

    def write(self, content: bytes, media_type: str) -> StoredFile:
        """Store `content` under its hash: whole, or not at all."""
        digest = hashlib.sha256(content).hexdigest()
        path = _path_of(digest, media_type)
        target = f"{self._root}/{path}"
        try:
            if not self._has(target, len(content)):
                self._write_whole(target, [content])
        except OSError as error:
            raise EvidenceError(f"cannot write evidence below {self._root}: {error}") from error
        return StoredFile(path, digest, len(content), media_type)

    def write_file(self, source: Path, media_type: str) -> StoredFile:
        """Store a local file under its hash, a piece at a time: whole, or not at all."""
        with source.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size_bytes = source.stat().st_size
        path = _path_of(digest, media_type)
        target = f"{self._root}/{path}"
        try:
            if not self._has(target, size_bytes):
                with source.open("rb") as file:
                    self._write_whole(target, iter(lambda: file.read(_PIECE_BYTES), b""))
        except OSError as error:
            raise EvidenceError(f"cannot write evidence below {self._root}: {error}") from error
        return StoredFile(path, digest, size_bytes, media_type)

    def find(self, sha256: str, size_bytes: int, media_type: str) -> StoredFile | None:
        """The file with this hash, if it is here whole."""
        path = _path_of(sha256, media_type)
        whole = self._has(f"{self._root}/{path}", size_bytes)
        return StoredFile(path, sha256, size_bytes, media_type) if whole else None

    def remove(self, path: str) -> None:
        """The file is gone afterwards; also when it was before."""
        try:
            self._files.rm_file(f"{self._root}/{path}")
        except FileNotFoundError:
            return
        except OSError as error:
            raise EvidenceError(f"cannot remove evidence {path} below {self._root}: {error}") from error

    def free_bytes(self) -> int | None:
        """Room left on the disk; None for stores that are no local folder."""
        if not isinstance(self._files, LocalFileSystem):
            return None
        Path(self._root).mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(self._root).free

    def read(self, path: str) -> bytes:
        try:
            content = self._files.cat_file(f"{self._root}/{path}")
        except OSError as error:
            raise EvidenceError(f"cannot read evidence {path} below {self._root}: {error}") from error
        return bytes(content)

    def exists(self, path: str) -> bool:
        """Whether the file is there; what it holds is not looked at."""
        return bool(self._files.exists(f"{self._root}/{path}"))

    def _has(self, target: str, size_bytes: int) -> bool:
        return bool(self._files.exists(target)) and self._files.size(target) == size_bytes

    def _write_whole(self, target: str, pieces: Iterable[bytes]) -> None:
        self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
        partial = f"{target}.{uuid.uuid4().hex}.part"
        try:
            with self._files.open(partial, "wb") as file:
                for piece in pieces:
                    file.write(piece)
                _sync(file)
            self._files.mv(partial, target)
        except BaseException:
            with contextlib.suppress(OSError):
                self._files.rm_file(partial)
            raise


def _path_of(sha256: str, media_type: str) -> str:
    return f"{sha256[:2]}/{sha256}{_SUFFIXES.get(media_type, '.bin')}"


def _sync(file: Any) -> None:
    """A local file reaches the disk before a row names it; remote stores do that themselves."""
    file.flush()
    try:
        descriptor = file.fileno()
    except (AttributeError, OSError):
        return
    os.fsync(descriptor)
