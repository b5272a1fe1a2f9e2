"""One function takes every fact of every provider into our rows: `apply`.

Facts come at least once, late, and in any order; `apply` may be given each as often as anybody likes. What makes that safe:
every object (checkout, agreement, invoice, refund, dispute, payout) is a row that only moves forward in a stated order; money
is posted under a key of the object; rights follow from the rows (`entitlements.settle`); and a fact about something that is
not known yet is kept until it is.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

import structlog
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from access import charges, facts, payout_accounts, payout_facts, purchases, subscription_facts
from access.database import insert_or_ignore
from access.facts import (
    AnyFact,
    CheckoutChanged,
    DisputeChanged,
    InvoiceFailed,
    InvoicePaid,
    PayoutAccountChanged,
    PayoutChanged,
    RefundChanged,
    SubscriptionChanged,
)
from access.shares import MoneyTerms
from access.tables_money import pending_facts

log = structlog.get_logger()

WAITS = timedelta(days=90)
"""A fact whose object nobody has told of by then is told again with that object, if ever: providers forget sooner."""


async def apply(connection: AsyncConnection, fact: AnyFact, terms: MoneyTerms, now: datetime) -> None:
    """In the caller's transaction, which holds no locks yet. Of what is not known here at all only payments are kept."""
    waiting = [fact]
    while waiting:
        following = waiting.pop()
        needs = await _fold(connection, following, terms, now)
        if needs is not None:
            await _keep(connection, following, needs, now)
            await _say_if_unknown(connection, following)
            continue
        for opened in _opens(following):
            waiting += await _take_kept(connection, following.provider, opened)


async def _fold(connection: AsyncConnection, fact: AnyFact, terms: MoneyTerms, now: datetime) -> str | None:
    """None, or what has to be known first; then nothing has been written."""
    match fact:
        case CheckoutChanged():
            return await _checkout(connection, fact, terms, now)
        case InvoicePaid():
            return await subscription_facts.invoice_paid(connection, fact, terms, now)
        case InvoiceFailed():
            return await subscription_facts.invoice_failed(connection, fact, terms, now)
        case SubscriptionChanged():
            return await subscription_facts.agreement_changed(connection, fact, terms, now)
        case RefundChanged() | DisputeChanged():
            return await _reversal(connection, fact, terms, now)
        case PayoutChanged():
            await payout_facts.payout_changed(connection, fact, now)
            return None
        case PayoutAccountChanged():
            await payout_accounts.changed(connection, fact, now)
            return None
        case _:
            assert_never(fact)


async def _checkout(connection: AsyncConnection, fact: CheckoutChanged, terms: MoneyTerms, now: datetime) -> str | None:
    parties = await purchases.lock(connection, fact.purchase)
    if parties is None:
        return f"purchase:{fact.purchase}" if fact.payment or fact.agreement else None
    payment = None
    if fact.payment is not None and fact.amounts is not None and fact.amounts.gross_minor > 0:
        payment = await charges.take(
            connection,
            provider=fact.provider,
            ref=fact.payment,
            purchase=fact.purchase,
            account=parties.account,
            creator=parties.creator,
            amounts=fact.amounts,
            at=fact.at,
            terms=terms,
            now=now,
        )
    await purchases.checkout_changed(connection, fact, payment, terms, now)
    return None


async def _reversal(
    connection: AsyncConnection, fact: RefundChanged | DisputeChanged, terms: MoneyTerms, now: datetime
) -> str | None:
    payment = await charges.find(connection, fact.provider, fact.payment)
    if payment is None:
        return f"payment:{fact.payment}"
    parties = await purchases.lock(connection, payment.purchase)
    assert parties is not None, "what was paid for stays"
    if isinstance(fact, RefundChanged):
        if not await charges.has_room(connection, payment, fact):
            return f"room:{fact.payment}"
        await charges.apply_refund(connection, payment, fact, now)
    elif await charges.apply_dispute(connection, payment, fact, now) and fact.state != "won":
        await purchases.stop_renewals(connection, payment.purchase, f"dispute:{fact.dispute}", now)
    await purchases.settle(connection, payment.purchase, terms, now)
    return None


def _opens(fact: AnyFact) -> tuple[str, ...]:
    """What others may have waited for."""
    match fact:
        case CheckoutChanged() | InvoicePaid():
            refs = {"agreement": fact.agreement, "payment": fact.payment}
        case SubscriptionChanged() | InvoiceFailed():
            refs = {"agreement": fact.agreement}
        case RefundChanged(state="failed") | DisputeChanged(state="won"):
            refs = {"room": fact.payment}
        case _:
            refs = {}
    return tuple(f"{kind}:{ref}" for kind, ref in refs.items() if ref is not None)


async def _keep(connection: AsyncConnection, fact: AnyFact, needs: str, now: datetime) -> None:
    row = {
        "provider": fact.provider,
        "event": fact.event,
        "needs": needs,
        "at": fact.at,
        "body": facts.encode(fact),
        "created_at": now,
    }
    await connection.execute(insert_or_ignore(connection, pending_facts).values(row))


async def _say_if_unknown(connection: AsyncConnection, fact: AnyFact) -> None:
    """Somebody pays for what bears our name and is not in this database, as after it was restored from a backup."""
    if not isinstance(fact, CheckoutChanged | InvoicePaid) or fact.purchase is None:
        return
    if await purchases.lock(connection, fact.purchase) is None:
        payment = fact.agreement or fact.payment
        log.error("paid for what is not known", provider=fact.provider, purchase=fact.purchase, payment=payment)


async def _take_kept(connection: AsyncConnection, provider: str, opened: str) -> list[AnyFact]:
    mine = (pending_facts.c.provider == provider) & (pending_facts.c.needs == opened)
    query = select(pending_facts.c.body).where(mine).order_by(pending_facts.c.at.desc(), pending_facts.c.event.desc())
    kept = (await connection.execute(query)).scalars().all()
    if kept:
        await connection.execute(delete(pending_facts).where(mine))
    return [facts.decode(text) for text in kept]


async def forget(connection: AsyncConnection, now: datetime) -> None:
    """What has waited in vain."""
    await connection.execute(delete(pending_facts).where(pending_facts.c.created_at < now - WAITS))
