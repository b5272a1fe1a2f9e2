"""What time and cancelled Spaces bring to tickets. Each step is a transaction: cut off anywhere, it goes on from there."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from access import provider_tasks, ticket_rows, tickets
from access.payments import CheckoutRequest
from access.tables_tickets import ticket_offers as offers
from access.tables_tickets import tickets as rows


async def due(connection: AsyncConnection, now: datetime, limit: int) -> list[int]:
    """Reservations whose time is over and whose checkout nobody has been asked to end, and those of Spaces that are over."""
    over = (rows.c.reserved_until <= now) | offers.c.state.in_(("cancelled", "ended"))
    query = (
        select(rows.c.id)
        .join(offers, offers.c.id == rows.c.offer)
        .where(rows.c.state == "reserved", rows.c.expire_asked_at.is_(None), over)
        .where((rows.c.payment_state != "pending") | rows.c.payment_state.is_(None) | (rows.c.reserved_until <= now))
    )
    return list((await connection.execute(query.order_by(rows.c.id).limit(limit))).scalars())


async def expire(connection: AsyncConnection, ticket: int, now: datetime) -> CheckoutRequest | None:
    """Have its checkout ended: only then its seat is free. A request: whether there is one is not known; ask."""
    row = await ticket_rows.locked(connection, ticket)
    if row is None or row.state != "reserved" or row.expire_asked_at is not None:
        return None
    if row.payment_state == "pending":  # its checkout is over: nothing can be ended
        if row.reserved_until <= now:
            await ticket_rows.move(connection, row, "void", now)
        return None
    if row.provider_ref is None:
        return tickets.request(row, await ticket_rows.creator_of(connection, row))
    await provider_tasks.add(connection, row.provider, "expire", row.provider_ref, now)
    await ticket_rows.write(connection, ticket, expire_asked_at=now)
    return None


async def silent(connection: AsyncConnection, before: datetime, limit: int) -> list[tuple[int, str]]:
    """Reservations whose checkout's end was asked for before, without an answer; with the checkout."""
    query = select(rows.c.id, rows.c.provider_ref).where(rows.c.state == "reserved", rows.c.expire_asked_at < before)
    return [(row.id, row.provider_ref) for row in await connection.execute(query.order_by(rows.c.id).limit(limit))]


async def owed(connection: AsyncConnection, limit: int) -> list[int]:
    """Paid tickets of cancelled Spaces whose money nobody has asked to go back."""
    query = (
        select(rows.c.id)
        .join(offers, offers.c.id == rows.c.offer)
        .where(
            offers.c.state == "cancelled",
            rows.c.state.in_(("paid", "admitted", "disputed")),
            rows.c.refund_asked_at.is_(None),
        )
    )
    return list((await connection.execute(query.order_by(rows.c.id).limit(limit))).scalars())


async def pay_back_cancelled(connection: AsyncConnection, ticket: int, now: datetime) -> None:
    await tickets.lock(connection, ticket)
    row = await ticket_rows.one(connection, ticket)
    if row.refund_asked_at is None and row.state in ("paid", "admitted", "disputed"):
        await tickets.ask_back(connection, row, "cancelled", None, now)


async def asked_again(connection: AsyncConnection, ticket: int, now: datetime) -> None:
    await ticket_rows.write(connection, ticket, expire_asked_at=now)
