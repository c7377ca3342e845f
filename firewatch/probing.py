"""Tests a camera's address in a process of its own (`firewatch.processes.probe`), which is killed when it
takes too long: FFmpeg can be held by a camera for as long as that likes."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from typing import Any

from firewatch.die_with_parent import that_dies_with_us
from streams.probe import CameraProbe

LIMIT_S = 30.0


def probed(camera: bytes, limit_s: float = LIMIT_S) -> dict[str, Any]:
    """What the camera of these fields (JSON of `config.Camera`) sends, as `streams.probe.CameraProbe` with
    its picture in base64. Never raises for a camera's fault: it becomes the `problem`."""
    command = that_dies_with_us([sys.executable, "-m", "firewatch.processes.probe"])
    try:
        done = subprocess.run(command, input=camera, capture_output=True, timeout=limit_s, check=True)
        found: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return _without(f"the camera did not answer within {limit_s:g} s")
    except (subprocess.CalledProcessError, ValueError):
        return _without("what the camera sends could not be read")
    return found


def _without(problem: str) -> dict[str, Any]:
    return {**dataclasses.asdict(CameraProbe("probe", problem=problem)), "picture_jpeg": ""}
