"""What the paid periods of a subscription give: the one place where grants of periods, their ends and a status are written.

`settle` reads everything that is known of a subscription and writes what follows from it. It is a function of the rows and
not of the news that changed them, so any order of the news ends in the same grants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import accounts, charges, exchanged_periods, outbox, pairs, provider_tasks, single_payments
from access.exchanged_periods import Period
from access.shares import MoneyTerms
from access.subscription_states import told_status
from access.tables import LIVE_STATES, grants, paid_periods, subscriptions, tier_prices, tiers
from access.tables_ledger import payments
from access.tables_money import unpaid_invoices

ADJACENT = timedelta(seconds=1)
"""Providers count in whole seconds: a period that begins so soon after another continues it."""


@dataclass(frozen=True, slots=True)
class _Dates:
    """What a grant of a period is to say."""

    grace_end: datetime | None
    revoked_at: datetime | None


async def settle(connection: AsyncConnection, subscription: int, terms: MoneyTerms, now: datetime) -> None:
    """The caller holds the pair's lock. Tells of changed rights; says nothing if nothing changed."""
    cut = changed = await _void(connection, subscription)
    periods = await _periods(connection, subscription)
    row = await _settle_status(connection, subscription, periods, now)
    await _give_back_what_came_later(connection, row, periods, now)
    failing = await _unpaid_from(connection, subscription)
    successors = {period.id: _successor(period, periods) for period in periods}
    last = max((one.end for one in periods if one.voided_at is None and successors[one.id] is None), default=None)
    for period in periods:
        after = successors[period.id]
        is_last = period.voided_at is None and after is None and period.end == last
        wanted = _dates(row, period, after, is_last, failing, terms)
        if period.grant is None:
            await _insert_grant(connection, row, period, wanted, now)
            changed = True
        elif wanted != (held := _Dates(period.grace_end, period.revoked_at)):
            mine = grants.c.id == period.grant
            values = {"grace_end": wanted.grace_end, "revoked_at": wanted.revoked_at}
            await connection.execute(update(grants).where(mine).values(values))
            changed = True
            risen = after is not None and after.start == wanted.revoked_at and after.level >= period.level
            cut = cut or (not risen and _end(period, wanted) < _end(period, held))
    if cut:
        await pairs.take_away(connection, row.account, row.creator)
    if changed:
        await outbox.publish_rights_changed(connection, row.account, row.creator, now)


async def _settle_status(
    connection: AsyncConnection, subscription: int, periods: Sequence[Row[Any]], now: datetime
) -> Row[Any]:
    mine = subscriptions.c.id == subscription
    row = (await connection.execute(select(subscriptions).where(mine))).one()
    if row.status == "canceled" and told_status(row.fact_order) != "canceled":
        return row  # ended by us: what has ended stays ended
    told = told_status(row.fact_order)
    status = row.status if told is None else told
    if status in ("incomplete", "incomplete_expired") and periods:
        status = "trialing" if all(period.kind == "trial" for period in periods) else "active"
    if status == row.status:
        return row
    values: dict[str, Any] = {"status": status, "version": subscriptions.c.version + 1, "payment_state": None}
    if status in LIVE_STATES:
        values["ended_at"] = None
    begins = status in LIVE_STATES and row.status not in LIVE_STATES
    if begins and (
        await _other_is_live(connection, row) or await accounts.any_deleted(connection, row.account, row.creator)
    ):
        if not periods:
            return row  # what was paid is still to be told, and goes back then
        values |= {"status": "canceled", "ended_at": now, "revoked_at": now}  # paid for nothing: it goes back
        await _give_back(connection, row, now)
    moved = update(subscriptions).where(mine).values(values).returning(subscriptions)
    after: Row[Any] = (await connection.execute(moved)).one()
    return after


async def _other_is_live(connection: AsyncConnection, row: Row[Any]) -> bool:
    others = (
        (subscriptions.c.account == row.account)
        & (subscriptions.c.creator == row.creator)
        & (subscriptions.c.id != row.id)
        & subscriptions.c.status.in_(LIVE_STATES)
    )
    return (await connection.execute(select(subscriptions.c.id).where(others))).first() is not None


async def _give_back(connection: AsyncConnection, row: Row[Any], now: datetime) -> None:
    """End an agreement that must not be, and pay back what was taken for it."""
    if row.agreement_ref is not None:
        await provider_tasks.add(connection, row.provider, "cancel", row.agreement_ref, now)
    for payment in await single_payments.of_purchase(connection, f"subscription:{row.id}"):
        await single_payments.pay_back(connection, payment, now)


