"""What a dispute does besides taking the right: nobody who contests a payment is charged again, and its fee is in the books."""

from __future__ import annotations

from typing import Literal

import pytest

from access.decide import Allow, Deny
from access.facts import DisputeChanged
from access.model import Account
from tests.harness.world import World

FEE = 1_500


async def contested(world: World, state: Literal["open", "won", "lost"]) -> tuple[Account, str]:
    """A fan, and the payment of his subscription, of which that is told."""
    owner, creator = await world.creator("ada")
    tier = await world.tier(owner, creator, amount_minor=1_000)
    fan = await world.person()
    await world.subscribe(fan, creator, tier)
    ((payment,),) = await world.rows(f"SELECT ref FROM payments WHERE account = {fan.id}")
    await tell(world, payment, state)
    return fan, payment


async def tell(world: World, payment: str, state: Literal["open", "won", "lost"]) -> None:
    now = world.clock()
    fact = DisputeChanged(
        provider="test", event=f"d:{state}", at=now, dispute="d", payment=payment, state=state, amount_minor=1_000,
        opened_at=now, fee_minor=FEE,
    )  # fmt: skip
    await world.access.desk.take([fact, fact])
    await world.access.desk.keep_time()


async def charges(world: World, fan: Account) -> int:
    """How often he has been charged after two months."""
    for _ in range(7):
        world.clock.forward(days=10)
        await world.access.desk.keep_time()
    return len(await world.access.books.own_payments(fan))


async def fees(world: World) -> int:
    query = "SELECT SUM(-amount_minor) FROM ledger_entries WHERE ledger_account = 'processor_fees'"
    return int((await world.rows(query))[0][0])


@pytest.mark.parametrize("state", ["open", "lost"])
async def test_whoever_contests_a_payment_is_not_charged_again(world: World, state: Literal["open", "lost"]) -> None:
    fan, _ = await contested(world, state)
    (found,) = await world.access.follows.of_account(fan)
    assert found.cancel_at_period_end
    assert await charges(world, fan) == 1
    assert await world.access.books.check() == []


async def test_of_a_dispute_that_was_won_before_it_was_heard_of_nothing_is_stopped(world: World) -> None:
    fan, _ = await contested(world, "won")
    assert await charges(world, fan) == 3


async def test_a_dispute_that_is_won_gives_the_period_back_but_no_renewals(world: World) -> None:
    fan, payment = await contested(world, "open")
    creator = await world.access.creator("ada")
    assert isinstance(await world.may_join(fan, creator), Deny)
    await tell(world, payment, "won")
    assert isinstance(await world.may_join(fan, creator), Allow)
    assert await charges(world, fan) == 1
    assert isinstance(await world.may_join(fan, creator), Deny)


@pytest.mark.parametrize("told", [("won",), ("open", "won"), ("lost",), ("won", "lost"), ("open", "won", "lost")])
async def test_the_fee_of_a_dispute_is_in_the_books_once(
    world: World, told: tuple[Literal["open", "won", "lost"], ...]
) -> None:
    _, payment = await contested(world, told[0])
    before = await fees(world) - (FEE if told[0] != "open" else 0)
    for state in told[1:]:
        await tell(world, payment, state)
    assert await fees(world) == before + FEE
    assert await world.access.books.check() == []
    adjustments = await world.rows("SELECT id FROM ledger_transfers WHERE kind = 'adjustment'")
    assert len(adjustments) == int("won" in told)


async def test_a_month_that_is_over_keeps_its_statement(world: World) -> None:
    """The provider tells in April how a dispute of March has ended, and dates it with its beginning."""
    _, payment = await contested(world, "open")
    owner = await world.access.authenticate(world.token("person-0"))
    creator, began = await world.access.creator("ada"), world.clock()
    before = await world.access.books.statement(owner, creator, "2026-01")
    world.clock.forward(days=20)
    now = world.clock()
    lost = DisputeChanged(
        provider="test", event="d:lost", at=began, dispute="d", payment=payment, state="lost", amount_minor=1_000,
        opened_at=began, fee_minor=FEE,
    )  # fmt: skip
    await world.access.desk.take([lost])
    assert await world.access.books.statement(owner, creator, "2026-01") == before
    after = await world.access.books.statement(owner, creator, "2026-02")
    assert [(line.booked_at, line.at) for line in after] == [(now, began)] * 2
    (balance,) = await world.access.books.balances(owner, creator)
    assert after[-1].balance_minor == balance.balance_minor
    assert after[0].balance_minor == before[-1].balance_minor + after[0].creator_minor
    ((closed,),) = await world.rows("SELECT COUNT(*) FROM disputes WHERE closed_at > opened_at")
    assert closed == 1
