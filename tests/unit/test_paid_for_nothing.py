"""What was paid and gives nothing goes back, over Stripe's SDK and the stand-in, whose news come repeated and in any order."""

from __future__ import annotations

import pytest

from tests.harness.provider_stands import StripeStand

pytestmark = pytest.mark.thorough

AWAY = ["before"] * 9
"""However often the SDK and its HTTP client try again."""
ONE_TASK = ["before"] * 2
"""A POST is tried twice."""


async def refunds(shop: StripeStand) -> list[tuple[str, int]]:
    return [(row.state, row.amount_minor) for row in await shop.rows("SELECT state, amount_minor FROM refunds")]


async def time_passes(shop: StripeStand) -> None:
    """Enough for what could not be asked of Stripe to be asked again."""
    shop.clock.forward(minutes=10)
    await shop.access.desk.keep_time()
    await shop.hear()


@pytest.mark.parametrize("seed", range(4))
async def test_of_two_checkouts_that_are_both_paid_one_lives_and_the_other_is_paid_back(
    stripe_shop: StripeStand, seed: int
) -> None:
    shop = stripe_shop
    _, creator, silver, gold = await shop.shop()
    fan = await shop.person()
    follows = shop.access.follows
    first = await follows.subscribe(fan, creator, tier=silver.id)
    shop.fake.away = list(ONE_TASK)
    second = await follows.subscribe(fan, creator, tier=gold.id)  # the first is to be ended, which Stripe does not hear
    for begun in (first, second):
        shop.fake.pay(await shop.checkout(begun.id))
    await shop.deliver(seed)
    await time_passes(shop)
    states = {row.id: row.status for row in await shop.rows("SELECT id, status FROM subscriptions")}
    assert sorted(states.values()) == ["active", "canceled"]
    lives = first if states[first.id] == "active" else second
    assert await refunds(shop) == [("succeeded", 999 if lives is first else 499)]
    assert await shop.admits(fan, creator, silver)
    assert await shop.admits(fan, creator, gold) == (lives is second)
    agreements = shop.fake.all("subscription")["data"]
    assert sorted(one["status"] for one in agreements) == ["active", "canceled"]
    await shop.settled()


async def test_what_is_renewed_after_the_creator_has_ended_it_is_paid_back(stripe_shop: StripeStand) -> None:
    shop = stripe_shop
    owner, creator, silver, _ = await shop.shop()
    fan = await shop.person()
    subscription = await shop.follow(fan, creator, silver)
    agreement = await shop.agreement(subscription)
    shop.fake.away = list(AWAY)
    await shop.access.follows.cancel(owner, subscription, at="now")
    shop.fake.away = []
    assert shop.fake.objects[agreement]["status"] == "active"
    await shop.pass_period(agreement)
    await shop.hear()
    await time_passes(shop)
    assert shop.fake.objects[agreement]["status"] == "canceled"
    assert await shop.paid() == [499, 499]
    assert await refunds(shop) == [("succeeded", 499)], "the first month was had"
    assert not await shop.admits(fan, creator)
    await shop.settled()


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_paid_by_somebody_who_is_gone_is_paid_back(stripe_shop: StripeStand, seed: int) -> None:
    shop = stripe_shop
    _, creator, silver, _ = await shop.shop()
    fan = await shop.person()
    begun = await shop.access.follows.subscribe(fan, creator, tier=silver.id)
    shop.fake.pay(await shop.checkout(begun.id))
    await shop.access.people.delete(fan)
    await shop.deliver(seed)
    await time_passes(shop)
    assert await refunds(shop) == [("succeeded", 499)]
    [agreement] = shop.fake.all("subscription")["data"]
    assert agreement["status"] == "canceled"
    await shop.settled()
