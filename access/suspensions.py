"""Who and what is kept from everybody by an operator: an account, a creator with all his Spaces, or one Space.

A suspension stands until it is lifted, and takes nothing away for good: grants and paid periods stay as they are, so what was
paid for is there again when it is lifted, as far as its dates go. While it stands nothing that it touches is renewed: what
cannot be had is not charged for (`suspended_sales`). Whoever pays may resume afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import accounts, audit, fields, outbox
from access.errors import AccessError
from access.tables_operators import suspensions
from access.tables_people import sessions

REASON_LENGTH_MAX = 1_000
LISTED_MAX = 200


@dataclass(frozen=True, slots=True)
class Suspended:
    """As operators are shown it."""

    id: int
    scope: str
    account: int
    space: str | None
    since: datetime
    until: datetime | None
    by: int | None
    reason: str


async def begin(
    connection: AsyncConnection,
    actor: int | None,
    scope: str,
    account: int,
    space: str | None,
    reason: str,
    now: datetime,
) -> Suspended:
    """Idempotent. `account` of a Space: its creator's. 404, 409 own_account; 422."""
    await accounts.lock(connection, account)
    await accounts.by_id(connection, account)
    if actor == account:
        raise AccessError(409, "own_account", "Nobody suspends himself.")
    standing = await _running(connection, scope, account, space)
    if standing is not None:
        return _suspended(standing)
    row = {
        "scope": scope,
        "account": account,
        "space": space,
        "start": now,
        "by": actor,
        "reason": fields.prose(reason, "reason", REASON_LENGTH_MAX, 0),
    }
    made = (await connection.execute(insert(suspensions).values(row).returning(suspensions))).one()
    if scope == "account":
        await connection.execute(sessions.delete().where(sessions.c.account == account))
        await accounts.set_suspended(connection, account, True, now, actor=actor)
        return _suspended(made)
    await audit.record(connection, now, f"{scope}.suspended", actor=actor, creator=account, id=made.id, space=space)
    await outbox.publish_rights_changed(connection, outbox.EVERYBODY, account, now)
    return _suspended(made)


async def lift(
    connection: AsyncConnection, actor: int | None, scope: str, account: int, space: str | None, now: datetime
) -> None:
    """Idempotent."""
    await accounts.lock(connection, account)
    standing = await _running(connection, scope, account, space)
    if standing is not None:
        over = update(suspensions).where(suspensions.c.id == standing.id).values(end=now, lifted_by=actor)
        await connection.execute(over)
    if scope == "account":
        await accounts.set_suspended(connection, account, False, now, actor=actor)
    elif standing is not None:
        await audit.record(
            connection, now, f"{scope}.restored", actor=actor, creator=account, id=standing.id, space=space
        )
        await outbox.publish_rights_changed(connection, outbox.EVERYBODY, account, now)


async def of_house(connection: AsyncConnection, creator: int, space: str | None) -> str | None:
    """The scope of what keeps everybody out: `creator` or `space`; None: nothing does."""
    scopes = await _scopes(connection, creator, space)
    return next((scope for scope in ("creator", "space") if scope in scopes), None)


async def refuse_house(connection: AsyncConnection, creator: int, space: str | None) -> None:
    """403 creator_suspended or space_suspended: nothing is sold there. Nor by a creator whose account is suspended, who can
    give nothing."""
    scopes = await _scopes(connection, creator, space)
    if scopes & {"creator", "account"}:
        raise AccessError(403, "creator_suspended", "This creator is suspended.")
    if scopes:
        raise AccessError(403, "space_suspended", "This Space is suspended.")


async def _scopes(connection: AsyncConnection, creator: int, space: str | None) -> set[str]:
    """Of what stands of the creator, and of this Space of his."""
    standing = (suspensions.c.account == creator) & suspensions.c.end.is_(None)
    rows = await connection.execute(select(suspensions.c.scope, suspensions.c.space).where(standing))
    return {row.scope for row in rows if row.space in (None, space)}


def keeps_back(creator: ColumnElement[int], space: ColumnElement[str] | None = None) -> ColumnElement[bool]:
    """Of a query's rows: those whose creator is suspended, as such or as an account, or whose Space is. What they say to others
    is told to nobody meanwhile."""
    here: ColumnElement[bool] = suspensions.c.space.is_(None)
    if space is not None:
        here |= suspensions.c.space == space
    return exists().where(suspensions.c.account == creator, suspensions.c.end.is_(None), here)


async def kept_back(connection: AsyncConnection, spaces: Mapping[str, int]) -> set[str]:
    """Of these Spaces, each with its creator: those of which `keeps_back` would be so."""
    whose = suspensions.c.account.in_(set(spaces.values()))
    query = select(suspensions.c.account, suspensions.c.space).where(whose, suspensions.c.end.is_(None))
    standing = {(row.account, row.space) for row in await connection.execute(query)}
    return {space for space, creator in spaces.items() if {(creator, None), (creator, space)} & standing}


async def listed(
    connection: AsyncConnection, *, account: int | None = None, running: bool = True, before: int | None = None
) -> list[Suspended]:
    """The newest first; of one account (whatever the scope), or all."""
    query = select(suspensions).order_by(suspensions.c.id.desc()).limit(LISTED_MAX)
    if account is not None:
        query = query.where(suspensions.c.account == account)
    if running:
        query = query.where(suspensions.c.end.is_(None))
    if before is not None:
        query = query.where(suspensions.c.id < before)
    return [_suspended(row) for row in await connection.execute(query)]


async def _running(connection: AsyncConnection, scope: str, account: int, space: str | None) -> Row[Any] | None:
    mine = (suspensions.c.scope == scope) & (suspensions.c.account == account) & suspensions.c.end.is_(None)
    same = suspensions.c.space.is_(None) if space is None else suspensions.c.space == space
    return (await connection.execute(select(suspensions).where(mine, same))).one_or_none()


def _suspended(row: Row[Any]) -> Suspended:
    return Suspended(row.id, row.scope, row.account, row.space, row.start, row.end, row.by, row.reason)
