"""Before a node works on a database: an empty one is filled, an old one is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import inspect
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from access.database import make_engine, reading
from spaces.config import Config, ConfigError
from spaces.db.migrate import is_current, upgrade

DATABASE_ERRORS = (OSError, SQLAlchemyError, asyncpg.PostgresError)
"""What may be raised where a database does not answer as it should; asyncpg's own while it connects."""


def open_database(config: Config) -> AsyncEngine:
    """The engine; SQLite's folder is made. Raises ConfigError if it cannot be."""
    try:
        return make_engine(config.sqlalchemy_url)
    except OSError as error:
        raise ConfigError(f"data: the folder {config.data} cannot be made: {error.strerror}") from error


@contextmanager
def usable(config: Config) -> Iterator[None]:
    """A database that does not answer is a setting to mend. Raises ConfigError, without the address and its password."""
    try:
        yield
    except DATABASE_ERRORS as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        setting = "database_url: PostgreSQL" if config.database_url else f"data: the database in {config.data}"
        raise ConfigError(f"{setting} cannot be used: {reason}") from error


async def is_empty(engine: AsyncEngine) -> bool:
    async with reading(engine) as connection:
        return not await connection.run_sync(lambda sync: inspect(sync).get_table_names())


async def prepare(engine: AsyncEngine) -> None:
    """Raises ConfigError for a database at another revision: what changes data is the operator's decision."""
    if await is_empty(engine):
        await upgrade(engine)
    elif not await is_current(engine):
        raise ConfigError(
            "the database is at another revision than this program: make a backup, then run `spaces migrate`"
        )
