"""Comps beside payments: neither destroys, shortens or lengthens the other."""

from __future__ import annotations

from datetime import timedelta

import pytest

from access.decide import Allow, Deny
from access.errors import AccessError
from tests.harness.world import World


async def test_a_comp_with_an_end_admits_until_then(world: World) -> None:
    owner, creator = await world.creator()
    tier, fan = await world.tier(owner, creator), await world.person()
    end = world.clock.now + timedelta(seconds=5)
    cursor = await world.access.cursor()
    comp = await world.access.create_comp(owner, creator, fan, tier=tier.id, ends_at=end)
    assert (comp.account, comp.tier, comp.ends_at, comp.ended_at) == (fan.id, tier.id, end, None)
    assert [c.account for c in (await world.access.changes(cursor))[0]] == [fan.id]
    allowed = await world.may_join(fan, creator, tier)
    assert isinstance(allowed, Allow)
    assert (allowed.grants, allowed.not_after) == ((comp.id,), end)
    standing = await world.access.follows.standing(fan, creator.id)
    assert (standing.tier, standing.status, standing.until) == (tier.id, "comp", end)
    world.clock.forward(seconds=5)
    denied = await world.may_join(fan, creator, tier)
    assert isinstance(denied, Deny)
    assert denied.reason == "lapsed"
    assert (await world.access.follows.standing(fan, creator.id)).status == "lapsed"


async def test_a_comp_without_an_end_lasts_until_the_creator_ends_it(world: World) -> None:
    owner, creator = await world.creator()
    tier, fan = await world.tier(owner, creator), await world.person()
    comp = await world.access.create_comp(owner, creator, fan, tier=tier.id)
    world.clock.forward(days=4000)
    allowed = await world.may_join(fan, creator, tier)
    assert isinstance(allowed, Allow)
    assert allowed.not_after is None
    with pytest.raises(AccessError, match="403 not_creator"):
        await world.access.end_comp(fan, creator, comp.id)
    cursor = await world.access.cursor()
    ended = await world.access.end_comp(owner, creator, comp.id)
    assert ended.ended_at == world.clock.now
    assert [c.account for c in (await world.access.changes(cursor))[0]] == [fan.id]
    denied = await world.may_join(fan, creator, tier)
    assert isinstance(denied, Deny)
    world.clock.forward(days=1)
    assert await world.access.end_comp(owner, creator, comp.id) == ended
    assert await world.access.comps(owner, creator) == [ended]


async def test_comp_then_paid_then_canceled_ends_where_the_comp_ends(world: World) -> None:
    owner, creator = await world.creator()
    low, high = await world.tier(owner, creator, 1), await world.tier(owner, creator, 2)
    fan = await world.person()
    end = world.clock.now + timedelta(days=10)
    comp = await world.access.create_comp(owner, creator, fan, tier=low.id, ends_at=end)
    paid = await world.subscribe(fan, creator, high)
    standing = await world.access.follows.standing(fan, creator.id)
    assert (standing.tier, standing.status, standing.until) == (high.id, "active", paid.until)
    both = await world.may_join(fan, creator, low)
    assert isinstance(both, Allow)
    assert both.not_after == paid.until
    assert comp.id in both.grants

    await world.access.follows.cancel(owner, paid.id, at="now")
    assert isinstance(await world.may_join(fan, creator, high), Deny)
    left = await world.may_join(fan, creator, low)
    assert isinstance(left, Allow)
    assert (left.grants, left.not_after) == ((comp.id,), end)
    world.clock.now = end
    assert isinstance(await world.may_join(fan, creator, low), Deny)


async def test_a_comp_outlives_a_paid_period_and_does_not_lengthen_it(world: World) -> None:
    owner, creator = await world.creator()
    low, high = await world.tier(owner, creator, 1), await world.tier(owner, creator, 2)
    fan = await world.person()
    await world.access.create_comp(owner, creator, fan, tier=low.id)
    paid = await world.subscribe(fan, creator, high)
    assert paid.until is not None
    world.clock.now = paid.until
    assert isinstance(await world.may_join(fan, creator, low), Allow)
    denied = await world.may_join(fan, creator, high)
    assert isinstance(denied, Deny)
    assert denied.reason == "tier_too_low"


async def test_ending_a_comp_leaves_what_was_paid_for(world: World) -> None:
    owner, creator = await world.creator()
    tier, fan = await world.tier(owner, creator), await world.person()
    comp = await world.access.create_comp(owner, creator, fan, tier=tier.id)
    paid = await world.subscribe(fan, creator, tier)
    await world.access.end_comp(owner, creator, comp.id)
    allowed = await world.may_join(fan, creator, tier)
    assert isinstance(allowed, Allow)
    assert allowed.not_after == paid.until


async def test_what_cannot_be_given_is_refused(world: World) -> None:
    owner, creator = await world.creator()
    other_owner, other = await world.creator()
    tier, foreign, fan = await world.tier(owner, creator), await world.tier(other_owner, other), await world.person()
    with pytest.raises(AccessError, match="403 not_creator"):
        await world.access.create_comp(fan, creator, fan, tier=tier.id)
    with pytest.raises(AccessError, match="404 unknown_tier"):
        await world.access.create_comp(owner, creator, fan, tier=foreign.id)
    with pytest.raises(AccessError) as caught:
        await world.access.create_comp(owner, creator, fan, tier=tier.id, ends_at=world.clock.now)
    assert (caught.value.status, caught.value.field) == (422, "ends_at")
    for unknown in (0, 999, 10**19):
        with pytest.raises(AccessError, match="404 unknown_comp"):
            await world.access.end_comp(owner, creator, unknown)
    comp = await world.access.create_comp(owner, creator, fan, tier=tier.id)
    with pytest.raises(AccessError, match="404 unknown_comp"):
        await world.access.end_comp(other_owner, other, comp.id)
