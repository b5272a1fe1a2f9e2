"""Tickets of one Space: sold once each, worth a seat or the money, and gone when the Space is."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from access.decide import Action, Allow, Deny, Policy, Resource
from access.errors import AccessError
from access.ticket_offers import Settings
from access.tickets import PENDING, RESERVED
from tests.harness.money_news import disputed, paid, refunded
from tests.harness.tickets import (
    PRICE,
    SPACE,
    balance,
    buy,
    cancel_space,
    check_books_and_seats,
    may_come,
    on_sale,
    ref_of,
    reserve,
    tell,
    ticket,
    time_passes,
)
from tests.harness.world import World, pay_ref

pytestmark = pytest.mark.thorough

BEFORE_TIME = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
"""UTC's calendar has no such day."""


async def refusal(awaitable: Any) -> str:
    with pytest.raises(AccessError) as refused:
        await awaitable
    return refused.value.code


BAD_OFFERS: list[tuple[dict[str, Any], str]] = [
    ({"sale_start": BEFORE_TIME}, "sale_start"),
    ({"amount_minor": 99}, "amount_minor"),
    ({"amount_minor": 99_901}, "amount_minor"),
    ({"amount_minor": -500}, "amount_minor"),
    ({"amount_minor": 99, "currency": "JPY"}, "amount_minor"),
    ({"currency": "XXX"}, "currency"),
    ({"quantity": 0}, "quantity"),
    ({"quantity": 1_000_001}, "quantity"),
]


async def test_an_offer_that_cannot_be_names_its_field(world: World) -> None:
    owner, creator = await world.creator()
    usual: dict[str, Any] = {"amount_minor": PRICE, "currency": "USD", "quantity": 1}
    for changes, field in BAD_OFFERS:
        with pytest.raises(AccessError) as refused:
            await world.access.tickets.set_offer(owner, SPACE, creator.id, Settings(**(usual | changes)))
        assert (refused.value.status, refused.value.field) == (422, field), changes
        assert await refusal(world.access.tickets.offer(SPACE)) == "no_tickets"


async def test_only_the_creator_makes_and_changes_the_offer(world: World) -> None:
    owner, creator = await on_sale(world, 2)
    tickets, stranger = world.access.tickets, await world.person()
    settings = Settings(amount_minor=200, currency="USD", quantity=1)
    assert await refusal(tickets.set_offer(stranger, SPACE, creator.id, settings)) == "not_creator"
    other, theirs = await world.creator()
    assert await refusal(tickets.set_offer(other, SPACE, theirs.id, settings)) == "not_creator"
    for _ in range(2):
        await buy(world, await world.person())
    with pytest.raises(AccessError) as too_few:
        await tickets.set_offer(owner, SPACE, creator.id, settings)
    assert (too_few.value.field, too_few.value.status) == ("quantity", 422)
    changed = await tickets.set_offer(owner, SPACE, creator.id, Settings(amount_minor=900, currency="USD", quantity=3))
    assert (changed.amount_minor, changed.left) == (900, 1)


async def test_a_ticket_is_reserved_paid_and_admits_to_its_space_alone(world: World) -> None:
    owner, creator = await on_sale(world, 1)
    fan = await world.person()
    before = await may_come(world, fan, creator)
    assert isinstance(before, Deny)
    assert (before.reason, before.status) == ("ticket_required", 402)
    assert before.ticket is not None
    assert (before.ticket.terms.amount_minor, before.ticket.terms.left) == (PRICE, 1)
    begun = await reserve(world, fan)
    assert (begun.state, begun.amount_minor) == ("reserved", PRICE)
    assert (await reserve(world, fan)).id == begun.id, "the same open checkout"
    late = await world.person()
    assert await refusal(reserve(world, late)) == "sold_out"
    denied = await may_come(world, late, creator)
    assert isinstance(denied, Deny)
    assert (denied.reason, denied.status) == ("sold_out", 403)
    assert (await world.access.tickets.pay(ref_of(begun), "decline")).payment_state == "declined"
    assert isinstance(await may_come(world, fan, creator), Deny)
    assert (await world.access.tickets.pay(ref_of(begun), "succeed")).state == "paid"
    assert isinstance(await may_come(world, fan, creator), Allow)
    elsewhere = Resource("another", creator.id, (Policy("ticketed"),))
    assert isinstance(await world.access.decide(fan, Action.JOIN, elsewhere), Deny)
    assert await refusal(reserve(world, fan)) == "already_holds"
    assert await refusal(reserve(world, owner)) == "own_space"
    assert balance_parts(await world.access.books.balances(owner, creator)) == -await balance(world, "creator_balance")
    await check_books_and_seats(world)


