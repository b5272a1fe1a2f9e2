"""Gifts from outside: each act is one transaction, and the provider is spoken to between transactions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from access import creators, dealings, fields, follows, gift_acts, gift_rows, gifts
from access.database import read, write
from access.dealings import Dealings
from access.embedded_agreements import TEST_MONEY
from access.embedded_money import OUTCOMES
from access.errors import AccessError
from access.gift_model import Gift
from access.model import Account, Creator
from access.payments import CheckoutRequest, PaymentProvider, ProviderError
from access.tables_tickets import gifts as rows

GIVEN = ("paid", "redeemed")
"""States in which whom it is for is told of it."""


class Gifts:
    def __init__(self, desk: Dealings) -> None:
        self._desk = desk
        desk.jobs.append(self.keep_time)

    # --- giving
    async def buy(
        self,
        giver: Account,
        creator: Creator,
        *,
        tier: int,
        intervals: int,
        recipient: Account | None = None,
        currency: str | None = None,
        interval: str | None = None,
    ) -> Gift:
        """Begin a checkout. `recipient` None: for whoever redeems its link.

        403 suspended, blocked; 404 unknown_tier; 409 own_tier, own_gift, bad_account, not_on_sale, too_many_unpaid; 422; 503.
        """
        desk = self._desk
        wanted = (currency, interval)
        begun = await write(desk.engine, _begin, giver, creator, tier, wanted, intervals, recipient, desk)
        gift = int(begun.purchase.partition(":")[2])
        try:
            checkout = await desk.provider.begin_checkout(begun, key=f"begin:{begun.purchase}", now=desk.now())
        except ProviderError:
            await write(desk.engine, gifts.never_begun, gift, desk.now())
            raise
        await write(desk.engine, gifts.attach_checkout, gift, checkout, desk.now())
        return await self._one(gift)

    async def checkout(self, ref: str) -> Gift | None:
        """What the address `…/pay/{ref}` asks money for, if it is a gift."""
        found = await self._get(rows.c.provider_ref == ref) if fields.is_storable(ref) else []
        return found[0] if found and found[0].provider == TEST_MONEY else None

    async def pay(self, ref: str, outcome: str) -> Gift:
        """Test money only: `succeed`, `decline`, `requires_action` or `pays_later`. 403; 404; 409 checkout_closed; 422."""
        fields.choice(outcome, "outcome", OUTCOMES)
        if self._desk.provider.name != TEST_MONEY:
            raise AccessError(409, "checkout_closed", "Test money is not taken here any more.")
        return await self._one(await write(self._desk.engine, _pay, ref, outcome, self._desk))

    async def make_link(self, giver: Account, gift: int) -> tuple[str, Gift]:
        """A code that redeems it once, instead of the one before. 404; 409 bad_state."""
        code = await write(self._desk.engine, gift_acts.make_link, giver, gift, self._desk.now())
        return code, await self._one(gift)

    async def refund(self, actor: Account, gift: int) -> Gift:
        """By the giver while it is not redeemed, by the creator at any time; the whole of it. 404; 409."""
        await write(self._desk.engine, gift_acts.pay_back, actor, gift, self._desk.now())
        await self._desk.work_off()
        return await self._one(gift)

    # --- having
    async def look(self, code: str) -> Gift:
        """What a link gives. 404 unknown_code; 409 bad_state, gift_redeemed; 410 code_expired."""
        return await self._one(await read(self._desk.engine, gift_acts.look, code, self._desk.now()))

    async def redeem_code(self, account: Account, code: str) -> Gift:
        """403 suspended, blocked, not_yours; 404; 409 gift_redeemed, still_subscribed, already_given; 410 code_expired."""
        return await self._one(await write(self._desk.engine, gift_acts.redeem_code, account, code, self._desk.now()))

    async def redeem_own(self, account: Account, gift: int) -> Gift:
        """By the account that it is for. 403; 404; 409 gift_redeemed, still_subscribed, already_given."""
        await write(self._desk.engine, gift_acts.redeem_own, account, gift, self._desk.now())
        return await self._one(gift)

    # --- reading
    async def of_account(self, account: Account, *, before: int | None = None) -> list[Gift]:
        """What it gives, and what it is given; the newest first, gift_rows.LISTED_MAX at most; `before` that one."""
        given = (rows.c.recipient == account.id) & (rows.c.state.in_(GIVEN) | rows.c.redeemed_at.is_not(None))
        mine = (rows.c.account == account.id) | given
        return await self._get(mine if before is None else mine & (rows.c.id < before))

    async def of_creator(self, actor: Account, creator: Creator, *, before: int | None = None) -> list[Gift]:
        """Every gift of his tiers that was ever paid, the newest first; `before` that one. 403 not_creator."""
        return await read(self._desk.engine, _of_creator, actor, creator, before, self._desk.provider)

    async def keep_time(self, now: datetime) -> None:
        while await write(self._desk.engine, gifts.expire_one, now):
            pass

    async def _get(self, condition: Any) -> list[Gift]:
        return await read(self._desk.engine, gift_rows.get, condition, self._desk.provider)

    async def _one(self, gift: int) -> Gift:
        return (await self._get(rows.c.id == gift))[0]


async def _begin(
    connection: AsyncConnection,
    giver: Account,
    creator: Creator,
    tier: int,
    wanted: tuple[str | None, str | None],
    intervals: int,
    recipient: Account | None,
    desk: Dealings,
) -> CheckoutRequest:
    now = desk.now()
    sold = await creators.tier_by_id(connection, tier, now)
    if sold.creator != creator.id:
        raise AccessError(404, "unknown_tier", "This creator has no such tier.", "tier")
    price = follows.choose_price(sold, *wanted)
    return await gifts.begin(connection, giver, recipient, sold, price, intervals, desk.provider.name, now)


async def _pay(connection: AsyncConnection, ref: str, outcome: str, desk: Dealings) -> int:
    gift = await gifts.allow_payment(connection, ref, desk.now())
    await dealings.answer_checkout(connection, ref, outcome, desk.terms, desk.now())
    return gift


async def _of_creator(
    connection: AsyncConnection, actor: Account, creator: Creator, before: int | None, provider: PaymentProvider
) -> list[Gift]:
    await creators.require_member(connection, creator.id, actor, creators.FINANCE_ROLES)
    mine = (rows.c.creator == creator.id) & rows.c.state.not_in(("begun", "void"))
    if before is not None:
        mine &= rows.c.id < before
    return await gift_rows.get(connection, mine, provider)
