"""Which weights are in use, whether they are the ones that were measured, and how eager they may be.

`models/registry.yaml` names every shipped model with its files and their SHA-256, the model card, the
licence of the weights, what they were trained on, and the figures of the three profiles. A deployment may
also name weights of its own by path; a YAML file of the same name beside them (`mine.onnx` + `mine.yaml`,
one entry of the registry) says what belongs to them, else the fallback figures of this program apply.

Format of the registry:

    current: NAME
    previous: NAME                 # what `firewatch models rollback` returns to
    promoted_at: 2026-03-12T...    # when the current one became it here; left out as shipped
    models:
      NAME:
        title: one line
        files:                     # path below the registry: SHA-256; the first of a kind is loaded
          NAME/model.xml: 3b0c...
          NAME/model.bin: 91ff...
          NAME/model.onnx: 77aa...
        card: NAME/card.md
        licence: {name: CC-BY-NC-SA-4.0, file: LICENSE.md, summary: non-commercial; credits ...}
        ages_s: [20, 120, 600]     # reference ages the network was trained with
        look_width_px: 640
        trained_on: [SEQUENCE, ...] # folder names; evaluation refuses them
        calibration: [[0, 0], [0.3, 0.8], [1, 0.97]] # score to probability; left out where not measured
        profiles:
          balanced: {threshold: 0.3, confirmation: {reference_score: 0.25, ...}}   # and sensitive, quiet
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from detector.backend import Backend, BackendName, open_backend
from detector.calibration import Calibration
from detector.confirmation import Policy
from detector.errors import ModelError
from detector.view import DEFAULT_AGES_S, LOOK_WIDTH_PX

ProfileName = Literal["sensitive", "balanced", "quiet"]
PROFILE_NAMES: tuple[ProfileName, ...] = ("sensitive", "balanced", "quiet")
REGISTRY = Path(__file__).resolve().parent.parent / "models" / "registry.yaml"


@dataclass(frozen=True)
class Profile:
    """How eager a model is: from which score a look shows a detection, and when a track is confirmed."""

    name: ProfileName
    threshold: float
    policy: Policy


FALLBACK_PROFILES: Mapping[ProfileName, Profile] = {
    "sensitive": Profile("sensitive", 0.2, Policy(0.1, 0.15, 3.0)),
    "balanced": Profile("balanced", 0.3, Policy()),
    "quiet": Profile("quiet", 0.45, Policy(0.2, 0.35, 10.0)),
}
"""For weights that bring no figures of their own. Measured on nothing: a start, not a promise."""


@dataclass(frozen=True)
class Model:
    """Weights, what is known about them, and how to load them. `model_id` changes with the weights."""

    name: str
    model_id: str
    title: str
    files: tuple[Path, ...]
    ages_s: tuple[float, ...] | None
    look_width_px: int
    profiles: Mapping[ProfileName, Profile]
    licence: str
    licence_file: Path | None
    card: Path | None
    trained_on: frozenset[str] | None
    """Names of the sequences the weights have seen; None: nobody wrote it down."""
    calibration: Calibration | None = None
    """What its scores mean; None: nobody measured it."""

    def profile(self, name: ProfileName) -> Profile:
        return self.profiles[name]

    def open_backend(self, name: BackendName | None = None, *, threads: int = 1) -> Backend:
        """The network on the engine `name`, or on the first one these files serve."""
        suffixes = {"openvino": (".xml", ".onnx"), "onnxruntime": (".onnx",), "ultralytics": (".pt",)}
        wanted = suffixes[name] if name else (".xml", ".onnx", ".pt")
        for suffix in wanted:
            for path in self.files:
                if path.suffix == suffix:
                    return open_backend(path, name, threads=threads)
        raise ModelError(f"model {self.name} has no {' or '.join(wanted)} file for {name or 'any engine'}")

    def ages_for(self, backend: Backend) -> tuple[float, ...]:
        """The reference ages that go with the network's input channels."""
        wanted = backend.channels - 3
        ages = self.ages_s if self.ages_s is not None else DEFAULT_AGES_S[:wanted]
        if len(ages) != wanted:
            raise ModelError(
                f"model {self.name}: the network has {wanted} difference channels, but {len(ages)} "
                f"reference ages are named ({', '.join(f'{age:g}' for age in ages)} s); "
                "name as many as it was trained with"
            )
        return tuple(ages)


