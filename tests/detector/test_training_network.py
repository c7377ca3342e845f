"""Training goes on from the shipped weights: the network restored from them is the shipped one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install '.[train]'")
pytest.importorskip("ultralytics", reason="ultralytics is not installed: pip install '.[train]'")

from detector.registry import load_model  # noqa: E402
from detector.training import export, network  # noqa: E402


def shipped() -> Path:
    return next(file for file in load_model().files if file.suffix == ".onnx")


def a_look() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (96, 128, 7)).astype(np.uint8)


def answer(model: object, look: np.ndarray) -> np.ndarray:
    planes = torch.from_numpy(look.transpose(2, 0, 1)[None].astype(np.float32) / 255)
    with torch.no_grad():
        found = model(planes)  # type: ignore[operator]
    return np.asarray(found[0] if isinstance(found, tuple) else found)


def test_a_network_restored_from_shipped_weights_gives_the_shipped_answers() -> None:
    restored = network.build("yolov5n.yaml", 7, shipped()).eval()
    theirs = load_model().open_backend("onnxruntime").infer(a_look())
    assert np.allclose(answer(restored, a_look())[0].T, theirs, atol=1e-3)


def test_all_of_a_restored_network_can_learn_but_the_definition_of_distance() -> None:
    restored = network.build("yolov5n.yaml", 7, shipped())
    fixed = [name for name, parameter in restored.named_parameters() if not parameter.requires_grad]
    assert fixed == ["model.24.dfl.conv.weight"]


def test_weights_of_another_architecture_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="another architecture"):
        network.build("yolov8n.yaml", 7, shipped())


def test_a_checkpoint_without_normalisation_is_exported_as_it_learned(tmp_path: Path) -> None:
    restored = network.build("yolov5n.yaml", 7, shipped())
    torch.save({"average": restored.state_dict()}, tmp_path / "last.pt")
    loaded = export.load_average(tmp_path / "last.pt")
    assert np.allclose(answer(loaded, a_look()), answer(restored.eval(), a_look()), atol=1e-4)