def balance_parts(balances: Any) -> int:
    return sum(one.balance_minor for one in balances)


async def test_tickets_are_sold_only_while_they_are_on_sale(world: World) -> None:
    now = world.clock()
    start, end = now + timedelta(hours=1), now + timedelta(hours=2)
    owner, creator = await on_sale(world, 2, sale_start=start, sale_end=end)
    fan = await world.person()
    for code in ("not_on_sale", None, "not_on_sale"):
        denied = await may_come(world, fan, creator)
        assert isinstance(denied, Deny)
        if code is None:
            assert denied.status == 402
            await world.access.tickets.give_up(fan, (await reserve(world, fan)).id)
        else:
            assert denied.status == 403
            assert await refusal(reserve(world, fan)) == code
        world.clock.forward(hours=1)
    await world.access.tickets.set_offer(
        owner, SPACE, creator.id, Settings(amount_minor=PRICE, currency="USD", quantity=2, open=False)
    )
    assert await refusal(reserve(world, fan)) == "not_on_sale"


async def test_a_subscriber_or_a_ticket_holder_may_come(world: World) -> None:
    owner, creator = await on_sale(world, 1)
    tier = await world.tier(owner, creator)
    holder, follower, stranger = [await world.person() for _ in range(3)]
    await buy(world, holder)
    await world.access.follows.pay(
        pay_ref(await world.access.follows.subscribe(follower, creator, tier=tier.id)), "succeed"
    )
    assert isinstance(await may_come(world, holder, creator, subscribers=True), Allow)
    both = await may_come(world, follower, creator, subscribers=True)
    assert isinstance(both, Allow)
    assert both.ticket is None
    assert isinstance(await may_come(world, follower, creator), Deny)
    denied = await may_come(world, stranger, creator, subscribers=True)
    assert isinstance(denied, Deny)
    assert (denied.reason, denied.status, len(denied.offers)) == ("no_subscription", 402, 1)
    assert denied.ticket is not None
    assert denied.ticket.sale == "sold_out"


async def test_a_seat_is_free_only_when_its_checkout_is_expired(world: World) -> None:
    _, creator = await on_sale(world, 1)
    fan, next_fan = await world.person(), await world.person()
    begun = await reserve(world, fan)
    ref = ref_of(begun)
    await time_passes(world, seconds=RESERVED.total_seconds() - 1)
    assert await refusal(reserve(world, next_fan)) == "sold_out"
    await time_passes(world, seconds=1)
    assert (await ticket(world, begun.id)).state == "void"
    assert await refusal(world.access.tickets.pay(ref, "succeed")) == "checkout_closed"
    assert (await buy(world, next_fan)).state == "paid"
    assert isinstance(await may_come(world, fan, creator), Deny)
    await check_books_and_seats(world)


async def test_a_payment_that_arrives_after_all_takes_a_free_seat_or_goes_back(world: World) -> None:
    _, creator = await on_sale(world, 1)
    fans = [await world.person() for _ in range(2)]
    late, refs = [], []
    for fan in fans:
        begun = await reserve(world, fan)
        late.append(begun)
        refs.append(ref_of(begun))
        await time_passes(world, minutes=40)
    await tell(world, paid(late[0], refs[0], world.clock()))
    assert (await ticket(world, late[0].id)).state == "paid"
    assert isinstance(await may_come(world, fans[0], creator), Allow)
    await tell(world, paid(late[1], refs[1], world.clock()))
    assert (await ticket(world, late[1].id)).state == "refunding"
    assert isinstance(await may_come(world, fans[1], creator), Deny)
    await check_books_and_seats(world)
    await time_passes(world, seconds=1)
    back = await ticket(world, late[1].id)
    assert (back.state, back.refund_reason) == ("refunded", "sold_out")
    assert await balance(world, "provider_clearing") == PRICE
    await check_books_and_seats(world)


