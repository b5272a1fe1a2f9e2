"""Random lives of a Space's tickets: never oversold, whoever paid has a seat or his money, and only a ticket admits."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.decide import Action, Allow, Policy, Resource
from access.facts import AnyFact
from access.model import Account, Creator
from access.ticket_model import SoldTicket
from tests.harness.histories import Worlds, histories, outcome
from tests.harness.money_news import disputed, paid, refunded
from tests.harness.tickets import (
    SPACE,
    cancel_space,
    check_books_and_seats,
    may_come,
    on_sale,
    ref_of,
    reserve,
    ticket,
    time_passes,
)
from tests.harness.world import World

pytestmark = pytest.mark.thorough

FANS, SEATS = 3, 2
numbers = st.integers(0, FANS - 1)
REFUSALS = frozenset(
    {
        *("already_holds", "reservation_ending", "sold_out", "not_on_sale", "blocked", "checkout_closed", "bad_state"),
        *("unknown_ticket", "ticket_used"),
    }
)
STEPS = st.one_of(
    st.tuples(st.sampled_from(["reserve", "reserve", "pay", "pay", "pays_later", "decline"]), numbers),
    st.tuples(st.sampled_from(["give_up", "transfer", "refund", "use", "ban", "unban"]), numbers),
    st.tuples(st.sampled_from(["told_paid", "told_twice", "told_refund", "told_failed"]), numbers),
    st.tuples(st.sampled_from(["told_open", "told_won", "told_lost"]), numbers),
    st.tuples(st.just("wait"), st.sampled_from([5, 40, 60 * 26])),
    st.tuples(st.just("cancel_space"), st.just(0)),
)


@dataclass
class Lives:
    world: World
    owner: Account
    creator: Creator
    fans: list[Account]
    sold: list[SoldTicket] = field(default_factory=list)
    banned: set[int] = field(default_factory=set)
    cancelled: bool = False

    async def step(self, name: str, number: int) -> None:
        fan = self.fans[number % FANS]
        match name:
            case "wait":
                await time_passes(self.world, minutes=number)
            case "cancel_space" if not self.cancelled:
                self.cancelled = True
                await cancel_space(self.world)
                await time_passes(self.world)
            case "ban":
                await self.world.access.ban(self.owner, fan, creator=self.creator.id, space=SPACE)
                self.banned.add(fan.id)
            case "unban":
                await self.world.access.unban(self.owner, fan, creator=self.creator.id)
                self.banned.discard(fan.id)
            case "reserve":
                begun = await tried(reserve(self.world, fan))
                if begun is not None and begun.id not in {one.id for one in self.sold}:
                    self.sold.append(begun)
            case "use":
                resource = Resource(SPACE, self.creator.id, (Policy("ticketed"),))
                await self.world.access.admit(fan, Action.JOIN, resource)
            case _ if self.sold:
                await self.with_ticket(name, self.sold[-1 - number % len(self.sold)])

    async def with_ticket(self, name: str, sold: SoldTicket) -> None:
        tickets = self.world.access.tickets
        told = self.fact(name, sold)
        if told is not None:
            await self.world.access.desk.take([told, told])
            return
        now = await ticket(self.world, sold.id)
        by_id = {fan.id: fan for fan in self.fans}
        match name:
            case "pay" | "pays_later" | "decline":
                await tried(tickets.pay(ref_of(sold), "succeed" if name == "pay" else name))
            case "give_up":
                await tried(tickets.give_up(by_id[now.payer], sold.id))
            case "transfer":
                others = [fan for fan in self.fans if fan.id != now.account]
                await tried(tickets.transfer(by_id[now.account], sold.id, others[sold.id % len(others)]))
            case "refund":
                await tried(tickets.refund(self.owner, sold.id))

    def fact(self, name: str, sold: SoldTicket) -> AnyFact | None:
        """As a provider tells it, of the checkout that was paid, or of another that nobody knew of."""
        ref, now = ref_of(sold), self.world.clock()
        match name:
            case "told_paid":
                return paid(sold, ref, now)
            case "told_twice":
                return paid(sold, ref, now, payment=f"{ref}:second")
            case "told_refund":
                return refunded(sold, ref, now)
            case "told_failed":
                return refunded(sold, ref, now, "failed")
            case "told_open" | "told_won" | "told_lost":
                return disputed(sold, ref, now, name.removeprefix("told_"))
        return None

    async def check(self) -> None:
        await check_books_and_seats(self.world)
        rows = await self.world.rows("SELECT account FROM tickets WHERE state IN ('paid', 'admitted')")
        holders = [row.account for row in rows]
        assert len(holders) == len(set(holders)) <= SEATS
        for fan in self.fans:
            answer = await may_come(self.world, fan, self.creator)
            assert isinstance(answer, Allow) == (fan.id in holders and fan.id not in self.banned)

    async def finish(self) -> None:
        """In two days every reservation is over; whoever paid has a seat, a dispute, or has been asked to be paid back."""
        await time_passes(self.world, hours=48)
        await time_passes(self.world, minutes=1)
        await self.check()
        assert await self.world.rows("SELECT id FROM tickets WHERE state = 'reserved'") == []
        if self.cancelled:
            assert await self.world.rows("SELECT id FROM tickets WHERE state IN ('paid', 'admitted')") == []
        assert await self.world.access.books.check() == []


async def tried(act: Awaitable[Any]) -> Any:
    done, refused = await outcome(act)
    assert refused is None or refused.code in REFUSALS, refused
    return done


@histories(15)
@given(st.integers(0, 2), st.lists(STEPS, min_size=4, max_size=18))
async def test_seats_are_paid_for_and_never_too_many(worlds: Worlds, far: int, steps: list[tuple[str, int]]) -> None:
    """`far`: how far the first ticket has come when anything may happen."""
    world = await worlds.new()
    owner, creator = await on_sale(world, SEATS)
    lives = Lives(world, owner, creator, [await world.person() for _ in range(FANS)])
    for name, number in [*((name, 0) for name in ("reserve", "pay")[:far]), *steps]:
        await lives.step(name, number)
        await lives.check()
    await lives.finish()


@histories(10)
@given(st.permutations(["told_paid", "told_refund", "told_failed", "told_open", "told_won"]), st.booleans())
async def test_the_order_of_the_news_does_not_matter(worlds: Worlds, order: list[str], late: bool) -> None:
    world = await worlds.new()
    owner, creator = await on_sale(world, SEATS)
    lives = Lives(world, owner, creator, [await world.person() for _ in range(FANS)])
    await lives.step("reserve", 0)
    if late:
        world.clock.now += timedelta(minutes=40)
        await world.access.desk.keep_time()
    for name in order:
        await lives.step(name, 0)
        await lives.check()
    assert (await ticket(world, lives.sold[0].id)).state == "paid", "the refund came back and the dispute was won"
    assert await world.access.books.check() == []
