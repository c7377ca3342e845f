"""Backups: one file with everything an installation must not lose, made while it runs; and the way back.

A backup is a tar archive: the store (`store.sqlite` or `store.pgdump`), the keys of the state folder, the
deployment file with the small files it names (`firewatch.deployment_files`), with `evidence=True` the
evidence files, and last `manifest.json` with the SHA-256 of each. An archive without a manifest was cut off
and is refused. Evidence that is not in the archive is listed all the same, so that a restored centre can say
what it lacks.

Nothing is replaced before the whole archive was verified; what is replaced is kept beside it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.engine import make_url

from alerting import snapshot
from alerting.evidence import EvidenceError, EvidenceStore
from alerting.secret_box import KEY_FILE
from alerting.store import Store, StoreError, StoreVersionError
from alerting.tables import EvidenceRow
from config import Deployment
from firewatch.deployment_files import choose, target_of
from firewatch.failures import UserError

FORMAT = 2
_KNOWN_FORMATS = (1, 2)
"""1 held no deployment files."""
_MANIFEST = "manifest.json"
_STATE_FILES = ("link.key", KEY_FILE)
_MEDIA_TYPES = {".jpg": "image/jpeg", ".mp4": "video/mp4"}


class BackupError(UserError):
    """A backup that cannot be made or used; says why and what to do."""


@dataclass(frozen=True)
class Entry:
    """One file: its place (below the evidence store, or in the archive) and what it must hold."""

    path: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class DeploymentFile(Entry):
    """A file of the deployment; `place` as in `firewatch.deployment_files`."""

    place: str


@dataclass(frozen=True)
class Manifest:
    """What a backup holds."""

    made_at: str
    program: str
    deployment: str
    store_kind: str
    store_revision: str | None
    store: Entry
    state: tuple[Entry, ...]
    evidence: tuple[Entry, ...]
    evidence_included: bool
    deployment_files: tuple[DeploymentFile, ...] = ()
    left_out: tuple[str, ...] = ()
    format: int = FORMAT


@dataclass(frozen=True)
class Restored:
    """What a restore brought back, and the evidence that rows name and nobody has."""

    manifest: Manifest
    evidence_written: int
    evidence_missing: tuple[str, ...]
    kept_aside: Path | None


def back_up(
    deployment: Deployment,
    state: Path,
    target: Path,
    *,
    config_file: Path | None = None,
    evidence: bool = False,
    terrain: bool = False,
) -> Manifest:
    """Write a backup to the file `target`: whole, or not at all. The centre may be running. `config_file` is
    what `deployment` was read from; `terrain` puts its elevation model in, too."""
    url = deployment.storage.database_url.reveal()
    revision = snapshot.revision_of(url) if not snapshot.is_empty(url) else None
    if revision is None:
        raise BackupError("there is nothing to back up yet: the store is empty")
    files = EvidenceStore(deployment.storage.evidence)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".part")
    try:
        with (
            tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as folder,
            _private(partial) as raw,
            tarfile.open(fileobj=raw, mode="w") as archive,
        ):
            kind = snapshot.kind_of(url)
            store_file = Path(folder) / ("store.sqlite" if kind == "sqlite" else "store.pgdump")
            snapshot.take(url, store_file)
            chosen, left_out = choose(deployment, config_file, terrain=terrain) if config_file else ((), ())
            listed = _evidence_of(url)  # after the copy: a row too many does no harm, one too few would
            manifest = Manifest(
                made_at=datetime.now(UTC).isoformat(timespec="seconds"),
                program=version("firewatch"),
                deployment=deployment.name,
                store_kind=kind,
                store_revision=revision,
                store=_add_file(archive, store_file, store_file.name),
                state=tuple(
                    _add_file(archive, state / name, f"state/{name}")
                    for name in _STATE_FILES
                    if (state / name).is_file()
                ),
                evidence=tuple(_add_evidence(archive, files, listed)) if evidence else listed,
                evidence_included=evidence,
                deployment_files=tuple(
                    DeploymentFile(
                        **asdict(_add_file(archive, one.path, f"deployment/{number}")), place=one.place
                    )
                    for number, one in enumerate(chosen)
                ),
                left_out=left_out,
            )
            _add_bytes(archive, _MANIFEST, json.dumps(asdict(manifest), indent=1).encode())
        partial.replace(target)
    except OSError as error:
        raise BackupError(f"cannot write the backup {target}: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return manifest


def dated(made_at: datetime) -> str:
    """The name of a backup made then; names sort by time, and `prune` knows them again."""
    return f"firewatch-{made_at:%Y%m%dT%H%M%SZ}.tar"


def prune(folder: Path, keep: int) -> tuple[Path, ...]:
    """Remove all but the `keep` newest dated backups of a folder; those before upgrades, and those with names
    of people's own, stay. What went. Raises BackupError; ValueError for a `keep` that leaves none."""
    if keep < 1:
        raise ValueError(f"at least one backup is kept, not {keep}")
    digits = "[0-9]"
    old = sorted(folder.glob(f"firewatch-{digits * 8}T{digits * 6}Z.tar"))[:-keep]
    for backup in old:
        try:
            backup.unlink(missing_ok=True)
        except OSError as error:
            raise BackupError(f"cannot remove the old backup {backup}: {error.strerror or error}") from error
    return tuple(old)


