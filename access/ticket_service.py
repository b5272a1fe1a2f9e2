"""Tickets from outside: each act is one transaction, and the provider is spoken to between transactions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from access import (
    creators,
    dealings,
    fields,
    refund_requests,
    ticket_acts,
    ticket_offers,
    ticket_rows,
    ticket_upkeep,
    tickets,
)
from access.database import read, write
from access.dealings import Dealings
from access.embedded_agreements import TEST_MONEY
from access.embedded_money import OUTCOMES
from access.errors import AccessError
from access.model import Account
from access.money_model import RefundRequest
from access.payments import CheckoutRequest, PaymentProvider, ProviderError
from access.tables_tickets import BOUGHT_STATES, HELD_STATES
from access.tables_tickets import ticket_offers as offers
from access.tables_tickets import tickets as rows
from access.ticket_model import Buyer, SoldTicket
from access.ticket_offers import Settings
from access.ticket_rights import TicketTerms

SILENCE = timedelta(minutes=10)
"""A checkout whose end was asked for so long ago without an answer is asked about."""
AT_ONCE_MAX = 50
LISTED_MAX = 1_000


class Tickets:
    def __init__(self, desk: Dealings) -> None:
        self._desk = desk
        desk.jobs.append(self.keep_time)

    # --- the offer
    async def set_offer(self, actor: Account, space: str, creator: int, settings: Settings) -> TicketTerms:
        """403 not_creator; 409 offer_over; 422."""
        desk = self._desk
        return await write(desk.engine, ticket_offers.put, actor, space, creator, settings, desk.now())

    async def offer(self, space: str) -> TicketTerms:
        """404 no_tickets."""
        return await read(self._desk.engine, ticket_offers.get, space)

    def sale(self, terms: TicketTerms) -> str:
        """on_sale, sold_out, not_yet or closed, as of now."""
        return terms.sale(self._desk.now())

    # --- buying
    async def buy(self, account: Account, space: str, *, name: str) -> SoldTicket:
        """Reserve a seat and begin a checkout; or the open one that this account has. `name`: what the payer reads.

        403 suspended, blocked; 404 no_tickets; 409 own_space, already_holds, reservation_ending, sold_out, not_on_sale; 503.
        """
        desk = self._desk
        begun = await write(desk.engine, tickets.reserve, account, space, name, desk.provider.name, desk.now())
        if isinstance(begun, int):
            return await self._one(begun)
        return await self._begin(begun)

    async def _begin(self, request: CheckoutRequest) -> SoldTicket:
        """Asked again with the same key it is the same checkout, so nothing is lost with a connection or a process."""
        desk = self._desk
        ticket = int(request.purchase.partition(":")[2])
        try:
            checkout = await desk.provider.begin_checkout(request, key=f"begin:{request.purchase}", now=desk.now())
        except ProviderError as error:
            if not error.may_pass:
                await write(desk.engine, tickets.never_begun, ticket, desk.now())
            raise
        await write(desk.engine, tickets.attach_checkout, ticket, checkout, desk.now())
        return await self._one(ticket)

    async def checkout(self, ref: str) -> SoldTicket | None:
        """What the address `…/pay/{ref}` asks money for, if it is a ticket."""
        found = await self._get(rows.c.provider_ref == ref) if fields.is_storable(ref) else []
        return found[0] if found and found[0].provider == TEST_MONEY else None

    async def pay(self, ref: str, outcome: str) -> SoldTicket:
        """Test money only: `succeed`, `decline`, `requires_action` or `pays_later`. 403; 404; 409 checkout_closed; 422."""
        fields.choice(outcome, "outcome", OUTCOMES)
        if self._desk.provider.name != TEST_MONEY:
            raise AccessError(409, "checkout_closed", "Test money is not taken here any more.")
        return await self._one(await write(self._desk.engine, _pay, ref, outcome, self._desk))

    async def give_up(self, account: Account, ticket: int) -> SoldTicket:
        """End a reservation before its time. 404; 409 bad_state."""
        await write(self._desk.engine, ticket_acts.give_up, account, ticket, self._desk.now())
        await self.keep_time(self._desk.now())
        return await self._one(ticket)

    # --- having
    async def transfer(self, actor: Account, ticket: int, to: Account) -> SoldTicket:
        """404; 403 blocked; 409 ticket_used, bad_state, already_holds, own_space, bad_account."""
        await write(self._desk.engine, ticket_acts.transfer, actor, ticket, to, self._desk.now())
        return await self._one(ticket)

    async def refund(self, actor: Account, ticket: int) -> SoldTicket:
        """By the creator; the whole of it. 404; 409 bad_state."""
        await write(self._desk.engine, ticket_acts.pay_back, actor, ticket, self._desk.now())
        await self._desk.work_off()
        return await self._one(ticket)

    async def of_account(self, account: Account, *, before: int | None = None) -> list[SoldTicket]:
        """What it has or has paid for, the newest first, LISTED_MAX at most; `before` that ticket."""
        mine = (rows.c.account == account.id) | (rows.c.payer == account.id)
        return await self._get(mine if before is None else mine & (rows.c.id < before))

    async def of_space(
        self, actor: Account, space: str, creator: int, *, before: int | None = None
    ) -> list[SoldTicket]:
        """Every ticket that was ever paid, the newest first, LISTED_MAX at most; `before` that ticket. 403 not_creator."""
        desk = self._desk
        return await read(desk.engine, _of_space, actor, space, creator, before, desk.provider)

    async def buyers(self, actor: Account, space: str, creator: int, *, after: int, most: int) -> list[Buyer]:
        """Who has paid for a ticket and not had it back, in the order of their first; `after` that ticket. 403 not_creator."""
        return await read(self._desk.engine, _buyers, actor, space, creator, after, most)

    async def are_held(self, space: str) -> bool:
        """Whether somebody has a ticket or a reservation: then tickets go on admitting."""
        mine = (offers.c.space == space) & rows.c.state.in_(HELD_STATES)
        return bool(await read(self._desk.engine, _get, mine, self._desk.provider, 1))

    # --- time
    async def keep_time(self, now: datetime) -> None:
        """End reservations whose time is over and pay cancelled Spaces back. Begun anywhere, it goes on from there."""
        desk = self._desk
        for ticket in await read(desk.engine, ticket_upkeep.due, now, AT_ONCE_MAX):
            request = await write(desk.engine, ticket_upkeep.expire, ticket, now)
            if request is not None and await self._find_checkout(request):
                await write(desk.engine, ticket_upkeep.expire, ticket, now)
        for ticket in await read(desk.engine, ticket_upkeep.owed, AT_ONCE_MAX):
            await write(desk.engine, ticket_upkeep.pay_back_cancelled, ticket, now)
        for ticket, ref in await read(desk.engine, ticket_upkeep.silent, now - SILENCE, AT_ONCE_MAX):
            await write(desk.engine, ticket_upkeep.asked_again, ticket, now)
            await desk.take(await desk.provider.fetch("checkout", ref, now=now), now)
        await desk.work_off(now)

    async def _find_checkout(self, request: CheckoutRequest) -> bool:
        """Of a reservation that was cut off before the answer. Whether that is settled."""
        try:
            await self._begin(request)
        except ProviderError as error:
            return not error.may_pass
        return True

    async def _get(self, condition: Any) -> list[SoldTicket]:
        return await read(self._desk.engine, _get, condition, self._desk.provider, LISTED_MAX)

    async def _one(self, ticket: int) -> SoldTicket:
        found = await self._get(rows.c.id == ticket)
        if not found:
            raise ticket_rows.unknown()
        return found[0]


async def _pay(connection: AsyncConnection, ref: str, outcome: str, desk: Dealings) -> int:
    ticket = await ticket_acts.allow_payment(connection, ref, desk.now())
    await dealings.answer_checkout(connection, ref, outcome, desk.terms, desk.now())
    return ticket


async def _of_space(
    connection: AsyncConnection, actor: Account, space: str, creator: int, before: int | None, provider: PaymentProvider
) -> list[SoldTicket]:
    await creators.require_member(connection, creator, actor, creators.FINANCE_ROLES)
    mine = (offers.c.space == space) & (offers.c.creator == creator) & rows.c.state.not_in(("reserved", "void"))
    if before is not None:
        mine &= rows.c.id < before
    return await _get(connection, mine, provider, LISTED_MAX)


async def _buyers(
    connection: AsyncConnection, actor: Account, space: str, creator: int, after: int, most: int
) -> list[Buyer]:
    await creators.require_member(connection, creator, actor, creators.FINANCE_ROLES)
    first = func.min(rows.c.id).label("first")
    query = (
        select(rows.c.payer, first)
        .join(offers, offers.c.id == rows.c.offer)
        .where(offers.c.space == space, offers.c.creator == creator, rows.c.state.in_(BOUGHT_STATES))
        .group_by(rows.c.payer)
        .having(first > after)
        .order_by(first)
        .limit(most)
    )
    return [Buyer(row.payer, row.first) for row in await connection.execute(query)]


async def _get(connection: AsyncConnection, condition: Any, provider: PaymentProvider, limit: int) -> list[SoldTicket]:
    query = select(rows, offers.c.space, offers.c.creator).join(offers, offers.c.id == rows.c.offer).where(condition)
    found = (await connection.execute(query.order_by(rows.c.id.desc()).limit(limit))).all()
    asked = await refund_requests.of_purchases(connection, [f"ticket:{row.id}" for row in found])
    return [_sold(row, provider, asked.get(f"ticket:{row.id}", [])) for row in found]


def _sold(row: Row[Any], provider: PaymentProvider, refunds_asked: list[RefundRequest]) -> SoldTicket:
    payable = row.state == "reserved" and row.expire_asked_at is None and row.provider == provider.name
    url = None
    if payable and row.provider_ref is not None:
        url = row.checkout_url or provider.checkout_url(row.provider_ref)
    return SoldTicket(
        id=row.id,
        space=row.space,
        creator=row.creator,
        account=row.account,
        payer=row.payer,
        state=row.state,
        name=row.name,
        amount_minor=row.amount_minor,
        currency=row.currency,
        provider=row.provider,
        reserved_until=row.reserved_until,
        payment_state=row.payment_state,
        refund_reason=row.refund_reason,
        refunds_asked=refunds_asked,
        admitted_at=row.admitted_at,
        created_at=row.created_at,
        checkout_url=url,
    )