def load_model(name: str | Path | None = None, *, registry: Path = REGISTRY) -> Model:
    """The model `name` of the registry (None: its current one), or weights at a path of your own.

    Registry files are verified against their checksums first. Raises ModelError.
    """
    if name is not None and (isinstance(name, Path) or Path(name).suffix in (".xml", ".onnx", ".pt")):
        return _own_model(Path(name))
    document = _read_registry(registry)
    chosen = name or document.current
    entry = document.models.get(chosen)
    if entry is None:
        raise ModelError(
            f"{registry}: no model named {chosen}; there are {', '.join(sorted(document.models))}"
        )
    for file, problem in verify_entry(chosen, entry, registry.parent).items():
        if problem:
            raise ModelError(f"{registry.parent / file}: {problem}")
    return _model(chosen, entry, registry.parent)


def verify(registry: Path = REGISTRY) -> dict[str, dict[str, str | None]]:
    """For each model of the registry, for each of its files: what is wrong with it, or None."""
    document = _read_registry(registry)
    return {name: verify_entry(name, entry, registry.parent) for name, entry in document.models.items()}


def list_models(registry: Path = REGISTRY) -> tuple[str, list[Model]]:
    """(name of the current model, all models), read without verifying any weights."""
    document = _read_registry(registry)
    return document.current, [_model(name, entry, registry.parent) for name, entry in document.models.items()]


def promote(name: str, *, registry: Path = REGISTRY) -> None:
    """Make `name` the current model and remember the one before. Raises ModelError for damaged weights."""
    load_model(name, registry=registry)
    current = _read_registry(registry).current
    if name != current:
        _rewrite(registry, current=name, previous=current, promoted_at=_now())


def rollback(*, registry: Path = REGISTRY) -> str:
    """Return to the model that was current before the last promotion; its name. Raises ModelError."""
    document = _read_registry(registry)
    if document.previous is None:
        raise ModelError(f"{registry}: no earlier model is remembered; name one with `models promote`")
    load_model(document.previous, registry=registry)
    _rewrite(registry, current=document.previous, previous=document.current, promoted_at=_now())
    return document.previous


@dataclass(frozen=True)
class Promotion:
    """Which model the registry names, which before it, and since when; `at` is None as shipped."""

    current: str
    previous: str | None
    at: datetime | None


def promotion(registry: Path = REGISTRY) -> Promotion:
    """Raises ModelError for a registry that cannot be read."""
    document = _read_registry(registry)
    return Promotion(document.current, document.previous, document.promoted_at)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _rewrite(registry: Path, **changes: str) -> None:
    """Replace top-level entries in one move: a reader sees the old registry or the new one."""
    document: dict[str, Any] = yaml.safe_load(registry.read_text(encoding="utf-8"))
    text = yaml.safe_dump(
        {**changes, **{k: v for k, v in document.items() if k not in changes}},
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )
    part = registry.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(registry)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class _Licence(_Strict):
    name: str
    summary: str
    file: str | None = None


class _Profile(_Strict):
    threshold: float = Field(gt=0, lt=1)
    confirmation: dict[str, float] = Field(default_factory=dict)


class Entry(_Strict):
    """One model of the registry as written."""

    title: str
    files: dict[str, str] = Field(default_factory=dict)
    card: str | None = None
    licence: _Licence
    ages_s: list[float] | None = None
    look_width_px: int = Field(default=LOOK_WIDTH_PX, ge=32, multiple_of=32)
    trained_on: list[str] | None = None
    calibration: list[tuple[float, float]] | None = None
    profiles: dict[ProfileName, _Profile]


_Written = TypeVar("_Written", bound=BaseModel)


class _Registry(_Strict):
    current: str
    previous: str | None = None
    promoted_at: AwareDatetime | None = None
    models: dict[str, Entry]