def read_manifest(backup: Path) -> Manifest:
    """What a backup says of itself. Raises BackupError for anything that is no whole backup."""
    try:
        with tarfile.open(backup) as archive:
            return _manifest_in(archive, backup)
    except (OSError, tarfile.TarError) as error:
        raise BackupError(f"{backup} is no backup of firewatch, or it is cut off: {error}") from error


def restore_deployment(backup: Path, config_file: Path) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Put the deployment file back as `config_file`, and the files it names to where it names them: what was
    written, and what was there already and stays. Raises BackupError."""
    written: list[Path] = []
    kept: list[Path] = []
    try:
        with tarfile.open(backup) as archive:
            manifest = _manifest_in(archive, backup)
            if not manifest.deployment_files:
                raise BackupError(f"{backup} holds no deployment file: write one, or copy it from elsewhere")
            _verify(archive, manifest, backup)
            for one in manifest.deployment_files:
                target = target_of(one.place, config_file)
                if target.exists():
                    kept.append(target)
                else:
                    _write_private(target, _bytes_of(archive, one.path))
                    target.chmod(archive.getmember(one.path).mode & 0o777)  # as it was
                    written.append(target)
    except (OSError, tarfile.TarError) as error:
        raise BackupError(f"cannot restore the deployment from {backup}: {error}") from error
    return tuple(written), tuple(kept)


def restore(
    deployment: Deployment, state: Path, backup: Path, *, replace: bool = False, migrate: bool = True
) -> Restored:
    """Bring back what a backup holds. The centre must not run (`firewatch.running.alone`).

    With `migrate` an older store is brought to this program's version; without it, it stays as it was.

    Raises BackupError when the archive is damaged, when the store there is not empty and `replace` was not
    said, or when the kinds of database differ; StoreVersionError for a backup of a newer program.
    """
    url = deployment.storage.database_url.reveal()
    try:
        with tarfile.open(backup) as archive:
            manifest = _manifest_in(archive, backup)
            _check_usable(manifest, url, replace=replace)
            _verify(archive, manifest, backup)
            files = EvidenceStore(deployment.storage.evidence)
            with tempfile.TemporaryDirectory(prefix="firewatch-restore-") as folder:
                _extract(archive, manifest.store.path, Path(folder) / "store")
                kept = _keep_aside(url)
                snapshot.put(Path(folder) / "store", url)
            for entry in manifest.state:
                _write_private(state / entry.path.removeprefix("state/"), _bytes_of(archive, entry.path))
            written = _restore_evidence(archive, manifest, files) if manifest.evidence_included else 0
    except tarfile.TarError as error:
        raise BackupError(f"{backup} is no backup of firewatch, or it is cut off: {error}") from error
    except OSError as error:
        raise BackupError(f"cannot restore {backup}: {error}") from error
    if migrate:
        Store.open(url).close()
    missing = tuple(entry.path for entry in manifest.evidence if not files.exists(entry.path))
    return Restored(manifest, written, missing, kept)


def _check_usable(manifest: Manifest, url: str, *, replace: bool) -> None:
    if manifest.store_kind != snapshot.kind_of(url):
        raise BackupError(
            f"the backup is of a {manifest.store_kind} store, but storage.database_url names a"
            f" {snapshot.kind_of(url)} one: restore it to the same kind"
        )
    if not snapshot.is_known(manifest.store_revision):
        raise StoreVersionError(
            f"the backup was made by a newer program ({manifest.program}, store version"
            f" {manifest.store_revision}): install that program first"
        )
    if not replace and not snapshot.is_empty(url):
        raise BackupError(
            "the store there is not empty; say --replace to put the backup in its place"
            " (what is there is kept aside)"
        )


def _manifest_in(archive: tarfile.TarFile, backup: Path) -> Manifest:
    try:
        raw = json.loads(_bytes_of(archive, _MANIFEST))
    except (KeyError, ValueError):
        raise BackupError(f"{backup} has no manifest: it was cut off, or is no backup of firewatch") from None
    if raw.get("format") not in _KNOWN_FORMATS:
        raise BackupError(f"{backup} has format {raw.get('format')}; this program reads up to {FORMAT}")
    return Manifest(
        **{
            **raw,
            "store": Entry(**raw["store"]),
            "state": tuple(Entry(**one) for one in raw["state"]),
            "evidence": tuple(Entry(**one) for one in raw["evidence"]),
            "deployment_files": tuple(DeploymentFile(**one) for one in raw.get("deployment_files", ())),
            "left_out": tuple(raw.get("left_out", ())),
        }
    )


def _verify(archive: tarfile.TarFile, manifest: Manifest, backup: Path) -> None:
    entries = [manifest.store, *manifest.state, *manifest.deployment_files]
    if manifest.evidence_included:
        names = set(archive.getnames())
        entries += [
            Entry(f"evidence/{entry.path}", entry.sha256, entry.size_bytes)
            for entry in manifest.evidence
            if f"evidence/{entry.path}" in names
        ]
    for entry in entries:
        with _open(archive, entry.path) as content:
            if hashlib.file_digest(content, "sha256").hexdigest() != entry.sha256:
                raise BackupError(
                    f"{backup} is damaged: {entry.path} is not what was backed up; nothing changed"
                )


def _evidence_of(url: str) -> tuple[Entry, ...]:
    store = Store.open(url)
    try:
        with store.reading() as session:
            rows = session.execute(
                select(EvidenceRow.path, EvidenceRow.sha256, EvidenceRow.size_bytes)
                .distinct()
                .order_by(EvidenceRow.path)
            )
            return tuple(Entry(*row) for row in rows)
    finally:
        store.close()


def _add_evidence(
    archive: tarfile.TarFile, files: EvidenceStore, listed: tuple[Entry, ...]
) -> Iterator[Entry]:
    """Files that are gone stay listed: the restored centre will say so."""
    for entry in listed:
        with suppress(EvidenceError):
            _add_bytes(archive, f"evidence/{entry.path}", files.read(entry.path))
        yield entry


def _restore_evidence(archive: tarfile.TarFile, manifest: Manifest, files: EvidenceStore) -> int:
    written = 0
    names = set(archive.getnames())
    for entry in manifest.evidence:
        if f"evidence/{entry.path}" in names:
            media_type = _MEDIA_TYPES.get(Path(entry.path).suffix, "application/octet-stream")
            files.write(_bytes_of(archive, f"evidence/{entry.path}"), media_type)
            written += 1
    return written


def _keep_aside(url: str) -> Path | None:
    """A copy of the store that is about to go. SQLite only: on a PostgreSQL server the restore is one
    transaction, and what is replaced was backed up by whoever said so."""
    if snapshot.kind_of(url) != "sqlite" or snapshot.is_empty(url):
        return None
    file = Path(make_url(url).database or "")
    aside = file.with_name(f"{file.name}.before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    try:
        snapshot.take(url, aside)
    except StoreError:  # damaged: that is why it goes; keep the bytes
        file.replace(aside)
    return aside


def _add_file(archive: tarfile.TarFile, file: Path, name: str) -> Entry:
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    archive.add(file, arcname=name, recursive=False)
    return Entry(name, digest, file.stat().st_size)


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    info.mode = 0o600
    archive.addfile(info, io.BytesIO(content))


def _open(archive: tarfile.TarFile, name: str) -> io.BufferedReader:
    content = archive.extractfile(name)
    if content is None:
        raise KeyError(name)
    return cast(io.BufferedReader, content)


def _bytes_of(archive: tarfile.TarFile, name: str) -> bytes:
    with _open(archive, name) as content:
        return content.read()


def _extract(archive: tarfile.TarFile, name: str, target: Path) -> None:
    with _open(archive, name) as content, target.open("wb") as out:
        while block := content.read(1 << 20):
            out.write(block)


@contextmanager
def _private(path: Path) -> Iterator[Any]:
    """A new file that only we may read (it holds keys and telephone numbers), on the disk when closed."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _write_private(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with _private(path.with_name(path.name + ".part")) as file:
        file.write(content)
    path.with_name(path.name + ".part").replace(path)
