"""One engine for both databases: SQLite in WAL mode (embedded) and PostgreSQL, with the same meaning of a transaction.

SQLite has one writer. A transaction that reads first and writes later could find its snapshot stale and fail, so every
transaction takes the write lock at its beginning (BEGIN IMMEDIATE), except those that say that they only read.
PostgreSQL runs at READ COMMITTED; whoever needs rows to hold still locks them (`SELECT … FOR UPDATE`, which SQLite has no
need of and SQLAlchemy leaves out there).

`read` and `write` do a transaction that is one function of the connection, at a third of the price on SQLite and two thirds
on PostgreSQL; `reading` and `writing` are for those that await something else in between.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import TypeDecorator

from access import postgresql, sqlite
from access.glance import Glance, Remembered

WORKERS = "workers"
"""Engine option with what works transactions off that are one function of the connection."""

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


class Worker(Protocol):
    async def transact(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, Any]]) -> Any:
        """What `work` returns, once committed; rolled back if it raises."""

    def turn(self) -> AbstractAsyncContextManager[None]:
        """For a transaction in a block: SQLite has one writer."""

    def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Workers:
    reader: Worker
    writer: Worker
    glance: Glance | None = None
    """Where the database tells whether anything has been committed."""

    def stop(self) -> None:
        self.reader.stop()
        self.writer.stop()
        if self.glance is not None:
            self.glance.close()


def make_engine(url: str) -> AsyncEngine:
    """An engine for `sqlite+aiosqlite:///FILE` (its folder is made) or `postgresql+asyncpg://…`."""
    address = make_url(url)
    if address.get_backend_name() != "sqlite":
        engine = postgresql.make_engine(address)
        turns = postgresql.Turns(engine)
        workers = Workers(turns, turns)
    else:
        if address.database:
            Path(address.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_async_engine(address)
        sqlite.prepare(engine.sync_engine)
        workers = Workers(  # a reader waits for no writer, so it has a thread of its own
            sqlite.TransactionThread(engine, "database reader", only_reads=True),
            sqlite.TransactionThread(engine, "database writer", only_reads=False),
            Glance(address.database) if address.database else None,
        )
    engine.sync_engine.update_execution_options(**{WORKERS: workers})
    event.listen(engine.sync_engine, "engine_disposed", lambda _: workers.stop())
    return engine


def _workers(engine: AsyncEngine) -> Workers:
    workers: Workers = engine.sync_engine.get_execution_options()[WORKERS]
    return workers


async def read(
    engine: AsyncEngine,
    work: Callable[Concatenate[AsyncConnection, P], Coroutine[Any, Any, T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """`await work(connection, …)` in a transaction that only reads. For short ones: on SQLite they take turns."""
    result: T = await _workers(engine).reader.transact(lambda connection: work(connection, *args, **kwargs))
    return result


def remembered(
    engine: AsyncEngine, work: Callable[Concatenate[AsyncConnection, P], Coroutine[Any, Any, T]]
) -> Remembered[P, T]:
    """`read(engine, work, …)` for what is asked again and again: not done where the database tells that nothing is new."""

    async def reads(*args: P.args, **kwargs: P.kwargs) -> T:
        return await read(engine, work, *args, **kwargs)

    return Remembered(_workers(engine).glance, reads)


async def write(
    engine: AsyncEngine,
    work: Callable[Concatenate[AsyncConnection, P], Coroutine[Any, Any, T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """`await work(connection, …)` in a transaction that writes: committed at its end, rolled back on an exception.

    `work` awaits nothing but its connection: on SQLite it runs in the writer's thread. It may be called a second time, where a
    connection of PostgreSQL's has died under the first.
    """

    async def whole(connection: AsyncConnection) -> T:
        connection.info.pop(LAST_ACTS, None)
        result = await work(connection, *args, **kwargs)
        await _do_last_acts(connection)
        return result

    result: T = await _workers(engine).writer.transact(whole)
    return result


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that only reads: on SQLite it waits for no writer and sees one state of the database."""
    async with engine.execution_options(only_reads=True).begin() as connection:
        yield connection


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that writes; commits at the end, rolls back on an exception."""
    async with _workers(engine).writer.turn(), engine.begin() as connection:
        connection.info.pop(LAST_ACTS, None)  # of a transaction that was rolled back
        yield connection
        await _do_last_acts(connection)


def before_commit(connection: AsyncConnection, act: LastAct, item: Any, *, last: bool = False) -> None:
    """Have `await act(connection, items)` done last in this transaction, once, with all items it was asked for.

    What others wait for (a lock that everybody takes) is so taken when nothing else is to be done or to be locked. Acts that
    are `last` come after the others, whatever order they were asked for in: nobody waits in a circle.
    """
    acts = connection.info.setdefault(LAST_ACTS, {})
    acts.setdefault((last, act), []).append(item)


async def _do_last_acts(connection: AsyncConnection) -> None:
    acts: dict[tuple[bool, LastAct], list[Any]] = connection.info.pop(LAST_ACTS, {})
    for last in (False, True):
        for (is_last, act), items in acts.items():
            if is_last is last:
                await act(connection, items)


async def alone_with(connection: AsyncConnection, what: str) -> None:
    """Until the transaction ends, whoever else asks for the same waits: for what is counted before it is written and has no
    row to be locked. On SQLite a writer is alone anyway."""
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(what, 0))))


def insert_or_ignore(connection: AsyncConnection, table: Any) -> Any:
    """`INSERT … ON CONFLICT DO NOTHING` in the connection's dialect."""
    return upsert(connection, table).on_conflict_do_nothing()


def upsert(connection: AsyncConnection, table: Any) -> Any:
    """An `INSERT` that can be told what to do on a conflict, in the connection's dialect."""
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)
