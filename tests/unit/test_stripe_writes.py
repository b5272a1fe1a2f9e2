"""What is written to Stripe and what it says of it late: changes, payouts and fees when connections break and news is old."""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from access.decide import Allow
from access.errors import AccessError
from access.payments import ProviderError
from spaces.metrics import Metrics
from spaces.reconciler import Reconciler
from spaces.tasks import Stop
from tests.harness.fake_stripe import signature
from tests.harness.provider_stands import StripeStand, stripe_stand

pytestmark = pytest.mark.thorough

BALANCES = (
    "SELECT ledger_account, SUM(amount_minor) FROM ledger_entries GROUP BY ledger_account ORDER BY ledger_account"
)


@pytest.mark.parametrize("refunded", [0, 99, 499])
async def test_a_fee_told_late_ends_in_the_books_as_one_told_at_once(
    stripe_shop: StripeStand, tmp_path: Path, refunded: int
) -> None:
    its_own = tmp_path / "at-once"
    its_own.mkdir()
    async with stripe_stand(its_own) as other:
        assert await _charged(stripe_shop, refunded, late=True) == await _charged(other, refunded, late=False)


async def _charged(shop: StripeStand, refunded: int, *, late: bool) -> list[tuple[object, ...]]:
    """The balances after a payment and its refund."""
    owner, creator, silver, _ = await shop.shop()
    shop.fake.fees_late = late
    await shop.follow(await shop.person(), creator, silver)
    (payment,) = await shop.payments()
    assert payment.fee_minor == (0 if late else 44)
    if refunded:
        await shop.access.books.refund(owner, creator, payment.id, amount_minor=refunded)
    shop.fake.tell_fees()
    await shop.hear()
    assert [row.fee_minor for row in await shop.payments()] == [44]
    lines = await shop.access.books.statement(owner, creator, "2026-01")
    adjusted = [(line.gross_minor, line.fee_minor) for line in lines if line.kind == "adjustment"]
    assert adjusted == ([(0, 44)] if late else [])
    await shop.settled()
    return [tuple(row) for row in await shop.rows(BALANCES)]


async def test_a_deleted_fan_leaves_no_customer_and_his_payment_can_go_back(stripe_shop: StripeStand) -> None:
    owner, creator, silver, _ = await stripe_shop.shop()
    fan = await stripe_shop.person()
    subscription = await stripe_shop.follow(fan, creator, silver)
    await stripe_shop.follow(await stripe_shop.person(), creator, silver)
    await stripe_shop.access.follows.cancel(fan, subscription, at="period_end")
    await stripe_shop.hear()
    first, _ = await stripe_shop.payments()
    await stripe_shop.access.people.delete(fan)
    stripe_shop.fake.away = ["", "after", "after"]  # the customer is gone, and the answer was lost
    for minutes in (0, 1):
        await stripe_shop.access.desk.work_off(stripe_shop.clock.forward(minutes=minutes))
    assert len(stripe_shop.fake.all("customer")["data"]) == 1, "the other fan's"
    await stripe_shop.access.books.refund(owner, creator, first.id, amount_minor=499)
    await stripe_shop.hear()
    assert [row.amount_minor for row in await stripe_shop.rows("SELECT amount_minor FROM refunds")] == [499]
    forgotten = await stripe_shop.rows("SELECT done_at, error FROM provider_tasks WHERE kind = 'forget'")
    assert [(row.done_at is not None, row.error) for row in forgotten] == [(True, "")]
    await stripe_shop.settled()


