"""One engine for both databases: SQLite in WAL mode (embedded) and PostgreSQL, with the same meaning of a transaction.

SQLite has one writer. A transaction that reads first and writes later could find its snapshot stale and fail, so every
transaction takes the write lock at its beginning (BEGIN IMMEDIATE), except those that say that they only read.
PostgreSQL runs at READ COMMITTED; whoever needs rows to hold still locks them (`SELECT … FOR UPDATE`, which SQLite has no
need of and SQLAlchemy leaves out there).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Connection, DateTime, Dialect, Integer, event
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

BUSY_TIMEOUT_MILLISECONDS = 10_000
"""How long a SQLite writer waits for the one before it: far longer than any of our transactions."""

WRITER = "writer"
"""Engine option with the lock that the writers of this process queue up at on SQLite, first come first served: its own
waiting is polling, which is slow, unfair and ends in an error when a crowd comes at once."""

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


def make_engine(url: str) -> AsyncEngine:
    """An engine for `sqlite+aiosqlite:///FILE` (its folder is made) or `postgresql+asyncpg://…`."""
    address = make_url(url)
    if address.get_backend_name() != "sqlite":
        return create_async_engine(address, pool_pre_ping=True)
    if address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(address, execution_options={WRITER: asyncio.Lock()})
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: _begin_sqlite does
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MILLISECONDS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")  # in WAL mode this cannot corrupt; the last commits may be lost
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    only_reads = connection.get_execution_options().get("only_reads", False)
    connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that only reads: on SQLite it waits for no writer and sees one state of the database."""
    async with engine.execution_options(only_reads=True).begin() as connection:
        yield connection


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that writes; commits at the end, rolls back on an exception."""
    writer: AbstractAsyncContextManager[Any] = engine.sync_engine.get_execution_options().get(WRITER, nullcontext())
    async with writer, engine.begin() as connection:
        yield connection


def insert_or_ignore(connection: AsyncConnection, table: Any) -> Any:
    """`INSERT … ON CONFLICT DO NOTHING` in the connection's dialect."""
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table).on_conflict_do_nothing()
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table).on_conflict_do_nothing()
