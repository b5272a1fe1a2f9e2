"""What people do with tickets: pay, give a reservation up, give a ticket to somebody else, pay it back, use it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import audit, bans, creators, outbox, pairs, ticket_rows, tickets
from access.errors import AccessError
from access.model import Account
from access.tables import grants
from access.tables_tickets import ticket_offers as offers
from access.tables_tickets import tickets as rows


async def allow_payment(connection: AsyncConnection, ref: str, now: datetime) -> int:
    """May this checkout be paid now? Its ticket's id. 404; 403 blocked, or suspended; 409 checkout_closed."""
    found = (await connection.execute(select(rows.c.id).where(rows.c.provider_ref == ref))).scalar_one_or_none()
    if found is None or (parties := await tickets.lock(connection, found)) is None:
        raise ticket_rows.unknown()
    row = await ticket_rows.one(connection, found)
    if row.state in ("paid", "admitted"):
        return int(row.id)  # this very payment, told again
    if row.state != "reserved" or row.expire_asked_at is not None:
        raise AccessError(409, "checkout_closed", "This checkout is closed; begin again.")
    space = (await connection.execute(select(offers.c.space).where(offers.c.id == row.offer))).scalar_one()
    await bans.refuse_banned(connection, row.payer, parties.creator, space, now)
    return int(row.id)


async def give_up(connection: AsyncConnection, actor: Account, ticket: int, now: datetime) -> None:
    """End a reservation before its time; its seat is free when its checkout is. Idempotent. 404; 409 bad_state."""
    row = await ticket_rows.locked(connection, ticket)
    if row is None or row.payer != actor.id:
        raise ticket_rows.unknown()
    if row.state == "void":
        return
    if row.state != "reserved" or row.payment_state == "pending":
        raise AccessError(409, "bad_state", "This ticket is paid for.")
    await ticket_rows.write(connection, ticket, reserved_until=min(row.reserved_until, now))


async def transfer(connection: AsyncConnection, actor: Account, ticket: int, to: Account, now: datetime) -> None:
    """Give an unused ticket to another account. 403 blocked; 404; 409 ticket_used, bad_state, already_holds, own_space."""
    row = await ticket_rows.locked(connection, ticket)
    if row is None or row.account != actor.id:
        raise ticket_rows.unknown()
    creator = await ticket_rows.creator_of(connection, row)
    await ticket_rows.lock_pairs(connection, creator, actor.id, to.id)
    if row.state == "admitted":
        raise AccessError(409, "ticket_used", "This ticket has been used.")
    if row.state != "paid":
        raise AccessError(409, "bad_state", f"This ticket is {row.state}.")
    if to.id == creator:
        raise AccessError(409, "own_space", "The creator needs no ticket.", "account")
    if to.status != "active":
        raise AccessError(409, "bad_account", "This account cannot hold a ticket.", "account")
    space = (await connection.execute(select(offers.c.space).where(offers.c.id == row.offer))).scalar_one()
    for somebody in (actor, to):
        await bans.refuse_banned(connection, somebody.id, creator, space, now)
    if await ticket_rows.held_by(connection, row.offer, to.id) is not None:
        raise AccessError(409, "already_holds", "This account has a ticket for this Space.", "account")
    await connection.execute(update(grants).where(grants.c.id == row.grant).values(revoked_at=now))
    await pairs.take_away(connection, actor.id, creator)
    await ticket_rows.write(connection, ticket, account=to.id, grant=None)
    await tickets.give_right(connection, ticket, to.id, creator, now, now)
    await audit.record(
        connection, now, "ticket.transferred", actor=actor.id, account=to.id, creator=creator, id=ticket, space=space
    )
    for somebody in (actor, to):
        await outbox.publish_rights_changed(connection, somebody.id, creator, now)


async def pay_back(connection: AsyncConnection, actor: Account, ticket: int, now: datetime) -> None:
    """By the creator: the right ends now, the money goes back. Idempotent. 404; 409 bad_state."""
    parties = await tickets.lock(connection, ticket)
    if parties is None or not await creators.is_member(connection, parties.creator, actor, creators.FINANCE_ROLES):
        raise ticket_rows.unknown()
    row = await ticket_rows.one(connection, ticket)
    if row.state in ("refunding", "refunded"):
        return
    if row.state not in ("paid", "admitted"):
        raise AccessError(409, "bad_state", f"This ticket is {row.state}.")
    await tickets.ask_back(connection, row, "creator", actor.id, now)


async def use(connection: AsyncConnection, grant: int, now: datetime) -> bool:
    """Somebody is admitted on this grant of a ticket alone: it is used now. False: it has changed hands meanwhile."""
    mine = (rows.c.grant == grant) & rows.c.state.in_(("paid", "admitted"))
    row = (await connection.execute(select(rows).where(mine).with_for_update())).one_or_none()
    if row is not None and row.state == "paid":
        await ticket_rows.write(connection, row.id, admitted_at=now)
        await ticket_rows.move(connection, row, "admitted", now)
    return row is not None
