"""The server under the console: uvicorn, which ends the open event streams before it waits for them."""

from __future__ import annotations

import socket

import uvicorn
from fastapi import FastAPI

from console.context import Centre


class ConsoleServer(uvicorn.Server):
    """`ConsoleServer(app).run(sockets=[...])`; stops on SIGINT and SIGTERM, or when `should_exit` is set."""

    def __init__(self, app: FastAPI, *, patience_s: int = 2) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=patience_s,
            )
        )
        self._centre: Centre = app.state.centre

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._centre.feed.close()
        await super().shutdown(sockets)