async def test_whoever_pays_late_and_has_bought_another_gets_his_money_back(world: World) -> None:
    _, creator = await on_sale(world, 3)
    fan = await world.person()
    first = await reserve(world, fan)
    ref = ref_of(first)
    await time_passes(world, minutes=40)
    await buy(world, fan)
    await tell(world, paid(first, ref, world.clock()))
    await time_passes(world, seconds=1)
    back = await ticket(world, first.id)
    assert (back.state, back.refund_reason) == ("refunded", "held")
    assert isinstance(await may_come(world, fan, creator), Allow)
    await check_books_and_seats(world)


async def test_a_second_payment_for_one_ticket_goes_back(world: World) -> None:
    await on_sale(world, 1)
    fan = await world.person()
    begun = await reserve(world, fan)
    ref = ref_of(begun)
    await tell(world, paid(begun, ref, world.clock()), paid(begun, ref, world.clock(), payment="another"))
    await time_passes(world, seconds=1)
    assert (await ticket(world, begun.id)).state == "paid"
    assert await balance(world, "provider_clearing") == PRICE
    await check_books_and_seats(world)


async def test_a_payment_on_its_way_keeps_its_seat_for_a_day(world: World) -> None:
    await on_sale(world, 1)
    fan, other = await world.person(), await world.person()
    begun = await reserve(world, fan)
    await world.access.tickets.pay(ref_of(begun), "pays_later")
    assert await refusal(world.access.tickets.give_up(fan, begun.id)) == "bad_state"
    await time_passes(world, minutes=59)
    assert await refusal(reserve(world, other)) == "sold_out"
    await time_passes(world, minutes=1)
    assert (await ticket(world, begun.id)).state == "paid"


async def test_a_payment_that_stays_on_its_way_gives_its_seat_up(world: World) -> None:
    await on_sale(world, 1)
    fan = await world.person()
    begun = await reserve(world, fan)
    ref = ref_of(begun)
    pending = paid(begun, ref, world.clock())
    await tell(
        world,
        type(pending)(
            **{f: getattr(pending, f) for f in ("provider", "event", "at", "checkout", "purchase")}, state="pending"
        ),
    )
    world.clock.now += PENDING
    await world.access.tickets.keep_time(world.clock())
    assert (await ticket(world, begun.id)).state == "void"
    await check_books_and_seats(world)


async def test_a_refund_or_a_dispute_takes_the_right_and_a_won_one_gives_it_back(world: World) -> None:
    _, creator = await on_sale(world, 1)
    fan = await world.person()
    begun = await reserve(world, fan)
    ref = ref_of(begun)
    bought = await world.access.tickets.pay(ref, "succeed")
    cursor = await world.access.cursor()
    await tell(world, disputed(bought, ref, world.clock()))
    assert isinstance(await may_come(world, fan, creator), Deny)
    changes, cursor = await world.access.changes(cursor)
    assert [(c.account, c.creator) for c in changes] == [(fan.id, creator.id)]
    assert (await ticket(world, bought.id)).state == "disputed"
    assert await refusal(reserve(world, await world.person())) == "sold_out"
    await tell(world, disputed(bought, ref, world.clock(), "won"))
    assert isinstance(await may_come(world, fan, creator), Allow)
    assert len((await world.access.changes(cursor))[0]) == 1
    await tell(world, refunded(bought, ref, world.clock()))
    assert isinstance(await may_come(world, fan, creator), Deny)
    assert (await ticket(world, bought.id)).state == "refunded"
    assert (await world.access.tickets.offer(SPACE)).left == 1
    await check_books_and_seats(world)


