"""What is asked for a ticket of a Space, how many there are, and the count of those that are taken.

`taken` is the one truth about free seats: it is changed by single statements that the database serialises, and a constraint
keeps it within the quantity. Its row is locked after the ticket's, the pair's and the books', and before the outbox.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import audit, creators, fields, money
from access.database import insert_or_ignore
from access.errors import AccessError
from access.model import Account
from access.money import EXPONENTS
from access.snapshots import ticket_terms
from access.tables_tickets import ticket_offers
from access.ticket_rights import TicketTerms

PRICE_MIN, PRICE_MAX = 1, 999
"""In whole units of the currency, as US$1–999; of one without small coins in hundreds, as ¥100–99,900."""
QUANTITY_MAX = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the creator says. `open` False: nothing is sold for now."""

    amount_minor: int
    currency: str
    quantity: int
    sale_start: datetime | None = None
    sale_end: datetime | None = None
    open: bool = True


async def put(
    connection: AsyncConnection, actor: Account, space: str, creator: int, settings: Settings, now: datetime
) -> TicketTerms:
    """Make the offer or change it; reservations keep their price. 403 not_creator; 409 offer_over; 422."""
    await creators.require_member(connection, creator, actor, creators.FINANCE_ROLES)
    values = _checked(settings) | {"changed_at": now}
    new = values | {"space": space, "creator": creator, "taken": 0, "created_at": now}
    made = insert_or_ignore(connection, ticket_offers).values(new).returning(ticket_offers)
    row = (await connection.execute(made)).one_or_none()
    if row is None:
        row = await _change(connection, space, creator, values)
    await audit.record(
        connection, now, "ticket_offer.set", actor=actor.id, creator=creator, space=space,
        amount_minor=row.amount_minor, currency=row.currency, quantity=row.quantity, state=row.state,
    )  # fmt: skip
    return ticket_terms(row)


async def _change(connection: AsyncConnection, space: str, creator: int, values: dict[str, Any]) -> Row[Any]:
    held = await find(connection, space, lock=True)
    assert held is not None
    if held.creator != creator:
        raise AccessError(403, "not_creator", "Only the creator may do this.")
    if held.state in ("ended", "cancelled"):
        raise AccessError(409, "offer_over", f"This Space is {held.state}.")
    if values["quantity"] < held.taken:
        raise fields.bad_field("quantity", f"{held.taken} are sold or reserved")
    if values["currency"] != held.currency and held.taken:
        raise fields.bad_field("currency", "stays as it is once tickets are sold or reserved")
    changed = update(ticket_offers).where(ticket_offers.c.id == held.id).values(values).returning(ticket_offers)
    row: Row[Any] = (await connection.execute(changed)).one()
    return row


def _checked(settings: Settings) -> dict[str, Any]:
    amount, currency = money.price(settings.amount_minor, settings.currency)
    unit = max(10 ** EXPONENTS[currency], 100)
    fields.between(amount, "amount_minor", PRICE_MIN * unit, PRICE_MAX * unit)
    fields.between(settings.quantity, "quantity", 1, QUANTITY_MAX)
    start, end = settings.sale_start, settings.sale_end
    for value, field in ((start, "sale_start"), (end, "sale_end")):
        if value is not None and not fields.MOMENT_MIN < value < fields.MOMENT_MAX:
            raise fields.bad_field(field, "a year from 1970 to 9998")
    if start is not None and end is not None and end <= start:
        raise fields.bad_field("sale_end", "after sale_start")
    return {
        "amount_minor": amount,
        "currency": currency,
        "quantity": settings.quantity,
        "sale_start": start,
        "sale_end": end,
        "state": "on_sale" if settings.open else "paused",
    }


async def find(connection: AsyncConnection, space: str, *, lock: bool = False) -> Row[Any] | None:
    query = select(ticket_offers).where(ticket_offers.c.space == space)
    return (await connection.execute(query.with_for_update() if lock else query)).one_or_none()


async def get(connection: AsyncConnection, space: str) -> TicketTerms:
    """404 no_tickets."""
    row = await find(connection, space)
    if row is None:
        raise no_tickets()
    return ticket_terms(row)


async def close(connection: AsyncConnection, space: str, state: str, now: datetime) -> None:
    """The Space is `ended` or `cancelled`: nothing is sold from here on. Of a cancelled one everything is paid back."""
    mine = (ticket_offers.c.space == space) & ticket_offers.c.state.in_(("on_sale", "paused"))
    closed = update(ticket_offers).where(mine).values(state=state, changed_at=now).returning(ticket_offers.c.creator)
    creator = (await connection.execute(closed)).scalar_one_or_none()
    if creator is not None:
        await audit.record(connection, now, f"ticket_offer.{state}", actor=None, creator=creator, space=space)


async def take_seat(connection: AsyncConnection, offer: int) -> bool:
    """One more is taken, if one is free and the Space is still to be."""
    free = (
        (ticket_offers.c.id == offer)
        & (ticket_offers.c.taken < ticket_offers.c.quantity)
        & ticket_offers.c.state.in_(("on_sale", "paused"))
    )
    taken = update(ticket_offers).where(free).values(taken=ticket_offers.c.taken + 1)
    return (await connection.execute(taken)).rowcount == 1


async def free_seat(connection: AsyncConnection, offer: int) -> None:
    freed = update(ticket_offers).where(ticket_offers.c.id == offer).values(taken=ticket_offers.c.taken - 1)
    await connection.execute(freed)


def no_tickets() -> AccessError:
    return AccessError(404, "no_tickets", "There are no tickets for this Space.")
