"""Labelled footage through the production code, once: raw detections of every picture.

The expensive half of an evaluation. Frames pass in time order through the same `Looker` the worker uses,
all memory emptied between sequences; what a threshold or a policy makes of the detections is cheap and
done afterwards, any number of times. Detections can be kept in a file on request; nothing is cached behind
the user's back.
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from detector.backend import Backend, BackendName
from detector.confirmation import Confirmer, Policy, sighting_of
from detector.detection import Box, Detection, Look
from detector.errors import FootageError
from detector.evaluation.footage import FilmedSequence
from detector.evaluation.sightings import TimedSighting
from detector.pipeline import Looker
from detector.registry import Model, Profile
from streams.errors import BadPicture
from streams.frame import Frame
from streams.picture import read_picture

LEAST_SCORE = 0.01  # the precision curve needs the weak detections too

_UNDATED = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ScoredPicture:
    """What the network said about one picture of a sequence, before any threshold. Sizes in pixels."""

    file: str
    captured_at: datetime
    offset_s: float | None
    width_px: int
    height_px: int
    detections: tuple[Detection, ...]
    bad_picture: str | None = None

    @property
    def score(self) -> float:
        return max((detection.confidence for detection in self.detections), default=0.0)


@dataclass(frozen=True)
class Scores:
    """All scored pictures of a run, by sequence, and the model that scored them."""

    model_id: str
    pictures: dict[str, tuple[ScoredPicture, ...]]

    def save(self, path: Path) -> None:
        """Write to a JSON file."""
        document = {
            "model_id": self.model_id,
            "sequences": {
                name: [_as_json(picture) for picture in rows] for name, rows in self.pictures.items()
            },
        }
        path.write_text(json.dumps(document), encoding="utf-8")

    @staticmethod
    def load(path: Path) -> Scores:
        """Read what `save` wrote. Raises FootageError."""
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            rows = {
                name: tuple(_from_json(row) for row in rows) for name, rows in document["sequences"].items()
            }
            return Scores(str(document["model_id"]), rows)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FootageError(
                f"{path}: not a file that `evaluate --keep-detections` wrote ({error})"
            ) from None


def score_footage(
    sequences: Sequence[FilmedSequence],
    model: Model,
    *,
    backend: BackendName | None = None,
    processes: int = 1,
    done: Callable[[str], None] = lambda _name: None,
) -> Scores:
    """Score every picture of `sequences`; `done` is called with the name of each finished sequence."""
    found: dict[str, tuple[ScoredPicture, ...]] = {}
    if processes <= 1:
        opened = model.open_backend(backend)
        for sequence in sequences:
            found[sequence.name] = score_sequence(sequence, model, opened)
            done(sequence.name)
    else:
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(processes, spawn, _open_in_process, (model, backend)) as pool:
            longest_first = sorted(sequences, key=lambda sequence: -len(sequence.pictures))
            waiting = {pool.submit(_score_in_process, sequence): sequence.name for sequence in longest_first}
            for finished in as_completed(waiting):
                found[waiting[finished]] = finished.result()
                done(waiting[finished])
    return Scores(model.model_id, {sequence.name: found[sequence.name] for sequence in sequences})


def score_sequence(sequence: FilmedSequence, model: Model, backend: Backend) -> tuple[ScoredPicture, ...]:
    """Score one sequence with an empty memory. Pictures without a time are looked at without any memory."""
    ages_s = model.ages_for(backend)
    looker = Looker(backend, ages_s, model.look_width_px, calibration=model.calibration)
    scored = []
    for number, picture in enumerate(sequence.pictures):
        if picture.captured_at is None:
            looker = Looker(backend, ages_s, model.look_width_px, calibration=model.calibration)
        at = picture.captured_at or _UNDATED + timedelta(days=number)
        try:
            image = read_picture(picture.path)
        except BadPicture as error:
            raise FootageError(
                f"{picture.path} {error}; copy it again, or take it out of the sequence"
            ) from None
        frame = Frame(image, sequence.name, at, number)
        detections, bad = looker.detections(frame, LEAST_SCORE)
        scored.append(
            ScoredPicture(
                picture.path.name, at, picture.offset_s, frame.width_px, frame.height_px, detections, bad
            )
        )
    return tuple(scored)


@dataclass(frozen=True)
class Followed:
    """What tracking and confirmation made of one sequence.

    `evidence_score_s` holds the view's evidence after each picture, None where it was bad or has no time.
    """

    sightings: tuple[TimedSighting, ...]
    evidence_score_s: tuple[float | None, ...]


def follow(pictures: Sequence[ScoredPicture], camera_id: str, profile: Profile, model_id: str) -> Followed:
    """Tracking and confirmation over the scored pictures of one sequence, as `Pipeline` does it live."""
    sightings: list[TimedSighting] = []
    evidence: list[float | None] = []
    confirmer: Confirmer | None = None
    for number, picture in enumerate(pictures):
        if picture.bad_picture is not None or picture.offset_s is None:
            evidence.append(None)
            continue
        size_px = (picture.width_px, picture.height_px)
        confirmer = confirmer or Confirmer(profile.policy, size_px)
        verdict = confirmer.advance(picture.captured_at, picture.detections)
        evidence.append(verdict.evidence_score_s)
        look = Look(camera_id, None, picture.captured_at, number, *size_px, (), model_id)
        for track in verdict.confirmed:
            sighting = sighting_of(track, look, policy=profile.policy, profile=profile.name)
            sightings.append(TimedSighting(picture.offset_s, sighting))
    return Followed(tuple(sightings), tuple(evidence))


def with_figures(profile: Profile, **changes: float) -> Profile:
    """The profile with single figures of its policy changed, for sweeps."""
    policy: Policy = replace(profile.policy, **changes)  # type: ignore[arg-type]
    return replace(profile, policy=policy)


_process: dict[str, Any] = {}
"""Model and backend of a worker process, set once when it starts."""


def _open_in_process(model: Model, backend: BackendName | None) -> None:
    _process.update(model=model, backend=model.open_backend(backend))


def _score_in_process(sequence: FilmedSequence) -> tuple[ScoredPicture, ...]:
    return score_sequence(sequence, _process["model"], _process["backend"])


def _as_json(picture: ScoredPicture) -> dict[str, Any]:
    return {
        "file": picture.file,
        "captured_at": picture.captured_at.isoformat(),
        "offset_s": picture.offset_s,
        "size_px": [picture.width_px, picture.height_px],
        "detections": [
            [d.label, d.confidence, d.box.x1, d.box.y1, d.box.x2, d.box.y2] for d in picture.detections
        ],
        "bad_picture": picture.bad_picture,
    }


def _from_json(row: dict[str, Any]) -> ScoredPicture:
    return ScoredPicture(
        row["file"],
        datetime.fromisoformat(row["captured_at"]),
        row["offset_s"],
        row["size_px"][0],
        row["size_px"][1],
        tuple(Detection(label, score, Box(*edges)) for label, score, *edges in row["detections"]),
        row["bad_picture"],
    )
