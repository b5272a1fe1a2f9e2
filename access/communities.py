"""Communities: groups of a creator around topics, with rules that are accepted in a version. Who is in them: community_members.

The creator's owners are always among those who may administer: an account that is deleted takes its offices along.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import accounts, audit, creators, fields, outbox
from access.benefit_model import Community
from access.errors import AccessError
from access.model import Account
from access.tables_benefits import JOINING, communities, community_members, community_rules

COMMUNITIES_MAX = 100
"""Of one creator, closed ones too."""
RULES_VERSIONS_MAX = 1_000
RULES_LENGTH_MAX = 20_000
DESCRIPTION_LENGTH_MAX = 2_000
TOPICS_MAX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Of a community, each None to leave it as it is. `tier` goes with joining = tier."""

    name: str | None = None
    description: str | None = None
    topics: Sequence[str] | None = None
    joining: str | None = None
    tier: int | None = None


async def found(
    connection: AsyncConnection, actor: Account, creator: int, settings: Settings, rules: str, now: datetime
) -> Community:
    """The actor is its first admin and has accepted the rules. 403 not_creator; 409 too_many_communities; 422."""
    await creators.require_member(connection, creator, actor, creators.EDITING_ROLES)
    await accounts.lock(connection, creator)
    mine = select(func.count()).select_from(communities).where(communities.c.creator == creator)
    if (await connection.execute(mine)).scalar_one() >= COMMUNITIES_MAX:
        raise AccessError(409, "too_many_communities", f"A creator has at most {COMMUNITIES_MAX} communities.")
    row = {"creator": creator, "description": "", "topics": [], "joining": "open", "tier": None}
    row |= await _checked(connection, creator, settings, now) | {"rules_version": 1, "created_at": now}
    community = (await connection.execute(insert(communities).values(row).returning(communities.c.id))).scalar_one()
    await _insert_rules(connection, community, 1, rules, now)
    await connection.execute(
        insert(community_members).values(
            community=community,
            account=actor.id,
            role="admin",
            state="active",
            rules_version=1,
            rules_accepted_at=now,
            since=now,
        )
    )
    await audit.record(connection, now, "community.founded", actor=actor.id, creator=creator, community=community)
    return await by_id(connection, community)


async def change(
    connection: AsyncConnection, actor: Account, community: int, settings: Settings, now: datetime
) -> Community:
    """403 not_admin; 409 closed; 422. Another way of joining may end memberships: everybody's rights are looked at again."""
    before = await lock(connection, community)
    await require_office(connection, before, actor, {"admin"})
    values = await _checked(connection, before.creator, settings, now, before.joining)
    if values:
        await connection.execute(update(communities).where(communities.c.id == community).values(values))
        await audit.record(
            connection, now, "community.changed", actor=actor.id, creator=before.creator, community=community,
            fields=sorted(values),
        )  # fmt: skip
    if "joining" in values:
        await outbox.publish_rights_changed(connection, outbox.EVERYBODY, before.creator, now)
    return await by_id(connection, community)


async def publish_rules(
    connection: AsyncConnection, actor: Account, community: int, rules: str, now: datetime
) -> Community:
    """A new version, which everybody has to accept before he comes in again; who is inside a Space now may stay.

    The actor has accepted it. 403 not_admin; 409 closed; 422.
    """
    before = await lock(connection, community)
    await require_office(connection, before, actor, {"admin"})
    version = before.rules_version + 1
    if version > RULES_VERSIONS_MAX:
        raise AccessError(409, "too_many_versions", f"The rules have at most {RULES_VERSIONS_MAX} versions.")
    await _insert_rules(connection, community, version, rules, now)
    await connection.execute(update(communities).where(communities.c.id == community).values(rules_version=version))
    his = (community_members.c.community == community) & (community_members.c.account == actor.id)
    accepted = update(community_members).where(his, community_members.c.state == "active")
    await connection.execute(accepted.values(rules_version=version, rules_accepted_at=now))
    await audit.record(
        connection, now, "community.rules", actor=actor.id, creator=before.creator, community=community, version=version
    )
    return await by_id(connection, community)


