"""Which processes a deployment is made of, and the commands that start them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alerting.secret_box import KEY_FILE
from config import Camera, Deployment
from firewatch.supervision import ProcessSpec

MOST_CAMERAS_PER_WORKER = 32
LEAST_CAMERAS_PER_WORKER = 8
"""A worker's looks run one after another, and between them it waits for its readers: one worker cannot quite
fill a core, and costs some 300 MB. So there is one more than cores, unless they had fewer cameras than are
worth it; and more where one had too many to lose when it dies."""


def cores() -> int:
    """Cores this process may use: a container is often given fewer than the machine has."""
    return len(os.sched_getaffinity(0))


def workers_for(cameras: int, cores: int) -> int:
    """How many worker processes watch so many cameras.

    >>> [workers_for(cameras, cores=2) for cameras in (1, 8, 9, 40, 100)]
    [1, 1, 2, 3, 4]
    """
    worthwhile = -(-cameras // LEAST_CAMERAS_PER_WORKER)
    needed = -(-cameras // MOST_CAMERAS_PER_WORKER)
    return max(1, needed, min(cores + 1, worthwhile))


def live_socket(state_folder: Path) -> Path:
    """Where the live view listens for the console (`firewatch.live_app`)."""
    return state_folder / "live.sock"


def places_of(cameras: Sequence[Camera], index: int, count: int) -> tuple[Camera, ...]:
    """The cameras that fall to worker `index` (from 0) among `count`, enabled or not: by their place in the
    list, so that one that is added behind them, or switched off, moves no other to another worker."""
    return tuple(cameras)[index::count]


def share_of(cameras: Sequence[Camera], index: int, count: int) -> tuple[Camera, ...]:
    """The cameras that worker `index` watches: every camera that is watched here in exactly one share."""
    return watched_here(places_of(cameras, index, count))


def watched_here(cameras: Sequence[Camera]) -> tuple[Camera, ...]:
    """Those that the centre's own workers watch."""
    return tuple(camera for camera in cameras if camera.enabled and camera.watched_by == "centre")


def at_boxes(cameras: Sequence[Camera]) -> tuple[Camera, ...]:
    """Those that workers on hill boxes watch."""
    return tuple(camera for camera in cameras if camera.enabled and camera.watched_by == "box")


@dataclass(frozen=True)
class Plan:
    """How one installation runs: where its file is, where it keeps its state, where the console listens.

    `watched`: how many cameras there were to watch when it was planned. They say how many workers there are,
    and no more: which cameras there are each process asks the register (`alerting.camera_register`).
    """

    config_file: Path
    deployment: Deployment
    state_folder: Path
    listen_fd: int
    base_url: str
    """How receivers of alerts reach the console."""
    link_key: Path
    """File with the key that signs links to evidence."""
    workers: int | None = None
    watched: int | None = None
    logs_to_files: bool = False

    @property
    def worker_count(self) -> int:
        if self.workers is not None:
            return self.workers
        watched = len(watched_here(self.deployment.cameras)) if self.watched is None else self.watched
        return workers_for(watched, cores())

    def processes(self) -> tuple[ProcessSpec, ...]:
        """Centre, sender, workers, live view, in the order they are started."""
        links = ("--link-key", str(self.link_key), "--base-url", self.base_url)
        listen = ("--listen-fd", str(self.listen_fd))
        live_at = str(live_socket(self.state_folder))
        figures = ("--workers", str(self._heartbeats))
        centre = self._spec(
            "centre", *listen, *links, "--live", live_at, *figures, keep_open=(self.listen_fd,)
        )
        spool = ("--spool", str(self.state_folder / "spool"))
        recordings = ("--recordings", str(self.state_folder / "recordings"))
        count = str(self.worker_count)
        workers = [
            self._spec(
                "worker",
                *("--index", str(index), "--of", count, *spool, *recordings),
                name=f"worker-{index + 1}",
            )
            for index in range(self.worker_count)
        ]
        sender = [self._spec("sender", *links)]
        live = self._spec("live", "--socket", live_at)
        return (centre, *sender, *workers, live)

    @staticmethod
    def is_worker(process: str) -> bool:
        return process.rpartition("-")[0] == "worker"

    def share_of(self, worker: str, cameras: Sequence[Camera]) -> tuple[Camera, ...]:
        """Which of these the worker process of this name watches."""
        return share_of(cameras, int(worker.rpartition("-")[2]) - 1, self.worker_count)

    @property
    def secrets_key(self) -> Path:
        """The file with the key of what is sealed in the store; made when there is something to seal."""
        return self.state_folder / KEY_FILE

    @property
    def _heartbeats(self) -> Path:
        return self.state_folder / "heartbeats"

    def log_of(self, name: str) -> Path | None:
        return self.state_folder / "logs" / f"{name}.log" if self.logs_to_files else None

    def _spec(
        self, module: str, *arguments: str, name: str | None = None, keep_open: tuple[int, ...] = ()
    ) -> ProcessSpec:
        name = name or module
        command = [sys.executable, "-m", f"firewatch.processes.{module}", str(self.config_file), *arguments]
        command += ["--secrets-key", str(self.secrets_key)]
        heartbeat = self._heartbeats / name
        command += ["--heartbeat", str(heartbeat)]
        return ProcessSpec(
            name, tuple(command), log=self.log_of(name), heartbeat=heartbeat, keep_open=keep_open
        )
