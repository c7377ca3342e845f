"""From OpenVINO weights in single precision to INT8: NNCF post-training quantisation on train pictures only.

Calibration looks are the network input as `ViewMemory` builds it, references included, from sequences of the
train split spread over cameras and hours; nothing of a val camera is ever read. Left in floating point: the
last convolution of each branch of the head and all that turns its answers into boxes and scores, which is
little work and where a coarse grid of 256 values costs most.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from detector.evaluation.footage import read_footage
from detector.view import LOOK_WIDTH_PX, ViewMemory
from streams.picture import read_picture

HEAD_IN_FLOAT = (r".*/cv[23]\.\d+/cv[23]\.\d+\.2/.*", r".*/dfl/.*", r".*/Sigmoid.*")
LOOKS = 240  # more changed no figure in the second digit
EVERY = 4  # pictures of a sequence are alike: one in four

Look = npt.NDArray[np.uint8]


def calibration_looks(
    footage: Path, ages_s: Sequence[float], look_width_px: int = LOOK_WIDTH_PX, looks: int = LOOKS
) -> list[Look]:
    """At most `looks` network inputs (H x W x channels) from the train split of `footage`, evenly chosen."""
    found = list(_looks(footage, ages_s, look_width_px))
    chosen = np.random.default_rng(0).permutation(len(found))[:looks]
    return [found[index] for index in sorted(chosen)]


def quantise(weights: Path, looks: Sequence[Look], out: Path) -> Path:
    """Write the INT8 network of `weights` (.xml) to `out` (.xml and .bin); returns it."""
    import nncf
    import openvino as ov

    model = ov.Core().read_model(weights)
    quantised = nncf.quantize(
        model,
        nncf.Dataset(looks, _planes),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(looks),
        ignored_scope=nncf.IgnoredScope(patterns=list(HEAD_IN_FLOAT), validate=False),
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            overflow_fix=nncf.OverflowFix.ENABLE  # AVX2 without VNNI sums in 16 bits: the same answers there
        ),
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    ov.save_model(quantised, out, compress_to_fp16=True)
    return out


def _looks(footage: Path, ages_s: Sequence[float], look_width_px: int) -> Iterator[Look]:
    for sequence in read_footage(footage, "train"):
        memory = ViewMemory(ages_s, look_width_px)
        for number, picture in enumerate(sequence.pictures):
            if picture.captured_at is None:
                break
            seen = memory.observe(read_picture(picture.path), picture.captured_at)
            if number % EVERY == 0:
                yield seen


def _planes(look: Look) -> Any:
    return np.ascontiguousarray(look.transpose(2, 0, 1))[None].astype(np.float32) / 255
