"""SQLite as we use it: in WAL mode, transactions begun by us, and threads that work whole transactions off.

Each statement through aiosqlite costs several hops to its thread and back, which is most of a short transaction's price.
A TransactionThread is given the transaction as a whole: one hop, and the statements are plain calls. It is also the queue
of this process's writers, first come first served: SQLite's own waiting is polling, which is slow, unfair and ends in an
error when a crowd comes at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextvars import Context, copy_context
from queue import SimpleQueue
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from access.in_place import Here, finish

BUSY_TIMEOUT_MILLISECONDS = 10_000
"""How long a writer waits for one of another process: far longer than any of our transactions."""
STOP_SECONDS_MAX = 5.0
"""A thread that is told to stop ends after what it has been given; whoever waits for more than this has a stuck disk."""

Work = Callable[[AsyncConnection], Coroutine[Any, Any, Any]]


def prepare(engine: Engine) -> None:
    """Have the engine's connections and transactions as above; the option `only_reads` is for those that say so."""
    event.listen(engine, "connect", _connected)
    event.listen(engine, "begin", _begin)


def _connected(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: _begin does
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MILLISECONDS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")  # in WAL mode this cannot corrupt; the last commits may be lost
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    only_reads = connection.get_execution_options().get("only_reads", False)
    connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")


class TransactionThread:
    """One thread with one connection. What it is given it does in order, each in a transaction of its own."""

    def __init__(self, engine: AsyncEngine, name: str, *, only_reads: bool) -> None:
        """`engine`: the aiosqlite engine of the same file. The thread begins with the first thing to do."""
        self._async_engine = engine
        self._name = name
        url = engine.url.set(drivername="sqlite+pysqlite")
        sync = create_engine(url, poolclass=NullPool, connect_args={"check_same_thread": False})
        prepare(sync)
        self._engine = sync.execution_options(only_reads=only_reads)
        self._things: SimpleQueue[_Transaction | _Turn | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def transact(self, work: Work) -> Any:
        """What `work` returns, once committed. Rolled back: if it raises, or the caller is cancelled before the commit.

        `work` awaits nothing but its connection; anything else is a RuntimeError. Its rows are read before it returns.
        """
        transaction = _Transaction(work)
        self._put(transaction)
        return await transaction.future

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Meanwhile the thread does nothing: a transaction of another connection has its turn."""
        turn = _Turn()
        self._put(turn)
        try:
            await turn.granted
            yield
        finally:
            turn.over.set()

    def stop(self) -> None:
        """Ends after what it has been given before. It may be used again."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._things.put(None)
            thread.join(STOP_SECONDS_MAX)

    def _put(self, thing: _Transaction | _Turn) -> None:
        if self._thread is None:
            self._things = SimpleQueue()
            self._thread = threading.Thread(target=self._run, args=(self._things,), name=self._name, daemon=True)
            self._thread.start()
        self._things.put(thing)

    def _run(self, things: SimpleQueue[_Transaction | _Turn | None]) -> None:
        connection: Here | None = None
        while (thing := things.get()) is not None:
            if isinstance(thing, _Turn):
                thing.wait()
                continue
            try:
                if connection is None:
                    connection = Here(self._async_engine, self._engine.connect())
                thing.run(connection)
            except BaseException as error:
                thing.settle(None, error)
                if connection is not None and _is_doubtful(connection, error):
                    _let_go(connection)
                    connection = None
            del thing  # the caller's, not ours to keep while we wait
        if connection is not None:
            _let_go(connection)


class _Transaction:
    __slots__ = ("_context", "_loop", "_work", "future")

    def __init__(self, work: Work) -> None:
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._context: Context = copy_context()  # what the caller's log lines are bound to
        self.future: asyncio.Future[Any] = self._loop.create_future()

    def run(self, connection: Here) -> None:
        """In the thread."""
        if self.future.cancelled():
            return
        with connection.sync.begin() as transaction:
            result = self._context.run(finish, self._work(connection))
            if self.future.cancelled():
                transaction.rollback()
        self.settle(result, None)

    def settle(self, result: Any, error: BaseException | None) -> None:
        _in_loop(self._loop, self._settle, result, error)

    def _settle(self, result: Any, error: BaseException | None) -> None:
        if self.future.done():
            return  # cancelled meanwhile
        if error is None:
            self.future.set_result(result)
        else:
            self.future.set_exception(error)


class _Turn:
    __slots__ = ("_loop", "granted", "over")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.granted: asyncio.Future[None] = self._loop.create_future()
        self.over = threading.Event()

    def wait(self) -> None:
        """In the thread: until it is over, which it may be before it has begun."""
        if not self.over.is_set() and _in_loop(self._loop, self._grant):
            self.over.wait()

    def _grant(self) -> None:
        if not self.granted.done():
            self.granted.set_result(None)


def _in_loop(loop: asyncio.AbstractEventLoop, callback: Callable[..., None], *args: Any) -> bool:
    """Call it there; False: the loop has been closed, and nobody waits any more."""
    try:
        loop.call_soon_threadsafe(callback, *args)
    except RuntimeError:
        return False
    return True


def _is_doubtful(connection: Here, error: BaseException) -> bool:
    """Whether the error may be the connection's own, so that the next transaction had better have a new one."""
    return connection.sync.in_transaction() or (
        isinstance(error, SQLAlchemyError) and not isinstance(error, IntegrityError)
    )


def _let_go(connection: Here) -> None:
    with contextlib.suppress(SQLAlchemyError):
        connection.sync.close()
