"""Brings sightings and clips to the centre. Both raise while it is away, and are asked again by what keeps
them on the disk: the spool (`firewatch.spooling`) and the recordings (`firewatch.recorder`)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alerting.ingest import SIGHTING, LaterFile, Named, Taken
from alerting.intake import Evidence, SightingError
from config import Camera
from detector.detection import Sighting
from firewatch.recording import About, Product
from firewatch.remote.link import CentreAwayError, CentreLink, RefusedError


@dataclass(frozen=True)
class RemoteIntake:
    """A `firewatch.spooling.Taker` over a link."""

    link: CentreLink

    def accept(self, sighting: Sighting, evidence: Evidence, _camera: Camera) -> Taken:
        """Raises CentreAwayError; SightingError when the centre refuses this sighting for good."""
        files = {
            "sighting": ("sighting.json", SIGHTING.dump_json(sighting), "application/json"),
            "snapshot": ("snapshot.jpg", evidence.snapshot_jpeg, "image/jpeg"),
            "annotated": ("annotated.jpg", evidence.annotated_jpeg, "image/jpeg"),
        }
        try:
            answer = self.link.ask("POST", "/sightings", files=files)
        except RefusedError as error:
            raise SightingError(f"sighting {sighting.sighting_id}: {error}") from error
        return Taken.model_validate_json(answer.content)


@dataclass(frozen=True)
class RemoteEvidence:
    """An `EvidenceSink` over a link: names the files first, so that only those the centre misses travel."""

    link: CentreLink

    def add(self, about: About, products: Sequence[Product]) -> None:
        """Raises CentreAwayError, RefusedError (the centre does not know the sighting, or not yet)."""
        files = {_sha256(one.path): one for one in products}
        refused: RefusedError | None = None
        for seen in about.sightings:
            try:
                self._add(seen.sighting_id, files)
            except RefusedError as error:  # the others have a right to their clip
                refused = error
        if refused is not None:
            raise refused

    def _add(self, sighting_id: str, files: dict[str, Product]) -> None:
        missing = self._name(sighting_id, files)
        for sha256 in missing:
            self._upload(sha256, files[sha256])
        if missing and self._name(sighting_id, files):
            raise CentreAwayError("it does not have what was just uploaded")

    def _name(self, sighting_id: str, files: dict[str, Product]) -> tuple[str, ...]:
        names = [
            LaterFile.model_validate(
                {
                    "kind": one.kind,
                    "sha256": sha256,
                    "size_bytes": one.path.stat().st_size,
                    "media_type": one.media_type,
                    "captured_at": one.captured_at,
                    "incomplete": one.incomplete,
                }
            ).model_dump(mode="json")
            for sha256, one in files.items()
        ]
        answer = self.link.ask("POST", f"/sightings/{sighting_id}/evidence", json=names)
        return Named.model_validate_json(answer.content).missing

    def _upload(self, sha256: str, product: Product) -> None:
        headers = {"Content-Type": product.media_type, "Content-Length": str(product.path.stat().st_size)}
        with product.path.open("rb") as file:
            self.link.ask("PUT", f"/evidence/{sha256}", content=file, headers=headers)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
