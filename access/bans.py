"""Bans: they override every grant, inside one Space, with one creator, or everywhere."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import audit, fields, outbox, pairs
from access.errors import AccessError
from access.model import Account
from access.tables import bans


async def create(
    connection: AsyncConnection,
    actor: Account,
    account: Account,
    *,
    creator: int,
    space: str | None,
    until: datetime | None,
    reason: str,
    now: datetime,
) -> int:
    """Its id. The caller has checked that `actor` may. 409 own_house; 422."""
    if account.id == creator:
        raise AccessError(409, "own_house", "Nobody is kept out of his own house.", "account")
    if until is not None:
        fields.to_come(until, "until", now)
    await pairs.lock_pair(connection, account.id, creator)
    row = {
        "account": account.id,
        "scope": "creator" if space is None else "space",
        "creator": creator,
        "space": space,
        "start": now,
        "end": until,
        "by": actor.id,
        "reason": fields.text(reason, "reason", 500) if reason else "",
    }
    ban = (await connection.execute(insert(bans).values(row).returning(bans.c.id))).scalar_one()
    await pairs.take_away(connection, account.id, creator)
    await audit.record(
        connection, now, "ban.set", actor=actor.id, account=account.id, creator=creator, id=ban, space=space
    )
    await outbox.publish_rights_changed(connection, account.id, creator, now)
    return int(ban)


async def end(connection: AsyncConnection, actor: Account, account: Account, creator: int, now: datetime) -> None:
    """End every ban of the account with this creator, his single Spaces included."""
    await pairs.lock_pair(connection, account.id, creator)
    running = (bans.c.account == account.id) & (bans.c.creator == creator) & (bans.c.end.is_(None) | (bans.c.end > now))
    ended = await connection.execute(update(bans).where(running).values(end=now))
    if ended.rowcount:
        await audit.record(connection, now, "ban.ended", actor=actor.id, account=account.id, creator=creator)
        await outbox.publish_rights_changed(connection, account.id, creator, now)
