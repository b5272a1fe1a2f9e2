"""Random lives of a coupon: each payment costs what it says, it is redeemed no more often than it may be, and once by each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.model import Account, Creator, Subscription, Tier
from tests.harness.histories import Worlds, histories, outcome
from tests.harness.world import World, pay_ref

pytestmark = pytest.mark.thorough

FANS = 3
PRICE = 1_000
fans = st.integers(0, FANS - 1)
STEPS = st.one_of(
    st.tuples(st.sampled_from(["begin", "begin", "begin_plain", "pay", "pay", "decline", "end"]), fans),
    st.tuples(st.just("wait"), st.sampled_from([1, 32, 32, 65])),
    st.tuples(st.just("archive"), st.just(0)),
)
COUPONS = st.fixed_dictionaries(
    {
        "off": st.one_of(
            st.tuples(st.just("percent_off"), st.sampled_from([0.01, 33.33, 50.0, 100.0])),
            st.tuples(st.just("amount_off"), st.sampled_from([99, 500, 1_000])),
        ),
        "duration": st.sampled_from([("once", None), ("months", 2), ("forever", None)]),
        "redemptions_max": st.sampled_from([None, 1, 2]),
    }
)
REFUSALS = frozenset(
    {"already_subscribed", "unknown_coupon", "coupon_used", "coupon_used_up", "checkout_closed", "bad_state"}
)


@dataclass
class Life:
    world: World
    owner: Account
    creator: Creator
    tier: Tier
    coupon: dict[str, Any]
    fans: list[Account]
    open: dict[int, Subscription] = field(default_factory=dict)
    with_coupon: set[int] = field(default_factory=set)
    """Subscriptions."""
    archived: bool = False

    def price(self, payment: int) -> int:
        """Of the n-th payment of a subscription, from 0."""
        name, months = self.coupon["duration"]
        if payment >= {"once": 1, "months": months, "forever": payment + 1}[name]:
            return PRICE
        kind, off = self.coupon["off"]
        if kind == "amount_off":
            return max(PRICE - int(off), 0)
        return PRICE - round(PRICE * round(float(off) * 100) / 10_000)

    async def step(self, name: str, number: int) -> None:
        fan = self.fans[number % FANS]
        _, refused = await outcome(self.act(name, number, fan))
        assert refused is None or refused.code in REFUSALS, refused
        assert refused is None or refused.code != "unknown_coupon" or self.archived

    async def act(self, name: str, number: int, fan: Account) -> None:
        follows = self.world.access.follows
        match name:
            case "wait":
                self.world.clock.forward(days=number)
                await self.world.access.desk.keep_time()
            case "archive":
                await self.world.access.offers.archive_coupon(self.owner, self.creator, "SPRING")
                self.archived = True
            case "begin" | "begin_plain":
                await self.begin(fan, coupon="spring" if name == "begin" else None)
            case "pay" | "decline" if fan.id in self.open:
                await follows.pay(pay_ref(self.open[fan.id]), "succeed" if name == "pay" else "decline")
            case "end" if fan.id in self.open:
                await follows.cancel(self.owner, self.open[fan.id].id, at="now")

    async def begin(self, fan: Account, *, coupon: str | None) -> None:
        begun = await self.world.access.follows.subscribe(fan, self.creator, tier=self.tier.id, coupon=coupon)
        known = {open_one.id for open_one in self.open.values()}
        self.open[fan.id] = begun
        if coupon is not None and begun.id not in known:
            assert not self.archived
            self.with_coupon.add(begun.id)

    async def check(self) -> None:
        counted = {"redemptions": 0}
        for row in await self.world.rows("SELECT id, account, coupon, status FROM subscriptions ORDER BY id"):
            assert (row.coupon is not None) == (row.id in self.with_coupon)
            counted["redemptions"] += row.coupon is not None and row.status != "incomplete_expired"
            payments = await self.world.rows(
                f"SELECT gross_minor FROM payments WHERE purchase = 'subscription:{row.id}' ORDER BY paid_at, id"
            )
            periods = await self.world.rows(f"SELECT id FROM paid_periods WHERE subscription = {row.id}")
            expected = [self.price(n) if row.id in self.with_coupon else PRICE for n in range(len(periods))]
            assert [payment.gross_minor for payment in payments] == [price for price in expected if price > 0]
        most = self.coupon["redemptions_max"]
        assert most is None or counted["redemptions"] <= most
        used = await self.world.rows(
            "SELECT account FROM subscriptions s WHERE coupon IS NOT NULL AND EXISTS "
            "(SELECT 1 FROM paid_periods p WHERE p.subscription = s.id) GROUP BY account HAVING count(*) > 1"
        )
        assert used == [], "twice by the same"
        assert await self.world.access.books.check() == []


@histories(20)
@given(COUPONS, st.lists(STEPS, min_size=4, max_size=18))
async def test_every_payment_costs_what_its_coupon_says(
    worlds: Worlds, coupon: dict[str, Any], steps: list[tuple[str, int]]
) -> None:
    world = await worlds.new()
    owner, creator = await world.creator()
    tier = await world.tier(owner, creator, amount_minor=PRICE)
    kind, off = coupon["off"]
    duration, months = coupon["duration"]
    options: dict[str, Any] = {kind: (off, "USD") if kind == "amount_off" else off}
    await world.access.offers.create_coupon(
        owner, creator, code="Spring", duration=duration, months=months, redemptions_max=coupon["redemptions_max"],
        **options,
    )  # fmt: skip
    life = Life(world, owner, creator, tier, coupon, [await world.person() for _ in range(FANS)])
    for name, number in steps:
        await life.step(name, number)
        await life.check()
