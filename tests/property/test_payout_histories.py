"""Random lives of a creator's balance: no more is paid out than is available, and what failed or came back is there again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
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
    st.tuples(
        st.sampled_from(["all", "part", "too_much", "negative"]), st.sampled_from(["", "away", "refused", "slow"])
    ),
    st.tuples(st.sampled_from(["submitted", "paid", "failed", "returned"]), st.integers(0, 3)),
)
MOVED = ("planned", "submitted", "paid")
"""Where a payout's money is not the creator's."""


class MoodyMoney(EmbeddedTestMoney):
    """Test money whose payouts fail as it is told to."""

    mood = ""

    async def pay_out(self, request: PayoutRequest, *, key: str, now: datetime) -> Facts:
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

    async def balance(self) -> Balance:
        found = await self.world.access.books.balances(self.owner, self.creator)
        return found[0] if found else Balance("USD", 0, 0, 0, 0)

    async def step(self, name: str, number: Any) -> None:
        access = self.world.access
        match name:
            case "sale":
                await self.world.subscribe(await self.world.person(), self.creator, self.tier)
            case "wait":
                self.world.clock.now += timedelta(days=number)
                self.money.mood = "slow"  # who was away is asked again
                await access.desk.work_off()
            case "refund" | "part_refund":
                await self.refund(number, 7 if name == "part_refund" else None)
            case "submitted" | "paid" | "failed" | "returned":
                if self.payouts:
                    await self.tell(list(self.payouts)[number % len(self.payouts)], name)
            case _:
                await self.pay_out(name, number)

    async def refund(self, number: int, amount: int | None) -> None:
        books = self.world.access.books
        payments = await books.payments(self.owner, self.creator)
        if payments:
            payment = payments[number % len(payments)]
            asked = books.refund(self.owner, self.creator, payment.id, amount_minor=amount)
            _, refused = await outcome(asked)
            assert refused is None or refused.code == "nothing_to_refund" or refused.field == "amount_minor"

    async def tell(self, payout: int, state: Any) -> None:
        told = PayoutChanged(
            provider="test", event=f"{payout}:{state}", at=self.world.clock(), payout=payout, transfer=f"tr{payout}",
            state=state,
        )  # fmt: skip
        await self.world.access.desk.take([told, told])
        self.payouts[payout].append(state)

    async def pay_out(self, how: str, mood: str) -> None:
        self.money.mood = mood
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
        gone = made.amount_minor if mood != "refused" else 0
        assert (await self.balance()).balance_minor == before.balance_minor - gone

    async def check(self) -> None:
        for payout in await self.world.access.books.payouts(self.owner, self.creator):
            told = self.payouts[payout.id]
            assert payout.state == max(told, key=ORDER.index), "the later stands"
        held = dict.fromkeys(ORDER, 0)
        for payout in await self.world.access.books.payouts(self.owner, self.creator):
            held[payout.state] += payout.amount_minor
        balance = await self.balance()
        assert balance.in_transit_minor == held["planned"] + held["submitted"]
        earned = await self.world.rows(
            "SELECT coalesce(sum(-e.amount_minor), 0) AS n FROM ledger_entries e JOIN ledger_transfers t "
            "ON t.id = e.transfer WHERE e.ledger_account = 'creator_balance' AND t.kind NOT LIKE 'payout%'"
        )
        assert balance.balance_minor == int(earned[0].n) - sum(held[state] for state in MOVED)
        assert await self.world.access.books.check() == []


@histories(20)
@given(st.lists(STEPS, min_size=3, max_size=16))
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