@pytest.mark.parametrize("fault", ["before", "after"])
@pytest.mark.parametrize("writes", [1, 2, 3])
async def test_a_change_whose_answer_is_lost_is_made_once(stripe_shop: StripeStand, fault: str, writes: int) -> None:
    _, creator, silver, gold = await stripe_shop.shop()
    fan = await stripe_shop.person()
    subscription = await stripe_shop.follow(fan, creator, silver)
    follows = stripe_shop.access.follows
    for tier in (gold, silver):
        stripe_shop.fake.away = [""] * (writes - 1) + [fault] * 2  # the SDK tries twice
        for _ in range(3):
            try:
                await follows.change(fan, subscription, tier=tier.id)
            except ProviderError as error:
                if not error.may_pass:
                    raise
            except AccessError as error:
                if error.code != "same_price":
                    raise
        stripe_shop.fake.away = []
        await stripe_shop.hear()
    mine = await stripe_shop.get(fan)
    assert (mine.tier, mine.next_tier) == (gold.id, silver.id)
    assert await stripe_shop.paid() == [499, 500]
    assert len(stripe_shop.fake.all("subscription_schedule")["data"]) == 1
    await stripe_shop.settled()


@pytest.mark.parametrize("fault", ["before", "after"])
async def test_a_payout_whose_answer_is_lost_is_made_once(stripe_shop: StripeStand, fault: str) -> None:
    owner, creator, silver, _ = await stripe_shop.shop()
    await stripe_shop.follow(await stripe_shop.person(), creator, silver)
    await stripe_shop.connect(owner, creator)
    stripe_shop.clock.forward(days=8)
    stripe_shop.fake.away = [fault] * 2
    made = await stripe_shop.access.books.pay_out(owner, creator, currency="USD", amount_minor=None)
    assert made.state == "planned"
    stripe_shop.fake._kept.clear()  # Stripe forgets keys after a day
    stripe_shop.clock.forward(days=2)
    await stripe_shop.access.desk.work_off()
    (paid,) = await stripe_shop.access.books.payouts(owner, creator)
    assert paid.state == "paid"
    assert len(stripe_shop.fake.all("transfer")["data"]) == 1
    await stripe_shop.settled()


async def test_an_account_that_stripe_restricts_is_paid_nothing(stripe_shop: StripeStand) -> None:
    owner, creator, silver, _ = await stripe_shop.shop()
    await stripe_shop.follow(await stripe_shop.person(), creator, silver)
    await stripe_shop.connect(owner, creator)
    account = stripe_shop.fake.all("account")["data"][0]["id"]
    stripe_shop.fake.onboard(account, transfers="inactive")
    await stripe_shop.hear()  # with the news of before, when it was ready
    found = await stripe_shop.access.payout_accounts.get(owner, creator)
    assert (found.state, found.reason) == ("restricted", "requirements.past_due")
    stripe_shop.clock.forward(days=8)
    with pytest.raises(AccessError) as caught:
        await stripe_shop.access.books.pay_out(owner, creator, currency="USD", amount_minor=None)
    assert caught.value.code == "no_payout_account"
    stripe_shop.fake.onboard(account)
    assert (await stripe_shop.access.payout_accounts.get(owner, creator)).state == "ready"  # asked, before any webhook
    first = await stripe_shop.access.payout_accounts.connect(owner, creator)
    assert first.account == account
    assert len(stripe_shop.fake.all("account")["data"]) == 1


async def test_of_others_accounts_nothing_is_heeded(stripe_shop: StripeStand) -> None:
    owner, creator, _, _ = await stripe_shop.shop()
    await stripe_shop.access.payout_accounts.connect(owner, creator)
    another = copy.deepcopy(stripe_shop.fake.all("account")["data"][0])
    stripe_shop.fake.add(another | {"id": "acct_another", "metadata": {"spaces_creator": str(creator.id)}})
    stripe_shop.fake.onboard("acct_another")
    stripe_shop.fake.tell("checkout.session.completed", {"id": "cs_elsewhere", "object": "checkout.session"})
    stripe_shop.fake.events[-1]["account"] = "acct_another"
    await stripe_shop.hear()
    assert (await stripe_shop.access.payout_accounts.get(owner, creator)).state == "pending"
    states = await stripe_shop.rows("SELECT type, state FROM webhook_events")
    assert ("checkout.session.completed", "ignored") in {tuple(row) for row in states}


