"""The commands around the detector, run as a user runs them: real files, real processes' exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import yaml
from handmade import brightness_network, hill, with_smoke, write_picture

EPOCH = 1_700_000_000


def firewatch(*arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command; whatever happens, a user never sees a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "firewatch.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    assert done.returncode == status, done.stderr + done.stdout
    return done


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return brightness_network(tmp_path_factory.mktemp("weights") / "brightness.onnx")


def write_video(path: Path, pictures: list[np.ndarray], *, fps: int = 2) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = pictures[0].shape[1], pictures[0].shape[0], "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "18"}
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    return path


def smoke_video(path: Path) -> Path:
    """20 s of calm, 25 s of smoke, two pictures a second."""
    return write_video(path, [with_smoke(hill()) if n >= 40 else hill() for n in range(90)])


# detect


def test_detect_answers_with_boxes_as_json_and_as_a_picture(tmp_path, weights):
    path = write_picture(tmp_path / "smoke.png", with_smoke(hill()))
    done = firewatch("detect", path, "--model", weights, "--json", "--annotate", tmp_path / "out")
    (image,) = json.loads(done.stdout)["images"]
    (detection,) = image["detections"]
    assert detection["label"] == "smoke"
    assert detection["box"] == {"x1": 160.0, "y1": 160.0, "x2": 192.0, "y2": 192.0}
    assert cv2.imread(str(tmp_path / "out" / "smoke.detected.jpg")).shape == (480, 640, 3)


def test_detect_prints_a_table_for_people(tmp_path, weights):
    path = write_picture(tmp_path / "a.png", with_smoke(hill()))
    assert "smoke" in firewatch("detect", path, "--model", weights).stdout


def test_detect_reads_grey_and_16_bit_pictures(tmp_path, weights):
    smoke = with_smoke(hill())
    paths = [
        write_picture(tmp_path / "grey.png", smoke[:, :, 0]),
        write_picture(tmp_path / "deep.png", smoke.astype(np.uint16) << 8),
        write_picture(tmp_path / "8k.jpg", cv2.resize(smoke, (7680, 5760))),
    ]
    images = json.loads(firewatch("detect", *paths, "--model", weights, "--json").stdout)["images"]
    assert [len(image["detections"]) > 0 for image in images] == [True, True, True]


def test_detect_names_every_bad_picture_and_still_answers_for_the_good_one(tmp_path, weights):
    good = write_picture(tmp_path / "good.png", with_smoke(hill()))
    bad = {
        "gone.jpg": None,
        "empty.jpg": b"",
        "text.jpg": b"this is no picture",
        "cut.jpg": cv2.imencode(".jpg", hill())[1].tobytes()[:2000],
        "dot.png": cv2.imencode(".png", np.zeros((1, 1, 3), np.uint8))[1].tobytes(),
        "black.png": cv2.imencode(".png", np.zeros((480, 640, 3), np.uint8))[1].tobytes(),
    }
    for name, content in bad.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
    done = firewatch("detect", good, *(tmp_path / n for n in bad), "--model", weights, "--json", status=2)
    images = {Path(image["image"]).name: image for image in json.loads(done.stdout)["images"]}
    assert images["good.png"]["problem"] is None
    assert all(images[name]["problem"] for name in bad)
    assert all(name in done.stderr for name in bad)


def test_a_missing_weights_file_is_one_clear_line(tmp_path):
    done = firewatch("detect", tmp_path / "a.jpg", "--model", tmp_path / "gone.onnx", status=2)
    assert "no such weights file" in done.stderr


def test_an_unknown_model_name_is_one_clear_line(tmp_path):
    assert "no model named" in firewatch("detect", tmp_path / "a.jpg", "--model", "gone", status=2).stderr


# models


def test_the_shipped_models_are_listed_with_licence_and_verified():
    listed = json.loads(firewatch("models", "list", "--json").stdout)
    assert [model["current"] for model in listed].count(True) == 1
    assert all(model["licence"] for model in listed)
    assert "whole" in firewatch("models", "verify").stdout


# replay


def test_replay_of_a_video_writes_the_same_events_each_time(tmp_path, weights):
    video = smoke_video(tmp_path / "smoke.mp4")
    written = []
    for name in ("one", "two"):
        firewatch("replay", video, "--camera", "north", "--model", weights, "--out", tmp_path / name)
        written.append((tmp_path / name / "events.json").read_bytes())
    assert written[0] == written[1]
    document = json.loads(written[0])
    (event,) = document["events"]
    assert (event["event"], event["label"], event["camera_id"]) == ("sighting", "smoke", "north")
    assert 30 <= event["footage_s"] <= 45
    assert document["looks"] < document["frames"]
    snapshots = sorted(path.name for path in (tmp_path / "one" / "snapshots").iterdir())
    assert snapshots == [f"{event['sighting_id']}.boxed.jpg", f"{event['sighting_id']}.jpg"]
    with av.open(str(tmp_path / "one" / "annotated.mp4")) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        shown = [picture.to_ndarray(format="bgr24") for picture in container.decode(video=0)]
        assert len(shown) == document["frames"]
        assert abs(container.duration / 1e6 - 45) < 1.5
    assert shown[-1][158:162, 165:185].mean(axis=(0, 1))[0] < 90  # the amber box has little blue


def test_replay_of_a_folder_runs_on_the_clock_in_the_names(tmp_path, weights):
    for minute in range(8):
        image = with_smoke(hill()) if minute >= 3 else hill()
        write_picture(tmp_path / "hill" / f"{EPOCH + 60 * minute}_{60 * minute - 180:+06d}.jpg", image)
    firewatch("replay", tmp_path / "hill", "--camera", "north", "--model", weights, "--out", tmp_path / "out")
    document = json.loads((tmp_path / "out" / "events.json").read_text())
    (event,) = document["events"]
    assert event["first_seen_at"] == "2023-11-14T22:16:20+00:00"
    assert event["footage_s"] in (240, 300)


def test_replay_tells_of_bad_pictures(tmp_path, weights):
    for minute in range(4):
        image = np.zeros((480, 640, 3), np.uint8) if minute in (1, 2) else hill()
        write_picture(tmp_path / "hill" / f"{EPOCH + 60 * minute}.png", image)
    firewatch("replay", tmp_path / "hill", "--camera", "north", "--model", weights, "--out", tmp_path / "out")
    (event,) = json.loads((tmp_path / "out" / "events.json").read_text())["events"]
    assert (event["event"], event["reason"], event["looks"]) == ("bad_picture", "all black", 2)
    assert (event["footage_s"], event["until_footage_s"]) == (60, 120)


def test_replay_of_a_truncated_video_tells_what_is_wrong(tmp_path, weights):
    whole = smoke_video(tmp_path / "whole.mp4").read_bytes()
    for name, content in {
        "cut.mp4": whole[: len(whole) // 2],
        "empty.mp4": b"",
        "text.mp4": b"no video",
    }.items():
        (tmp_path / name).write_bytes(content)
        done = firewatch(
            "replay", tmp_path / name, "--camera", "n", "--model", weights, "--out", tmp_path, status=2
        )
        assert name in done.stderr


@pytest.mark.parametrize("speed", ["fast", "0x", "-1x", "x"])
def test_replay_refuses_a_speed_it_does_not_know(tmp_path, weights, speed):
    video = write_video(tmp_path / "a.mp4", [hill()] * 2)
    done = firewatch("replay", video, "--camera", "n", "--model", weights, f"--speed={speed}", status=2)
    assert "give max, 1x" in done.stderr


def test_replay_refuses_to_dispatch_without_knowing_where_the_camera_stands(tmp_path, weights):
    video = write_video(tmp_path / "a.mp4", [hill()] * 2)
    done = firewatch(
        "replay",
        video,
        "--camera",
        "n",
        "--model",
        weights,
        "--out",
        tmp_path,
        "--dispatch",
        "http://x/",
        status=2,
    )
    assert "needs --config" in done.stderr


# evaluate


def labelled_sequence(folder: Path, *, smoke_from_s: int = 300, until_s: int = 1200) -> Path:
    for offset in range(-600, until_s + 1, 60):
        stem = f"{EPOCH + offset}_{offset:+06d}"
        write_picture(
            folder / "images" / f"{stem}.jpg", with_smoke(hill()) if offset >= smoke_from_s else hill()
        )
        if offset >= smoke_from_s:
            label = folder / "labels" / f"{stem}.txt"
            label.parent.mkdir(exist_ok=True)
            label.write_text(f"0 {176 / 640} {176 / 480} {32 / 640} {32 / 480}\n")
    return folder


def test_evaluate_writes_the_figures_of_a_labelled_folder(tmp_path, weights):
    labelled_sequence(tmp_path / "data" / "hill_a")
    labelled_sequence(tmp_path / "data" / "hill_b")
    done = firewatch("evaluate", tmp_path / "data", "--model", weights, "--json", tmp_path / "figures.json")
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["sequence.found"] == 1
    assert figures["sequence.delay_median_min"] == 1
    assert figures["image.precision"] == 1
    assert figures["image.single_look.recall"] == pytest.approx(16 / 21, abs=1e-3)
    assert figures["box.map50"] == pytest.approx(0.995)
    assert figures["sequence.camera_hours_before"] == pytest.approx(1 / 3, abs=1e-3)
    assert "not known what these weights were trained on" in done.stdout


def test_evaluate_repeats_kept_detections_without_the_network(tmp_path, weights):
    labelled_sequence(tmp_path / "data" / "hill")
    kept, out = tmp_path / "kept.json", [tmp_path / "1.json", tmp_path / "2.json"]
    firewatch("evaluate", tmp_path / "data", "--model", weights, "--json", out[0], "--keep-detections", kept)
    firewatch("evaluate", tmp_path / "data", "--model", weights, "--json", out[1], "--from-detections", kept)
    assert out[0].read_bytes() == out[1].read_bytes()


@pytest.mark.slow
def test_evaluate_chooses_the_figures_of_profiles_on_all_masts_but_one(tmp_path, weights):
    for name in ("a", "b"):
        labelled_sequence(tmp_path / "data" / name, smoke_from_s=-240, until_s=60)
    listed = "sequence,camera,split,clock\na,hp-n,val,sound\nb,rm-w,val,sound\n"
    (tmp_path / "data" / "sequences.csv").write_text(listed)
    options = ("--cross-validate", "--no-sweep", "--json", tmp_path / "figures.json")
    done = firewatch("evaluate", tmp_path / "data", "--model", weights, *options)
    chosen = json.loads((tmp_path / "figures.json").read_text())["cross_validation"]
    assert list(chosen) == ["sensitive", "balanced", "quiet"]
    assert [fold["mast"] for fold in chosen["quiet"]["folds"]] == ["hp", "rm"]
    assert chosen["quiet"]["out_of_fold"]["image.recall"] > 0
    assert "chosen on the other masts" in done.stdout


def test_evaluate_says_what_cross_validation_needs(tmp_path, weights):
    labelled_sequence(tmp_path / "data" / "hill")
    done = firewatch("evaluate", tmp_path / "data", "--model", weights, "--cross-validate", status=2)
    assert "two masts" in done.stderr


def test_evaluate_refuses_sequences_the_model_was_trained_on(tmp_path):
    labelled_sequence(tmp_path / "data" / "20170708_Whittier_syp-n-mobo-c")
    done = firewatch("evaluate", tmp_path / "data", status=2)
    assert "20170708_Whittier_syp-n-mobo-c" in done.stderr
    assert "--include-train" in done.stderr


def test_evaluate_labels_every_figure_when_training_data_is_included(tmp_path, weights):
    own = tmp_path / "own.onnx"
    own.write_bytes(weights.read_bytes())
    profiles = {name: {"threshold": 0.3} for name in ("sensitive", "balanced", "quiet")}
    entry = {
        "title": "t",
        "licence": {"name": "x", "summary": "y"},
        "trained_on": ["hill"],
        "profiles": profiles,
    }
    own.with_suffix(".yaml").write_text(yaml.safe_dump(entry))
    labelled_sequence(tmp_path / "data" / "hill")
    firewatch("evaluate", tmp_path / "data", "--model", own, status=2)
    options = ("--include-train", "--no-sweep", "--json", tmp_path / "figures.json")
    done = firewatch("evaluate", tmp_path / "data", "--model", own, *options)
    assert done.stdout.count("seen in training") >= 10
    assert json.loads((tmp_path / "figures.json").read_text())["seen_in_training"] is True
