"""Stingers: the short sounds of a creator, which hosts play into his Spaces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access import accounts, audit
from access.database import read, write
from spaces.db.tables import stingers
from spaces.errors import RequestError

KEPT_MAX = 20
"""Of one creator: what a host finds on his desk without scrolling; 5 MB at most."""


@dataclass(frozen=True, slots=True)
class StoredStinger:
    id: int
    name: str
    samples: int
    """At 48 kHz."""
    made_by: int
    created_at: datetime


class Stingers:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(
        self, creator: int, name: str, samples: int, sound: bytes, by: int, space: str, now: datetime
    ) -> StoredStinger:
        """Raises RequestError(409) if there are KEPT_MAX."""
        return await write(self._engine, add, creator, name, samples, sound, by, space, now)

    async def of_creator(self, creator: int) -> list[StoredStinger]:
        """In the order in which they were added."""
        return await read(self._engine, of_creator, creator)

    async def sound(self, creator: int, stinger: int) -> tuple[StoredStinger, bytes]:
        """Raises RequestError(404)."""
        return await read(self._engine, sound_of, creator, stinger)

    async def remove(self, creator: int, stinger: int, by: int, space: str, now: datetime) -> None:
        """Raises RequestError(404)."""
        await write(self._engine, remove, creator, stinger, by, space, now)


async def add(
    connection: AsyncConnection,
    creator: int,
    name: str,
    samples: int,
    sound: bytes,
    by: int,
    space: str,
    now: datetime,
) -> StoredStinger:
    await accounts.lock(connection, creator)  # so that two at once are counted
    count = select(func.count()).where(stingers.c.account == creator)
    check_room((await connection.execute(count)).scalar_one())
    row = {
        "account": creator, "name": name, "samples": samples, "sound": sound, "made_by": by, "created_at": now,
    }  # fmt: skip
    made = (await connection.execute(insert(stingers).values(row).returning(*_SHOWN))).one()
    await audit.record(connection, now, "stinger.added", actor=by, creator=creator, space=space, id=made.id, name=name)
    return _stinger(made)


async def of_creator(connection: AsyncConnection, creator: int) -> list[StoredStinger]:
    query = select(*_SHOWN).where(stingers.c.account == creator).order_by(stingers.c.id)
    return [_stinger(row) for row in await connection.execute(query)]


async def sound_of(connection: AsyncConnection, creator: int, stinger: int) -> tuple[StoredStinger, bytes]:
    query = select(*_SHOWN, stingers.c.sound).where(stingers.c.id == stinger, stingers.c.account == creator)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise unknown_stinger()
    return _stinger(row), row.sound


async def remove(connection: AsyncConnection, creator: int, stinger: int, by: int, space: str, now: datetime) -> None:
    gone = delete(stingers).where(stingers.c.id == stinger, stingers.c.account == creator)
    if (await connection.execute(gone)).rowcount != 1:
        raise unknown_stinger()
    await audit.record(connection, now, "stinger.removed", actor=by, creator=creator, space=space, id=stinger)


def check_room(count: int) -> None:
    """Raises RequestError(409)."""
    if count >= KEPT_MAX:
        raise RequestError(409, "too_many_stingers", f"there are {KEPT_MAX} sounds already: delete one first")


def unknown_stinger() -> RequestError:
    return RequestError(404, "unknown_stinger", "there is no such sound")


_SHOWN = tuple(stingers.c[name] for name in ("id", "name", "samples", "made_by", "created_at"))


def _stinger(row: Any) -> StoredStinger:
    return StoredStinger(row.id, row.name, row.samples, row.made_by, row.created_at)
