"""Makes small videos with a known picture number in every picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

FPS = 10
WIDTH_PX, HEIGHT_PX = 320, 240
STEP = 12


@dataclass(frozen=True)
class FootageFiles:
    """`quick` has a key frame every half second, `slow` every four seconds."""

    quick: Path
    other: Path
    slow: Path


def grey_level(number: int, base: int = 40) -> int:
    """The grey of picture `number`."""
    return base + (number * STEP) % 180


def write_video(
    path: Path,
    *,
    seconds: float,
    key_every: int,
    base: int = 40,
    b_frames: int = 0,
    size: tuple[int, int] = (WIDTH_PX, HEIGHT_PX),
    options: dict[str, str] | None = None,
) -> Path:
    """H.264 whose picture `n` is one grey, `grey_level(n, base)`."""
    width, height = size
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {
            "preset": "ultrafast",
            "g": str(key_every),
            "bf": str(b_frames),
            "x264-params": "scenecut=0",
        }
        for number in range(int(seconds * FPS)):
            picture: npt.NDArray[np.uint8] = np.full((height, width, 3), grey_level(number, base), np.uint8)
            picture[: height // 4, : width // 4] = 255 - picture[: height // 4, : width // 4]
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def write_h265(path: Path, pictures: int, step: int, options: str = "") -> Path:
    """Pictures that brighten by `step`, a key frame every five; `options` as x265 takes them."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx265", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        stream.options = {"preset": "ultrafast", "x265-params": f"keyint=5:{options}log-level=none"}
        for number in range(pictures):
            grey = np.full((HEIGHT_PX, WIDTH_PX, 3), 60 + number * step, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, "bgr24")))
        container.mux(stream.encode())
    return path


def write_mjpeg(path: Path, pictures: int, step: int, huffman: str = "default") -> Path:
    """Pictures that brighten by `step`, each a JPEG of its own."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuvj420p"
        stream.options = {"huffman": huffman}
        stream.thread_count = 1  # several write restart markers
        for number in range(pictures):
            grey = np.full((HEIGHT_PX, WIDTH_PX, 3), 60 + number * step, np.uint8)
            grey[: HEIGHT_PX // 4] = 20
            frame = av.VideoFrame.from_ndarray(grey, "bgr24").reformat(format="yuvj420p")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
