"""Super Follows: what is begun, changed and ended by people. What providers tell is in subscription_facts.py.

A subscription says what was agreed; only paid periods make grants, and only grants admit. Whoever changes a pair's rows
locks the pair first, so of two checkouts that are paid at once one wins and the other hears of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import accounts, audit, coupons, creators, entitlements, fields, outbox, pairs, provider_tasks, suspensions
from access.errors import AccessError
from access.model import Account, Price, Subscription, Tier
from access.payments import Checkout, CheckoutRequest, PaymentProvider, Recurring
from access.rights import Grant
from access.shares import MoneyTerms
from access.snapshots import load_grants
from access.subscription_states import TRANSITIONS, Event, status_at
from access.tables import LIVE_STATES, bans, grants, paid_periods, subscriptions, tier_prices, tiers
from access.tables_money import unpaid_invoices

CHECKOUT_LIFETIME_MAX = timedelta(hours=24)
"""For a checkout that the provider never answered for."""
BEGUN_MAX, BEGUN_PERIOD = 20, timedelta(hours=1)
"""How many one account begins in that time."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A subscription's row with what it was sold for and until when it has been paid."""

    row: Row[Any]
    until: datetime | None
    """With grace."""
    paid_until: datetime | None
    status: str
    """As of now."""


# --- beginning


async def begin(
    connection: AsyncConnection,
    account: Account,
    tier: Tier,
    price: Price | None,
    coupon: str | None,
    provider: str,
    now: datetime,
) -> CheckoutRequest | int:
    """An incomplete subscription to ask money for, or the id of the one whose checkout is open for the very same.

    Two requests at once for the same ask for the same one by the same name.
    """
    if account.status != "active":
        raise AccessError(403, "suspended", "This account is suspended.")
    if account.id == tier.creator:
        raise AccessError(409, "own_tier", "Nobody pays himself.")
    await pairs.lock_pair(connection, account.id, tier.creator)
    await _refuse_banned(connection, account.id, tier.creator, now)
    if tier.state != "published" or price is None:
        raise AccessError(409, "not_on_sale", "This tier is not on sale.", "tier")
    mine = await of_pair(connection, account.id, tier.creator, now)
    await _settle_time(connection, mine, now)
    _refuse_second(mine)
    discount = None if coupon is None else await coupons.redeem(connection, account, tier, price, coupon, now)
    for stored in mine:
        if stored.status != "incomplete":
            continue
        row = stored.row
        same = (row.tier, row.price, row.coupon) == (tier.id, price.id, None if discount is None else discount.coupon)
        if same and row.provider == provider:
            return _request(row, account, tier, price, discount) if row.provider_ref is None else int(row.id)
        if row.payment_state == "pending":
            raise AccessError(409, "payment_pending", "A payment for a subscription to this creator is on its way.")
        await _give_up(connection, stored, now)
    await _refuse_too_many(connection, account.id, now)
    trial = 0 if any(stored.until is not None for stored in mine) else tier.trial_days
    row_values = {
        "account": account.id,
        "creator": tier.creator,
        "tier": tier.id,
        "price": price.id,
        "coupon": None if discount is None else discount.coupon,
        "trial_days": trial,
        "status": "incomplete",
        "provider": provider,
        "checkout_expires_at": now + CHECKOUT_LIFETIME_MAX,
        "created_at": now,
    }
    new = (await connection.execute(insert(subscriptions).values(row_values).returning(subscriptions))).one()
    await audit.record(
        connection, now, "subscription.begun", actor=account.id, account=account.id, creator=tier.creator, tier=tier.id
    )
    return _request(new, account, tier, price, discount)


def _request(
    row: Row[Any], account: Account, tier: Tier, price: Price, discount: coupons.Redeemed | None
) -> CheckoutRequest:
    off = None if discount is None else discount.discount
    return CheckoutRequest(
        purchase=f"subscription:{row.id}",
        account=account.id,
        creator=tier.creator,
        name=tier.name,
        amount_minor=price.amount_minor,
        currency=price.currency,
        recurring=Recurring(price.id, tier.id, price.interval, row.trial_days, off),
    )


async def attach_checkout(connection: AsyncConnection, subscription: int, checkout: Checkout, now: datetime) -> None:
    """The provider's answer to `begin`. If that has been given up by then, its checkout is to end too."""
    stored = await _locked(connection, subscription, now)
    values = {"provider_ref": checkout.provider_ref, "checkout_expires_at": checkout.expires_at}
    await connection.execute(update(subscriptions).where(subscriptions.c.id == subscription).values(values))
    if stored.row.status == "incomplete_expired":
        await provider_tasks.add(connection, stored.row.provider, "expire", checkout.provider_ref, now)


