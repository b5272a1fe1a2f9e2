"""PostgreSQL as we use it: dead connections are found out before anybody has to try again, and transactions take turns.

A server that stops, and one that loses a process, say so to their connections, but what they say may still be on its way when a
connection is used. A transaction that is one function and has not come to its commit has done nothing: it is done again, once,
on a new connection. Of a commit whose answer is lost nobody knows: that is the caller's to ask again.

SQLAlchemy's pool is no queue: whoever comes just when a connection is given back takes it before those who wait, and they wait
anew, behind everybody. So transactions wait for a turn of ours, first come first served, and find a connection in the pool.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import URL, Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import greenlet_spawn

from access.in_place import Here, finish

AT_ONCE_MAX = 15
"""Transactions of a process, each on a connection of its own."""
BESIDE_MAX = 5
"""Connections more, for those who hold one while they await something else."""
TURN_SECONDS_MAX = 30.0
"""Whoever waits longer hears that the database cannot be reached."""
IDLE_SINCE = "idle since"
"""In a pooled connection's info: when it was given back, by the monotonic clock."""
IDLE_SECONDS_TRUSTED = 1.0
"""A connection that was used this lately is taken to be there still."""

Work = Callable[[AsyncConnection], Coroutine[Any, Any, Any]]


def make_engine(url: URL) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=AT_ONCE_MAX, max_overflow=BESIDE_MAX)
    _look_before_use(engine.sync_engine)
    event.listen(engine.sync_engine, "handle_error", _judge)
    return engine


class Turns:
    """What works transactions off that are one function of the connection."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._turns = asyncio.Semaphore(AT_ONCE_MAX)

    async def transact(self, work: Work) -> Any:
        """What `work` returns, once committed; it is called twice if its connection dies under it before the commit."""
        async with asyncio.timeout(TURN_SECONDS_MAX):
            await self._turns.acquire()
        try:
            first = _Transaction(self._engine, work)
            try:
                return await greenlet_spawn(first.run)
            except DBAPIError as error:
                if first.committing or not error.connection_invalidated:
                    raise
            return await greenlet_spawn(_Transaction(self._engine, work).run)
        finally:
            self._turns.release()

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Writers of blocks wait for nobody."""
        return nullcontext()

    def stop(self) -> None:
        """There is nothing of ours that runs."""


class _Transaction:
    def __init__(self, engine: AsyncEngine, work: Work) -> None:
        self._engine = engine
        self._work = work
        self.committing = False

    def run(self) -> Any:
        """In one of SQLAlchemy's greenlets, where otherwise every statement has one of its own."""
        with self._engine.sync_engine.begin() as connection:
            result = finish(self._work(Here(self._engine, connection)))
            self.committing = True
        return result


def _look_before_use(engine: Engine) -> None:
    """Pooled connections that have ended meanwhile are replaced, not given out.

    Only one that has been idle is asked, as its network may have gone silently: to ask is three messages to and fro, a third
    of what a short transaction takes.
    """

    @event.listens_for(engine, "checkin")
    def note(_: Any, record: ConnectionPoolEntry) -> None:
        record.info[IDLE_SINCE] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def look(connection: Any, record: ConnectionPoolEntry, _: Any) -> None:
        idle = time.monotonic() - record.info.get(IDLE_SINCE, time.monotonic())
        driver: Any = record.driver_connection
        if driver.is_closed():
            raise DisconnectionError("the server has closed it")
        if idle > IDLE_SECONDS_TRUSTED:
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error as error:
                raise DisconnectionError("it does not answer") from error


def _judge(context: ExceptionContext) -> None:
    """The driver learns that its connection has ended in two steps; between them it only says that it cannot be used."""
    said = context.original_exception.__cause__
    if isinstance(said, asyncpg.InternalClientError | asyncpg.AdminShutdownError | asyncpg.CrashShutdownError):
        context.is_disconnect = True
