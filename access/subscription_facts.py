"""Facts about subscriptions: checkouts, agreements, invoices. Each writes its row; `entitlements.settle` does the rest."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import audit, charges, entitlements, pairs
from access.database import insert_or_ignore
from access.facts import CheckoutChanged, InvoiceFailed, InvoicePaid, SubscriptionChanged
from access.parties import Parties
from access.shares import MoneyTerms
from access.subscription_states import fact_order
from access.tables import paid_periods, subscriptions, tier_prices
from access.tables_money import unpaid_invoices

PREFIX = "subscription:"
OPEN_STATES = ("declined", "requires_action", "pending")


async def lock(connection: AsyncConnection, subscription: int) -> Parties | None:
    row = await _find(connection, subscriptions.c.id == subscription)
    if row is None:
        return None
    await pairs.lock_pair(connection, row.account, row.creator)
    return Parties(row.account, row.creator)


async def checkout_changed(
    connection: AsyncConnection, subscription: int, fact: CheckoutChanged, terms: MoneyTerms, now: datetime
) -> None:
    row = await _find(connection, subscriptions.c.id == subscription)
    assert row is not None
    values: dict[str, Any] = {}
    if row.provider_ref is None:
        values["provider_ref"] = fact.checkout  # told before the answer to `begin_checkout` was written down
    if fact.agreement is not None and row.agreement_ref is None:
        values["agreement_ref"] = fact.agreement
    if fact.state == "expired" and row.status == "incomplete":
        values |= {"status": "incomplete_expired", "ended_at": fact.at}
    state = fact.state if fact.state in OPEN_STATES else None
    if state != row.payment_state and row.status == "incomplete":
        values["payment_state"] = state
    if not values:
        return
    await connection.execute(update(subscriptions).where(subscriptions.c.id == subscription).values(values))
    await audit.record(
        connection, now, f"subscription.checkout_{fact.state}", actor=None, account=row.account, creator=row.creator,
        id=row.id,
    )  # fmt: skip
    await entitlements.settle(connection, subscription, terms, now)


async def invoice_paid(connection: AsyncConnection, fact: InvoicePaid, terms: MoneyTerms, now: datetime) -> str | None:
    row = await _locked(connection, fact.provider, fact.agreement, fact.purchase)
    if row is None:
        return _wait(fact.agreement)
    payment = None
    if fact.payment is not None and fact.amounts.gross_minor > 0:
        payment = await charges.take(
            connection,
            provider=fact.provider,
            ref=fact.payment,
            purchase=f"{PREFIX}{row.id}",
            account=row.account,
            creator=row.creator,
            amounts=fact.amounts,
            at=fact.at,
            terms=terms,
            now=now,
        )
    giving = [line for line in fact.lines if line.kind != "credit" and line.start < line.end]
    made = False
    for number, line in enumerate(sorted(giving, key=lambda line: (line.start, line.end, line.price))):
        period = {
            "subscription": row.id,
            "invoice_ref": f"{fact.provider}:{fact.invoice}" + (f"#{number}" if number else ""),
            "price": line.price,
            "payment": None if payment is None else payment.id,
            "kind": line.kind,
            "start": line.start,
            "end": line.end,
            "amount_minor": line.amount_minor,
            "currency": fact.amounts.currency,
            "created_at": now,
        }
        insertion = insert_or_ignore(connection, paid_periods).values(period).returning(paid_periods.c.id)
        made = (await connection.execute(insertion)).first() is not None or made
    await _note_invoice(connection, row, fact.provider, fact.invoice, paid_at=fact.at)
    if made:
        await audit.record(
            connection, now, "subscription.paid", actor=None, account=row.account, creator=row.creator, id=row.id,
            amount_minor=fact.amounts.gross_minor, currency=fact.amounts.currency,
        )  # fmt: skip
    await entitlements.settle(connection, row.id, terms, now)
    return None


async def invoice_failed(
    connection: AsyncConnection, fact: InvoiceFailed, terms: MoneyTerms, now: datetime
) -> str | None:
    row = await _locked(connection, fact.provider, fact.agreement, fact.purchase)
    if row is None:
        return _wait(fact.agreement)
    new = await _note_invoice(
        connection, row, fact.provider, fact.invoice, period_start=fact.period_start, attempts=fact.attempt, at=fact.at
    )
    if new:
        await audit.record(
            connection, now, "subscription.payment_failed", actor=None, account=row.account, creator=row.creator,
            id=row.id, attempt=fact.attempt,
        )  # fmt: skip
    await entitlements.settle(connection, row.id, terms, now)
    return None


async def agreement_changed(
    connection: AsyncConnection, fact: SubscriptionChanged, terms: MoneyTerms, now: datetime
) -> str | None:
    row = await _locked(connection, fact.provider, fact.agreement, fact.purchase)
    if row is None:
        return _wait(fact.agreement)
    order = fact_order(fact.version, fact.status, fact.event)
    if order <= row.fact_order:
        return None
    tier = (
        await connection.execute(select(tier_prices.c.tier).where(tier_prices.c.id == fact.price))
    ).scalar_one_or_none()
    values: dict[str, Any] = {
        "fact_order": order,
        "next_price": fact.next_price,
        "cancel_at_period_end": fact.cancel_at_period_end,
    }
    if tier is not None:
        values |= {"price": fact.price, "tier": tier}
    if row.revoked_at is None and (row.ended_at is None or fact.status == "canceled"):
        values["ended_at"] = (fact.ended_at or fact.at) if fact.status in ("canceled", "incomplete_expired") else None
    await connection.execute(update(subscriptions).where(subscriptions.c.id == row.id).values(values))
    await audit.record(
        connection, now, "subscription.told", actor=None, account=row.account, creator=row.creator, id=row.id,
        status=fact.status, price=fact.price, cancel_at_period_end=fact.cancel_at_period_end,
    )  # fmt: skip
    await entitlements.settle(connection, row.id, terms, now)
    return None


async def _note_invoice(
    connection: AsyncConnection,
    row: Row[Any],
    provider: str,
    ref: str,
    *,
    paid_at: datetime | None = None,
    period_start: datetime | None = None,
    attempts: int = 0,
    at: datetime | None = None,
) -> bool:
    """Remember that it failed, or that it is paid for good. Whether that is news of a failure."""
    mine = (unpaid_invoices.c.provider == provider) & (unpaid_invoices.c.ref == ref)
    known = (await connection.execute(select(unpaid_invoices).where(mine))).one_or_none()
    if known is None:
        new = {
            "provider": provider,
            "ref": ref,
            "subscription": row.id,
            "period_start": period_start or paid_at,
            "attempts": attempts,
            "failed_at": at or paid_at,
            "paid_at": paid_at,
        }
        await connection.execute(insert(unpaid_invoices).values(new))
        return paid_at is None
    if paid_at is not None and known.paid_at is None:
        await connection.execute(update(unpaid_invoices).where(mine).values(paid_at=paid_at))
    if paid_at is None and attempts > known.attempts:
        await connection.execute(
            update(unpaid_invoices).where(mine).values(attempts=attempts, failed_at=at, period_start=period_start)
        )
        return known.paid_at is None
    return False


async def _locked(connection: AsyncConnection, provider: str, agreement: str, purchase: str | None) -> Row[Any] | None:
    """The subscription that the provider calls so, its pair locked; linked now if the provider says which one it is."""
    mine = (subscriptions.c.provider == provider) & (subscriptions.c.agreement_ref == agreement)
    row = await _find(connection, mine)
    if row is None and purchase is not None and purchase.removeprefix(PREFIX).isdecimal():
        number = int(purchase.removeprefix(PREFIX))
        row = await _find(connection, (subscriptions.c.id == number) & (subscriptions.c.provider == provider))
        if row is None or row.agreement_ref is not None:
            return None
        await pairs.lock_pair(connection, row.account, row.creator)
        mine = subscriptions.c.id == row.id
        await connection.execute(update(subscriptions).where(mine).values(agreement_ref=agreement))
        return await _find(connection, mine)
    if row is None:
        return None
    await pairs.lock_pair(connection, row.account, row.creator)
    return await _find(connection, mine)  # again: it may have changed while we waited


async def _find(connection: AsyncConnection, condition: Any) -> Row[Any] | None:
    return (await connection.execute(select(subscriptions).where(condition))).one_or_none()


def _wait(agreement: str) -> str:
    return f"agreement:{agreement}"