async def allow_payment(connection: AsyncConnection, ref: str, now: datetime) -> int:
    """May this checkout be paid now? Locks its pair. Its subscription's id. 404; 403 blocked; 409."""
    stored = await _locked_by_ref(connection, ref, now)
    row = stored.row
    if stored.until is not None and stored.status in LIVE_STATES:
        return int(row.id)  # this very payment, told again
    if stored.status != "incomplete":
        raise AccessError(409, "checkout_closed", "This checkout is closed; begin again.")
    await _refuse_banned(connection, row.account, row.creator, now)
    mine = await of_pair(connection, row.account, row.creator, now)
    await _settle_time(connection, mine, now)
    _refuse_second(mine)
    return int(row.id)


# --- ending


async def own(
    connection: AsyncConnection, actor: Account, subscription: int, now: datetime, *, by_creator: bool = True
) -> Stored:
    """The subscription, locked, if it is the actor's to change: the fan's own, or (`by_creator`) his creator's. 404."""
    stored = await _locked(connection, subscription, now)
    if actor.id == stored.row.account:
        return stored
    if by_creator and await creators.is_member(connection, stored.row.creator, actor, creators.FINANCE_ROLES):
        return stored
    raise unknown()  # it is none of his business whether there is one


async def own_to_renew(connection: AsyncConnection, actor: Account, subscription: int, now: datetime) -> Stored:
    """The fan's own, locked, for more to be charged: not where nothing is sold to him. 403 blocked, creator_suspended; 404."""
    stored = await own(connection, actor, subscription, now, by_creator=False)
    await _refuse_banned(connection, stored.row.account, stored.row.creator, now)
    return stored


async def end_now(
    connection: AsyncConnection, actor: Account, subscription: int, terms: MoneyTerms, now: datetime
) -> None:
    """By the creator: rights end with this transaction, the provider is told after it. Idempotent. 403, 404."""
    stored = await own(connection, actor, subscription, now)
    row = stored.row
    if stored.status == "incomplete":
        await _give_up(connection, stored, now)
    elif not await creators.is_member(connection, row.creator, actor, creators.FINANCE_ROLES):
        raise AccessError(403, "not_creator", "Only the creator may end a subscription at once.")
    elif stored.status in LIVE_STATES:
        await _move(connection, stored, Event.CANCELED, ended_at=now, revoked_at=now)
        if row.agreement_ref is not None:
            await provider_tasks.add(connection, row.provider, "cancel", row.agreement_ref, now)
    else:
        return
    await audit.record(
        connection, now, "subscription.ended", actor=actor.id, account=row.account, creator=row.creator, id=row.id
    )
    await entitlements.settle(connection, row.id, terms, now)


async def end_here(connection: AsyncConnection, subscription: int, terms: MoneyTerms, now: datetime) -> None:
    """Without a word to its provider, of whom nothing will be heard any more. Idempotent."""
    found = await _locked(connection, subscription, now)
    if found.row.status not in LIVE_STATES:
        return
    row = found.row
    await _move(connection, found, Event.CANCELED, ended_at=now, revoked_at=now)
    await audit.record(
        connection, now, "subscription.ended", actor=None, account=row.account, creator=row.creator, id=row.id
    )
    await entitlements.settle(connection, subscription, terms, now)


async def give_up(connection: AsyncConnection, subscription: int, now: datetime) -> None:
    """Its checkout is not to be paid any more. Of one that has been nothing changes."""
    found = await _locked(connection, subscription, now)
    if found.row.status == "incomplete":
        await _give_up(connection, found, now)


async def give_up_of(connection: AsyncConnection, account: int, now: datetime) -> None:
    """Whoever is deleted begins nothing more, as fan or as creator. What is paid all the same goes back (`entitlements`)."""
    theirs = (subscriptions.c.account == account) | (subscriptions.c.creator == account)
    begun = theirs & (subscriptions.c.status == "incomplete")
    for found in await stored(connection, begun, now):
        await _give_up(connection, found, now)


async def forget_payer(connection: AsyncConnection, account: int, now: datetime) -> None:
    """Whoever is deleted is to be forgotten by the providers too."""
    theirs = (subscriptions.c.account == account) & subscriptions.c.agreement_ref.is_not(None)
    for row in await connection.execute(select(subscriptions.c.provider, subscriptions.c.agreement_ref).where(theirs)):
        await provider_tasks.add(connection, row.provider, "forget", row.agreement_ref, now)


