"""Turns scenes into files: the video (H.264), its ground truth, and the calm view that goes on from a fire.

NAME.mp4           the scene, once
NAME.json          its ground truth (simulator.truth)
NAME_clearing.mp4  follows on without a jump: the smoke thins and is gone at the end
NAME_calm.mp4      follows on without a jump, and repeats seamlessly
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from geometry.terrain import Terrain
from simulator.scene import Scene, ground_m, load_scene
from simulator.truth import GroundTruth, Hazard, TruthBox, TruthCamera
from simulator.view import SceneView

Picture = npt.NDArray[np.uint8]
Progress = Callable[[float], None]

KEY_FRAME_S = 2
CROSSFADE_S = 2.0
BOX_STEP_S = 1.0


def _ignore(_share: float) -> None:
    """Nobody asked for progress."""


@dataclass(frozen=True)
class Rendered:
    """The files of one scene."""

    video: Path
    truth: Path
    clearing: Path | None
    calm: Path | None


def render_file(scene_yaml: Path, out_dir: Path, on_progress: Progress = _ignore) -> Rendered:
    """Render the scene of a file into `out_dir`. `on_progress` is called with the share done, 0..1.

    Raises SceneError when the scene cannot be used.
    """
    return render(load_scene(scene_yaml), out_dir, on_progress)


def render(
    scene: Scene,
    out_dir: Path,
    on_progress: Progress = _ignore,
    terrain: Terrain | None = None,
) -> Rendered:
    """Render a scene into `out_dir`; the same scene gives the same pictures."""
    out_dir.mkdir(parents=True, exist_ok=True)
    view = SceneView(scene, terrain)
    total = scene.duration_s + scene.clearing_s + (scene.calm_s + CROSSFADE_S if scene.calm_s else 0)
    done = 0

    def tick(picture: Picture) -> Picture:
        nonlocal done
        done += 1
        on_progress(min(1.0, done / (total * scene.fps)))
        return picture

    boxes: list[TruthBox] = []

    def opening() -> Iterator[Picture]:
        for i in range(round(scene.duration_s * scene.fps)):
            shot = view.shot(i / scene.fps)
            if i % max(1, round(BOX_STEP_S * scene.fps)) == 0:
                boxes.extend(shot.boxes)
            yield tick(shot.picture)

    video = out_dir / f"{scene.name}.mp4"
    encode(opening(), video, scene)
    truth = out_dir / f"{scene.name}.json"
    ground_truth(scene, view.terrain, tuple(boxes)).write(truth)
    clearing = calm = None
    if scene.clearing_s:
        clearing = out_dir / f"{scene.name}_clearing.mp4"
        times = scene.duration_s + np.arange(round(scene.clearing_s * scene.fps)) / scene.fps
        encode((tick(view.shot(float(t)).picture) for t in times), clearing, scene)
    if scene.calm_s:
        calm = out_dir / f"{scene.name}_calm.mp4"
        encode(map(tick, _calm_loop(view)), calm, scene)
    on_progress(1.0)
    return Rendered(video, truth, clearing, calm)


def ground_truth(scene: Scene, terrain: Terrain, boxes: tuple[TruthBox, ...]) -> GroundTruth:
    """The ground truth of a scene with these boxes."""
    camera, fire = scene.camera, scene.fire
    return GroundTruth(
        scene=scene.name,
        seed=scene.seed,
        camera=TruthCamera(
            **camera.model_dump(),
            ground_height_m=round(ground_m(terrain, camera.lat_deg, camera.lon_deg), 2),
        ),
        width_px=scene.width_px,
        height_px=scene.height_px,
        fps=scene.fps,
        duration_s=scene.duration_s,
        kind="fire" if fire else "no_fire",
        hazard=Hazard(
            label=fire.label,
            lat_deg=fire.lat_deg,
            lon_deg=fire.lon_deg,
            height_m=round(ground_m(terrain, fire.lat_deg, fire.lon_deg), 2),
            ignition_s=fire.ignition_s,
        )
        if fire
        else None,
        boxes=boxes,
    )


def encode(pictures: Iterator[Picture], path: Path, scene: Scene) -> None:
    """Write H.264 as a hill camera would: a key frame every two seconds, capped bit rate, no B-frames."""
    interval = KEY_FRAME_S * scene.fps
    options = {
        "preset": "medium",
        "crf": "25",
        "maxrate": f"{scene.sensor.bitrate_kbit_s}k",
        "bufsize": f"{2 * scene.sensor.bitrate_kbit_s}k",
        "keyint": str(interval),
        "x264-params": f"keyint={interval}:min-keyint={interval}:scenecut=0:bframes=0:threads=2",
    }
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=scene.fps, options=options)
        stream.width, stream.height, stream.pix_fmt = scene.width_px, scene.height_px, "yuv420p"
        stream.time_base = Fraction(1, scene.fps)
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _calm_loop(view: SceneView) -> Iterator[Picture]:
    """Frames without smoke; the end is blended into what came before the start, so that it repeats unseen."""
    scene = view.scene
    start_s = scene.duration_s + scene.clearing_s
    count, blend = round(scene.calm_s * scene.fps), round(CROSSFADE_S * scene.fps)
    for i in range(count):
        picture = view.shot(start_s + i / scene.fps, calm=True).picture
        left = count - i
        if left <= blend:
            earlier = view.shot(start_s - left / scene.fps, calm=True).picture
            share = 1 - left / (blend + 1)
            picture = np.round(picture * (1 - share) + earlier * share).astype(np.uint8)
        yield picture
