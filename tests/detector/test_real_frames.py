"""The shipped weights on real hill-camera footage: engines agree, replay is sensible and repeatable."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from test_commands import firewatch

from benchmarks.history import looks
from detector.bad_pictures import bad_picture
from detector.decoding import decode
from detector.evaluation.footage import FilmedSequence, read_footage
from detector.pipeline import Pipeline
from detector.registry import load_model
from detector.view import ViewMemory
from streams.frame import Frame
from streams.picture import read_picture

pytestmark = pytest.mark.data

HOPE = "20180614_Hope_wc-e-mobo-c"  # a val camera: training never saw it


@pytest.fixture(scope="module")
def hope(shared_data: Path) -> FilmedSequence:
    (sequence,) = read_footage(shared_data / "hpwren" / HOPE)
    return sequence


def test_openvino_and_onnxruntime_agree_on_real_frames(hope):
    model = load_model("hill-1")  # the same arithmetic on both; the quantised network is another one
    openvino, onnx = model.open_backend("openvino"), model.open_backend("onnxruntime")
    memory = ViewMemory(model.ages_for(openvino), model.look_width_px)
    compared = 0
    for picture in hope.pictures[42:49]:
        assert picture.captured_at is not None
        seen = memory.observe(read_picture(picture.path), picture.captured_at)
        answers = [backend.infer(seen) for backend in (openvino, onnx)]
        np.testing.assert_allclose(answers[0][:, 4:], answers[1][:, 4:], atol=0.01)  # half-precision weights
        size = (seen.shape[1], seen.shape[0])
        found = [decode(a, input_size_px=size, frame_size_px=size, least_score=0.2) for a in answers]
        for one in found[0]:
            if one.confidence > 0.22:  # not at the brink of the least score
                assert max(one.box.iou(other.box) for other in found[1]) > 0.9
                compared += 1
    assert compared >= 2


def test_the_shipped_model_sees_the_plume_of_a_camera_it_never_saw(hope):
    pipeline = Pipeline(load_model())
    sightings = []
    for number, picture in enumerate(hope.pictures[28:52]):
        assert picture.captured_at is not None
        shot = Frame(read_picture(picture.path), "hope", picture.captured_at, number)
        sightings += pipeline.look(shot).sightings
    ignition = datetime(2018, 6, 14, 18, 29, 20, tzinfo=UTC)
    after = [s for s in sightings if s.confirmed_at >= ignition]
    assert after
    assert (after[0].confirmed_at - ignition).total_seconds() <= 900


def test_the_quantised_network_sees_on_real_frames_what_its_origin_sees(hope):
    quantised, origin = (load_model(name).open_backend("openvino") for name in ("hill-1-int8", "hill-1"))
    model = load_model("hill-1")
    memory = ViewMemory(model.ages_for(origin), model.look_width_px)
    compared = 0
    for picture in hope.pictures[42:49]:
        assert picture.captured_at is not None
        seen = memory.observe(read_picture(picture.path), picture.captured_at)
        size = (seen.shape[1], seen.shape[0])
        theirs, ours = (
            decode(backend.infer(seen), input_size_px=size, frame_size_px=size, least_score=0.1)
            for backend in (origin, quantised)
        )
        for one in theirs:
            if one.confidence >= 0.3:
                nearest = max(ours, key=lambda other: one.box.iou(other.box))
                assert one.box.iou(nearest.box) > 0.6
                assert nearest.confidence == pytest.approx(one.confidence, abs=0.2)
                compared += 1
    assert compared >= 2


def test_no_real_frame_is_taken_for_a_bad_picture(shared_data):
    folders = sorted((shared_data / "hpwren").glob("2*/images"))
    for folder in folders:
        for path in sorted(folder.glob("*.jpg"))[::20]:
            assert bad_picture(read_picture(path)) is None, path


@pytest.mark.slow  # the same is tested with a rendered scene in every run
def test_replay_of_real_frames_gives_the_same_bytes_twice(hope, tmp_path):
    folder = tmp_path / "hope"
    folder.mkdir()
    for picture in hope.pictures[36:48]:
        (folder / picture.path.name).symlink_to(picture.path)
    written = []
    for name in ("one", "two"):
        firewatch("replay", folder, "--camera", "hope", "--out", tmp_path / name)
        written.append((tmp_path / name / "events.json").read_bytes())
    assert written[0] == written[1]
    assert json.loads(written[0])["looks"] == 12


def test_pictures_without_smoke_score_alike_with_full_short_and_no_history(hope):
    """A network that takes a young memory for "no smoke" would score the last two lower."""
    model = load_model()
    before = replace(hope, pictures=hope.pictures[:30])
    scores = [one.scores for one in looks(before, model, model.open_backend()) if not one.smoke][10:]
    assert len(scores) == 20
    usual = {history: median(one[history] for one in scores) for history in ("full", "short", "none")}
    assert abs(usual["short"] - usual["full"]) < 0.05, usual
    assert -0.02 < usual["none"] - usual["full"] < 0.1, usual
