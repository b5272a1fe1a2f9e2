"""Tickets: reserved, paid, used, given to somebody else, paid back.

    reserved ─▶ paid ─▶ admitted        void: never paid in time; its seat is free again
        │         └──────┴─▶ refunding ─▶ refunded        disputed: holds its seat until it is won or lost
        └─▶ void ─▶ paid, if a payment arrives after all and a seat is free; else ─▶ refunding

What a ticket is worth follows from its rows and its payment (`settle`), not from the news that changed them, so any order of
the news ends in the same: whoever has paid has a seat or gets his money back. Locks are taken in this order: the ticket, the
pairs of payer and holder, the books, the offer, the outbox.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import (
    accounts,
    audit,
    bans,
    charges,
    outbox,
    pairs,
    provider_tasks,
    single_payments,
    ticket_offers,
    ticket_rows,
)
from access.errors import AccessError
from access.facts import CheckoutChanged
from access.model import Account
from access.parties import Parties
from access.payments import Checkout, CheckoutRequest
from access.snapshots import ticket_terms
from access.tables import grants
from access.tables_tickets import HELD_STATES, tickets
from access.tables_tickets import ticket_offers as offers

RESERVED = timedelta(minutes=31)
"""A reservation's life. Stripe's checkouts live for half an hour at least."""
PENDING = timedelta(hours=24)
"""A seat is kept so long for a payment that was agreed to and is on its way."""
VALID = timedelta(days=3 * 365)
"""A ticket's right ends by itself then; long after its Space and its replay."""


# --- reserving


async def reserve(
    connection: AsyncConnection, account: Account, space: str, name: str, provider: str, now: datetime
) -> CheckoutRequest | int:
    """A seat held for the life of a checkout, to ask money for; or the ticket whose checkout is still open.

    403 suspended, blocked; 404 no_tickets; 409 own_space, already_holds, reservation_ending, sold_out, not_on_sale.
    """
    offer = await ticket_offers.find(connection, space)
    if offer is None:
        raise ticket_offers.no_tickets()
    if account.status != "active":
        raise AccessError(403, "suspended", "This account is suspended.")
    if account.id == offer.creator:
        raise AccessError(409, "own_space", "Nobody pays himself.")
    await pairs.lock_pair(connection, account.id, offer.creator)
    await bans.refuse_banned(connection, account.id, offer.creator, space, now)
    held = await ticket_rows.held_by(connection, offer.id, account.id)
    if held is not None:
        if held.state != "reserved" or held.payer != account.id:
            raise AccessError(409, "already_holds", "This account has a ticket for this Space.")
        if held.reserved_until <= now or held.expire_asked_at is not None:
            raise AccessError(409, "reservation_ending", "An earlier reservation is just being ended; try again.")
        return request(held, offer.creator) if held.provider_ref is None else int(held.id)
    sale = ticket_terms(offer).sale(now)
    if sale in ("closed", "not_yet"):
        raise AccessError(409, "not_on_sale", "Tickets for this Space are not on sale now.")
    if not await ticket_offers.take_seat(connection, offer.id):
        raise AccessError(409, "sold_out", "All tickets for this Space are sold or reserved.")
    row = {
        "offer": offer.id,
        "account": account.id,
        "payer": account.id,
        "state": "reserved",
        "name": name[:200],
        "amount_minor": offer.amount_minor,
        "currency": offer.currency,
        "provider": provider,
        "reserved_until": now + RESERVED,
        "created_at": now,
    }
    made = (await connection.execute(insert(tickets).values(row).returning(tickets))).one()
    await audit.record(
        connection, now, "ticket.reserved", actor=account.id, account=account.id, creator=offer.creator, id=made.id,
        space=space,
    )  # fmt: skip
    return request(made, offer.creator)


def request(row: Row[Any], creator: int) -> CheckoutRequest:
    """The same whenever it is asked for: it goes with the ticket's idempotency key."""
    return CheckoutRequest(
        purchase=f"ticket:{row.id}",
        account=row.payer,
        creator=creator,
        name=row.name,
        amount_minor=row.amount_minor,
        currency=row.currency,
        lifetime=RESERVED,
    )


async def attach_checkout(connection: AsyncConnection, ticket: int, checkout: Checkout, now: datetime) -> None:
    """The provider's answer to a request. If the ticket is void by then, its checkout is to end too."""
    row = await ticket_rows.locked(connection, ticket)
    assert row is not None
    if row.provider_ref in (None, checkout.provider_ref):
        await ticket_rows.write(connection, ticket, provider_ref=checkout.provider_ref, checkout_url=checkout.url)
    if row.state == "void":
        await provider_tasks.add(connection, row.provider, "expire", checkout.provider_ref, now)


async def never_begun(connection: AsyncConnection, ticket: int, now: datetime) -> None:
    """The provider refused to ask for its money, for good."""
    row = await ticket_rows.locked(connection, ticket)
    if row is not None and row.state == "reserved" and row.provider_ref is None:
        await ticket_rows.move(connection, row, "void", now)


async def give_up_of(connection: AsyncConnection, account: int, now: datetime) -> None:
    """Whoever is deleted keeps no seat that is not paid for. What is paid all the same goes back (`settle`)."""
    his = (tickets.c.payer == account) & (tickets.c.state == "reserved") & (tickets.c.reserved_until > now)
    await connection.execute(update(tickets).where(his).values(reserved_until=now))


