"""How long this process, which does little, had to wait for a turn: so long had whatever it measures, on a busy machine."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

LOOK_SECONDS = 0.02
NOTED_SECONDS = 0.05


@dataclass(slots=True)
class Stalls:
    found: list[tuple[float, float]] = field(default_factory=list)
    """When one was over, by time.monotonic(), and its seconds."""

    def seconds(self, begin: float = 0.0, end: float = float("inf")) -> float:
        """Of that time."""
        return sum(late for at, late in self.found if begin <= at <= end + late)

    async def watch(self) -> None:
        """Until it is cancelled."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)
            late = time.monotonic() - before - LOOK_SECONDS
            if late > NOTED_SECONDS:
                self.found.append((time.monotonic(), late))


@contextlib.asynccontextmanager
async def watching_stalls() -> AsyncIterator[Stalls]:
    stalls = Stalls()
    task = asyncio.create_task(stalls.watch())
    try:
        yield stalls
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
