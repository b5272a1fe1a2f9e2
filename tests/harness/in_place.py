"""SQLite in memory for tests that live through thousands of short lives: the same tables, statements and transactions, and
neither threads nor files nor an event loop between them.

What it leaves out – waiting for each other, the disk, several connections – is what other tests are about. Whoever begins a
transaction inside another one here is told so.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from access import sqlite
from access.database import WORKERS, Workers
from access.in_place import Here, finish
from tests.harness.database import sqlite_template


class InPlaceEngine(AsyncEngine):
    """One connection; what is awaited is done when it is called."""

    __slots__ = ("_driver", "_here", "_sync")

    def __init__(self) -> None:
        outside = create_async_engine("sqlite+aiosqlite://")  # never connects: for its dialect and options
        super().__init__(outside.sync_engine)
        self._driver = sqlite3.connect(":memory:", isolation_level=None)
        self._driver.deserialize(template())
        self._sync = create_engine("sqlite+pysqlite://", creator=lambda: self._driver, poolclass=StaticPool)
        sqlite.prepare(self._sync)
        self._here = Here(self, self._sync.connect())
        turn: Any = _Turn(self._here)
        self.sync_engine.update_execution_options(**{WORKERS: Workers(turn, turn)})

    def serialize(self) -> bytes:
        """All that is in it."""
        return self._driver.serialize()

    def start_anew(self, content: bytes | None = None) -> None:
        """With what was serialized; or migrated, and else empty."""
        assert not self._here.sync.in_transaction()
        self._driver.deserialize(template() if content is None else content)
        self._driver.execute("PRAGMA foreign_keys = ON")

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        with self._here.sync.begin():
            yield self._here

    def connect(self) -> Any:
        return self.begin()

    def execution_options(self, **options: Any) -> AsyncEngine:
        return self

    async def dispose(self, close: bool = True) -> None:
        self._here.sync.close()
        self._sync.dispose()
        self._driver.close()


class _Turn:
    """In the place of a TransactionThread."""

    def __init__(self, here: Here) -> None:
        self._here = here

    async def transact(self, work: sqlite.Work) -> Any:
        with self._here.sync.begin():
            return finish(work(self._here))

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        yield

    def stop(self) -> None:
        """Nothing runs."""


@cache
def template() -> bytes:
    """Migrated once per process, outside of any event loop. Not in WAL mode, which memory does not know."""
    file = sqlite_template()
    compact = Path(f"{file}.compact")
    connection = sqlite3.connect(file)
    connection.execute("VACUUM INTO ?", (str(compact),))
    connection.close()
    return compact.read_bytes()
