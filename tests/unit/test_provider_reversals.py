"""What is taken back in part – by refund, dispute, or of a payout – and one after the other, over each payment provider."""

from __future__ import annotations

import pytest

from access.decide import Allow
from access.errors import AccessError
from access.model import Account, Creator
from access.money_model import Balance
from tests.harness import tickets
from tests.harness.provider_stands import Stand

pytestmark = pytest.mark.thorough

FEE = 44
"""Of 499; the processor keeps it when he pays back."""
EARNED = 2 * (499 - FEE) - 499 - 12
"""Of two payments of which one went back, less 3 % of that: what is the creator's."""


async def balance(stand: Stand, owner: Account, creator: Creator) -> Balance:
    (found,) = await stand.access.books.balances(owner, creator)
    return found


async def at_the_provider(stand: Stand) -> int:
    """What is left there of all payments."""
    return await tickets.balance(stand, "provider_clearing")


async def refused(stand: Stand, owner: Account, creator: Creator, payment: int, amount: int | None) -> str:
    with pytest.raises(AccessError) as caught:
        await stand.access.books.refund(owner, creator, payment, amount_minor=amount)
    return caught.value.field or caught.value.code


@pytest.mark.parametrize("decided", ["won", "lost"])
async def test_a_dispute_over_a_part_after_a_refund_in_part(stand: Stand, decided: str) -> None:
    owner, creator, silver, _ = await stand.shop()
    fan = await stand.person()
    await stand.follow(fan, creator, silver)
    (payment,) = await stand.payments()
    if "dispute" in stand.cannot:
        with pytest.raises(NotImplementedError):
            await stand.dispute(payment, 200)
        return
    books = stand.access.books
    await books.refund(owner, creator, payment.id, amount_minor=100)
    await stand.hear()
    before = await balance(stand, owner, creator)
    dispute = await stand.dispute(payment, 200)
    await stand.hear()
    held = await balance(stand, owner, creator)
    assert (held.held_minor, held.balance_minor) == (200, before.balance_minor - 200)
    assert not await stand.admits(fan, creator), "it is not settled what was paid"
    assert await refused(stand, owner, creator, payment.id, 200) == "amount_minor"
    await stand.decide(dispute, decided)
    await stand.hear()
    assert await stand.admits(fan, creator) is (decided == "won")
    after = await balance(stand, owner, creator)
    assert after.held_minor == 0
    ((fee,),) = await stand.rows("SELECT fee_minor FROM disputes")
    assert (before.balance_minor - after.balance_minor <= fee) is (decided == "won"), "its fee is the creator's"
    rest = 399 if decided == "won" else 199
    assert await at_the_provider(stand) == rest
    await books.refund(owner, creator, payment.id, amount_minor=None)
    await stand.hear()
    assert await at_the_provider(stand) == 0
    assert await refused(stand, owner, creator, payment.id, None) == "nothing_to_refund"
    assert not await stand.admits(fan, creator)
    await stand.settled()


@pytest.mark.parametrize("way", ["refund", "won", "lost"])
async def test_what_was_bought_with_the_credit_of_a_payment_goes_back_with_it(stand: Stand, way: str) -> None:
    """A month for the rest of a year, and the next for what was left: none of it was paid for with other money."""
    owner, creator, silver, gold = await stand.shop()
    await stand.access.replace_price(owner, silver.id, amount_minor=2_500, currency="USD", interval="year")
    fan = await stand.person()
    subscription = await stand.follow(fan, creator, silver, interval="year")
    (payment,) = await stand.payments()
    await stand.change_next_day(fan, subscription, gold, interval="month")
    await stand.pass_period(await stand.agreement(subscription))
    await stand.hear()
    assert await stand.paid() == [2_500]
    assert await stand.admits(fan, creator, gold)
    if way == "refund":
        await stand.access.books.refund(owner, creator, payment.id, amount_minor=None)
        await stand.hear()
    elif "dispute" in stand.cannot:
        with pytest.raises(NotImplementedError):
            await stand.dispute(payment)
        return
    else:
        dispute = await stand.dispute(payment)
        await stand.hear()
        assert not await stand.admits(fan, creator)
        await stand.decide(dispute, way)
        await stand.hear()
    assert await stand.admits(fan, creator, gold) is (way == "won")
    assert await stand.access.books.check() == []
    if way != "refund":  # a dispute ends the renewals, however it is decided
        await stand.settled()
        return
    for admitted in (False, True):
        await stand.pass_period(await stand.agreement(subscription))
        await stand.hear()
        assert await stand.admits(fan, creator, gold) is admitted, "once it is paid in money alone again"
    assert (await stand.paid())[1:] == [504, 999]
    await stand.settled()


