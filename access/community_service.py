"""The front door of communities: each method is one transaction. All refusals are AccessError."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from access import communities, community_members
from access.benefit_model import Community, CommunityMember
from access.communities import Settings
from access.community_members import Standing
from access.database import read, reading, write
from access.errors import AccessError
from access.model import Account, Creator


@dataclass(frozen=True, slots=True)
class CommunityState:
    """A community, how many are in it, and how somebody stands in it."""

    community: Community
    members: int
    """Rows; of a tier's group also of those whose right has lapsed."""
    mine: CommunityMember | None
    standing: Standing
    blocked: bool


class Communities:
    def __init__(self, engine: AsyncEngine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    async def found(self, actor: Account, creator: Creator, settings: Settings, *, rules: str) -> Community:
        return await write(self._engine, communities.found, actor, creator.id, settings, rules, self._now())

    async def change(self, actor: Account, community: int, settings: Settings) -> Community:
        return await write(self._engine, communities.change, actor, community, settings, self._now())

    async def publish_rules(self, actor: Account, community: int, rules: str) -> Community:
        return await write(self._engine, communities.publish_rules, actor, community, rules, self._now())

    async def close(self, actor: Account, community: int) -> Community:
        return await write(self._engine, communities.close, actor, community, self._now())

    async def get(self, community: int) -> Community:
        """404 unknown_community."""
        return await read(self._engine, communities.by_id, community)

    async def find(self, community: int) -> Community | None:
        """For checking what a policy names."""
        try:
            return await self.get(community)
        except AccessError:
            return None

    async def look(self, community: int, account: Account | None) -> CommunityState:
        async with reading(self._engine) as connection:
            found = await communities.by_id(connection, community)
            members = await community_members.count(connection, community)
            mine = None if account is None else await community_members.get(connection, community, account.id)
            try:
                standing = await community_members.standing_of(connection, found, account, self._now())
            except AccessError as refused:
                if refused.code not in ("blocked", "suspended"):
                    raise
                return CommunityState(found, members, mine, None, True)
        return CommunityState(found, members, mine, standing, False)

    async def of_creator(self, creator: int) -> list[Community]:
        return await read(self._engine, communities.of_creator, creator)

    async def of_account(self, account: Account) -> list[tuple[CommunityMember, Community]]:
        """Where it is a member, invited, or waiting."""
        async with reading(self._engine) as connection:
            mine = await community_members.of_account(connection, account.id)
            return [(member, await communities.by_id(connection, member.community)) for member in mine]

    async def join(self, account: Account, community: int, *, rules_version: int) -> CommunityMember:
        return await write(self._engine, community_members.join, account, community, rules_version, self._now())

    async def leave(self, account: Account, community: int) -> CommunityMember:
        return await write(self._engine, community_members.leave, account, community, self._now())

    async def invite(self, actor: Account, community: int, account: Account) -> CommunityMember:
        return await write(self._engine, community_members.invite, actor, community, account, self._now())

    async def answer(self, actor: Account, community: int, account: Account, *, accept: bool) -> CommunityMember:
        return await write(self._engine, community_members.answer, actor, community, account, accept, self._now())

    async def remove(self, actor: Account, community: int, account: Account) -> CommunityMember:
        return await write(self._engine, community_members.remove, actor, community, account, self._now())

    async def set_role(self, actor: Account, community: int, account: Account, *, role: str) -> CommunityMember:
        return await write(self._engine, community_members.set_role, actor, community, account, role, self._now())

    async def ban(
        self, actor: Account, community: int, account: Account, *, until: datetime | None = None, reason: str = ""
    ) -> None:
        await write(self._engine, community_members.ban, actor, community, account, until, reason, self._now())

    async def unban(self, actor: Account, community: int, account: Account) -> None:
        await write(self._engine, community_members.unban, actor, community, account, self._now())

    async def members(
        self, actor: Account | None, community: int, *, state: str = "active", after: int = 0
    ) -> list[CommunityMember]:
        return await read(self._engine, community_members.listed, actor, community, state, after)
