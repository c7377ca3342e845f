"""A new model takes over only when it is not clearly worse, and the one before is one command away."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from handmade import START, brightness_network, hill, with_smoke, write_picture, write_registry
from test_commands import firewatch

from detector.errors import FootageError, ModelError
from detector.registry import (
    Model,
    Promotion,
    list_models,
    load_model,
    promote,
    promotion,
    rollback,
    sha256_of,
)
from firewatch.promotion import Comparison, Outcome, compare


def outcome(name: str, found: int = 5, false: int = 0) -> Outcome:
    return Outcome(name, 5, found, false, 30.0)


def compared(current: Outcome, candidate: Outcome) -> str | None:
    return Comparison("set", "something", current, candidate).problem


@pytest.fixture
def verdicts(tmp_path: Path) -> Path:
    """One incident of the deployment, frozen: fifteen minutes before the smoke, and ten minutes of it."""
    folder = tmp_path / "verdicts"
    ignition = int(START.timestamp())
    for minute in range(-15, 10):
        name = f"{ignition + 60 * minute}_{60 * minute:+06d}"
        image = with_smoke(hill()) if minute >= 0 else hill()
        write_picture(folder / "incident-7" / "images" / f"{name}.jpg", image)
        label = folder / "incident-7" / "labels" / f"{name}.txt"
        label.parent.mkdir(exist_ok=True)
        label.write_text("0 0.275 0.3667 0.05 0.0667\n" if minute >= 0 else "")
    (folder / "sequences.csv").write_text("sequence,split,clock\nincident-7,frozen,sound\n")
    return folder


@pytest.fixture
def seeing(tmp_path: Path) -> Model:
    return load_model(brightness_network(tmp_path / "seeing.onnx"))


@pytest.fixture
def blind(tmp_path: Path) -> Model:
    return load_model(brightness_network(tmp_path / "blind.onnx", poison=-1.0))


def test_a_model_that_loses_a_fire_of_this_deployment_is_clearly_worse(verdicts, seeing, blind):
    result = compare(seeing, blind, verdicts)
    assert (result.current.fires, result.current.found, result.candidate.found) == (1, 1, 0)
    assert result.problem == "finds 0 of 1 fires, the current model 1"
    assert "this deployment's own verdicts" in result.set_name


def test_a_model_that_does_as_well_may_take_over(verdicts, seeing):
    assert compare(seeing, seeing, verdicts).problem is None


def test_verdicts_without_a_frozen_split_are_refused(verdicts, seeing):
    (verdicts / "sequences.csv").write_text("sequence,split,clock\nincident-7,train,sound\n")
    with pytest.raises(FootageError, match="frozen"):
        compare(seeing, seeing, verdicts)


def test_more_false_alarms_are_clearly_worse_and_one_more_is_chance():
    assert compared(outcome("a"), outcome("b", false=1)) is None
    assert "2 false sightings" in str(compared(outcome("a"), outcome("b", false=2)))


def test_promotion_keeps_the_model_before_and_rollback_returns_to_it(tmp_path):
    registry = write_registry(tmp_path)
    add_model(registry, "hill-2")
    assert promotion(registry) == Promotion("hill-1", None, None)
    promote("hill-2", registry=registry)
    assert list_models(registry)[0] == "hill-2"
    promoted = promotion(registry)
    assert (promoted.current, promoted.previous) == ("hill-2", "hill-1")
    assert promoted.at is not None
    assert rollback(registry=registry) == "hill-1"
    assert list_models(registry)[0] == "hill-1"
    assert rollback(registry=registry) == "hill-2"


def test_damaged_weights_are_never_promoted(tmp_path):
    registry = write_registry(tmp_path)
    add_model(registry, "hill-2").write_bytes(b"cut")
    with pytest.raises(ModelError, match="wrong checksum"):
        promote("hill-2", registry=registry)
    assert list_models(registry)[0] == "hill-1"


def test_without_an_earlier_promotion_there_is_nothing_to_return_to(tmp_path):
    with pytest.raises(ModelError, match="no earlier model"):
        rollback(registry=write_registry(tmp_path))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_shipped_model_passes_its_own_regression_check():
    result = compare(load_model(), load_model(), None)
    assert "regression check" in result.set_name
    assert result.problem is None
    assert result.current.found == result.current.fires


@pytest.mark.skipif(find_spec("ultralytics") is not None, reason="the train extra is installed")
def test_training_and_exporting_without_their_extras_name_them(tmp_path):
    for arguments in (["train", "--steps", "1"], ["export", tmp_path / "last.pt", "--out", tmp_path]):
        assert "pip install .[train]" in firewatch(*arguments, status=2).stderr.replace("\n", " ")


def add_model(registry: Path, name: str) -> Path:
    """Another model in a registry of the tests; its weights."""
    weights = brightness_network(registry.parent / f"{name}.onnx", poison=0.001)
    document = yaml.safe_load(registry.read_text())
    entry = document["models"]["hill-1"] | {"files": {weights.name: sha256_of(weights)}}
    document["models"][name] = entry
    registry.write_text(yaml.safe_dump(document))
    return weights
