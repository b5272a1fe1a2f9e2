"""Super Follows: from a checkout to a paid period to the grant that it proves, and their ends.

A subscription says what was agreed; only paid periods make grants, and only grants admit. Whoever changes a pair's rows
locks the pair first, so of two checkouts that are paid at once one wins and the other hears of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import accounts, audit, creators, fields, outbox, pairs
from access.errors import AccessError
from access.model import Account, Subscription, Tier
from access.payments import Checkout, CheckoutRequest, PaymentProvider
from access.periods import period_end
from access.rights import Grant
from access.snapshots import load_grants
from access.subscription_states import TRANSITIONS, Event, status_at
from access.tables import LIVE_STATES, bans, grants, paid_periods, subscriptions, tier_prices, tiers

CHECKOUT_LIFETIME_MAX = timedelta(hours=24)
"""For a checkout that the provider never answered for."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """A subscription's row with what it was sold for and until when it has been paid."""

    row: Row[Any]
    until: datetime | None
    status: str
    """As of now."""


# --- beginning


async def begin(
    connection: AsyncConnection, account: Account, tier: Tier, provider: str, now: datetime
) -> CheckoutRequest | int:
    """An incomplete subscription to ask money for; or the id of the one whose checkout is still open for this tier."""
    if account.status != "active":
        raise AccessError(403, "suspended", "This account is suspended.")
    if account.id == tier.creator:
        raise AccessError(409, "own_tier", "Nobody pays himself.")
    await pairs.lock_pair(connection, account.id, tier.creator)
    await _refuse_banned(connection, account.id, tier.creator, now)
    if tier.state != "published" or not tier.prices:
        raise AccessError(409, "not_on_sale", "This tier is not on sale.", "tier")
    mine = await _of_pair(connection, account.id, tier.creator, now)
    await _settle(connection, mine)
    _refuse_second(mine)
    for stored in mine:
        if stored.status == "incomplete" and stored.row.tier == tier.id and stored.row.provider_ref is not None:
            return int(stored.row.id)
        if stored.status == "incomplete" and stored.row.tier != tier.id:
            await _move(connection, stored, Event.CHECKOUT_EXPIRED, ended_at=now)
    price = min(tier.prices, key=lambda price: price.id)
    row = {
        "account": account.id,
        "creator": tier.creator,
        "tier": tier.id,
        "price": price.id,
        "status": "incomplete",
        "provider": provider,
        "checkout_expires_at": now + CHECKOUT_LIFETIME_MAX,
        "created_at": now,
    }
    new = (await connection.execute(insert(subscriptions).values(row).returning(subscriptions.c.id))).scalar_one()
    await audit.record(
        connection, now, "subscription.begun", actor=account.id, account=account.id, creator=tier.creator, tier=tier.id
    )
    return CheckoutRequest(new, account.id, tier.creator, tier.id, price.amount_minor, price.currency, price.interval)


async def attach_checkout(connection: AsyncConnection, subscription: int, checkout: Checkout) -> None:
    """The provider's answer to `begin`."""
    values = {"provider_ref": checkout.provider_ref, "checkout_expires_at": checkout.expires_at}
    await connection.execute(update(subscriptions).where(subscriptions.c.id == subscription).values(values))


# --- what became of a payment


async def pay(connection: AsyncConnection, ref: str, invoice_ref: str, now: datetime) -> int:
    """The checkout was paid: one period, and its grant. Told twice, it is done once. 404; 409. Returns its id."""
    stored = await _locked_by_ref(connection, ref, now)
    row = stored.row
    if stored.until is not None and stored.status in LIVE_STATES:
        return int(row.id)  # this very payment, told again
    if stored.status != "incomplete":
        raise AccessError(409, "checkout_closed", "This checkout is closed; begin again.")
    await _refuse_banned(connection, row.account, row.creator, now)
    mine = await _of_pair(connection, row.account, row.creator, now)
    await _settle(connection, mine)
    _refuse_second(mine)
    await _move(connection, stored, Event.PAID)
    await _add_period(connection, row, invoice_ref, now)
    await audit.record(
        connection, now, "subscription.paid", actor=row.account, account=row.account, creator=row.creator, id=row.id
    )
    await outbox.publish_rights_changed(connection, row.account, row.creator, now)
    return int(row.id)


