"""Random lives of a community beside a model of a few lines: only members who accepted today's rules are in, a ban overrides
it, whoever loses it is told of and has no join token left, and there is always an admin."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.benefit_model import Community
from access.communities import Settings
from access.decide import Action, Allow, Deny, Policy, Resource
from access.errors import AccessError, TokenError
from access.model import Account, Creator, Tier
from tests.harness.histories import Worlds, histories
from tests.harness.world import World

pytestmark = pytest.mark.thorough

FANS = 3
fans = st.integers(0, FANS - 1)
STEPS = st.one_of(
    st.tuples(st.sampled_from(["join", "join", "join_stale", "leave", "token"]), fans),
    st.tuples(st.sampled_from(["invite", "accept", "decline", "remove", "ban", "unban"]), fans),
    st.tuples(st.sampled_from(["to_admin", "to_moderator", "to_member", "comp", "end_comp"]), fans),
    st.tuples(st.sampled_from(["rules", "close"]), st.just(0)),
)
PRESENT = ("active", "requested", "invited")


@dataclass
class Fan:
    account: Account
    state: str | None = None
    accepted: int | None = None
    role: str = "member"
    banned: bool = False
    comps: list[int] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)


@dataclass
class Life:
    world: World
    owner: Account
    creator: Creator
    tier: Tier
    community: Community
    fans: list[Fan]
    rules: int = 1
    closed: bool = False

    def is_in(self, fan: Fan) -> bool:
        paid = self.community.joining != "tier" or bool(fan.comps) or fan.role != "member"
        current = fan.state == "active" and fan.accepted == self.rules
        return current and paid and not fan.banned and not self.closed

    def expected(self, name: str, fan: Fan) -> str | None:
        """The refusal, or None; then the model has changed."""
        joining = self.community.joining
        if self.closed and name not in ("comp", "end_comp"):
            return "closed"
        match name:
            case "join" | "join_stale":
                if fan.banned:
                    return "blocked"
                if name == "join_stale":
                    return "rules_changed"
                if joining == "tier" and not fan.comps and not (fan.state == "active" and fan.role != "member"):
                    return "no_subscription"
                if fan.state == "active" or joining in ("open", "tier") or fan.state == "invited":
                    fan.state = "active"
                elif joining == "invite":
                    return "not_invited"
                else:
                    fan.state = "requested"
                fan.accepted = self.rules
            case "leave" | "remove":
                if fan.state not in PRESENT:
                    return "not_member"
                left = "declined" if fan.state == "invited" else "left"
                fan.state, fan.role = left if name == "leave" else "removed", "member"
            case "invite":
                if fan.state == "active":
                    return "already_member"
                if fan.banned:
                    return "blocked"
                fan.state = "active" if fan.state == "requested" else "invited"
            case "accept" | "decline":
                if fan.state != "requested":
                    return "not_requested"
                fan.state = "active" if name == "accept" else "declined"
            case "ban":
                fan.banned = True
                if fan.state in PRESENT:
                    fan.state, fan.role = "removed", "member"
            case "unban":
                fan.banned = False
            case "to_admin" | "to_moderator" | "to_member":
                if fan.state != "active":
                    return "not_member"
                fan.role = name.removeprefix("to_")
            case "rules":
                self.rules += 1
            case "close":
                self.closed = True
        return None

    async def act(self, name: str, fan: Fan) -> None:
        access, communities, community = self.world.access, self.world.access.communities, self.community.id
        owner, account = self.owner, fan.account
        match name:
            case "join":
                await communities.join(account, community, rules_version=self.rules)
            case "join_stale":
                await communities.join(account, community, rules_version=self.rules + 1)
            case "leave":
                await communities.leave(account, community)
            case "invite":
                await communities.invite(owner, community, account)
            case "accept" | "decline":
                await communities.answer(owner, community, account, accept=name == "accept")
            case "remove":
                await communities.remove(owner, community, account)
            case "ban":
                await communities.ban(owner, community, account)
            case "unban":
                await communities.unban(owner, community, account)
            case "to_admin" | "to_moderator" | "to_member":
                await communities.set_role(owner, community, account, role=name.removeprefix("to_"))
            case "rules":
                await communities.publish_rules(owner, community, f"Rules after {self.rules}.")
            case "close":
                await communities.close(owner, community)
            case "comp" if len(fan.comps) < 2:
                fan.comps.append((await access.create_comp(owner, self.creator, account, tier=self.tier.id)).id)
            case "end_comp" if fan.comps:
                await access.end_comp(owner, self.creator, fan.comps.pop())

    async def step(self, name: str, fan: Fan) -> None:
        if name == "token":
            minted = await self.world.access.mint_join_token(fan.account, self.resource)
            assert isinstance(minted, Deny) == (not self.is_in(fan))
            if not isinstance(minted, Deny):
                fan.tokens.append(minted[0])
            return
        before, cursor = [self.is_in(one) for one in self.fans], await self.world.access.cursor()
        refusal = None
        try:
            await self.act(name, fan)
        except AccessError as error:
            refusal = error.code
        assert refusal == self.expected(name, fan)
        told = {change.account for change in (await self.world.access.changes(cursor))[0]}
        for one, was_in in zip(self.fans, before, strict=True):
            if was_in and not self.is_in(one) and name != "rules":  # who is inside may stay under new rules
                assert told & {one.account.id, 0, None}, "out, and nobody was told"
                one.dead += one.tokens
                one.tokens = []

    @property
    def resource(self) -> Resource:
        return Resource("aSpace", self.creator.id, (Policy("community", community=self.community.id),))

    async def check(self) -> None:
        for fan in self.fans:
            answer = await self.world.access.decide(fan.account, Action.JOIN, self.resource)
            assert isinstance(answer, Allow) == self.is_in(fan), fan
        admins = await self.world.rows("SELECT account FROM community_members WHERE role = 'admin'")
        assert admins


@histories(30)
@given(st.sampled_from(["open", "request", "invite", "tier"]), st.lists(STEPS, min_size=4, max_size=24))
async def test_members_and_nobody_else_are_in(worlds: Worlds, joining: str, steps: list[tuple[str, int]]) -> None:
    world = await worlds.new()
    owner, creator = await world.creator()
    tier = await world.tier(owner, creator, benefits=["space.join", "community.member"])
    settings = Settings(name="Bakers", joining=joining, tier=tier.id if joining == "tier" else None)
    community = await world.access.communities.found(owner, creator, settings, rules="Be kind.")
    life = Life(world, owner, creator, tier, community, [Fan(await world.person()) for _ in range(FANS)])
    for name, number in steps:
        await life.step(name, life.fans[number])
        await life.check()
    for fan in life.fans:
        for token in fan.dead:
            try:
                await world.access.redeem_join_token(token, "aSpace")
            except TokenError:
                continue
            raise AssertionError("a join token outlived the membership")
