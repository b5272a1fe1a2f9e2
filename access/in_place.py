"""A whole transaction, written for an asynchronous connection, run at one go on a synchronous one.

SQLAlchemy starts a greenlet for every statement of an AsyncConnection, which costs as much as the statement. Where the whole
transaction is in one place already (a thread of SQLite's, a greenlet for PostgreSQL), its statements are plain calls.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from sqlalchemy import Connection, CursorResult, NestedTransaction
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


class Here(AsyncConnection):
    """A synchronous connection in the clothes of an asynchronous one: what is awaited is done when it is called."""

    __slots__ = ("sync",)

    def __init__(self, engine: AsyncEngine, sync: Connection) -> None:
        super().__init__(engine, sync)
        self.sync = sync

    async def execute(self, statement: Any, parameters: Any = None, *, execution_options: Any = None) -> Any:
        return self.sync.execute(statement, parameters, execution_options=execution_options)

    async def exec_driver_sql(
        self, statement: str, parameters: Any = None, execution_options: Any = None
    ) -> CursorResult[Any]:
        return self.sync.exec_driver_sql(statement, parameters, execution_options)

    def begin_nested(self) -> Any:
        return _Part(self.sync.begin_nested())


class _Part:
    """A savepoint: what is done until its end can be undone alone."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: NestedTransaction) -> None:
        self._transaction = transaction

    async def __aenter__(self) -> _Part:
        return self

    async def __aexit__(self, *raised: Any) -> None:
        self._transaction.__exit__(*raised)

    async def rollback(self) -> None:
        self._transaction.rollback()


def finish(work: Coroutine[Any, Any, Any]) -> Any:
    """Run it to its end here and now: nothing that it awaits lets it wait."""
    try:
        work.send(None)
    except StopIteration as finished:
        return finished.value
    work.close()
    raise RuntimeError("a transaction awaits nothing but its connection")
