"""Which weights are used, and that damaged or foreign ones are refused."""

from __future__ import annotations

import pytest
import yaml
from handmade import brightness_network, frame, hill, with_smoke, write_registry

from detector.errors import ModelError
from detector.pipeline import Pipeline
from detector.registry import PROFILE_NAMES, list_models, load_model, verify


def test_the_current_model_is_loaded_by_default(tmp_path):
    model = load_model(registry=write_registry(tmp_path))
    assert model.name == "hill-1"
    assert model.model_id.startswith("hill-1-")
    assert model.trained_on == {"trained_hill"}
    assert model.licence == "CC-BY-NC-SA-4.0: non-commercial"
    assert model.ages_for(model.open_backend()) == (20.0,)


def test_a_wrong_checksum_is_refused_with_both_sums(tmp_path):
    registry = write_registry(tmp_path, files={"hill-1.onnx": "ab" * 32})
    with pytest.raises(ModelError, match=r"hill-1\.onnx: wrong checksum .*abababababab"):
        load_model(registry=registry)
    assert "wrong checksum" in verify(registry)["hill-1"]["hill-1.onnx"]


def test_missing_weights_are_refused_by_name(tmp_path):
    registry = write_registry(tmp_path)
    (tmp_path / "hill-1.onnx").unlink()
    with pytest.raises(ModelError, match=r"hill-1\.onnx: the weights file is missing"):
        load_model(registry=registry)


def test_whole_weights_verify(tmp_path):
    assert verify(write_registry(tmp_path)) == {"hill-1": {"hill-1.onnx": None}}


def test_a_missing_registry_is_told(tmp_path):
    with pytest.raises(ModelError, match="registry is missing"):
        load_model(registry=tmp_path / "registry.yaml")


def test_an_unknown_name_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(ModelError, match="no model named hill-9; there are hill-1"):
        load_model("hill-9", registry=write_registry(tmp_path))


def test_a_mistyped_key_is_refused_with_its_place(tmp_path):
    with pytest.raises(ModelError, match=r"models\.hill-1\.titel"):
        load_model(registry=write_registry(tmp_path, titel="x"))


def test_an_unknown_confirmation_figure_is_refused(tmp_path):
    profile = {"threshold": 0.3, "confirmation": {"patience": 3.0}}
    registry = write_registry(tmp_path, profiles=dict.fromkeys(PROFILE_NAMES, profile))
    with pytest.raises(ModelError, match="patience"):
        load_model(registry=registry)


def test_a_missing_profile_is_refused(tmp_path):
    registry = write_registry(tmp_path, profiles={"balanced": {"threshold": 0.3}})
    with pytest.raises(ModelError, match="sensitive, quiet is missing"):
        load_model(registry=registry)


def test_reference_ages_that_do_not_fit_the_network_are_refused(tmp_path):
    model = load_model(registry=write_registry(tmp_path, ages_s=[20.0, 120.0]))
    with pytest.raises(ModelError, match="1 difference channels, but 2 reference ages"):
        model.ages_for(model.open_backend())


def test_weights_of_ones_own_work_by_path_and_are_marked_unknown(tmp_path):
    model = load_model(str(brightness_network(tmp_path / "mine.onnx")))
    assert model.name == "mine"
    assert model.trained_on is None
    assert set(model.profiles) == set(PROFILE_NAMES)


def test_a_yaml_beside_ones_own_weights_says_what_belongs_to_them(tmp_path):
    path = brightness_network(tmp_path / "mine.onnx")
    profile = {"threshold": 0.42}
    entry = {
        "title": "mine",
        "licence": {"name": "own", "summary": "ours"},
        "ages_s": [60.0],
        "profiles": dict.fromkeys(PROFILE_NAMES, profile),
    }
    path.with_suffix(".yaml").write_text(yaml.safe_dump(entry), encoding="utf-8")
    model = load_model(path)
    assert model.profile("balanced").threshold == 0.42
    assert model.ages_s == (60.0,)


def test_other_weights_get_another_model_id(tmp_path):
    path = brightness_network(tmp_path / "mine.onnx")
    before = load_model(path).model_id
    brightness_network(path, poison=0.001)
    assert load_model(path).model_id != before


def test_openvino_weights_without_their_bin_file_are_refused(tmp_path):
    (tmp_path / "mine.xml").write_text("<net/>")
    with pytest.raises(ModelError, match=r"mine\.bin"):
        load_model(tmp_path / "mine.xml")


def test_the_list_names_models_without_reading_weights(tmp_path):
    registry = write_registry(tmp_path)
    (tmp_path / "hill-1.onnx").unlink()
    current, models = list_models(registry)
    assert (current, [model.name for model in models]) == ("hill-1", ["hill-1"])


def test_the_shipped_registry_is_whole():
    problems = {f"{name}/{file}": p for name, files in verify().items() for file, p in files.items() if p}
    assert problems == {}
    assert load_model().licence_file.is_file()


def test_calibration_is_read_and_reaches_every_detection_and_sighting(tmp_path):
    registry = write_registry(tmp_path, calibration=[[0, 0], [0.4, 0.6], [1, 0.9]])
    pipeline = Pipeline(load_model(registry=registry))
    results = [pipeline.look(frame(with_smoke(hill()) if n >= 10 else hill(), n * 2.0, n)) for n in range(26)]
    seen = [d for result in results for d in result.look.detections]
    assert {(d.confidence, d.probability) for d in seen} == {(0.8471, 0.8236)}
    assert [s.probability for result in results for s in result.sightings] == [0.8236]


def test_weights_that_were_never_calibrated_claim_no_probability(tmp_path):
    pipeline = Pipeline(load_model(registry=write_registry(tmp_path)))
    assert pipeline.look(frame(with_smoke(hill()))).look.detections[0].probability is None


@pytest.mark.parametrize("points", [[[0, 0]], [[0, 0.5], [1, 0.4]], [[0, 0], [0, 1]], [[0, 0], [1, 1.2]]])
def test_a_calibration_that_makes_no_sense_is_refused(tmp_path, points):
    with pytest.raises(ModelError, match="hill-1: calibration"):
        load_model(registry=write_registry(tmp_path, calibration=points))
