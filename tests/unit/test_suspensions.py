"""Suspensions as rights see them: dated rows that keep everybody out, take nothing away, and stop what would be charged."""

from __future__ import annotations

from datetime import timedelta

import pytest

from access.decide import Action, Allow, Deny, Policy, Resource
from access.errors import AccessError
from access.model import Account
from tests.harness import gifts, tickets
from tests.harness.provider_stands import StripeStand
from tests.harness.world import World, open_to_all, pay_ref, subscribers_only

pytestmark = pytest.mark.thorough


async def reason(world: World, account: Account | None, resource: Resource, role: str | None = None) -> str | None:
    answer = await world.access.decide(account, Action.JOIN, resource, role=role)
    return answer.reason if isinstance(answer, Deny) else None


async def test_a_suspended_creator_lets_nobody_in_and_takes_nothing_away(world: World) -> None:
    owner, creator = await world.creator("ada")
    tier = await world.tier(owner, creator)
    fan, stranger = await world.person(), await world.person()
    await world.subscribe(fan, creator, tier)
    _, other = await world.creator()
    await world.access.operators.suspend(None, "creator", creator.id, reason="Spam.")
    for resource in (subscribers_only(creator), open_to_all(creator)):
        for somebody in (fan, owner, None):
            assert await reason(world, somebody, resource) == "creator_suspended"
        assert await reason(world, fan, resource, role="host") == "creator_suspended"
    assert await reason(world, fan, open_to_all(other)) is None
    with pytest.raises(AccessError, match="403 creator_suspended"):
        await world.access.follows.subscribe(stranger, creator, tier=tier.id)
    await world.access.operators.lift(None, "creator", creator.id)
    assert isinstance(await world.may_join(fan, creator, tier), Allow)
    assert await reason(world, None, open_to_all(creator)) is None
    await world.access.follows.subscribe(stranger, creator, tier=tier.id)


async def test_nobody_is_charged_for_what_he_cannot_have(world: World) -> None:
    owner, creator = await world.creator()
    tier = await world.tier(owner, creator)
    fan, other = await world.person(), await world.person()
    mine = await world.subscribe(fan, creator, tier)
    theirs = await world.subscribe(other, creator, tier)

    async def renews() -> dict[int, bool]:
        await world.access.desk.keep_time()
        found = [*await world.access.follows.of_account(fan), *await world.access.follows.of_account(other)]
        return {one.id: not one.cancel_at_period_end for one in found}

    await world.access.operators.suspend(None, "account", fan.id)
    assert await renews() == {mine.id: False, theirs.id: True}
    await world.access.operators.lift(None, "account", fan.id)
    assert await renews() == {mine.id: False, theirs.id: True}, "whoever wants to go on says so"
    await world.access.follows.resume(fan, mine.id)
    assert await renews() == {mine.id: True, theirs.id: True}
    await world.access.operators.suspend(None, "creator", creator.id)
    assert await renews() == {mine.id: False, theirs.id: False}
    await world.access.operators.lift(None, "creator", creator.id)
    await world.access.follows.resume(other, theirs.id)
    assert await renews() == {mine.id: False, theirs.id: True}
    await world.access.operators.suspend(None, "account", creator.id)
    assert await renews() == {mine.id: False, theirs.id: False}, "who cannot host can give nothing"


async def test_whoever_is_blocked_for_good_is_not_charged_for_what_he_cannot_have(world: World) -> None:
    owner, creator = await world.creator()
    tier = await world.tier(owner, creator)
    fan, other, buyer = [await world.person() for _ in range(3)]
    mine, theirs = await world.subscribe(fan, creator, tier), await world.subscribe(other, creator, tier)
    begun = await world.access.follows.subscribe(buyer, creator, tier=tier.id)

    async def renews() -> list[bool]:
        world.clock.forward(minutes=2)
        await world.access.desk.keep_time()
        return [not (await world.access.follows.of_account(one))[0].cancel_at_period_end for one in (fan, other)]

    await world.access.ban(owner, other, creator=creator.id, until=world.clock.now + timedelta(days=1))
    for somebody in (fan, buyer):
        await world.access.ban(owner, somebody, creator=creator.id)
    assert await renews() == [False, True], "a day is soon over"
    with pytest.raises(AccessError, match="409 checkout_closed"):
        await world.access.follows.pay(pay_ref(begun), "succeed")
    await world.access.unban(owner, fan, creator=creator.id)
    assert await renews() == [False, True]
    assert isinstance(await world.may_join(fan, creator, tier), Allow), "what is paid for is had"
    await world.access.follows.resume(fan, mine.id)
    assert await renews() == [True, True]
    await world.access.ban(owner, fan, creator=creator.id)
    assert await renews() == [False, True], "another block"
    assert theirs.id != mine.id


