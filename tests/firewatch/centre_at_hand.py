"""A centre for boxes to report to: as the process it is in use, which tests may kill and start again on its
port, or, where it is not killed, as a thread of the test, which starts sooner."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Self

import httpx
from ports import own_port

from alerting import access_tokens
from alerting.journal import By
from alerting.store import Store
from config import load
from console.app import create_app
from console.serving import ConsoleServer

LIMIT_S = 60.0


def until(condition: Callable[[], bool], limit_s: float = LIMIT_S) -> bool:
    deadline_s = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.05)
    return True


def deployment_file(folder: Path, sources: dict[str, str]) -> Path:
    """Cameras that boxes watch, at these sources."""
    cameras = [
        {
            "id": name, "name": name, "source": source, "watched_by": "box",
            "lat_deg": 23.13, "lon_deg": 116.4, "mast_height_m": 30,
            "pose": {"azimuth_deg": 180, "tilt_deg": -3, "hfov_deg": 60},
        }
        for name, source in sources.items()
    ]  # fmt: skip
    storage = {"database_url": f"sqlite:///{folder}/store.db", "evidence": str(folder / "evidence")}
    path = folder / "hills.yaml"
    path.write_text(json.dumps({"name": "hills", "cameras": cameras, "storage": storage}), encoding="utf-8")
    return path


class CentreAtHand(ABC):
    """The store of a deployment and the port where its console and API will answer."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.folder = config.parent
        self.store = Store.open(f"sqlite:///{self.folder}/store.db")
        self.port = own_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.end()
        self.store.close()

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def end(self) -> None: ...

    def token_file(self, *camera_ids: str) -> Path:
        """The secret of a new token for these cameras, in a file."""
        secret, token = access_tokens.create(
            self.store,
            name="north box",
            role=access_tokens.MACHINE_ROLE,
            camera_ids=camera_ids,
            lifetime=timedelta(hours=1),
            by=By("test"),
        )
        path = self.folder / f"token-{token.token_id}"
        path.write_text(secret + "\n", encoding="ascii")
        return path


class CentreProcess(CentreAtHand):
    """Ends at once, as by a power cut."""

    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        (self.folder / "link.key").write_bytes(b"0123456789abcdef")
        listener = socket.create_server(("127.0.0.1", self.port))
        listener.set_inheritable(True)
        command = [sys.executable, "-m", "firewatch.processes.centre", str(self.config)]
        links = ["--link-key", str(self.folder / "link.key"), "--base-url", self.url]
        with listener, (self.folder / "centre.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--listen-fd", str(listener.fileno()), *links],
                pass_fds=(listener.fileno(),),
                stderr=log,
            )
        assert until(self._answers), (self.folder / "centre.log").read_text()

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False, verify=False, timeout=5).is_success
        except httpx.HTTPError:
            return False


class CentreThread(CentreAtHand):
    """Ends in order."""

    _running: tuple[ConsoleServer, threading.Thread] | None = None

    def start(self) -> None:
        server = ConsoleServer(create_app(self.store, load(self.config)))
        listener = socket.create_server(("127.0.0.1", self.port))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="console")
        thread.start()
        self._running = server, thread
        assert until(lambda: server.started)

    def end(self) -> None:
        if self._running is not None:
            server, thread = self._running
            server.should_exit = True
            thread.join(LIMIT_S)
            assert not thread.is_alive()
            self._running = None
