"""What is written to Stripe and what it says of it late: changes, payouts and fees when connections break and news is old."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from access.decide import Allow
from access.errors import AccessError
from access.payments import ProviderError
from tests.harness.fake_stripe import signature
from tests.harness.provider_stands import StripeStand, stripe_stand


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[StripeStand]:
    async with stripe_stand(tmp_path) as stand:
        yield stand


BALANCES = (
    "SELECT ledger_account, SUM(amount_minor) FROM ledger_entries GROUP BY ledger_account ORDER BY ledger_account"
)


@pytest.mark.parametrize("refunded", [0, 99, 499])
async def test_a_fee_told_late_ends_in_the_books_as_one_told_at_once(tmp_path: Path, refunded: int) -> None:
    books = []
    for late in (False, True):
        folder = tmp_path / str(late)
        folder.mkdir()
        async with stripe_stand(folder) as shop:
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
            books.append([tuple(row) for row in await shop.rows(BALANCES)])
    assert books[0] == books[1]


@pytest.mark.parametrize("fault", ["before", "after"])
@pytest.mark.parametrize("writes", [1, 2, 3])
async def test_a_change_whose_answer_is_lost_is_made_once(shop: StripeStand, fault: str, writes: int) -> None:
    _, creator, silver, gold = await shop.shop()
    fan = await shop.person()
    subscription = await shop.follow(fan, creator, silver)
    follows = shop.access.follows
    for tier in (gold, silver):
        shop.fake.away = [""] * (writes - 1) + [fault] * 2  # the SDK tries twice
        for _ in range(3):
            try:
                await follows.change(fan, subscription, tier=tier.id)
            except ProviderError as error:
                if not error.may_pass:
                    raise
            except AccessError as error:
                if error.code != "same_price":
                    raise
        shop.fake.away = []
        await shop.hear()
    mine = await shop.get(fan)
    assert (mine.tier, mine.next_tier) == (gold.id, silver.id)
    assert await shop.paid() == [499, 500]
    assert len(shop.fake.all("subscription_schedule")["data"]) == 1
    await shop.settled()


@pytest.mark.parametrize("fault", ["before", "after"])
async def test_a_payout_whose_answer_is_lost_is_made_once(shop: StripeStand, fault: str) -> None:
    owner, creator, silver, _ = await shop.shop()
    await shop.follow(await shop.person(), creator, silver)
    await shop.connect(owner, creator)
    shop.clock.forward(days=8)
    shop.fake.away = [fault] * 2
    made = await shop.access.books.pay_out(owner, creator, currency="USD", amount_minor=None)
    assert made.state == "planned"
    shop.fake._kept.clear()  # Stripe forgets keys after a day
    shop.clock.forward(days=2)
    await shop.access.desk.work_off()
    (paid,) = await shop.access.books.payouts(owner, creator)
    assert paid.state == "paid"
    assert len(shop.fake.all("transfer")["data"]) == 1
    await shop.settled()


async def test_an_account_that_stripe_restricts_is_paid_nothing(shop: StripeStand) -> None:
    owner, creator, silver, _ = await shop.shop()
    await shop.follow(await shop.person(), creator, silver)
    await shop.connect(owner, creator)
    account = shop.fake.all("account")["data"][0]["id"]
    shop.fake.onboard(account, transfers="inactive")
    await shop.hear()  # with the news of before, when it was ready
    found = await shop.access.payout_accounts.get(owner, creator)
    assert (found.state, found.reason) == ("restricted", "requirements.past_due")
    shop.clock.forward(days=8)
    with pytest.raises(AccessError) as caught:
        await shop.access.books.pay_out(owner, creator, currency="USD", amount_minor=None)
    assert caught.value.code == "no_payout_account"
    shop.fake.onboard(account)
    assert (await shop.access.payout_accounts.get(owner, creator)).state == "ready"  # asked, before any webhook
    first = await shop.access.payout_accounts.connect(owner, creator)
    assert first.account == account
    assert len(shop.fake.all("account")["data"]) == 1


async def test_of_others_accounts_nothing_is_heeded(shop: StripeStand) -> None:
    owner, creator, _, _ = await shop.shop()
    await shop.access.payout_accounts.connect(owner, creator)
    another = copy.deepcopy(shop.fake.all("account")["data"][0])
    shop.fake.add(another | {"id": "acct_another", "metadata": {"spaces_creator": str(creator.id)}})
    shop.fake.onboard("acct_another")
    shop.fake.tell("checkout.session.completed", {"id": "cs_elsewhere", "object": "checkout.session"})
    shop.fake.events[-1]["account"] = "acct_another"
    await shop.hear()
    assert (await shop.access.payout_accounts.get(owner, creator)).state == "pending"
    states = await shop.rows("SELECT type, state FROM webhook_events")
    assert ("checkout.session.completed", "ignored") in {tuple(row) for row in states}


async def test_a_price_that_is_none_of_ours_gives_nothing(shop: StripeStand) -> None:
    _, creator, silver, gold = await shop.shop()
    fan = await shop.person()
    agreement = await shop.agreement(await shop.follow(fan, creator, silver))
    before = await shop.state()
    by_hand = copy.deepcopy(shop.fake.objects[agreement]["items"]["data"][0]["price"])
    by_hand |= {"id": "price_by_hand", "metadata": {"spaces_server": "another", "spaces_price": str(gold.prices[0].id)}}
    shop.fake.add(by_hand)
    shop.fake.objects[agreement]["items"]["data"][0]["price"] = by_hand
    shop.fake.tell("customer.subscription.updated", shop.fake.objects[agreement])
    body = json.dumps(shop.fake.events[-1]).encode()
    await shop.inbox.receive(body, signature(body))
    assert await shop.state() == before
    assert not isinstance(await shop.may_join(fan, creator, gold), Allow)
