"""Tickets paid on Stripe's own pages: its SDK against the stand-in, signed webhooks repeated and out of order.

A seat is free only once Stripe has ended the reservation's session; whoever has paid in the meantime keeps his seat, takes a
free one, or has his money back.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from access.decide import Allow
from access.errors import AccessError
from access.model import Account, Creator
from access.ticket_model import SoldTicket
from access.tickets import RESERVED
from tests.harness import tickets
from tests.harness.provider_stands import StripeStand
from tests.harness.tickets import PRICE, cancel_space, check_books_and_seats, on_sale, reserve, ticket

pytestmark = pytest.mark.thorough

ONE_WRITE = ["before", "before"]
"""Its connection breaks, and that of the SDK's second try."""


def session_of(sold: SoldTicket) -> str:
    assert sold.checkout_url is not None
    return sold.checkout_url.rsplit("/", 1)[1]


async def may_come(shop: StripeStand, fan: Account, creator: Creator) -> bool:
    return isinstance(await tickets.may_come(shop, fan, creator), Allow)


async def over(shop: StripeStand) -> None:
    """Reservations are."""
    shop.clock.now += RESERVED + timedelta(seconds=1)
    await shop.access.desk.keep_time()


async def refused(shop: StripeStand, fan: Account) -> str:
    with pytest.raises(AccessError) as refusal:
        await reserve(shop, fan)
    return refusal.value.code


async def refunds(shop: StripeStand) -> list[int]:
    await shop.hear()
    return [row.amount_minor for row in await shop.rows("SELECT amount_minor FROM refunds WHERE state = 'succeeded'")]


async def buy(shop: StripeStand, fan: Account) -> None:
    await shop.answer(session_of(await reserve(shop, fan)), "succeed")
    await shop.hear()


async def settled(shop: StripeStand) -> None:
    await shop.settled()
    await check_books_and_seats(shop)


async def test_a_seat_is_sold_again_only_when_its_session_is_expired(stripe_shop: StripeStand) -> None:
    shop = stripe_shop
    _, creator = await on_sale(shop, 1)
    first, second = await shop.person(), await shop.person()
    held = await reserve(shop, first)
    shop.fake.away = list(ONE_WRITE)
    await over(shop)
    assert (await ticket(shop, held.id)).state == "reserved", "nobody knows whether it can still be paid"
    assert shop.fake.objects[session_of(held)]["status"] == "open"
    assert await refused(shop, second) == "sold_out"
    assert await refused(shop, first) == "reservation_ending"
    shop.clock.forward(minutes=1)
    await shop.access.desk.keep_time()
    assert shop.fake.objects[session_of(held)]["status"] == "expired"
    assert (await ticket(shop, held.id)).state == "void"
    await buy(shop, second)
    assert await may_come(shop, second, creator)
    assert not await may_come(shop, first, creator)
    assert await shop.paid() == [PRICE]
    await settled(shop)


async def test_whoever_pays_before_his_session_is_ended_keeps_his_seat(stripe_shop: StripeStand) -> None:
    """Stripe does not end what is complete; and its webhook has not come yet."""
    shop = stripe_shop
    _, creator = await on_sale(shop, 1)
    fan, late = await shop.person(), await shop.person()
    held = await reserve(shop, fan)
    await shop.answer(session_of(held), "succeed")
    await over(shop)
    assert (await ticket(shop, held.id)).state == "paid"
    assert await may_come(shop, fan, creator)
    assert await refused(shop, late) == "sold_out"
    await shop.hear()
    assert await refunds(shop) == []
    await settled(shop)


@pytest.mark.parametrize("seats", [1, 2])
async def test_money_that_arrives_after_the_seat_was_given_away_takes_a_free_one_or_goes_back(
    stripe_shop: StripeStand, seats: int
) -> None:
    """A session that is complete and unpaid cannot be ended; after a day its seat is not kept any longer."""
    shop = stripe_shop
    _, creator = await on_sale(shop, seats)
    late, quick = await shop.person(), await shop.person()
    held = await reserve(shop, late)
    await shop.answer(session_of(held), "pays_later")
    await shop.hear()
    await over(shop)
    assert (await ticket(shop, held.id)).state == "reserved", "its money is on its way"
    shop.clock.forward(hours=25)
    await shop.access.desk.keep_time()
    assert (await ticket(shop, held.id)).state == "void"
    await buy(shop, quick)
    await shop.money_arrives(session_of(held))
    await shop.hear()
    await shop.access.desk.keep_time()
    assert await shop.paid() == [PRICE, PRICE]
    assert await refunds(shop) == ([PRICE] if seats == 1 else [])
    assert await may_come(shop, late, creator) is (seats == 2)
    assert await may_come(shop, quick, creator)
    assert (await ticket(shop, held.id)).state == ("refunded" if seats == 1 else "paid")
    await settled(shop)


