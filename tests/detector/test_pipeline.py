"""Frames in, sightings out: the whole detector on a network built by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnx
import pytest
from handmade import brightness_model, brightness_network, cell_box, frame, hill, with_smoke

from detector.errors import BackendError
from detector.pipeline import MOST_PRESETS, LookResult, Pipeline
from detector.registry import Model, load_model


@pytest.fixture
def pipeline(tmp_path) -> Pipeline:
    return Pipeline(brightness_model(tmp_path))


def looks(pipeline: Pipeline, image: np.ndarray, times_s, **more) -> list[LookResult]:
    return [pipeline.look(frame(image, t, n, **more)) for n, t in enumerate(times_s)]


def one_sided_model(folder: Path) -> Model:
    """The brightness network, blind in the right half of what it is shown."""
    whole = onnx.load(brightness_network(folder / "whole.onnx"))
    mask = np.zeros((1, 6, 15, 20), np.float32)
    mask[..., :10] = 1
    mask[:, :4] = 1
    nodes = [node for node in whole.graph.node if node.output[0] not in ("flat_planes", "output")]
    nodes.append(onnx.helper.make_node("Mul", ["planes", "half_blind"], ["masked"]))
    nodes.append(onnx.helper.make_node("Reshape", ["masked", "flat"], ["output"]))
    whole.graph.initializer.append(onnx.numpy_helper.from_array(mask, "half_blind"))
    del whole.graph.node[:]
    whole.graph.node.extend(nodes)
    onnx.save(whole, folder / "one_sided.onnx")
    return load_model(folder / "one_sided.onnx")


def calm_then_smoke(pipeline: Pipeline, **more) -> list[LookResult]:
    """Twenty seconds of calm, half a minute of smoke, a look every two seconds."""
    return [
        pipeline.look(frame(with_smoke(hill()) if n >= 10 else hill(), n * 2.0, n, **more)) for n in range(26)
    ]


def test_a_calm_hill_gives_no_detection(pipeline):
    result = pipeline.look(frame(hill()))
    assert result.look.detections == ()
    assert result.look.bad_picture is None
    assert not result.suspicious


def test_smoke_that_stays_becomes_one_sighting_with_its_history(pipeline):
    looks(pipeline, hill(), range(0, 30, 2))
    results = looks(pipeline, with_smoke(hill()), range(30, 90, 2))
    sightings = [s for result in results for s in result.sightings]
    assert len(sightings) == 1
    sighting = sightings[0]
    assert sighting.label == "smoke"
    assert sighting.box == cell_box()
    assert (sighting.first_seen_at - frame(hill(), 30).captured_at).total_seconds() == 0
    assert 10 <= (sighting.confirmed_at - sighting.first_seen_at).total_seconds() <= 20
    assert sighting.history[-1][0] == sighting.confirmed_at
    assert (sighting.camera_id, sighting.width_px, sighting.height_px) == ("hill", 640, 480)
    assert "score-seconds" in sighting.reason


def test_boxes_are_in_pixels_of_the_frame_whatever_its_size(pipeline):
    result = pipeline.look(frame(with_smoke(hill(1920, 1440), column=3, row=4)))
    (detection,) = result.look.detections
    assert detection.box == cell_box(3, 4).__class__(288, 384, 384, 480)


def test_the_same_footage_gives_the_same_sighting_id(tmp_path):
    ids = []
    for _ in range(2):
        results = calm_then_smoke(Pipeline(brightness_model(tmp_path)))
        ids.append([s.sighting_id for result in results for s in result.sightings])
    assert ids[0] == ids[1]
    assert len(ids[0]) == 1


def test_another_camera_gives_another_sighting_id(tmp_path):
    ids = set()
    for camera_id in ("north", "south"):
        results = calm_then_smoke(Pipeline(brightness_model(tmp_path)), camera_id=camera_id)
        ids |= {s.sighting_id for result in results for s in result.sightings}
    assert len(ids) == 2


@pytest.mark.parametrize("column", [0, 3, 19])
def test_the_mirrored_look_says_the_same_place_as_the_straight_one(pipeline, column):
    straight, mirrored = looks(pipeline, with_smoke(hill(), column=column), (0, 2))
    assert [d.box for d in straight.look.detections] == [cell_box(column)]
    assert [d.box for d in mirrored.look.detections] == [cell_box(column)]


def test_a_one_sided_network_is_evened_out_by_mirrored_looks(tmp_path):
    """What the network sees only in straight pictures is half as much evidence as what it sees in both."""
    one_sided = one_sided_model(tmp_path)
    left = [Pipeline(one_sided).look(frame(with_smoke(hill(), column=2), t)) for t in (0, 2)]
    assert [len(result.look.detections) for result in left] == [1, 1]  # a first look is always straight
    pipeline = Pipeline(one_sided)
    seen = [len(r.look.detections) for r in looks(pipeline, with_smoke(hill(), column=2), range(0, 8, 2))]
    assert seen == [1, 0, 1, 0]


def test_smoke_raises_suspicion_at_once(pipeline):
    pipeline.look(frame(hill(), 0))
    assert pipeline.look(frame(with_smoke(hill()), 2)).suspicious


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.zeros((480, 640, 3), np.uint8), "all black"),
        (np.full((480, 640, 3), 255, np.uint8), "overexposed"),
        (np.zeros((1, 1, 3), np.uint8), "1x1 px"),
        (np.full((480, 640, 3), np.nan, np.float32), "not numbers"),
    ],
)
def test_a_bad_picture_is_told_and_not_scored(pipeline, image, reason):
    result = pipeline.look(frame(image))
    assert reason in (result.look.bad_picture or "")
    assert result.look.detections == ()
    assert not result.suspicious


def test_bad_pictures_are_no_evidence_against_smoke(pipeline):
    smoke, black = with_smoke(hill()), np.zeros((480, 640, 3), np.uint8)
    looks(pipeline, hill(), range(0, 20, 2))
    results = [pipeline.look(frame(black if n % 3 == 2 else smoke, n * 2.0, n)) for n in range(10, 30)]
    assert sum(len(result.sightings) for result in results) == 1


@pytest.mark.parametrize(
    "image",
    [
        hill()[:, :, 0],
        (hill().astype(np.uint16) << 8),
        hill().astype(np.float32) / 255,
        np.dstack([hill(), np.full((480, 640), 255, np.uint8)]),
        hill(7680, 4320),
        hill(64, 64),
        hill(300, 900),
    ],
    ids=["grey", "16 bit", "float", "transparent", "8K", "tiny", "upright"],
)
def test_frames_of_any_size_and_type_are_looked_at(pipeline, image):
    result = pipeline.look(frame(image))
    assert result.look.bad_picture is None
    assert (result.look.width_px, result.look.height_px) == (image.shape[1], image.shape[0])


def test_new_footage_empties_tracks_and_memory(pipeline):
    looks(pipeline, with_smoke(hill()), range(0, 8, 2))
    after = pipeline.look(frame(with_smoke(hill()), 8.0, 9, new_footage=True))
    assert [track.looks_seen for track in after.tracks] == [1]


def test_every_preset_is_a_view_of_its_own(pipeline):
    looks(pipeline, with_smoke(hill()), range(0, 8, 2), preset="east")
    west = pipeline.look(frame(with_smoke(hill()), 8.0, 9, preset="west"))
    east = pipeline.look(frame(with_smoke(hill()), 10.0, 10, preset="east"))
    assert [track.looks_seen for track in west.tracks] == [1]
    assert [track.looks_seen for track in east.tracks] == [5]


def test_a_wandering_camera_does_not_fill_the_memory(pipeline):
    for n in range(MOST_PRESETS + 5):
        pipeline.look(frame(with_smoke(hill(64, 64), column=1), n * 2.0, n, preset=f"p{n}"))
    again = pipeline.look(frame(with_smoke(hill()), 1000.0, 999, preset="p0"))
    assert all(track.looks_seen == 1 for track in again.tracks)


def test_a_camera_that_changes_its_resolution_starts_anew(pipeline):
    looks(pipeline, with_smoke(hill()), range(0, 8, 2))
    result = pipeline.look(frame(with_smoke(hill(1280, 960)), 8.0, 9))
    assert all(track.looks_seen == 1 for track in result.tracks)


def test_a_network_that_answers_nonsense_is_an_error_and_the_next_look_works(tmp_path):
    broken = Pipeline(brightness_model(tmp_path, poison=math.nan))
    with pytest.raises(BackendError, match="not finite"):
        broken.look(frame(with_smoke(hill())))


def test_a_deployment_may_override_single_confirmation_figures(tmp_path):
    hasty = Pipeline(
        brightness_model(tmp_path), policy={"evidence_to_confirm_score_s": 0.5, "persistence_s": 1.0}
    )
    confirmed = [n for n, result in enumerate(calm_then_smoke(hasty)) if result.sightings]
    assert confirmed == [11]


def test_detections_start_at_the_threshold_of_the_profile(tmp_path):
    weak = with_smoke(hill(), brightness=130)  # score 0.22
    seen = {
        name: bool(Pipeline(brightness_model(tmp_path), name).look(frame(weak)).look.detections)
        for name in ("sensitive", "balanced", "quiet")
    }
    assert seen == {"sensitive": True, "balanced": False, "quiet": False}
