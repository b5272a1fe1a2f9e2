"""What every payment provider must do, over each of them: Stripe's SDK against the stand-in over real HTTP with its signed
webhooks repeated and out of order; test money; and the tests' own, which loses, repeats, reorders and delays.

What one of them does not do is in its `cannot`, and said by the test that would need it.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from access.errors import AccessError
from access.facts import SubscriptionChanged
from access.payments import CheckoutRequest, ProviderError
from tests.harness import gifts
from tests.harness.provider_stands import Stand

pytestmark = pytest.mark.thorough


async def test_a_checkout_that_is_paid_admits_and_is_in_the_books(stand: Stand) -> None:
    owner, creator, silver, gold = await stand.shop()
    fan = await stand.person()
    begun = await stand.access.follows.subscribe(fan, creator, tier=silver.id)
    assert begun.checkout_url
    assert not await stand.admits(fan, creator)
    await stand.answer(await stand.checkout(begun.id), "succeed")
    await stand.hear()
    assert await stand.admits(fan, creator, silver)
    assert not await stand.admits(fan, creator, gold)
    (payment,) = await stand.payments()
    assert (payment.gross_minor, payment.fee_minor) == (499, 44)
    (balance,) = await stand.access.books.balances(owner, creator)
    assert balance.balance_minor == 499 - 44 - 14
    await stand.settled()


@pytest.mark.parametrize("outcome", ["decline", "requires_action"])
async def test_a_checkout_that_failed_may_be_paid_after_all(stand: Stand, outcome: str) -> None:
    _, creator, silver, _ = await stand.shop()
    fan = await stand.person()
    begun = await stand.access.follows.subscribe(fan, creator, tier=silver.id)
    checkout = await stand.checkout(begun.id)
    await stand.answer(checkout, outcome)
    await stand.hear()
    mine = await stand.get(fan)
    told = {"decline": "declined", "requires_action": "requires_action"}[outcome]
    known = None if "attempts at a subscription's checkout" in stand.cannot else told
    assert (mine.status, mine.payment_state) == ("incomplete", known)
    assert not await stand.admits(fan, creator)
    await stand.answer(checkout, "succeed")
    await stand.hear()
    assert await stand.admits(fan, creator)
    assert await stand.paid() == [499]
    await stand.settled()


async def test_money_that_comes_later_admits_when_it_is_there(stand: Stand) -> None:
    _, creator, silver, gold = await stand.shop()
    fan = await stand.person()
    begun = await stand.access.follows.subscribe(fan, creator, tier=silver.id)
    checkout = await stand.checkout(begun.id)
    await stand.answer(checkout, "pays_later")
    await stand.hear()
    assert (await stand.get(fan)).payment_state == "pending"
    assert not await stand.admits(fan, creator)
    with pytest.raises(AccessError) as caught:
        await stand.access.follows.subscribe(fan, creator, tier=gold.id)
    assert (caught.value.status, caught.value.code) == (409, "payment_pending")
    await stand.money_arrives(checkout)
    await stand.hear()
    assert await stand.admits(fan, creator)
    await stand.settled()


async def test_a_checkout_that_is_ended_cannot_be_paid(stand: Stand) -> None:
    _, creator, silver, _ = await stand.shop()
    fan = await stand.person()
    begun = await stand.access.follows.subscribe(fan, creator, tier=silver.id)
    checkout = await stand.checkout(begun.id)
    await stand.access.follows.cancel(fan, begun.id, at="period_end")
    await stand.hear()
    assert (await stand.get(fan)).status == "incomplete_expired"
    with pytest.raises((AccessError, AssertionError)):
        await stand.answer(checkout, "succeed")
    again = await stand.follow(fan, creator, silver)
    assert again != begun.id
    assert await stand.paid() == [499]
    await stand.settled()


async def test_it_renews_without_a_gap(stand: Stand) -> None:
    _, creator, silver, _ = await stand.shop()
    fan = await stand.person()
    agreement = await stand.agreement(await stand.follow(fan, creator, silver))
    for _ in range(2):
        await stand.pass_period(agreement)
        await stand.hear()
        assert await stand.admits(fan, creator, silver)
    assert await stand.paid() == [499] * 3
    ends = await stand.rows('SELECT start, "end" FROM paid_periods ORDER BY start')
    assert [row.end for row in ends[:-1]] == [row.start for row in ends[1:]]
    await stand.settled()


async def test_a_failed_renewal_leaves_grace_in_which_it_may_be_paid(stand: Stand) -> None:
    _, creator, silver, _ = await stand.shop()
    fan = await stand.person()
    agreement = await stand.agreement(await stand.follow(fan, creator, silver))
    await stand.pass_period(agreement, succeed=False)
    await stand.hear()
    assert (await stand.get(fan)).status == "past_due"
    assert await stand.admits(fan, creator)
    await stand.retry(agreement)
    await stand.hear()
    assert (await stand.get(fan)).status == "active"
    assert await stand.paid() == [499] * 2
    await stand.settled()


async def test_after_grace_it_has_lapsed_and_the_provider_takes_no_more(stand: Stand) -> None:
    _, creator, silver, _ = await stand.shop()
    fan = await stand.person()
    agreement = await stand.agreement(await stand.follow(fan, creator, silver))
    await stand.pass_period(agreement, succeed=False)
    await stand.hear()
    stand.clock.forward(days=7)
    await stand.access.desk.keep_time()
    await stand.hear()
    assert not await stand.admits(fan, creator)
    told = await stand.provider.fetch("agreement", agreement, now=stand.clock())
    assert "canceled" in {getattr(fact, "status", None) for fact in told}
    await stand.follow(fan, creator, silver)
    assert await stand.admits(fan, creator)
    await stand.settled()


async def test_cancelled_it_runs_to_its_end_and_may_be_resumed_until_then(stand: Stand) -> None:
    _, creator, silver, _ = await stand.shop()
    fan = await stand.person()
    subscription = await stand.follow(fan, creator, silver)
    follows = stand.access.follows
    for expected in (True, False, True):
        act = follows.cancel(fan, subscription, at="period_end") if expected else follows.resume(fan, subscription)
        await act
        await stand.hear()
        assert (await stand.get(fan)).cancel_at_period_end is expected
        assert await stand.admits(fan, creator)
    await stand.pass_period(await stand.agreement(subscription))
    await stand.hear()
    assert not await stand.admits(fan, creator)
    assert await stand.paid() == [499]
    await stand.settled()


async def test_ended_by_the_creator_the_right_ends_at_once(stand: Stand) -> None:
    owner, creator, silver, _ = await stand.shop()
    fan = await stand.person()
    subscription = await stand.follow(fan, creator, silver)
    await stand.access.follows.cancel(owner, subscription, at="now")
    assert not await stand.admits(fan, creator)
    await stand.hear()
    told = await stand.provider.fetch("agreement", await stand.agreement(subscription), now=stand.clock())
    assert "canceled" in {getattr(fact, "status", None) for fact in told}
    await stand.settled()


async def test_upgraded_at_once_for_the_difference(stand: Stand) -> None:
    _, creator, silver, gold = await stand.shop()
    fan = await stand.person()
    subscription = await stand.follow(fan, creator, silver)
    until = await stand.period_end()
    stand.clock.now += (until - stand.clock.now) / 2
    await stand.hear()
    await stand.access.follows.change(fan, subscription, tier=gold.id)
    await stand.hear()
    assert await stand.admits(fan, creator, gold)
    assert (await stand.get(fan)).tier == gold.id
    first, difference = await stand.paid()
    assert first == 499
    assert 249 <= difference <= 251
    await stand.pass_period(await stand.agreement(subscription))
    await stand.hear()
    assert await stand.admits(fan, creator, gold)
    assert (await stand.paid())[2:] == [999]
    await stand.settled()


async def test_from_a_year_to_a_month_and_back_the_older_right_ends_where_its_credit_begins(stand: Stand) -> None:
    owner, creator, silver, gold = await stand.shop()
    await stand.access.replace_price(owner, silver.id, amount_minor=5_000, currency="USD", interval="year")
    await stand.access.replace_price(owner, gold.id, amount_minor=10_000, currency="USD", interval="year")
    fan = await stand.person()
    subscription = await stand.follow(fan, creator, silver, interval="year")
    await stand.change_next_day(fan, subscription, gold, interval="month")
    assert await stand.paid() == [5_000], "the rest of the year pays for the month"
    month = (await stand.get(fan)).until
    assert month is not None
    assert month - stand.clock() < timedelta(days=32), "the year has been exchanged"
    assert await stand.admits(fan, creator, gold)
    await stand.change_next_day(fan, subscription, gold, interval="year")
    year = (await stand.get(fan)).until
    assert year is not None
    assert year - stand.clock() > timedelta(days=350)
    stand.clock.now = month + timedelta(hours=4)
    assert await stand.admits(fan, creator, gold)
    await stand.settled()


async def test_what_a_year_was_exchanged_for_has_its_own_grace_and_end(stand: Stand) -> None:
    owner, creator, silver, gold = await stand.shop()
    await stand.access.replace_price(owner, silver.id, amount_minor=600, currency="USD", interval="year")
    fan = await stand.person()
    subscription = await stand.follow(fan, creator, silver, interval="year")
    await stand.change_next_day(fan, subscription, gold, interval="month")
    month = (await stand.get(fan)).until
    assert month is not None
    stand.clock.now = month - timedelta(days=2)
    await stand.hear()
    assert await stand.access.follows.cancel(fan, subscription, at="period_end")
    await stand.hear()
    stand.clock.now = month + timedelta(hours=1)
    await stand.hear()
    assert not await stand.admits(fan, creator), "neither the month nor what is left of the year"
    assert (await stand.get(fan)).status == "canceled"
    await stand.settled()


async def test_an_upgrade_that_is_declined_changes_nothing_and_may_be_tried_again(stand: Stand) -> None:
    _, creator, silver, gold = await stand.shop()
    fan = await stand.person()
    subscription = await stand.follow(fan, creator, silver)
    agreement = await stand.agreement(subscription)
    await stand.decline_from_now_on(agreement)
    for _ in range(2):
        with pytest.raises(AccessError) as caught:
            await stand.access.follows.change(fan, subscription, tier=gold.id)
        assert (caught.value.status, caught.value.code) == (402, "payment_declined")
    await stand.hear()
    assert (await stand.get(fan)).tier == silver.id
    assert not await stand.admits(fan, creator, gold)
    assert await stand.paid() == [499]
    await stand.settled()


async def test_downgraded_from_the_next_period_on_unless_taken_back(stand: Stand) -> None:
    _, creator, silver, gold = await stand.shop()
    fan = await stand.person()
    subscription = await stand.follow(fan, creator, gold)
    follows = stand.access.follows
    for wanted, expected in ((silver, silver.id), (gold, None), (silver, silver.id)):
        await follows.change(fan, subscription, tier=wanted.id)
        await stand.hear()
        mine = await stand.get(fan)
        assert (mine.tier, mine.next_tier) == (gold.id, expected)
    assert await stand.admits(fan, creator, gold)
    await stand.pass_period(await stand.agreement(subscription))
    await stand.hear()
    assert await stand.admits(fan, creator, silver)
    assert not await stand.admits(fan, creator, gold)
    assert await stand.paid() == [999, 499]
    await follows.cancel(fan, subscription, at="period_end")
    await stand.hear()
    assert (await stand.get(fan)).cancel_at_period_end
    await stand.settled()


async def test_paused_it_gives_and_takes_nothing_until_resumed(stand: Stand) -> None:
    _, creator, silver, _ = await stand.shop()
    fan = await stand.person()
    subscription = await stand.follow(fan, creator, silver)
    await stand.access.follows.pause(fan, subscription)
    await stand.hear()
    assert await stand.admits(fan, creator)
    await stand.pass_period(await stand.agreement(subscription))
    await stand.hear()
    assert (await stand.get(fan)).status == "paused"
    assert not await stand.admits(fan, creator)
    assert await stand.paid() == [499]
    stand.clock.forward(days=3)
    await stand.hear()
    await stand.access.follows.resume(fan, subscription)
    await stand.hear()
    assert (await stand.get(fan)).status == "active"
    assert await stand.admits(fan, creator)
    assert await stand.paid() == [499, 499]
    assert await stand.period_end() > stand.clock() + timedelta(days=27)
    await stand.settled()


async def test_a_refund_in_part_leaves_the_right_and_the_whole_takes_it(stand: Stand) -> None:
    owner, creator, silver, _ = await stand.shop()
    fan = await stand.person()
    await stand.follow(fan, creator, silver)
    (payment,) = await stand.payments()
    books = stand.access.books
    await books.refund(owner, creator, payment.id, amount_minor=100)
    await stand.hear()
    assert await stand.admits(fan, creator)
    await books.refund(owner, creator, payment.id, amount_minor=None)
    await stand.hear()
    assert not await stand.admits(fan, creator)
    assert [row.amount_minor for row in await stand.rows("SELECT * FROM refunds ORDER BY amount_minor")] == [100, 399]
    (balance,) = await books.balances(owner, creator)
    assert -44 <= balance.balance_minor < 0  # the processor keeps its fee
    await stand.settled()


async def test_a_gift_is_paid_once_and_refunded_in_part_and_whole(stand: Stand) -> None:
    owner, creator, silver, _ = await stand.shop()
    giver, fan = await stand.person(), await stand.person()
    gift = await gifts.begin(stand, giver, creator, silver, months=3)
    ((checkout,),) = await stand.rows("SELECT provider_ref FROM gifts")
    await stand.answer(checkout, "succeed")
    await stand.hear()
    await gifts.redeemed(stand, giver, fan, gift)
    assert (await stand.admits(fan, creator, silver), await stand.admits(giver, creator)) == (True, False)
    (payment,) = await stand.payments()
    assert payment.gross_minor == 3 * 499
    books = stand.access.books
    for amount, admitted in ((500, True), (497, True), (None, False)):
        await books.refund(owner, creator, payment.id, amount_minor=amount)
        await stand.hear()
        assert await stand.admits(fan, creator) is admitted
    assert sorted(row.amount_minor for row in await stand.rows("SELECT * FROM refunds")) == [497, 500, 500]
    assert (await gifts.gift_now(stand, giver, gift)).state == "refunded"
    (balance,) = await books.balances(owner, creator)
    assert -3 * 44 <= balance.balance_minor < 0  # the processor keeps its fee
    await stand.settled()
    await gifts.check_gifts(stand)


@pytest.mark.parametrize("decided", ["won", "lost"])
async def test_a_dispute_takes_the_right_and_holds_the_money_until_it_is_decided(stand: Stand, decided: str) -> None:
    owner, creator, silver, _ = await stand.shop()
    fan = await stand.person()
    await stand.follow(fan, creator, silver)
    (payment,) = await stand.payments()
    if "dispute" in stand.cannot:
        with pytest.raises(NotImplementedError):
            await stand.dispute(payment)
        return
    dispute = await stand.dispute(payment)
    await stand.hear()
    assert not await stand.admits(fan, creator)
    (balance,) = await stand.access.books.balances(owner, creator)
    assert balance.held_minor == 499
    await stand.decide(dispute, decided)
    await stand.hear()
    assert await stand.admits(fan, creator) is (decided == "won")
    (balance,) = await stand.access.books.balances(owner, creator)
    assert balance.held_minor == 0
    ((fee,),) = await stand.rows("SELECT fee_minor FROM disputes")
    assert (balance.balance_minor + fee > 0) is (decided == "won"), "its fee is the creator's"
    await stand.settled()


async def test_earnings_are_paid_out(stand: Stand) -> None:
    owner, creator, silver, _ = await stand.shop()
    await stand.follow(await stand.person(), creator, silver)
    stand.clock.forward(days=8)
    books = stand.access.books
    account = await stand.access.payout_accounts.get(owner, creator)
    if "payout accounts" in stand.cannot:
        assert (account.needed, account.state) == (False, "none")
    else:
        assert (account.needed, account.state) == (True, "none")
        with pytest.raises(AccessError) as caught:
            await books.pay_out(owner, creator, currency="USD", amount_minor=None)
        assert (caught.value.status, caught.value.code) == (409, "no_payout_account")
        await stand.connect(owner, creator)
        assert (await stand.access.payout_accounts.get(owner, creator)).state == "ready"
    made = await books.pay_out(owner, creator, currency="USD", amount_minor=400)
    await stand.hear()
    (paid,) = await books.payouts(owner, creator)
    assert (paid.id, paid.state, paid.amount_minor) == (made.id, "paid", 400)
    (balance,) = await books.balances(owner, creator)
    assert (balance.balance_minor, balance.in_transit_minor) == (41, 0)
    await stand.settled()


@pytest.mark.parametrize("end", ["failed", "returned"])
async def test_a_payout_that_fails_or_comes_back_is_owed_again(stand: Stand, end: str) -> None:
    if "failing payouts" in stand.cannot:
        with pytest.raises(NotImplementedError):
            await stand.refuse_payouts()
        return
    owner, creator, silver, _ = await stand.shop()
    await stand.follow(await stand.person(), creator, silver)
    await stand.connect(owner, creator)
    stand.clock.forward(days=8)
    books = stand.access.books
    if end == "failed":
        await stand.refuse_payouts()
    made = await books.pay_out(owner, creator, currency="USD", amount_minor=None)
    await stand.hear()
    if end == "returned":
        await stand.return_payout(made.id)
        await stand.hear()
    (payout,) = await books.payouts(owner, creator)
    assert payout.state == end
    (balance,) = await books.balances(owner, creator)
    assert (balance.balance_minor, balance.in_transit_minor) == (441, 0)
    await stand.settled()


async def test_a_payout_that_comes_back_in_parts_is_owed_again_as_far_as_it_came(stand: Stand) -> None:
    if "failing payouts" in stand.cannot:
        with pytest.raises(NotImplementedError):
            await stand.return_payout(1, 100)
        return
    owner, creator, silver, _ = await stand.shop()
    await stand.follow(await stand.person(), creator, silver)
    await stand.connect(owner, creator)
    stand.clock.forward(days=8)
    books = stand.access.books
    made = await books.pay_out(owner, creator, currency="USD", amount_minor=None)
    await stand.hear()
    for part, state, returned in ((100, "paid", 100), (41, "paid", 141), (None, "returned", 441)):
        await stand.return_payout(made.id, part)
        await stand.hear()
        (payout,) = await books.payouts(owner, creator)
        assert (payout.state, payout.returned_minor) == (state, returned)
        (balance,) = await books.balances(owner, creator)
        assert (balance.balance_minor, balance.available_minor) == (returned, returned)
        await stand.settled()


async def test_asked_twice_by_one_key_it_is_done_once(stand: Stand) -> None:
    _, creator, silver, _ = await stand.shop()
    fan = await stand.person()
    provider, now = stand.provider, stand.clock()
    request = CheckoutRequest("subscription:999", 1, 1, "A gift", 500, "USD")
    first = await provider.begin_checkout(request, key="k", now=now)
    assert await provider.begin_checkout(request, key="k", now=now) == first
    subscription = await stand.follow(fan, creator, silver)
    agreement = await stand.agreement(subscription)
    (payment,) = await stand.payments()
    for _ in range(2):
        await _until_answered(stand, "refund", payment.ref, amount_minor=100, key="r")
    for act, options in (("pause", {}), ("resume", {}), ("cancel", {"at_period_end": True})):
        for _ in range(2):
            await _until_answered(stand, act, agreement, key=act, **options)
    await stand.hear()
    assert [row.amount_minor for row in await stand.rows("SELECT amount_minor FROM refunds")] == [100]
    assert (await stand.get(fan)).cancel_at_period_end
    assert await stand.paid() == [499]
    await stand.settled()


async def test_a_coupon_is_for_as_many_payments_as_it_says(stand: Stand) -> None:
    owner, creator, silver, _ = await stand.shop()
    offers = stand.access.offers
    await offers.create_coupon(owner, creator, code="half", percent_off=50, duration="once")
    await offers.create_coupon(owner, creator, code="long", amount_off=(99, "USD"), duration="months", months=2)
    fan, other = await stand.person(), await stand.person()
    agreement = await stand.agreement(await stand.follow(fan, creator, silver, coupon="half"))
    await stand.pass_period(agreement)
    await stand.hear()
    assert sorted(await stand.paid()) == [249, 499]
    agreement = await stand.agreement(await stand.follow(other, creator, silver, coupon="long"))
    for _ in range(2):
        await stand.hear()
        end = (await stand.get(other)).until
        assert end is not None
        await stand.pass_period(agreement)
        await stand.hear()
    mine = f"SELECT gross_minor FROM payments WHERE account = {other.id} ORDER BY paid_at"
    assert [row.gross_minor for row in await stand.rows(mine)] == [400, 400, 499]
    await stand.settled()


async def test_the_coupon_of_one_tier_does_not_go_along_to_another(stand: Stand) -> None:
    owner, creator, silver, gold = await stand.shop()
    offers = stand.access.offers
    for name, tier in (("silver", silver), ("gold", gold), ("all", None)):
        await offers.create_coupon(
            owner, creator, code=name, percent_off=50, duration="forever", tier=None if tier is None else tier.id
        )
    up, down = (silver, gold), (gold, silver)
    for (held, tier), code, first, renewed in (
        (up, "silver", 249, 999),
        (down, "gold", 499, 499),
        (up, "all", 249, 499),
        (down, "all", 499, 249),
    ):
        fan = await stand.person()
        subscription = await stand.follow(fan, creator, held, coupon=code)
        stand.clock.forward(hours=1)
        await stand.hear()
        await stand.access.follows.change(fan, subscription, tier=tier.id)
        await stand.hear()
        await stand.pass_period(await stand.agreement(subscription))
        await stand.hear()
        mine = f"SELECT gross_minor FROM payments WHERE account = {fan.id} ORDER BY paid_at"
        paid = [row.gross_minor for row in await stand.rows(mine)]
        assert (paid[0], paid[-1]) == (first, renewed)
        await stand.access.follows.cancel(owner, subscription, at="now")
    await stand.settled()


async def test_the_months_of_a_coupon_stay_months_in_a_yearly_price(stand: Stand) -> None:
    owner, creator, silver, gold = await stand.shop()
    await stand.access.replace_price(owner, gold.id, amount_minor=9_000, currency="USD", interval="year")
    await stand.access.offers.create_coupon(
        owner, creator, code="three", percent_off=50, duration="months", months=3
    )  # fmt: skip
    fan = await stand.person()
    subscription = await stand.follow(fan, creator, silver, coupon="three")
    stand.clock.forward(hours=1)
    await stand.hear()
    await stand.access.follows.change(fan, subscription, tier=gold.id, interval="year")
    await stand.hear()
    await stand.pass_period(await stand.agreement(subscription))
    await stand.hear()
    assert (await stand.paid())[-1] == 9_000
    assert len(await stand.paid()) == 3
    await stand.settled()


async def test_a_trial_is_free_and_moves_with_its_tier(stand: Stand) -> None:
    _, creator, silver, gold = await stand.shop(trial_days=7)
    fan = await stand.person()
    subscription = await stand.follow(fan, creator, silver)
    assert (await stand.get(fan)).status == "trialing"
    stand.clock.forward(days=2)
    await stand.hear()
    await stand.access.follows.change(fan, subscription, tier=gold.id)
    await stand.hear()
    assert await stand.admits(fan, creator, gold)
    assert await stand.paid() == []
    await stand.pass_period(await stand.agreement(subscription))
    await stand.hear()
    assert await stand.paid() == [999]
    assert await stand.admits(fan, creator, gold)
    await stand.settled()


async def test_the_page_for_means_of_payment(stand: Stand) -> None:
    _, creator, silver, _ = await stand.shop()
    fan = await stand.person()
    subscription = await stand.follow(fan, creator, silver)
    url = await stand.access.follows.portal_url(fan, subscription, return_path="/me")
    assert (url is None) is ("portal" in stand.cannot)
    with pytest.raises(AccessError) as caught:
        await stand.access.follows.portal_url(await stand.person(), subscription, return_path="/me")
    assert caught.value.status == 404


async def test_whoever_is_deleted_is_forgotten_by_the_provider(stand: Stand) -> None:
    _, creator, silver, _ = await stand.shop()
    fan = await stand.person()
    subscription = await stand.follow(fan, creator, silver)
    await stand.access.follows.cancel(fan, subscription, at="period_end")
    await stand.hear()
    await stand.access.people.delete(fan)
    await stand.access.desk.work_off(stand.clock())
    await stand.hear()
    agreement = await stand.agreement(subscription)
    facts = await stand.provider.fetch("agreement", agreement, now=stand.clock())
    assert [fact.status for fact in facts if isinstance(fact, SubscriptionChanged)][-1] == "canceled"
    await _until_answered(stand, "forget_payer", agreement, key=f"forget:{stand.provider.name}:{agreement}")
    assert await stand.paid() == [499], "what was paid stays in the books"
    await stand.settled()


async def _until_answered(stand: Stand, act: str, ref: str, **options: object) -> None:
    """The connection may break after the deed: then the same is asked again."""
    for _ in range(20):
        try:
            await stand.access.desk.take(await getattr(stand.provider, act)(ref, now=stand.clock(), **options))
        except ProviderError as error:
            if not error.may_pass:
                raise
        else:
            return
    raise AssertionError("never answered")
