"""A UDP relay between clients and the server that loses, delays, reorders and doubles datagrams, by a seeded die."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Impairment:
    """What happens to datagrams of one direction. Probabilities in [0, 1], times in seconds."""

    loss: float = 0.0
    delay_seconds: float = 0.0
    jitter_seconds: float = 0.0
    """Added to the delay, uniformly; datagrams may overtake one another."""
    duplication: float = 0.0


PERFECT = Impairment()


class Relay:
    """One public port; every client behind it gets an upstream socket of its own, as behind a NAT."""

    def __init__(self, server: Address, *, up: Impairment, down: Impairment, seed: int) -> None:
        self.up, self.down = up, down
        self.drop_media_down = False
        """While set, no SRTP or SRTCP reaches the clients; ICE and DTLS do."""
        self.seed = seed
        self.forwarded = 0
        self._random = random.Random(seed)
        self._server = server
        self._front: asyncio.DatagramTransport | None = None
        self._upstreams: dict[Address, asyncio.DatagramTransport] = {}
        self._openings: dict[Address, asyncio.Task[None]] = {}
        self._backlog: dict[Address, list[bytes]] = {}

    @property
    def address(self) -> Address:
        assert self._front is not None
        name = self._front.get_extra_info("sockname")
        return (name[0], name[1])

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._front, _ = await loop.create_datagram_endpoint(
            lambda: _Receiver(self._from_client), local_addr=("127.0.0.1", 0)
        )

    async def close(self) -> None:
        for opening in self._openings.values():
            opening.cancel()
        await asyncio.gather(*self._openings.values(), return_exceptions=True)
        for transport in (self._front, *self._upstreams.values()):
            if transport is not None:
                transport.close()

    async def rebind(self) -> None:
        """Give every client a new address in the server's eyes, as when a NAT forgets."""
        old, self._upstreams = self._upstreams, {}
        for transport in old.values():
            transport.close()

    def _from_client(self, data: bytes, client: Address) -> None:
        upstream = self._upstreams.get(client)
        if upstream is not None:
            self._pass(data, upstream, self._server, self.up)
            return
        self._backlog.setdefault(client, []).append(data)
        if client not in self._openings:
            self._openings[client] = asyncio.create_task(self._open_upstream(client))

    async def _open_upstream(self, client: Address) -> None:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Receiver(lambda data, _: self._from_server(data, client)), local_addr=("127.0.0.1", 0)
        )
        self._upstreams[client] = transport
        del self._openings[client]
        for data in self._backlog.pop(client, []):
            self._from_client(data, client)

    def _from_server(self, data: bytes, client: Address) -> None:
        if self.drop_media_down and data and 128 <= data[0] <= 191:
            return
        assert self._front is not None
        self._pass(data, self._front, client, self.down)

    def _pass(self, data: bytes, transport: asyncio.DatagramTransport, to: Address, how: Impairment) -> None:
        for _ in range(2 if self._random.random() < how.duplication else 1):
            if self._random.random() < how.loss:
                continue
            wait = how.delay_seconds + self._random.random() * how.jitter_seconds
            if wait > 0:
                asyncio.get_running_loop().call_later(wait, self._send, data, transport, to)
            else:
                self._send(data, transport, to)

    def _send(self, data: bytes, transport: asyncio.DatagramTransport, to: Address) -> None:
        if not transport.is_closing():
            self.forwarded += 1
            transport.sendto(data, to)


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, receive: Any) -> None:
        self._receive = receive

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._receive(data, (addr[0], addr[1]))


@contextlib.asynccontextmanager
async def relaying(
    server: Address, *, up: Impairment = PERFECT, down: Impairment = PERFECT, seed: int = 1
) -> AsyncIterator[Relay]:
    """The relay prints its seed, so that a failure can be had again."""
    print(f"relay seed {seed}: up {up}, down {down}")
    relay = Relay(server, up=up, down=down, seed=seed)
    await relay.open()
    try:
        yield relay
    finally:
        await relay.close()