@pytest.mark.parametrize("both", [False, True])
async def test_a_difference_does_not_pay_for_what_it_was_added_to(stand: Stand, both: bool) -> None:
    owner, creator, silver, gold = await stand.shop()
    fan = await stand.person()
    subscription = await stand.follow(fan, creator, silver)
    await stand.change_next_day(fan, subscription, gold)
    first, difference = await stand.payments()
    books = stand.access.books
    if both:
        await books.refund(owner, creator, difference.id, amount_minor=None)
        await stand.hear()
        assert await stand.admits(fan, creator, silver), "what it was exchanged for is void, and gives it back"
        assert not await stand.admits(fan, creator, gold)
    await books.refund(owner, creator, first.id, amount_minor=None)
    await stand.hear()
    assert not await stand.admits(fan, creator)
    await stand.settled()


async def test_what_is_refunded_after_the_payout_is_owed_by_the_creator(stand: Stand) -> None:
    """Set off against what he earns next; and what the platform takes back of the payout is his again."""
    owner, creator, silver, _ = await stand.shop()
    first, second = await stand.person(), await stand.person()
    await stand.follow(first, creator, silver)
    if "payout accounts" not in stand.cannot:
        await stand.connect(owner, creator)
    stand.clock.forward(days=8)
    books = stand.access.books
    paid_out = await books.pay_out(owner, creator, currency="USD", amount_minor=None)
    await stand.hear()
    assert (await balance(stand, owner, creator)).balance_minor == 0
    (payment,) = await stand.payments()
    for amount, admitted in ((200, True), (None, False)):
        await books.refund(owner, creator, payment.id, amount_minor=amount)
        await stand.hear()
        assert await stand.admits(first, creator) is admitted
        owed = await balance(stand, owner, creator)
        assert owed.balance_minor < 0 == owed.available_minor
        with pytest.raises(AccessError) as caught:
            await books.pay_out(owner, creator, currency="USD", amount_minor=None)
        assert caught.value.code == "nothing_available"
    assert owed.balance_minor == -paid_out.amount_minor - FEE, "all that he had, and the fee"
    await stand.follow(second, creator, silver)
    stand.clock.forward(days=8)
    await stand.hear()
    now = await balance(stand, owner, creator)
    assert (now.balance_minor, now.available_minor) == (EARNED - paid_out.amount_minor, 0)
    if "failing payouts" in stand.cannot:
        await stand.settled()
        return
    for part in (100, None):
        await stand.return_payout(paid_out.id, part)
        await stand.hear()
        (payout,) = await books.payouts(owner, creator)
        told = ("paid", part) if part else ("returned", paid_out.amount_minor)
        assert (payout.state, payout.returned_minor) == told
        assert (await balance(stand, owner, creator)).balance_minor == now.balance_minor + payout.returned_minor
    rest = await balance(stand, owner, creator)
    assert rest.available_minor == rest.balance_minor == EARNED
    await books.pay_out(owner, creator, currency="USD", amount_minor=None)
    await stand.hear()
    assert (await balance(stand, owner, creator)).balance_minor == 0
    await stand.settled()


async def test_of_a_ticket_refunded_in_part_the_rest_goes_back_with_all_others(stand: Stand) -> None:
    owner, creator = await tickets.on_sale(stand)
    fans = [await stand.person() for _ in range(2)]
    for fan in fans:
        await tickets.reserve(stand, fan)
    for (checkout,) in await stand.rows("SELECT provider_ref FROM tickets ORDER BY id"):
        await stand.answer(checkout, "succeed")
    await stand.hear()
    (payment, _) = await stand.payments()
    await stand.access.books.refund(owner, creator, payment.id, amount_minor=500)
    await stand.hear()
    for fan in fans:
        assert isinstance(await tickets.may_come(stand, fan, creator), Allow)
    await tickets.cancel_space(stand)
    for _ in range(2):
        await stand.access.desk.keep_time()
        await stand.hear()
    refunds = await stand.rows("SELECT amount_minor FROM refunds WHERE state = 'succeeded' ORDER BY amount_minor")
    assert [row.amount_minor for row in refunds] == [500, tickets.PRICE - 500, tickets.PRICE]
    assert await at_the_provider(stand) == 0
    for fan in fans:
        assert not isinstance(await tickets.may_come(stand, fan, creator), Allow)
    await tickets.check_books_and_seats(stand)
    await stand.settled()
