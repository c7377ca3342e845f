"""The plain way to watch cameras, as baseline: a cv2.VideoCapture thread for each, Ultralytics on PyTorch.

Each thread reads (and so decodes) every picture and keeps the newest; one loop takes the camera that is most
overdue and predicts on its newest picture, every two seconds for each camera. The network is the small YOLO
of the same family that the product's own comes from (weights do not matter for its cost). A picture's age
is counted from the end of `read`, which flatters it: the camera's own delay and buffers are not in it.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.camera_fleet import INTERVAL_S, CameraServer, SeenLook, judge
from benchmarks.camera_footage import Footage

SKIPPED = "the plain way is skipped: it needs the train extra (pip install -e '.[train]')"
NETWORK = "yolo11n.yaml"
FIRST_TRY = 6
MOST = 24


def held_the_plain_way(footage: Footage, scratch: Path, *, quick: bool) -> float | None:
    """How many cameras the plain way holds, by the same measure; None without PyTorch."""
    if not all(importlib.util.find_spec(name) for name in ("torch", "ultralytics")):
        print(SKIPPED)
        return None
    if quick:
        return float(FIRST_TRY - 2) if _holds(footage, FIRST_TRY - 2, scratch, 8.0) else 0.0
    cameras = FIRST_TRY
    if _holds(footage, cameras, scratch, 30.0):
        while cameras < MOST and _holds(footage, cameras + 1, scratch, 30.0):
            cameras += 1
        return float(cameras)
    while cameras > 1:
        cameras -= 1
        if _holds(footage, cameras, scratch, 30.0):
            return float(cameras)
    return 0.0


def _holds(footage: Footage, cameras: int, scratch: Path, seconds: float) -> bool:
    book = scratch / f"plain-{cameras}.txt"
    with CameraServer(footage, cameras) as server:
        command = [sys.executable, "-m", "benchmarks.cameras_plain", str(book), str(seconds)]
        subprocess.run([*command, *server.urls.values()], check=True, stderr=subprocess.DEVNULL)
        lines = [line.split() for line in book.read_text().splitlines()]
        looks = [SeenLook(name, float(seen), float(done), False) for name, seen, done in lines[1:]]
        began_s = float(lines[0][0])
        verdict = judge(looks, server.names, began_s, began_s + seconds)
    print(
        f"the plain way, {cameras} cameras: {'held' if verdict.held else 'NOT held'}; "
        f"p95 {verdict.p95_s:.2f} s, slowest camera {verdict.slowest_share:.0%} of its looks",
        flush=True,
    )
    return verdict.held


class _Reader(threading.Thread):
    """Reads every picture of one camera and keeps the newest."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        import cv2

        self.url = url
        self.newest: tuple[object, float] | None = None
        self._capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG)

    def run(self) -> None:
        while True:
            found, picture = self._capture.read()
            if not found:
                return
            self.newest = (picture, time.time())


def main(arguments: Sequence[str]) -> None:
    """BOOK SECONDS URL...: one line with the time judging begins, then a line a look."""
    import cv2
    from ultralytics import YOLO

    book, seconds, urls = Path(arguments[0]), float(arguments[1]), arguments[2:]
    cv2.setNumThreads(1)
    network = YOLO(NETWORK)
    readers = [_Reader(url) for url in urls]
    for reader in readers:
        reader.start()
    while any(reader.newest is None for reader in readers):
        time.sleep(0.1)
    network.predict(readers[0].newest[0], imgsz=640, verbose=False)  # type: ignore[index]
    due = {reader.url: time.time() for reader in readers}
    began_s = time.time() + 4
    with book.open("w") as out:
        out.write(f"{began_s:.3f}\n")
        while time.time() < began_s + seconds:
            reader = min(readers, key=lambda one: due[one.url])
            wait_s = due[reader.url] - time.time()
            if wait_s > 0:
                time.sleep(wait_s)
                continue
            assert reader.newest is not None
            picture, seen_s = reader.newest
            network.predict(picture, imgsz=640, verbose=False)
            out.write(f"{reader.url.rpartition('/')[2]} {seen_s:.3f} {time.time():.3f}\n")
            due[reader.url] = max(due[reader.url] + INTERVAL_S, time.time())
    os._exit(0)  # its threads hang in OpenCV, which aborts when the interpreter goes away under it


if __name__ == "__main__":
    main(sys.argv[1:])
