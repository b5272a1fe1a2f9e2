"""Costly steps of many, one for each turn of the event loop: between two of them it does everything else that waits."""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """First come, first served. How many wait is the caller's limit; what each waits for may be cancelled."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._going = False

    async def take(self) -> None:
        """Returns in a turn of the event loop in which nobody else's does."""
        loop = asyncio.get_running_loop()
        mine = loop.create_future()
        self._waiting.append(mine)
        if not self._going:
            self._going = True
            loop.call_soon(self._next, loop)
        await mine

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                loop.call_soon(self._next, loop)
                return
        self._going = False
