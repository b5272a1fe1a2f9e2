"""Super Follows: everything that may be asked about subscriptions. The provider is spoken to between transactions."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from access import coupons, creators, dealings, fields, stripe_checkouts, subscriptions
from access.database import read, write
from access.dealings import Dealings
from access.embedded_agreements import TEST_MONEY
from access.embedded_money import OUTCOMES, EmbeddedTestMoney
from access.errors import AccessError
from access.model import Account, Creator, Price, Standing, Subscription, Tier
from access.payments import PriceChange
from access.shares import MoneyTerms
from access.standing import standing as fold_standing
from access.tables import LIVE_STATES
from access.tables import subscriptions as rows

LISTED_MAX = 1_000


class Follows:
    def __init__(self, desk: Dealings) -> None:
        self._desk = desk

    # --- reading
    async def of_account(self, account: Account) -> list[Subscription]:
        """Newest first."""
        return await self._get(rows.c.account == account.id)

    async def subscribers(self, actor: Account, creator: Creator, *, before: int | None = None) -> list[Subscription]:
        """Every subscription that was ever paid, the newest first, LISTED_MAX at most; `before` that one. 403 not_creator."""
        return await read(self._desk.engine, _subscribers, actor, creator, before, self._desk, self._desk.now())

    async def standing(self, account: Account, creator: int) -> Standing:
        now = self._desk.now()
        history = await read(
            self._desk.engine, subscriptions.grants_and_subscriptions, account.id, creator, self._desk.provider, now
        )
        return fold_standing(*history, now)

    async def checkout(self, ref: str) -> Subscription:
        """What the address `…/pay/{ref}` asks money for; whoever has the address may see and pay it. 404."""
        found = await self._get(rows.c.provider_ref == ref) if fields.is_storable(ref) else []
        if not found or found[0].provider != TEST_MONEY:
            raise subscriptions.unknown()
        return found[0]

    # --- acts
    async def subscribe(
        self,
        account: Account,
        creator: Creator,
        *,
        tier: int,
        currency: str | None = None,
        interval: str | None = None,
        coupon: str | None = None,
    ) -> Subscription:
        """Begin a checkout.

        404 unknown_tier, unknown_coupon; 409 not_on_sale, already_subscribed, own_tier, checkout_closed; 403 blocked."""
        desk = self._desk
        await self._ask_about_silent(account, creator)
        begun = await write(desk.engine, _begin, account, creator, tier, (currency, interval), coupon, desk)
        await desk.work_off()
        if isinstance(begun, int):
            url = await read(desk.engine, stripe_checkouts.url, f"begin:subscription:{begun}")
            open_one = await self._one(begun)
            return open_one if url is None else _with_url(open_one, url)
        checkout = await desk.provider.begin_checkout(begun, key=f"begin:{begun.purchase}", now=desk.now())
        number = int(begun.purchase.partition(":")[2])
        await write(desk.engine, subscriptions.attach_checkout, number, checkout, desk.now())
        made = await self._one(number)
        if made.status == "incomplete_expired":
            await desk.work_off()
            raise AccessError(409, "checkout_closed", "Another subscription was begun meanwhile; begin again.")
        return made if checkout.url is None else _with_url(made, checkout.url)

    async def pay(self, ref: str, outcome: str) -> Subscription:
        """Test money only: `succeed`, `decline`, `requires_action` or `pays_later`. 404; 409 checkout_closed; 422."""
        fields.choice(outcome, "outcome", OUTCOMES)
        if (await self.checkout(ref)).provider != self._desk.provider.name:
            raise AccessError(409, "checkout_closed", "Test money is not taken here any more.")
        paid = await write(self._desk.engine, _pay, ref, outcome, self._desk.terms, self._desk.now())
        return await self._one(paid)

    async def cancel(self, actor: Account, subscription: int, *, at: str) -> Subscription:
        """`period_end` by the fan or the creator, `now` by the creator only. 403, 404, 409 bad_state, 422."""
        fields.choice(at, "at", ("period_end", "now"))
        desk = self._desk
        if at == "now":
            await write(desk.engine, subscriptions.end_now, actor, subscription, desk.terms, desk.now())
            await desk.work_off()
            return await self._one(subscription)
        stored = await write(desk.engine, subscriptions.own, actor, subscription, desk.now())
        if stored.status == "incomplete":
            await write(desk.engine, subscriptions.end_now, actor, subscription, desk.terms, desk.now())
            await desk.work_off()
        elif stored.status in LIVE_STATES and not stored.row.cancel_at_period_end:
            agreement = self._agreement(stored.row)
            key = _key("cancel", stored.row)
            await desk.take(await desk.provider.cancel(agreement, at_period_end=True, key=key, now=desk.now()))
        return await self._one(subscription)

    async def resume(self, actor: Account, subscription: int) -> Subscription:
        """Take back a cancellation at the end of the period, or a pause. 403 blocked, creator_suspended; 404; 409 bad_state."""
        desk = self._desk
        stored = await write(desk.engine, subscriptions.own_to_renew, actor, subscription, desk.now())
        if stored.status not in LIVE_STATES:
            raise AccessError(409, "bad_state", "This subscription has ended; subscribe again.")
        key = _fresh_key("resume", stored.row)
        await desk.take(await desk.provider.resume(self._agreement(stored.row), key=key, now=desk.now()))
        return await self._one(subscription)

    async def pause(self, actor: Account, subscription: int) -> Subscription:
        """After this period no payment and no right, until resumed. 404; 409 bad_state."""
        desk = self._desk
        stored = await write(desk.engine, subscriptions.own, actor, subscription, desk.now(), by_creator=False)
        if stored.status not in ("trialing", "active"):
            raise AccessError(409, "bad_state", f"This subscription is {stored.status}.")
        key = _key("pause", stored.row)
        await desk.take(await desk.provider.pause(self._agreement(stored.row), key=key, now=desk.now()))
        return await self._one(subscription)

    async def change(
        self, actor: Account, subscription: int, *, tier: int, interval: str | None = None
    ) -> Subscription:
        """To a higher tier at once, to a lower one at the end of the period. 402 payment_declined; 403; 404; 409; 422."""
        desk = self._desk
        row, change = await write(desk.engine, _plan_change, actor, subscription, tier, interval, desk.now())
        key = _fresh_key("change", row)
        facts = await desk.provider.change_price(self._agreement(row), change, key=key, now=desk.now())
        await desk.take(facts)
        return await self._one(subscription)

    async def choose_payment(self, actor: Account, subscription: int, outcome: str) -> Subscription:
        """Test money only: what becomes of its charges from now on; a failed one is tried again at once. 404; 409; 422."""
        desk = self._desk
        fields.choice(outcome, "outcome", ("succeed", "decline", "requires_action"))
        stored = await write(desk.engine, subscriptions.own, actor, subscription, desk.now(), by_creator=False)
        if not isinstance(desk.provider, EmbeddedTestMoney) or stored.row.provider != TEST_MONEY:
            raise AccessError(409, "real_money", "Only payments with test money can be chosen.")
        if stored.status not in LIVE_STATES:
            raise AccessError(409, "bad_state", "This subscription has ended; subscribe again.")
        agreement = self._agreement(stored.row)
        await desk.take(await desk.provider.choose(agreement, outcome, desk.now()))  # type: ignore[arg-type]
        return await self._one(subscription)

    async def portal_url(self, actor: Account, subscription: int, *, return_path: str) -> str | None:
        """Where the payer changes his means of payment, with the provider. 404."""
        desk = self._desk
        stored = await write(desk.engine, subscriptions.own, actor, subscription, desk.now(), by_creator=False)
        return await desk.provider.portal_url(self._agreement(stored.row), return_path=return_path, now=desk.now())

    # --- the parts
    async def _ask_about_silent(self, account: Account, creator: Creator) -> None:
        """Agreements that should have been renewed and of which nothing was heard: the provider may know more."""
        pair = (rows.c.account == account.id) & (rows.c.creator == creator.id) & rows.c.status.in_(LIVE_STATES)
        for stored in await read(self._desk.engine, subscriptions.stored, pair, self._desk.now()):
            if stored.status == "canceled" and stored.row.provider == self._desk.provider.name:
                ref = stored.row.agreement_ref
                await self._desk.take(await self._desk.provider.fetch("agreement", ref, now=self._desk.now()))

    def _agreement(self, row: Any) -> str:
        if row.provider != self._desk.provider.name:
            raise AccessError(409, "provider_gone", "Its payment provider is not in use here any more.")
        if row.agreement_ref is None:
            raise AccessError(409, "bad_state", "Its payment provider has not confirmed it yet; try again soon.")
        return str(row.agreement_ref)

    async def _get(self, condition: Any) -> list[Subscription]:
        return await read(
            self._desk.engine, subscriptions.get, condition, self._desk.provider, self._desk.now()
        )  # fmt: skip

    async def _one(self, subscription: int) -> Subscription:
        return (await self._get(rows.c.id == subscription))[0]


async def _begin(
    connection: AsyncConnection,
    account: Account,
    creator: Creator,
    tier: int,
    wanted: tuple[str | None, str | None],
    coupon: str | None,
    desk: Dealings,
) -> Any:
    now = desk.now()
    sold = await creators.tier_by_id(connection, tier, now)
    if sold.creator != creator.id:
        raise AccessError(404, "unknown_tier", "This creator has no such tier.", "tier")
    price = choose_price(sold, *wanted)
    return await subscriptions.begin(connection, account, sold, price, coupon, desk.provider.name, now)


async def _pay(connection: AsyncConnection, ref: str, outcome: str, terms: MoneyTerms, now: datetime) -> int:
    paid = await subscriptions.allow_payment(connection, ref, now)
    await dealings.answer_checkout(connection, ref, outcome, terms, now)
    return paid


async def _plan_change(
    connection: AsyncConnection, actor: Account, subscription: int, tier: int, interval: str | None, now: datetime
) -> tuple[Any, PriceChange]:
    stored = await subscriptions.own_to_renew(connection, actor, subscription, now)
    row = stored.row
    if stored.status not in ("trialing", "active") or row.cancel_at_period_end:
        state = "ending" if row.cancel_at_period_end else stored.status
        raise AccessError(409, "bad_state", f"This subscription is {state}.")
    wanted = await creators.tier_by_id(connection, tier, now)
    if wanted.creator != row.creator:
        raise AccessError(404, "unknown_tier", "This creator has no such tier.", "tier")
    price = choose_price(wanted, row.currency, interval or row.interval)
    if wanted.state != "published" or price is None:
        raise AccessError(409, "not_on_sale", "This tier is not on sale in the subscription's currency.", "tier")
    if price.id == row.price and row.next_price is None:
        raise AccessError(409, "same_price", "This is what the subscription is already.", "tier")
    held = await creators.tier_by_id(connection, row.tier, now)
    up = (wanted.level, price.interval == "year") > (held.level, row.interval == "year")
    return row, PriceChange(
        price=price.id,
        tier=tier,
        amount_minor=price.amount_minor,
        currency=price.currency,
        interval=price.interval,
        name=wanted.name,
        at="now" if up and price.id != row.price else "period_end",
        keeps_discount=await coupons.goes_along(connection, row.coupon, tier),
    )


async def _subscribers(
    connection: AsyncConnection, actor: Account, creator: Creator, before: int | None, desk: Dealings, now: datetime
) -> list[Subscription]:
    await creators.require_member(connection, creator.id, actor, creators.FINANCE_ROLES)
    his = (rows.c.creator == creator.id) & subscriptions.ever_paid()
    if before is not None:
        his &= rows.c.id < before
    return await subscriptions.get(connection, his, desk.provider, now, LISTED_MAX)


def choose_price(tier: Tier, currency: str | None, interval: str | None) -> Price | None:
    """The oldest of the tier's prices that fit; a month rather than a year."""
    fitting = [
        price
        for price in tier.prices
        if price.state == "published"
        and (currency is None or price.currency == currency.upper())
        and (interval is None or price.interval == interval)
    ]
    return min(fitting, key=lambda price: (price.interval != "month", price.id), default=None)


def _with_url(subscription: Subscription, url: str) -> Subscription:
    return replace(subscription, checkout_url=url)


def _fresh_key(act: str, row: Any) -> str:
    """For what takes money at once: a provider that was asked by the same key repeats that it was declined, for days."""
    return f"{_key(act, row)}:{secrets.token_hex(8)}"


def _key(act: str, row: Any) -> str:
    """An idempotency key for what is asked once of an agreement as it is now."""
    return f"{act}:{row.id}:{row.fact_order}"
