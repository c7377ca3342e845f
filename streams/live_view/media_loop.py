"""An event loop whose UDP endpoints use the configured address and ports, and drop what cannot be sent.

The WebRTC library binds a free port of every address of the machine and leaves no choice; a firewall wants a
range. It asks the event loop for its endpoints, so the choice is made here, in a loop of the live process
alone. An endpoint whose network does not take its datagrams drops them instead of queueing without end:
video that is late is of no use, and the viewer begins again at the next key frame.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import random
from collections.abc import Callable
from typing import Any, cast

MOST_WAITING_BYTES = 2_000_000


class MediaLoop(asyncio.SelectorEventLoop):
    """`ports` (both ends included) and `address` hold for endpoints that ask for any port."""

    def __init__(self, ports: tuple[int, int] | None = None, address: str | None = None) -> None:
        super().__init__()
        self._ports = ports
        self._address = address

    async def create_datagram_endpoint(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.DatagramProtocol],
        local_addr: tuple[str, int] | None = None,
        **more: Any,
    ) -> tuple[asyncio.DatagramTransport, asyncio.DatagramProtocol]:
        """As asyncio's. Raises OSError when no port of the range is free."""
        if local_addr is None or local_addr[1] != 0:
            return await super().create_datagram_endpoint(protocol_factory, local_addr=local_addr, **more)
        host = self._host(local_addr[0])
        for port in self._candidates():
            try:
                _, relay = await super().create_datagram_endpoint(
                    lambda: _Relay(protocol_factory()), local_addr=(host, port), **more
                )
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                continue
            return relay.bounded, relay.protocol
        raise OSError(errno.EADDRINUSE, f"no UDP port of {self._ports} is free on {host}")

    def _host(self, asked: str) -> str:
        if self._address is None:
            return asked
        if ipaddress.ip_address(asked).version != ipaddress.ip_address(self._address).version:
            raise OSError(errno.EADDRNOTAVAIL, f"only {self._address} is used for media")
        return self._address

    def _candidates(self) -> list[int]:
        if self._ports is None:
            return [0]
        first, last = self._ports
        ports = list(range(first, last + 1))
        start = random.randrange(len(ports))
        return ports[start:] + ports[:start]


class _SizedTransport(asyncio.DatagramTransport, asyncio.WriteTransport):
    """What asyncio's datagram transports are; its stubs forget that they tell their backlog."""


class _Bounded(asyncio.DatagramTransport):
    """A transport that drops datagrams while `MOST_WAITING_BYTES` wait for the network."""

    def __init__(self, inner: _SizedTransport) -> None:
        super().__init__()
        self._inner = inner
        self.dropped = 0

    def sendto(self, data: Any, addr: Any = None) -> None:
        if self._inner.get_write_buffer_size() > MOST_WAITING_BYTES:
            self.dropped += 1
        else:
            self._inner.sendto(data, addr)

    def get_write_buffer_size(self) -> int:
        return self._inner.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._inner.get_extra_info(name, default)

    def is_closing(self) -> bool:
        return self._inner.is_closing()

    def close(self) -> None:
        self._inner.close()

    def abort(self) -> None:
        self._inner.abort()


class _Relay(asyncio.DatagramProtocol):
    """Gives its protocol a bounded transport, and everything that comes."""

    bounded: _Bounded

    def __init__(self, protocol: asyncio.DatagramProtocol) -> None:
        self.protocol = protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.bounded = _Bounded(cast(_SizedTransport, transport))
        self.protocol.connection_made(self.bounded)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self.protocol.datagram_received(data, addr)

    def error_received(self, exc: Exception) -> None:
        self.protocol.error_received(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        self.protocol.connection_lost(exc)
