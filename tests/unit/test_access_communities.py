"""Communities: how one comes in and goes, who may do what, and what membership opens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

import pytest

from access.benefit_model import Community
from access.communities import Settings
from access.decide import Action, Allow, Deny, Policy, Resource
from access.errors import AccessError
from access.model import Account, Creator, Tier
from tests.harness.world import World

pytestmark = pytest.mark.thorough


async def a_community(world: World, joining: str = "open", **settings: object) -> tuple[Account, Creator, Community]:
    owner, creator = await world.creator()
    wanted = Settings(name="Bakers", joining=joining, **settings)  # type: ignore[arg-type]
    return owner, creator, await world.access.communities.found(owner, creator, wanted, rules="Be kind.")


async def a_group(world: World) -> tuple[Account, Creator, Tier, Community]:
    """A tier's private group."""
    owner, creator = await world.creator()
    tier = await world.tier(owner, creator, 2, benefits=["space.join", "community.member"])
    settings = Settings(name="Inner circle", joining="tier", tier=tier.id)
    return owner, creator, tier, await world.access.communities.found(owner, creator, settings, rules="Be kind.")


def of(creator: Creator, community: Community, *others: Policy) -> Resource:
    return Resource("aSpace", creator.id, (Policy("community", community=community.id), *others))


async def refused(act: Awaitable[object]) -> str:
    with pytest.raises(AccessError) as caught:
        await act
    return f"{caught.value.status} {caught.value.code}"


async def may_join(world: World, account: Account | None, resource: Resource) -> str:
    """`in`, or the reason with the step that leads in."""
    answer = await world.access.decide(account, Action.JOIN, resource)
    if isinstance(answer, Allow):
        return "in"
    return " ".join([answer.reason, *(way.step for way in answer.communities)])


async def test_an_open_community_is_joined_by_accepting_its_rules(world: World) -> None:
    owner, creator, community = await a_community(world)
    fan, space = await world.person(), of(creator, community)
    assert await may_join(world, None, space) == "not_signed_in join"
    assert await may_join(world, fan, space) == "not_member join"
    assert await may_join(world, owner, space) == "in"
    communities = world.access.communities
    assert await refused(communities.join(fan, community.id, rules_version=2)) == "409 rules_changed"
    joined = await communities.join(fan, community.id, rules_version=1)
    assert (joined.state, joined.role, joined.rules_version) == ("active", "member", 1)
    assert await communities.join(fan, community.id, rules_version=1) == joined
    assert await may_join(world, fan, space) == "in"
    cursor = await world.access.cursor()
    assert (await communities.leave(fan, community.id)).state == "left"
    assert [(c.account, c.creator) for c in (await world.access.changes(cursor))[0]] == [(fan.id, creator.id)]
    assert await may_join(world, fan, space) == "not_member join"
    assert await refused(communities.leave(fan, community.id)) == "404 not_member"


async def test_new_rules_are_accepted_before_one_comes_in_again(world: World) -> None:
    owner, creator, community = await a_community(world)
    fan, space, communities = await world.person(), of(creator, community), world.access.communities
    await communities.join(fan, community.id, rules_version=1)
    assert await refused(communities.publish_rules(fan, community.id, "Be cruel.")) == "403 not_admin"
    changed = await communities.publish_rules(owner, community.id, "Be kind.\nBring bread.")
    assert (changed.rules_version, changed.rules) == (2, "Be kind.\nBring bread.")
    assert await may_join(world, fan, space) == "rules_changed accept_rules"
    await communities.join(fan, community.id, rules_version=2)
    assert await may_join(world, fan, space) == "in"
    assert await world.rows("SELECT version, text FROM community_rules ORDER BY version") == [
        (1, "Be kind."), (2, "Be kind.\nBring bread."),
    ]  # fmt: skip


async def test_requests_are_answered_by_moderators(world: World) -> None:
    owner, creator, community = await a_community(world, "request")
    fan, other, communities = await world.person(), await world.person(), world.access.communities
    assert await may_join(world, fan, of(creator, community)) == "not_member request"
    assert (await communities.join(fan, community.id, rules_version=1)).state == "requested"
    await communities.join(other, community.id, rules_version=1)
    assert await may_join(world, fan, of(creator, community)) == "not_member wait"
    assert await refused(communities.answer(other, community.id, fan, accept=True)) == "403 not_moderator"
    assert await refused(communities.members(other, community.id, state="requested")) == "403 not_moderator"
    assert [m.account for m in await communities.members(owner, community.id, state="requested")] == [fan.id, other.id]
    assert (await communities.answer(owner, community.id, fan, accept=True)).state == "active"
    assert (await communities.answer(owner, community.id, other, accept=False)).state == "declined"
    assert await refused(communities.answer(owner, community.id, other, accept=True)) == "409 not_requested"
    assert await may_join(world, fan, of(creator, community)) == "in"
    assert await may_join(world, other, of(creator, community)) == "not_member request"