async def decline(connection: AsyncConnection, ref: str, now: datetime) -> int:
    """The payment was refused: nothing is given, and it may be tried again. 404; 409 checkout_closed."""
    stored = await _locked_by_ref(connection, ref, now)
    if stored.status != "incomplete":
        raise AccessError(409, "checkout_closed", "This checkout is closed.")
    row = stored.row
    await audit.record(
        connection, now, "subscription.declined", actor=row.account, account=row.account, creator=row.creator, id=row.id
    )
    return int(row.id)


# --- ending


async def cancel(connection: AsyncConnection, actor: Account, subscription: int, at: str, now: datetime) -> str | None:
    """End it now (the creator) or take no further payment (either). Idempotent. The provider's ref, to tell it too."""
    fields.choice(at, "at", ("period_end", "now"))
    stored = await _locked(connection, subscription, now)
    row = stored.row
    by_creator = await creators.is_member(connection, row.creator, actor, creators.FINANCE_ROLES)
    if not by_creator and actor.id != row.account:
        raise unknown()  # it is none of his business whether there is one
    if at == "now" and not by_creator and stored.status != "incomplete":
        raise AccessError(403, "not_creator", "Only the creator may end a subscription at once.")
    if stored.status == "incomplete":
        await _move(connection, stored, Event.CANCELED, ended_at=now)
    elif stored.status not in LIVE_STATES:
        return None
    elif at == "period_end":
        await connection.execute(
            update(subscriptions).where(subscriptions.c.id == row.id).values(cancel_at_period_end=True)
        )
    else:
        await _move(connection, stored, Event.CANCELED, ended_at=now)
        await _revoke_periods(connection, row.id, now)
        await pairs.take_away(connection, row.account, row.creator)
    await audit.record(
        connection,
        now,
        "subscription.canceled",
        actor=actor.id,
        account=row.account,
        creator=row.creator,
        id=row.id,
        at=at,
    )
    await outbox.publish_rights_changed(connection, row.account, row.creator, now)
    return None if row.provider_ref is None else str(row.provider_ref)


# --- reading


async def get(
    connection: AsyncConnection, condition: Any, provider: PaymentProvider, now: datetime
) -> list[Subscription]:
    """Subscriptions, newest first, with their statuses as of `now`."""
    return [_subscription(stored, provider) for stored in await _stored(connection, condition, now)]


async def grants_and_subscriptions(
    connection: AsyncConnection, account: int, creator: int, provider: PaymentProvider, now: datetime
) -> tuple[tuple[Grant, ...], list[Subscription]]:
    """The whole history of a pair, to be folded."""
    pair = (subscriptions.c.account == account) & (subscriptions.c.creator == creator)
    return await load_grants(connection, account, creator), await get(connection, pair, provider, now)


# --- the parts


async def _refuse_banned(connection: AsyncConnection, account: int, creator: int, now: datetime) -> None:
    query = select(bans.c.id).where(
        bans.c.account == account,
        (bans.c.scope == "platform") | ((bans.c.scope == "creator") & (bans.c.creator == creator)),
        bans.c.start <= now,
        bans.c.end.is_(None) | (bans.c.end > now),
    )
    if (await connection.execute(query)).first() is not None:
        raise AccessError(403, "blocked", "You have been blocked here.")


def _refuse_second(mine: list[_Stored]) -> None:
    if any(stored.status in LIVE_STATES for stored in mine):
        raise AccessError(409, "already_subscribed", "This account has a subscription to this creator already.")


async def _settle(connection: AsyncConnection, mine: list[_Stored]) -> None:
    """Write down what time has done: subscriptions whose paid time is over make room for a new one."""
    for stored in mine:
        if stored.row.status != stored.status:
            event = Event.PERIOD_ENDED if stored.row.status in LIVE_STATES else Event.CHECKOUT_EXPIRED
            await _move(connection, stored, event, ended_at=stored.until or stored.row.checkout_expires_at)


async def _move(connection: AsyncConnection, stored: _Stored, event: Event, ended_at: datetime | None = None) -> None:
    values: dict[str, Any] = {
        "status": TRANSITIONS[stored.row.status, event],
        "version": subscriptions.c.version + 1,
        "ended_at": ended_at,
    }
    await connection.execute(update(subscriptions).where(subscriptions.c.id == stored.row.id).values(values))


