"""Gifts of a tier: paid for by one, redeemed once by another, and a right only while the payment stands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from access import gift_acts, gift_codes
from access.database import write
from access.decide import Allow, Deny
from access.errors import AccessError
from access.gift_model import Gift
from access.gifts import CHECKOUT_LIFETIME, UNPAID_MAX
from access.model import Account
from access.periods import period_end
from tests.harness.gifts import begin, check_gifts, code_for, gift_now, give, redeemed, ref_of
from tests.harness.money_news import disputed, paid, refunded
from tests.harness.world import World, pay_ref

pytestmark = pytest.mark.thorough


async def refusal(awaitable: Any) -> str:
    with pytest.raises(AccessError) as refused:
        await awaitable
    return refused.value.code


async def check_books(world: World) -> None:
    await check_gifts(world)
    assert await world.access.books.check() == []


async def test_a_gift_gives_nothing_until_it_is_redeemed_and_then_its_months(world: World) -> None:
    owner, creator = await world.creator()
    tier = await world.tier(owner, creator)
    giver, fan = await world.person(), await world.person()
    gift = await give(world, giver, creator, tier, months=3)
    assert (gift.state, gift.months, gift.amount_minor, gift.recipient) == ("paid", 3, 3 * 199, None)
    assert isinstance(await world.may_join(giver, creator), Deny)
    assert isinstance(await world.may_join(fan, creator), Deny)
    code = await code_for(world, giver, gift)
    assert (await world.access.gifts.look(code)).id == gift.id
    had = await world.access.gifts.redeem_code(fan, code)
    now = world.clock()
    assert (had.state, had.recipient, had.starts_at, had.ends_at) == (
        "redeemed",
        fan.id,
        now,
        period_end(now, "month", 3),
    )
    allowed = await world.may_join(fan, creator, tier)
    assert isinstance(allowed, Allow)
    assert allowed.not_after == had.ends_at
    assert (await world.access.follows.standing(fan, creator.id)).status == "gift"
    assert isinstance(await world.may_join(giver, creator), Deny)
    world.clock.now = period_end(now, "month", 3)
    denied = await world.may_join(fan, creator)
    assert isinstance(denied, Deny)
    assert denied.reason == "lapsed"
    await check_books(world)


async def test_a_gift_by_the_year_is_so_many_months(world: World) -> None:
    owner, creator = await world.creator()
    tier = await world.tier(owner, creator, interval="year")
    gift = await give(world, await world.person(), creator, tier, months=2)
    assert (gift.months, gift.amount_minor) == (24, 2 * 199)


async def test_a_link_works_once_and_only_the_newest_does(world: World) -> None:
    owner, creator = await world.creator()
    tier = await world.tier(owner, creator)
    giver, fan, other = await world.person(), await world.person(), await world.person()
    gift = await give(world, giver, creator, tier)
    old = await code_for(world, giver, gift)
    code = await code_for(world, giver, gift)
    assert old != code
    assert await refusal(world.access.gifts.redeem_code(fan, old)) == "unknown_code"
    await world.access.gifts.redeem_code(fan, code)
    for again in (fan, other):
        assert await refusal(world.access.gifts.redeem_code(again, code)) == "gift_redeemed"
    assert await refusal(world.access.gifts.make_link(giver, gift.id)) == "bad_state"
    assert await refusal(world.access.gifts.refund(giver, gift.id)) == "gift_redeemed"
    assert len(await world.rows("SELECT id FROM grants WHERE source = 'gift'")) == 1
    kept = [str(value) for row in await world.rows("SELECT * FROM gifts") for value in row]
    assert code.partition(".")[2] not in " ".join(kept)
    await check_books(world)


async def test_of_many_who_redeem_at_once_one_gets_it(world: World) -> None:
    owner, creator = await world.creator()
    tier = await world.tier(owner, creator)
    giver = await world.person()
    code = await code_for(world, giver, await give(world, giver, creator, tier))
    fans = [await world.person() for _ in range(8)]
    outcomes = await asyncio.gather(
        *(world.access.gifts.redeem_code(fan, code) for fan in fans), return_exceptions=True
    )
    assert sum(isinstance(outcome, Gift) for outcome in outcomes) == 1
    assert {o.code for o in outcomes if isinstance(o, AccessError)} == {"gift_redeemed"}
    await check_books(world)


SPOILED: list[Callable[[str], str]] = [
    lambda code: "",
    lambda code: code[:-1],
    lambda code: code + "x",
    lambda code: code.partition(".")[2],
    lambda code: "1.",
    lambda code: "99." + code.partition(".")[2],
    lambda code: "9" * 30 + "." + code.partition(".")[2],
    lambda code: "\ud800" + code,
    lambda code: code[:-1] + "ä",
]


async def test_a_code_that_is_not_the_one_redeems_nothing(world: World) -> None:
    owner, creator = await world.creator()
    giver, fan = await world.person(), await world.person()
    code = await code_for(world, giver, await give(world, giver, creator, await world.tier(owner, creator)))
    for spoil in SPOILED:
        assert await refusal(world.access.gifts.redeem_code(fan, spoil(code))) == "unknown_code"
        assert await refusal(world.access.gifts.look(spoil(code))) == "unknown_code"
    await check_books(world)


async def test_a_link_expires_and_a_new_one_can_be_made(world: World) -> None:
    owner, creator = await world.creator()
    giver, fan = await world.person(), await world.person()
    gift = await give(world, giver, creator, await world.tier(owner, creator))
    code = await code_for(world, giver, gift)
    world.clock.now += gift_codes.LIFETIME
    assert await refusal(world.access.gifts.redeem_code(fan, code)) == "code_expired"
    await world.access.gifts.redeem_code(fan, await code_for(world, giver, gift))


async def test_a_gift_for_somebody_is_redeemed_by_nobody_else(world: World) -> None:
    owner, creator = await world.creator()
    tier = await world.tier(owner, creator)
    giver, fan, other = await world.person(), await world.person(), await world.person()
    begun = await begin(world, giver, creator, tier, recipient=fan)
    assert await world.access.gifts.of_account(fan) == [], "a gift that is not paid for is no news"
    assert await refusal(world.access.gifts.redeem_own(fan, begun.id)) == "unknown_gift"
    gift = await world.access.gifts.pay(ref_of(begun), "succeed")
    assert [one.id for one in await world.access.gifts.of_account(fan)] == [gift.id]
    code = await code_for(world, giver, gift)
    assert await refusal(world.access.gifts.redeem_code(other, code)) == "not_yours"
    assert await refusal(world.access.gifts.redeem_own(other, gift.id)) == "unknown_gift"
    assert await refusal(world.access.gifts.redeem_own(giver, gift.id)) == "unknown_gift"
    assert (await world.access.gifts.redeem_own(fan, gift.id)).state == "redeemed"
    assert await refusal(world.access.gifts.redeem_own(fan, gift.id)) == "gift_redeemed"


@pytest.mark.parametrize("state", ["begun", "declined", "void", "disputed", "refunding", "refunded"])
async def test_a_gift_that_is_not_paid_for_cannot_be_redeemed(world: World, state: str) -> None:
    owner, creator = await world.creator()
    tier = await world.tier(owner, creator)
    giver, fan = await world.person(), await world.person()
    gift = await begin(world, giver, creator, tier, recipient=fan)
    ref, code = ref_of(gift), ""
    if state == "declined":
        assert (await world.access.gifts.pay(ref, "decline")).payment_state == "declined"
    elif state == "void":
        world.clock.now += CHECKOUT_LIFETIME
        await world.access.desk.keep_time()
        assert await refusal(world.access.gifts.pay(ref, "succeed")) == "checkout_closed"
    elif state != "begun":
        await world.access.gifts.pay(ref, "succeed")
        code = await code_for(world, giver, gift)
        if state == "disputed":
            await world.access.desk.take([disputed(gift, ref, world.clock())])
        elif state == "refunded":
            await world.access.gifts.refund(giver, gift.id)
        else:
            await _refund_that_waits(world, giver, gift)
    assert (await gift_now(world, giver, gift)).state == {"declined": "begun"}.get(state, state)
    assert await refusal(world.access.gifts.make_link(giver, gift.id)) == "bad_state"
    hidden = ("begun", "declined", "void")
    assert await refusal(world.access.gifts.redeem_own(fan, gift.id)) == (
        "unknown_gift" if state in hidden else "bad_state"
    )
    if code:
        assert await refusal(world.access.gifts.redeem_code(fan, code)) == "bad_state"
    assert isinstance(await world.may_join(fan, creator), Deny)
    await check_books(world)


async def _refund_that_waits(world: World, giver: Account, gift: Gift) -> None:
    """Asked for, and the provider has not been told yet: as after a process that ended in between."""
    await write(world.engine, gift_acts.pay_back, giver, gift.id, world.clock())


async def test_an_unredeemed_gift_goes_back_to_its_giver_and_its_link_with_it(world: World) -> None:
    owner, creator = await world.creator()
    giver, fan = await world.person(), await world.person()
    gift = await give(world, giver, creator, await world.tier(owner, creator))
    code = await code_for(world, giver, gift)
    assert await refusal(world.access.gifts.refund(fan, gift.id)) == "unknown_gift"
    for _ in range(2):
        assert (await world.access.gifts.refund(giver, gift.id)).state == "refunded"
    assert await refusal(world.access.gifts.redeem_code(fan, code)) == "bad_state"
    [payment] = await world.access.books.own_payments(giver)
    assert (payment.purchase, payment.refunded_minor) == (f"gift:{gift.id}", gift.amount_minor)
    [balance] = await world.access.books.balances(owner, creator)
    assert balance.balance_minor < 0, "the processor keeps its fee"
    await check_books(world)


async def test_the_creator_may_pay_a_redeemed_gift_back_and_its_right_ends(world: World) -> None:
    owner, creator = await world.creator()
    giver, fan = await world.person(), await world.person()
    gift = await give(world, giver, creator, await world.tier(owner, creator))
    await redeemed(world, giver, fan, gift)
    before = await world.may_join(fan, creator)
    assert isinstance(before, Allow)
    world.clock.forward(days=1)
    assert (await world.access.gifts.refund(owner, gift.id)).state == "refunded"
    denied = await world.may_join(fan, creator)
    assert isinstance(denied, Deny)
    assert denied.reason == "lapsed"
    await check_books(world)


@pytest.mark.parametrize("how", ["refund", "dispute"])
async def test_a_right_ends_with_the_payment_and_comes_back_with_it(world: World, how: str) -> None:
    owner, creator = await world.creator()
    giver, fan = await world.person(), await world.person()
    gift = await begin(world, giver, creator, await world.tier(owner, creator))
    ref = ref_of(gift)
    await world.access.gifts.pay(ref, "succeed")
    await redeemed(world, giver, fan, gift)
    before = await world.may_join(fan, creator)
    cursor = await world.access.cursor()
    at = world.clock.forward(days=2)
    lost, back = (
        (refunded(gift, ref, at), refunded(gift, ref, at + timedelta(hours=1), "failed"))
        if how == "refund"
        else (disputed(gift, ref, at), disputed(gift, ref, at + timedelta(hours=1), "won"))
    )
    for _ in range(2):
        await world.access.desk.take([lost])
    assert isinstance(await world.may_join(fan, creator), Deny)
    changes, _ = await world.access.changes(cursor)
    assert [(change.account, change.creator) for change in changes] == [(fan.id, creator.id)], (
        "told once, though told twice"
    )
    await check_books(world)
    world.clock.forward(hours=2)
    await world.access.desk.take([back])
    after = await world.may_join(fan, creator)
    assert isinstance(before, Allow)
    assert isinstance(after, Allow)
    assert after.epoch > before.epoch, "every join token from before is void"
    assert after.not_after == before.not_after
    await check_books(world)


async def test_a_part_paid_back_takes_nothing_away(world: World) -> None:
    owner, creator = await world.creator()
    giver, fan = await world.person(), await world.person()
    gift = await begin(world, giver, creator, await world.tier(owner, creator))
    ref = ref_of(gift)
    await world.access.gifts.pay(ref, "succeed")
    await redeemed(world, giver, fan, gift)
    await world.access.desk.take([refunded(gift, ref, world.clock(), amount=100)])
    assert isinstance(await world.may_join(fan, creator), Allow)
    await check_books(world)


async def test_a_payment_that_comes_after_all_makes_a_gift_and_a_second_one_goes_back(world: World) -> None:
    owner, creator = await world.creator()
    giver = await world.person()
    gift = await begin(world, giver, creator, await world.tier(owner, creator))
    world.clock.now += CHECKOUT_LIFETIME
    await world.access.desk.keep_time()
    assert (await gift_now(world, giver, gift)).state == "void"
    late, again = paid(gift, "late", world.clock()), paid(gift, "again", world.clock(), payment="again:pay")
    await world.access.desk.take([late, late, again])
    assert (await gift_now(world, giver, gift)).state == "paid"
    await world.access.desk.work_off()
    back = {p.gross_minor - p.refunded_minor for p in await world.access.books.own_payments(giver)}
    assert back == {0, gift.amount_minor}
    await check_books(world)


async def test_a_gift_waits_for_the_end_of_what_its_recipient_has(world: World) -> None:
    owner, creator = await world.creator()
    low, high = await world.tier(owner, creator, 1), await world.tier(owner, creator, 2)
    giver, fan = await world.person(), await world.person()
    subscription = await world.subscribe(fan, creator, low)
    gift = await give(world, giver, creator, low, months=1)
    code = await code_for(world, giver, gift)
    assert await refusal(world.access.gifts.redeem_code(fan, code)) == "still_subscribed"
    higher = await redeemed(world, giver, fan, await give(world, giver, creator, high, months=2))
    assert higher.starts_at == world.clock(), "a higher tier is worth something at once"
    await world.access.follows.cancel(fan, subscription.id, at="period_end")
    waiting = await world.access.gifts.redeem_code(fan, code)
    assert waiting.starts_at == higher.ends_at
    last = await redeemed(world, giver, fan, await give(world, giver, creator, low, months=1))
    assert last.starts_at == waiting.ends_at
    assert waiting.starts_at is not None
    world.clock.now = waiting.starts_at
    assert isinstance(await world.may_join(fan, creator, low), Allow)
    assert isinstance(await world.may_join(fan, creator, high), Deny)
    await check_books(world)


async def test_whoever_has_the_tier_without_end_needs_no_gift(world: World) -> None:
    owner, creator = await world.creator()
    tier = await world.tier(owner, creator)
    giver, fan = await world.person(), await world.person()
    await world.access.create_comp(owner, creator, fan, tier=tier.id)
    code = await code_for(world, giver, await give(world, giver, creator, tier))
    assert await refusal(world.access.gifts.redeem_code(fan, code)) == "already_given"


async def test_who_may_give_and_be_given(world: World) -> None:
    owner, creator = await world.creator()
    tier, gifts = await world.tier(owner, creator), world.access.gifts
    giver, fan = await world.person(), await world.person()
    assert await refusal(begin(world, owner, creator, tier)) == "own_tier"
    assert await refusal(begin(world, giver, creator, tier, recipient=owner)) == "own_tier"
    assert await refusal(begin(world, giver, creator, tier, recipient=giver)) == "own_gift"
    _, other = await world.creator()
    assert await refusal(gifts.buy(giver, other, tier=tier.id, intervals=1)) == "unknown_tier"
    draft = await world.tier(owner, creator, 2, state="draft")
    assert await refusal(begin(world, giver, creator, draft)) == "not_on_sale"
    code = await code_for(world, giver, await give(world, giver, creator, tier))
    assert await refusal(gifts.redeem_code(owner, code)) == "own_tier"
    await world.access.ban(owner, fan, creator=creator.id)
    assert await refusal(gifts.redeem_code(fan, code)) == "blocked"
    begun = await begin(world, giver, creator, tier)
    await world.access.ban(owner, giver, creator=creator.id)
    assert await refusal(begin(world, giver, creator, tier)) == "blocked"
    assert await refusal(gifts.pay(ref_of(begun), "succeed")) == "blocked"
    await world.access.suspend(giver)
    suspended = (await world.access.accounts([giver.id]))[giver.id]
    assert await refusal(begin(world, suspended, creator, tier)) == "suspended"
    assert await refusal(begin(world, fan, creator, tier, recipient=suspended)) == "bad_account"


@pytest.mark.parametrize(("amount", "count"), [(199, 0), (199, -1), (199, 37), (50_000_000, 2)])
async def test_a_number_of_months_that_cannot_be_names_its_field(world: World, amount: int, count: int) -> None:
    owner, creator = await world.creator()
    tier = await world.tier(owner, creator, amount_minor=amount)
    with pytest.raises(AccessError) as refused:
        await begin(world, await world.person(), creator, tier, months=count)
    assert (refused.value.status, refused.value.field) == (422, "intervals")
    assert await world.rows("SELECT id FROM gifts") == []


async def test_unpaid_gifts_do_not_pile_up(world: World) -> None:
    owner, creator = await world.creator()
    tier, giver = await world.tier(owner, creator), await world.person()
    for _ in range(UNPAID_MAX):
        await begin(world, giver, creator, tier)
    assert await refusal(begin(world, giver, creator, tier)) == "too_many_unpaid"
    world.clock.now += CHECKOUT_LIFETIME
    await world.access.desk.keep_time()
    await begin(world, giver, creator, tier)


async def test_a_tier_that_is_archived_while_a_gift_of_it_waits_is_still_given(world: World) -> None:
    owner, creator = await world.creator()
    tier = await world.tier(owner, creator)
    giver, fan = await world.person(), await world.person()
    gift = await give(world, giver, creator, tier)
    await world.access.archive_tier(owner, tier.id)
    await redeemed(world, giver, fan, gift)
    assert isinstance(await world.may_join(fan, creator), Allow)


async def test_who_has_a_gift_may_subscribe_and_keeps_both(world: World) -> None:
    owner, creator = await world.creator()
    tier = await world.tier(owner, creator)
    giver, fan = await world.person(), await world.person()
    had = await redeemed(world, giver, fan, await give(world, giver, creator, tier, months=3))
    begun = await world.access.follows.subscribe(fan, creator, tier=tier.id)
    paid_for = await world.access.follows.pay(pay_ref(begun), "succeed")
    await world.access.follows.cancel(owner, paid_for.id, at="now")
    allowed = await world.may_join(fan, creator)
    assert isinstance(allowed, Allow)
    assert allowed.not_after == had.ends_at


async def test_gifts_are_in_the_books_and_statements_and_only_finance_sees_who_gave(world: World) -> None:
    owner, creator = await world.creator()
    giver, fan = await world.person(), await world.person()
    gift = await give(world, giver, creator, await world.tier(owner, creator), months=2)
    assert [p.purchase for p in await world.access.books.payments(owner, creator)] == [f"gift:{gift.id}"]
    [line] = await world.access.books.statement(owner, creator, f"{world.clock():%Y-%m}")
    assert (line.kind, line.purchase, line.gross_minor) == ("charge", f"gift:{gift.id}", gift.amount_minor)
    assert [one.id for one in await world.access.gifts.of_creator(owner, creator)] == [gift.id]
    assert await refusal(world.access.gifts.of_creator(fan, creator)) == "not_creator"


async def test_an_account_is_told_of_its_gifts_and_a_creator_is_held_to_them(world: World) -> None:
    owner, creator = await world.creator()
    giver, fan = await world.person(), await world.person()
    gift = await redeemed(world, giver, fan, await give(world, giver, creator, await world.tier(owner, creator)))
    told = (await world.access.people.export(giver))["tables"]
    assert [row["months"] for row in told["gifts"]] == [3]
    assert "code_sha256" not in told["gifts"][0]
    assert {"gift.begun", "gift.link_made", "gift.paid"} <= {row["action"] for row in told["audit_log"]}
    theirs = (await world.access.people.export(fan))["tables"]
    assert [row["source"] for row in theirs["grants"]] == ["gift"]
    assert "gifts" not in theirs
    assert await refusal(world.access.people.delete(owner)) == "still_selling"
    await world.access.people.delete(giver)
    assert isinstance(await world.may_join(fan, creator), Allow), "a gift outlives who gave it"
    assert gift.ends_at is not None
    world.clock.now = gift.ends_at
    await world.access.people.delete(owner)
