"""A worker with a recorder in a process of its own, to be killed: recorder_process.py SOURCE FOLDER."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from test_recorder import SETTINGS, GivenSink, Script
from test_worker import LOOKS, Kept, camera

from firewatch.recorder import ClipRecorder
from firewatch.worker import Worker

if __name__ == "__main__":
    source, folder = sys.argv[1:]
    cameras = [camera("ridge", source)]
    recorder = ClipRecorder(cameras, SETTINGS, Path(folder), GivenSink(Path(folder) / "never"))
    recorder.start()
    kept = Kept()
    Worker(
        cameras,
        LOOKS,
        lambda _camera: Script(suspicious_from=2, sighting_at=4),
        kept,
        kept,
        kept,
        tap_for=recorder.tap_for,
        observers=(recorder,),
    ).run(threading.Event())
