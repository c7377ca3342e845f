"""Small real things for the detector's tests: a network built by hand, frames, footage, registries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper

from detector.detection import Box, Detection, Label
from detector.evaluation.footage import FilmedSequence, TimedPicture, TruthBox
from detector.evaluation.scoring import ScoredPicture
from detector.registry import Model, load_model, sha256_of
from streams.frame import Frame, Image

START = datetime(2026, 5, 1, 2, 0, tzinfo=UTC)
CELL_PX = 32
GROUND_GREY = 60


def brightness_network(path: Path, *, channels: int = 4, poison: float | None = None) -> Path:
    """An ONNX network that answers like a YOLO head: every 32 px cell is a box, scored by its redness.

    Smoke score is (mean red - 0.4) x 2, fire score (mean red - 0.9) x 10, both kept within 0..1, so a test
    paints a bright cell and knows the answer. `poison` adds a constant (not a number) to all outputs.
    """
    ops = [
        ("AveragePool", ["input"], ["cells"], {"kernel_shape": [CELL_PX] * 2, "strides": [CELL_PX] * 2}),
        ("Slice", ["cells", "from_red", "to_red", "axis_c"], ["red"], {}),
        ("Mul", ["red", "zero"], ["nothing"], {}),
        ("Add", ["nothing", "one"], ["ones"], {}),
        ("CumSum", ["ones", "axis_x"], ["column"], {}),
        ("CumSum", ["ones", "axis_y"], ["row"], {}),
        ("Sub", ["column", "half"], ["x_cells"], {}),
        ("Sub", ["row", "half"], ["y_cells"], {}),
        ("Mul", ["x_cells", "cell"], ["x"], {}),
        ("Mul", ["y_cells", "cell"], ["y"], {}),
        ("Mul", ["ones", "cell"], ["size"], {}),
        ("Sub", ["red", "smoke_from"], ["smoke_above"], {}),
        ("Mul", ["smoke_above", "two"], ["smoke_raw"], {}),
        ("Clip", ["smoke_raw", "zero", "one"], ["smoke"], {}),
        ("Sub", ["red", "fire_from"], ["fire_above"], {}),
        ("Mul", ["fire_above", "ten"], ["fire_raw"], {}),
        ("Clip", ["fire_raw", "zero", "one"], ["fire"], {}),
        ("Concat", ["x", "y", "size", "size", "smoke", "fire"], ["planes"], {"axis": 1}),
        ("Reshape", ["planes", "flat"], ["flat_planes"], {}),
        ("Add", ["flat_planes", "poison"], ["output"], {}),
    ]
    floats = {
        "zero": 0.0, "one": 1.0, "half": 0.5, "two": 2.0, "ten": 10.0, "cell": float(CELL_PX),
        "smoke_from": 0.4, "fire_from": 0.9, "poison": 0.0 if poison is None else poison,
    }  # fmt: skip
    whole = {"from_red": [2], "to_red": [3], "axis_c": [1], "axis_x": 3, "axis_y": 2, "flat": [1, 6, -1]}
    constants = [helper.make_tensor(name, TensorProto.FLOAT, [], [value]) for name, value in floats.items()]
    constants += [
        helper.make_tensor(
            name, TensorProto.INT64, [len(v)] if isinstance(v, list) else [], np.ravel(v).tolist()
        )
        for name, v in whole.items()
    ]
    graph = helper.make_graph(
        [helper.make_node(kind, inputs, outputs, **extra) for kind, inputs, outputs, extra in ops],
        "brightness",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, channels, "height", "width"])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 6, "boxes"])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def brightness_model(folder: Path, *, poison: float | None = None) -> Model:
    """The network above, loaded as weights of one's own with one reference age."""
    return load_model(brightness_network(folder / "brightness.onnx", poison=poison))


def write_registry(folder: Path, **changes: object) -> Path:
    """A registry with one model, `hill-1`, over the brightness network; `changes` replace entry fields."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = brightness_network(folder / "hill-1.onnx")
    profile = {"threshold": 0.3, "confirmation": {"reference_score": 0.25, "least_looks": 2}}
    entry: dict[str, object] = {
        "title": "finds bright cells",
        "files": {"hill-1.onnx": sha256_of(weights)},
        "licence": {"name": "CC-BY-NC-SA-4.0", "summary": "non-commercial"},
        "ages_s": [20.0],
        "trained_on": ["trained_hill"],
        "profiles": {"sensitive": profile, "balanced": profile, "quiet": profile},
    }
    entry.update(changes)
    path = folder / "registry.yaml"
    path.write_text(yaml.safe_dump({"current": "hill-1", "models": {"hill-1": entry}}), encoding="utf-8")
    return path


@lru_cache(maxsize=16)
def hill(width_px: int = 640, height_px: int = 480, *, seed: int = 0) -> Image:
    """A dull picture without smoke: dark ground, a little noise, nothing a bad picture shows."""
    noise = np.random.default_rng(seed).integers(-8, 9, (height_px, width_px, 3))
    picture = (GROUND_GREY + noise).astype(np.uint8)
    picture.flags.writeable = False  # shared by all tests
    return picture


def with_smoke(image: Image, *, column: int = 5, row: int = 5, brightness: int = 210) -> Image:
    """A copy with one bright cell: smoke of score (brightness / 255 - 0.4) x 2 in a 640 px wide look."""
    painted = image.copy()
    cell = round(CELL_PX * image.shape[1] / 640)
    painted[row * cell : (row + 1) * cell, column * cell : (column + 1) * cell] = brightness
    return painted


def cell_box(column: int = 5, row: int = 5) -> Box:
    """Where `with_smoke` paints in a 640 px wide picture."""
    return Box(column * 32.0, row * 32.0, column * 32.0 + 32, row * 32.0 + 32)


def frame(
    image: Image, after_s: float = 0.0, sequence: int = 1, *, camera_id: str = "hill", **more: object
) -> Frame:
    return Frame(image, camera_id, START + timedelta(seconds=after_s), sequence, **more)  # type: ignore[arg-type]


def found(score: float = 0.6, box: Box | None = None, label: Label = "smoke") -> Detection:
    return Detection(label, score, box or Box(100, 100, 130, 130))


def write_picture(path: Path, image: Image) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)
    return path


FIRE = Box(100, 100, 140, 140)
TRUTH = TruthBox("smoke", Box(100 / 640, 100 / 480, 140 / 640, 140 / 480))


def filmed(
    name: str = "hill", *, offsets=range(-600, 2401, 60), boxed_from: int | None = 300, clock="sound", most=99
):
    """A sequence with a picture a minute, boxed from `boxed_from` on (at most `most` boxes)."""
    boxed = [o for o in offsets if boxed_from is not None and o >= boxed_from][:most]
    pictures = [
        TimedPicture(
            Path(f"{o}.jpg"), START + timedelta(seconds=o), float(o), (TRUTH,) if o in boxed else None
        )
        for o in offsets
    ]
    return FilmedSequence(name, clock, tuple(pictures))


def scored(sequence: FilmedSequence, scores: dict[int, float]) -> tuple[ScoredPicture, ...]:
    """Detections at the place of the fire with the given scores by offset."""
    return tuple(
        ScoredPicture(
            p.path.name,
            p.captured_at or START,
            p.offset_s,
            640,
            480,
            (found(scores[int(p.offset_s)], FIRE),)
            if p.offset_s is not None and int(p.offset_s) in scores
            else (),
        )
        for p in sequence.pictures
    )
