"""Gifts: some months of a tier, paid for by one account and had by another.

    begun ─▶ paid ─▶ redeemed        void: never paid in time; a payment that arrives after all makes it paid
      │        └────────┴─▶ refunding ─▶ refunded        disputed: gives nothing until it is won or lost
      └─▶ void

A gift that is paid for gives nothing yet: whoever redeems it gets a dated right, which is there exactly while the payment is
(`settle`), whatever order the news comes in. Locks are taken in this order: the gift, the pairs of giver and recipient, the
books, the outbox.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from access import accounts, audit, bans, charges, fields, gift_rows, pairs, provider_tasks, single_payments
from access.errors import AccessError
from access.facts import CheckoutChanged
from access.model import Account, Price, Tier
from access.money import AMOUNT_MINOR_MAX
from access.parties import Parties
from access.payments import Checkout, CheckoutRequest
from access.periods import MONTHS
from access.tables_tickets import PAYMENT_STATES, gifts

MONTHS_MAX = 36
CHECKOUT_LIFETIME = timedelta(hours=24)
UNPAID_MAX = 20
"""Of one account at a time: who begins more buys nothing."""


async def begin(
    connection: AsyncConnection,
    giver: Account,
    recipient: Account | None,
    tier: Tier,
    price: Price | None,
    intervals: int,
    provider: str,
    now: datetime,
) -> CheckoutRequest:
    """To ask money for. 403 suspended, blocked; 409 own_tier, own_gift, bad_account, not_on_sale, too_many_unpaid; 422."""
    if giver.status != "active":
        raise AccessError(403, "suspended", "This account is suspended.")
    if tier.creator in (giver.id, None if recipient is None else recipient.id):
        raise AccessError(409, "own_tier", "A creator needs no tier of his own.")
    if recipient is not None and recipient.id == giver.id:
        raise AccessError(409, "own_gift", "Subscribe: nobody gives to himself.", "recipient")
    if recipient is not None and recipient.status != "active":
        raise AccessError(409, "bad_account", "This account can be given nothing.", "recipient")
    await pairs.lock_pair(connection, giver.id, tier.creator)
    await bans.refuse_banned(connection, giver.id, tier.creator, None, now)
    if tier.state != "published" or price is None:
        raise AccessError(409, "not_on_sale", "This tier is not on sale.", "tier")
    months = fields.between(intervals, "intervals", 1, MONTHS_MAX // MONTHS[price.interval]) * MONTHS[price.interval]
    if price.amount_minor * intervals > AMOUNT_MINOR_MAX:
        raise fields.bad_field("intervals", "more than can be paid at once")
    unpaid = select(func.count()).select_from(gifts).where(gifts.c.account == giver.id, gifts.c.state == "begun")
    if (await connection.execute(unpaid)).scalar_one() >= UNPAID_MAX:
        raise AccessError(409, "too_many_unpaid", f"{UNPAID_MAX} gifts wait to be paid already.")
    row = {
        "account": giver.id,
        "recipient": None if recipient is None else recipient.id,
        "creator": tier.creator,
        "tier": tier.id,
        "months": months,
        "name": f"A gift: {tier.name}, {months} {'month' if months == 1 else 'months'}"[:200],
        "amount_minor": price.amount_minor * intervals,
        "currency": price.currency,
        "state": "begun",
        "provider": provider,
        "checkout_expires_at": now + CHECKOUT_LIFETIME,
        "created_at": now,
    }
    made = (await connection.execute(insert(gifts).values(row).returning(gifts))).one()
    await audit.record(
        connection, now, "gift.begun", actor=giver.id, account=giver.id, creator=tier.creator, id=made.id, tier=tier.id,
        months=months,
    )  # fmt: skip
    return CheckoutRequest(
        purchase=f"gift:{made.id}",
        account=giver.id,
        creator=tier.creator,
        name=made.name,
        amount_minor=made.amount_minor,
        currency=made.currency,
        lifetime=CHECKOUT_LIFETIME,
    )


async def attach_checkout(connection: AsyncConnection, gift: int, checkout: Checkout, now: datetime) -> None:
    """The provider's answer to `begin`. If the gift is void by then, its checkout is to end too."""
    values = {"provider_ref": checkout.provider_ref, "checkout_url": checkout.url}
    row = await gift_rows.write(connection, gift, **values, checkout_expires_at=checkout.expires_at)
    if row.state == "void":
        await provider_tasks.add(connection, row.provider, "expire", checkout.provider_ref, now)


async def never_begun(connection: AsyncConnection, gift: int, now: datetime) -> None:
    """The provider refused to ask for its money, for good."""
    row = await gift_rows.find(connection, gift, lock=True)
    if row is not None and row.state == "begun" and row.provider_ref is None:
        await gift_rows.move(connection, row, "void", now)


