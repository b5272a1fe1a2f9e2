"""How many connections may be open: by one client address, and by all together, so that descriptors are left for the rest.

A connection costs its opener nothing and us a descriptor, before any request can be counted. One that speaks TLS has its
place from the moment it is accepted: a handshake that never ends takes as much as a request that never comes.
"""

from __future__ import annotations

import asyncio
import resource
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

import structlog

from spaces.signaling.client_address import Network, client_address, is_trusted

BESIDE_SOCKETS_MAX = 300
"""Connections of one address beside its WebSockets: a browser opens six."""
DESCRIPTORS_KEPT = 128
"""For the database, files and whatever else is not a client's connection."""

ACCEPT_PAUSE_SECONDS = 1.0
"""When the system has no descriptor for one more connection."""

log = structlog.get_logger()

Factory = Callable[[], asyncio.Protocol]


def raise_descriptor_limit() -> None:
    """As many descriptors as the system lets us have: the usual soft limit is for programs that use `select`."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def connections_max() -> int | None:
    """What this process's descriptors allow; None: they are not limited."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else max(1, soft - DESCRIPTORS_KEPT)


class Connections:
    """`per_address` does not count for trusted proxies and other nodes, who speak for many."""

    def __init__(self, per_address: int, at_once: int | None, trusted: tuple[Network, ...]) -> None:
        self._per_address = per_address
        self._at_once = at_once
        self._trusted = trusted
        self._friends: frozenset[str] = frozenset()
        self._open: Counter[str] = Counter()
        self.total = 0

    def guard(self, make: Factory) -> Factory:
        """The same protocols, made only for connections that have a place."""
        return lambda: _Guarded(self, make)

    async def accept_tls(
        self, listening: socket.socket, make: Factory, context: ssl.SSLContext, handshake_seconds_max: float
    ) -> None:
        """The same for a listening socket (one that does not block) whose connections speak TLS. Runs until cancelled."""
        loop = asyncio.get_running_loop()

        async def shake(connection: socket.socket, address: str) -> None:
            protocol = _Placed(self, address, make)
            try:
                await loop.connect_accepted_socket(
                    lambda: protocol, connection, ssl=context, ssl_handshake_timeout=handshake_seconds_max
                )
            except (OSError, TimeoutError):  # whatever was wrong with it: it is closed
                protocol.leave()
            except asyncio.CancelledError:
                protocol.leave()
                raise

        async with asyncio.TaskGroup() as handshakes:
            while True:
                try:
                    connection, remote = await loop.sock_accept(listening)
                except OSError as error:
                    log.warning("accept failed", error=error.strerror)
                    await asyncio.sleep(ACCEPT_PAUSE_SECONDS)
                    continue
                address = self.enter(remote[0])
                if address is None:
                    connection.close()
                else:
                    handshakes.create_task(shake(connection, address))

    def enter(self, remote: str) -> str | None:
        """The key to `leave` with; None: there is no place."""
        if self._at_once is not None and self.total >= self._at_once:
            return None
        address = client_address(remote, [], ())
        if self._open.get(address, 0) >= self._per_address and not self._speaks_for_many(remote, address):
            return None
        self._open[address] += 1
        self.total += 1
        return address

    def befriend(self, urls: frozenset[str]) -> None:
        """Other nodes, who pass on what many say; those that are known by address. Names are not looked up."""
        self._friends = frozenset(urlsplit(url).hostname or "" for url in urls)

    def _speaks_for_many(self, remote: str, address: str) -> bool:
        return not self._friends.isdisjoint((remote, address)) or is_trusted(remote, self._trusted)

    def leave(self, address: str) -> None:
        self.total -= 1
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]


class _Passing(asyncio.Protocol):
    """Passes everything on to another protocol, if there is one."""

    def __init__(self) -> None:
        self._inner: asyncio.Protocol | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._inner is not None:
            self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._inner is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._inner is not None else None

    def pause_writing(self) -> None:
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._inner is not None:
            self._inner.resume_writing()


class _Placed(_Passing):
    """Of a connection that has a place, until it is lost."""

    def __init__(self, connections: Connections, address: str, make: Factory) -> None:
        super().__init__()
        self._connections = connections
        self._address: str | None = address
        self._make = make

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._inner = self._make()
        self._inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.leave()
        super().connection_lost(exc)

    def leave(self) -> None:
        """Idempotent."""
        address, self._address = self._address, None
        if address is not None:
            self._connections.leave(address)


class _Guarded(_Passing):
    """Asks for a place, and makes the other protocol if it gets one."""

    def __init__(self, connections: Connections, make: Factory) -> None:
        super().__init__()
        self._connections = connections
        self._make = make
        self._address: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        self._address = self._connections.enter(peer[0] if peer else "")
        if self._address is None:
            cast(asyncio.Transport, transport).abort()  # uvloop's are none by inheritance
            return
        self._inner = self._make()
        self._inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._address is not None:
            self._connections.leave(self._address)
        super().connection_lost(exc)
