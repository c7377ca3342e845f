"""Starts a whole centre, as `firewatch run` does, over simulated cameras and a sandbox receiver."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from ports import own_port

from firewatch.demo import demo_playlists
from geometry.position import Position, distance_m
from simulator.receiver import DispatchReceiver
from simulator.rtsp import RtspServer
from simulator.truth import GroundTruth

ROOT = Path(__file__).resolve().parents[2]
VIDEOS = ROOT / "sample_videos"
SECRET = "only-for-this-test"


@dataclass
class RunningCentre:
    """What a test may look at while the centre runs."""

    receiver: DispatchReceiver
    cameras: RtspServer
    process: subprocess.Popen[bytes]
    log: Path
    console_url: str
    started_at: datetime

    def until(self, condition: Callable[[], bool], limit_s: float) -> bool:
        """Whether the condition came true in time while the centre was alive."""
        deadline_s = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > deadline_s or self.process.poll() is not None:
                return condition()
            time.sleep(0.2)
        return True


def truth_of(scene: str) -> GroundTruth:
    return GroundTruth.model_validate_json((VIDEOS / f"{scene}.json").read_text(encoding="utf-8"))


@contextmanager
def running_centre(
    folder: Path,
    scenes: Collection[str],
    *,
    unwatched: Collection[str] = (),
    footage: Mapping[str, Path] = MappingProxyType({}),
    fields: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> Iterator[RunningCentre]:
    """A centre that watches `scenes`; each camera's footage begins when the worker connects to it. Cameras of
    `unwatched` scenes are there, and the centre does not know of them. A scene's camera may show other
    `footage` and have other `fields` than the demo's."""
    served = {*scenes, *unwatched}
    playlists = {name: clips for name, clips in demo_playlists(VIDEOS).items() if name in served}
    assert set(playlists) == served
    playlists |= {name: str(film) for name, film in footage.items()}
    console_port = own_port()
    with (
        RtspServer(playlists, wait_for_reader=True) as cameras,
        DispatchReceiver(SECRET) as receiver,
    ):
        config_file = _deployment(folder, scenes, console_port, fields)
        log = folder / "centre.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "firewatch.cli", "run", str(config_file), "--state", str(folder)],
                cwd=ROOT,
                stdout=output,
                stderr=output,
                env={
                    **os.environ,
                    "FIREWATCH_DEMO_RTSP_PORT": str(cameras.port),
                    "FIREWATCH_DEMO_RECEIVER_PORT": str(receiver.port),
                    "FIREWATCH_DEMO_SECRET": SECRET,
                    "FIREWATCH_DEMO_STATE": str(folder),
                },
            )
        centre = RunningCentre(
            receiver, cameras, process, log, f"http://127.0.0.1:{console_port}", datetime.now(UTC)
        )
        try:
            yield centre
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def demo_camera(scene: str) -> dict[str, Any]:
    """The camera of a scene, as the demo's deployment file describes it."""
    cameras = yaml.safe_load((ROOT / "config" / "demo.yaml").read_text(encoding="utf-8"))["cameras"]
    return next(camera for camera in cameras if camera["id"] == scene)


def position_error_m(alert: dict[str, Any], scene: str) -> float:
    """How far an alert's place is from where the scene burns."""
    hazard = truth_of(scene).hazard
    assert hazard is not None
    where = alert["location"]
    return distance_m(
        Position(where["lat_deg"], where["lon_deg"], where["height_m"]),
        Position(hazard.lat_deg, hazard.lon_deg, hazard.height_m),
    )


def _deployment(
    folder: Path, scenes: Collection[str], console_port: int, fields: Mapping[str, Mapping[str, Any]]
) -> Path:
    """The demo's deployment, with only the cameras of these scenes."""
    values = yaml.safe_load((ROOT / "config" / "demo.yaml").read_text(encoding="utf-8"))
    values["cameras"] = [
        camera | fields.get(camera["id"], {}) for camera in values["cameras"] if camera["id"] in scenes
    ]
    for key in {"terrain", "grids", "gazetteer"} & values.keys():
        values[key] = str(ROOT / "config" / values[key])
    values["console"] = {"port": console_port}
    file = folder / "deployment.yaml"
    file.write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    return file


def children_of(pid: int) -> tuple[int, ...]:
    """Process ids of the direct children; none when the process is gone."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except FileNotFoundError:
        return ()
    return tuple(int(word) for word in text.split())
