"""A database of its own for each test: a SQLite file, or a database on a PostgreSQL server.

`SPACES_TEST_DATABASE_URL=postgresql+asyncpg://user@host:port/postgres` chooses the server; its user may create databases.
`pytest --postgresql` starts one and sets it. Migrations run once per process, into a template that is then copied; of
PostgreSQL's copies the ones that are done with are used again (`spare_databases`).
"""

from __future__ import annotations

import asyncio
import atexit
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from access.database import make_engine
from access.tables import metadata
from spaces.db.migrate import upgrade
from tests.harness.spare_databases import Spares

SERVER_URL = "SPACES_TEST_DATABASE_URL"


class Statements(dict[Any, Any]):
    """Statements that SQLAlchemy has compiled, for all engines of a kind: each test has an engine of its own, and compiling
    its statements once more took a third of the tests' time."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(self._for_all(key), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__(self._for_all(key), compiled)

    @staticmethod
    def _for_all(key: Any) -> Any:
        """The key begins with the engine's own dialect."""
        dialect, *rest = key
        return (dialect.name, dialect.driver, *rest)


COMPILED = Statements()


@event.listens_for(Engine, "engine_connect")
def _share_statements(connection: Connection) -> None:
    connection.execution_options(compiled_cache=COMPILED)


def server_url() -> str:
    """Of the PostgreSQL server to use; empty: SQLite."""
    return os.environ.get(SERVER_URL, "")


@asynccontextmanager
async def fresh_database_url(folder: Path, *, migrated: bool = False) -> AsyncIterator[str]:
    """The address of a database that is empty, or migrated and else empty; it is gone afterwards."""
    if not server_url():
        file = folder / "spaces.db"
        if migrated:
            await asyncio.to_thread(_copy_template, file)
        yield f"sqlite+aiosqlite:///{file}"
        return
    if migrated:
        async with (await asyncio.to_thread(postgresql_spares)).one() as name:
            yield _database(name)
        return
    name = f"test_{secrets.token_hex(6)}"
    await on_server(f"CREATE DATABASE {name} STRATEGY FILE_COPY")  # the quickest where fsync is off
    yield _database(name)
    await on_server(f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def fresh_engine(folder: Path) -> AsyncIterator[AsyncEngine]:
    """An engine on a migrated database of its own."""
    async with fresh_database_url(folder, migrated=True) as url:
        engine = make_engine(url)
        try:
            yield engine
        finally:
            await engine.dispose()


def _copy_template(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(sqlite_template(), file)


@cache
def sqlite_template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="spaces-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = folder / "template.db"
    asyncio.run(_migrate(f"sqlite+aiosqlite:///{file}"))
    return file


@cache
def postgresql_spares() -> Spares:
    name = f"template_{secrets.token_hex(6)}"
    asyncio.run(on_server(f"CREATE DATABASE {name}"))
    asyncio.run(_migrate(_database(name)))
    return Spares(server_url(), name)


async def on_server(statement: str) -> None:
    server = create_async_engine(server_url(), isolation_level="AUTOCOMMIT")
    try:
        async with server.connect() as connection:
            await connection.execute(text(statement))
    finally:
        await server.dispose()


async def _migrate(url: str) -> None:
    engine = make_engine(url)
    try:
        await upgrade(engine)
    finally:
        await engine.dispose()


def _database(name: str) -> str:
    return make_url(server_url()).set(database=name).render_as_string(hide_password=False)


# --- a database in trouble, as a second program sees to it


@asynccontextmanager
async def without_table(url: str, table: str) -> AsyncIterator[None]:
    """A database that fails: its table is away while the block runs."""
    engine = make_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.execute(text(f"ALTER TABLE {table} RENAME TO away"))
        yield
        async with engine.begin() as connection:
            await connection.execute(text(f"ALTER TABLE away RENAME TO {table}"))
    finally:
        await engine.dispose()


@asynccontextmanager
async def writers_wait(url: str) -> AsyncIterator[None]:
    """Nobody else can write to the database while the block runs; who tries waits."""
    engine = make_engine(url)
    try:
        async with engine.begin() as connection:  # on SQLite that alone does it
            if connection.dialect.name == "postgresql":
                await connection.execute(text(f"LOCK TABLE {', '.join(metadata.tables)} IN EXCLUSIVE MODE"))
            yield
    finally:
        await engine.dispose()
