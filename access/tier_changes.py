"""Changes of a tier that is sold already. They are dated: what it gave before stays true of then."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import audit, creators, fields, outbox
from access.database import insert_or_ignore
from access.errors import AccessError
from access.model import Account, Tier
from access.tables import benefits, grants, tier_benefits


async def set_benefits(
    connection: AsyncConnection, actor: Account, tier: int, names: tuple[str, ...], now: datetime
) -> Tier:
    found = await creators.tier_by_id(connection, tier, now, lock=True)
    await creators.require_member(connection, found.creator, actor, creators.FINANCE_ROLES)
    if found.state == "archived":
        raise AccessError(409, "bad_state", "An archived tier is not changed any more.")
    wanted = {fields.choice(name, "benefits", creators.BENEFITS) for name in names}
    held = set(found.benefits)
    running = (tier_benefits.c.tier == tier) & (tier_benefits.c.end.is_(None) | (tier_benefits.c.end > now))
    gone = running & tier_benefits.c.benefit.in_(held - wanted)
    await connection.execute(update(tier_benefits).where(gone).values(end=now))
    for name in sorted(wanted - held):
        await connection.execute(insert_or_ignore(connection, benefits).values(name=name))
        await connection.execute(insert(tier_benefits).values(tier=tier, benefit=name, start=now))
    if wanted != held:
        await audit.record(
            connection, now, "tier.benefits_set", actor=actor.id, creator=found.creator, tier=tier,
            benefits=sorted(wanted),
        )  # fmt: skip
        having = (grants.c.tier == tier) & (grants.c.end.is_(None) | (grants.c.end > now) | (grants.c.grace_end > now))
        accounts = await connection.execute(select(grants.c.account).where(having).distinct())
        for account in accounts.scalars().all():
            await outbox.publish_rights_changed(connection, account, found.creator, now)
    return await creators.tier_by_id(connection, tier, now)