async def _add_period(connection: AsyncConnection, row: Row[Any], invoice_ref: str, now: datetime) -> None:
    end = period_end(now, row.interval)
    period = {
        "subscription": row.id,
        "invoice_ref": invoice_ref,
        "kind": "paid",
        "start": now,
        "end": end,
        "amount_minor": row.amount_minor,
        "currency": row.currency,
        "created_at": now,
    }
    proof = (await connection.execute(insert(paid_periods).values(period).returning(paid_periods.c.id))).scalar_one()
    grant = {
        "account": row.account,
        "creator": row.creator,
        "tier": row.tier,
        "source": "period",
        "period": proof,
        "start": now,
        "end": end,
        "epoch": await pairs.current_epoch(connection, row.account, row.creator),
        "created_at": now,
    }
    await connection.execute(insert(grants).values(grant))


async def _revoke_periods(connection: AsyncConnection, subscription: int, now: datetime) -> None:
    periods = select(paid_periods.c.id).where(paid_periods.c.subscription == subscription)
    running = grants.c.revoked_at.is_(None) | (grants.c.revoked_at > now)
    await connection.execute(update(grants).where(grants.c.period.in_(periods), running).values(revoked_at=now))


async def _locked(connection: AsyncConnection, subscription: int, now: datetime) -> _Stored:
    if not 0 < subscription <= accounts.ID_MAX:
        raise unknown()
    return await _lock(connection, subscriptions.c.id == subscription, now)


async def _locked_by_ref(connection: AsyncConnection, ref: str, now: datetime) -> _Stored:
    if not fields.is_storable(ref):
        raise unknown()
    return await _lock(connection, subscriptions.c.provider_ref == ref, now)


async def _lock(connection: AsyncConnection, condition: Any, now: datetime) -> _Stored:
    """Find it, lock its pair, and read it again: it may have changed while we waited."""
    pair = (await connection.execute(select(subscriptions.c.account, subscriptions.c.creator).where(condition))).first()
    if pair is None:
        raise unknown()
    await pairs.lock_pair(connection, pair.account, pair.creator)
    return (await _stored(connection, condition, now))[0]


async def _of_pair(connection: AsyncConnection, account: int, creator: int, now: datetime) -> list[_Stored]:
    pair = (subscriptions.c.account == account) & (subscriptions.c.creator == creator)
    return await _stored(connection, pair, now)


async def _stored(connection: AsyncConnection, condition: Any, now: datetime) -> list[_Stored]:
    query = (
        select(
            subscriptions,
            tiers.c.name.label("tier_name"),
            tier_prices.c.amount_minor,
            tier_prices.c.currency,
            tier_prices.c.interval,
        )
        .join(tiers, tiers.c.id == subscriptions.c.tier)
        .join(tier_prices, tier_prices.c.id == subscriptions.c.price)
        .where(condition)
        .order_by(subscriptions.c.id.desc())
    )
    rows = (await connection.execute(query)).all()
    until = await _paid_until(connection, [row.id for row in rows])
    return [
        _Stored(
            row,
            until.get(row.id),
            status_at(row.status, until=until.get(row.id), checkout_expires_at=row.checkout_expires_at, now=now),
        )
        for row in rows
    ]


async def _paid_until(connection: AsyncConnection, ids: list[int]) -> dict[int, datetime]:
    """By subscription: the latest end, with grace, of the grants that its periods prove."""
    query = (
        select(paid_periods.c.subscription, paid_periods.c.voided_at, grants)
        .join(grants, grants.c.period == paid_periods.c.id)
        .where(paid_periods.c.subscription.in_(ids))
    )
    until: dict[int, datetime] = {}
    for row in await connection.execute(query):
        ends = [at for at in (row.revoked_at, row.voided_at) if at is not None]
        end = min([max(at for at in (row.end, row.grace_end) if at is not None), *ends])
        until[row.subscription] = max(end, until.get(row.subscription, end))
    return until


def _subscription(stored: _Stored, provider: PaymentProvider) -> Subscription:
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
    )


def unknown() -> AccessError:
    return AccessError(404, "unknown_subscription", "There is no such subscription.")
