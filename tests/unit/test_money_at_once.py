"""The same money asked for by several at once, and what is too much, of another currency or of nobody."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from access.decide import Allow
from access.errors import AccessError
from access.facts import SubscriptionChanged
from access.model import Account, Creator
from tests.harness.gifts import give
from tests.harness.histories import outcome
from tests.harness.world import World, pay_ref

pytestmark = pytest.mark.thorough


async def earned(world: World, fans: int = 1) -> tuple[Account, Creator]:
    """A creator who can be paid out what so many fans have paid, 941 each."""
    owner, creator = await world.creator("ada")
    tier = await world.tier(owner, creator, amount_minor=1_000)
    for _ in range(fans):
        await world.subscribe(await world.person(), creator, tier)
    world.clock.forward(days=8)
    return owner, creator


async def test_a_payout_is_planned_once_by_its_key(world: World) -> None:
    owner, creator = await earned(world)
    books = world.access.books
    made = await asyncio.gather(
        *(books.pay_out(owner, creator, currency="USD", amount_minor=100, key="k") for _ in range(5))
    )
    assert len({payout.id for payout in made}) == 1
    assert (await books.pay_out(owner, creator, currency="usd", amount_minor=None, key="k")).id == made[0].id
    for currency, amount in (("USD", 101), ("EUR", 100), ("USD", 1_000_000)):
        with pytest.raises(AccessError, match="422 idempotency_mismatch"):
            await books.pay_out(owner, creator, currency=currency, amount_minor=amount, key="k")
    other = await books.pay_out(owner, creator, currency="USD", amount_minor=100, key="another")
    assert [payout.id for payout in await books.payouts(owner, creator)] == [other.id, made[0].id]
    assert await books.check() == []


async def test_a_key_is_its_accounts_own(world: World) -> None:
    owner, creator = await earned(world)
    accountant = await world.person()
    await world.access.offers.set_role(owner, creator, accountant, "finance")
    books = world.access.books
    [payment] = await books.payments(owner, creator)
    for actor in (owner, accountant, owner):
        await books.refund(actor, creator, payment.id, amount_minor=100, key="k")
        await books.pay_out(actor, creator, currency="USD", amount_minor=50, key="k")
    assert (await books.payments(owner, creator))[0].refunded_minor == 200
    assert [payout.amount_minor for payout in await books.payouts(owner, creator)] == [50, 50]


async def test_a_refund_is_asked_for_once_by_its_key_also_when_nothing_is_left(world: World) -> None:
    owner, creator = await earned(world)
    books = world.access.books
    [payment] = await books.payments(owner, creator)
    await asyncio.gather(*(books.refund(owner, creator, payment.id, amount_minor=300, key="part") for _ in range(5)))
    with pytest.raises(AccessError, match="422 idempotency_mismatch"):
        await books.refund(owner, creator, payment.id, amount_minor=301, key="part")
    for _ in range(2):
        whole = await books.refund(owner, creator, payment.id, amount_minor=None, key="rest")
        assert whole.refunded_minor == payment.gross_minor
    with pytest.raises(AccessError, match="409 nothing_to_refund"):
        await books.refund(owner, creator, payment.id, amount_minor=None)
    assert await books.check() == []


async def test_more_is_not_taken_than_there_is_however_many_ask(world: World) -> None:
    owner, creator = await earned(world, fans=2)
    books = world.access.books
    [balance] = await books.balances(owner, creator)
    part = balance.available_minor // 3
    asked = [outcome(books.pay_out(owner, creator, currency="USD", amount_minor=part)) for _ in range(8)]
    made = [payout for payout, _ in await asyncio.gather(*asked) if payout is not None]
    assert len(made) == 3
    payments = await books.payments(owner, creator)
    back = [outcome(books.refund(owner, creator, one.id, amount_minor=600)) for one in payments for _ in range(4)]
    refused = [error for _, error in await asyncio.gather(*back) if error is not None]
    assert len(refused) == 6
    assert {error.status for error in refused} <= {409, 422}
    assert [one.refunded_minor for one in await books.payments(owner, creator)] == [600, 600]
    assert await books.check() == []


async def test_nothing_is_paid_out_of_another_currency(world: World) -> None:
    owner, creator = await world.creator("ada")
    tiers = [
        await world.tier(owner, creator, level, amount_minor=1_000, currency=currency)
        for level, currency in enumerate(("USD", "JPY", "BHD"), 1)
    ]
    for tier in tiers:
        await world.subscribe(await world.person(), creator, tier)
    world.clock.forward(days=8)
    books = world.access.books
    before = {one.currency: one.available_minor for one in await books.balances(owner, creator)}
    assert before.keys() == {"USD", "JPY", "BHD"}
    with pytest.raises(AccessError, match="409 nothing_available"):
        await books.pay_out(owner, creator, currency="EUR", amount_minor=None)
    for currency in ("XXX", "us", "USDD", "ＵＳＤ"):
        with pytest.raises(AccessError, match="422 bad_field"):
            await books.pay_out(owner, creator, currency=currency, amount_minor=1)
    await books.pay_out(owner, creator, currency="JPY", amount_minor=None)
    after = {one.currency: one.available_minor for one in await books.balances(owner, creator)}
    assert after == before | {"JPY": 0}
    assert await books.check() == []


async def test_two_checkouts_at_once_for_the_same_are_one(world: World) -> None:
    owner, creator = await world.creator("ada")
    tier, fan = await world.tier(owner, creator), await world.person()
    await world.access.offers.create_coupon(owner, creator, code="once", percent_off=10, redemptions_max=1)
    follows = world.access.follows
    begun = await asyncio.gather(*(follows.subscribe(fan, creator, tier=tier.id, coupon="once") for _ in range(6)))
    assert len({(one.id, one.checkout_url) for one in begun}) == 1
    await follows.pay(pay_ref(begun[0]), "succeed")
    assert await world.rows("SELECT count(*) FROM test_checkouts") == [(1,)]


async def test_a_checkout_that_another_has_replaced_meanwhile_is_ended_with_the_provider(world: World) -> None:
    """The provider answers slowly, and the fan has chosen another tier by then."""
    owner, creator = await world.creator("ada")
    low, high = [await world.tier(owner, creator, level) for level in (1, 2)]
    fan, follows, provider = await world.person(), world.access.follows, world.access.desk.provider
    asked, answer = asyncio.Event(), asyncio.Event()
    begin_checkout = provider.begin_checkout

    async def slowly(request: object, **options: object) -> object:
        made = await begin_checkout(request, **options)  # type: ignore[arg-type]
        if not asked.is_set():
            asked.set()
            await answer.wait()
        return made

    provider.begin_checkout = slowly  # type: ignore[method-assign, assignment]
    first = asyncio.create_task(follows.subscribe(fan, creator, tier=low.id))
    await asked.wait()
    second = await follows.subscribe(fan, creator, tier=high.id)
    answer.set()
    with pytest.raises(AccessError, match="409 checkout_closed"):
        await first
    states = await world.rows("SELECT state FROM test_checkouts ORDER BY state")
    assert [row.state for row in states] == ["expired", "open"]
    assert (await follows.pay(pay_ref(second), "succeed")).status == "active"


@pytest.mark.parametrize("act", ["archive", "replace_price"])
async def test_a_tier_that_leaves_the_shelf_while_it_is_bought_is_had_as_it_was_sold(world: World, act: str) -> None:
    owner, creator = await world.creator("ada")
    tier, fan = await world.tier(owner, creator, amount_minor=1_000), await world.person()
    begun = await world.access.follows.subscribe(fan, creator, tier=tier.id)
    if act == "archive":
        await world.access.archive_tier(owner, tier.id)
    else:
        await world.access.replace_price(owner, tier.id, amount_minor=9_000, currency="USD", interval="month")
    paid = await world.access.follows.pay(pay_ref(begun), "succeed")
    assert (paid.status, paid.amount_minor) == ("active", 1_000)
    assert [one.gross_minor for one in await world.access.books.payments(owner, creator)] == [1_000]
    for _ in range(2):
        world.clock.now += timedelta(days=31)
        await world.access.desk.keep_time()
    assert {one.gross_minor for one in await world.access.books.payments(owner, creator)} == {1_000}


async def test_what_is_paid_to_a_creator_who_is_gone_goes_back(world: World) -> None:
    owner, creator = await world.creator("ada")
    tier, fan, giver = await world.tier(owner, creator), await world.person(), await world.person()
    subscribed = await world.access.follows.subscribe(fan, creator, tier=tier.id)
    given = await world.access.gifts.buy(giver, creator, tier=tier.id, intervals=2)
    refs = [pay_ref(subscribed), str(given.checkout_url).rsplit("/", 1)[1]]
    bank = world.access.desk.provider
    late = [await bank.answer(ref, "succeed", world.clock()) for ref in refs]  # type: ignore[attr-defined]
    await world.access.people.delete(owner)
    for facts in late:
        await world.access.desk.take(facts)
        await world.access.desk.take(facts)
    await world.access.desk.keep_time()
    assert [row.state for row in await world.rows("SELECT state FROM refunds")] == ["succeeded"] * 2
    assert await world.rows("SELECT id FROM grants WHERE revoked_at IS NULL") == []
    assert await world.rows("SELECT id FROM subscriptions WHERE status IN ('trialing', 'active')") == []
    assert await world.access.books.check() == []


async def test_whoever_is_gone_has_begun_nothing(world: World) -> None:
    owner, creator = await world.creator("ada")
    tier, fan = await world.tier(owner, creator), await world.person()
    subscribed = await world.access.follows.subscribe(fan, creator, tier=tier.id)
    await world.access.people.delete(fan)
    await world.access.desk.keep_time()
    with pytest.raises(AccessError, match="409 checkout_closed"):
        await world.access.follows.pay(pay_ref(subscribed), "succeed")
    assert [row.state for row in await world.rows("SELECT state FROM test_checkouts")] == ["expired"]


async def test_a_clock_that_steps_back_an_hour_costs_nobody_anything(world: World) -> None:
    owner, creator = await earned(world)
    tier = (await world.access.tiers(creator.id))[0]
    fan, other = await world.person(), await world.person()
    await world.subscribe(fan, creator, tier)
    payout = await world.access.books.pay_out(owner, creator, currency="USD", amount_minor=100, key="k")
    world.clock.forward(hours=-1)
    with pytest.raises(AccessError, match="409 already_subscribed"):
        await world.access.follows.subscribe(fan, creator, tier=tier.id)
    assert (await world.access.books.pay_out(owner, creator, currency="USD", amount_minor=100, key="k")).id == payout.id
    await world.access.desk.keep_time()
    await give(world, other, creator, tier)
    world.clock.forward(days=31)
    world.clock.forward(hours=-1)
    for _ in range(3):  # there and back again over the end of the period
        await world.access.desk.keep_time()
        world.clock.forward(hours=1)
        await world.access.desk.keep_time()
        world.clock.forward(hours=-1)
    paid = await world.rows(f"SELECT count(*) AS n FROM payments WHERE account = {fan.id}")
    periods = await world.rows(f'SELECT count(DISTINCT "end") AS n FROM grants WHERE account = {fan.id}')
    assert paid[0].n == periods[0].n == 2
    assert await world.access.books.check() == []


async def test_an_agreement_that_is_to_end_before_its_first_payment_was_told_holds_up_nothing(world: World) -> None:
    """The webhook of the invoice is late: what comes after it in the upkeep is done all the same."""
    _, creator = await earned(world)
    tier, fan = (await world.access.tiers(creator.id))[0], await world.person()
    begun = await world.access.follows.subscribe(fan, creator, tier=tier.id)
    told = SubscriptionChanged(
        provider="test", event="sub_1:1", at=world.clock(), agreement="sub_1", version=1, status="active",
        price=tier.prices[0].id, cancel_at_period_end=True, purchase=f"subscription:{begun.id}",
    )  # fmt: skip
    await world.access.desk.take([told])
    assert (await world.access.follows.of_account(fan))[0].status != "incomplete"
    async with asyncio.timeout(30):
        await world.access.desk.keep_time()
    assert not isinstance(await world.may_join(fan, creator), Allow)


async def test_a_refund_from_a_clock_ahead_of_ours_holds_up_nothing(world: World) -> None:
    owner, creator = await world.creator("ada")
    tier, fan = await world.tier(owner, creator), await world.person()
    paid = await world.subscribe(fan, creator, tier)
    await world.access.follows.cancel(fan, paid.id, at="period_end")
    [payment] = await world.access.books.payments(owner, creator)
    await world.access.books.refund(owner, creator, payment.id, amount_minor=None)
    world.clock.forward(hours=-1)
    async with asyncio.timeout(30):
        await world.access.desk.keep_time()
    world.clock.forward(hours=2)
    await world.access.desk.keep_time()
    assert (await world.rows("SELECT status FROM subscriptions"))[0].status == "canceled"
    assert not isinstance(await world.may_join(fan, creator), Allow)


async def test_a_task_that_breaks_holds_up_nothing_behind_it(world: World) -> None:
    owner, creator = await earned(world, fans=2)
    books, provider = world.access.books, world.access.desk.provider
    first, second = await books.payments(owner, creator)
    refund = provider.refund

    async def broken(payment: str, **options: object) -> object:
        if options["amount_minor"] == 1:
            raise ZeroDivisionError
        return await refund(payment, **options)  # type: ignore[arg-type]

    provider.refund = broken  # type: ignore[method-assign, assignment]
    assert (await books.refund(owner, creator, first.id, amount_minor=1)).refunded_minor == 0
    assert (await books.refund(owner, creator, second.id, amount_minor=2)).refunded_minor == 2
    provider.refund = refund  # type: ignore[method-assign]
    world.clock.forward(hours=1)
    await world.access.desk.keep_time()
    assert {one.refunded_minor for one in await books.payments(owner, creator)} == {1, 2}
