"""Reads what a decision needs, from our own rows and in the caller's transaction. No payment provider is asked."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from access import pairs
from access.decide import Resource
from access.rights import Ban, Benefit, Grant, PriceOnSale, Snapshot, TierTerms
from access.tables import accounts, bans, grants, paid_periods, tier_benefits, tier_prices, tiers


async def load(connection: AsyncConnection, account: int | None, resource: Resource, role: str | None) -> Snapshot:
    """Everything that `decide` may ask about this account and this resource."""
    paid = any(policy.policy == "subscribers" for policy in resource.policies)
    status, banned, held = "active", (), ()  # type: str, tuple[Ban, ...], tuple[Grant, ...]
    if account is not None:
        status = await _status(connection, account)
        banned = await _bans(connection, account, resource.creator)
        held = await load_grants(connection, account, resource.creator) if paid else ()
    return Snapshot(
        account=account,
        creator=resource.creator,
        creator_handle=await _handle(connection, resource.creator) if paid else "",
        account_status=status,
        epoch=await pairs.current_epoch(connection, account, resource.creator),
        role=role,
        grants=held,
        bans=banned,
        tiers=await _tiers(connection, resource.creator) if paid else (),
    )


async def load_grants(connection: AsyncConnection, account: int, creator: int) -> tuple[Grant, ...]:
    """Every grant of the pair, also ended ones. A grant whose paid period was voided ends with the voiding."""
    query = (
        select(grants, tiers.c.level, paid_periods.c.voided_at)
        .join(tiers, tiers.c.id == grants.c.tier)
        .outerjoin(paid_periods, paid_periods.c.id == grants.c.period)
        .where(grants.c.account == account, grants.c.creator == creator)
        .order_by(grants.c.id)
    )
    return tuple(_grant(row) for row in await connection.execute(query))


def _grant(row: Row[Any]) -> Grant:
    ends = [at for at in (row.revoked_at, row.voided_at) if at is not None]
    return Grant(
        id=row.id,
        source=row.source,
        tier=row.tier,
        level=row.level,
        start=row.start,
        end=row.end,
        grace_end=row.grace_end,
        revoked_at=min(ends, default=None),
    )


async def _status(connection: AsyncConnection, account: int) -> str:
    query = select(accounts.c.status).where(accounts.c.id == account)
    return str((await connection.execute(query)).scalar_one())


async def _handle(connection: AsyncConnection, creator: int) -> str:
    query = select(accounts.c.handle).where(accounts.c.id == creator)
    return (await connection.execute(query)).scalar_one_or_none() or str(creator)


async def _bans(connection: AsyncConnection, account: int, creator: int) -> tuple[Ban, ...]:
    here = bans.c.creator.is_(None) | (bans.c.creator == creator)
    rows = await connection.execute(select(bans).where(bans.c.account == account, here).order_by(bans.c.id))
    return tuple(Ban(row.scope, row.space, row.start, row.end) for row in rows)


async def _tiers(connection: AsyncConnection, creator: int) -> tuple[TierTerms, ...]:
    rows = (await connection.execute(select(tiers).where(tiers.c.creator == creator).order_by(tiers.c.id))).all()
    ids = [row.id for row in rows]
    given = (await connection.execute(select(tier_benefits).where(tier_benefits.c.tier.in_(ids)))).all()
    on_sale = (tier_prices.c.state == "published") & tier_prices.c.tier.in_(ids)
    prices = (await connection.execute(select(tier_prices).where(on_sale).order_by(tier_prices.c.id))).all()
    return tuple(
        TierTerms(
            id=row.id,
            name=row.name,
            level=row.level,
            on_sale=row.state == "published",
            benefits=tuple(Benefit(b.benefit, b.start, b.end) for b in given if b.tier == row.id),
            prices=tuple(PriceOnSale(p.amount_minor, p.currency, p.interval) for p in prices if p.tier == row.id),
        )
        for row in rows
    )