async def test_a_session_whose_answer_was_lost_is_found_and_ended(stripe_shop: StripeStand) -> None:
    """Stripe has made it, and we have not heard where it is."""
    shop = stripe_shop
    await on_sale(shop, 1)
    fan, other = await shop.person(), await shop.person()
    shop.fake.away = ["after", "before"]
    with pytest.raises(AccessError, match="503"):
        await reserve(shop, fan)
    assert await refused(shop, other) == "sold_out"
    await over(shop)
    shop.clock.forward(minutes=1)
    await shop.access.desk.keep_time()
    [session] = shop.fake.all("checkout.session")["data"]
    assert session["status"] == "expired"
    assert (await reserve(shop, other)).state == "reserved"
    await settled(shop)


async def test_whoever_gives_up_or_whose_space_is_cancelled_cannot_pay_any_more(stripe_shop: StripeStand) -> None:
    shop = stripe_shop
    await on_sale(shop, 3)
    gives_up, waits, has_paid = [await shop.person() for _ in range(3)]
    sessions = []
    for fan in (gives_up, waits, has_paid):
        sold = await reserve(shop, fan)
        sessions.append(session_of(sold))
        if fan is gives_up:
            await shop.access.tickets.give_up(fan, sold.id)
    await shop.answer(sessions[2], "succeed")
    await shop.hear()
    await cancel_space(shop)
    await shop.access.desk.keep_time()
    assert [shop.fake.objects[name]["status"] for name in sessions] == ["expired", "expired", "complete"]
    assert await refunds(shop) == [PRICE]
    await settled(shop)


async def test_what_was_asked_back_in_part_while_stripe_was_away_comes_back_whole(stripe_shop: StripeStand) -> None:
    """Stripe refuses to pay back more than was paid: what is still to be asked for is not asked for twice."""
    shop = stripe_shop
    owner, creator = await on_sale(shop, 1)
    sold = await reserve(shop, await shop.person())
    await shop.answer(session_of(sold), "succeed")
    await shop.hear()
    [payment] = await shop.access.books.payments(owner, creator)
    shop.fake.away = ["before"] * 20
    await shop.access.books.refund(owner, creator, payment.id, amount_minor=300)
    await cancel_space(shop)
    await shop.access.desk.keep_time()
    assert (await ticket(shop, sold.id)).state == "refunding"
    shop.fake.away = []
    shop.clock.forward(minutes=10)
    await shop.access.desk.keep_time()
    assert sorted(await refunds(shop)) == [300, PRICE - 300]
    assert (await ticket(shop, sold.id)).state == "refunded"
    assert await shop.rows("SELECT error FROM provider_tasks WHERE error <> ''") == []
    await settled(shop)


@pytest.mark.parametrize("paid", ["before", "after"])
async def test_a_ticket_of_somebody_who_is_gone(stripe_shop: StripeStand, paid: str) -> None:
    """What he has reserved is ended; what he pays in that very moment goes back, for nobody can use it."""
    shop = stripe_shop
    await on_sale(shop, 1)
    fan, other = await shop.person(), await shop.person()
    held = await reserve(shop, fan)
    if paid == "before":
        await shop.answer(session_of(held), "succeed")  # and nothing was told of it yet
    await shop.access.people.delete(fan)
    await shop.access.desk.keep_time()
    await shop.hear()
    await shop.access.desk.keep_time()
    assert await refunds(shop) == ([PRICE] if paid == "before" else [])
    assert shop.fake.objects[session_of(held)]["status"] == ("complete" if paid == "before" else "expired")
    assert (await reserve(shop, other)).state == "reserved"
    await settled(shop)