async def lapse_one(connection: AsyncConnection, after: int, now: datetime) -> int | None:
    """End what no event ends: an agreement whose renewal failed and whose grace is over, or that was to end.

    The first whose id is above `after`, for a transaction locks one pair; which was looked at, or None. One of whose payments
    nothing was told yet does not end.
    """
    ended = select(unpaid_invoices.c.subscription).where(unpaid_invoices.c.paid_at.is_(None))
    candidates = subscriptions.c.status.in_(("trialing", "active", "past_due", "unpaid")) & (
        subscriptions.c.cancel_at_period_end | subscriptions.c.id.in_(ended)
    )
    standing = (
        select(grants.c.id)
        .join(paid_periods, paid_periods.c.id == grants.c.period)
        .where(
            paid_periods.c.subscription == subscriptions.c.id,
            grants.c.revoked_at.is_(None),
            paid_periods.c.voided_at.is_(None),
            (grants.c.end > now) | (grants.c.grace_end > now),
        )
    )
    over = candidates & ~standing.exists() & (subscriptions.c.id > after)
    query = select(subscriptions.c.id).where(over).order_by(subscriptions.c.id).limit(1)
    subscription = (await connection.execute(query)).scalar_one_or_none()
    if subscription is None:
        return None
    stored = await _locked(connection, subscription, now)
    if stored.row.status in LIVE_STATES and stored.until is not None and stored.until <= now:
        await _lapse(connection, stored, now)
    return int(subscription)


# --- reading


async def get(
    connection: AsyncConnection, condition: Any, provider: PaymentProvider, now: datetime, most: int | None = None
) -> list[Subscription]:
    """Subscriptions, newest first, with their statuses as of `now`; None: all of them."""
    return [_subscription(stored, provider) for stored in await stored(connection, condition, now, most)]


def ever_paid() -> ColumnElement[bool]:
    """Or tried for nothing."""
    proof = paid_periods.join(grants, grants.c.period == paid_periods.c.id)
    return select(grants.c.id).select_from(proof).where(paid_periods.c.subscription == subscriptions.c.id).exists()


async def grants_and_subscriptions(
    connection: AsyncConnection, account: int, creator: int, provider: PaymentProvider, now: datetime
) -> tuple[tuple[Grant, ...], list[Subscription]]:
    """The whole history of a pair, to be folded."""
    pair = (subscriptions.c.account == account) & (subscriptions.c.creator == creator)
    return await load_grants(connection, account, creator), await get(connection, pair, provider, now)


# --- the parts


async def _refuse_banned(connection: AsyncConnection, account: int, creator: int, now: datetime) -> None:
    await suspensions.refuse_house(connection, creator, None)
    query = select(bans.c.id).where(
        bans.c.account == account,
        (bans.c.scope == "platform") | ((bans.c.scope == "creator") & (bans.c.creator == creator)),
        bans.c.start <= now,
        bans.c.end.is_(None) | (bans.c.end > now),
    )
    if (await connection.execute(query)).first() is not None:
        raise AccessError(403, "blocked", "You have been blocked here.")


async def _refuse_too_many(connection: AsyncConnection, account: int, now: datetime) -> None:
    """Each that is begun stays, and is a checkout at the provider."""
    mine = (subscriptions.c.account == account) & (subscriptions.c.created_at > now - BEGUN_PERIOD)
    begun = (await connection.execute(select(func.count()).select_from(subscriptions).where(mine))).scalar_one()
    if begun >= BEGUN_MAX:
        raise AccessError(429, "too_many_begun", f"{BEGUN_MAX} subscriptions were begun within an hour; wait a while.")


def _refuse_second(mine: list[Stored]) -> None:
    if any(stored.status in LIVE_STATES for stored in mine):
        raise AccessError(409, "already_subscribed", "This account has a subscription to this creator already.")


async def _settle_time(connection: AsyncConnection, mine: list[Stored], now: datetime) -> None:
    """Write down what time has done: subscriptions whose paid time is over make room for a new one."""
    for stored in mine:
        if stored.row.status in LIVE_STATES and stored.status == "canceled":
            await _lapse(connection, stored, now)
        elif stored.row.status == "incomplete" and stored.status == "incomplete_expired":
            await _move(connection, stored, Event.CHECKOUT_EXPIRED, ended_at=stored.row.checkout_expires_at)


async def _lapse(connection: AsyncConnection, stored: Stored, now: datetime) -> None:
    row = stored.row
    await _move(connection, stored, Event.PERIOD_ENDED, ended_at=stored.until)
    if row.agreement_ref is not None:
        await provider_tasks.add(connection, row.provider, "cancel", row.agreement_ref, now)
    await audit.record(
        connection, now, "subscription.lapsed", actor=None, account=row.account, creator=row.creator, id=row.id
    )
    await outbox.publish_rights_changed(connection, row.account, row.creator, now)


async def _give_up(connection: AsyncConnection, stored: Stored, now: datetime) -> None:
    """A checkout that is not to be paid any more."""
    await _move(connection, stored, Event.CHECKOUT_EXPIRED, ended_at=now)
    if stored.row.provider_ref is not None:
        await provider_tasks.add(connection, stored.row.provider, "expire", stored.row.provider_ref, now)


