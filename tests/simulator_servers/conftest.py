"""Small videos to serve, made once."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from rtsp_peers import Videos


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Videos:
    folder = tmp_path_factory.mktemp("videos")
    return Videos(
        h264=_encode(folder / "h264.mp4", "libx264", (320, 240)),
        h264_reordered=_encode(folder / "reordered.mp4", "libx264", (320, 240), b_frames=3),
        h265=_encode(folder / "h265.mp4", "libx265", (320, 240)),
        h264_larger=_encode(folder / "larger.mp4", "libx264", (480, 256)),
        h264_heavy=_encode(folder / "heavy.mp4", "libx264", (640, 360), noise=True),
    )


def _encode(
    path: Path,
    codec: str,
    size: tuple[int, int],
    *,
    frames: int = 25,
    fps: int = 25,
    b_frames: int = 0,
    noise: bool = False,
) -> Path:
    width, height = size
    random = np.random.default_rng(1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"preset": "ultrafast"}
        if codec == "libx264":
            stream.options |= {"g": "12", "bf": str(b_frames), "qp": "20" if noise else "28"}
        else:
            stream.options |= {"x265-params": f"keyint=12:bframes={b_frames}:log-level=none"}
        for number in range(frames):
            if noise:
                image = random.integers(0, 255, (height, width, 3), dtype=np.uint8)
            else:
                image = np.full((height, width, 3), 60, np.uint8)
                image[20:80, number * 9 : number * 9 + 50] = 230
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, "bgr24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path
