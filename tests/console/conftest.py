"""A centre to talk to: a real store, drawn pictures, and a real server on a loopback port."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import uvicorn
from console_scenery import make_deployment

from alerting.accounts import Accounts
from alerting.store import Store
from config import Deployment
from console.app import create_app
from console.passwords import hash_password

PASSWORD = "mountain watch 7"
PASSWORD_HASH = hash_password(PASSWORD)


@dataclass
class Served:
    """A console that listens."""

    url: str
    store: Store
    deployment: Deployment

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=10)

    def signed_in(self, role: str = "operator") -> httpx.Client:
        """A client with its session and the CSRF header set."""
        accounts = Accounts(self.store)
        if role not in {user.username for user in accounts.users()}:
            accounts.create(role, PASSWORD_HASH, role, must_change=False)
        client = self.client()
        answer = client.post("/api/v1/session", json={"username": role, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        return client


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return make_deployment(tmp_path)


@pytest.fixture
def store(deployment: Deployment) -> Iterator[Store]:
    opened = Store.open(deployment.storage.database_url.reveal())
    yield opened
    opened.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Store, Deployment], Served]]:
    """Starts consoles; all are stopped at the end."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(store: Store, deployment: Deployment) -> Served:
        listener = socket.create_server(("127.0.0.1", 0))
        settings = uvicorn.Config(create_app(store, deployment), log_config=None, timeout_graceful_shutdown=1)
        server = uvicorn.Server(settings)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="console")
        thread.start()
        running.append((server, thread))
        served = Served(f"http://127.0.0.1:{listener.getsockname()[1]}", store, deployment)
        with served.client() as client:
            while client.get("/readyz").status_code != 200:
                time.sleep(0.02)
        return served

    yield start
    for server, _ in running:
        server.should_exit = True
    for _, thread in running:
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture
def console(store: Store, deployment: Deployment, serve: Callable[[Store, Deployment], Served]) -> Served:
    return serve(store, deployment)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)
