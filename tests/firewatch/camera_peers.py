"""Bad company for cameras: a link that can go dead, and a host that talks nonsense."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self


class Link:
    """A TCP relay to a port. `cut()`: nothing passes any more, and nobody is told (half-open connections)."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._dead = threading.Event()
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="link", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in (self._listener, *self._sockets):
            one.close()

    def cut(self) -> None:
        self._dead.set()

    def mend(self) -> None:
        """New connections pass again; the dead ones stay dead."""
        self._dead = threading.Event()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            self._sockets += [near, far]
            for source, target in ((near, far), (far, near)):
                thread = threading.Thread(target=self._pass, args=(source, target, self._dead), daemon=True)
                thread.start()

    @staticmethod
    def _pass(source: socket.socket, target: socket.socket, dead: threading.Event) -> None:
        try:
            while data := source.recv(65536):
                if dead.is_set():
                    return
                target.sendall(data)
        except OSError:
            pass
        if not dead.is_set():
            with contextlib.suppress(OSError):
                target.shutdown(socket.SHUT_RDWR)


class Babbler:
    """Answers whatever it hears with bytes that mean nothing."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, name="babbler", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(bytes(range(256)) * 64)
            except OSError:
                if self._listener.fileno() < 0:
                    return
