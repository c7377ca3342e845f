"""From OpenVINO weights in single precision to INT8: NNCF post-training quantisation on train pictures only.

Calibration looks are the network input as `ViewMemory` builds it, references included, from sequences of the
train split: half with smoke (as far as there are that many), half before ignition, every second one mirrored
as the product looks. Nothing of a val camera is ever read.

Two things decide whether scores survive. A distant plume is rare, so what it excites in the network lies far
from the middle: ranges are the outermost values of all looks (the usual mean of each look's outermost values
cuts plumes off, and weak smoke scores a tenth lower). And the last convolution of each branch of the head,
with all that turns its answers into boxes and scores, stays in floating point: little work, where a coarse
grid of 256 values costs most.
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
LOOKS = 300
EVERY = 2  # pictures of a sequence are alike: every second one

Look = npt.NDArray[np.uint8]


def calibration_looks(
    footage: Path, ages_s: Sequence[float], look_width_px: int = LOOK_WIDTH_PX, looks: int = LOOKS
) -> list[Look]:
    """At most `looks` network inputs (H x W x channels) from the train split of `footage`, evenly chosen."""
    with_smoke: list[Look] = []
    empty: list[Look] = []
    for seen, smoke in _looks(footage, ages_s, look_width_px):
        (with_smoke if smoke else empty).append(seen)
    random = np.random.default_rng(0)
    chosen = [
        kind[index] for kind in (with_smoke, empty) for index in random.permutation(len(kind))[: looks // 2]
    ]
    return [np.ascontiguousarray(seen[:, ::-1] if n % 2 else seen) for n, seen in enumerate(chosen)]


def quantise(weights: Path, looks: Sequence[Look], out: Path) -> Path:
    """Write the INT8 network of `weights` (.xml) to `out` (.xml and .bin); returns it."""
    import nncf
    import openvino as ov
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet

    model = ov.Core().read_model(weights)
    quantised = nncf.quantize(
        model,
        nncf.Dataset(looks, _planes),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(looks),
        ignored_scope=nncf.IgnoredScope(patterns=list(HEAD_IN_FLOAT), validate=False),
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            overflow_fix=nncf.OverflowFix.ENABLE,  # AVX2 without VNNI sums in 16 bits: the same answers there
            activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX,
        ),
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    ov.save_model(quantised, out, compress_to_fp16=True)
    return out


def _looks(footage: Path, ages_s: Sequence[float], look_width_px: int) -> Iterator[tuple[Look, bool]]:
    """Looks that surely show smoke (boxed) or surely do not (before ignition), and which."""
    for sequence in read_footage(footage, "train"):
        memory = ViewMemory(ages_s, look_width_px)
        for number, picture in enumerate(sequence.pictures):
            if picture.captured_at is None or picture.offset_s is None:
                break
            seen = memory.observe(read_picture(picture.path), picture.captured_at)
            smoke = bool(picture.truth)
            if number % EVERY == 0 and (smoke or picture.offset_s < sequence.quiet_until_s):
                yield seen, smoke


def _planes(look: Look) -> Any:
    return np.ascontiguousarray(look.transpose(2, 0, 1))[None].astype(np.float32) / 255