async def allow_payment(connection: AsyncConnection, ref: str, now: datetime) -> int:
    """May this checkout be paid now? Its gift's id. 404; 403 blocked; 409 checkout_closed."""
    found = (await connection.execute(select(gifts.c.id).where(gifts.c.provider_ref == ref))).scalar_one_or_none()
    if found is None or (parties := await lock(connection, found)) is None:
        raise gift_rows.unknown()
    row = await gift_rows.one(connection, found)
    if row.state == "begun":
        await bans.refuse_banned(connection, row.account, parties.creator, None, now)
    elif row.state not in ("paid", "redeemed"):  # those: this very payment, told again
        raise AccessError(409, "checkout_closed", "This checkout is closed; begin again.")
    return int(row.id)


async def lock(connection: AsyncConnection, gift: int) -> Parties | None:
    """The gift and the pairs of giver and recipient."""
    row = await gift_rows.find(connection, gift, lock=True)
    if row is None:
        return None
    for account in sorted({row.account, row.recipient} - {None}):  # in order, so that nobody waits in a circle
        await pairs.lock_pair(connection, account, row.creator)
    return Parties(row.account, row.creator)


async def checkout_changed(connection: AsyncConnection, gift: int, fact: CheckoutChanged, now: datetime) -> None:
    """After `lock`."""
    row = await gift_rows.one(connection, gift)
    values: dict[str, Any] = {}
    if row.provider_ref is None:
        values["provider_ref"] = fact.checkout  # told before the answer to `begin_checkout` was written down
    if row.state == "begun" and fact.state in PAYMENT_STATES:
        values["payment_state"] = fact.state
    if row.state == "begun" and fact.state == "expired":
        values["state"] = "void"
    if values:
        await gift_rows.write(connection, gift, **values)
    await settle(connection, gift, now)


async def settle(connection: AsyncConnection, gift: int, now: datetime) -> None:
    """After `lock`: what the gift's payment makes of it and of the right that it gave."""
    paid = await single_payments.of_purchase(connection, f"gift:{gift}")
    if not paid:
        return
    for again in paid[1:]:
        await single_payments.pay_back(connection, again, now)
    row = await gift_rows.one(connection, gift)
    if row.state in ("begun", "void") and await accounts.any_deleted(connection, row.account, row.creator):
        row = await gift_rows.write(connection, gift, refund_asked_at=row.refund_asked_at or now)  # nobody can have it
    lost = await charges.voided_at(connection, paid[0])
    if lost is not None:
        state = "disputed" if await single_payments.is_disputed(connection, paid[0]) else "refunded"
    elif row.refund_asked_at is not None:
        state = "refunding"
        await single_payments.pay_back(connection, paid[0], now)
    else:
        state = "paid" if row.redeemed_at is None else "redeemed"
    if row.grant is not None:
        ends = (row.refund_asked_at, lost, now)
        revoked_at = None if state == "redeemed" else min(at for at in ends if at is not None)
        await single_payments.settle_grant(connection, row.grant, revoked_at, row.recipient, row.creator, now)
    await gift_rows.move(connection, row, state, now)


async def ask_back(connection: AsyncConnection, row: Row[Any], actor: int, now: datetime) -> None:
    """After `lock`: the money is to go back, whatever happens."""
    await gift_rows.write(connection, row.id, refund_asked_at=now)
    await audit.record(
        connection, now, "gift.refund_asked", actor=actor, account=row.account, creator=row.creator, id=row.id
    )
    await settle(connection, row.id, now)


async def give_up(connection: AsyncConnection, gift: int, now: datetime) -> None:
    """Its checkout is not to be paid any more. Of one that has been nothing changes."""
    row = await gift_rows.find(connection, gift, lock=True)
    if row is not None and row.state == "begun":
        await _give_up(connection, row, now)


async def give_up_of(connection: AsyncConnection, account: int, now: datetime) -> None:
    """Whoever is deleted has begun nothing, as giver or as creator. What is paid all the same goes back (`settle`)."""
    theirs = (gifts.c.account == account) | (gifts.c.creator == account)
    query = select(gifts).where(theirs, gifts.c.state == "begun").order_by(gifts.c.id).with_for_update()
    for row in (await connection.execute(query)).all():
        await _give_up(connection, row, now)


async def _give_up(connection: AsyncConnection, row: Row[Any], now: datetime) -> None:
    await gift_rows.move(connection, row, "void", now)
    if row.provider_ref is not None:
        await provider_tasks.add(connection, row.provider, "expire", row.provider_ref, now)


async def expire_one(connection: AsyncConnection, now: datetime) -> bool:
    """Give one up whose checkout's time is over. Whether there was any."""
    over = (gifts.c.state == "begun") & (gifts.c.checkout_expires_at <= now)
    over &= gifts.c.payment_state.is_(None) | (gifts.c.payment_state != "pending")
    query = select(gifts).where(over).order_by(gifts.c.id).limit(1).with_for_update()
    row = (await connection.execute(query)).one_or_none()
    if row is not None:
        await gift_rows.move(connection, row, "void", now)
    return row is not None