async def test_by_invitation_means_by_invitation(world: World) -> None:
    owner, creator, community = await a_community(world, "invite")
    fan, communities = await world.person(), world.access.communities
    assert await may_join(world, fan, of(creator, community)) == "not_member invitation"
    assert await refused(communities.join(fan, community.id, rules_version=1)) == "403 not_invited"
    assert await refused(communities.invite(fan, community.id, fan)) == "403 not_moderator"
    assert (await communities.invite(owner, community.id, fan)).state == "invited"
    assert await may_join(world, fan, of(creator, community)) == "not_member join"
    assert (await communities.join(fan, community.id, rules_version=1)).state == "active"
    assert await refused(communities.invite(owner, community.id, fan)) == "409 already_member"
    mine = await communities.of_account(fan)
    assert [(member.state, found.name) for member, found in mine] == [("active", "Bakers")]


async def test_there_is_always_an_admin(world: World) -> None:
    owner, _, community = await a_community(world)
    one, two, communities = await world.person(), await world.person(), world.access.communities
    for account in (one, two):
        await communities.join(account, community.id, rules_version=1)
    assert await refused(communities.leave(owner, community.id)) == "409 last_admin"
    assert await refused(communities.set_role(owner, community.id, owner, role="member")) == "409 last_admin"
    await communities.set_role(owner, community.id, one, role="moderator")
    assert await refused(communities.set_role(one, community.id, two, role="admin")) == "403 not_admin"
    assert await refused(communities.remove(one, community.id, owner)) == "403 not_admin"
    assert await refused(communities.ban(one, community.id, owner)) == "403 not_admin"
    await communities.set_role(owner, community.id, one, role="admin")
    assert (await communities.leave(owner, community.id)).role == "member"
    assert await refused(communities.leave(one, community.id)) == "409 last_admin"
    assert await refused(communities.ban(one, community.id, one)) == "409 last_admin"
    await communities.change(owner, community.id, Settings(name="Still the owner's"))
    assert await refused(communities.ban(one, community.id, owner)) == "409 own_house"


async def test_two_last_admins_do_not_leave_at_once(world: World) -> None:
    owner, _, community = await a_community(world)
    other, communities = await world.person(), world.access.communities
    await communities.join(other, community.id, rules_version=1)
    await communities.set_role(owner, community.id, other, role="admin")
    results = await asyncio.gather(
        communities.leave(owner, community.id), communities.leave(other, community.id), return_exceptions=True
    )
    assert sorted(isinstance(result, AccessError) for result in results) == [False, True]


async def test_a_ban_overrides_membership_and_subscription_in_the_communitys_spaces_only(world: World) -> None:
    owner, creator, community = await a_community(world)
    tier, fan, communities = await world.tier(owner, creator), await world.person(), world.access.communities
    await communities.join(fan, community.id, rules_version=1)
    await world.subscribe(fan, creator, tier)
    either = of(creator, community, Policy("subscribers"))
    assert await may_join(world, fan, either) == "in"
    await communities.ban(owner, community.id, fan, until=world.clock.now + timedelta(days=1), reason="crumbs")
    assert await may_join(world, fan, either) == "blocked"
    assert await may_join(world, fan, Resource("other", creator.id, (Policy("subscribers"),))) == "in"
    assert await refused(communities.join(fan, community.id, rules_version=1)) == "403 blocked"
    assert await refused(communities.invite(owner, community.id, fan)) == "409 blocked"
    world.clock.forward(days=1)
    assert (await communities.join(fan, community.id, rules_version=1)).state == "active"
    await communities.ban(owner, community.id, fan)
    await communities.unban(owner, community.id, fan)
    assert await may_join(world, fan, of(creator, community)) == "not_member join"


