"""Inference engines: agreement, sizes, errors a user can act on. Real engines on a network built by hand."""

from __future__ import annotations

import contextlib
import importlib.util
import math
import os
import threading
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from handmade import brightness_network

from detector.backend import KEPT_SIZES, OnnxRuntimeBackend, OpenVinoBackend, open_backend
from detector.decoding import decode
from detector.errors import BackendError
from detector.registry import load_model
from detector.view import ViewMemory
from streams.recorded import VideoFile

SCENES = Path(__file__).resolve().parents[2] / "sample_videos"


def random_input(height: int = 96, width: int = 128, channels: int = 4) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, channels), dtype=np.uint8)


def test_openvino_and_onnxruntime_agree(tmp_path):
    path = brightness_network(tmp_path / "net.onnx")
    seen = random_input()
    answers = [open_backend(path, name).infer(seen) for name in ("openvino", "onnxruntime")]
    assert answers[0].shape == (12, 6)
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-3)


def test_the_engine_sees_values_from_0_to_1_and_planes_in_their_order(tmp_path):
    seen = np.zeros((32, 32, 4), np.uint8)
    seen[:, :, 2] = 153  # red 0.6: smoke (0.6 - 0.4) * 2
    for backend in (OpenVinoBackend, OnnxRuntimeBackend):
        row = backend(brightness_network(tmp_path / "net.onnx")).infer(seen)[0]
        np.testing.assert_allclose(row, [16, 16, 32, 32, 0.4, 0], atol=1e-4)


def test_one_network_looks_at_pictures_of_several_sizes(tmp_path):
    backend = OpenVinoBackend(brightness_network(tmp_path / "net.onnx"))
    for columns in range(1, KEPT_SIZES + 3):
        assert backend.infer(random_input(64, 32 * columns)).shape == (2 * columns, 6)
    assert backend.infer(random_input(64, 32)).shape == (2, 6)  # the first size again, after it was let go


def test_the_channels_of_a_network_are_known_before_the_first_look(tmp_path):
    path = brightness_network(tmp_path / "net.onnx", channels=6)
    assert [open_backend(path, name).channels for name in ("openvino", "onnxruntime")] == [6, 6]


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core only")
def test_looking_is_free_to_run_on_every_core_so_that_workers_share_them():
    backend = load_model().open_backend(threads=1)
    seen = random_input(352, 640, backend.channels)
    backend.infer(seen)  # compiled here
    looking = threading.Thread(target=lambda: [backend.infer(seen) for _ in range(5)])
    looking.start()
    allowed: list[set[int]] = []
    while looking.is_alive():
        with contextlib.suppress(ProcessLookupError):
            allowed.append(os.sched_getaffinity(looking.native_id))
    assert allowed
    assert all(cores == os.sched_getaffinity(0) for cores in allowed)


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_an_input_with_other_channels_is_refused_in_words(tmp_path, name):
    backend = open_backend(brightness_network(tmp_path / "net.onnx"), name)
    with pytest.raises(BackendError, match=r"wants height x width x 4 uint8, got 96 x 128 x 3"):
        backend.infer(random_input(channels=3))


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_not_a_number_from_the_network_is_an_error_after_decoding(tmp_path, name):
    backend = open_backend(brightness_network(tmp_path / "net.onnx", poison=math.nan), name)
    with pytest.raises(BackendError, match="not finite"):
        decode(
            backend.infer(random_input()), input_size_px=(128, 96), frame_size_px=(128, 96), least_score=0.1
        )


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_a_damaged_weights_file_is_an_error_that_names_the_file(tmp_path, name):
    path = tmp_path / "cut.onnx"
    path.write_bytes(brightness_network(tmp_path / "net.onnx").read_bytes()[:300])
    with pytest.raises(BackendError, match=r"cut\.onnx"):
        open_backend(path, name)


def test_a_missing_weights_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(BackendError, match=r"gone\.onnx: no such weights file"):
        open_backend(tmp_path / "gone.onnx")


def test_weights_of_an_unknown_kind_are_refused(tmp_path):
    path = tmp_path / "weights.h5"
    path.write_bytes(b"x")
    with pytest.raises(BackendError, match="unknown kind of weights"):
        open_backend(path)


@pytest.mark.parametrize(
    ("name", "score_apart"),
    [("hill-1", 0.01), ("hill-1-int8", 0.15)],  # half-precision weights; weights and values in 8 bits
)
def test_shipped_weights_answer_a_rendered_scene_like_their_origin_in_single_precision(name, score_apart):
    model = load_model(name)
    openvino, onnx = model.open_backend("openvino"), model.open_backend("onnxruntime")
    memory = ViewMemory(model.ages_for(openvino), model.look_width_px)
    with VideoFile(SCENES / "near_fire.mp4", "near", interval_s=6.0) as source:
        looks = [memory.observe(shot.image, shot.captured_at) for shot in islice(source.frames(), 8)]
    size = (looks[0].shape[1], looks[0].shape[0])
    answers = [backend.infer(looks[-1]) for backend in (openvino, onnx)]
    np.testing.assert_allclose(answers[0][:, 4:], answers[1][:, 4:], atol=score_apart)
    found = [decode(a, input_size_px=size, frame_size_px=size, least_score=0.1)[0] for a in answers]
    assert found[0].box.iou(found[1].box) > (0.95 if name == "hill-1" else 0.7)


@pytest.mark.train
def test_ultralytics_weights_of_ones_own_answer_like_their_export_on_the_other_engines(tmp_path):
    torch = pytest.importorskip("torch")
    pytest.importorskip("ultralytics")
    from detector.training import export, network

    torch.manual_seed(3)
    own = network.build("yolov5n.yaml", 7, None).eval()
    torch.save({"model": own}, tmp_path / "mine.pt")
    onnx_file, xml_file = export.export(own, tmp_path, "mine")
    seen = random_input(96, 128, channels=7)
    answers = [open_backend(path).infer(seen) for path in (tmp_path / "mine.pt", onnx_file, xml_file)]
    for other in answers[1:]:
        np.testing.assert_allclose(answers[0][:, 4:], other[:, 4:], atol=0.002)
        np.testing.assert_allclose(answers[0][:, :4], other[:, :4], atol=1.0)


@pytest.mark.skipif(
    importlib.util.find_spec("ultralytics") is not None, reason="the train extra is installed"
)
def test_pt_weights_without_the_train_extra_name_the_extra(tmp_path):
    path = tmp_path / "mine.pt"
    path.write_bytes(b"x")
    with pytest.raises(BackendError, match=r"pip install \.\[train\]"):
        open_backend(path)
