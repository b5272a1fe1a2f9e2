"""The clients of one room of any shape in a process of their own, told what to do (benchmarks/beside.py).

    python -m benchmarks.peer_side SHAPE URL REFERENCE

Listeners count datagrams and decode nothing.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import AsyncExitStack
from typing import Any

import uvloop

from benchmarks.beside import obey
from benchmarks.scenes import Room, Stage
from benchmarks.shapes import opened

HEARD_SECONDS_MAX = 20.0


class _Counter:
    """One listener's ear."""

    def __init__(self) -> None:
        self.datagrams = 0
        self.heard = asyncio.Event()

    def rtp(self, data: bytes) -> None:
        self.datagrams += 1
        if self.datagrams == 1:
            self.heard.set()


class Side:
    def __init__(self, stage: Stage, reference: str) -> None:
        self._room: Room = stage.known_room(reference)
        self._listening = AsyncExitStack()
        self._counters: list[_Counter] = []

    async def join(self, count: int, at_once: int) -> dict[str, Any]:
        """That many more. Seconds are from the first request to the first media of each."""
        turn = asyncio.Semaphore(at_once)
        first = len(self._counters)
        self._counters += [_Counter() for _ in range(count)]
        results = await asyncio.gather(
            *(self._one(number, turn) for number in range(first, first + count)), return_exceptions=True
        )
        seconds = [result for result in results if isinstance(result, float)]
        refused = [repr(result) for result in results if isinstance(result, BaseException)]
        return {"joined": len(seconds), "refused": refused[:3], "seconds": seconds}

    async def _one(self, number: int, turn: asyncio.Semaphore) -> float:
        counter = self._counters[number]
        async with turn:
            began = time.monotonic()
            await self._listening.enter_async_context(self._room.listener(number, counter.rtp, decrypt=False))
            async with asyncio.timeout(HEARD_SECONDS_MAX):
                await counter.heard.wait()
            return time.monotonic() - began

    async def count(self) -> dict[str, Any]:
        return {"datagrams": sum(counter.datagrams for counter in self._counters), "cpu_seconds": time.process_time()}

    async def leave(self) -> dict[str, Any]:
        await self._listening.aclose()
        return {}


async def main(shape: str, url: str, reference: str) -> None:
    async with opened(shape, url) as stage:
        side = Side(stage, reference)
        await obey(lambda name: getattr(side, name))


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:4]))
