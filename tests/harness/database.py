"""A database of its own for each test: a SQLite file, or a database on a PostgreSQL server.

`SPACES_TEST_DATABASE_URL=postgresql+asyncpg://user@host:port/postgres` chooses the server; its user may create databases.
`pytest --postgresql` starts one and sets it. Migrations run once per process, into a template that is then copied.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from access.database import make_engine
from access.tables import metadata
from spaces.db.migrate import upgrade

SERVER_URL = "SPACES_TEST_DATABASE_URL"


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
    template = await asyncio.to_thread(postgresql_template) if migrated else "template1"
    name = f"test_{secrets.token_hex(6)}"
    await on_server(
        f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"
    )  # copying is quickest where fsync is off
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
    file = folder / "template.db"
    asyncio.run(_migrate(f"sqlite+aiosqlite:///{file}"))
    return file


@cache
def postgresql_template() -> str:
    name = f"template_{secrets.token_hex(6)}"
    asyncio.run(on_server(f"CREATE DATABASE {name}"))
    asyncio.run(_migrate(_database(name)))
    return name


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
