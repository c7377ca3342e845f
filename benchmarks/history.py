"""What the detector makes of its memory of a view: all of it, little, or none; and against change alone.

    python -m benchmarks.history ../shared/data/hpwren [--split val] [--quick] [--json FILE] [--model NAME]

Every picture of the sequences is looked at three times: with the whole history before it, with at most five
minutes of it, and with none (every reference empty). Judged is the network alone: its strongest detection
anywhere in the picture, without mirrored looks, footing, tracks or evidence.

*Empty pictures* must score alike whatever history there is: a network that had learned "short history, no
smoke" would score them apart. *Hard negatives* are, of each sequence, the quarter of the pictures before
ignition in which most has changed (clouds, haze, light): the area under the curve against those alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from benchmarks.reporting import machine, write_figures
from detector.backend import Backend
from detector.decoding import decode
from detector.evaluation.footage import FilmedSequence, read_footage
from detector.evaluation.images import JudgedPicture, area_under_roc, has_smoke
from detector.registry import Model, load_model
from detector.view import NO_CHANGE, Picture, ViewMemory, look_size
from streams.frame import resized
from streams.picture import read_picture

SHORT = timedelta(minutes=5)
HARD_SHARE = 0.25
LEAST_SCORE = 0.001
PLUME_PX = 15
"""Change is averaged over so many pixels of a look: what is smaller is noise to the network, too."""
HISTORIES = ("full", "short", "none")


@dataclass(frozen=True)
class Looked:
    """One picture: the strongest local change in it (grey levels, tripled), and the score by history."""

    offset_s: float
    smoke: bool
    change: float
    scores: dict[str, float]

    def judged(self, history: str) -> JudgedPicture:
        return JudgedPicture(self.offset_s, self.smoke, self.scores[history])


def looks(sequence: FilmedSequence, model: Model, backend: Backend) -> Iterator[Looked]:
    """Every picture of a dated sequence whose truth is known."""
    ages_s = model.ages_for(backend)
    whole = ViewMemory(ages_s, model.look_width_px)
    recent: list[tuple[datetime, Picture]] = []
    for picture in sequence.pictures:
        if picture.captured_at is None or picture.offset_s is None:
            continue
        at, image = picture.captured_at, read_picture(picture.path)
        small = resized(image, look_size(image.shape[1], image.shape[0], model.look_width_px))
        recent = [(taken, one) for taken, one in recent if at - taken <= SHORT]
        little = ViewMemory(ages_s, model.look_width_px)
        for taken, one in recent:
            little.observe(one, taken)
        recent.append((at, small))
        memories = {"full": whole, "short": little, "none": ViewMemory(ages_s, model.look_width_px)}
        seen = {history: memory.observe(small, at) for history, memory in memories.items()}
        smoke = has_smoke(sequence, picture.offset_s)
        if smoke is not None:
            scores = {history: strongest(backend, one) for history, one in seen.items()}
            yield Looked(picture.offset_s, smoke, local_change(seen["full"]), scores)


def strongest(backend: Backend, seen: Picture) -> float:
    """The network's strongest score anywhere in an input (HxWxC uint8)."""
    size_px = (seen.shape[1], seen.shape[0])
    found = decode(backend.infer(seen), input_size_px=size_px, frame_size_px=size_px, least_score=LEAST_SCORE)
    return max((one.confidence for one in found), default=0.0)


def local_change(seen: Picture) -> float:
    """The strongest change of a plume's size in the difference channels of an input."""
    changed = np.abs(seen[:, :, 3:].astype(np.float32) - NO_CHANGE).max(axis=2)
    return float(cv2.blur(changed, (PLUME_PX, PLUME_PX)).max())


def hard_negatives(found: Sequence[Looked]) -> list[Looked]:
    """The share of one sequence's empty pictures in which most has changed."""
    empty = sorted((one for one in found if not one.smoke), key=lambda one: one.change)
    return empty[len(empty) - round(HARD_SHARE * len(empty)) :]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="sequences, as `firewatch evaluate` reads them")
    parser.add_argument("--split", default="val")
    parser.add_argument("--quick", action="store_true", help="the first two sequences only")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--model", help="name in models/registry.yaml; without it, the current one")
    options = parser.parse_args()
    model = load_model(options.model)
    backend = model.open_backend()
    sequences = [one for one in read_footage(options.folder, options.split) if one.clock == "sound"]
    sequences = sequences[:2] if options.quick else sequences
    print(f"{machine()}\n{model.model_id}, single looks of the network, {len(sequences)} dated sequences")
    found = [list(looks(sequence, model, backend)) for sequence in sequences]
    every = [one for of_one in found for one in of_one]
    hard = [one for of_one in found for one in hard_negatives(of_one)]
    smoke = [one for one in every if one.smoke]
    print(f"{len(smoke)} pictures with smoke, {len(every) - len(smoke)} without, {len(hard)} of those hard")
    figures: dict[str, float | None] = {}
    for history in HISTORIES:
        empty = sorted(one.scores[history] for one in every if not one.smoke)
        auc = area_under_roc([one.judged(history) for one in every])
        auc_hard = area_under_roc([one.judged(history) for one in [*smoke, *hard]])
        middle, upper = median(empty), empty[int(0.95 * len(empty))]
        figures |= {
            f"history.{history}_auc": auc,
            f"history.{history}_auc_hard": auc_hard,
            f"history.{history}_empty_p50": middle,
            f"history.{history}_empty_p95": upper,
        }
        print(
            f"history {history:5}  AUC {auc or 0:.3f}  against hard negatives {auc_hard or 0:.3f}  "
            f"scores of empty pictures: median {middle:.3f}, 95 % below {upper:.3f}"
        )
    write_figures(options.json, figures, model_id=model.model_id, split=options.split)


if __name__ == "__main__":
    main()