async def test_a_lost_dispute_frees_the_seat(world: World) -> None:
    await on_sale(world, 1)
    fan = await world.person()
    begun = await reserve(world, fan)
    ref = ref_of(begun)
    await world.access.tickets.pay(ref, "succeed")
    await tell(world, disputed(begun, ref, world.clock()), disputed(begun, ref, world.clock(), "lost"))
    assert (await ticket(world, begun.id)).state == "refunded"
    assert (await world.access.tickets.offer(SPACE)).left == 1
    await check_books_and_seats(world)


async def test_a_refund_that_comes_back_is_asked_for_again(world: World) -> None:
    owner, _ = await on_sale(world, 1)
    fan = await world.person()
    begun = await reserve(world, fan)
    ref = ref_of(begun)
    await world.access.tickets.pay(ref, "succeed")
    assert (await world.access.tickets.refund(owner, begun.id)).state == "refunded"
    assert (await world.access.tickets.refund(owner, begun.id)).state == "refunded", "once"
    done = (await world.rows("SELECT ref FROM refunds"))[0].ref
    failed = refunded(begun, ref, world.clock(), "failed")
    await tell(
        world, type(failed)(**{f: getattr(failed, f) for f in failed.__struct_fields__ if f != "refund"}, refund=done)
    )
    assert (await ticket(world, begun.id)).state == "refunding"
    await time_passes(world, seconds=1)
    assert (await ticket(world, begun.id)).state == "refunded"
    assert await balance(world, "provider_clearing") == 0
    await check_books_and_seats(world)


async def test_only_the_creator_pays_a_ticket_back(world: World) -> None:
    owner, creator = await on_sale(world, 1)
    fan = await world.person()
    bought = await buy(world, fan)
    for stranger in (fan, await world.person(), (await world.creator())[0]):
        assert await refusal(world.access.tickets.refund(stranger, bought.id)) == "unknown_ticket"
    assert (await world.access.tickets.refund(owner, bought.id)).refund_reason == "creator"
    assert isinstance(await may_come(world, fan, creator), Deny)


async def test_a_cancelled_space_pays_everybody_back_to_the_cent(world: World) -> None:
    owner, creator = await on_sale(world, 5)
    fans = [await world.person() for _ in range(4)]
    bought = [await buy(world, fan) for fan in fans[:3]]
    open_one = await reserve(world, fans[3])
    await cancel_space(world)
    assert await refusal(reserve(world, await world.person())) == "not_on_sale"
    await time_passes(world, seconds=1)
    assert {(await ticket(world, one.id)).state for one in bought} == {"refunded"}
    assert {(await ticket(world, one.id)).refund_reason for one in bought} == {"cancelled"}
    assert (await ticket(world, open_one.id)).state == "void"
    assert await balance(world, "provider_clearing") == 0
    fees = await balance(world, "processor_fees")
    assert await balance(world, "creator_balance", creator.id) + await balance(world, "platform_share") == -fees
    for fan in fans:
        assert isinstance(await may_come(world, fan, creator), Deny)
    settings = Settings(amount_minor=PRICE, currency="USD", quantity=9)
    assert await refusal(world.access.tickets.set_offer(owner, SPACE, creator.id, settings)) == "offer_over"
    await check_books_and_seats(world)


@pytest.mark.parametrize("state", ["cancelled", "ended"])
async def test_what_is_paid_for_a_space_that_is_over_goes_back(world: World, state: str) -> None:
    await on_sale(world, 2)
    fan = await world.person()
    begun = await reserve(world, fan)
    ref = ref_of(begun)
    await cancel_space(world, state)
    await tell(world, paid(begun, ref, world.clock()))
    await time_passes(world, seconds=1)
    back = await ticket(world, begun.id)
    assert (back.state, back.refund_reason) == ("refunded", state)
    await check_books_and_seats(world)


