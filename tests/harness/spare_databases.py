"""Databases of PostgreSQL that tests are done with, made empty and given to others: a fresh copy of the template is a thousand
files, made and removed.

A database comes back only if all its tables, columns, constraints and triggers are those of the template: what a test has
altered is dropped.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy.engine import make_url

USES_MAX = 25
"""Rows that were deleted stay in the files (nobody vacuums here), and slow down who reads past them."""
END_SECONDS_MAX = 5.0
"""For connections that are broken off."""

SHAPE = """
SELECT md5(string_agg(one, ';' ORDER BY one)) FROM (
    SELECT concat_ws(':', 'class', oid, relname, relkind) FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(':', 'column', attrelid, attnum, attname, atttypid, attnotnull) FROM pg_attribute
        JOIN pg_class ON pg_class.oid = attrelid WHERE relnamespace = 'public'::regnamespace AND attnum > 0
    UNION ALL SELECT concat_ws(':', 'constraint', oid, conname, convalidated) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(':', 'trigger', pg_trigger.oid, tgname, tgenabled) FROM pg_trigger
    UNION ALL SELECT concat_ws(':', 'function', oid, md5(prosrc)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
) AS all_of_it (one)
"""
USED = """
SELECT quote_ident(relname) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
"""
RESTART = """
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) FROM pg_sequences
WHERE last_value IS NOT NULL
"""
OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@dataclass
class Spares:
    """Copies of one template. `server`: where databases may be made."""

    server: str
    template: str
    _free: list[tuple[str, int]] = field(default_factory=list)
    _kept: frozenset[str] | None = None
    """Tables that have rows in the template."""
    _shape: str = ""

    @asynccontextmanager
    async def one(self) -> AsyncIterator[str]:
        """Its name. Empty, but for what the template has."""
        name, uses = self._free.pop() if self._free else (await self._copy(), 0)
        yield name
        if uses + 1 < USES_MAX and await self._empty(name):
            self._free.append((name, uses + 1))
        else:
            await self._on(None, f"DROP DATABASE {name} WITH (FORCE)")

    async def _copy(self) -> str:
        if self._kept is None:
            connection = await self._connect(self.template)
            self._shape = await connection.fetchval(SHAPE)
            self._kept = frozenset(row[0] for row in await connection.fetch(USED))
            await connection.close()
        name = f"test_{secrets.token_hex(6)}"
        # copying is quickest where fsync is off
        await self._on(None, f"CREATE DATABASE {name} TEMPLATE {self.template} STRATEGY FILE_COPY")
        return name

    async def _empty(self, name: str) -> bool:
        """False: it is not as it was."""
        assert self._kept is not None
        connection = await self._connect(name)
        try:
            await self._alone(connection)
            if await connection.fetchval(SHAPE) != self._shape:
                return False
            used = [row[0] for row in await connection.fetch(USED)]
            await connection.execute("SET session_replication_role = replica")  # triggers and references rest meanwhile
            emptied = "; ".join(f"DELETE FROM {table}" for table in used if table not in self._kept)
            if emptied:  # the driver cannot bear an empty statement
                await connection.execute(emptied)
            await connection.execute(RESTART)
        finally:
            await connection.close()
        return True

    @staticmethod
    async def _alone(connection: asyncpg.Connection) -> None:
        async with asyncio.timeout(END_SECONDS_MAX):
            while await connection.fetchval(f"SELECT count(pg_terminate_backend(pid)) {OTHERS}"):  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def _on(self, database: str | None, statement: str) -> None:
        connection = await self._connect(database)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def _connect(self, database: str | None) -> asyncpg.Connection:
        address = make_url(self.server)
        if database is not None:
            address = address.set(database=database)
        return await asyncpg.connect(address.set(drivername="postgresql").render_as_string(hide_password=False))