async def close(connection: AsyncConnection, actor: Account, community: int, now: datetime) -> Community:
    """Nobody is a member of it any more. For good. 403 not_admin; 409 closed."""
    before = await lock(connection, community)
    await require_office(connection, before, actor, {"admin"})
    await connection.execute(update(communities).where(communities.c.id == community).values(closed_at=now))
    await audit.record(connection, now, "community.closed", actor=actor.id, creator=before.creator, community=community)
    await outbox.publish_rights_changed(connection, outbox.EVERYBODY, before.creator, now)
    return await by_id(connection, community)


async def by_id(connection: AsyncConnection, community: int) -> Community:
    """404 unknown_community."""
    known = 0 < community <= accounts.ID_MAX
    row = (await connection.execute(_query().where(communities.c.id == community))).one_or_none() if known else None
    if row is None:
        raise unknown()
    return _community(row)


async def of_creator(connection: AsyncConnection, creator: int) -> list[Community]:
    """Those that are open, the oldest first."""
    query = _query().where(communities.c.creator == creator, communities.c.closed_at.is_(None))
    return [_community(row) for row in await connection.execute(query.order_by(communities.c.id))]


async def lock(connection: AsyncConnection, community: int) -> Community:
    """Nobody else changes it or its members until the transaction ends. 404; 409 closed."""
    if 0 < community <= accounts.ID_MAX:
        mine = select(communities.c.id).where(communities.c.id == community)
        await connection.execute(mine.with_for_update())
    found = await by_id(connection, community)
    if found.closed_at is not None:
        raise AccessError(409, "closed", "This community has been closed.")
    return found


async def office(connection: AsyncConnection, community: Community, account: Account) -> str | None:
    """admin, moderator or member; None: no active member. An owner of the creator is an admin."""
    if await creators.is_member(connection, community.creator, account, {"owner"}):
        return "admin"
    query = select(community_members.c.role).where(
        community_members.c.community == community.id,
        community_members.c.account == account.id,
        community_members.c.state == "active",
    )
    return (await connection.execute(query)).scalar_one_or_none() if account.status == "active" else None


async def require_office(connection: AsyncConnection, community: Community, account: Account, roles: set[str]) -> str:
    """The actor's role. 403 not_admin, not_moderator."""
    role = await office(connection, community, account)
    if role is None or role not in roles:
        least = "moderator" if "moderator" in roles else "admin"
        raise AccessError(403, f"not_{least}", f"Only {least}s of the community may do this.")
    return role


def unknown() -> AccessError:
    return AccessError(404, "unknown_community", "There is no such community.")


async def _checked(
    connection: AsyncConnection, creator: int, settings: Settings, now: datetime, joining_before: str = "open"
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if settings.name is not None:
        values["name"] = fields.text(settings.name, "name", 100)
    if settings.description is not None:
        values["description"] = fields.prose(settings.description, "description", DESCRIPTION_LENGTH_MAX, 0)
    if settings.topics is not None:
        if len(settings.topics) > TOPICS_MAX:
            raise fields.bad_field("topics", f"at most {TOPICS_MAX}")
        values["topics"] = [fields.text(topic, "topics", 50) for topic in settings.topics]
    joining = settings.joining or joining_before
    fields.choice(joining, "joining", JOINING)
    if (settings.tier is not None) and joining != "tier":
        raise fields.bad_field("tier", "only with joining: tier")
    if settings.joining == "tier" and settings.tier is None:
        raise fields.bad_field("tier", "joining: tier needs the tier whose holders are its members")
    if settings.tier is not None and (await creators.tier_by_id(connection, settings.tier, now)).creator != creator:
        raise AccessError(422, "unknown_tier", "The creator has no such tier.", "tier")
    if settings.joining is not None or settings.tier is not None:
        values |= {"joining": joining, "tier": settings.tier}
    return values


async def _insert_rules(connection: AsyncConnection, community: int, version: int, rules: str, now: datetime) -> None:
    text = fields.prose(rules, "rules", RULES_LENGTH_MAX)
    row = {"community": community, "version": version, "text": text, "created_at": now}
    await connection.execute(insert(community_rules).values(row))


def _query() -> Any:
    now_valid = (community_rules.c.community == communities.c.id) & (
        community_rules.c.version == communities.c.rules_version
    )
    return select(communities, community_rules.c.text).join(community_rules, now_valid)


def _community(row: Row[Any]) -> Community:
    return Community(
        row.id, row.creator, row.name, row.description, tuple(row.topics), row.joining, row.tier, row.rules_version,
        row.text, row.created_at, row.closed_at,
    )  # fmt: skip
