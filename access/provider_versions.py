"""Versions for objects to which a provider gives none, so that of two looks at one the newer stands.

A look is numbered before it is begun. Whatever had happened by then it sees, and what happens later is told of by an event,
after which there is a look with a greater number. So the look with the greatest number is believed, and if an older one comes
home late it is not. The version is the number of the look that first saw the object as it is: to see the same again is no news.
No clock is in it.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access.database import insert_or_ignore
from access.tables_payments import provider_objects


async def draw(connection: AsyncConnection, provider: str, ref: str) -> int:
    """The number of a look that begins now."""
    new = {"provider": provider, "ref": ref, "drawn": 0, "seen": 0, "version": 0, "sha256": ""}
    await connection.execute(insert_or_ignore(connection, provider_objects).values(new))
    drawn = provider_objects.c.drawn
    statement = update(provider_objects).where(_is(provider, ref)).values(drawn=drawn + 1).returning(drawn)
    return int((await connection.execute(statement)).scalar_one())


async def observe(connection: AsyncConnection, provider: str, ref: str, look: int, seen: str) -> int | None:
    """The version of what a look saw; None: a newer look has seen something since."""
    query = select(provider_objects).where(_is(provider, ref)).with_for_update()
    row = (await connection.execute(query)).one()
    if look < row.seen:
        return None
    digest = hashlib.sha256(seen.encode()).hexdigest()
    version = int(row.version) if digest == row.sha256 else look
    values = {"seen": look, "version": version, "sha256": digest}
    await connection.execute(update(provider_objects).where(_is(provider, ref)).values(values))
    return version


def _is(provider: str, ref: str) -> ColumnElement[bool]:
    return (provider_objects.c.provider == provider) & (provider_objects.c.ref == ref)
