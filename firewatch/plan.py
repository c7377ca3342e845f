"""Which processes a deployment is made of, and the commands that start them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from config import Deployment
from firewatch.supervision import ProcessSpec

CAMERAS_PER_WORKER = 16
"""One worker's looks run one after another: at 30 ms a look and a patrol of 2 s it has room for 60 cameras;
16 leave room for decoding in the same process and for slower machines."""


@dataclass(frozen=True)
class Plan:
    """How one installation runs: where its file is, where it keeps its state, where the console listens."""

    config_file: Path
    deployment: Deployment
    state_folder: Path
    listen_fd: int
    base_url: str
    """How receivers of alerts reach the console."""
    link_key: Path
    """File with the key that signs links to evidence."""
    workers: int | None = None
    logs_to_files: bool = False

    @property
    def worker_count(self) -> int:
        if self.workers is not None:
            return self.workers
        enabled = sum(camera.enabled for camera in self.deployment.cameras)
        return max(1, -(-enabled // CAMERAS_PER_WORKER))

    def processes(self) -> tuple[ProcessSpec, ...]:
        """Centre, sender, workers, in the order they are started."""
        links = ("--link-key", str(self.link_key), "--base-url", self.base_url)
        listen = ("--listen-fd", str(self.listen_fd))
        centre = self._spec("centre", *listen, *links, keep_open=(self.listen_fd,))
        workers = [
            self._spec(
                "worker", "--index", str(index), "--of", str(self.worker_count), name=f"worker-{index + 1}"
            )
            for index in range(self.worker_count)
        ]
        sender = [self._spec("sender", *links)] if self.deployment.dispatch else []
        return (centre, *sender, *workers)

    def log_of(self, name: str) -> Path | None:
        return self.state_folder / "logs" / f"{name}.log" if self.logs_to_files else None

    def _spec(
        self, module: str, *arguments: str, name: str | None = None, keep_open: tuple[int, ...] = ()
    ) -> ProcessSpec:
        name = name or module
        command = [sys.executable, "-m", f"firewatch.processes.{module}", str(self.config_file), *arguments]
        heartbeat = None
        if module == "worker":
            heartbeat = self.state_folder / "heartbeats" / name
            command += ["--heartbeat", str(heartbeat)]
        return ProcessSpec(
            name, tuple(command), log=self.log_of(name), heartbeat=heartbeat, keep_open=keep_open
        )
