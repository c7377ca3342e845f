"""The YOLO with extra input channels, started from three-channel weights or from shipped ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import numpy_helper
from safetensors.torch import load_file
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils import DEFAULT_CFG_DICT, IterableSimpleNamespace

from detector.detection import LABELS

SHIPPED_SUFFIX = ".onnx"


def build(architecture: str, channels: int, start: Path | None) -> Any:
    """An Ultralytics DetectionModel for `channels` input planes and our classes, in training mode.

    `start` is a safetensors file of a three-channel model of the same architecture; backbone and neck are
    taken from it. The first layer is widened: its colour weights are kept and the weights of each difference
    plane begin as the mean of the colour weights, so that change first looks like brightness. (The file's
    colour order is RGB; ours is BGR.) Raises ValueError when nothing of the file fits.

    With an ONNX file that `export` wrote the network goes on from where that one stopped: every convolution
    is taken over with its normalisation already folded in, and training goes on without normalisation layers.
    """
    model = DetectionModel(architecture, ch=channels, nc=len(LABELS), verbose=False)
    model.args = IterableSimpleNamespace(**DEFAULT_CFG_DICT)
    model.names = dict(enumerate(LABELS))
    if start is not None and start.suffix == SHIPPED_SUFFIX:
        return _shipped(model, start)
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


def fused(model: Any) -> Any:
    """The same network with the normalisation folded into its convolutions, all of it free to learn."""
    model = model.eval().fuse(verbose=False)
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    model.model[-1].dfl.conv.weight.requires_grad_(False)  # the numbers 0..15, a definition
    return model.train()


def is_fused(state: dict[str, torch.Tensor]) -> bool:
    """Whether a checkpoint is of a network without normalisation layers."""
    return not any(".bn." in name for name in state)


def _shipped(model: Any, file: Path) -> Any:
    model = fused(model)
    tensors = onnx.load(file).graph.initializer
    given = {t.name.removesuffix(".half"): torch.tensor(numpy_helper.to_array(t)).float() for t in tensors}
    wanted = model.state_dict()
    for name, tensor in wanted.items():
        if name not in given or given[name].shape != tensor.shape:
            raise ValueError(f"{file}: holds no {name} of shape {tuple(tensor.shape)}; another architecture?")
    model.load_state_dict({name: given[name] for name in wanted})
    return model