async def test_a_tiers_group_follows_the_tiers_right(world: World) -> None:
    owner, creator, tier, community = await a_group(world)
    low = await world.tier(owner, creator, 1, benefits=["space.join", "community.member"])
    fan, poor, communities = await world.person(), await world.person(), world.access.communities
    space = of(creator, community)
    denied = await world.access.decide(fan, Action.JOIN, space)
    assert isinstance(denied, Deny)
    assert (denied.status, denied.reason, [offer.tier for offer in denied.offers]) == (402, "not_member", [tier.id])
    assert await refused(communities.join(fan, community.id, rules_version=1)) == "403 no_subscription"
    paid = await world.subscribe(fan, creator, tier)
    await world.subscribe(poor, creator, low)
    assert await may_join(world, fan, space) == "not_member join"
    assert await may_join(world, poor, space) == "not_member subscribe"
    await communities.join(fan, community.id, rules_version=1)
    allowed = await world.access.decide(fan, Action.JOIN, space)
    assert isinstance(allowed, Allow)
    assert (allowed.communities, allowed.not_after) == ((community.id,), paid.until)
    assert allowed.grants
    assert paid.until is not None
    world.clock.now = paid.until
    assert await may_join(world, fan, space) == "not_member subscribe"
    await world.access.create_comp(owner, creator, fan, tier=tier.id)
    assert await may_join(world, fan, space) == "in"


async def test_moderators_of_a_tiers_group_need_not_pay_and_others_do_not_see_who_did(world: World) -> None:
    owner, creator, tier, community = await a_group(world)
    fan, helper, communities = await world.person(), await world.person(), world.access.communities
    for account in (fan, helper):
        await world.access.create_comp(
            owner, creator, account, tier=tier.id, ends_at=world.clock.now + timedelta(days=1)
        )
        await communities.join(account, community.id, rules_version=1)
    await communities.set_role(owner, community.id, helper, role="moderator")
    world.clock.forward(days=2)
    assert await may_join(world, helper, of(creator, community)) == "in"
    assert await may_join(world, fan, of(creator, community)) == "not_member subscribe"
    assert {m.account for m in await communities.members(fan, community.id)} == {owner.id, helper.id}
    assert {m.account for m in await communities.members(helper, community.id)} == {owner.id, helper.id, fan.id}
    assert await refused(communities.members(await world.person(), community.id)) == "403 not_member"


async def test_a_closed_community_admits_nobody_and_tells_everybody(world: World) -> None:
    owner, creator, community = await a_community(world)
    fan, communities = await world.person(), world.access.communities
    await communities.join(fan, community.id, rules_version=1)
    cursor = await world.access.cursor()
    assert (await communities.close(owner, community.id)).closed_at == world.clock.now
    assert [(c.account, c.creator) for c in (await world.access.changes(cursor))[0]] == [(0, creator.id)]
    assert await may_join(world, fan, of(creator, community)) == "not_invited"
    assert await refused(communities.join(await world.person(), community.id, rules_version=1)) == "409 closed"
    assert await communities.of_creator(creator.id) == []


async def test_a_community_of_somebody_else_admits_nobody(world: World) -> None:
    _, _, foreign = await a_community(world)
    _, creator, _ = await a_community(world)
    fan = await world.person()
    await world.access.communities.join(fan, foreign.id, rules_version=1)
    assert await may_join(world, fan, of(creator, foreign)) == "not_invited"


async def test_what_cannot_be_founded_is_refused_with_the_field(world: World) -> None:
    owner, creator = await world.creator()
    stranger, (rival, other) = await world.person(), await world.creator()
    foreign = await world.tier(rival, other)
    communities = world.access.communities
    assert await refused(communities.found(stranger, creator, Settings(name="x"), rules="r")) == "403 not_creator"
    for settings, rules, field in (
        (Settings(name=" "), "r", "name"),
        (Settings(name="x"), "", "rules"),
        (Settings(name="x"), "a\x00b", "rules"),
        (Settings(name="x", topics=["a", "b", "c", "d"]), "r", "topics"),
        (Settings(name="x", joining="magic"), "r", "joining"),
        (Settings(name="x", joining="tier"), "r", "tier"),
        (Settings(name="x", tier=foreign.id), "r", "tier"),
        (Settings(name="x", joining="tier", tier=foreign.id), "r", "tier"),
        (Settings(name="x", joining="tier", tier=10**30), "r", "tier"),
    ):
        with pytest.raises(AccessError) as caught:
            await communities.found(owner, creator, settings, rules=rules)
        assert caught.value.field == field
    assert await world.rows("SELECT * FROM communities") == []
    for unknown in (0, 99, 10**30):
        assert await refused(communities.get(unknown)) == "404 unknown_community"
        assert await refused(communities.join(owner, unknown, rules_version=1)) == "404 unknown_community"
