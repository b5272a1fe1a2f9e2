"""Who is invited to a Space whose policy is `invite`: a right without a date, until it is taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from access import audit, outbox, pairs
from access.database import insert_or_ignore
from access.errors import AccessError
from access.model import Account
from access.tables_tickets import space_invitations as rows

INVITED_MAX = 10_000
"""To one Space: as many as it has seats."""
LISTED_MAX = 100


@dataclass(frozen=True, slots=True)
class Invitation:
    account: int
    by: int
    created_at: datetime


async def give(
    connection: AsyncConnection, actor: Account, account: Account, space: str, creator: int, now: datetime
) -> Invitation:
    """The one there is, if there is one. The caller has checked that `actor` may. 409 bad_account, too_many_invited."""
    if account.status != "active":
        raise AccessError(409, "bad_account", "This account cannot be invited.", "account")
    await pairs.lock_pair(connection, account.id, creator)
    counted = select(func.count()).select_from(rows).where(rows.c.space == space)
    if (await connection.execute(counted)).scalar_one() >= INVITED_MAX:
        raise AccessError(409, "too_many_invited", f"At most {INVITED_MAX} accounts are invited to a Space.")
    new = {"space": space, "account": account.id, "by": actor.id, "created_at": now}
    made = await connection.execute(insert_or_ignore(connection, rows).values(new).returning(rows.c.account))
    if made.first() is not None:
        await audit.record(
            connection, now, "invitation.given", actor=actor.id, account=account.id, creator=creator, space=space
        )
        await outbox.publish_rights_changed(connection, account.id, creator, now)
    row = (await connection.execute(select(rows).where(_is(space, account.id)))).one()
    return Invitation(row.account, row.by, row.created_at)


async def take_back(
    connection: AsyncConnection, actor: Account, account: Account, space: str, creator: int, now: datetime
) -> None:
    """Out, unless something else admits. Idempotent. The caller has checked that `actor` may."""
    await pairs.lock_pair(connection, account.id, creator)
    gone = await connection.execute(delete(rows).where(_is(space, account.id)))
    if gone.rowcount:
        await pairs.take_away(connection, account.id, creator)
        await audit.record(
            connection, now, "invitation.taken_back", actor=actor.id, account=account.id, creator=creator, space=space
        )
        await outbox.publish_rights_changed(connection, account.id, creator, now)


async def of_space(connection: AsyncConnection, space: str) -> list[Invitation]:
    """In the order in which they were given."""
    query = select(rows).where(rows.c.space == space).order_by(rows.c.created_at, rows.c.account)
    return [Invitation(row.account, row.by, row.created_at) for row in await connection.execute(query)]


async def of_account(connection: AsyncConnection, account: int) -> list[str]:
    """Spaces, the newest invitation first, at most LISTED_MAX."""
    query = select(rows.c.space).where(rows.c.account == account).order_by(rows.c.created_at.desc(), rows.c.space)
    return list((await connection.execute(query.limit(LISTED_MAX))).scalars())


def _is(space: str, account: int) -> ColumnElement[bool]:
    return (rows.c.space == space) & (rows.c.account == account)
