"""Who is in a community, and how he came there and went. Each act locks the community's row: its members change one at a time.

What somebody may do as a member is computed elsewhere (community_rights): a row here is not yet a right.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import audit, bans, communities, fields, outbox, pairs, snapshots
from access.benefit_model import Community, CommunityMember
from access.community_rights import CommunityWay, Member, stands
from access.decide import Policy, Resource
from access.errors import AccessError
from access.model import Account
from access.tables_benefits import COMMUNITY_ROLES, community_members

MEMBERS_MAX = 100_000
WAITING_MAX = 10_000
"""Requests and invitations that nobody has answered yet, of one community."""
LISTED_MAX = 100
STAFF = {"admin", "moderator"}
Standing = Member | CommunityWay | None


async def join(
    connection: AsyncConnection, actor: Account, community: int, rules_version: int, now: datetime
) -> CommunityMember:
    """Become a member, ask to, or accept the rules anew: whichever is next. Repeating it changes nothing.

    403 blocked, suspended, not_invited, no_subscription; 409 rules_changed (the version is not today's), community_full.
    """
    found = await communities.lock(connection, community)
    await pairs.lock_pair(connection, actor.id, found.creator)
    standing = await standing_of(connection, found, actor, now)
    row = await _row(connection, community, actor.id)
    if rules_version != found.rules_version:
        raise AccessError(409, "rules_changed", f"The rules are now at version {found.rules_version}.", "rules_version")
    if not isinstance(standing, CommunityWay):
        assert row is not None
        return _member(row)
    match standing.step:
        case "subscribe":
            raise AccessError(403, "no_subscription", "This group is for Super Followers of a tier.")
        case "invitation":
            raise AccessError(403, "not_invited", "One comes into this community by invitation.")
        case "wait":
            state = "requested"
        case "request":
            await _room_for(connection, community, ("requested", "invited"), WAITING_MAX)
            state = "requested"
        case _:
            if row is None or row.state != "active":
                await _room_for(connection, community, ("active",), MEMBERS_MAX)
            state = "active"
    return await _set(
        connection, found, actor, actor.id, now, state=state, rules_version=rules_version, rules_accepted_at=now
    )


async def leave(connection: AsyncConnection, actor: Account, community: int, now: datetime) -> CommunityMember:
    """Leave, withdraw a request or decline an invitation. 404 not_member; 409 last_admin."""
    found = await communities.lock(connection, community)
    row = await _present(connection, community, actor.id)
    await _not_the_last_admin(connection, row)
    state = "declined" if row.state == "invited" else "left"
    return await _set(connection, found, actor, actor.id, now, state=state, role="member")


async def invite(
    connection: AsyncConnection, actor: Account, community: int, account: Account, now: datetime
) -> CommunityMember:
    """A request of the invited is thereby accepted. 403 not_moderator; 409 already_member, blocked, community_full."""
    found = await communities.lock(connection, community)
    await communities.require_office(connection, found, actor, STAFF)
    row = await _row(connection, community, account.id)
    if row is not None and row.state == "active":
        raise AccessError(409, "already_member", "This account is a member already.", "account")
    if await bans.in_community(connection, account.id, found.creator, community, now):
        raise AccessError(409, "blocked", "This account is banned here.", "account")
    requested = row is not None and row.state == "requested"
    if requested:
        await _room_for(connection, community, ("active",), MEMBERS_MAX)
    else:
        await _room_for(connection, community, ("requested", "invited"), WAITING_MAX)
    return await _set(connection, found, actor, account.id, now, state="active" if requested else "invited")


async def answer(
    connection: AsyncConnection, actor: Account, community: int, account: Account, accept: bool, now: datetime
) -> CommunityMember:
    """Of a request. 403 not_moderator; 409 not_requested, community_full."""
    found = await communities.lock(connection, community)
    await communities.require_office(connection, found, actor, STAFF)
    row = await _row(connection, community, account.id)
    if row is None or row.state != "requested":
        raise AccessError(409, "not_requested", "This account has not asked to join.", "account")
    if accept:
        await _room_for(connection, community, ("active",), MEMBERS_MAX)
    return await _set(connection, found, actor, account.id, now, state="active" if accept else "declined")


async def remove(
    connection: AsyncConnection, actor: Account, community: int, account: Account, now: datetime
) -> CommunityMember:
    """Put out; he may come back as others come in. 403 not_moderator, not_admin; 404 not_member; 409 last_admin."""
    found = await communities.lock(connection, community)
    row = await _present(connection, community, account.id)
    await _above(connection, found, actor, row)
    return await _set(connection, found, actor, account.id, now, state="removed", role="member")


async def set_role(
    connection: AsyncConnection, actor: Account, community: int, account: Account, role: str, now: datetime
) -> CommunityMember:
    """403 not_admin; 404 not_member; 409 last_admin; 422."""
    found = await communities.lock(connection, community)
    await communities.require_office(connection, found, actor, {"admin"})
    fields.choice(role, "role", COMMUNITY_ROLES)
    row = await _row(connection, community, account.id)
    if row is None or row.state != "active":
        raise _not_member()
    if role != "admin":
        await _not_the_last_admin(connection, row)
    return await _set(connection, found, actor, account.id, now, role=role)


async def ban(
    connection: AsyncConnection,
    actor: Account,
    community: int,
    account: Account,
    until: datetime | None,
    reason: str,
    now: datetime,
) -> None:
    """Out of the community and its Spaces, and kept out. 403 not_moderator, not_admin; 409 own_house, last_admin."""
    found = await communities.lock(connection, community)
    row = await _row(connection, community, account.id)
    await _above(connection, found, actor, row)
    await bans.create(
        connection, actor, account, creator=found.creator, space=None, community=community, until=until,
        reason=reason, now=now,
    )  # fmt: skip
    if row is not None and row.state in ("active", "requested", "invited"):
        await _set(connection, found, actor, account.id, now, state="removed", role="member")


async def unban(connection: AsyncConnection, actor: Account, community: int, account: Account, now: datetime) -> None:
    """He may come in again as others do. Idempotent. 403 not_moderator."""
    found = await communities.lock(connection, community)
    await communities.require_office(connection, found, actor, STAFF)
    await bans.end(connection, actor, account, found.creator, now, community=community)


async def standing_of(
    connection: AsyncConnection, community: Community, account: Account | None, now: datetime
) -> Standing:
    """A member, or the next step to become one; None: it is closed. 403 blocked, suspended."""
    resource = Resource("", community.creator, (Policy("community", community=community.id),))
    snapshot = await snapshots.load(connection, None if account is None else account.id, resource, None)
    if snapshot.account_status != "active":
        raise AccessError(403, "suspended", "This account is suspended.")
    if any(ban.covers("", now, resource.communities) for ban in snapshot.bans):
        raise AccessError(403, "blocked", "You have been blocked here.")
    return stands(snapshot.communities[0], snapshot, now)


async def get(connection: AsyncConnection, community: int, account: int) -> CommunityMember | None:
    row = await _row(connection, community, account)
    return None if row is None else _member(row)


async def of_account(connection: AsyncConnection, account: int) -> list[CommunityMember]:
    """Where it is a member, invited, or waiting."""
    query = select(community_members).where(
        community_members.c.account == account, community_members.c.state.in_(("active", "requested", "invited"))
    )
    return [_member(row) for row in await connection.execute(query.order_by(community_members.c.community))]


async def listed(
    connection: AsyncConnection, actor: Account | None, community: int, state: str, after: int
) -> list[CommunityMember]:
    """Ordered by account, LISTED_MAX at a time. Members see members; who waits is seen by moderators; and in a tier's group,
    whose members have paid, others see only who holds an office. 403 not_member, not_moderator."""
    found = await communities.by_id(connection, community)
    fields.choice(state, "state", ("active", "requested", "invited"))
    role = None if actor is None else await communities.office(connection, found, actor)
    query = select(community_members).where(
        community_members.c.community == community,
        community_members.c.state == state,
        community_members.c.account > after,
    )
    if role not in STAFF:
        if state != "active":
            raise AccessError(403, "not_moderator", "Only moderators of the community see this.")
        if role is None:
            raise AccessError(403, "not_member", "Only members see who is a member.")
        if found.joining == "tier":
            query = query.where(community_members.c.role != "member")
    rows = await connection.execute(query.order_by(community_members.c.account).limit(LISTED_MAX))
    return [_member(row) for row in rows]


async def count(connection: AsyncConnection, community: int, states: tuple[str, ...] = ("active",)) -> int:
    mine = (community_members.c.community == community) & community_members.c.state.in_(states)
    return int((await connection.execute(select(func.count()).select_from(community_members).where(mine))).scalar_one())


async def _set(
    connection: AsyncConnection, community: Community, actor: Account, account: int, now: datetime, **values: Any
) -> CommunityMember:
    """The community is locked. Writes the row, the audit and the message that rights have changed."""
    await pairs.lock_pair(connection, account, community.creator)
    before = await get(connection, community.id, account)
    new: dict[str, Any] = {"role": "member" if before is None else before.role, **values}
    if "state" in values and (before is None or before.state != values["state"]):
        new["since"] = now
    if before is None:
        row = {"community": community.id, "account": account, **new}
        await connection.execute(insert(community_members).values(row))
    else:
        mine = (community_members.c.community == community.id) & (community_members.c.account == account)
        await connection.execute(update(community_members).where(mine).values(new))
    after = await get(connection, community.id, account)
    assert after is not None
    if after == before:
        return after
    if before is not None and before.state == "active" and after.state != "active":
        await pairs.take_away(connection, account, community.creator)
    await audit.record(
        connection, now, f"community.member.{after.state}", actor=actor.id, account=account, creator=community.creator,
        community=community.id, role=after.role,
    )  # fmt: skip
    await outbox.publish_rights_changed(connection, account, community.creator, now)
    return after


async def _above(connection: AsyncConnection, community: Community, actor: Account, row: Row[Any] | None) -> None:
    """May the actor act against this member? Against an office only an admin, and never against the last one."""
    officer = row is not None and row.role in STAFF
    await communities.require_office(connection, community, actor, {"admin"} if officer else STAFF)
    if row is not None:
        await _not_the_last_admin(connection, row)


async def _not_the_last_admin(connection: AsyncConnection, row: Row[Any]) -> None:
    if row.role != "admin":
        return
    admins = (community_members.c.community == row.community) & (community_members.c.role == "admin")
    if (await connection.execute(select(func.count()).select_from(community_members).where(admins))).scalar_one() == 1:
        raise AccessError(409, "last_admin", "A community has an admin: make somebody else one first.")


async def _room_for(connection: AsyncConnection, community: int, states: tuple[str, ...], limit: int) -> None:
    if await count(connection, community, states) >= limit:
        raise AccessError(409, "community_full", f"There is room for {limit}.")


async def _present(connection: AsyncConnection, community: int, account: int) -> Row[Any]:
    row = await _row(connection, community, account)
    if row is None or row.state not in ("active", "requested", "invited"):
        raise _not_member()
    return row


async def _row(connection: AsyncConnection, community: int, account: int) -> Row[Any] | None:
    mine = (community_members.c.community == community) & (community_members.c.account == account)
    return (await connection.execute(select(community_members).where(mine))).one_or_none()


def _member(row: Row[Any]) -> CommunityMember:
    return CommunityMember(row.community, row.account, row.role, row.state, row.rules_version, row.since)


def _not_member() -> AccessError:
    return AccessError(404, "not_member", "This account is not in the community.")
