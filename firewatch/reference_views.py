"""Where each view stood, kept on disk so that a camera that turned is still found turned after a restart.

One small file a camera, preset and pose: a pose measured anew begins a reference of its own, which is how a
person says that the camera is right where it looks now.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import numpy as np

from config import Camera
from streams.health_registration import Field

_log = logging.getLogger(__name__)


class ReferenceViews:
    """A folder of references. What cannot be read is learned anew; what cannot be written is logged."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, camera: Camera, preset: str | None) -> Field | None:
        path = self._path(camera, preset)
        try:
            with np.load(path, allow_pickle=False) as file:
                edges = np.asarray(file["edges"], np.float32)
        except FileNotFoundError:
            return None
        except Exception as error:
            _log.warning("reference view unreadable path=%s: %s", path, error)
            return None
        return edges if edges.ndim == 3 and edges.shape[2] == 2 else None

    def save(self, camera: Camera, preset: str | None, edges: Field) -> None:
        path = self._path(camera, preset)
        aside = path.with_suffix(".tmp")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with aside.open("wb") as file:
                np.savez_compressed(file, edges=edges.astype(np.float16))
            aside.replace(path)
        except OSError as error:  # a full disk must not stop the looks
            _log.error("reference view not kept path=%s: %s", path, error)

    def _path(self, camera: Camera, preset: str | None) -> Path:
        pose = camera.pose_at(preset)
        numbers = f"{pose.azimuth_deg:.4f} {pose.tilt_deg:.4f} {pose.roll_deg:.4f} {pose.hfov_deg:.4f}"
        key = hashlib.sha256(f"{preset}\n{numbers}".encode()).hexdigest()[:16]
        return self._folder / f"{camera.id}.{key}.npz"
