"""The floor of a decision and of a join: their own statements, done by the bare driver on connections of its own."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Protocol

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncEngine

Statement = tuple[str, Sequence[Any]]


class Recording:
    """What the engines are asked to execute, as the driver gets it."""

    def __init__(self) -> None:
        self._statements: list[Statement] | None = []

    async def of(self, call: Coroutine[Any, Any, None]) -> list[Statement]:
        """The statements of one call, without BEGIN and COMMIT."""
        found: list[Statement] = []
        self._statements = found
        await call
        assert found, "a call that asks nothing has no floor"
        return found

    def over(self) -> None:
        """From here on nothing is noted."""
        self._statements = None

    def note(self, statement: str, parameters: Sequence[Any]) -> None:
        if self._statements is not None and statement.startswith(("SELECT", "INSERT")):
            self._statements.append((statement, parameters))


@contextlib.contextmanager
def recorded() -> Iterator[Recording]:
    """Of every engine: SQLite has one for each of its threads."""
    recording = Recording()

    def note(_: Any, __: Any, statement: str, parameters: Sequence[Any], *___: Any) -> None:
        recording.note(statement, parameters)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield recording
    finally:
        event.remove(Engine, "before_cursor_execute", note)


class Floor(Protocol):
    async def select(self, statements: list[Statement]) -> int:
        """How many rows they gave."""

    async def transact(self, statements: list[Statement]) -> int:
        """The same in one transaction that writes."""


@asynccontextmanager
async def floor_of(engine: AsyncEngine, at_once: int) -> AsyncIterator[Floor]:
    """`at_once`: as many connections on PostgreSQL; SQLite gives its writers turns anyway, and has one thread."""
    if engine.dialect.name == "postgresql":
        address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        connections = [await asyncpg.connect(address) for _ in range(at_once)]
        yield _PostgreSQL(connections.copy())
        for connection in connections:
            await connection.close()
        return
    with ThreadPoolExecutor(1) as thread:
        loop = asyncio.get_running_loop()
        assert engine.url.database is not None
        floor = _SQLite(await loop.run_in_executor(thread, _open, engine.url.database), thread)
        yield floor
        await loop.run_in_executor(thread, floor.close)


class _PostgreSQL:
    def __init__(self, connections: list[Any]) -> None:
        self._idle = connections
        """At least one whenever somebody asks: there are as many as who ask at a time."""

    async def select(self, statements: list[Statement]) -> int:
        connection = self._idle.pop()
        rows = await self._do(connection, statements)
        self._idle.append(connection)
        return rows

    async def transact(self, statements: list[Statement]) -> int:
        connection = self._idle.pop()
        async with connection.transaction():
            rows = await self._do(connection, statements)
        self._idle.append(connection)
        return rows

    async def _do(self, connection: Any, statements: list[Statement]) -> int:
        return sum([len(await connection.fetch(text, *parameters)) for text, parameters in statements])


class _SQLite:
    def __init__(self, connection: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        self._connection = connection
        self._thread = thread

    async def select(self, statements: list[Statement]) -> int:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, "BEGIN", statements)

    async def transact(self, statements: list[Statement]) -> int:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, "BEGIN IMMEDIATE", statements)

    def _do(self, begin: str, statements: list[Statement]) -> int:
        execute = self._connection.execute
        execute(begin)
        rows = sum([len(execute(text, parameters).fetchall()) for text, parameters in statements])
        execute("COMMIT")
        return rows

    def close(self) -> None:
        self._connection.close()


def _open(file: str) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection
