"""Before a node works on a database: an empty one is filled, an old one is left alone."""

from __future__ import annotations

from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import AsyncEngine

from access.database import reading
from spaces.config import ConfigError
from spaces.db.migrate import is_current, upgrade


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