async def test_a_ticket_is_given_to_another_account_until_it_is_used(world: World) -> None:
    _, creator = await on_sale(world, 2)
    fan, friend, third = [await world.person() for _ in range(3)]
    bought = await buy(world, fan)
    tickets = world.access.tickets
    assert await refusal(tickets.transfer(friend, bought.id, friend)) == "unknown_ticket"
    moved = await tickets.transfer(fan, bought.id, friend)
    assert (moved.account, moved.payer, moved.state) == (friend.id, fan.id, "paid")
    assert isinstance(await may_come(world, fan, creator), Deny)
    assert isinstance(await may_come(world, friend, creator), Allow)
    assert (await buy(world, fan)).state == "paid", "and may buy another"
    assert await refusal(tickets.transfer(friend, bought.id, fan)) == "already_holds"
    assert await refusal(tickets.transfer(fan, bought.id, third)) == "unknown_ticket", "it is not his any more"
    admitted = await world.access.admit(friend, Action.JOIN, Resource(SPACE, creator.id, (Policy("ticketed"),)))
    assert not isinstance(admitted, Deny)
    assert (await ticket(world, bought.id)).state == "admitted"
    assert await refusal(tickets.transfer(friend, bought.id, third)) == "ticket_used"
    again = await world.access.admit(friend, Action.JOIN, Resource(SPACE, creator.id, (Policy("ticketed"),)))
    assert not isinstance(again, Deny), "who is in may come back"
    await tell(
        world,
        refunded(
            bought,
            (await world.rows(f"SELECT provider_ref AS r FROM tickets WHERE id = {bought.id}"))[0].r,
            world.clock(),
        ),
    )
    assert isinstance(await may_come(world, friend, creator), Deny), "the payer's refund ends the holder's right"
    actions = [row.action for row in await world.rows("SELECT action FROM audit_log ORDER BY id")]
    assert actions.count("ticket.transferred") == 1
    await check_books_and_seats(world)


async def test_whoever_comes_in_by_another_right_keeps_his_ticket(world: World) -> None:
    owner, creator = await on_sale(world, 1)
    tier = await world.tier(owner, creator)
    fan = await world.person()
    bought = await buy(world, fan)
    await world.subscribe(fan, creator, tier)
    either = Resource(SPACE, creator.id, (Policy("ticketed"), Policy("subscribers")))
    assert not isinstance(await world.access.admit(fan, Action.JOIN, either), Deny)
    assert (await ticket(world, bought.id)).state == "paid"


async def test_whoever_is_kept_out_neither_buys_nor_is_given_one(world: World) -> None:
    owner, creator = await on_sale(world, 3)
    troll, fan = await world.person(), await world.person()
    begun = await reserve(world, troll)
    await world.access.ban(owner, troll, creator=creator.id, space=SPACE)
    await world.access.tickets.give_up(troll, begun.id)
    assert await refusal(reserve(world, troll)) == "blocked"
    bought = await buy(world, fan)
    assert await refusal(world.access.tickets.transfer(fan, bought.id, troll)) == "blocked"
    await check_books_and_seats(world)


async def test_a_reservation_cut_off_before_its_checkout_goes_on_or_ends(world: World) -> None:
    from access import tickets as inner  # the first step alone, as after a crash
    from access.database import write

    await on_sale(world, 1)
    fan = await world.person()
    await write(world.engine, inner.reserve, fan, SPACE, "A talk", "test", world.clock())
    assert (await reserve(world, fan)).checkout_url is not None
    other = await world.person()
    await time_passes(world, minutes=40)
    await write(world.engine, inner.reserve, other, SPACE, "A talk", "test", world.clock())
    await time_passes(world, minutes=40)
    assert (await world.access.tickets.offer(SPACE)).left == 1
    await check_books_and_seats(world)


async def test_nobody_sees_buyers_but_the_creator(world: World) -> None:
    owner, creator = await on_sale(world, 2)
    fan = await world.person()
    bought = await buy(world, fan)
    await reserve(world, await world.person())
    seen = await world.access.tickets.of_space(owner, SPACE, creator.id)
    assert [one.id for one in seen] == [bought.id]
    assert await refusal(world.access.tickets.of_space(fan, SPACE, creator.id)) == "not_creator"
