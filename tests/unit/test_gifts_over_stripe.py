"""Gifts paid through Stripe's own pages: its SDK against the stand-in, signed webhooks repeated and out of order."""

from __future__ import annotations

import pytest

from access.errors import AccessError
from access.gift_model import Gift
from access.model import Account, Creator, Tier
from tests.harness.gifts import check_gifts, code_for, gift_now
from tests.harness.provider_stands import StripeStand

pytestmark = pytest.mark.thorough


async def begun(shop: StripeStand, giver: Account, creator: Creator, tier: Tier, **options: object) -> tuple[Gift, str]:
    """With the session that it is paid by."""
    gift = await shop.access.gifts.buy(giver, creator, tier=tier.id, intervals=3, **options)  # type: ignore[arg-type]
    assert gift.checkout_url
    return gift, gift.checkout_url.rsplit("/", 1)[1]


async def paid_for(shop: StripeStand, giver: Account, creator: Creator, tier: Tier, **options: object) -> Gift:
    gift, session = await begun(shop, giver, creator, tier, **options)
    await shop.answer(session, "succeed")
    await shop.hear()
    return gift


async def settled(shop: StripeStand) -> None:
    await shop.settled()
    await check_gifts(shop)


async def test_paid_by_one_and_had_by_another(stripe_shop: StripeStand) -> None:
    shop = stripe_shop
    _, creator, silver, gold = await shop.shop()
    giver, fan = await shop.person(), await shop.person()
    gift, session = await begun(shop, giver, creator, silver)
    await shop.hear()
    assert (await gift_now(shop, giver, gift)).state == "begun"
    with pytest.raises(AccessError, match="409"):
        await code_for(shop, giver, gift)
    await shop.answer(session, "succeed")
    await shop.hear()
    assert (await gift_now(shop, giver, gift)).state == "paid"
    assert not await shop.admits(giver, creator)
    had = await shop.access.gifts.redeem_code(fan, await code_for(shop, giver, gift))
    assert had.state == "redeemed"
    assert await shop.admits(fan, creator, silver)
    assert not await shop.admits(fan, creator, gold)
    assert await shop.paid() == [3 * 499]
    await settled(shop)


async def test_declined_and_paid_after_all_and_money_that_comes_later(stripe_shop: StripeStand) -> None:
    shop = stripe_shop
    _, creator, silver, _ = await shop.shop()
    giver = await shop.person()
    gift, session = await begun(shop, giver, creator, silver)
    await shop.answer(session, "decline")
    await shop.hear()
    now = await gift_now(shop, giver, gift)
    assert (now.state, now.payment_state) == ("begun", "declined")
    await shop.answer(session, "succeed")
    await shop.hear()
    assert (await gift_now(shop, giver, gift)).state == "paid"
    later, session = await begun(shop, giver, creator, silver)
    await shop.answer(session, "pays_later")
    await shop.hear()
    shop.clock.forward(hours=25)
    await shop.access.desk.keep_time()
    assert (await gift_now(shop, giver, later)).state == "begun", "its money is on its way"
    await shop.money_arrives(session)
    await shop.hear()
    assert (await gift_now(shop, giver, later)).state == "paid"
    await settled(shop)


async def test_a_checkout_that_nobody_paid_is_void_and_cannot_be_paid(stripe_shop: StripeStand) -> None:
    shop = stripe_shop
    _, creator, silver, _ = await shop.shop()
    giver = await shop.person()
    gift, session = await begun(shop, giver, creator, silver)
    shop.fake.expire(session)
    await shop.hear()
    assert (await gift_now(shop, giver, gift)).state == "void"
    with pytest.raises(AssertionError):
        await shop.answer(session, "succeed")
    assert await shop.paid() == []
    await settled(shop)


@pytest.mark.parametrize("by", ["giver", "creator"])
async def test_paid_back_it_gives_nothing_any_more(stripe_shop: StripeStand, by: str) -> None:
    shop = stripe_shop
    owner, creator, silver, _ = await shop.shop()
    giver, fan = await shop.person(), await shop.person()
    gift = await paid_for(shop, giver, creator, silver, recipient=fan)
    if by == "creator":
        await shop.access.gifts.redeem_own(fan, gift.id)
        with pytest.raises(AccessError, match="409 gift_redeemed"):
            await shop.access.gifts.refund(giver, gift.id)
    for _ in range(2):
        await shop.access.gifts.refund(owner if by == "creator" else giver, gift.id)
    await shop.hear()
    assert (await gift_now(shop, giver, gift)).state == "refunded"
    assert not await shop.admits(fan, creator)
    assert [row.amount_minor for row in await shop.rows("SELECT amount_minor FROM refunds")] == [3 * 499]
    with pytest.raises(AccessError):
        await shop.access.gifts.redeem_own(fan, gift.id)
    await settled(shop)


@pytest.mark.parametrize("decided", ["won", "lost"])
async def test_a_dispute_takes_the_right_until_it_is_won(stripe_shop: StripeStand, decided: str) -> None:
    shop = stripe_shop
    _, creator, silver, _ = await shop.shop()
    giver, fan = await shop.person(), await shop.person()
    gift = await paid_for(shop, giver, creator, silver, recipient=fan)
    await shop.access.gifts.redeem_own(fan, gift.id)
    (payment,) = await shop.payments()
    dispute = await shop.dispute(payment)
    await shop.hear()
    assert (await gift_now(shop, giver, gift)).state == "disputed"
    assert not await shop.admits(fan, creator)
    await shop.decide(dispute, decided)
    await shop.hear()
    assert (await gift_now(shop, giver, gift)).state == ("redeemed" if decided == "won" else "refunded")
    assert await shop.admits(fan, creator) is (decided == "won")
    await settled(shop)


@pytest.mark.parametrize("fault", ["before", "after"])
async def test_a_refund_whose_answer_is_lost_is_made_once(stripe_shop: StripeStand, fault: str) -> None:
    shop = stripe_shop
    _, creator, silver, _ = await shop.shop()
    giver = await shop.person()
    gift = await paid_for(shop, giver, creator, silver)
    shop.fake.away = [fault] * 2
    await shop.access.gifts.refund(giver, gift.id)
    assert (await gift_now(shop, giver, gift)).state == "refunding"
    shop.fake._kept.clear()  # Stripe forgets keys after a day
    shop.clock.forward(days=2)
    await shop.access.desk.work_off()
    assert (await gift_now(shop, giver, gift)).state == "refunded"
    assert len(shop.fake.all("refund")["data"]) == 1
    await settled(shop)