async def test_nothing_more_is_charged_for_what_is_suspended_or_by_who_is_blocked(world: World) -> None:
    owner, creator = await world.creator()
    tier, higher = await world.tier(owner, creator), await world.tier(owner, creator, 2)
    fan = await world.person()
    mine = await world.subscribe(fan, creator, tier)

    async def refused(code: str) -> None:
        with pytest.raises(AccessError, match=f"403 {code}"):
            await world.access.follows.resume(fan, mine.id)
        with pytest.raises(AccessError, match=f"403 {code}"):
            await world.access.follows.change(fan, mine.id, tier=higher.id)

    await world.access.operators.suspend(None, "creator", creator.id)
    await refused("creator_suspended")
    await world.access.desk.keep_time()
    await refused("creator_suspended")
    await world.access.operators.lift(None, "creator", creator.id)
    await world.access.ban(owner, fan, creator=creator.id)
    await refused("blocked")
    [payment] = await world.access.books.own_payments(fan)
    assert payment.gross_minor == tier.prices[0].amount_minor


@pytest.mark.parametrize(("scope", "whose"), [("creator", "seller"), ("account", "seller"), ("account", "buyer")])
async def test_what_is_being_bought_is_given_up(world: World, scope: str, whose: str) -> None:
    owner, creator = await world.creator()
    other_owner, other = await world.creator()
    tier, beside = await world.tier(owner, creator), await world.tier(other_owner, other)
    fan, stranger = await world.person(), await world.person()
    follows = world.access.follows
    begun = await follows.subscribe(fan, creator, tier=tier.id)
    gift = await gifts.begin(world, fan, creator, tier)
    elsewhere = await follows.subscribe(stranger, other, tier=beside.id)
    await world.access.operators.suspend(None, scope, creator.id if whose == "seller" else fan.id)
    if whose == "seller":
        with pytest.raises(AccessError, match="403 creator_suspended"):
            await follows.subscribe(stranger, creator, tier=tier.id)
    await world.access.desk.keep_time()
    assert [one.status for one in await follows.of_account(fan)] == ["incomplete_expired"]
    assert (await gifts.gift_now(world, fan, gift)).state == "void"
    with pytest.raises(AccessError, match="409 checkout_closed"):
        await follows.pay(pay_ref(begun), "succeed")
    assert (await follows.pay(pay_ref(elsewhere), "succeed")).status == "active"
    assert await world.access.books.own_payments(fan) == []


async def test_what_is_paid_in_that_moment_is_not_renewed(stripe_shop: StripeStand) -> None:
    shop = stripe_shop
    _, creator, silver, _ = await shop.shop()
    fan = await shop.person()
    begun = await shop.access.follows.subscribe(fan, creator, tier=silver.id)
    await shop.access.operators.suspend(None, "creator", creator.id)
    await shop.answer(await shop.checkout(begun.id), "succeed")
    await shop.hear()
    shop.clock.forward(minutes=2)
    for _ in range(2):
        await shop.access.desk.keep_time()
        await shop.hear()
    mine = await shop.get(fan)
    assert (mine.status, mine.cancel_at_period_end) == ("active", True)
    assert await shop.paid() == [499]


