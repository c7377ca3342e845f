"""A small HTTP server inside a simulator process: uvicorn on a socket that is already bound."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

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


def http_server(app: FastAPI, **options: Any) -> uvicorn.Server:
    """A quiet server that ends within a second when `should_exit` is set; run `serve(sockets=[...])`."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=_WithTransport,
            ws="none",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
            **options,
        )
    )
