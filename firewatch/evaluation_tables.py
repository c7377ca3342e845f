"""An evaluation as tables for people."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from detector.evaluation.beside import Scene
from detector.evaluation.boxes import SIZE_LIMITS_PX
from detector.evaluation.cross_validation import CrossValidation, Judged, chosen_figures
from detector.evaluation.images import ImageFigures, ImageLevel
from detector.evaluation.report import Evaluation


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
    console.print(_box_table(found, label))
    if not found.outcomes:
        console.print("No sequence has a sound clock: no image and no sequence figures.")
        return
    console.print(_image_table(found, label))
    console.print(_sequence_table(found, label))
    console.print(_outcome_table(found, label))
    if found.policy_sweep:
        console.print(_threshold_table(found, label))
        console.print(_policy_table(found, label))


def show_scenes(scenes: list[Scene], console: Console) -> None:
    """One line for each scene that is not part of the figures."""
    console.print("Scenes of other kinds, not part of the figures above (pictures: single looks):")
    for scene in scenes:
        found = scene.evaluation
        parts = [
            f"mAP50 {_number(found.map50['map50'], 3)}",
            f"fire {_number(found.map50['ap50_fire'], 3)}",
            f"{scene.reported} of {scene.with_boxes} pictures with boxes reported",
            f"{scene.falsely_reported} of {scene.empty} empty ones",
        ]
        for outcome in found.outcomes:
            view = found.views.figures
            parts += [
                f"by the view precision {view.precision:.3f}, recall {view.recall:.3f}, "
                f"accuracy {view.accuracy:.3f}",
                "not found" if outcome.found_s is None else f"found after {outcome.found_s / 60:.1f} min",
                f"first box at {_number(outcome.first_boxed_s and outcome.first_boxed_s / 60)} min",
                f"{outcome.false_before} false before in {outcome.hours_before:.2f} h, "
                f"{outcome.false_after} after",
            ]
        console.print(f"[bold]{scene.name}[/]: " + "; ".join(parts))


def show_cross_validation(found: CrossValidation, console: Console) -> None:
    """What the figures of one profile, chosen without the masts that judge them, amount to."""
    table = Table(
        title=f"Profile {found.shipped.name}: chosen on {found.choosing} sequences, one mast left out after "
        f"the other; judged on {found.judging} that training never saw (in brackets: 90 % interval)",
        title_justify="left",
    )
    judged = {
        "as shipped": found.shipped_judged,
        "chosen with all in sight": found.in_sight_judged,
        "chosen on the other masts": found.out_of_fold,
    }
    table.add_column("")
    for name in judged:
        table.add_column(name, justify="right")
    for row in zip(_JUDGED_ROWS, *map(_judged_cells, judged.values()), strict=True):
        table.add_row(*row)
    console.print(table)
    figures = Table(title="The figures chosen", title_justify="left")
    for heading in (
        "without mast",
        "judges",
        "look from",
        "track: ref.",
        "evidence",
        "place: ref.",
        "evidence",
    ):
        figures.add_column(heading, justify="left" if heading == "without mast" else "right")
    rows = [(fold.mast, str(fold.sequences), fold.chosen) for fold in found.folds]
    rows += [("none (all in sight)", "", found.in_sight), ("as shipped", "", found.shipped)]
    for name, judges, profile in rows:
        figures.add_row(name, judges, *(f"{value:g}" for value in chosen_figures(profile).values()))
    console.print(figures)


_JUDGED_ROWS = (
    *(
        f"by the {way}: {name}"
        for way in ("view", "single look")
        for name in ("precision", "recall", "accuracy")
    ),
    "found by +15 min",
    "time to detection, mean (min)",
    "median (min)",
    "false before ignition",
    "false after",
)


def _judged_cells(judged: Judged) -> list[str]:
    cells = []
    for figures, ranges in (
        (judged.views, judged.views_intervals),
        (judged.looks, judged.looks_intervals),
    ):
        ratios = figures.ratios()
        for name in ("precision", "recall", "accuracy"):
            low, high = ranges[name]
            cells.append(f"{ratios[name]:.2f} ({low:.2f}-{high:.2f})")
    found = judged.sequence
    return [
        *cells,
        _number(found.found, 2),
        _number(found.ttd_mean_min),
        _number(found.ttd_median_min),
        str(found.false_sightings),
        str(found.false_after),
    ]


def _image_table(found: Evaluation, label: str) -> Table:
    enough = found.profile.policy.lasting_evidence_score_s
    table = Table(
        title=f"Image level{label} (prevalence {found.always_yes.precision:.3f}); below each: 90 % interval "
        "over sequences",
        title_justify="left",
    )
    for heading in ("", "precision", "recall", "F1", "accuracy", "AUC", "pictures"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, level in (
        (f"by the view, evidence from this look and earlier >= {enough:g}: all", found.views),
        ("well-boxed fires", found.views_well_boxed),
        (f"by the single look, score >= {found.profile.threshold:g}: all", found.looks),
        ("well-boxed fires", found.looks_well_boxed),
    ):
        pictures = str(level.figures.pictures)
        table.add_row(name + label, *_ratios(level.figures), _number(level.auc, 3), pictures)
        table.add_row("", *_intervals(level), style="dim")
    for name, figures in (
        ("baseline: always yes", found.always_yes),
        ("baseline: always no", found.always_no),
    ):
        table.add_row(name, *_ratios(figures), "-", str(figures.pictures))
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
    table = Table(title=f"Other thresholds, single looks{label} (for information)", title_justify="left")
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


def _intervals(level: ImageLevel) -> list[str]:
    names = ("precision", "recall", "f1", "accuracy")
    return [
        f"{low:.2f}-{high:.2f}" for low, high in (level.intervals[name] for name in names if level.intervals)
    ]


def _ratios(figures: ImageFigures) -> tuple[str, str, str, str]:
    return (
        f"{figures.precision:.3f}",
        f"{figures.recall:.3f}",
        f"{figures.f1:.3f}",
        f"{figures.accuracy:.3f}",
    )


def _number(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
