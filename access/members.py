"""Who acts for a creator: a publication has members with roles, and at least one owner.

owner: everything · editor: Spaces and newsletters · host: Spaces · finance: offers, subscribers and the books.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import accounts, audit, creators, fields
from access.database import insert_or_ignore
from access.errors import AccessError
from access.model import Account, Creator
from access.money_model import CreatorMember
from access.tables import accounts as account_rows
from access.tables import creator_members
from access.tables import creators as creator_rows

ROLES = ("owner", "editor", "host", "finance")
OWNER = frozenset({"owner"})
MEMBERS_MAX = 200
OWNED_MAX = 20
"""Publications of one owner: each takes a handle."""


async def found_publication(
    connection: AsyncConnection, founder: Account, handle: str, name: str | None, now: datetime
) -> Creator:
    """With an account of its own, that nobody signs in to; its founder is its owner. 403; 409 handle_taken,
    too_many_publications; 422."""
    if founder.status != "active":
        raise AccessError(403, "suspended", "This account is suspended.")
    await creators.refuse_new(connection)
    await accounts.lock(connection, founder.id)
    owned = (
        select(func.count())
        .select_from(creator_members)
        .where(creator_members.c.account == founder.id, creator_members.c.role == "owner")
    )
    if (await connection.execute(owned)).scalar_one() >= OWNED_MAX:
        raise AccessError(409, "too_many_publications", f"At most {OWNED_MAX} publications have one owner.")
    handle = fields.handle(handle)
    name = None if name is None else fields.text(name, "name", 100)
    new = insert(account_rows).values(status="active", name=name, created_at=now).returning(account_rows.c.id)
    account = int((await connection.execute(new)).scalar_one())
    await accounts.set_handle(connection, account, handle, name, now)
    await connection.execute(insert(creator_rows).values(id=account, kind="publication", created_at=now))
    member = {"creator": account, "account": founder.id, "role": "owner", "created_at": now}
    await connection.execute(insert(creator_members).values(member))
    await audit.record(connection, now, "publication.founded", actor=founder.id, creator=account)
    creator = await creators.of_account(connection, account)
    assert creator is not None
    return creator


async def acted_for(connection: AsyncConnection, account: Account) -> list[tuple[Creator, str]]:
    """With the account's role; itself first, then by handle."""
    mine = select(creator_members.c.creator, creator_members.c.role).where(creator_members.c.account == account.id)
    roles = {row.creator: row.role for row in (await connection.execute(mine)).all()}
    found = [(creator, roles[creator.id]) for creator in await creators.some(connection, roles)]
    return sorted(found, key=lambda one: (one[0].id != account.id, one[0].handle))


async def of_creator(connection: AsyncConnection, actor: Account, creator: int) -> list[CreatorMember]:
    """For its members. 403 not_creator."""
    await creators.require_member(connection, creator, actor, ROLES)
    mine = creator_members.c.creator == creator
    rows = await connection.execute(select(creator_members).where(mine).order_by(creator_members.c.created_at))
    return [CreatorMember(row.account, row.role, row.created_at) for row in rows]


async def set_role(
    connection: AsyncConnection, actor: Account, creator: int, account: Account, role: str, now: datetime
) -> None:
    """Add a member, or give one another role. 403 not_creator; 409 last_owner, too_many_members; 422."""
    await creators.require_member(connection, creator, actor, OWNER)
    fields.choice(role, "role", ROLES)
    await accounts.lock(connection, creator)
    mine = (creator_members.c.creator == creator) & (creator_members.c.account == account.id)
    held = (await connection.execute(select(creator_members.c.role).where(mine))).scalar_one_or_none()
    if held == role:
        return
    if held is None and await _count(connection, creator, ROLES) >= MEMBERS_MAX:
        raise AccessError(409, "too_many_members", f"A creator has at most {MEMBERS_MAX} members.")
    if held == "owner":
        await _keep_an_owner(connection, creator)
    row = {"creator": creator, "account": account.id, "role": role, "created_at": now}
    await connection.execute(insert_or_ignore(connection, creator_members).values(row))
    await connection.execute(update(creator_members).where(mine).values(role=role))
    await audit.record(
        connection, now, "member.role_set", actor=actor.id, account=account.id, creator=creator, role=role
    )


async def remove(connection: AsyncConnection, actor: Account, creator: int, account: Account, now: datetime) -> None:
    """By an owner, or oneself. Idempotent. 403 not_creator; 409 last_owner."""
    if actor.id != account.id:
        await creators.require_member(connection, creator, actor, OWNER)
    await accounts.lock(connection, creator)
    mine = (creator_members.c.creator == creator) & (creator_members.c.account == account.id)
    held = (await connection.execute(select(creator_members.c.role).where(mine))).scalar_one_or_none()
    if held is None:
        return
    if held == "owner":
        await _keep_an_owner(connection, creator)
    await connection.execute(delete(creator_members).where(mine))
    await audit.record(connection, now, "member.removed", actor=actor.id, account=account.id, creator=creator)


async def _keep_an_owner(connection: AsyncConnection, creator: int) -> None:
    if await _count(connection, creator, ("owner",)) <= 1:
        raise AccessError(409, "last_owner", "A creator has at least one owner: name another one first.")


async def _count(connection: AsyncConnection, creator: int, roles: tuple[str, ...]) -> int:
    query = select(func.count()).select_from(creator_members).where(
        creator_members.c.creator == creator, creator_members.c.role.in_(roles)
    )  # fmt: skip
    return int((await connection.execute(query)).scalar_one())
