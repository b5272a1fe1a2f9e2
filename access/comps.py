"""Comps: rights that a creator gives for nothing. Rows of their own, so that no subscription ends or lengthens one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import accounts, audit, creators, fields, outbox, pairs
from access.errors import AccessError
from access.model import Account, Comp
from access.tables import grants

COMPS_MAX = 100
"""Of one account by one creator, ended ones too: every decision about the pair reads them all."""
LISTED_MAX = 1_000


async def create(
    connection: AsyncConnection,
    actor: Account,
    creator: int,
    account: Account,
    tier: int,
    ends_at: datetime | None,
    now: datetime,
) -> Comp:
    """`ends_at` None: until the creator ends it. 403 not_creator; 404 unknown_tier; 422."""
    await creators.require_member(connection, creator, actor, creators.FINANCE_ROLES)
    given = await creators.tier_by_id(connection, tier, now)
    if given.creator != creator:
        raise AccessError(404, "unknown_tier", "This creator has no such tier.", "tier")
    if ends_at is not None:
        fields.to_come(ends_at, "ends_at", now)
    await pairs.lock_pair(connection, account.id, creator)
    if await _count(connection, account.id, creator) >= COMPS_MAX:
        raise AccessError(409, "too_many_comps", f"An account is given at most {COMPS_MAX} comps by one creator.")
    row = {
        "account": account.id,
        "creator": creator,
        "tier": tier,
        "source": "comp",
        "start": now,
        "end": ends_at,
        "epoch": await pairs.current_epoch(connection, account.id, creator),
        "created_at": now,
    }
    comp = (await connection.execute(insert(grants).values(row).returning(grants))).one()
    await audit.record(
        connection, now, "comp.given", actor=actor.id, account=account.id, creator=creator, id=comp.id, tier=tier
    )
    await outbox.publish_rights_changed(connection, account.id, creator, now)
    return _comp(comp)


async def of_creator(
    connection: AsyncConnection, actor: Account, creator: int, before: int | None = None
) -> list[Comp]:
    """Every one ever given, newest first, LISTED_MAX at most; `before` that one."""
    await creators.require_member(connection, creator, actor, creators.FINANCE_ROLES)
    mine = (grants.c.creator == creator) & (grants.c.source == "comp")
    if before is not None:
        mine &= grants.c.id < before
    query = select(grants).where(mine).order_by(grants.c.id.desc()).limit(LISTED_MAX)
    return [_comp(row) for row in await connection.execute(query)]


async def end(connection: AsyncConnection, actor: Account, creator: int, comp: int, now: datetime) -> Comp:
    """Take it back now. One that is over stays as it was. 404 unknown_comp."""
    await creators.require_member(connection, creator, actor, creators.FINANCE_ROLES)
    row = await _find(connection, creator, comp)
    await pairs.lock_pair(connection, row.account, creator)
    row = await _find(connection, creator, comp)
    if row.revoked_at is not None or (row.end is not None and row.end <= now):
        return _comp(row)
    await connection.execute(update(grants).where(grants.c.id == comp).values(revoked_at=now))
    await pairs.take_away(connection, row.account, creator)
    await audit.record(connection, now, "comp.ended", actor=actor.id, account=row.account, creator=creator, id=comp)
    await outbox.publish_rights_changed(connection, row.account, creator, now)
    return _comp(await _find(connection, creator, comp))


async def _count(connection: AsyncConnection, account: int, creator: int) -> int:
    mine = (grants.c.account == account) & (grants.c.creator == creator) & (grants.c.source == "comp")
    return int((await connection.execute(select(func.count()).select_from(grants).where(mine))).scalar_one())


async def _find(connection: AsyncConnection, creator: int, comp: int) -> Row[Any]:
    mine = (grants.c.id == comp) & (grants.c.creator == creator) & (grants.c.source == "comp")
    known = 0 < comp <= accounts.ID_MAX
    row = (await connection.execute(select(grants).where(mine))).one_or_none() if known else None
    if row is None:
        raise AccessError(404, "unknown_comp", "There is no such comp.")
    return row


def _comp(row: Row[Any]) -> Comp:
    return Comp(row.id, row.creator, row.account, row.tier, row.start, row.end, row.revoked_at)
