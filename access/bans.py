"""Bans: they override every grant, inside one Space, in one community and its Spaces, with one creator, or everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import audit, fields, outbox, pairs, suspensions
from access.errors import AccessError
from access.model import Account
from access.tables import bans


@dataclass(frozen=True, slots=True)
class Blocked:
    """Somebody who is kept out, as his creator is shown it."""

    account: int
    space: str | None
    """None: of all the creator's Spaces."""
    since: datetime
    until: datetime | None
    by: int | None
    reason: str


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
    community: int | None = None,
) -> int:
    """Its id. The caller has checked that `actor` may. 409 own_house; 422."""
    if account.id == creator:
        raise AccessError(409, "own_house", "Nobody is kept out of his own house.", "account")
    if until is not None:
        fields.to_come(until, "until", now)
    await pairs.lock_pair(connection, account.id, creator)
    row = {
        "account": account.id,
        "scope": "space" if space is not None else "creator" if community is None else "community",
        "creator": creator,
        "space": space,
        "community": community,
        "start": now,
        "end": until,
        "by": actor.id,
        "reason": fields.text(reason, "reason", 500) if reason.strip() else "",
    }
    ban = (await connection.execute(insert(bans).values(row).returning(bans.c.id))).scalar_one()
    await pairs.take_away(connection, account.id, creator)
    await audit.record(
        connection,
        now,
        "ban.set",
        actor=actor.id,
        account=account.id,
        creator=creator,
        id=ban,
        space=space,
        community=community,
    )
    await outbox.publish_rights_changed(connection, account.id, creator, now)
    return int(ban)


async def end(
    connection: AsyncConnection,
    actor: Account,
    account: Account,
    creator: int,
    now: datetime,
    *,
    community: int | None = None,
    but_communities: bool = False,
) -> None:
    """End every ban of the account with this creator, his single Spaces and communities included (or not); or those in a
    community."""
    await pairs.lock_pair(connection, account.id, creator)
    running = _running(account.id, creator, now)
    if but_communities:
        running &= bans.c.scope != "community"
    if community is not None:
        running &= bans.c.community == community
    ended = await connection.execute(update(bans).where(running).values(end=now))
    if ended.rowcount:
        await audit.record(
            connection, now, "ban.ended", actor=actor.id, account=account.id, creator=creator, community=community
        )
        await outbox.publish_rights_changed(connection, account.id, creator, now)


async def refuse_banned(
    connection: AsyncConnection, account: int, creator: int, space: str | None, now: datetime
) -> None:
    """403 for whoever is kept out by the creator, of this Space, or everywhere (blocked), and for everybody where creator or
    Space is suspended: nothing is sold then."""
    await suspensions.refuse_house(connection, creator, space)
    scopes = (bans.c.scope == "creator") | ((bans.c.scope == "space") & (bans.c.space == space))
    here = (bans.c.scope == "platform") | ((bans.c.creator == creator) & scopes)
    running = (bans.c.start <= now) & (bans.c.end.is_(None) | (bans.c.end > now))
    query = select(bans.c.id).where(bans.c.account == account, here, running).limit(1)
    if (await connection.execute(query)).first() is not None:
        raise AccessError(403, "blocked", "You have been blocked here.")


async def in_community(connection: AsyncConnection, account: int, creator: int, community: int, now: datetime) -> bool:
    """Is the account kept out of the community: there, by its creator, or everywhere?"""
    scopes = (bans.c.scope == "creator") | (bans.c.community == community)
    everywhere = (bans.c.account == account) & (bans.c.scope == "platform")
    here = (_running(account, creator, now) & scopes) | (everywhere & (bans.c.end.is_(None) | (bans.c.end > now)))
    return (await connection.execute(select(bans.c.id).where(here).limit(1))).first() is not None


async def set_once(
    connection: AsyncConnection, actor: Account, account: Account, creator: int, reason: str, now: datetime
) -> None:
    """Keep the account out of all Spaces of the creator, from now on and without an end; nothing if it is already."""
    await pairs.lock_pair(connection, account.id, creator)
    endless = _running(account.id, creator, now) & (bans.c.scope == "creator") & bans.c.end.is_(None)
    if (await connection.execute(select(bans.c.id).where(endless).limit(1))).first() is None:
        await create(connection, actor, account, creator=creator, space=None, until=None, reason=reason, now=now)


async def of_creator(connection: AsyncConnection, creator: int, now: datetime, *, most: int) -> list[Blocked]:
    """Who is kept out of the creator's Spaces, all or single ones; the newest first."""
    here = (bans.c.creator == creator) & bans.c.scope.in_(("creator", "space"))
    running = (bans.c.start <= now) & (bans.c.end.is_(None) | (bans.c.end > now))
    rows = await connection.execute(select(bans).where(here & running).order_by(bans.c.id.desc()).limit(most))
    return [Blocked(row.account, row.space, row.start, row.end, row.by, row.reason) for row in rows]


def _running(account: int, creator: int, now: datetime) -> ColumnElement[bool]:
    ours = (bans.c.account == account) & (bans.c.creator == creator)
    return ours & (bans.c.end.is_(None) | (bans.c.end > now))
