"""`firewatch evaluate DIR`: figures of a model on labelled sequences, printed and written as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from detector.errors import FootageError
from detector.evaluation.boxes import SIZE_LIMITS_PX
from detector.evaluation.footage import FilmedSequence, read_footage
from detector.evaluation.images import ImageFigures
from detector.evaluation.report import Evaluation, evaluate, refuse_training_data
from detector.evaluation.scoring import Scores, score_footage
from detector.registry import Model, load_model
from firewatch.commands.detector_options import (
    BackendOption,
    JsonFileOption,
    ModelOption,
    ProfileOption,
    told_plainly,
)


def evaluate_command(
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
) -> None:
    """Figures at image, box and sequence level on labelled sequences, passed through the production code."""
    with told_plainly():
        loaded = load_model(model)
        sequences = read_footage(folder, split)
        seen = refuse_training_data(loaded, sequences, include_train=include_train)
        if from_detections is not None:
            scores = _kept(from_detections, loaded, sequences)
        else:
            with _progress() as progress:
                task = progress.add_task("sequences", total=len(sequences))
                scores = score_footage(
                    sequences,
                    loaded,
                    backend=backend,
                    processes=min(processes, len(sequences)),
                    done=lambda _name: progress.advance(task),
                )
        if keep_detections is not None:
            scores.save(keep_detections)
        figures = evaluate(
            sequences,
            scores,
            loaded.profile(profile),
            split=split,
            seen_in_training=seen,
            training_unknown=loaded.trained_on is None,
            sweep=sweep,
        )
    if json_file is not None:
        json_file.write_text(
            json.dumps(figures.document(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    show(figures, Console())


def show(found: Evaluation, console: Console) -> None:
    """Print an evaluation as tables."""
    label = " [red](seen in training)[/]" if found.seen_in_training else ""
    console.print(
        f"[bold]{found.model_id}[/], profile {found.profile.name}, threshold {found.profile.threshold:g}: "
        f"{found.sequences} sequences, {found.pictures} pictures"
        + (f" of split {found.split}" if found.split else "")
        + (f", {found.bad_pictures} bad pictures not judged" if found.bad_pictures else "")
        + label
    )
    if found.training_unknown:
        console.print(
            "[yellow]It is not known what these weights were trained on: they may know this footage.[/]"
        )
    console.print(_image_table(found, label))
    console.print(_box_table(found, label))
    console.print(_sequence_table(found, label))
    console.print(_outcome_table(found, label))
    if found.policy_sweep:
        console.print(_threshold_table(found, label))
        console.print(_policy_table(found, label))


def _image_table(found: Evaluation, label: str) -> Table:
    table = Table(
        title=f"Image level{label} (prevalence {found.images.prevalence:.3f}, AUC {_number(found.auc, 3)}, "
        f"TTD mean {_number(found.image_ttd_mean_min)} / median {_number(found.image_ttd_median_min)} min)",
        title_justify="left",
    )
    for heading in ("", "precision", "recall", "F1", "accuracy", "pictures"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, figures in (
        ("all sound sequences" + label, found.images),
        ("well-boxed fires" + label, found.images_well_boxed),
        ("baseline: always yes", found.always_yes),
        ("baseline: always no", found.always_no),
    ):
        table.add_row(name, *_ratios(figures), str(figures.pictures))
    return table


def _box_table(found: Evaluation, label: str) -> Table:
    table = Table(title=f"Box level{label} ({found.boxed_pictures} boxed pictures)", title_justify="left")
    for size in ("mAP50", *SIZE_LIMITS_PX, "smoke", "fire"):
        table.add_column(size, justify="right")
    keys = ("map50", *(f"map50_{size}" for size in SIZE_LIMITS_PX), "ap50_smoke", "ap50_fire")
    table.add_row(*(_number(found.map50[key], 3) for key in keys))
    return table


def _sequence_table(found: Evaluation, label: str) -> Table:
    figures = found.sequence
    bound = _number(figures.false_per_hour_bound, 2)
    table = Table(title=f"Sequence level{label}", title_justify="left", show_header=False)
    for name, value in (
        (f"found by +15 min, of {figures.fires} well-boxed fires", _number(figures.found, 3)),
        (
            "time to detection, mean / median (min)",
            f"{_number(figures.ttd_mean_min)} / {_number(figures.ttd_median_min)}",
        ),
        ("delay after the first boxed picture, median (min)", _number(figures.delay_median_min)),
        (
            f"false sightings in {figures.camera_hours_before:.1f} camera-hours before ignition",
            str(figures.false_sightings),
        ),
        ("false sightings an hour, and its 95 % upper bound", f"{figures.false_per_hour:.2f} (< {bound})"),
        ("false sightings after ignition, elsewhere", str(figures.false_after)),
        ("sightings after ignition where nothing is boxed (cannot be judged)", str(figures.unplaced_after)),
    ):
        table.add_row(name + label, value)
    return table


def _outcome_table(found: Evaluation, label: str) -> Table:
    table = Table(
        title=f"Each sequence with a sound clock{label} (*: fewer than 10 boxed pictures)",
        title_justify="left",
    )
    for heading in (
        "sequence",
        "found min",
        "1st box min",
        "delay min",
        "false before",
        "false after",
        "hours",
    ):
        table.add_column(
            heading, justify="left" if heading == "sequence" else "right", no_wrap=heading == "sequence"
        )
    for outcome in sorted(found.outcomes, key=lambda outcome: (not outcome.well_boxed, outcome.name)):
        table.add_row(
            outcome.name + ("" if outcome.well_boxed else " *"),
            _number(None if outcome.found_s is None else outcome.found_s / 60),
            _number(None if outcome.first_boxed_s is None else outcome.first_boxed_s / 60),
            _number(outcome.delay_min if outcome.found_s is not None else None),
            str(outcome.false_before),
            f"{outcome.false_after}" + (f" (+{outcome.unplaced_after}?)" if outcome.unplaced_after else ""),
            f"{outcome.hours_before:.2f}",
        )
    return table


def _threshold_table(found: Evaluation, label: str) -> Table:
    table = Table(title=f"Other thresholds, image level{label} (for information)", title_justify="left")
    for heading in (
        "from",
        "prec.",
        "recall",
        "F1",
        "acc.",
        "well boxed: prec.",
        "recall",
        "F1",
        "acc.",
    ):
        table.add_column(heading, justify="right")
    for threshold, every, well_boxed in found.threshold_sweep:
        table.add_row(f"{threshold:.2f}", *_ratios(every), *_ratios(well_boxed))
    return table


def _policy_table(found: Evaluation, label: str) -> Table:
    table = Table(
        title=f"Other confirmation figures, sequence level{label} (for information)", title_justify="left"
    )
    for heading in (
        "ref. score",
        "evidence",
        "found",
        "TTD med.",
        "mean",
        "delay med.",
        "false before",
        "after",
    ):
        table.add_column(heading, justify="right")
    for swept in found.policy_sweep:
        figures = swept.figures
        table.add_row(
            f"{swept.reference_score:.2f}",
            f"{swept.evidence_to_confirm_score_s:.1f}",
            _number(figures.found, 2),
            _number(figures.ttd_median_min),
            _number(figures.ttd_mean_min),
            _number(figures.delay_median_min),
            str(figures.false_sightings),
            str(figures.false_after),
        )
    return table


def _kept(path: Path, model: Model, sequences: list[FilmedSequence]) -> Scores:
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


def _ratios(figures: ImageFigures) -> tuple[str, str, str, str]:
    return (
        f"{figures.precision:.3f}",
        f"{figures.recall:.3f}",
        f"{figures.f1:.3f}",
        f"{figures.accuracy:.3f}",
    )


def _number(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


if __name__ == "__main__":
    typer.run(evaluate_command)
