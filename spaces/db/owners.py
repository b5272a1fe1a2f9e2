"""Which node of several has a Space, in the database: numbers that only grow, and writes of the holder of the newest alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access.database import read, upsert, write
from spaces.db.tables import spaces
from spaces.db.tables_owners import space_owners

SPACE_ID = re.compile(r"[a-zA-Z0-9]{1,13}")


class FencedError(Exception):
    """Another node has this Space, by a larger number."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database knows of who has a Space."""

    space: str
    state: str
    fence: int
    """The newest; 0: no node ever had it."""
    clean: bool
    """Nobody has it, or has died with it."""


class Owners:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def take(self, space: str, fence: int, node: str, now: datetime) -> bool:
        """This number is the newest from now on. Whether nobody can be on air by an older one. Raises FencedError."""
        return await write(self._engine, take, space, fence, node, now)

    async def newest(self, spaces: Iterable[str]) -> dict[str, int]:
        """Of those that a node has ever had."""
        return await read(self._engine, newest, list(spaces))

    async def standing(self, space: str) -> Standing | None:
        """None: there is no such Space."""
        if not SPACE_ID.fullmatch(space):
            return None
        return await read(self._engine, standing, space)

    async def abandoned(self, alive: Iterable[str]) -> list[Standing]:
        """Live Spaces that none of these nodes has."""
        return await read(self._engine, abandoned, list(alive))

    async def release(self, space: str, fence: int, now: datetime) -> None:
        """Whoever holds that number is gone, and says so."""
        await write(self._engine, release, space, fence, now)


async def take(connection: AsyncConnection, space: str, fence: int, node: str, now: datetime) -> bool:
    found = select(space_owners).where(space_owners.c.space == space).with_for_update()
    before = (await connection.execute(found)).one_or_none()
    if before is not None and before.fence >= fence:
        raise FencedError(f"{space}: {before.fence} is newer than {fence}")
    row = {"fence": fence, "node": node, "taken_at": now, "released_at": None}
    new = upsert(connection, space_owners).values(space=space, **row)
    newer = new.excluded.fence > space_owners.c.fence
    taken = new.on_conflict_do_update(index_elements=["space"], set_=row, where=newer).returning(space_owners.c.fence)
    if (await connection.execute(taken)).first() is None:  # two have begun at once, and this one has the smaller number
        raise FencedError(f"{space}: {fence} is not the newest")
    return before is None or before.released_at is not None


async def newest(connection: AsyncConnection, spaces: list[str]) -> dict[str, int]:
    query = select(space_owners.c.space, space_owners.c.fence).where(space_owners.c.space.in_(spaces))
    return {row.space: row.fence for row in await connection.execute(query)}


_STANDING = select(
    spaces.c.id, spaces.c.state, space_owners.c.fence, space_owners.c.node, space_owners.c.released_at
).select_from(spaces.outerjoin(space_owners, space_owners.c.space == spaces.c.id))


def _read_standing(row: Any) -> Standing:
    return Standing(row.id, row.state, row.fence or 0, row.fence is None or row.released_at is not None)


async def standing(connection: AsyncConnection, space: str) -> Standing | None:
    row = (await connection.execute(_STANDING.where(spaces.c.id == space))).one_or_none()
    return None if row is None else _read_standing(row)


async def abandoned(connection: AsyncConnection, alive: list[str]) -> list[Standing]:
    nobodys = space_owners.c.node.is_(None) | space_owners.c.released_at.is_not(None)
    query = _STANDING.where(spaces.c.state == "live", nobodys | space_owners.c.node.not_in(alive))
    return [_read_standing(row) for row in await connection.execute(query)]


async def release(connection: AsyncConnection, space: str, fence: int, now: datetime) -> None:
    mine = (space_owners.c.space == space) & (space_owners.c.fence == fence)
    await connection.execute(update(space_owners).where(mine).values(released_at=now))


async def check(connection: AsyncConnection, space: str, fence: int) -> None:
    """In the transaction of a holder's write, which so comes before a larger number or not at all. Raises FencedError."""
    mine = (space_owners.c.space == space) & (space_owners.c.fence == fence)
    held = await connection.execute(update(space_owners).where(mine).values(fence=fence))
    if not held.rowcount:
        raise FencedError(f"{space}: {fence} is not the newest")
