"""Random lives of a creator's balance: no more is paid out than is available, and what failed or came back is there again.
While he is suspended nothing is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from access.embedded_money import EmbeddedTestMoney
from access.facts import Facts, PayoutChanged
from access.model import Account, Creator, Tier
from access.money_model import Balance
from access.payments import PayoutRequest, provider_away, provider_refused
from access.payout_facts import ORDER
from access.service import Access
from tests.harness.histories import Worlds, histories, outcome
from tests.harness.world import World

pytestmark = pytest.mark.thorough

STEPS = st.one_of(
    st.tuples(st.sampled_from(["sale", "refund", "part_refund"]), st.integers(0, 3)),
    st.tuples(st.just("wait"), st.sampled_from([1, 8, 8, 32])),
    st.tuples(st.sampled_from(["suspend", "lift"]), st.sampled_from(["creator", "account"])),
    st.tuples(
        st.sampled_from(["all", "part", "too_much", "negative"]), st.sampled_from(["", "away", "refused", "slow"])
    ),
    st.tuples(st.sampled_from(["submitted", "paid", "failed", "returned", "part_returned"]), st.integers(0, 3)),
)
MOVED = ("planned", "submitted", "paid")
"""Where a payout's money is not the creator's."""


class MoodyMoney(EmbeddedTestMoney):
    """Test money whose payouts fail as it is told to."""

    mood = ""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.asked: list[int] = []

    async def pay_out(self, request: PayoutRequest, *, key: str, now: datetime) -> Facts:
        self.asked.append(request.payout)
        match self.mood:
            case "away":
                raise provider_away("It does not answer.")
            case "refused":
                raise provider_refused("This account cannot be paid.")
            case "slow":
                return ()
        return await super().pay_out(request, key=key, now=now)


@dataclass
class Life:
    world: World
    money: MoodyMoney
    owner: Account
    creator: Creator
    tier: Tier
    payouts: dict[int, list[str]] = field(default_factory=dict)
    """What was told of each."""
    returned: dict[int, int] = field(default_factory=dict)
    """The most that was told to have come back of it."""
    suspended: set[str] = field(default_factory=set)
    """By which scopes the creator is."""
    unsent: set[int] = field(default_factory=set)
    """Asked for while he is."""

    async def balance(self) -> Balance:
        found = await self.world.access.books.balances(self.owner, self.creator)
        return found[0] if found else Balance("USD", 0, 0, 0, 0)

    async def step(self, name: str, number: Any) -> None:
        access = self.world.access
        self.money.mood = "slow"
        match name:
            case "sale" if not self.suspended:
                await self.world.subscribe(await self.world.person(), self.creator, self.tier)
            case "wait":
                self.world.clock.now += timedelta(days=number)
                await self.sent_slowly()
            case "suspend":
                await access.operators.suspend(None, number, self.creator.id)
                self.suspended.add(number)
            case "lift":
                await access.operators.lift(None, number, self.creator.id)
                self.suspended.discard(number)
                await self.sent_slowly()
            case "refund" | "part_refund":
                await self.refund(number, 7 if name == "part_refund" else None)
            case "submitted" | "paid" | "failed" | "returned" | "part_returned":
                if self.payouts:
                    await self.tell(list(self.payouts)[number % len(self.payouts)], name, number)
            case "all" | "part" | "too_much" | "negative":
                await self.pay_out(name, number)

    async def sent_slowly(self) -> None:
        """Whatever may be sent now: who was away is asked again, and what was kept back goes on."""
        self.money.mood = "slow"
        self.money.asked.clear()
        await self.world.access.desk.work_off()
        if self.held(await self.balance()) is not None:
            for payout in await self.world.access.books.payouts(self.owner, self.creator):
                assert payout.state != "planned" or payout.id not in self.money.asked
        if not self.suspended:
            self.unsent.clear()

    def held(self, balance: Balance) -> str | None:
        if self.suspended:
            return "creator_suspended" if "creator" in self.suspended else "suspended"
        return "negative_balance" if balance.balance_minor < 0 else None

    async def refund(self, number: int, amount: int | None) -> None:
        books = self.world.access.books
        payments = await books.payments(self.owner, self.creator)
        if payments:
            payment = payments[number % len(payments)]
            asked = books.refund(self.owner, self.creator, payment.id, amount_minor=amount)
            _, refused = await outcome(asked)
            assert refused is None or refused.code == "nothing_to_refund" or refused.field == "amount_minor"

    async def tell(self, payout: int, what: str, number: int) -> None:
        """`part_returned`: of one that is paid; what is told of an earlier part may come late."""
        state: Any = "paid" if what == "part_returned" else what
        part = 150 * (number + 1) if what == "part_returned" else 0
        told = PayoutChanged(
            provider="test", event=f"{payout}:{state}:{part}", at=self.world.clock(), payout=payout,
            transfer=f"tr{payout}", state=state, returned_minor=part,
        )  # fmt: skip
        await self.world.access.desk.take([told, told])
        self.payouts[payout].append(state)
        self.returned[payout] = max(self.returned.get(payout, 0), part)

    async def pay_out(self, how: str, mood: str) -> None:
        await self.sent_slowly()
        self.money.mood = mood = "slow" if self.suspended else mood
        before = await self.balance()
        available = before.available_minor
        amounts = {"all": None, "part": max(available // 3, 1), "too_much": available + 1, "negative": -available - 1}
        asked = self.world.access.books.pay_out(self.owner, self.creator, currency="USD", amount_minor=amounts[how])
        made, refused = await outcome(asked)
        if made is None:
            assert refused is not None
            assert refused.code == "nothing_available" or refused.field == "amount_minor"
            assert available <= 0 or how in ("too_much", "negative")
            assert await self.balance() == before
            return
        assert 0 < made.amount_minor <= available
        assert made.amount_minor == (amounts[how] or available)
        told = {"": ["paid"], "refused": ["failed"]}.get(mood, [])
        self.payouts[made.id] = ["planned", *told]
        if self.suspended:
            self.unsent.add(made.id)
        gone = made.amount_minor if mood != "refused" else 0
        assert (await self.balance()).balance_minor == before.balance_minor - gone

    async def check(self) -> None:
        held = self.held(await self.balance())
        for payout in await self.world.access.books.payouts(self.owner, self.creator):
            assert payout.held in (None, held if payout.state == "planned" else None)
            if payout.id in self.unsent and payout.state == "planned":
                assert payout.held == held
            part = self.returned.get(payout.id, 0)
            all_came_back = ["returned"] if part >= payout.amount_minor else []
            told = max([*self.payouts[payout.id], *all_came_back], key=ORDER.index)
            assert payout.state == told, "the later stands"
            assert payout.returned_minor == (payout.amount_minor if told in ("failed", "returned") else part)
        sums = dict.fromkeys(ORDER, 0)
        for payout in await self.world.access.books.payouts(self.owner, self.creator):
            sums[payout.state] += payout.amount_minor - payout.returned_minor
        balance = await self.balance()
        assert balance.in_transit_minor == sums["planned"] + sums["submitted"]
        earned = await self.world.rows(
            "SELECT coalesce(sum(-e.amount_minor), 0) AS n FROM ledger_entries e JOIN ledger_transfers t "
            "ON t.id = e.transfer WHERE e.ledger_account = 'creator_balance' AND t.kind NOT LIKE 'payout%'"
        )
        assert balance.balance_minor == int(earned[0].n) - sum(sums[state] for state in MOVED)
        assert await self.world.access.books.check() == []


@example(steps=[("part", ""), ("failed", 0), ("part_returned", 3)])  # it failed, and then all of it has come back
@histories(20)
@given(steps=st.lists(STEPS, min_size=3, max_size=16))
async def test_what_is_paid_out_was_there(worlds: Worlds, steps: list[tuple[str, Any]]) -> None:
    world = await worlds.new()
    money = MoodyMoney(world.engine, lambda: "http://127.0.0.1:1")
    world.access = Access(world.engine, provider=money, join_token_key=b"j" * 32, now=world.clock)
    owner, creator = await world.creator()
    tier = await world.tier(owner, creator, amount_minor=1_000)
    life = Life(world, money, owner, creator, tier)
    for name, number in [("sale", 0), ("wait", 8), *steps]:
        await life.step(name, number)
        await life.check()
