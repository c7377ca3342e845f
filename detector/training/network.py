"""The YOLO with extra input channels, started from three-channel weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils import DEFAULT_CFG_DICT, IterableSimpleNamespace

from detector.detection import LABELS


def build(architecture: str, channels: int, start: Path | None) -> Any:
    """An Ultralytics DetectionModel for `channels` input planes and our classes, in training mode.

    `start` is a safetensors file of a three-channel model of the same architecture; backbone and neck are
    taken from it. The first layer is widened: its colour weights are kept and the weights of each difference
    plane begin as the mean of the colour weights, so that change first looks like brightness. (The file's
    colour order is RGB; ours is BGR.) Raises ValueError when nothing of the file fits.
    """
    model = DetectionModel(architecture, ch=channels, nc=len(LABELS), verbose=False)
    model.args = IterableSimpleNamespace(**DEFAULT_CFG_DICT)
    model.names = dict(enumerate(LABELS))
    if start is not None:
        own, given = model.state_dict(), load_file(str(start))
        fitting = {k: v.float() for k, v in given.items() if k in own and own[k].shape == v.shape}
        first = "model.0.conv.weight"
        colour = given[first].float().flip(1)
        fitting[first] = torch.cat([colour, colour.mean(1, keepdim=True).repeat(1, channels - 3, 1, 1)], 1)
        if len(fitting) < 100:
            raise ValueError(
                f"{start}: only {len(fitting)} tensors fit {architecture}; is it the same architecture?"
            )
        model.load_state_dict({**own, **fitting})
    return model
