"""Small jobs that nobody waits for, with an owner: they end with it, and their failures are in the log."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger()


class Background:
    """Runs jobs in a TaskGroup. One that fails is logged with its traceback and does not take the others along."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group

    def spawn(self, job: Coroutine[Any, Any, None], name: str) -> None:
        self._group.create_task(self._guard(job, name), name=name)

    @staticmethod
    async def _guard(job: Coroutine[Any, Any, None], name: str) -> None:
        try:
            await job
        except Exception:
            log.exception("job failed", job=name)
