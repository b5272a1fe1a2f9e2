"""What a socket still has to be sent: bounded, so that a slow reader costs a connection and never the memory."""

from __future__ import annotations

import asyncio
from collections import deque

from aiohttp import web

MESSAGES_MAX = 256
"""As many as the ring of events keeps: whoever is further behind starts from a snapshot anyway."""
CHARACTERS_MAX = 1_000_000
CLOSE_SECONDS_MAX = 5.0
"""For the client to take what is left and to say goodbye; then the connection is cut."""

SLOW_READER = 4001


class Outbox:
    """Filled at any time by `put` and `finish`; emptied by `run`, which ends when the socket is to be closed."""

    def __init__(self) -> None:
        self._waiting: deque[str] = deque()
        self._characters = 0
        self._filled = asyncio.Event()
        self._close: tuple[int, str] | None = None
        self._task: asyncio.Task[None] | None = None
        self.slow = False
        """The reader was found too slow; nothing is taken any more."""

    def put(self, text: str) -> None:
        if self.slow:
            return
        self._waiting.append(text)
        self._characters += len(text)
        self._filled.set()
        if len(self._waiting) > MESSAGES_MAX or self._characters > CHARACTERS_MAX:
            self.slow = True
            self._waiting.clear()
            self._close = (SLOW_READER, "slow_reader")
            if self._task is not None:
                self._task.cancel()  # it waits for a reader who does not read

    def finish(self, code: int, reason: str) -> None:
        """Close after what has been put. The first reason stands."""
        if self._close is None:
            self._close = (code, reason)
        self._filled.set()

    async def run(self, socket: web.WebSocketResponse) -> None:
        """Send until it is time to close. Returns also when the connection breaks. Call once."""
        self._task = asyncio.current_task()
        assert self._task is not None
        try:
            await self._send_all(socket)
        except ConnectionError:
            return
        except asyncio.CancelledError:
            if not self.slow:
                raise
            self._task.uncancel()

    async def close(self, socket: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        """Say why and wait for the other side's goodbye. Nobody may be reading from the socket any more."""
        code, reason = self._close or (1000, "bye")
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await socket.close(code=code, message=reason.encode(), drain=not self.slow)
        except TimeoutError:
            transport.abort()
        if self.slow:
            transport.abort()  # what it has not read by now stays unread: the rest would wait in memory

    async def _send_all(self, socket: web.WebSocketResponse) -> None:
        while True:
            while self._waiting:
                text = self._waiting.popleft()
                self._characters -= len(text)
                await socket.send_str(text)
            if self._close is not None:
                return
            self._filled.clear()
            await self._filled.wait()
