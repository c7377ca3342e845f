"""What the simulator's servers share: a bound socket, a small HTTP server on it, and running as a process."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Protocol, Self

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol


def bound_socket(host: str, port: int) -> socket.socket:
    """A listening TCP socket; port 0 takes a free one. Raises OSError, naming the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(256)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"cannot listen on {host}:{port} ({error.strerror})") from None
    return listener


class _WithTransport(H11Protocol):
    """Lets a handler reach its own connection (`request.state.transport`), to break it on purpose."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def http_server(app: FastAPI) -> uvicorn.Server:
    """A quiet server that ends within a second when `should_exit` is set; run `serve(sockets=[...])`."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=_WithTransport,
            ws="none",
            log_config=None,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
    )


class StoppableServer(Protocol):
    """A server that runs in a thread of its own while its `with` block lasts."""

    @property
    def is_running(self) -> bool: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


def run_until_signal(server: StoppableServer, announcement: Mapping[str, object]) -> int:
    """Start a simulator server, print its announcement as one JSON line, stop it on SIGTERM or SIGINT."""
    asked_to_stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked_to_stop.set())
    with server:
        print(json.dumps(announcement, ensure_ascii=False), flush=True)
        while not asked_to_stop.wait(0.5):
            if not server.is_running:
                return 1
    return 0
