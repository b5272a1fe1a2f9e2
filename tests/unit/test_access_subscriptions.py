"""From a checkout to a right, and how that right ends."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from access.decide import Allow, Deny
from access.errors import AccessError
from access.model import Subscription
from access.subscriptions import BEGUN_MAX
from tests.harness.world import World, pay_ref


async def test_a_checkout_alone_gives_nothing_and_a_payment_admits_at_once(world: World) -> None:
    owner, creator = await world.creator("ada")
    tier, fan = await world.tier(owner, creator), await world.person()

    denied = await world.may_join(fan, creator, tier)
    assert isinstance(denied, Deny)
    assert (denied.status, denied.reason) == (402, "no_subscription")
    assert [(o.tier, o.creator, o.amount_minor, o.currency) for o in denied.offers] == [(tier.id, "ada", 199, "USD")]

    begun = await world.access.follows.subscribe(fan, creator, tier=tier.id)
    assert (begun.status, begun.provider) == ("incomplete", "test")
    assert isinstance(await world.may_join(fan, creator, tier), Deny)

    paid = await world.access.follows.pay(pay_ref(begun), "succeed")
    assert (paid.id, paid.status, paid.checkout_url) == (begun.id, "active", None)
    assert isinstance(await world.may_join(fan, creator, tier), Allow)


async def test_a_month_ends_on_the_last_day_of_a_shorter_month_and_so_does_the_right(world: World) -> None:
    owner, creator = await world.creator()
    tier, fan = await world.tier(owner, creator), await world.person()
    paid = await world.subscribe(fan, creator, tier)
    end = datetime(2026, 2, 28, 12, 0, tzinfo=UTC)
    assert paid.until == end

    allowed = await world.may_join(fan, creator, tier)
    assert isinstance(allowed, Allow)
    assert allowed.not_after == end
    world.clock.now = end
    lapsed = await world.may_join(fan, creator, tier)
    assert isinstance(lapsed, Deny)
    assert (lapsed.status, lapsed.reason) == (402, "lapsed")
    assert lapsed.offers
    assert (await world.access.follows.of_account(fan))[0].status == "canceled"


async def test_who_has_lapsed_can_subscribe_again(world: World) -> None:
    owner, creator = await world.creator()
    tier, fan = await world.tier(owner, creator), await world.person()
    await world.subscribe(fan, creator, tier)
    world.clock.forward(days=40)
    again = await world.subscribe(fan, creator, tier)
    assert again.status == "active"
    assert [s.status for s in await world.access.follows.of_account(fan)] == ["active", "canceled"]
    assert isinstance(await world.may_join(fan, creator, tier), Allow)


async def test_a_declined_payment_gives_nothing_and_can_be_tried_again(world: World) -> None:
    owner, creator = await world.creator()
    tier, fan = await world.tier(owner, creator), await world.person()
    ref = pay_ref(await world.access.follows.subscribe(fan, creator, tier=tier.id))
    assert (await world.access.follows.pay(ref, "decline")).status == "incomplete"
    assert isinstance(await world.may_join(fan, creator, tier), Deny)
    assert (await world.access.follows.pay(ref, "succeed")).status == "active"


async def test_a_payment_told_twice_counts_once(world: World) -> None:
    owner, creator = await world.creator()
    tier, fan = await world.tier(owner, creator), await world.person()
    ref = pay_ref(await world.access.follows.subscribe(fan, creator, tier=tier.id))
    first = await world.access.follows.pay(ref, "succeed")
    cursor = await world.access.cursor()
    assert await world.access.follows.pay(ref, "succeed") == first
    assert await world.access.cursor() == cursor
    assert await world.rows("SELECT count(*) FROM grants") == [(1,)]


async def test_a_checkout_that_nobody_paid_is_given_up(world: World) -> None:
    owner, creator = await world.creator()
    tier, fan = await world.tier(owner, creator), await world.person()
    begun = await world.access.follows.subscribe(fan, creator, tier=tier.id)
    world.clock.forward(hours=24)
    assert (await world.access.follows.of_account(fan))[0].status == "incomplete_expired"
    with pytest.raises(AccessError, match="409 checkout_closed"):
        await world.access.follows.pay(pay_ref(begun), "succeed")
    assert (await world.access.follows.subscribe(fan, creator, tier=tier.id)).id != begun.id


async def test_asking_again_finds_the_open_checkout_and_another_tier_replaces_it(world: World) -> None:
    owner, creator = await world.creator()
    low, high = await world.tier(owner, creator, 1), await world.tier(owner, creator, 2)
    fan = await world.person()
    first = await world.access.follows.subscribe(fan, creator, tier=low.id)
    assert await world.access.follows.subscribe(fan, creator, tier=low.id) == first
    await world.access.follows.subscribe(fan, creator, tier=high.id)
    with pytest.raises(AccessError, match="409 checkout_closed"):
        await world.access.follows.pay(pay_ref(first), "succeed")


async def test_a_stale_attempt_takes_nothing_from_who_has_paid(world: World) -> None:
    owner, creator = await world.creator()
    tier, fan = await world.tier(owner, creator), await world.person()
    await world.access.follows.subscribe(fan, creator, tier=tier.id)
    world.clock.forward(hours=25)
    await world.subscribe(fan, creator, tier)
    assert (await world.access.follows.standing(fan, creator.id)).status == "active"
    with pytest.raises(AccessError, match="409 already_subscribed"):
        await world.access.follows.subscribe(fan, creator, tier=tier.id)


async def test_cancel_at_period_end_keeps_the_right_until_then(world: World) -> None:
    owner, creator = await world.creator()
    tier, fan = await world.tier(owner, creator), await world.person()
    paid = await world.subscribe(fan, creator, tier)
    canceled = await world.access.follows.cancel(fan, paid.id, at="period_end")
    assert (canceled.status, canceled.cancel_at_period_end) == ("active", True)
    assert isinstance(await world.may_join(fan, creator, tier), Allow)
    assert (await world.access.follows.standing(fan, creator.id)).cancel_at_period_end
    world.clock.forward(days=32)
    assert isinstance(await world.may_join(fan, creator, tier), Deny)


async def test_the_creator_ends_a_subscription_at_once_and_the_fan_cannot(world: World) -> None:
    owner, creator = await world.creator()
    tier, fan, stranger = await world.tier(owner, creator), await world.person(), await world.person()
    paid = await world.subscribe(fan, creator, tier)
    before = await world.may_join(fan, creator, tier)
    with pytest.raises(AccessError, match="403 not_creator"):
        await world.access.follows.cancel(fan, paid.id, at="now")
    with pytest.raises(AccessError, match="404 unknown_subscription"):
        await world.access.follows.cancel(stranger, paid.id, at="now")

    cursor = await world.access.cursor()
    ended = await world.access.follows.cancel(owner, paid.id, at="now")
    assert (ended.status, ended.ended_at, ended.until) == ("canceled", world.clock.now, world.clock.now)
    after = await world.may_join(fan, creator, tier)
    assert isinstance(before, Allow)
    assert isinstance(after, Deny)
    assert after.reason == "lapsed"
    changes, _ = await world.access.changes(cursor)
    assert [(change.account, change.creator) for change in changes] == [(fan.id, creator.id)]
    assert (await world.access.follows.cancel(owner, paid.id, at="now")).status == "canceled"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_a_tier_admits_to_its_level_and_below(world: World, order: tuple[int, int]) -> None:
    owner, creator = await world.creator()
    tiers = [await world.tier(owner, creator, level) for level in (1, 2)]
    fan = await world.person()
    await world.subscribe(fan, creator, tiers[order[0]])
    answer = await world.may_join(fan, creator, tiers[order[1]])
    if order == (1, 0):
        assert isinstance(answer, Allow)
    else:
        assert isinstance(answer, Deny)
        assert (answer.status, answer.reason) == (402, "tier_too_low")
        assert [offer.tier for offer in answer.offers] == [tiers[1].id]


async def test_nothing_on_sale_is_403(world: World) -> None:
    owner, creator = await world.creator()
    tier, fan = await world.tier(owner, creator), await world.person()
    await world.access.archive_tier(owner, tier.id)
    denied = await world.may_join(fan, creator, tier)
    assert isinstance(denied, Deny)
    assert (denied.status, denied.offers) == (403, ())
    with pytest.raises(AccessError, match="409 not_on_sale"):
        await world.access.follows.subscribe(fan, creator, tier=tier.id)


async def test_the_subscribers_are_the_creators_to_see(world: World) -> None:
    owner, creator = await world.creator()
    tier, fan, looker = await world.tier(owner, creator), await world.person(), await world.person()
    await world.access.follows.subscribe(looker, creator, tier=tier.id)
    paid = await world.subscribe(fan, creator, tier)
    assert await world.access.follows.subscribers(owner, creator) == [paid]
    with pytest.raises(AccessError, match="403 not_creator"):
        await world.access.follows.subscribers(fan, creator)


async def test_creators_do_not_subscribe_to_themselves_and_the_banned_not_at_all(world: World) -> None:
    owner, creator = await world.creator()
    tier, fan = await world.tier(owner, creator), await world.person()
    with pytest.raises(AccessError, match="409 own_tier"):
        await world.access.follows.subscribe(owner, creator, tier=tier.id)
    await world.access.ban(owner, fan, creator=creator.id)
    with pytest.raises(AccessError, match="403 blocked"):
        await world.access.follows.subscribe(fan, creator, tier=tier.id)


NO_REFS = ["nothing", "", "a\0b", "\ud800", "x" * 10_000]


async def test_an_unknown_address_to_pay_is_404(world: World) -> None:
    for ref in NO_REFS:
        with pytest.raises(AccessError, match="404 unknown_subscription"):
            await world.access.follows.pay(ref, "succeed")


async def test_of_many_checkouts_paid_at_once_one_lives(world: World) -> None:
    owner, creator = await world.creator()
    tiers = [await world.tier(owner, creator, level) for level in (1, 2)]
    fan = await world.person()

    async def attempt(number: int) -> Subscription | AccessError:
        try:
            begun = await world.access.follows.subscribe(fan, creator, tier=tiers[number % 2].id)
            if begun.checkout_url is None:  # an attempt at the other tier has replaced it already
                return AccessError(409, "checkout_closed", "")
            return await world.access.follows.pay(pay_ref(begun), "succeed")
        except AccessError as error:
            return error

    outcomes = await asyncio.gather(*(attempt(number) for number in range(8)))
    won = {outcome.id for outcome in outcomes if isinstance(outcome, Subscription)}
    codes = {outcome.code for outcome in outcomes if isinstance(outcome, AccessError)}
    assert len(won) == 1
    assert codes <= {"already_subscribed", "checkout_closed"}
    assert await world.rows("SELECT count(*) FROM subscriptions WHERE status = 'active'") == [(1,)]
    assert await world.rows("SELECT count(*) FROM paid_periods") == [(1,)]


async def test_no_account_begins_without_bound(world: World) -> None:
    owner, creator = await world.creator()
    tiers = [await world.tier(owner, creator, level) for level in (1, 2)]
    fan, begin = await world.person(), world.access.follows.subscribe
    for number in range(BEGUN_MAX):
        await begin(fan, creator, tier=tiers[number % 2].id)
    await begin(fan, creator, tier=tiers[1].id)  # the same again is none more
    with pytest.raises(AccessError, match="429 too_many_begun"):
        await begin(fan, creator, tier=tiers[0].id)
    assert len(await world.rows("SELECT id FROM subscriptions")) == BEGUN_MAX
    (open_still,) = await world.rows("SELECT tier FROM subscriptions WHERE status = 'incomplete'")
    assert open_still[0] == tiers[1].id, "what was refused has ended nothing"
    await begin(await world.person(), creator, tier=tiers[0].id)
    world.clock.forward(hours=1)
    await begin(fan, creator, tier=tiers[0].id)
