"""A centre to talk to: a real store, drawn pictures, a real server on a loopback port, and a real browser."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from console_scenery import MASTS, Scenery, make_deployment
from empty_stores import empty_sqlite
from ports import own_port

from alerting import access_tokens
from alerting.accounts import Accounts
from alerting.evidence_links import EvidenceLinks
from alerting.journal import By
from alerting.secret_box import SecretBox
from alerting.store import Store
from config import Deployment
from console.app import create_app
from console.auth import COOKIE, Authentication
from console.limits import RateLimit
from console.passwords import hash_password
from console.serving import ConsoleServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

PASSWORD = "mountain watch 7"
PASSWORD_HASH = hash_password(PASSWORD)


@dataclass
class Served:
    """A console that listens."""

    url: str
    store: Store
    deployment: Deployment

    def client(self) -> httpx.Client:
        """Without the certificates of the world, which take longer to load than a request takes."""
        return httpx.Client(base_url=self.url, timeout=60, verify=False)

    def account(self, role: str) -> None:
        """A user named after the role, with PASSWORD."""
        accounts = Accounts(self.store)
        if role not in {user.username for user in accounts.users()}:
            accounts.create(role, PASSWORD_HASH, role, must_change=False)

    def signed_in(self, role: str = "operator") -> httpx.Client:
        """A client with a session of a user of that role, and the CSRF header set. No password is hashed:
        that takes its time, as it should."""
        self.account(role)
        token, session = Authentication(self.store, RateLimit(1, 1, time.monotonic)).open_session(role)
        client = self.client()
        client.cookies.set(COOKIE, token)
        client.headers["X-CSRF-Token"] = session.csrf
        return client

    def with_token(self, role: str, **limits: Sequence[str]) -> httpx.Client:
        """A client with a token of that role (`area_codes`, `camera_ids`)."""
        lifetime, by = timedelta(hours=1), By("admin")
        secret, _ = access_tokens.create(
            self.store, name=f"a {role}", role=role, lifetime=lifetime, by=by, **limits
        )
        client = self.client()
        client.headers["Authorization"] = f"Bearer {secret}"
        return client


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    empty_sqlite(tmp_path / "store.db")
    return make_deployment(tmp_path)


@pytest.fixture
def store(deployment: Deployment) -> Iterator[Store]:
    opened = Store.open(deployment.storage.database_url.reveal())
    yield opened
    opened.close()


class Serve:
    """Starts consoles on loopback, and stops them."""

    def __init__(self) -> None:
        self._running: dict[str, tuple[ConsoleServer, threading.Thread]] = {}

    def __call__(
        self,
        store: Store,
        deployment: Deployment,
        *,
        port: int = 0,
        links: EvidenceLinks | None = None,
        live_socket: Path | None = None,
        **more: Any,
    ) -> Served:
        listener = socket.create_server(("127.0.0.1", port or own_port()))
        key = Path(deployment.storage.evidence).with_name("secrets.key")
        app = create_app(store, deployment, box=SecretBox(key), links=links, live_socket=live_socket, **more)
        server = ConsoleServer(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="console")
        thread.start()
        served = Served(f"http://127.0.0.1:{listener.getsockname()[1]}", store, deployment)
        self._running[served.url] = server, thread
        with served.client() as client:
            while client.get("/readyz").status_code != 200:
                time.sleep(0.02)
        return served

    def stop(self, served: Served) -> None:
        server, thread = self._running.pop(served.url)
        server.should_exit = True
        thread.join(60)
        assert not thread.is_alive()

    def stop_all(self) -> None:
        for url in list(self._running):
            self._running[url][0].should_exit = True
        for _, thread in self._running.values():
            thread.join(60)
            assert not thread.is_alive()


@pytest.fixture
def serve() -> Iterator[Serve]:
    starter = Serve()
    yield starter
    starter.stop_all()


@pytest.fixture
def console(store: Store, deployment: Deployment, serve: Serve) -> Served:
    return serve(store, deployment)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def scenery(console: Served) -> Scenery:
    """The drawn district, its cameras alive."""
    made = Scenery(console.deployment, console.store)
    for camera_id, *_ in MASTS:
        made.write_latest(camera_id, datetime.now(UTC))
        console.store.set_camera_state(camera_id, "live", datetime.now(UTC))
    return made


def sign_in(page: Page, console: Served, role: str = "operator", *, path: str = "") -> None:
    """As a person does."""
    console.account(role)
    page.goto(f"{console.url}/{path}")
    page.get_by_label("用户名").fill(role)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.locator(".duty").wait_for()


def go_in(page: Page, console: Served, role: str = "operator", *, path: str = "") -> None:
    """With a session already open: hashing a password takes its time, as it should."""
    with console.signed_in(role) as client:
        page.context.add_cookies([{"name": COOKIE, "value": client.cookies[COOKIE], "url": console.url}])
    page.goto(f"{console.url}/{path}")
    page.locator(".duty").wait_for()