# --- what the provider tells


async def lock(connection: AsyncConnection, ticket: int) -> Parties | None:
    """The ticket and the pairs of everybody whose rights it touches."""
    row = await ticket_rows.locked(connection, ticket)
    if row is None:
        return None
    creator = await ticket_rows.creator_of(connection, row)
    await ticket_rows.lock_pairs(connection, creator, row.payer, row.account)
    return Parties(row.payer, creator)


async def checkout_changed(connection: AsyncConnection, ticket: int, fact: CheckoutChanged, now: datetime) -> None:
    """After `lock`."""
    row = await ticket_rows.one(connection, ticket)
    values: dict[str, Any] = {}
    if row.provider_ref is None:
        values["provider_ref"] = fact.checkout  # told before the answer to `begin_checkout` was written down
    if row.state == "reserved":
        if fact.state in ("declined", "requires_action", "pending"):
            values["payment_state"] = fact.state
        if fact.state == "pending" and row.payment_state != "pending":
            values |= {"reserved_until": max(row.reserved_until, now + PENDING), "expire_asked_at": None}
        if fact.state == "expired":
            await ticket_rows.move(connection, row, "void", now)
    if values:
        await connection.execute(update(tickets).where(tickets.c.id == ticket).values(values))
    await settle(connection, ticket, now)


async def settle(connection: AsyncConnection, ticket: int, now: datetime) -> None:
    """After `lock`: what the ticket's payment and its rows make of it. Says nothing if nothing changed."""
    paid = await single_payments.of_purchase(connection, f"ticket:{ticket}")
    if not paid:
        return
    for again in paid[1:]:
        await single_payments.pay_back(connection, again, now)
    lost = await charges.voided_at(connection, paid[0])
    row = await ticket_rows.one(connection, ticket)
    if row.state in ("reserved", "void") and await accounts.any_deleted(connection, row.account):
        gone = {"refund_asked_at": row.refund_asked_at or now, "refund_reason": row.refund_reason or "cancelled"}
        row = await ticket_rows.write(connection, row.id, **gone)  # nobody can have it
    if lost is None and row.refund_asked_at is None:
        row = await _seat(connection, row, now)
    if lost is not None:
        disputed = row.state in HELD_STATES and await single_payments.is_disputed(connection, paid[0])
        state = "disputed" if disputed else "refunded"
    elif row.refund_asked_at is not None:
        state = "refunding"
        await single_payments.pay_back(connection, paid[0], now)
    else:
        state = "paid" if row.admitted_at is None else "admitted"
    await _settle_grant(connection, row, state, min(paid[0].paid_at, now), lost, now)
    await ticket_rows.move(connection, row, state, now)


async def _seat(connection: AsyncConnection, row: Row[Any], now: datetime) -> Row[Any]:
    """It is paid: it keeps its seat, or takes a free one, or the money is to go back."""
    offer = (await connection.execute(select(offers).where(offers.c.id == row.offer).with_for_update())).one()
    reason = None
    if row.state in ("reserved", "void", "refunded") and offer.state in ("cancelled", "ended"):
        reason = str(offer.state)
    elif row.state not in HELD_STATES:
        if await ticket_rows.held_by(connection, row.offer, row.account) is not None:
            reason = "held"
        elif await ticket_offers.take_seat(connection, row.offer):
            return await ticket_rows.write(connection, row.id, state="reserved")
        else:
            reason = "sold_out"
    return (
        row
        if reason is None
        else await ticket_rows.write(connection, row.id, refund_asked_at=now, refund_reason=reason)
    )


async def _settle_grant(
    connection: AsyncConnection, row: Row[Any], state: str, start: datetime, lost: datetime | None, now: datetime
) -> None:
    effective = state in ("paid", "admitted")
    creator = await ticket_rows.creator_of(connection, row)
    if row.grant is not None:
        revoked_at = None if effective else min(at for at in (row.refund_asked_at, lost, now) if at is not None)
        await single_payments.settle_grant(connection, row.grant, revoked_at, row.account, creator, now)
    elif effective:
        await give_right(connection, row.id, row.account, creator, start, now)
        await outbox.publish_rights_changed(connection, row.account, creator, now)


async def give_right(
    connection: AsyncConnection, ticket: int, account: int, creator: int, start: datetime, now: datetime
) -> None:
    space = select(offers.c.space).join(tickets, tickets.c.offer == offers.c.id).where(tickets.c.id == ticket)
    row = {
        "account": account,
        "creator": creator,
        "source": "ticket",
        "space": (await connection.execute(space)).scalar_one(),
        "start": start,
        "end": start + VALID,
        "epoch": await pairs.current_epoch(connection, account, creator),
        "created_at": now,
    }
    made = (await connection.execute(insert(grants).values(row).returning(grants.c.id))).scalar_one()
    await connection.execute(update(tickets).where(tickets.c.id == ticket).values(grant=made))


async def ask_back(connection: AsyncConnection, row: Row[Any], reason: str, actor: int | None, now: datetime) -> None:
    await ticket_rows.write(connection, row.id, refund_asked_at=now, refund_reason=reason)
    await audit.record(
        connection, now, "ticket.refund_asked", actor=actor, account=row.account,
        creator=await ticket_rows.creator_of(connection, row), id=row.id, reason=reason,
    )  # fmt: skip
    await settle(connection, row.id, now)
