"""One engine for both databases: SQLite in WAL mode (embedded) and PostgreSQL, with the same meaning of a transaction.

SQLite has one writer. A transaction that reads first and writes later could find its snapshot stale and fail, so every
transaction takes the write lock at its beginning (BEGIN IMMEDIATE), except those that say that they only read.
PostgreSQL runs at READ COMMITTED; whoever needs rows to hold still locks them (`SELECT … FOR UPDATE`, which SQLite has no
need of and SQLAlchemy leaves out there).

`read` and `write` do a transaction that is one function of the connection, at a third of the price on SQLite and two thirds
on PostgreSQL; `reading` and `writing` are for those that await something else in between.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import BigInteger, DateTime, Dialect, Engine, Integer, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator
from sqlalchemy.util import greenlet_spawn

from access import sqlite
from access.in_place import Here, finish

THREADS = "threads"
"""Engine option with the threads that work transactions off on SQLite."""

IDLE_SINCE = "idle since"
"""In a pooled connection's info: when it was given back, by the monotonic clock."""
IDLE_SECONDS_TRUSTED = 1.0
"""A connection that was used this lately is taken to be there still."""

LAST_ACTS = "last acts"
"""In a connection's info: what this transaction is to do before it commits."""
LastAct = Callable[[AsyncConnection, list[Any]], Coroutine[Any, Any, None]]

P = ParamSpec("P")
T = TypeVar("T")

Id = BigInteger().with_variant(Integer, "sqlite")
"""64-bit key. SQLite only numbers rows by itself when the type is spelled INTEGER, which there has 64 bits too."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC, to the microsecond: `timestamptz` on PostgreSQL, text without an offset on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone is no moment")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Threads:
    """A reader waits for no writer, so it has a thread of its own."""

    reader: sqlite.TransactionThread
    writer: sqlite.TransactionThread

    def stop(self) -> None:
        self.reader.stop()
        self.writer.stop()


def make_engine(url: str) -> AsyncEngine:
    """An engine for `sqlite+aiosqlite:///FILE` (its folder is made) or `postgresql+asyncpg://…`."""
    address = make_url(url)
    if address.get_backend_name() != "sqlite":
        engine = create_async_engine(address)
        _look_before_use(engine.sync_engine)
        return engine
    if address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(address)
    sqlite.prepare(engine.sync_engine)
    threads = Threads(
        sqlite.TransactionThread(engine, "database reader", only_reads=True),
        sqlite.TransactionThread(engine, "database writer", only_reads=False),
    )
    engine.sync_engine.update_execution_options(**{THREADS: threads})
    event.listen(engine.sync_engine, "engine_disposed", lambda _: threads.stop())
    return engine


def _look_before_use(engine: Engine) -> None:
    """Pooled connections that have ended meanwhile are replaced, not given out.

    A server that stops says so to its connections. Only one that has been idle is asked, as its network may have gone
    silently: to ask is three messages to and fro, a third of what a short transaction takes.
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


def _threads(engine: AsyncEngine) -> Threads | None:
    threads: Threads | None = engine.sync_engine.get_execution_options().get(THREADS)
    return threads


async def read(
    engine: AsyncEngine,
    work: Callable[Concatenate[AsyncConnection, P], Coroutine[Any, Any, T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """`await work(connection, …)` in a transaction that only reads. For short ones: on SQLite they take turns."""
    threads = _threads(engine)
    if threads is None:
        return await _in_one_go(engine, lambda connection: work(connection, *args, **kwargs))
    result: T = await threads.reader.transact(lambda connection: work(connection, *args, **kwargs))
    return result


async def write(
    engine: AsyncEngine,
    work: Callable[Concatenate[AsyncConnection, P], Coroutine[Any, Any, T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """`await work(connection, …)` in a transaction that writes: committed at its end, rolled back on an exception.

    `work` awaits nothing but its connection: on SQLite it runs in the writer's thread.
    """

    async def whole(connection: AsyncConnection) -> T:
        connection.info.pop(LAST_ACTS, None)
        result = await work(connection, *args, **kwargs)
        await _do_last_acts(connection)
        return result

    threads = _threads(engine)
    if threads is None:
        return await _in_one_go(engine, whole)
    result: T = await threads.writer.transact(whole)
    return result


async def _in_one_go(engine: AsyncEngine, work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
    """A transaction in one of SQLAlchemy's greenlets, where otherwise every statement has one of its own."""

    def transact() -> Any:
        with engine.sync_engine.begin() as connection:
            return finish(work(Here(engine, connection)))

    result: T = await greenlet_spawn(transact)
    return result


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that only reads: on SQLite it waits for no writer and sees one state of the database."""
    async with engine.execution_options(only_reads=True).begin() as connection:
        yield connection


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that writes; commits at the end, rolls back on an exception."""
    threads = _threads(engine)
    turn: AbstractAsyncContextManager[None] = nullcontext() if threads is None else threads.writer.turn()
    async with turn, engine.begin() as connection:
        connection.info.pop(LAST_ACTS, None)  # of a transaction that was rolled back
        yield connection
        await _do_last_acts(connection)


def before_commit(connection: AsyncConnection, act: LastAct, item: Any) -> None:
    """Have `await act(connection, items)` done last in this transaction, once, with all items it was asked for.

    What others wait for (a lock that everybody takes) is so taken when nothing else is to be done or to be locked.
    """
    connection.info.setdefault(LAST_ACTS, {}).setdefault(act, []).append(item)


async def _do_last_acts(connection: AsyncConnection) -> None:
    acts: dict[LastAct, list[Any]] = connection.info.pop(LAST_ACTS, {})
    for act, items in acts.items():
        await act(connection, items)


def insert_or_ignore(connection: AsyncConnection, table: Any) -> Any:
    """`INSERT … ON CONFLICT DO NOTHING` in the connection's dialect."""
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table).on_conflict_do_nothing()
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table).on_conflict_do_nothing()
