"""What can be bought, by the name that a provider hands back: `subscription:17`. A kind of purchase adds its lines here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from access import accounts, entitlements, gifts, subscription_facts, suspended_sales, tickets
from access.facts import CheckoutChanged
from access.parties import Parties
from access.shares import MoneyTerms


def named(kind: str, number: int) -> str:
    return f"{kind}:{number}"


def read(purchase: str) -> tuple[str, int]:
    """Kind and id; ("", 0) for what is no name of ours."""
    kind, _, number = purchase.partition(":")
    if not (number.isascii() and number.isdecimal() and len(number) <= 19 and int(number) <= accounts.ID_MAX):
        return "", 0
    return kind, int(number)


async def lock(connection: AsyncConnection, purchase: str) -> Parties | None:
    """Who buys from whom; nobody else changes the purchase until the transaction ends. None: there is no such purchase."""
    match read(purchase):
        case "subscription", number:
            return await subscription_facts.lock(connection, number)
        case "ticket", number:
            return await tickets.lock(connection, number)
        case "gift", number:
            return await gifts.lock(connection, number)
        case _:
            return None


async def checkout_changed(
    connection: AsyncConnection, fact: CheckoutChanged, payment: Row[Any] | None, terms: MoneyTerms, now: datetime
) -> None:
    """After `lock`. `payment`: the one-off payment that is in the books now."""
    match read(fact.purchase):
        case "subscription", number:
            await subscription_facts.checkout_changed(connection, number, fact, terms, now)
        case "ticket", number:
            await tickets.checkout_changed(connection, number, fact, now)
        case "gift", number:
            await gifts.checkout_changed(connection, number, fact, now)


async def settle(connection: AsyncConnection, purchase: str, terms: MoneyTerms, now: datetime) -> None:
    """After `lock`: a payment for it has been taken back or given again (`charges.voided_at`). Rights follow."""
    match read(purchase):
        case "subscription", number:
            await entitlements.settle(connection, number, terms, now)
        case "ticket", number:
            await tickets.settle(connection, number, now)
        case "gift", number:
            await gifts.settle(connection, number, now)


async def stop_renewals(connection: AsyncConnection, purchase: str, why: str, now: datetime) -> None:
    """After `lock`: whoever contests a payment is not charged again, unless he resumes. Once for each `why`."""
    match read(purchase):
        case "subscription", number:
            await suspended_sales.stop(connection, number, why, now)
