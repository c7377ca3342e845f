"""A model in shadow looks at what the current model looks at; its scores are written down, nothing is sent.

So a candidate is tried on the deployment's own cameras before it is promoted. One line of JSON a look in
`FOLDER/MODEL_ID/CAMERA_YYYY-MM-DD.jsonl`, with the highest score of both models and what each would have
reported. A shadow looks at most every `EVERY_S` seconds at a camera, because it costs a whole look; a shadow
that fails is logged and never touches the looks of the current model.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from config import Camera
from detector.detection import Detection
from detector.pipeline import LookResult, Pipeline
from streams.frame import Frame

_log = logging.getLogger(__name__)

EVERY_S = 10.0


class Shadow:
    """An observer of a worker's looks (`firewatch.worker.LookObserver`)."""

    def __init__(self, make_pipeline: Callable[[Camera], Pipeline], folder: Path) -> None:
        self._make_pipeline = make_pipeline
        self._folder = folder
        self._pipelines: dict[str, Pipeline] = {}
        self._looked_at: dict[str, datetime] = {}
        self.failures = 0

    def looked(self, camera: Camera, frame: Frame, result: LookResult) -> None:
        last = self._looked_at.get(camera.id)
        if last is not None and timedelta(0) <= frame.captured_at - last < timedelta(seconds=EVERY_S):
            return
        self._looked_at[camera.id] = frame.captured_at
        try:
            pipeline = self._pipelines.get(camera.id)
            if pipeline is None:
                pipeline = self._pipelines[camera.id] = self._make_pipeline(camera)
            self._write(pipeline, camera, result, pipeline.look(frame))
        except Exception:  # a candidate may fail in any way; the watch goes on
            self.failures += 1
            if self.failures == 1:
                _log.exception("shadow look failed camera=%s", camera.id)

    def _write(self, pipeline: Pipeline, camera: Camera, current: LookResult, shadow: LookResult) -> None:
        at = current.look.captured_at
        folder = self._folder / pipeline.model.model_id
        folder.mkdir(parents=True, exist_ok=True)
        line = {
            "captured_at": at.isoformat(),
            "preset": current.look.preset,
            "current": {"model_id": current.look.model_id, **_said(current)},
            "shadow": _said(shadow),
        }
        with (folder / f"{camera.id}_{at:%Y-%m-%d}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _said(result: LookResult) -> dict[str, object]:
    return {
        "score": max((d.confidence for d in result.look.detections), default=0.0),
        "detections": [_box(d) for d in result.look.detections],
        "sightings": [sighting.sighting_id for sighting in result.sightings],
    }


def _box(detection: Detection) -> list[object]:
    box = detection.box
    return [detection.label, detection.confidence, box.x1, box.y1, box.x2, box.y2]
