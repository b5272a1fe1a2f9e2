"""Who is entitled to a newsletter now: one rule, asked when a preview counts and when a delivery is claimed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from access import snapshots
from access.mail_consents import STANDING, digest
from access.rights import Snapshot
from access.tables_benefits import mail_bounces, mail_consents
from access.tier_rights import covering

BENEFIT = "newsletter"
BATCH = 500


def is_entitled(snapshot: Snapshot, tiers: Sequence[int], now: datetime) -> bool:
    """An active account, not banned by the creator, with a grant that covers now of a chosen tier that gives newsletters."""
    if snapshot.account_status != "active" or any(ban.covers("", now) for ban in snapshot.bans):
        return False
    return any(not tiers or grant.tier in tiers for grant, _ in covering(snapshot, None, BENEFIT, now))


async def entitled(
    connection: AsyncConnection, creator: int, accounts: Sequence[int], tiers: Sequence[int], now: datetime
) -> set[int]:
    found = await snapshots.load_many(connection, accounts, creator)
    return {snapshot.account for snapshot in found if snapshot.account and is_entitled(snapshot, tiers, now)}


async def size(connection: AsyncConnection, creator: int, tiers: Sequence[int], now: datetime) -> int:
    """To how many it would go now: entitled ∩ consented − unsubscribed − bounced."""
    total, after = 0, 0
    while True:
        query = select(mail_consents.c.id, mail_consents.c.account, mail_consents.c.address)
        query = query.where(mail_consents.c.creator == creator, STANDING, mail_consents.c.id > after)
        rows = (await connection.execute(query.order_by(mail_consents.c.id).limit(BATCH))).all()
        if not rows:
            return total
        after = rows[-1].id
        digests = {row.account: digest(row.address) for row in rows}
        bad = select(mail_bounces.c.address_sha256).where(mail_bounces.c.address_sha256.in_(digests.values()))
        bounced = set((await connection.execute(bad)).scalars())
        reached = [account for account, key in digests.items() if key not in bounced]
        total += len(await entitled(connection, creator, reached, tiers, now))
