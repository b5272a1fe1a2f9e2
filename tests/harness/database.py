"""A migrated database of its own for each test: a SQLite file, or a database on a PostgreSQL server.

`SPACES_TEST_DATABASE_URL=postgresql+asyncpg://user@host:port/postgres` chooses the server; its user may create databases.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from access.database import make_engine
from spaces.db.migrate import upgrade

SERVER_URL = os.environ.get("SPACES_TEST_DATABASE_URL", "")


@asynccontextmanager
async def fresh_database_url(folder: Path) -> AsyncIterator[str]:
    """The address of an empty database, which is gone afterwards."""
    if not SERVER_URL:
        yield f"sqlite+aiosqlite:///{folder / 'spaces.db'}"
        return
    name = f"test_{secrets.token_hex(6)}"
    server = create_async_engine(SERVER_URL, isolation_level="AUTOCOMMIT")
    try:
        async with server.connect() as connection:
            await connection.execute(text(f"CREATE DATABASE {name}"))
        yield make_url(SERVER_URL).set(database=name).render_as_string(hide_password=False)
        async with server.connect() as connection:
            await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        await server.dispose()


@asynccontextmanager
async def fresh_engine(folder: Path) -> AsyncIterator[AsyncEngine]:
    """An engine on a migrated database of its own."""
    async with fresh_database_url(folder) as url:
        engine = make_engine(url)
        try:
            await upgrade(engine)
            yield engine
        finally:
            await engine.dispose()
