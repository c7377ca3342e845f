"""A worker process of `benchmarks.cameras`: the product's own worker, with every look written down.

`--looks FILE` takes a line a look: camera, capture time, time of the decision (Unix seconds), suspicious or
not. With `--blind` the network is left out (reading and decoding only).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from config import Camera, load
from detector.detection import Look
from detector.pipeline import LookResult
from firewatch.logs import start_logging
from firewatch.processes.life import stop_on_signals
from firewatch.processes.worker import watch
from streams.frame import Frame

LOOK_SIZE_PX = (640, 352)


class LookBook:
    """Writes looks down as they are decided."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)

    def looked(self, camera: Camera, frame: Frame, result: LookResult) -> None:
        suspicious = int(result.suspicious)
        self._file.write(f"{camera.id} {frame.captured_at.timestamp():.3f} {time.time():.3f} {suspicious}\n")


class BlindPipeline:
    """Converts the picture to the look's size and sees nothing."""

    def look(self, frame: Frame) -> LookResult:
        frame.scaled(*LOOK_SIZE_PX)
        size = (frame.width_px, frame.height_px)
        return LookResult(Look(frame.camera_id, None, frame.captured_at, frame.sequence, *size, (), "blind"))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cameras_worker")
    parser.add_argument("config", type=Path)
    parser.add_argument("--index", type=int, default=0)
    parser.add_argument("--of", type=int, default=1)
    parser.add_argument("--looks", type=Path, required=True)
    parser.add_argument("--blind", action="store_true")
    options = parser.parse_args(arguments)
    start_logging()
    stop = stop_on_signals()
    watch(
        load(options.config),
        stop,
        index=options.index,
        of=options.of,
        recordings=options.config.parent / "recordings",
        observers=[LookBook(options.looks)],
        make_pipeline=(lambda _camera: BlindPipeline()) if options.blind else None,
    )


if __name__ == "__main__":
    main()