async def _give_back_what_came_later(
    connection: AsyncConnection, row: Row[Any], periods: Sequence[Row[Any]], now: datetime
) -> None:
    """We have ended it, and the provider has gone on renewing it: of such periods nothing can be had."""
    if row.revoked_at is None:
        return
    had = {period.payment for period in periods if period.start <= row.revoked_at}
    late = {period.payment for period in periods if period.voided_at is None} - had - {None}
    for payment in await single_payments.of_purchase(connection, f"subscription:{row.id}") if late else ():
        if payment.id in late:
            await single_payments.pay_back(connection, payment, now)


async def _void(connection: AsyncConnection, subscription: int) -> bool:
    """Periods follow the payments that bought them: void while one is paid back or disputed. Whether any has changed."""
    query = (
        select(
            paid_periods.c.invoice_ref,
            paid_periods.c.start,
            paid_periods.c.end,
            paid_periods.c.kind,
            paid_periods.c.amount_minor,
            paid_periods.c.voided_at,
            payments,
        )
        .outerjoin(payments, payments.c.id == paid_periods.c.payment)
        .where(paid_periods.c.subscription == subscription)
    )
    rows = (await connection.execute(query)).all()
    periods = [
        Period(
            start=row.start,
            end=row.end,
            kind=row.kind,
            invoice=row.invoice_ref,
            amount_minor=row.amount_minor,
            paid_minor=row.gross_minor or 0,
            voided_at=None if row.id is None else await charges.voided_at(connection, row),
        )
        for row in rows
    ]
    voided = exchanged_periods.voided(periods)
    changed = False
    for row in rows:
        if voided[row.invoice_ref] != row.voided_at:
            mine = paid_periods.c.invoice_ref == row.invoice_ref
            await connection.execute(update(paid_periods).where(mine).values(voided_at=voided[row.invoice_ref]))
            changed = True
    return changed


async def _periods(connection: AsyncConnection, subscription: int) -> Sequence[Row[Any]]:
    query = (
        select(
            paid_periods,
            tier_prices.c.tier,
            tiers.c.level,
            grants.c.id.label("grant"),
            grants.c.grace_end,
            grants.c.revoked_at,
        )
        .select_from(
            paid_periods.join(tier_prices, tier_prices.c.id == paid_periods.c.price)
            .join(tiers, tiers.c.id == tier_prices.c.tier)
            .outerjoin(grants, grants.c.period == paid_periods.c.id)
        )
        .where(paid_periods.c.subscription == subscription)
        .order_by(paid_periods.c.end, paid_periods.c.id)
    )
    return (await connection.execute(query)).all()


async def _unpaid_from(connection: AsyncConnection, subscription: int) -> list[datetime]:
    """The beginnings of periods that could not be collected."""
    mine = (unpaid_invoices.c.subscription == subscription) & unpaid_invoices.c.paid_at.is_(None)
    return list((await connection.execute(select(unpaid_invoices.c.period_start).where(mine))).scalars())


def _dates(
    row: Row[Any], period: Row[Any], after: Row[Any] | None, is_last: bool, failing: list[datetime], terms: MoneyTerms
) -> _Dates:
    """`is_last`: no later period continues it. One that is void or was exchanged continues nothing, and has no grace."""
    grace_end = None
    if is_last:
        if any(period.start < start and start <= period.end + ADJACENT for start in failing):
            grace_end = period.end + terms.grace
        elif terms.renewal_slack and row.status in ("trialing", "active", "past_due") and not row.cancel_at_period_end:
            grace_end = period.end + terms.renewal_slack
    told = told_status(row.fact_order) == "canceled"
    ends = [row.revoked_at if row.revoked_at is not None else row.ended_at if told else None]
    ends.append(None if after is None else after.start)
    ended = min((at for at in ends if at is not None), default=None)
    return _Dates(grace_end, ended if ended is not None and ended < (grace_end or period.end) else None)


def _successor(period: Row[Any], periods: Sequence[Row[Any]]) -> Row[Any] | None:
    """What it was exchanged for. One that is void gives it back."""
    later = [other for other in periods if other.voided_at is None and period.start < other.start < period.end]
    return min(later, key=lambda other: (other.start, -other.level), default=None)


def _end(period: Row[Any], dates: _Dates) -> datetime:
    return min(end for end in (dates.grace_end or period.end, dates.revoked_at) if end is not None)


async def _insert_grant(
    connection: AsyncConnection, row: Row[Any], period: Row[Any], dates: _Dates, now: datetime
) -> None:
    grant = {
        "account": row.account,
        "creator": row.creator,
        "tier": period.tier,
        "source": "period",
        "period": period.id,
        "start": period.start,
        "end": period.end,
        "grace_end": dates.grace_end,
        "revoked_at": dates.revoked_at,
        "epoch": await pairs.current_epoch(connection, row.account, row.creator),
        "created_at": now,
    }
    await connection.execute(insert(grants).values(grant))
