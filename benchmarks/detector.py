"""What a look costs, and against whom: OpenVINO with the shipped weights, ONNX Runtime and PyTorch.

    python -m benchmarks.detector [--quick] [--json FILE] [--model NAME]

One thread each, processor time of the whole process, medians of repeats that take turns, so that a busy
moment hits all alike. The three engines get the same network inputs (the picture and its differences to
the past, as the product builds them) and answer detections; "a look" is everything from the picture as
FFmpeg decodes it from a live camera on: scaling, the memory of the view, the network, decoding, suppression,
tiles. The engines other than ours use the single-precision weights of the same model. mAP50 is over frames
of the rendered scenes in sample_videos/, where training never was: it compares engines, it does not say how
well fires are found.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from av.video.frame import VideoFrame

from benchmarks.reporting import machine, write_figures
from detector.backend import NetworkInput, RawOutput
from detector.bad_pictures import bad_picture
from detector.decoding import decode
from detector.detection import Box
from detector.evaluation.boxes import BoxedPicture, mean_average_precision
from detector.pipeline import Pipeline
from detector.registry import Model, load_model
from detector.tiles import ROTATION_S
from detector.view import ViewMemory, look_size, mirror
from streams.frame import Frame, Image, resized
from streams.picture import DecodedPicture

SCENES = Path(__file__).resolve().parent.parent / "sample_videos"
FIRES = ("distant_smoke", "near_fire", "pair_north", "pair_south")
START = datetime(2026, 1, 1, tzinfo=UTC)
PATROL_S = 2.0
FRAME_PX = (1920, 1080)
SIZES = {"640": 640, "1024x576": 1024}
LEAST_SCORE = 0.01
CAMERAS_FOR_MEMORY = 4


class Engine(Protocol):
    def infer(self, network_input: NetworkInput) -> RawOutput: ...


class _Torch:
    """The same weights in PyTorch, as Ultralytics runs them: fused, evaluation mode, one thread."""

    def __init__(self, onnx_file: Path, channels: int) -> None:
        import torch

        from detector.training import network

        torch.set_num_threads(1)
        self._torch = torch
        self._model = network.build("yolov5n.yaml", channels, onnx_file).eval().requires_grad_(False)

    def infer(self, network_input: NetworkInput) -> RawOutput:
        planes = np.ascontiguousarray(network_input.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
        with self._torch.inference_mode():
            output = self._model(self._torch.from_numpy(planes))
        return np.ascontiguousarray(output[0].numpy()[0].T)


def torch_engine(model: Model, channels: int) -> Engine | str:
    """The PyTorch engine, or why there is none."""
    onnx_file = next((path for path in model.files if path.suffix == ".onnx"), None)
    if onnx_file is None:
        return "the model has no ONNX file to take the weights from"
    try:
        return _Torch(onnx_file, channels)
    except ModuleNotFoundError as error:
        return f"skipped: needs PyTorch ({error.name}); run `pip install .[train]`"
    except (KeyError, ValueError, RuntimeError) as error:
        return f"skipped: {error}"


def frames_of(scene: str, *, first_s: float, count: int, step_s: float = PATROL_S) -> Iterator[Image]:
    """`count` frames of a rendered scene from `first_s` on, as they are."""
    video = cv2.VideoCapture(str(SCENES / f"{scene}.mp4"))
    fps = video.get(cv2.CAP_PROP_FPS)
    for number in range(count):
        video.set(cv2.CAP_PROP_POS_FRAMES, round((first_s + number * step_s) * fps))
        done, image = video.read()
        if not done:
            return
        yield np.asarray(image, np.uint8)


def decoded(image: Image) -> DecodedPicture:
    """The picture as the decoder of a live camera gives it: planes of brightness and colour, 4:2:0."""
    return DecodedPicture(VideoFrame.from_ndarray(image, format="bgr24").reformat(format="yuv420p"))


class WatchedView:
    """A view that has been looked at for 45 minutes: each further look has all its differences."""

    def __init__(self, ages_s: Sequence[float], look_width_px: int) -> None:
        self._memory = ViewMemory(ages_s, look_width_px)
        size_px = look_size(*FRAME_PX, look_width_px)
        full = (cv2.resize(image, FRAME_PX) for image in frames_of("distant_smoke", first_s=0, count=8))
        self._pictures = [resized(image, size_px) for image in full]
        self._looks = 0
        for minute in range(45):
            self._memory.observe(self._pictures[minute % 8], START + timedelta(minutes=minute))

    def look(self) -> NetworkInput:
        self._looks += 1
        at = START + timedelta(minutes=45, seconds=PATROL_S * self._looks)
        return self._memory.observe(self._pictures[self._looks % len(self._pictures)], at)


PRE_AND_POST = ("scaling", "checking", "planes", "mirroring", "decoding")


def parts_of_a_look(model: Model, engine: Any, picture: DecodedPicture) -> dict[str, Callable[[], Any]]:
    """What one look at a whole picture is made of; "memory" has "planes" within it."""
    size_px = look_size(*FRAME_PX, model.look_width_px)
    image = picture.bgr(*size_px)
    watched = WatchedView(model.ages_for(engine), model.look_width_px)
    seen = watched.look()
    raw = engine.infer(seen)

    def lay_out() -> None:
        planes = np.empty(seen.transpose(2, 0, 1).shape, np.uint8)
        cv2.split(image, list(planes[:3]))

    return {
        "network": lambda: engine.infer(seen),
        "scaling": lambda: picture.bgr(*size_px),
        "checking": lambda: bad_picture(image),
        "planes": lay_out,
        "memory": watched.look,
        "mirroring": lambda: mirror(seen),
        "decoding": lambda: decode(raw, input_size_px=size_px, frame_size_px=FRAME_PX, least_score=0.08),
    }


def detect(engine: Engine, seen: NetworkInput) -> int:
    size = (seen.shape[1], seen.shape[0])
    return len(decode(engine.infer(seen), input_size_px=size, frame_size_px=FRAME_PX, least_score=0.08))


def in_turns(work: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """CPU milliseconds of each piece of work, median of repeats that take turns."""
    spent: dict[str, list[float]] = {name: [] for name in work}
    for do in work.values():
        do()
    for _ in range(repeats):
        for name, do in work.items():
            begun = time.process_time()
            do()
            spent[name].append((time.process_time() - begun) * 1000)
    return {name: statistics.median(values) for name, values in spent.items()}


class Watch:
    """A camera watched by the real pipeline, one look a call."""

    def __init__(
        self, model: Model, backend: Any, pictures: Sequence[DecodedPicture], *, tiles: bool
    ) -> None:
        self._pipeline = Pipeline(model, backend=backend, tiles=tiles)
        self._pictures, self._looks = pictures, 0

    def look(self, step_s: float = PATROL_S, closely: bool = False) -> None:
        self._looks += 1
        at = START + timedelta(seconds=self._looks * step_s)
        frame = Frame(self._pictures[self._looks % len(self._pictures)], "bench", at, self._looks)
        if closely:  # every tile holds a suspicion: the dearest look there is
            looker = self._pipeline._view(frame).looker
            looker.detections(frame, 0.08, [Box(0, 0, *FRAME_PX)])
        else:
            self._pipeline.look(frame)


def map50(engine: Engine, model: Model, ages_s: Sequence[float], frames: int) -> float:
    """mAP50 of an engine over frames of the rendered fires, with their past."""
    found = []
    for scene in FIRES:
        truth = json.loads((SCENES / f"{scene}.json").read_text())
        memory = ViewMemory(ages_s, model.look_width_px)
        first_s = truth["hazard"]["ignition_s"] - 14
        for number, image in enumerate(frames_of(scene, first_s=first_s, count=frames)):
            seen = memory.observe(image, START + timedelta(seconds=number * PATROL_S))
            size, at_s = (image.shape[1], image.shape[0]), first_s + number * PATROL_S
            boxes = [b for b in truth["boxes"] if abs(b["t_s"] - at_s) <= 0.5]
            nearest = min((abs(b["t_s"] - at_s) for b in boxes), default=0.0)
            seen_by_people = tuple(
                (b["label"], Box(b["x1"], b["y1"], b["x2"], b["y2"]))
                for b in boxes
                if abs(b["t_s"] - at_s) == nearest
            )
            detections = decode(
                engine.infer(seen),
                input_size_px=(seen.shape[1], seen.shape[0]),
                frame_size_px=size,
                least_score=LEAST_SCORE,
            )
            found.append(BoxedPicture(size[0], seen_by_people, detections))
    return mean_average_precision(found) or 0.0


def _rss_mb(name: str | None, cameras: int, answer: Any) -> None:
    """In a process of its own: the memory held after `cameras` 1080p views were watched for an hour."""
    model = load_model(name)
    backend = model.open_backend()
    pictures = [cv2.resize(i, FRAME_PX) for i in frames_of("distant_smoke", first_s=0, count=4)]
    pipelines = [Pipeline(model, backend=backend) for _ in range(cameras)]
    for number in range(40):
        for pipeline in pipelines:
            at = START + timedelta(seconds=number * 90)
            pipeline.look(Frame(pictures[number % 4], "bench", at, number))
    held = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS")]
    answer.put(int(held[0].split()[1]) / 1024)


def rss_mb(name: str | None, cameras: int) -> float:
    spawn = multiprocessing.get_context("spawn")
    answer = spawn.Queue()
    process = spawn.Process(target=_rss_mb, args=(name, cameras, answer))
    process.start()
    value = float(answer.get(timeout=300))
    process.join()
    return value


@dataclass(frozen=True)
class Line:
    """One line of the table: CPU-ms of three engines at one size."""

    size: str
    spent: dict[str, float]

    def text(self) -> str:
        ours = self.spent["openvino"]
        parts = [f"{name} {ms:7.1f} ms ({ms / ours:4.2f} x)" for name, ms in self.spent.items()]
        return f"{self.size:>9}: " + ", ".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer repeats and frames: within a minute")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument(
        "--model", help="name in models/registry.yaml, or a path; without it, the current one"
    )
    options = parser.parse_args()
    cv2.setNumThreads(1)
    repeats, frames = (8, 10) if options.quick else (25, 30)
    model = load_model(options.model)
    ours = model.open_backend("openvino")
    ages_s = model.ages_for(ours)
    reference: Engine = model.open_backend("onnxruntime")
    torch = torch_engine(model, ours.channels)
    print(f"{machine()}\n{model.model_id} on {ours.name}, one thread; medians of {repeats} repeats in turns")

    lines = []
    for size, width_px in SIZES.items():
        seen = WatchedView(ages_s, width_px).look()
        engines: dict[str, Engine] = {"openvino": ours, "onnxruntime": reference}
        if not isinstance(torch, str):
            engines["torch"] = torch
        work = {name: (lambda e=engine, s=seen: detect(e, s)) for name, engine in engines.items()}
        lines.append(Line(size, in_turns(work, repeats)))
    print("network input to detections, CPU-ms:")
    for line in lines:
        print(line.text())
    if isinstance(torch, str):
        print(f"    torch: {torch}")

    pictures = [decoded(cv2.resize(i, FRAME_PX)) for i in frames_of("distant_smoke", first_s=0, count=12)]
    whole, closely = (Watch(model, ours, pictures, tiles=tiles) for tiles in (False, True))
    turns = round(ROTATION_S / PATROL_S)
    patrol = Watch(model, ours, pictures, tiles=True)
    spent = in_turns(
        {
            "whole": whole.look,
            "rotation": lambda: [patrol.look() for _ in range(turns)],
            "closely": lambda: closely.look(0.5, closely=True),
            **parts_of_a_look(model, ours, pictures[0]),
        },
        repeats,
    )
    patrol_ms = spent["rotation"] / turns
    beside = 1 - spent["network"] / spent["whole"]
    spent["memory"] -= spent["planes"]  # which it makes, too
    spent["mirroring"] /= 2  # every second look
    around = sum(spent[part] for part in PRE_AND_POST) / spent["whole"]
    print(
        f"a look at a 1920x1080 camera, all in: whole {spent['whole']:.1f} ms, "
        f"network {spent['network']:.1f}; {beside:.1%} beside it:"
    )
    print(
        f"    {around:.1%} pre- and post-processing ("
        + ", ".join(f"{part} {spent[part]:.2f}" for part in PRE_AND_POST)
        + f" ms), {spent['memory'] / spent['whole']:.1%} memory of the view "
        f"(references, differences: {spent['memory']:.2f} ms), the rest judgement over time"
    )
    print(
        f"    patrol with tiles in rotation {patrol_ms:.1f} ms "
        f"({1000 / patrol_ms:.1f} looks a second and core),"
    )
    print(f"    every tile under suspicion {spent['closely']:.1f} ms")
    delta = map50(ours, model, ages_s, frames) - map50(reference, model, ages_s, frames)
    memory_mb = {cameras: rss_mb(options.model, cameras) for cameras in (1, CAMERAS_FOR_MEMORY)}
    each_mb = (memory_mb[CAMERAS_FOR_MEMORY] - memory_mb[1]) / (CAMERAS_FOR_MEMORY - 1)
    print(f"mAP50 on rendered fires, ours less single precision on ONNX Runtime: {delta:+.4f}")
    print(f"memory: {memory_mb[1]:.0f} MB with one 1080p camera, {each_mb:.0f} MB more with each further one")
    ratio = lines[0].spent["torch"] / lines[0].spent["openvino"] if "torch" in lines[0].spent else None
    figures: dict[str, float | None] = {
        "detector.cpu_ms_look": round(patrol_ms, 2),
        "detector.ratio_torch": round(ratio, 3) if ratio is not None else None,
        "detector.map_delta": round(delta, 4),
        "detector.rss_mb": round(memory_mb[1], 1),
        "detector.cpu_ms_whole": round(spent["whole"], 2),
        "detector.cpu_ms_suspicion": round(spent["closely"], 2),
        "detector.share_beside_network": round(beside, 4),
        "detector.share_pre_and_post": round(around, 4),
        "detector.ratio_onnxruntime": round(lines[0].spent["onnxruntime"] / lines[0].spent["openvino"], 3),
        "detector.mb_each_camera": round(each_mb, 1),
    }
    write_figures(
        options.json,
        figures,
        model=model.model_id,
        repeats=repeats,
        torch=torch if isinstance(torch, str) else "measured",
    )


if __name__ == "__main__":
    main()
