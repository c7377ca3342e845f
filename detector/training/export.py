"""From a checkpoint to the files the product runs: ONNX, and OpenVINO with half-precision weights.

    python -m detector.training.export .work/first/last.pt --out .work/first/export

The network's output is that of an Ultralytics detection head: 1 x (4 + classes) x N, boxes as centre and size
in input pixels, class scores after the sigmoid. Height and width are free (multiples of 32).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino
import torch
from onnx import numpy_helper

from detector.training import network
from detector.view import DEFAULT_AGES_S


def load_average(checkpoint: Path, architecture: str = "yolov5n.yaml") -> Any:
    """The averaged network of a checkpoint, ready for inference."""
    model = network.build(architecture, 3 + len(DEFAULT_AGES_S), None)
    state = torch.load(checkpoint, weights_only=True)["average"]
    if network.is_fused(state):
        model = network.fused(model)
    model.load_state_dict(state)
    return model.eval().fuse(verbose=False)


def export(model: Any, out: Path, name: str) -> tuple[Path, Path]:
    """Writes NAME.onnx and NAME.xml/.bin into `out`; returns the ONNX and the OpenVINO file."""
    out.mkdir(parents=True, exist_ok=True)
    head = model.model[-1]
    head.export, head.format, head.dynamic = True, "onnx", True
    example = torch.zeros(1, 3 + len(DEFAULT_AGES_S), 384, 640)
    with torch.no_grad():
        model(example)
        torch.onnx.export(
            model, (example,), str(out / f"{name}.onnx"), input_names=["input"], output_names=["output"],
            dynamic_axes={"input": {0: "batch", 2: "height", 3: "width"}, "output": {0: "batch", 2: "boxes"}},
            opset_version=17, dynamo=False,
        )  # fmt: skip
    _store_as_half(out / f"{name}.onnx")
    openvino.save_model(
        openvino.convert_model(out / f"{name}.onnx"), out / f"{name}.xml", compress_to_fp16=True
    )
    return out / f"{name}.onnx", out / f"{name}.xml"


def _store_as_half(file: Path) -> None:
    """Keep weights in half precision on disk; a Cast before use leaves the arithmetic in single precision."""
    network_file = onnx.load(file)
    casts = []
    for tensor in network_file.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < 64:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *network_file.graph.node]
    del network_file.graph.node[:]
    network_file.graph.node.extend(nodes)
    onnx.save(network_file, file)


def main() -> None:
    """Parse arguments and export."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--architecture", default="yolov5n.yaml")
    parser.add_argument("--name", default="smoke")
    args = parser.parse_args()
    for file in export(load_average(args.checkpoint, args.architecture), args.out, args.name):
        print(file)


if __name__ == "__main__":
    main()