def verify_entry(name: str, entry: Entry, folder: Path) -> dict[str, str | None]:
    """What is wrong with each file of one entry, or None where nothing is."""
    if not entry.files:
        return {name: "names no files"}
    return {file: _file_problem(folder / file, expected) for file, expected in entry.files.items()}


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _file_problem(path: Path, expected: str) -> str | None:
    if not path.is_file():
        return "the weights file is missing; fetch the repository again (with its large files)"
    found = sha256_of(path)
    if found != expected.lower():
        return (
            f"wrong checksum (SHA-256 {found[:12]}..., the registry says {expected[:12]}...): damaged or "
            "replaced; fetch it again, or name weights of your own by path"
        )
    return None


def _read_registry(path: Path) -> _Registry:
    if not path.is_file():
        raise ModelError(f"{path}: the model registry is missing; fetch the repository again")
    document = _parse(path, _Registry)
    if document.current not in document.models:
        raise ModelError(f"{path}: current names {document.current}, which is not among its models")
    return document


def _own_model(path: Path) -> Model:
    if not path.is_file():
        raise ModelError(f"{path}: no such weights file; check the path, or see `firewatch models list`")
    files = [path, path.with_suffix(".bin")] if path.suffix == ".xml" else [path]
    if not files[-1].is_file():
        raise ModelError(f"{files[-1]}: the weights beside {path.name} are missing; copy both files")
    checksums = {file.name: sha256_of(file) for file in files}
    beside = path.with_suffix(".yaml")
    if beside.is_file() and beside.name != "metadata.yaml":
        entry = _parse(beside, Entry)
        return _model(path.stem, entry.model_copy(update={"files": checksums}), path.parent)
    return Model(
        name=path.stem,
        model_id=_model_id(path.stem, checksums),
        title=f"weights of your own ({path})",
        files=tuple(files),
        ages_s=None,
        look_width_px=LOOK_WIDTH_PX,
        profiles=FALLBACK_PROFILES,
        licence="not stated; yours to know",
        licence_file=None,
        card=None,
        trained_on=None,
    )


def _model_id(name: str, checksums: Mapping[str, str]) -> str:
    """Name and a short hash of all its files: other weights, another id."""
    joined = "\n".join(f"{file} {checksum.lower()}" for file, checksum in sorted(checksums.items()))
    return f"{name}-{hashlib.sha256(joined.encode()).hexdigest()[:8]}"


def _model(name: str, entry: Entry, folder: Path) -> Model:
    missing = [profile for profile in PROFILE_NAMES if profile not in entry.profiles]
    if missing:
        raise ModelError(
            f"model {name}: profile {', '.join(missing)} is missing; all of {', '.join(PROFILE_NAMES)}"
        )
    return Model(
        name=name,
        model_id=_model_id(name, entry.files),
        title=entry.title,
        files=tuple(folder / file for file in entry.files),
        ages_s=tuple(entry.ages_s) if entry.ages_s is not None else None,
        look_width_px=entry.look_width_px,
        profiles={p: _profile(name, p, entry.profiles[p]) for p in PROFILE_NAMES},
        licence=f"{entry.licence.name}: {entry.licence.summary}",
        licence_file=folder / entry.licence.file if entry.licence.file else None,
        card=folder / entry.card if entry.card else None,
        trained_on=frozenset(entry.trained_on) if entry.trained_on is not None else None,
        calibration=_calibration(name, entry.calibration),
    )


def _calibration(model: str, points: list[tuple[float, float]] | None) -> Calibration | None:
    try:
        return None if points is None else Calibration(tuple(points))
    except ValueError as error:
        raise ModelError(f"model {model}: calibration {error}") from None


def _profile(model: str, name: ProfileName, written: _Profile) -> Profile:
    try:
        policy = Policy(**{**written.confirmation, **_whole(written.confirmation)})  # type: ignore[arg-type]
    except TypeError as error:
        raise ModelError(f"model {model}, profile {name}: unknown confirmation figure ({error})") from None
    return Profile(name, written.threshold, policy)


def _whole(confirmation: Mapping[str, float]) -> dict[str, int]:
    return {key: int(confirmation[key]) for key in ("least_looks",) if key in confirmation}


def _parse(path: Path, kind: type[_Written]) -> _Written:
    try:
        document: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return kind.model_validate(document)
    except yaml.YAMLError as error:
        raise ModelError(f"{path}: not valid YAML ({error})") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ModelError(f"{path}: {where}: {first['msg']} ({error.error_count()} mistakes in all)") from None