async def _move(
    connection: AsyncConnection,
    stored: Stored,
    event: Event,
    ended_at: datetime | None = None,
    revoked_at: datetime | None = None,
) -> None:
    values: dict[str, Any] = {
        "status": TRANSITIONS[stored.row.status, event],
        "version": subscriptions.c.version + 1,
        "ended_at": ended_at,
        "revoked_at": revoked_at,
    }
    await connection.execute(update(subscriptions).where(subscriptions.c.id == stored.row.id).values(values))


async def _locked(connection: AsyncConnection, subscription: int, now: datetime) -> Stored:
    if not 0 < subscription <= accounts.ID_MAX:
        raise unknown()
    return await _lock(connection, subscriptions.c.id == subscription, now)


async def _locked_by_ref(connection: AsyncConnection, ref: str, now: datetime) -> Stored:
    if not fields.is_storable(ref):
        raise unknown()
    return await _lock(connection, subscriptions.c.provider_ref == ref, now)


async def _lock(connection: AsyncConnection, condition: Any, now: datetime) -> Stored:
    """Find it, lock its pair, and read it again: it may have changed while we waited."""
    pair = (await connection.execute(select(subscriptions.c.account, subscriptions.c.creator).where(condition))).first()
    if pair is None:
        raise unknown()
    await pairs.lock_pair(connection, pair.account, pair.creator)
    return (await stored(connection, condition, now))[0]


async def of_pair(connection: AsyncConnection, account: int, creator: int, now: datetime) -> list[Stored]:
    pair = (subscriptions.c.account == account) & (subscriptions.c.creator == creator)
    return await stored(connection, pair, now)


async def stored(connection: AsyncConnection, condition: Any, now: datetime, most: int | None = None) -> list[Stored]:
    later = tier_prices.alias("later")
    query = (
        select(
            subscriptions,
            tiers.c.name.label("tier_name"),
            tier_prices.c.amount_minor,
            tier_prices.c.currency,
            tier_prices.c.interval,
            later.c.tier.label("next_tier"),
        )
        .join(tiers, tiers.c.id == subscriptions.c.tier)
        .join(tier_prices, tier_prices.c.id == subscriptions.c.price)
        .outerjoin(later, later.c.id == subscriptions.c.next_price)
        .where(condition)
        .order_by(subscriptions.c.id.desc())
        .limit(most)
    )
    rows = (await connection.execute(query)).all()
    until = await _paid_until(connection, [row.id for row in rows])
    return [_as_of(row, until.get(row.id, (None, None)), now) for row in rows]


def _as_of(row: Row[Any], ends: tuple[datetime, datetime] | tuple[None, None], now: datetime) -> Stored:
    until, paid_until = ends
    status = status_at(
        row.status,
        until=until,
        paid_until=paid_until,
        checkout_expires_at=None if row.payment_state == "pending" else row.checkout_expires_at,
        now=now,
    )
    return Stored(row, until, paid_until, status)


async def _paid_until(connection: AsyncConnection, ids: list[int]) -> dict[int, tuple[datetime, datetime]]:
    """By subscription: the latest end, with and without grace, of the grants that its periods prove."""
    query = (
        select(paid_periods.c.subscription, paid_periods.c.voided_at, grants)
        .join(grants, grants.c.period == paid_periods.c.id)
        .where(paid_periods.c.subscription.in_(ids))
    )
    until: dict[int, tuple[datetime, datetime]] = {}
    for row in await connection.execute(query):
        ends = [at for at in (row.revoked_at, row.voided_at) if at is not None]
        paid = min([row.end, *ends])
        end = min([max(at for at in (row.end, row.grace_end) if at is not None), *ends])
        known = until.get(row.subscription, (end, paid))
        until[row.subscription] = (max(end, known[0]), max(paid, known[1]))
    return until


def _subscription(stored: Stored, provider: PaymentProvider) -> Subscription:
    row = stored.row
    payable = stored.status == "incomplete" and row.provider_ref is not None and row.provider == provider.name
    return Subscription(
        id=row.id,
        account=row.account,
        creator=row.creator,
        tier=row.tier,
        tier_name=row.tier_name,
        status=stored.status,
        amount_minor=row.amount_minor,
        currency=row.currency,
        interval=row.interval,
        until=stored.until,
        cancel_at_period_end=bool(row.cancel_at_period_end),
        checkout_url=provider.checkout_url(row.provider_ref) if payable else None,
        provider=row.provider,
        created_at=row.created_at,
        ended_at=row.ended_at if stored.status == row.status else stored.until or row.checkout_expires_at,
        payment_state=row.payment_state if stored.status == "incomplete" else None,
        next_tier=row.next_tier,
        trial_days=row.trial_days,
    )


def unknown() -> AccessError:
    return AccessError(404, "unknown_subscription", "There is no such subscription.")
