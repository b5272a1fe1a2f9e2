"""The rows of tickets: found, locked, changed. Locks are taken in the order that access.tickets states."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import accounts, audit, pairs, ticket_offers
from access.errors import AccessError
from access.tables_tickets import HELD_STATES, tickets
from access.tables_tickets import ticket_offers as offers


def unknown() -> AccessError:
    return AccessError(404, "unknown_ticket", "There is no such ticket.")


async def locked(connection: AsyncConnection, ticket: int) -> Row[Any] | None:
    if not 0 < ticket <= accounts.ID_MAX:
        return None
    query = select(tickets).where(tickets.c.id == ticket).with_for_update()
    return (await connection.execute(query)).one_or_none()


async def one(connection: AsyncConnection, ticket: int) -> Row[Any]:
    row: Row[Any] = (await connection.execute(select(tickets).where(tickets.c.id == ticket))).one()
    return row


async def held_by(connection: AsyncConnection, offer: int, account: int) -> Row[Any] | None:
    mine = (tickets.c.offer == offer) & (tickets.c.account == account) & tickets.c.state.in_(HELD_STATES)
    return (await connection.execute(select(tickets).where(mine))).one_or_none()


async def creator_of(connection: AsyncConnection, row: Row[Any]) -> int:
    return int((await connection.execute(select(offers.c.creator).where(offers.c.id == row.offer))).scalar_one())


async def lock_pairs(connection: AsyncConnection, creator: int, *several: int) -> None:
    """In the order of their accounts, so that two who do so never wait for each other."""
    for account in sorted(set(several)):
        await pairs.lock_pair(connection, account, creator)


async def write(connection: AsyncConnection, ticket: int, **values: Any) -> Row[Any]:
    changed = update(tickets).where(tickets.c.id == ticket).values(values).returning(tickets)
    row: Row[Any] = (await connection.execute(changed)).one()
    return row


async def move(connection: AsyncConnection, row: Row[Any], state: str, now: datetime) -> None:
    """To another state; a seat that it held is free again. Whoever moves to a held state has taken a seat before."""
    if state == row.state:
        return
    await write(connection, row.id, state=state)
    if row.state in HELD_STATES and state not in HELD_STATES:
        await ticket_offers.free_seat(connection, row.offer)
    await audit.record(
        connection, now, f"ticket.{state}", actor=None, account=row.account,
        creator=await creator_of(connection, row), id=row.id,
    )  # fmt: skip
