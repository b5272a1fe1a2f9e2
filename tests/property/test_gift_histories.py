"""Random lives of gifts: whatever is done and told, in whatever order and however often, nobody has a right from a gift whose
payment does not stand, nobody has one twice, and the books add up.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.decide import Allow
from access.errors import AccessError
from access.facts import AnyFact
from access.gift_model import Gift
from access.model import Account, Creator, Tier
from tests.harness.gifts import begin, check_gifts, ref_of
from tests.harness.histories import Worlds, histories
from tests.harness.money_news import disputed, paid, refunded
from tests.harness.world import World

pytestmark = pytest.mark.thorough

REFUSALS = frozenset(
    {"bad_state", "checkout_closed", "gift_redeemed", "unknown_code", "code_expired", "not_yours", "unknown_gift"}
)
STEPS = st.one_of(
    st.tuples(st.sampled_from(["begin", "link", "redeem", "refund", "creator_refund"]), st.integers(0, 2)),
    st.tuples(st.sampled_from(["pay", "decline", "pays_later"]), st.integers(0, 2)),
    st.tuples(st.sampled_from(["told_paid", "told_twice", "told_refund", "told_failed"]), st.integers(0, 2)),
    st.tuples(st.sampled_from(["told_open", "told_won", "told_lost"]), st.integers(0, 2)),
    st.tuples(st.just("wait"), st.sampled_from([1, 26, 24 * 40, 24 * 100])),
)


@dataclass
class Lives:
    world: World
    owner: Account
    creator: Creator
    tier: Tier
    giver: Account
    fans: list[Account]
    gifts: list[Gift] = field(default_factory=list)
    codes: dict[int, list[str]] = field(default_factory=dict)

    async def step(self, name: str, number: int) -> None:
        if name == "wait":
            self.world.clock.now += timedelta(hours=number)
            await self.world.access.desk.keep_time()
        elif name == "begin" and len(self.gifts) < 3:
            recipient = self.fans[0] if number == 2 else None
            self.gifts.append(await begin(self.world, self.giver, self.creator, self.tier, 1, recipient=recipient))
        elif self.gifts:
            gift = self.gifts[number % len(self.gifts)]
            told = self.fact(name, gift)
            await (self.act(name, gift) if told is None else self.world.access.desk.take([told, told]))

    async def act(self, name: str, gift: Gift) -> None:
        gifts = self.world.access.gifts
        try:
            if name == "link":
                code, _ = await gifts.make_link(self.giver, gift.id)
                self.codes.setdefault(gift.id, []).append(code)
            elif name == "redeem":
                for fan in self.fans:
                    for code in self.codes.get(gift.id, []):
                        await _tried(gifts.redeem_code(fan, code))
            elif name in ("refund", "creator_refund"):
                await gifts.refund(self.giver if name == "refund" else self.owner, gift.id)
            elif name in ("pay", "decline", "pays_later"):
                await gifts.pay(ref_of(gift), {"pay": "succeed"}.get(name, name))
        except AccessError as error:
            if error.code not in REFUSALS:
                raise

    def fact(self, name: str, gift: Gift) -> AnyFact | None:
        """As a provider tells it, of the checkout that was paid or of another that nobody knew of."""
        ref, now = ref_of(gift), self.world.clock()
        match name:
            case "told_paid":
                return paid(gift, ref, now)
            case "told_twice":
                return paid(gift, ref, now, payment=f"{ref}:second")
            case "told_refund":
                return refunded(gift, ref, now)
            case "told_failed":
                return refunded(gift, ref, now, "failed")
            case "told_open" | "told_won" | "told_lost":
                return disputed(gift, ref, now, name.removeprefix("told_"))
            case _:
                return None

    async def check(self) -> None:
        """The door says what the rows of money say."""
        now = self.world.clock()
        standing = await self.world.rows(
            'SELECT gifts.recipient, grants.start, grants."end" FROM gifts JOIN grants ON grants.id = gifts."grant" '
            "WHERE gifts.state = 'redeemed'"
        )
        await check_gifts(self.world)
        for fan in (*self.fans, self.giver):
            answer = await self.world.may_join(fan, self.creator)
            mine = [gift for gift in await self.world.access.gifts.of_account(fan) if gift.recipient == fan.id]
            runs = [
                g
                for g in mine
                if g.state == "redeemed" and g.starts_at and g.ends_at and g.starts_at <= now < g.ends_at
            ]
            assert isinstance(answer, Allow) == bool(runs)
            assert len([row for row in standing if row.recipient == fan.id]) == len(
                [gift for gift in mine if gift.state == "redeemed"]
            )


async def _tried(act: Awaitable[Any]) -> None:
    try:
        await act
    except AccessError as error:
        if error.code not in REFUSALS:
            raise


@histories(15)
@given(st.integers(1, 4), st.lists(STEPS, min_size=4, max_size=16))
async def test_no_right_without_a_paid_gift(worlds: Worlds, far: int, steps: list[tuple[str, int]]) -> None:
    """`far`: how far the first gift has come when anything may happen."""
    world = await worlds.new()
    owner, creator = await world.creator()
    tier = await world.tier(owner, creator)
    lives = Lives(world, owner, creator, tier, await world.person(), [await world.person(), await world.person()])
    for name, number in [*((name, 0) for name in ("begin", "pay", "link", "redeem")[:far]), *steps]:
        await lives.step(name, number)
        await lives.check()
    assert await world.access.books.check() == []


@histories(15)
@given(st.permutations(["told_paid", "told_refund", "told_failed", "told_open", "told_won"]), st.booleans())
async def test_the_order_of_the_news_does_not_matter(worlds: Worlds, order: list[str], late: bool) -> None:
    world = await worlds.new()
    owner, creator = await world.creator()
    tier = await world.tier(owner, creator)
    giver, fan = await world.person(), await world.person()
    lives = Lives(world, owner, creator, tier, giver, [fan])
    await lives.step("begin", 0)
    if late:
        await lives.step("wait", 26)
    for name in order:
        await lives.step(name, 0)
        await check_gifts(world)
    [gift] = await world.access.gifts.of_account(giver)
    assert await world.access.books.check() == []
    assert gift.state == "paid", "the refund came back and the dispute was won"
