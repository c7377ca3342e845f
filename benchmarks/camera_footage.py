"""Footage as hill cameras send it: 1080p, 25 pictures a second, H.264 at 4 Mbit/s, a key frame every 2 s.

Made from the rendered sample videos (10 pictures a second) by enlarging them and giving every picture fresh
sensor noise, which is what fills a real camera's 4 Mbit/s. Made once and kept in a folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

SAMPLES = Path(__file__).resolve().parent.parent / "sample_videos"
WIDTH_PX, HEIGHT_PX = 1920, 1080
FPS = 25
KEY_EVERY_S = 2
BIT_RATE = 4_000_000
NOISE_LEVELS = 3.0


@dataclass(frozen=True)
class Footage:
    """Files to play as cameras."""

    calm: Path
    fire: Path
    """Begins calm; the fire starts after three seconds."""


def make_footage(folder: Path, *, calm_s: float, fire_s: float) -> Footage:
    """The files, made if they are not there yet (some 15 pictures a second and core)."""
    folder.mkdir(parents=True, exist_ok=True)
    footage = Footage(folder / f"calm-{calm_s:g}s.mp4", folder / f"fire-{fire_s:g}s.mp4")
    if not footage.calm.exists():
        _encode(SAMPLES / "pair_north_calm.mp4", footage.calm, 0.0, calm_s)
    if not footage.fire.exists():
        _encode(SAMPLES / "near_fire.mp4", footage.fire, 18.0, fire_s)
    return footage


def _encode(source: Path, target: Path, begin_s: float, length_s: float) -> None:
    chance = np.random.default_rng(1)
    grain = [
        chance.normal(0, NOISE_LEVELS, (HEIGHT_PX * 3 // 2, WIDTH_PX)).round().astype(np.int16)
        for _ in range(5)
    ]
    unfinished = target.with_suffix(".part.mp4")
    with av.open(str(source)) as container, av.open(str(unfinished), "w") as out:
        stream = out.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        stream.bit_rate = BIT_RATE
        rate = f"vbv-maxrate={BIT_RATE // 1000}:vbv-bufsize={2 * BIT_RATE // 1000}"
        keys = f"keyint={FPS * KEY_EVERY_S}:min-keyint={FPS * KEY_EVERY_S}:scenecut=0"
        stream.options = {"preset": "superfast", "bf": "0", "x264-params": f"{keys}:{rate}"}
        number, total = 0, round(length_s * FPS)
        for picture in container.decode(video=0):
            if picture.time is None or picture.time < begin_s:
                continue
            plain = picture.reformat(WIDTH_PX, HEIGHT_PX, "yuv420p").to_ndarray().astype(np.int16)
            while number < total and number / FPS < picture.time - begin_s + 0.1:
                noisy = np.clip(plain + grain[chance.integers(len(grain))], 0, 255).astype(np.uint8)
                frame = av.VideoFrame.from_ndarray(noisy, "yuv420p")
                frame.pts = number
                out.mux(stream.encode(frame))
                number += 1
            if number >= total:
                break
        out.mux(stream.encode())
    unfinished.replace(target)
