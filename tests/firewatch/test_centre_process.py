"""The centre as the process it is in use: it notes what it starts with, and tells that it lives."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from test_sender_process import CAMERA, KEY, until

from alerting import configuration_log
from alerting.store import Store

LIMIT_S = 60.0


def written(folder: Path, **more: Any) -> Path:
    path = folder / "hills.yaml"
    county = {"id": "county", "name": "县", "url": "http://127.0.0.1:9/alerts", "secret": KEY}
    storage = {"database_url": f"sqlite:///{folder}/store.db", "evidence": str(folder / "evidence")}
    values = {"name": "hills", "cameras": [CAMERA], "dispatch": [county], "storage": storage, **more}
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


@contextlib.contextmanager
def centre(config_file: Path) -> Iterator[None]:
    """Running, from the first answer on."""
    folder = config_file.parent
    (folder / "link.key").write_bytes(b"0123456789abcdef")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        command = [sys.executable, "-m", "firewatch.processes.centre", str(config_file)]
        command += ["--listen-fd", str(listener.fileno()), "--base-url", url]
        command += ["--link-key", str(folder / "link.key"), "--secrets-key", str(folder / "secrets.key")]
        command += ["--heartbeat", str(folder / "heartbeat")]
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(command, pass_fds=(listener.fileno(),), stdout=log, stderr=log)
        try:
            with httpx.Client(base_url=url, timeout=LIMIT_S, trust_env=False, verify=False) as client:
                assert until(lambda: client.get("/readyz").is_success), (folder / "log").read_text()
            yield
        finally:
            process.terminate()
            process.wait(LIMIT_S)


def test_a_centre_tells_its_supervisor_that_it_lives(tmp_path: Path) -> None:
    with centre(written(tmp_path)):
        assert until((tmp_path / "heartbeat").exists)
        (tmp_path / "heartbeat").unlink()
        assert until((tmp_path / "heartbeat").exists)


def test_a_centre_that_starts_with_another_file_keeps_what_it_said_and_only_then(tmp_path: Path) -> None:
    began = time.time()
    for more in ({}, {}, {"sender": "firewatch@hills.example"}):
        with centre(written(tmp_path, **more)):
            pass
    with contextlib.closing(Store.open(f"sqlite:///{tmp_path}/store.db")) as store:
        found = configuration_log.versions(store)
        newest = configuration_log.version(store, 2)
    assert [one.version for one in found] == [2, 1]
    assert found[1].at.timestamp() >= began - 1
    assert (newest.changed, newest.configuration["sender"]) == (("sender",), "firewatch@hills.example")
