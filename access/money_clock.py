"""The clock of money: the real one, or with test money one that may be put forward, so that a month passes in a moment.

Everything that is dated by money – periods, grace, rights – goes by it; tokens and sessions go by the real clock.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access import audit
from access.database import insert_or_ignore, read, write
from access.errors import AccessError
from access.fields import between
from access.model import Account
from access.tables_money import money_clock

FORWARD_SECONDS_MAX = 400 * 86_400
AHEAD_SECONDS_MAX = 20 * 366 * 86_400


class MoneyClock:
    """`may_forward`: only where no real money is taken and the operator allows it."""

    def __init__(self, engine: AsyncEngine, real: Callable[[], datetime], *, may_forward: bool) -> None:
        self._engine = engine
        self._real = real
        self._may_forward = may_forward
        self._ahead = timedelta()

    @property
    def may_forward(self) -> bool:
        return self._may_forward

    def now(self) -> datetime:
        return self._real() + self._ahead

    async def read(self) -> None:
        """How far ahead it is, which another node may have changed."""
        if self._may_forward:
            self._ahead = max(timedelta(seconds=await read(self._engine, _ahead)), self._ahead)

    async def forward(
        self, actor: Account | None, seconds: int, before: Callable[[datetime], Awaitable[None]]
    ) -> datetime:
        """The new time, after `before` has been told of it. It never goes back. 403 no_test_clock; 422."""
        if not self._may_forward:
            raise AccessError(403, "no_test_clock", "This server's clock is the real one.")
        between(seconds, "forward_seconds", 1, FORWARD_SECONDS_MAX)
        await before(self.now() + timedelta(seconds=seconds))
        self._ahead = timedelta(seconds=await write(self._engine, _forward, actor, seconds, self.now()))
        return self.now()


async def _ahead(connection: AsyncConnection) -> int:
    return int((await connection.execute(select(money_clock.c.ahead_seconds))).scalar_one_or_none() or 0)


async def _forward(connection: AsyncConnection, actor: Account | None, seconds: int, now: datetime) -> int:
    await connection.execute(insert_or_ignore(connection, money_clock).values(id=1, ahead_seconds=0))
    moved = update(money_clock).values(ahead_seconds=money_clock.c.ahead_seconds + seconds)
    ahead = int((await connection.execute(moved.returning(money_clock.c.ahead_seconds))).scalar_one())
    if ahead > AHEAD_SECONDS_MAX:
        raise AccessError(409, "clock_too_far", "The clock is years ahead already.", "forward_seconds")
    await audit.record(connection, now, "clock.forward", actor=None if actor is None else actor.id, seconds=seconds)
    return ahead
