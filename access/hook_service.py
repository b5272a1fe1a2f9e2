"""Webhooks to integrators, a transaction each. All refusals are AccessError.

`owner`: the integration that asks; None: an operator.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from access import hook_deliveries, hook_endpoints, hook_participants
from access.database import read, remembered, write
from access.hook_model import Attempt, Delivery, Endpoint, Job

PENDING_SECONDS = 2
"""What waits is looked for in steps of this, if nothing is new: nothing is late for that, and some is asked for too early."""


class Hooks:
    def __init__(self, engine: AsyncEngine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now
        self._pending = remembered(engine, hook_deliveries.pending)

    # --- where to

    async def add(
        self,
        owner: int | None,
        actor: int | None,
        *,
        url: str,
        integration: str | None = None,
        kinds: Sequence[str] = (),
        description: str = "",
    ) -> tuple[Endpoint, str]:
        """The endpoint, and its secret, which is shown this once. The caller has checked the URL. 409, 422."""
        return await write(
            self._engine, hook_endpoints.add, owner, actor, integration=integration, url=url, kinds=kinds,
            description=description, now=self._now(),
        )  # fmt: skip

    async def endpoints(self, owner: int | None) -> list[Endpoint]:
        return await read(self._engine, hook_endpoints.listed, owner)

    async def endpoint(self, owner: int | None, endpoint: int) -> Endpoint:
        """404 unknown_endpoint."""
        return await read(self._engine, hook_endpoints.one, owner, endpoint)

    async def rotate(self, owner: int | None, actor: int | None, endpoint: int) -> tuple[Endpoint, str]:
        return await write(self._engine, hook_endpoints.rotate, owner, actor, endpoint, self._now())

    async def set_enabled(self, owner: int | None, actor: int | None, endpoint: int, enabled: bool) -> Endpoint:
        act = hook_endpoints.enable if enabled else hook_endpoints.disable
        return await write(self._engine, act, owner, actor, endpoint, self._now())

    async def remove(self, owner: int | None, actor: int | None, endpoint: int) -> None:
        await write(self._engine, hook_endpoints.remove, owner, actor, endpoint, self._now())

    # --- what became of it

    async def deliveries(
        self, owner: int | None, endpoint: int, state: str, before: int | None = None
    ) -> tuple[list[Delivery], int | None]:
        return await read(self._engine, hook_deliveries.listed, owner, endpoint, state, before)

    async def redeliver(self, owner: int | None, actor: int | None, endpoint: int, message: str | None = None) -> int:
        """One message, or all that are dead. How many."""
        return await write(self._engine, hook_deliveries.redeliver, owner, actor, endpoint, message, self._now())

    # --- on its way

    async def pending(self) -> tuple[bool, bool]:
        """Whether there are participants to be told of, and messages to be sent, now or within PENDING_SECONDS."""
        soon = math.ceil(self._now().timestamp() / PENDING_SECONDS) * PENDING_SECONDS
        return await self._pending(datetime.fromtimestamp(soon, UTC))

    async def tell_participants(self) -> int:
        return await write(self._engine, hook_participants.tell_some, self._now())

    async def claim(self, busy: Collection[int], most: int, lease: timedelta) -> list[Job]:
        return await write(self._engine, hook_deliveries.claim, busy, most, lease, self._now())

    async def settle(self, job: Job, attempt: Attempt, lease: timedelta, noise: float) -> Job | None:
        """The next message of the queue, if it may be sent at once. `noise`: from 0 to 1."""
        following = await write(self._engine, hook_deliveries.settle, job, attempt, lease, noise, self._now())
        if attempt.gone:
            await write(self._engine, hook_endpoints.disable, None, None, job.endpoint, self._now(), "gone")
        return following

    async def release(self, job: Job) -> None:
        await write(self._engine, hook_deliveries.release, job, self._now())

    async def counts(self) -> dict[str, int]:
        return await read(self._engine, hook_deliveries.counts)

    async def forget(self) -> None:
        await write(self._engine, hook_deliveries.forget, self._now())
