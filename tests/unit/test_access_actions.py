"""What each action asks of a tier, and that none of them outlives the right: one function answers for every way in."""

from __future__ import annotations

from typing import Any

import pytest

from access.decide import BENEFITS, Action, Allow, Deny, Policy, Resource
from access.errors import TokenError
from tests.harness.gifts import give, redeemed
from tests.harness.world import World, open_to_all, subscribers_only

pytestmark = pytest.mark.thorough

FOR_LISTENERS = [action for action in Action if action is not Action.SPEAK]


async def test_an_action_needs_its_benefit_and_says_which(world: World) -> None:
    for benefit in sorted(set(BENEFITS.values())):
        actions = [action for action in FOR_LISTENERS if BENEFITS[action] == benefit]
        owner, creator = await world.creator()
        others = sorted(set(BENEFITS.values()) - {benefit})
        without = await world.tier(owner, creator, 1, benefits=others)
        giving = await world.tier(owner, creator, 2, benefits=[benefit])
        fan, patron, stranger = [await world.person() for _ in range(3)]
        await world.access.create_comp(owner, creator, fan, tier=without.id)
        await world.access.create_comp(owner, creator, patron, tier=giving.id)
        resource = subscribers_only(creator)
        for action in actions:
            assert isinstance(await world.access.decide(patron, action, resource), Allow)
            denied = await world.access.decide(fan, action, resource)
            assert isinstance(denied, Deny), action
            assert (denied.status, denied.reason) == (402, "not_in_tier")
            assert [offer.tier for offer in denied.offers] == [giving.id]
            assert benefit in denied.detail
            unknown = await world.access.decide(stranger, action, resource)
            assert isinstance(unknown, Deny), action
            assert (unknown.status, unknown.reason) == (402, "no_subscription")
            assert isinstance(await world.access.decide(owner, action, resource), Allow)


@pytest.mark.parametrize("how", ["comp", "refund", "ban", "suspension", "date"])
async def test_nothing_is_allowed_after_the_right_has_ended(world: World, how: str) -> None:
    owner, creator = await world.creator()
    tier = await world.tier(owner, creator)
    fan, giver = await world.person(), await world.person()
    comp: Any = None
    if how in ("comp", "ban", "suspension"):
        comp = await world.access.create_comp(owner, creator, fan, tier=tier.id)
    else:
        gift = await redeemed(world, giver, fan, await give(world, giver, creator, tier))
    resource = subscribers_only(creator)
    for action in FOR_LISTENERS:
        assert isinstance(await world.access.decide(fan, action, resource), Allow), action
    minted = await world.access.mint_join_token(fan, resource)
    assert not isinstance(minted, Deny)
    if how == "comp":
        await world.access.end_comp(owner, creator, comp.id)
    elif how == "ban":
        await world.access.ban(owner, fan, creator=creator.id)
    elif how == "suspension":
        await world.access.suspend(fan)
    elif how == "refund":
        await world.access.gifts.refund(owner, gift.id)
    else:
        assert gift.ends_at is not None
        world.clock.now = gift.ends_at
    for action in FOR_LISTENERS:
        assert isinstance(await world.access.decide(fan, action, resource), Deny), action
        assert isinstance(await world.access.admit(fan, action, resource), Deny), action
    assert isinstance(await world.access.mint_join_token(fan, resource), Deny)
    with pytest.raises(TokenError) as refused:
        await world.access.redeem_join_token(minted[0], resource.space)
    assert refused.value.code == ("token_expired" if how == "date" else "token_revoked")


async def test_an_open_space_asks_who_it_is_only_of_those_who_do_something_in_it(world: World) -> None:
    _, creator = await world.creator()
    fan = await world.person()
    for action in Action:
        answer = await world.access.decide(None, action, open_to_all(creator))
        if action in (Action.PROMOTE, Action.SPEAK, Action.CLIP, Action.DOWNLOAD):
            assert isinstance(answer, Deny), action
            assert (answer.status, answer.reason) == (401, "not_signed_in")
        else:
            assert isinstance(answer, Allow), action
        member = await world.access.decide(fan, action, open_to_all(creator))
        assert isinstance(member, Allow) == (action is not Action.SPEAK)


async def test_the_stage_may_do_everything_unless_it_is_kept_out(world: World) -> None:
    owner, creator = await world.creator()
    guest = await world.person()
    resource = Resource("aSpace", creator.id, (Policy("invite"),))
    for action in Action:
        for role in ("host", "cohost", "speaker"):
            assert isinstance(await world.access.decide(guest, action, resource, role=role), Allow), (action, role)
        assert isinstance(await world.access.decide(guest, action, resource), Deny), action
    await world.access.ban(owner, guest, creator=creator.id, space="aSpace")
    for action in Action:
        denied = await world.access.decide(guest, action, resource, role="cohost")
        assert isinstance(denied, Deny), action
        assert denied.reason == "blocked"
