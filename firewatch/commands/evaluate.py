"""`firewatch evaluate DIR`: figures of a model on labelled sequences, printed and written as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from firewatch.commands.detector_options import BackendOption, JsonFileOption, ModelOption, ProfileOption

if TYPE_CHECKING:
    from detector.evaluation.cross_validation import CrossValidation
    from detector.evaluation.footage import FilmedSequence
    from detector.evaluation.scoring import Scores
    from detector.registry import Model


def register(app: typer.Typer) -> None:
    app.command("evaluate")(evaluate)


def evaluate(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Sequences: SEQ/images/EPOCH_OFFSET.jpg and SEQ/labels.")
    ],
    split: Annotated[
        str | None, typer.Option(help="Only sequences sequences.csv gives this split, e.g. val.")
    ] = None,
    model: ModelOption = None,
    profile: ProfileOption = "balanced",
    backend: BackendOption = None,
    json_file: JsonFileOption = None,
    include_train: Annotated[
        bool, typer.Option("--include-train", help="Evaluate sequences the model was trained on, too.")
    ] = False,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Sequences scored at the same time.")] = 2,
    keep_detections: Annotated[
        Path | None, typer.Option(help="Write the raw detections here, for --from-detections.")
    ] = None,
    from_detections: Annotated[
        Path | None, typer.Option(help="Read raw detections kept before instead of running the network.")
    ] = None,
    sweep: Annotated[bool, typer.Option(help="Print figures at other thresholds and policies.")] = True,
    beside: Annotated[
        bool, typer.Option(help="With --split val: also the scenes of other kinds that lie beside DIR.")
    ] = True,
    cross_validate: Annotated[
        bool,
        typer.Option(
            "--cross-validate",
            help="Choose the figures of every profile on all masts but one, in turn (minutes).",
        ),
    ] = False,
) -> None:
    """Figures at image, box and sequence level on labelled sequences, passed through the production code."""
    import json

    from detector.evaluation import report
    from detector.evaluation.beside import judge_scene, scenes_beside
    from detector.evaluation.footage import read_footage
    from detector.registry import load_model
    from firewatch.evaluation_tables import show, show_cross_validation, show_scenes
    from firewatch.terminal import out

    loaded = load_model(model)
    sequences = read_footage(folder, split)
    seen = report.refuse_training_data(loaded, sequences, include_train=include_train)
    others = scenes_beside(folder) if beside and split == "val" else []
    if from_detections is not None:
        scores = _kept(from_detections, loaded, [*sequences, *others])
    else:
        scores = _scored([*sequences, *others], loaded, backend, processes)
    if keep_detections is not None:
        scores.save(keep_detections)
    figures = report.evaluate(
        sequences,
        scores,
        loaded.profile(profile),
        split=split,
        seen_in_training=seen,
        training_unknown=loaded.trained_on is None,
        sweep=sweep,
    )
    scenes = [judge_scene(sequence, scores, loaded.profile(profile)) for sequence in others]
    chosen = _cross_validated(sequences, scores, loaded) if cross_validate else []
    if json_file is not None:
        document = {**figures.document(), "beside": {scene.name: scene.figures() for scene in scenes}}
        if chosen:
            document["cross_validation"] = {one.shipped.name: one.document() for one in chosen}
        json_file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    show(figures, out)
    if scenes:
        show_scenes(scenes, out)
    for one in chosen:
        show_cross_validation(one, out)


def _cross_validated(sequences: list[FilmedSequence], scores: Scores, model: Model) -> list[CrossValidation]:
    from detector.errors import FootageError
    from detector.evaluation.cross_validation import cross_validate
    from detector.registry import PROFILE_NAMES

    known = frozenset(model.trained_on or ())
    masts = {s.mast for s in sequences if s.clock == "sound" and s.name not in known}
    if len(masts) < 2:
        raise FootageError(
            "--cross-validate leaves out one mast after the other: it needs sequences with a sound clock of "
            "two masts at least (column camera, MAST-DIRECTION, in sequences.csv) that training never saw"
        )
    profiles = [model.profile(name) for name in PROFILE_NAMES]
    return cross_validate(sequences, scores, profiles, known)


def _scored(sequences: list[FilmedSequence], model: Model, backend: BackendOption, processes: int) -> Scores:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from detector.evaluation.scoring import score_footage
    from firewatch.terminal import err

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("sequences", total=len(sequences))
        return score_footage(
            sequences,
            model,
            backend=backend,
            processes=min(processes, len(sequences)),
            done=lambda _name: progress.advance(task),
        )


def _kept(path: Path, model: Model, sequences: list[FilmedSequence]) -> Scores:
    from detector.errors import FootageError
    from detector.evaluation.scoring import Scores

    scores = Scores.load(path)
    missing = [
        sequence.name
        for sequence in sequences
        if len(scores.pictures.get(sequence.name, ())) != len(sequence.pictures)
    ]
    if scores.model_id != model.model_id or missing:
        raise FootageError(
            f"{path}: kept from model {scores.model_id} with {len(scores.pictures)} sequences, asked for is "
            f"{model.model_id}{' and also ' + missing[0] if missing else ''}; run without --from-detections"
        )
    return scores
