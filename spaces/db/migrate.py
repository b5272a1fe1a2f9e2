"""Bring a database to the newest revision, or say whether it is there. Works from an installed package: no alembic.ini."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

from access.database import make_engine, reading, writing

MIGRATIONS = Path(__file__).parent / "migrations"
ADVISORY_LOCK = 0x5BACE5
"""Any number that nobody else locks: of several nodes that start at once, one upgrades and the others wait."""


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


async def upgrade(engine: AsyncEngine, revision: str = "head") -> None:
    """Run every migration that is missing up to there, all in one transaction: wholly done or not at all."""
    await _migrate(engine, lambda connection: command.upgrade(_config_of(connection), revision))


async def downgrade(engine: AsyncEngine, revision: str) -> None:
    """Back to an older revision (`base`: to nothing), in one transaction. What only newer revisions know is lost."""
    await _migrate(engine, lambda connection: command.downgrade(_config_of(connection), revision))


async def is_current(engine: AsyncEngine) -> bool:
    """Is the database at the newest revision? False for an empty one."""
    async with reading(engine) as connection:
        return await connection.run_sync(_is_current)


async def _migrate(engine: AsyncEngine, run: Callable[[Connection], None]) -> None:
    if engine.dialect.name != "sqlite":
        async with writing(engine) as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
            await connection.run_sync(run)
        return
    # SQLite changes a table by making it anew, and would take the rows that refer to the old one along: references are
    # looked at once at the end instead. The switch works outside transactions only, so on a connection of its own.
    own = make_engine(engine.url.render_as_string(hide_password=False))
    event.listen(own.sync_engine, "connect", _without_foreign_keys)
    try:
        async with writing(own) as connection:
            await connection.run_sync(run)
            broken = (await connection.execute(text("PRAGMA foreign_key_check"))).first()
            if broken is not None:
                raise RuntimeError(f"a migration left a reference to nothing: table {broken[0]}, row {broken[1]}")
    finally:
        await own.dispose()


def _without_foreign_keys(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = OFF")
    cursor.close()


def _config_of(connection: Connection) -> Config:
    config = alembic_config()
    config.attributes["connection"] = connection
    return config


def _is_current(connection: Connection) -> bool:
    return set(MigrationContext.configure(connection).get_current_heads()) == _newest()


@cache
def _newest() -> frozenset[str]:
    """Every migration is imported to find out."""
    return frozenset(ScriptDirectory.from_config(alembic_config()).get_heads())
