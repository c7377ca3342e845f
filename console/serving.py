"""The server under the console: uvicorn, which ends the open event streams before it waits for them."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from console.context import Centre

_TICKS_PER_HEARTBEAT = 20
"""uvicorn ticks ten times a second. (Its own `callback_notify` goes by the clock, which may be set back.)"""


class ConsoleServer(uvicorn.Server):
    """`ConsoleServer(app).run(sockets=[...])`; stops on SIGINT and SIGTERM, or when `should_exit` is set.

    `heartbeat` is called every two seconds while the event loop turns, from its thread.
    """

    def __init__(
        self, app: FastAPI, *, patience_s: int = 2, heartbeat: Callable[[], None] = lambda: None
    ) -> None:
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
        self._heartbeat = heartbeat

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS_PER_HEARTBEAT == 0:
            self._heartbeat()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._centre.feed.close()
        await super().shutdown(sockets)
