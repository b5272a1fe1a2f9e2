"""Bring a database to the newest revision, or say whether it is there. Works from an installed package: no alembic.ini."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from access.database import reading, writing

MIGRATIONS = Path(__file__).parent / "migrations"
ADVISORY_LOCK = 0x5BACE5
"""Any number that nobody else locks: of several nodes that start at once, one upgrades and the others wait."""


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


async def upgrade(engine: AsyncEngine) -> None:
    """Run every migration that is missing, all in one transaction: wholly done or not at all."""
    async with writing(engine) as connection:
        await connection.run_sync(_upgrade)


async def is_current(engine: AsyncEngine) -> bool:
    """Is the database at the newest revision? False for an empty one."""
    async with reading(engine) as connection:
        return await connection.run_sync(_is_current)


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _is_current(connection: Connection) -> bool:
    newest = set(ScriptDirectory.from_config(alembic_config()).get_heads())
    return set(MigrationContext.configure(connection).get_current_heads()) == newest
