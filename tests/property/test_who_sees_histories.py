"""Random people come to, change and lose roles of a publication while others buy: at every moment each sees what his role
shows, and of others' money nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.model import Account, Creator, Tier
from access.ticket_offers import Settings
from tests.harness import gifts, tickets
from tests.harness.histories import Worlds, histories, outcome
from tests.harness.world import World

pytestmark = pytest.mark.thorough

PEOPLE = 3
people = st.integers(0, PEOPLE - 1)
ROLES = ("owner", "editor", "host", "finance")
STEPS = st.one_of(
    st.tuples(st.sampled_from([*ROLES, "finance", "nothing", "suspend", "lift"]), people),
    st.tuples(st.sampled_from(["subscribe", "ticket", "gift", "give_ticket", "refund"]), people),
)
MONEY, EDITORS = frozenset({"owner", "finance"}), frozenset({"owner", "editor"})
Read = Callable[[World, Account, Creator], Awaitable[Any]]
READS: dict[str, tuple[frozenset[str], bool, Read]] = {
    "payments": (MONEY, True, lambda w, a, c: w.access.books.payments(a, c)),
    "balances": (MONEY, True, lambda w, a, c: w.access.books.balances(a, c)),
    "payouts": (MONEY, True, lambda w, a, c: w.access.books.payouts(a, c)),
    "statement": (MONEY, True, lambda w, a, c: w.access.books.statement(a, c, "2026-01")),
    "payout account": (MONEY, True, lambda w, a, c: w.access.payout_accounts.get(a, c)),
    "subscribers": (MONEY, False, lambda w, a, c: w.access.follows.subscribers(a, c)),
    "tickets": (MONEY, False, lambda w, a, c: w.access.tickets.of_space(a, tickets.SPACE, c.id)),
    "buyers": (MONEY, False, lambda w, a, c: w.access.tickets.buyers(a, tickets.SPACE, c.id, after=0, most=9)),
    "gifts": (MONEY, False, lambda w, a, c: w.access.gifts.of_creator(a, c)),
    "comps": (MONEY, False, lambda w, a, c: w.access.comps(a, c)),
    "coupons": (MONEY, False, lambda w, a, c: w.access.offers.coupons(a, c)),
    "codes": (MONEY, False, lambda w, a, c: w.access.merch.codes_of(a, c)),
    "good codes": (MONEY, False, lambda w, a, c: w.access.merch.good_codes(a, c)),
    "keys": (MONEY, False, lambda w, a, c: w.access.merch.keys(a, c)),
    "newsletters": (EDITORS, False, lambda w, a, c: w.access.newsletters.of_creator(a, c)),
    "members": (frozenset(ROLES), False, lambda w, a, c: w.access.offers.members(a, c)),
}
"""Who sees it; whether also while he is suspended; and how it is asked for."""


@dataclass
class Life:
    world: World
    founder: Account
    creator: Creator
    tier: Tier
    people: list[Account]
    stranger: Account
    roles: dict[int, str] = field(default_factory=dict)

    async def step(self, name: str, number: int) -> None:
        access, creator, one = self.world.access, self.creator, self.people[number]
        match name:
            case "nothing":
                await access.offers.remove_member(self.founder, creator, one)
                self.roles.pop(one.id, None)
            case "suspend" | "lift":
                await access.suspend(one, suspended=name == "suspend")
                self.people[number] = (await access.accounts([one.id]))[one.id]
            case "subscribe":
                begun, _ = await outcome(access.follows.subscribe(one, creator, tier=self.tier.id))
                if begun is not None and begun.checkout_url is not None:
                    await access.follows.pay(begun.checkout_url.rsplit("/", 1)[1], "succeed")
            case "ticket":
                sold, _ = await outcome(tickets.reserve(self.world, one))
                if sold is not None and sold.checkout_url is not None:
                    await access.tickets.pay(tickets.ref_of(sold), "succeed")
            case "gift":
                other = self.people[(number + 1) % PEOPLE]
                begun_gift, _ = await outcome(gifts.begin(self.world, one, creator, self.tier, 1, recipient=other))
                if begun_gift is not None:
                    await access.gifts.pay(gifts.ref_of(begun_gift), "succeed")
            case "give_ticket":
                for ticket in await access.tickets.of_account(one):
                    await outcome(access.tickets.transfer(one, ticket.id, self.people[(number + 1) % PEOPLE]))
            case "refund":
                for payment in await access.books.payments(self.founder, creator):
                    if payment.account == one.id:
                        await outcome(access.books.refund(self.founder, creator, payment.id, amount_minor=1))
            case _:
                await access.offers.set_role(self.founder, creator, one, name)
                self.roles[one.id] = name

    async def check(self) -> None:
        for one in (*self.people, self.stranger):
            role, suspended = self.roles.get(one.id), one.status == "suspended"
            for what, (roles, to_read, asked) in READS.items():
                seen, refused = await outcome(asked(self.world, one, self.creator))
                may = role in roles and (to_read or not suspended)
                assert (refused is None) is may, f"{what}, as {role}, {one.status}"
                assert refused is None or (refused.status, refused.code, seen) == (403, "not_creator", None), what
            await self.sees_his_own(one)

    async def sees_his_own(self, one: Account) -> None:
        access = self.world.access
        assert {payment.account for payment in await access.books.own_payments(one)} <= {one.id}
        assert {follow.account for follow in await access.follows.of_account(one)} <= {one.id}
        for ticket in await access.tickets.of_account(one):
            assert one.id in (ticket.account, ticket.payer)
        for gift in await access.gifts.of_account(one):
            assert one.id in (gift.account, gift.recipient)


@histories(8)
@given(st.lists(STEPS, min_size=4, max_size=16))
async def test_each_sees_what_his_role_shows(worlds: Worlds, steps: list[tuple[str, int]]) -> None:
    world = await worlds.new()
    founder = await world.person()
    creator = await world.access.offers.found_publication(founder, handle="the-daily", name=None)
    tier = await world.tier(founder, creator)
    settings = Settings(amount_minor=tickets.PRICE, currency="USD", quantity=9)
    await world.access.tickets.set_offer(founder, tickets.SPACE, creator.id, settings)
    life = Life(world, founder, creator, tier, [await world.person() for _ in range(PEOPLE)], await world.person())
    for name, number in steps:
        await life.step(name, number)
        await life.check()
