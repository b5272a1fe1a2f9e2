"""Jobs and loops with an owner: they end with it, and their failures are in the log."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger()

FINISH_SECONDS_MAX = 2.0


class Stop:
    """Tells loops to end where it suits them: a cancelled query would cost its database connection."""

    def __init__(self) -> None:
        self._told = asyncio.Event()
        self._asleep: set[asyncio.Future[None]] = set()

    @property
    def told(self) -> bool:
        return self._told.is_set()

    def tell(self) -> None:
        self._told.set()
        for sleeper in self._asleep:
            _wake(sleeper)

    async def wait(self) -> None:
        await self._told.wait()

    async def within(self, seconds: float) -> bool:
        """Sleep, unless it is told meanwhile; whether it was."""
        if self.told:
            return True
        # A dozen loops sleep for tenths of a second: asyncio.timeout, which ends by an exception, takes twice as long.
        loop = asyncio.get_running_loop()
        sleeper: asyncio.Future[None] = loop.create_future()
        self._asleep.add(sleeper)
        alarm = loop.call_later(seconds, _wake, sleeper)
        try:
            await sleeper
        finally:
            alarm.cancel()
            self._asleep.discard(sleeper)
        return self.told


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)


class Background:
    """Runs jobs in a TaskGroup. One that fails is logged with its traceback and does not take the others along."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._running: set[asyncio.Task[None]] = set()

    def spawn(self, job: Coroutine[Any, Any, None], name: str) -> None:
        task = self._group.create_task(self._guard(job, name), name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def finish(self) -> None:
        """Wait a moment for what is under way, then cancel it."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=FINISH_SECONDS_MAX)
            for task in late:
                task.cancel()

    @staticmethod
    async def _guard(job: Coroutine[Any, Any, None], name: str) -> None:
        try:
            await job
        except Exception:
            log.exception("job failed", job=name)