async def test_a_price_that_is_none_of_ours_gives_nothing(stripe_shop: StripeStand) -> None:
    _, creator, silver, gold = await stripe_shop.shop()
    fan = await stripe_shop.person()
    agreement = await stripe_shop.agreement(await stripe_shop.follow(fan, creator, silver))
    before = await stripe_shop.state()
    by_hand = copy.deepcopy(stripe_shop.fake.objects[agreement]["items"]["data"][0]["price"])
    by_hand |= {"id": "price_by_hand", "metadata": {"spaces_server": "another", "spaces_price": str(gold.prices[0].id)}}
    stripe_shop.fake.add(by_hand)
    stripe_shop.fake.objects[agreement]["items"]["data"][0]["price"] = by_hand
    stripe_shop.fake.tell("customer.subscription.updated", stripe_shop.fake.objects[agreement])
    body = json.dumps(stripe_shop.fake.events[-1]).encode()
    await stripe_shop.inbox.receive(body, signature(body))
    assert await stripe_shop.state() == before
    assert not isinstance(await stripe_shop.may_join(fan, creator, gold), Allow)


async def test_what_stripe_has_refused_is_seen_and_asked_again_by_hand(stripe_shop: StripeStand) -> None:
    shop, books = stripe_shop, stripe_shop.access.books
    owner, creator, silver, _ = await shop.shop()
    fan = await shop.person()
    await shop.follow(fan, creator, silver)
    [payment] = await books.payments(owner, creator)
    [row] = await shop.payments()
    gone = shop.fake.objects.pop(row.ref)
    await books.refund(owner, creator, payment.id, amount_minor=200)
    [refused] = await books.refused()
    assert (refused.kind, refused.payment, refused.amount_minor) == ("refund", payment.id, 200)
    assert "resource_missing" in refused.error
    metrics = Metrics()
    await Reconciler(shop.inbox, lambda: None, metrics, Stop(), time.monotonic).round()
    for state, count in (("refused", 1), ("waiting", 0)):
        assert metrics.registry.get_sample_value("spaces_payment_tasks", {"state": state}) == count
    shop.fake.objects[row.ref] = gone
    await books.ask_again(refused.id)
    await shop.hear()
    assert await books.refused() == []
    assert (await books.payments(owner, creator))[0].refunded_minor == 200
    for number in (refused.id, 2**63, 0):
        with pytest.raises(AccessError, match="Nothing that was refused"):
            await books.ask_again(number)
    await shop.settled()


async def test_what_is_not_there_any_more_is_not_asked_again(stripe_shop: StripeStand) -> None:
    """A part was refused, and all of it has gone back since; a payout that was refused is owed again."""
    shop, books = stripe_shop, stripe_shop.access.books
    owner, creator, silver, _ = await shop.shop()
    for _ in range(2):
        await shop.follow(await shop.person(), creator, silver)
    first, _ = await shop.payments()
    gone = shop.fake.objects.pop(first.ref)
    await books.refund(owner, creator, first.id, amount_minor=200)
    shop.fake.objects[first.ref] = gone
    await books.refund(owner, creator, first.id, amount_minor=None)
    await shop.hear()
    [refused] = await books.refused()
    with pytest.raises(AccessError, match="not left"):
        await books.ask_again(refused.id)
    await shop.connect(owner, creator)
    shop.clock.forward(days=8)
    await books.pay_out(owner, creator, currency="USD", amount_minor=100)
    async with shop.engine.begin() as connection:
        await connection.execute(text("UPDATE provider_tasks SET error = 'refused' WHERE kind = 'pay_out'"))
    payout = next(one for one in await books.refused() if one.kind == "pay_out")
    with pytest.raises(AccessError, match="ask for a new one"):
        await books.ask_again(payout.id)
    await shop.settled()