async def test_what_is_reserved_in_a_suspended_space_is_not_paid(world: World) -> None:
    _, creator = await tickets.on_sale(world)
    fan = await world.person()
    reserved = await tickets.reserve(world, fan)
    await world.access.operators.suspend(None, "space", creator.id, space=tickets.SPACE)
    with pytest.raises(AccessError, match="403 space_suspended"):
        await world.access.tickets.pay(tickets.ref_of(reserved), "succeed")
    assert await world.access.books.own_payments(fan) == []
    await world.access.operators.lift(None, "space", creator.id, space=tickets.SPACE)
    assert (await world.access.tickets.pay(tickets.ref_of(reserved), "succeed")).state == "paid"


async def test_a_suspended_space_is_one_of_its_creators(world: World) -> None:
    owner, creator = await world.creator()
    fan = await world.person()
    await world.access.operators.suspend(None, "space", creator.id, space="aSpace")
    suspended, beside = (Resource(space, creator.id, (Policy("open"),)) for space in ("aSpace", "other"))
    for somebody in (fan, owner, None):
        assert await reason(world, somebody, suspended) == "space_suspended"
        assert await reason(world, somebody, beside) is None
    await world.access.operators.suspend(None, "space", creator.id, space="aSpace")
    assert len(await world.access.operators.suspended()) == 1
    await world.access.operators.lift(None, "space", creator.id, space="aSpace")
    assert await reason(world, fan, suspended) is None
    assert [one.until for one in await world.access.operators.suspended(account=creator.id, running=False)] == [
        world.clock()
    ]


async def test_an_operator_pays_back_what_a_suspended_creator_took(world: World) -> None:
    """By the number that whoever paid knows: operators are not shown buyers."""
    owner, creator = await world.creator()
    _, other = await world.creator()
    fan, boss = await world.person(), await world.person()
    await world.subscribe(fan, creator, await world.tier(owner, creator))
    [payment] = await world.access.books.own_payments(fan)
    books = world.access.books
    for somebody in (fan, boss):
        with pytest.raises(AccessError, match="403 not_creator"):
            await books.refund(somebody, creator, payment.id, amount_minor=None)
    await world.access.people.appoint(str(boss.id))
    await world.access.operators.suspend(boss, "account", owner.id)
    with pytest.raises(AccessError, match="403 not_creator"):
        await books.payments(boss, creator)
    with pytest.raises(AccessError, match="404 unknown_payment"):
        await books.refund(boss, other, payment.id, amount_minor=None)
    back = await books.refund(boss, creator, payment.id, amount_minor=None)
    assert back.refunded_minor == back.gross_minor
    [asked] = await world.rows("SELECT action FROM audit_log WHERE action = 'payment.refund_asked'")
    assert asked.action
    assert await books.check() == []


async def test_only_an_operator_acts_and_it_is_audited(world: World) -> None:
    owner, creator = await world.creator()
    boss = await world.person()
    with pytest.raises(AccessError, match="403 not_operator"):
        await world.access.operators.suspend(boss, "creator", creator.id)
    await world.access.people.appoint(str(boss.id))
    await world.access.operators.suspend(boss, "creator", creator.id)
    await world.access.operators.lift(boss, "creator", creator.id)
    with pytest.raises(AccessError, match="409 own_account"):
        await world.access.operators.suspend(boss, "account", boss.id)
    for _ in range(2):  # twice is once
        await world.access.operators.suspend(boss, "account", owner.id, reason="He shouts.")
    for _ in range(2):
        await world.access.operators.lift(boss, "account", owner.id)
    await world.access.operators.suspend(boss, "space", creator.id, space="aSpace")
    await world.access.operators.lift(boss, "space", creator.id, space="aSpace")
    rows = await world.rows("SELECT action, actor, body FROM audit_log ORDER BY id")
    acts = [row for row in rows if row.action.endswith((".suspended", ".restored", ".active"))]
    assert [row.action for row in acts] == [
        "creator.suspended", "creator.restored", "account.suspended", "account.active", "space.suspended", "space.restored",
    ]  # fmt: skip
    [actor] = {row.actor for row in acts}
    assert actor, "by whom, as the log names people"
    told = {row.action: row.body for row in rows}
    assert "aSpace" in str(told["space.suspended"])
    assert "aSpace" in str(told["space.restored"])
    assert (await world.access.people.check_audit()).broken is None
