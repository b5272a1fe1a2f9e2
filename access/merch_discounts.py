"""What a tier takes off at the creator's shop. A change ends one row and begins another: the past stays as it was."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import audit, creators, fields
from access.benefit_model import MerchDiscount
from access.errors import AccessError
from access.model import Account
from access.tables import tiers
from access.tables_benefits import merch_discounts

PERCENT_MAX = 100
CODES_PER_MONTH_MAX = 100


async def offer(
    connection: AsyncConnection,
    actor: Account,
    creator: int,
    tier: int,
    percent: int,
    codes_per_month_max: int,
    now: datetime,
) -> MerchDiscount:
    """From now on this tier's discount; codes that are out keep theirs. 403; 404 unknown_tier; 422."""
    await _own_tier(connection, actor, creator, tier, now)
    if not 1 <= percent <= PERCENT_MAX:
        raise fields.bad_field("percent", f"1 to {PERCENT_MAX}")
    if not 1 <= codes_per_month_max <= CODES_PER_MONTH_MAX:
        raise fields.bad_field("codes_per_month_max", f"1 to {CODES_PER_MONTH_MAX}")
    await _end(connection, tier, now)
    row = {"tier": tier, "percent": percent, "codes_per_month_max": codes_per_month_max, "start": now}
    made = (await connection.execute(insert(merch_discounts).values(row).returning(merch_discounts))).one()
    await audit.record(
        connection, now, "merch.discount", actor=actor.id, creator=creator, tier=tier, percent=percent
    )  # fmt: skip
    return _discount(made)


async def end(connection: AsyncConnection, actor: Account, creator: int, tier: int, now: datetime) -> None:
    """No more codes; those that are out stay good. Idempotent. 403; 404 unknown_tier."""
    await _own_tier(connection, actor, creator, tier, now)
    if await _end(connection, tier, now):
        await audit.record(connection, now, "merch.discount.ended", actor=actor.id, creator=creator, tier=tier)


async def running(connection: AsyncConnection, creator: int) -> list[MerchDiscount]:
    """By tier."""
    query = select(merch_discounts).join(tiers, tiers.c.id == merch_discounts.c.tier)
    query = query.where(tiers.c.creator == creator, merch_discounts.c.end.is_(None))
    return [_discount(row) for row in await connection.execute(query.order_by(merch_discounts.c.tier))]


async def _own_tier(connection: AsyncConnection, actor: Account, creator: int, tier: int, now: datetime) -> None:
    await creators.require_member(connection, creator, actor, creators.FINANCE_ROLES)
    if (await creators.tier_by_id(connection, tier, now, lock=True)).creator != creator:
        raise AccessError(404, "unknown_tier", "This creator has no such tier.", "tier")


async def _end(connection: AsyncConnection, tier: int, now: datetime) -> bool:
    mine = (merch_discounts.c.tier == tier) & merch_discounts.c.end.is_(None)
    return bool((await connection.execute(update(merch_discounts).where(mine).values(end=now))).rowcount)


def _discount(row: Row[Any]) -> MerchDiscount:
    return MerchDiscount(row.tier, row.percent, row.codes_per_month_max)
