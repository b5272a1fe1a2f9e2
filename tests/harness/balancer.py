"""A plain TCP load balancer: each new connection goes to the first node that answers, the one named first to begin with."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any


class Balancer:
    def __init__(self) -> None:
        self.ports: list[int] = []
        """The nodes', in the order in which they are tried."""
        self.port = 0
        self.cut = False
        """While set, nobody gets through."""
        self.silent = False
        """While set, whoever comes is let through to nobody, and hears nothing."""
        self._passing: set[asyncio.Task[None]] = set()
        self._lost: set[asyncio.Task[Any]] = set()
        """Connections of which nothing passes any more, although nobody has closed them."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)
        task.add_done_callback(self._lost.discard)
        with contextlib.suppress(asyncio.CancelledError):  # by `close`; asyncio's server would take it for an error
            await self._through(reader, writer, task)

    async def _through(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: asyncio.Task[Any]
    ) -> None:
        try:
            for port in [] if self.cut else self.ports:
                try:
                    up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    continue
                if self.silent:
                    self._lost.add(task)
                try:
                    await asyncio.gather(self._pass(reader, up_writer, task), self._pass(up_reader, writer, task))
                finally:
                    up_writer.close()
                return
        finally:
            writer.close()

    async def cut_off(self) -> None:
        """Those who are through, and whoever comes."""
        self.cut = True
        await self.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, of: asyncio.Task[Any]) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                if of not in self._lost:
                    writer.write(data)
                    await writer.drain()
        writer.close()

    def fall_silent(self) -> None:
        """As a network that loses everything: nobody is told, and who is through by now is never heard again."""
        self.silent = True
        self._lost |= self._passing

    async def close(self) -> None:
        for task in list(self._passing):
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)


@contextlib.asynccontextmanager
async def balancing(ports: Sequence[int] = ()) -> AsyncIterator[Balancer]:
    balancer = Balancer()
    balancer.ports = list(ports)
    server = await asyncio.start_server(balancer.accept, "127.0.0.1", 0)
    balancer.port = server.sockets[0].getsockname()[1]
    try:
        yield balancer
    finally:
        server.close()
        await balancer.close()
