"""Simulated cameras on one RTSP server, and the workers that watch them, each a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.camera_footage import Footage
from benchmarks.processes import cpu_s, end, memory_mb

INTERVAL_S = 2.0


@dataclass(frozen=True)
class SeenLook:
    """One line of a worker's look book; times in Unix seconds."""

    camera: str
    captured_s: float
    decided_s: float
    suspicious: bool

    @property
    def delay_s(self) -> float:
        return self.decided_s - self.captured_s


class CameraServer:
    """The simulator's RTSP server as a process; `start` again takes the same port."""

    def __init__(self, footage: Footage, cameras: int, *, fires: int = 2) -> None:
        self.names = [f"c{number:03d}" for number in range(cameras)]
        self._options: list[str] = []
        for number, name in enumerate(self.names):
            clip = f"{footage.fire}" if number < fires else f"~{footage.calm}*1000000"
            self._options += ["--camera", f"{name}={clip}"]
        self._port = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.urls: dict[str, str] = {}

    def start(self) -> None:
        command = [sys.executable, "-m", "simulator.rtsp", "--port", str(self._port), *self._options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self.process.stdout is not None
        told = json.loads(self.process.stdout.readline())
        self._port = told["rtsp_port"]
        self.urls = told["cameras"]

    def stop(self) -> None:
        if self.process is not None:
            end([self.process])
            self.process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Fleet:
    """Workers over the cameras of a server, with a store and evidence folder of their own."""

    def __init__(self, server: CameraServer, folder: Path, *, workers: int, blind: bool = False) -> None:
        self._server = server
        self._folder = folder
        self._blind = blind
        self.workers = workers
        self.processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._folder / "cameras.yaml"
        config.write_text(json.dumps(self._deployment()), encoding="utf-8")
        for index in range(self.workers):
            command = [sys.executable, "-m", "benchmarks.cameras_worker", str(config), "--index", str(index)]
            command += ["--of", str(self.workers), "--looks", str(self._book(index))]
            command += ["--blind"] if self._blind else []
            with (self._folder / f"worker-{index}.log").open("ab") as log:
                self.processes.append(subprocess.Popen(command, stdout=log, stderr=log))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        end(self.processes)

    def looks(self, since_s: float = 0.0) -> list[SeenLook]:
        """All looks decided since a Unix time."""
        found = []
        for index in range(self.workers):
            if not self._book(index).exists():
                continue
            for line in self._book(index).read_text().splitlines():
                parts = line.split()
                if len(parts) == 4 and float(parts[2]) >= since_s:
                    found.append(SeenLook(parts[0], float(parts[1]), float(parts[2]), parts[3] == "1"))
        return found

    def wait_for_all(self, since_s: float, limit_s: float) -> float | None:
        """Seconds from `since_s` until every camera has had a look; None when the limit passes first."""
        names = set(self._server.names)
        while time.time() - since_s < limit_s:
            if any(process.poll() is not None for process in self.processes):
                raise RuntimeError(f"a worker ended; see {self._folder}/worker-*.log")
            first: dict[str, float] = {}
            for look in self.looks(since_s):
                if look.captured_s >= since_s:
                    first.setdefault(look.camera, look.decided_s)
            if set(first) == names:
                return max(first.values()) - since_s
            time.sleep(0.5)
        return None

    def cpu_s(self) -> float:
        return sum(cpu_s(process.pid) for process in self.processes)

    def memory_mb(self) -> float:
        return sum(memory_mb(process.pid) for process in self.processes)

    def _book(self, index: int) -> Path:
        return self._folder / f"looks-{index}.txt"

    def _deployment(self) -> dict[str, object]:
        return {
            "name": "benchmark",
            "looks": {"patrol_interval_s": INTERVAL_S},
            "storage": {
                "database_url": f"sqlite:///{self._folder}/store.db",
                "evidence": str(self._folder / "evidence"),
            },
            "cameras": [
                {
                    "id": name,
                    "name": name,
                    "source": self._server.urls[name],
                    "lat_deg": 23.1,
                    "lon_deg": 116.4,
                    "ground_height_m": 100,
                    "mast_height_m": 20,
                    "pose": {"azimuth_deg": 10, "tilt_deg": -3, "hfov_deg": 50},
                    "stream": {"retry_max_s": 10},
                }
                for name in self._server.names
            ],
        }


@dataclass(frozen=True)
class Verdict:
    """Whether all cameras were held over a time, and the figures that say so."""

    cameras: int
    seconds: float
    looks_per_s: float
    p95_s: float
    slowest_share: float
    """Looks of the camera with the fewest, as a share of what it should have had."""
    longest_gap_s: float
    dense_cameras: int

    @property
    def held(self) -> bool:
        """p95 capture-to-decision under a second, and nobody starves: each camera has 90 % of its looks and
        is never left alone for more than three intervals."""
        return self.p95_s < 1.0 and self.slowest_share >= 0.9 and self.longest_gap_s <= 3 * INTERVAL_S


def judge(looks: list[SeenLook], names: list[str], began_s: float, ended_s: float) -> Verdict:
    """What a fleet achieved between two Unix times."""
    seconds = ended_s - began_s
    by_camera: dict[str, list[SeenLook]] = defaultdict(list)
    for look in looks:
        if began_s <= look.decided_s <= ended_s:
            by_camera[look.camera].append(look)
    gaps = []
    for name in names:
        times = [began_s, *sorted(look.decided_s for look in by_camera[name]), ended_s]
        gaps.append(max(later - earlier for earlier, later in pairwise(times)))
    delays = sorted(look.delay_s for found in by_camera.values() for look in found)
    # The window may begin and end between two looks: one less than the quotient is still all of them.
    expected = max(1.0, seconds / INTERVAL_S - 1)
    return Verdict(
        cameras=len(names),
        seconds=seconds,
        looks_per_s=len(delays) / seconds,
        p95_s=delays[int(len(delays) * 0.95)] if delays else float("inf"),
        slowest_share=min(len(by_camera[name]) for name in names) / expected,
        longest_gap_s=max(gaps),
        dense_cameras=sum(any(look.suspicious for look in by_camera[name]) for name in names),
    )
